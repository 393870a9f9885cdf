"""What floats above the window's rooms, and the program's icon."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.core.paths import asset
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import paint_box, paint_icon, painter_for

ICON_SIZES = (16, 32, 48, 128, 256)


class OverlayPane(QWidget):
    """A rounded box with a border, for what lies above other things."""

    def __init__(self, fill: str = "surface.overlay", radius: str = "radius.xl", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fill, self._radius = fill, radius

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            border = theme.color("border.default")
            paint_box(painter, self.rect(), theme.color(self._fill), border, theme.metric(self._radius))


class IconMark(QWidget):
    """An icon that is only looked at, `size` pixels square; `color` is a token."""

    def __init__(self, icon: str, color: str = "text.secondary", size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._color = icon, color
        self.setFixedSize(QSize(size, size))

    def set_icon(self, icon: str, color: str) -> None:
        self._icon, self._color = icon, color
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with painter_for(self) as painter:
            paint_icon(painter, self.rect(), self._icon, theme_of(self).color(self._color))


def app_icon() -> QIcon:
    """The program's icon for the task bar and notifications, the same in both themes."""
    icon = QIcon()
    for side in ICON_SIZES:
        icon.addFile(str(asset("icons", f"atelier-{side}.png")), QSize(side, side))
    return icon
