"""A tab's three columns: inspector, stage and history. In narrow windows the history becomes a drawer."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPropertyAnimation, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QSplitter, QVBoxLayout, QWidget
from shiboken6 import isValid

from studio.ui.tabs.base import Tab
from studio.ui.theme import theme_of
from studio.ui.widgets.rooms import Surface

_DRAWER = 264


class Columns(QWidget):
    """Shows `tab`. `history_shown_changed` follows the history's coming and going, as a column or as a drawer;
    `inspector_resized` carries the width that the user has given the inspector."""

    history_shown_changed = Signal(bool)
    inspector_resized = Signal(int)

    def __init__(self, tab: Tab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tab = tab
        self._compact = False
        self._inspector_on = self._history_on = True
        theme = theme_of(self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setHandleWidth(0)  # the columns draw their own lines; Qt keeps a few pixels to drag
        self._splitter.setChildrenCollapsible(False)
        tab.inspector.setMinimumWidth(self._width("min"))
        tab.inspector.setMaximumWidth(self._width("max"))
        self._splitter.addWidget(tab.inspector)
        self._splitter.addWidget(tab.stage)
        self._splitter.setStretchFactor(0, 0)
        self._splitter.setStretchFactor(1, 1)
        self._drawer: Drawer | None = None
        if tab.history is not None:
            self._splitter.addWidget(tab.history)
            self._splitter.setStretchFactor(2, 0)
            tab.history.setFixedWidth(theme.metric("layout.history"))
            self._drawer = Drawer(self)
            self._drawer.closed.connect(lambda: self.history_shown_changed.emit(False))
        if tab.history_button is not None:
            tab.history_button.setVisible(False)
            tab.history_button.clicked.connect(self.toggle_history)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._splitter)
        self._splitter.splitterMoved.connect(self._on_dragged)
        self._own_width = 0
        self._sized = False

    # -- what is shown ----------------------------------------------------------------------------------------

    @property
    def inspector_shown(self) -> bool:
        return self._inspector_on

    @property
    def history_shown(self) -> bool:
        if self._compact:
            return self._drawer is not None and self._drawer.is_open
        return self._history_on and self.tab.history is not None

    def _width(self, name: str) -> int:
        """The least ("min"), usual ("default") or greatest ("max") width of the left column."""
        filters = self.tab.filters_column
        return theme_of(self).metric("layout.filters" if filters else f"layout.inspector.{name}")

    def set_own_width(self, width: int) -> None:
        """Give the inspector the width that the user chose, in windows that are wide enough; 0: the usual one."""
        self._own_width = width
        if self._sized and width and not self._compact:
            self.set_inspector_width(width)

    def _on_dragged(self, _position: int, handle: int) -> None:
        if handle == 1 and not self._compact:
            self._own_width = self._splitter.sizes()[0]
            self.inspector_resized.emit(self._own_width)

    def set_inspector_width(self, width: int) -> None:
        width = self._own_width or width if not self._compact else width
        column = self.tab.history is not None and not self._compact
        history = theme_of(self).metric("layout.history") if column else 0
        self._splitter.setSizes([width, max(200, self.width() - width - history), history][: self._splitter.count()])

    def show_inspector(self, on: bool) -> None:
        self._inspector_on = on
        self.tab.inspector.setVisible(on)

    def show_history(self, on: bool) -> None:
        """As a column, or by opening the drawer."""
        if self.tab.history is None:
            return
        if self._compact and self._drawer is not None:
            self._drawer.open_drawer(self.tab.history) if on else self._drawer.close_drawer()
        else:
            self._history_on = on
            self.tab.history.setVisible(on)
        self.history_shown_changed.emit(self.history_shown)

    def toggle_history(self) -> None:
        self.show_history(not self.history_shown)

    def set_compact(self, compact: bool) -> None:
        if compact == self._compact:
            return
        self._compact = compact
        theme = theme_of(self)
        history, drawer = self.tab.history, self._drawer
        if history is not None and drawer is not None:
            if compact:
                history.setMinimumWidth(0)
                history.setMaximumWidth(_DRAWER)
                drawer.take(history)
            else:
                drawer.close_drawer(animate=False)
                self._splitter.addWidget(history)
                history.setFixedWidth(theme.metric("layout.history"))
                history.setVisible(self._history_on)
        if self.tab.history_button is not None:
            self.tab.history_button.setVisible(compact)
        if compact:
            self.set_inspector_width(self._width("min"))
        else:
            self.set_inspector_width(self._width("default"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._sized:  # before, a splitter shares out what it was told in proportion
            self._sized = True
            self.set_inspector_width(self._width("min" if self._compact else "default"))
        if self._drawer is not None:
            self._drawer.place()


class Drawer(Surface):
    """Lies over the right end of its parent. Closed by Escape or a click beside it."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("surface.panel", parent=parent)
        self._room = parent
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._animation = QPropertyAnimation(self, b"pos", self)
        self._animation.setEasingCurve(theme_of(self).easing)
        self._animation.finished.connect(self._on_finished)
        self._before: QWidget | None = None
        self.is_open = False
        self.hide()

    def take(self, content: QWidget) -> None:
        self._column.addWidget(content)
        content.show()
        self.hide()

    def open_drawer(self, content: QWidget) -> None:
        self.take(content)
        self._before = self.window().focusWidget()
        self.is_open = True
        self.place()
        end = self.pos()
        self.move(end + QPoint(self.width(), 0))
        self.show()
        self.raise_()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        self._slide(end)
        content.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_drawer(self, *, animate: bool = True) -> None:
        if not self.is_open:
            return
        self.is_open = False
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        if self._before is not None and isValid(self._before):
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        if animate:
            self._slide(QPoint(self._room.width(), 0))
        else:
            self.hide()
        self.closed.emit()

    def place(self) -> None:
        self._animation.stop()
        self.setGeometry(self._room.width() - _DRAWER, 0, _DRAWER, self._room.height())

    def _slide(self, end: QPoint) -> None:
        duration = theme_of(self).motion("panel")
        if not duration:
            self.move(end)
            self._on_finished()
            return
        self._animation.stop()
        self._animation.setDuration(duration)
        self._animation.setStartValue(self.pos())
        self._animation.setEndValue(end)
        self._animation.start()

    def _on_finished(self) -> None:
        self.setVisible(self.is_open)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            point = self._room.mapFromGlobal(event.globalPosition().toPoint())
            beside = self._room.rect().contains(point) and not self.geometry().contains(point)
            if beside and isinstance(watched, QWidget) and watched.window() is self.window():
                self.close_drawer()
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_drawer()
        else:
            super().keyPressEvent(event)
