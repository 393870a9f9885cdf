"""Parts of rooms: header bar, card, empty state, the search button of the top bar, the program's mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.flow import FlowLayout
from studio.ui.widgets.paint import (
    ElidedLabel,
    Label,
    Separator,
    line_text,
    mirrored,
    paint_box,
    painter_for,
    text_width,
)

ICON_GAP = 12  # below the icon of an empty state


class Surface(QWidget):
    """A plain area in one colour of the theme, with lines at the `edges` named ("top", "bottom", "left", "right")."""

    def __init__(self, color: str = "surface.panel", edges: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color, self._edges = color, edges.split()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            painter.fillRect(self.rect(), theme.color(self._color))
            line = theme.color("border.subtle")
            width, height = self.width(), self.height()
            rects = {
                "top": QRect(0, 0, width, 1),
                "bottom": QRect(0, height - 1, width, 1),
                "left": QRect(0, 0, 1, height),
                "right": QRect(width - 1, 0, 1, height),
            }
            for edge in self._edges:
                rect = rects[edge]
                painter.fillRect(mirrored(self, rect) if edge in ("left", "right") else rect, line)


class HeaderBar(Surface):
    """The 44-pixel head of a column: title, quiet subtitle, things at the end, a line below.

    `surface` is "panel" (inspector, history) or "window" (stage).
    """

    def __init__(
        self, title: str = "", subtitle: str = "", surface: str = "panel", parent: QWidget | None = None
    ) -> None:
        super().__init__(f"surface.{surface}", "bottom", parent)
        self.setFixedHeight(theme_of(self).metric("layout.header"))
        self._title = ElidedLabel(title, "body")
        self._title.setFont(theme_of(self).font("body", 600))
        self._subtitle = ElidedLabel(subtitle, "small", "tertiary")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 0, 12, 0)
        self._row.setSpacing(8)
        self._row.addWidget(self._title)
        self._row.addWidget(self._subtitle)
        self._row.addStretch(1)
        self.set_title(title, subtitle)

    def set_title(self, title: str, subtitle: str = "") -> None:
        self._title.setText(title)
        self._subtitle.setText(subtitle)
        self._title.setVisible(bool(title))
        self._subtitle.setVisible(bool(subtitle))

    def title(self) -> str:
        return self._title.text()

    def add_end(self, widget: QWidget) -> None:
        """At the far end, after what is there."""
        self._row.addWidget(widget)

    def add_separator(self) -> None:
        self._row.addWidget(Separator(vertical=True))


class Card(QFrame):
    """A raised box, radius 8, with a one-pixel border and no shadow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 16, 16, 16)
        self.body.setSpacing(8)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color("surface.raised"), theme.color("border.default"), 8)


@dataclass(frozen=True)
class Sample:
    """Something to start from: words, with a picture (drawn 32 × 32), an icon, or neither."""

    text: str
    icon: str = ""
    picture: QPixmap | None = None


