"""The stage: the sentences, the waveform of the whole below them, and the transport at the foot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.pane import IconMark
from studio.ui.tabs.speech.header import StageHeader
from studio.ui.tabs.speech.script_list import ScriptList
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.paint import Label
from studio.ui.widgets.rooms import EmptyState, Surface
from studio.ui.widgets.transport import TransportBar
from studio.ui.widgets.waveform import Waveform

WAVE_MOST, WAVE_LEAST, WAVE_SHARE = 236, 132, 0.3
ADD_ROW = 56
WORDS_LEAST = 440  # pixels for the words of a notice beside its buttons


class Notice(Surface):
    """One sentence above the list that wants an answer, with the ways on; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.panel", "bottom", parent)
        self.icon = IconMark("warning-circle", "warning.text", 16)
        self.label = Label("", "small", "secondary", wrap=True)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(8)
        self._body.addWidget(self.label, 1)
        self._body.addLayout(self._buttons)
        self.close_button = IconButton("x", _("Close"))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 12, 8)
        row.setSpacing(10)
        row.addWidget(self.icon)
        row.addLayout(self._body, 1)
        row.addWidget(self.close_button)
        self.close_button.clicked.connect(self.hide)
        self._told = ""
        self.hide()

    def text(self) -> str:
        return self.label.text()

    def tell(self, text: str, actions: Sequence[tuple[str, Callable[[], object]]] = ()) -> None:
        """Show `text`; "" takes it away. What was closed stays closed until it says something else."""
        if text == self._told:
            return
        self._told = text
        self.label.setText(text)
        while (item := self._buttons.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for words, act in actions:
            button = Button(words, "secondary", size="sm")
            button.clicked.connect(lambda _checked=False, act=act: act())
            self._buttons.addWidget(button)
        self._arrange()
        self.setVisible(bool(text))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Ways on stand below the words where these would become a column of single words."""
        direction = QBoxLayout.Direction
        aside = self.width() - self._buttons.sizeHint().width() >= WORDS_LEAST
        self._body.setDirection(direction.LeftToRight if aside else direction.TopToBottom)
        start = Qt.AlignmentFlag.AlignVCenter if aside else Qt.AlignmentFlag.AlignLeading
        self._body.setAlignment(self._buttons, start)


class SpeechStage(QWidget):
    """Puts header, notice, list, waveform and transport together; `set_empty` shows what there is to begin with."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = StageHeader()
        self.notice = Notice()
        self.list = ScriptList()
        self.empty = EmptyState(
            "microphone", _("Give your words a voice"), _("Type a sentence, or drop a text file."), (), "speech"
        )
        self.waveform = Waveform("speech")
        self.transport = TransportBar()
        self._empty: bool | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.notice)
        column.addWidget(self.list, 1)
        column.addWidget(self.empty, 1)
        column.addWidget(self.waveform)
        column.addWidget(self.transport)
        self.set_empty(True)

    def set_empty(self, empty: bool) -> None:
        if empty == self._empty:
            return
        self._empty = empty
        self.empty.setVisible(empty)
        self.waveform.setVisible(not empty)
        self.list.setMaximumHeight(ADD_ROW * 2 if empty else 16777215)
        self.list.setMinimumHeight(ADD_ROW)
        self.transport.set_ready(not empty)

    @property
    def is_empty(self) -> bool:
        return bool(self._empty)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.waveform.setFixedHeight(max(WAVE_LEAST, min(WAVE_MOST, round(self.height() * WAVE_SHARE))))
