"""A sheet over the whole window: settings, the welcome, the report. The window behind it waits."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.pane import OverlayPane
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.paint import Label

_MARGIN = 24


class Sheet(QWidget):
    """Covers `host` and shows `pane` in its middle, at most `size` and never larger than the host.

    Escape and a click beside it close it unless `modal` (then only its own buttons do). The focus stays inside; on
    closing it goes back to where it was, `closed` is emitted and the sheet deletes itself.
    """

    closed = Signal()

    def __init__(self, host: QWidget, title: str, size: QSize, *, modal: bool = False) -> None:
        super().__init__(host)
        self._host, self._size, self._modal = host, size, modal
        self._before = host.window().focusWidget()
        self.setAccessibleName(title)
        self.pane = OverlayPane(parent=self)
        self.pane.setAccessibleName(title)
        host.installEventFilter(self)
        self.hide()

    def add_header(self, layout: QVBoxLayout, title: str) -> None:
        """A title with a Close button, as the first row of `layout`."""
        row = QHBoxLayout()
        row.setContentsMargins(24, 16, 16, 12)
        row.addWidget(Label(title, "title"))
        row.addStretch(1)
        close = IconButton("x", _("Close"))
        close.clicked.connect(self.close_sheet)
        row.addWidget(close)
        layout.addLayout(row)

    def open(self, focus: QWidget | None = None) -> None:
        self.place()
        self.show()
        self.raise_()
        (focus or self._stops()[0]).setFocus(Qt.FocusReason.OtherFocusReason)

    def close_sheet(self) -> None:
        if not self.isVisible():
            return
        self._host.removeEventFilter(self)
        self.hide()
        if self._before is not None:
            try:
                self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            except RuntimeError:
                self._before = None  # the widget went away meanwhile
        self.closed.emit()
        self.deleteLater()

    def place(self) -> None:
        self.setGeometry(self._host.rect())
        room = self.size() - QSize(2 * _MARGIN, 2 * _MARGIN)
        size = self._size.boundedTo(room)
        self.pane.setGeometry(
            (self.width() - size.width()) // 2, (self.height() - size.height()) // 2, size.width(), size.height()
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self.place()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        scrim = theme.color("surface.well" if theme.is_dark else "text.primary")
        scrim.setAlphaF(theme.opacity("scrim"))
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), scrim)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._modal and not self.pane.geometry().contains(event.position().toPoint()):
            self.close_sheet()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:  # the window's shortcuts rest
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self._modal:
            self.close_sheet()
        else:
            event.accept()

    def _stops(self) -> list[QWidget]:
        """Where Tab stops, in the order of the focus chain."""
        found: list[QWidget] = []
        widget = self.nextInFocusChain()
        while widget is not None and widget is not self:
            wanted = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            if wanted and self.isAncestorOf(widget) and widget.isEnabled() and widget.isVisibleTo(self):
                found.append(widget)
            widget = widget.nextInFocusChain()
        return found or [self]

    def focusNextPrevChild(self, forward: bool) -> bool:
        stops = self._stops()
        focused = self.window().focusWidget()
        at = stops.index(focused) if focused in stops else -1
        target = stops[(at + (1 if forward else -1)) % len(stops)]
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        target.setFocus(reason)
        return True
