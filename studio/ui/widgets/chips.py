"""A small word about a state: tint, an icon or dot, and the word."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from studio.ui.icons import paint_icon
from studio.ui.theme import MEDIA, Theme, theme_of
from studio.ui.widgets.paint import line_text, mirrored, paint_box, painter_for, text_width

HEIGHT, PAD, ICON, GAP = 20, 8, 12, 5


def chip_width(theme: Theme, text: str, icon: str = "", *, dot: bool = False) -> int:
    """Pixels that `paint_chip` needs."""
    sign = ICON + GAP if icon else (6 + GAP if dot else 0)
    return 2 * PAD + sign + text_width(text, theme.font("caption", 500))


def paint_chip(
    painter: QPainter, rect: QRect, theme: Theme, text: str, tone: str, icon: str = "", *, dot: bool = False, rtl=False
) -> None:
    """For delegates: a chip that fills `rect`, which is `HEIGHT` high."""
    if tone == "neutral":
        fill, color = "surface.hover", "text.secondary"
    elif tone in MEDIA:
        fill, color = f"mediumTint.{tone}", f"mediumText.{tone}"
    else:
        fill, color = f"{tone}.tint", f"{tone}.text"
    paint_box(painter, rect, theme.color(fill), None, HEIGHT / 2)
    sign = ICON if icon else (6 if dot else 0)
    start = rect.right() + 1 - PAD - sign if rtl else rect.x() + PAD
    middle = rect.center().y() + 1
    if icon:
        paint_icon(painter, QRect(start, middle - ICON // 2, ICON, ICON), icon, theme.color(color))
    elif dot:
        paint_box(painter, QRect(start, middle - 3, 6, 6), theme.color(color), None, 3)
    room = rect.adjusted(PAD, 0, -PAD, 0)
    if sign:
        room.adjust(*((0, 0, -sign - GAP, 0) if rtl else (sign + GAP, 0, 0, 0)))
    line_text(painter, room, text, theme.font("caption", 500), theme.color(color))


class Chip(QLabel):
    """`tone` is neutral, success, info, warning, danger or a medium; `icon` a Phosphor name, else a `dot`."""

    def __init__(
        self, text: str = "", tone: str = "neutral", icon: str = "", *, dot: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        self._tone, self._icon, self._dot = tone, icon, dot
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_state(self, text: str, tone: str, icon: str = "", *, dot: bool = False) -> None:
        self._tone, self._icon, self._dot = tone, icon, dot
        self.setText(text)
        self.updateGeometry()
        self.update()

    def tone(self) -> str:
        return self._tone

    def sizeHint(self) -> QSize:
        return QSize(chip_width(theme_of(self), self.text(), self._icon, dot=self._dot), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        with painter_for(self) as painter:
            paint_chip(
                painter, self.rect(), theme_of(self), self.text(), self._tone, self._icon, dot=self._dot, rtl=rtl
            )


class WordMark(QWidget):
    """An icon in a medium's colour with a word beside it."""

    def __init__(self, icon: str, text: str, medium: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._text, self._medium = icon, text, medium
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(16 + 6 + text_width(self._text, theme_of(self).font("small")), 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        ink, color = theme.color(f"medium.{self._medium}"), theme.color(f"mediumText.{self._medium}")
        with painter_for(self) as painter:
            paint_icon(painter, mirrored(self, QRect(0, 2, 16, 16)), self._icon, ink)
            line_text(
                painter, mirrored(self, QRect(22, 0, self.width() - 22, 20)), self._text, theme.font("small"), color
            )
