"""The button that names the model in use and opens the choice of models."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from studio.core.i18n import N_, _
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.chips import chip_width, paint_chip
from studio.ui.widgets.paint import line_text, mirrored, paint_box, painter_for, text_width

HEIGHT, TILE, CHIP_HEIGHT = 52, 36, 20
# state: (words, tone, icon, dot)
STATES: dict[str, tuple[str, str, str, bool]] = {
    "ready": (N_("Ready"), "success", "", True),
    "loading": (N_("Loading"), "info", "", True),
    "not_installed": (N_("Not installed"), "neutral", "", False),
    "too_large": (N_("Too large"), "warning", "warning", False),
    "failed": (N_("Failed"), "danger", "x-circle", False),
    "none": ("", "neutral", "", False),
}
MEDIUM_ICONS = {
    "image": "image-square",
    "text": "article",
    "music": "music-notes",
    "speech": "microphone",
    "animation": "film-strip",
}


class ModelPickerButton(QPushButton):
    """Picture 36, name, origin, state chip and caret; 52 high. Click opens whatever the owner connects."""

    def __init__(self, medium: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._medium, self._origin, self._state = medium, "", "none"
        self._picture: QPixmap | None = None
        self.setAutoDefault(False)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_model(self, name: str, origin: str = "", picture: QPixmap | None = None) -> None:
        """`origin` is the quiet second line ("Starter · English")."""
        self.setText(name)
        self._origin, self._picture = origin, picture
        self._describe()

    def set_state(self, state: str) -> None:
        """One of `STATES`: ready, loading, not_installed, too_large, failed, none."""
        if state not in STATES:
            raise KeyError(state)
        self._state = state
        self._describe()

    def state(self) -> str:
        return self._state

    def _describe(self) -> None:
        words = [part for part in (self._origin, _(STATES[self._state][0])) if part]
        self.setAccessibleName(_("Model: {name}").format(name=self.text()))
        self.setAccessibleDescription(", ".join(words))
        self.setToolTip(self.text())
        self.update()

    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        name = text_width(self.text(), theme.font("body", 600))
        origin = text_width(self._origin, theme.font("caption"))
        return QSize(8 + TILE + 10 + max(name, origin) + 8 + self._chip_width() + 40, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(8 + TILE + 10 + 48 + 8 + self._chip_width() + 40, HEIGHT)

    def _chip_width(self) -> int:
        words, _tone, icon, dot = STATES[self._state]
        return chip_width(theme_of(self), _(words), icon, dot=dot) if words else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            fill = "surface.raised" if self.isDown() else "surface.field"
            border = "border.strong" if self.underMouse() and self.isEnabled() else "border.default"
            paint_box(painter, self.rect(), theme.color(fill), theme.color(border), 6)
            tile = mirrored(self, QRect(8, 8, TILE, TILE))
            if self._picture is not None:
                path = QPainterPath()
                path.addRoundedRect(tile, 4, 4)
                painter.save()
                painter.setClipPath(path)
                painter.drawPixmap(tile, self._picture)
                painter.restore()
            else:
                paint_box(painter, tile, theme.color(f"mediumTint.{self._medium}"), None, 4)
                icon = f"{MEDIUM_ICONS[self._medium]}-fill"
                paint_icon(painter, tile.adjusted(8, 8, -8, -8), icon, theme.color(f"medium.{self._medium}"))
            words, tone, icon, dot = STATES[self._state]
            width = self._chip_width()
            chip = mirrored(self, QRect(self.width() - 34 - width, (HEIGHT - CHIP_HEIGHT) // 2, width, CHIP_HEIGHT))
            if words:
                rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
                paint_chip(painter, chip, theme, _(words), tone, icon, dot=dot, rtl=rtl)
            caret = mirrored(self, QRect(self.width() - 24, (HEIGHT - 14) // 2, 14, 14))
            paint_icon(painter, caret, "caret-down", theme.color("text.tertiary"))
            x = 8 + TILE + 10
            room = self.width() - x - 34 - width - (8 if width else 0)
            primary = theme.color("text.primary" if self.isEnabled() else "text.disabled")
            name = mirrored(self, QRect(x, 8, room, 20))
            line_text(painter, name, self.text(), theme.font("body", 600), primary)
            origin = mirrored(self, QRect(x, 27, room, 16))
            line_text(painter, origin, self._origin, theme.font("caption"), theme.color("text.tertiary"))
