"""The conversation and the composer below it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from studio.core.i18n import N_, _
from studio.ui.tabs.text.chat_view import COLUMN, ChatView
from studio.ui.tabs.text.composer import Composer
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.text.page import Page
from studio.ui.tabs.text.paragraphs import INDENT
from studio.ui.widgets.choices import ToggleChip
from studio.ui.widgets.rooms import EmptyState, Sample

# (shown, asked)
FOLLOW_UPS = (
    (N_("Shorter"), N_("Make that shorter.")),
    (N_("More detail"), N_("Say more about that.")),
    (N_("Another idea"), N_("Give me another idea.")),
)


class ChatStage(QWidget):
    """`follow_up` carries words to send; `sample_chosen` the number of a sample; `escape_pressed` where nothing nearer
    used the key; `left` that it is seen no more."""

    follow_up = Signal(str)
    sample_chosen = Signal(int)
    escape_pressed = Signal()
    left = Signal()

    def __init__(self, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = ChatView()
        self.empty = EmptyState("chats-circle", "", "", (), "text")
        self.empty.sample_chosen.connect(self.sample_chosen)
        self.composer = Composer(memory)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        self._chips = QWidget()
        chips = QHBoxLayout(self._chips)
        chips.setContentsMargins(INDENT, 0, 0, 0)
        chips.setSpacing(8)
        for shown, asked in FOLLOW_UPS:
            chip = ToggleChip(_(shown))
            chip.setCheckable(False)
            chip.setToolTip(_(asked))
            chip.clicked.connect(lambda _checked=False, asked=asked: self.follow_up.emit(_(asked)))
            chips.addWidget(chip)
        chips.addStretch(1)
        self._foot = Page()
        foot = QVBoxLayout(self._foot)
        foot.setContentsMargins(24, 8, 24, 16)
        foot.setSpacing(10)
        foot.addWidget(self._chips)
        foot.addWidget(self.composer)
        room = Page()
        inside = QVBoxLayout(room)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self._stack)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(room, 1)
        column.addWidget(self._foot)
        self.set_follow_ups(False)

    def set_empty(self, empty: bool) -> None:
        self._stack.setCurrentWidget(self.empty if empty else self.view)

    @property
    def is_empty(self) -> bool:
        return self._stack.currentWidget() is self.empty

    def set_empty_words(self, title: str, line: str, samples: Sequence[Sample]) -> None:
        self.empty.set_words(title, line)
        self.empty.set_samples(samples)

    def set_follow_ups(self, shown: bool) -> None:
        self._chips.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        side = max(24, (self.width() - COLUMN) // 2)
        layout = self._foot.layout()
        if layout is not None:
            layout.setContentsMargins(side, 8, side, 16)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escape_pressed.emit()
        else:
            super().keyPressEvent(event)
