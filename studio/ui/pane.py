"""What floats above the window's rooms, and the program's icon."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from shiboken6 import isValid

from studio.core.paths import asset
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import paint_box, painter_for
from studio.ui.widgets.rooms import Surface

ICON_SIZES = (16, 32, 48, 128, 256)


class OverlayPane(QWidget):
    """A rounded box with a border, for what lies above other things. The border is the focus ring while the widget
    given to `frame` has the keyboard."""

    def __init__(self, fill: str = "surface.overlay", radius: str = "radius.xl", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fill, self._radius = fill, radius
        self._framed: QWidget | None = None

    def frame(self, child: QWidget) -> None:
        """Show with the border that `child` has the keyboard."""
        self._framed = child
        child.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._framed and event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        focused = self._framed is not None and self._framed.hasFocus()
        border, width = ("focus.ring", 2) if focused else ("border.default", 1)
        with painter_for(self) as painter:
            radius = theme.metric(self._radius)
            paint_box(painter, self.rect(), theme.color(self._fill), theme.color(border), radius, width)


class Rule(Surface):
    """A line on an overlay, where the subtle border would not be seen; lying, or `upright`."""

    def __init__(self, *, upright: bool = False) -> None:
        super().__init__("border.default")
        if upright:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)


class Popover(OverlayPane):
    """A box above the window's other content, closed by Escape, by a click beside it and by a change of its size.

    On closing the focus goes back to where it was.
    """

    closed = Signal()

    def __init__(self, host: QWidget, radius: str = "radius.xl") -> None:
        super().__init__("surface.overlay", radius, host)
        self.host = host
        self._before: QWidget | None = None
        self.hide()

    def open_popover(self, focus: QWidget | None = None) -> None:
        self._before = self.host.window().focusWidget()
        self.show()
        self.raise_()
        if focus is not None:
            focus.setFocus(Qt.FocusReason.ShortcutFocusReason)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def close_popover(self) -> None:
        if self.isHidden():
            return
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        self.hide()
        if self._before is not None and isValid(self._before):
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            inside = self.rect().contains(self.mapFromGlobal(event.globalPosition().toPoint()))
            if not inside and isinstance(watched, QWidget) and watched.window() is self.window():
                self.close_popover()
                return False
        elif event.type() == QEvent.Type.Resize and watched is self.host:
            self.close_popover()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_popover()
        else:
            super().keyPressEvent(event)


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


class ScrollPage(QScrollArea):
    """Scrolls `inner` up and down on the surface that lies below it."""

    def __init__(self, inner: QWidget, name: str = "") -> None:
        super().__init__()
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setAccessibleName(name)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)


def app_icon() -> QIcon:
    """The program's icon for the task bar and notifications, the same in both themes."""
    icon = QIcon()
    for side in ICON_SIZES:
        icon.addFile(str(asset("icons", f"atelier-{side}.png")), QSize(side, side))
    return icon
