"""The bar that floats over the page while a change waits for the user's word."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.pane import OverlayPane
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, Grace
from studio.ui.widgets.paint import ElidedLabel, Spinner

MARGIN = 16


class PendingBar(OverlayPane):
    """Keep, try again or undo; while the words are still coming, stop."""

    kept = Signal()
    again = Signal()
    undone = Signal()
    stopped = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent=parent)
        self.setFixedHeight(theme_of(self).metric("layout.floatingBar"))
        self.setAccessibleName(_("Proposed change"))
        self._spinner = Spinner()
        self.label = ElidedLabel("", "small", "secondary")
        self.keep = Button(_("Keep"), "tonal", "check", "sm")
        self.try_again = Button(_("Try again"), "secondary", "arrows-clockwise", "sm")
        self.undo = Button(_("Undo"), "secondary", "arrow-u-up-left", "sm")
        self.stop = Button(_("Stop"), "secondary", size="sm")
        self.stop.set_icon("stop-fill", "danger.text")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 10, 0)
        row.setSpacing(8)
        row.addWidget(self._spinner)
        row.addWidget(self.label, 1)
        for button in (self.keep, self.try_again, self.undo, self.stop):
            row.addWidget(button)
        self._grace = Grace()
        for button, signal in ((self.keep, self.kept), (self.try_again, self.again), (self.undo, self.undone)):
            button.clicked.connect(lambda _checked=False, signal=signal: self._grace.holds or signal.emit())
        self.stop.clicked.connect(self.stopped)
        self.hide()

    def show_change(self, words: str, *, writing: bool, empty: bool = False) -> None:
        """`empty`: nothing has been written, so there is nothing to keep."""
        buttons = (self.stop, self.keep, self.try_again, self.undo)
        focused = any(button.hasFocus() for button in buttons)
        if not self.stop.isHidden() and not self.isHidden() and not writing:
            self._grace.begin()
        self.label.setText(words)
        self._spinner.setVisible(writing)
        self.keep.setEnabled(not empty)
        for button in buttons:
            button.setVisible(writing is (button is self.stop))
        if focused and not any(button.hasFocus() for button in buttons):
            self.take_focus()
        self.show()
        self.raise_()
        self.place()

    def take_focus(self) -> None:
        """Give the keyboard to what is wanted next: stop, or else keep."""
        next_one = next((b for b in (self.stop, self.keep, self.try_again) if not b.isHidden() and b.isEnabled()), None)
        if next_one is not None:
            next_one.setFocus(Qt.FocusReason.OtherFocusReason)

    def place(self) -> None:
        """In the middle above the lower edge of the page."""
        parent = self.parentWidget()
        if parent is None:
            return
        width = min(self.sizeHint().width() + 24, parent.width() - 2 * MARGIN)
        self.setGeometry((parent.width() - width) // 2, parent.height() - self.height() - MARGIN, width, self.height())