class SampleButton(QPushButton):
    """A sample of an empty state: picture or icon 32, words; 40 high."""

    def __init__(self, sample: Sample, medium: str = "", parent: QWidget | None = None) -> None:
        super().__init__(sample.text, parent)
        self._sample, self._medium = sample, medium
        self.setAutoDefault(False)
        self.setFixedHeight(theme_of(self).metric("control.lg"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(theme_of(self).font("body", 500))

    def _text_x(self) -> int:
        return 45 if self._sample.icon or self._sample.picture is not None else 13

    def sizeHint(self) -> QSize:
        return QSize(self._text_x() + text_width(self.text(), self.font()) + 13, self.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        fill = "surface.pressed" if self.isDown() else ("surface.hover" if self.underMouse() else "surface.raised")
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color(fill), theme.color("border.default"), 6)
            tile = mirrored(self, QRect(4, 4, 32, 32))
            if self._sample.picture is not None:
                painter.drawPixmap(tile, self._sample.picture)
            elif self._sample.icon:
                tint = f"mediumTint.{self._medium}" if self._medium else "surface.hover"
                ink = f"medium.{self._medium}" if self._medium else "text.secondary"
                paint_box(painter, tile, theme.color(tint), None, 4)
                paint_icon(painter, tile.adjusted(8, 8, -8, -8), self._sample.icon, theme.color(ink))
            words = mirrored(self, QRect(self._text_x(), 0, self.width() - self._text_x() - 12, self.height()))
            line_text(painter, words, self.text(), self.font(), theme.color("text.primary"))


class EmptyState(QWidget):
    """What a room shows while it is empty: icon 40 in the medium's colour, title, line, samples to start from.

    `sample_chosen` carries the sample's index.
    """

    sample_chosen = Signal(int)

    def __init__(
        self,
        icon: str,
        title: str,
        line: str = "",
        samples: Sequence[Sample] = (),
        medium: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon, self._medium = icon, medium
        self._title = Label(title, "title", wrap=True)
        self._line = Label(line, "body", "secondary", wrap=True)
        for label in (self._title, self._line):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._samples = QWidget()
        self._flow = FlowLayout(self._samples, 8, centered=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(0)
        column.addStretch(1)
        self._icon_room = QWidget()
        self._icon_room.setFixedHeight(40 + ICON_GAP)
        column.addWidget(self._icon_room)
        column.addWidget(self._title)
        column.addSpacing(6)
        column.addWidget(self._line)
        column.addSpacing(22)
        column.addWidget(self._samples)
        column.addStretch(1)
        self.set_samples(samples)

    def set_words(self, title: str, line: str) -> None:
        self._title.setText(title)
        self._line.setText(line)

    def set_samples(self, samples: Sequence[Sample]) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for number, sample in enumerate(samples):
            button = SampleButton(sample, self._medium)
            button.clicked.connect(lambda checked=False, number=number: self.sample_chosen.emit(number))
            self._flow.addWidget(button)
        self._samples.setVisible(bool(samples))

    @property
    def has_icon(self) -> bool:
        """Whether there is room for the icon: where there is little, words and samples go first."""
        return not self._icon_room.isHidden()

    def _fit(self) -> None:
        layout = self.layout()
        if layout is not None:
            need = layout.totalHeightForWidth(self.width()) + (0 if self.has_icon else 40 + ICON_GAP)
            self._icon_room.setVisible(need <= self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.has_icon:
            return
        theme = theme_of(self)
        color = f"medium.{self._medium}" if self._medium else "text.tertiary"
        box = QRect((self.width() - 40) // 2, self._title.y() - ICON_GAP - 40, 40, 40)
        with painter_for(self) as painter:
            paint_icon(painter, box, self._icon, theme.color(color))


class SearchButton(QPushButton):
    """Looks like a search field and opens the palette: magnifier, words, the keys at the end; 28 high."""

    def __init__(self, text: str, keys: str = "Ctrl K", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._keys = keys
        self.setAutoDefault(False)
        self.setFixedHeight(theme_of(self).metric("control.sm"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(theme_of(self).font("small"))
        self.setAccessibleDescription(keys)

    def sizeHint(self) -> QSize:
        keys = text_width(self._keys, theme_of(self).font("caption"))
        return QSize(32 + text_width(self.text(), self.font()) + 24 + keys + 16, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        small = theme.font("caption")
        with painter_for(self) as painter:
            border = "border.strong" if self.underMouse() else "border.default"
            paint_box(painter, self.rect(), theme.color("surface.field"), theme.color(border), 6)
            paint_icon(painter, mirrored(self, QRect(9, 7, 14, 14)), "magnifying-glass", theme.color("text.secondary"))
            cap = text_width(self._keys, small) + 12
            room = QRect(31, 0, self.width() - 31 - cap - 16, self.height())
            line_text(painter, mirrored(self, room), self.text(), self.font(), theme.color("text.tertiary"))
            box = mirrored(self, QRect(self.width() - cap - 8, 5, cap, 18))
            paint_box(painter, box, theme.color("surface.panel"), theme.color("border.default"), 4)
            line_text(painter, box, self._keys, small, theme.color("text.tertiary"), Qt.AlignmentFlag.AlignHCenter)


class LogoMark(QWidget):
    """The program's mark: an A whose bar is the accent."""

    def __init__(self, size: int = 24, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(size, size)
        self.setAccessibleName("Atelier")

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        scale = self.width() / 24
        with painter_for(self) as painter:
            painter.scale(scale, scale)
            cap = Qt.PenCapStyle.RoundCap
            pen = QPen(theme.color("text.primary"), 2, Qt.PenStyle.SolidLine, cap, Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline([QPointF(5, 21), QPointF(12, 3), QPointF(19, 21)])
            painter.setPen(QPen(theme.color("accent.text"), 2, Qt.PenStyle.SolidLine, cap))
            painter.drawLine(QPointF(5.6, 14.5), QPointF(18.4, 14.5))
