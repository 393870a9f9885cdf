"""Where the user writes to the model: Enter sends, Shift+Enter begins a line."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QTextBlockFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.tabs.clean import clean_paste
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.text.prompt_menus import open_menu, saved_menu
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, Grace, IconButton
from studio.ui.widgets.chips import Chip
from studio.ui.widgets.fields import FieldMessage
from studio.ui.widgets.paint import Label
from studio.ui.widgets.prompt import FieldFrame

LINES = 8


class _Edit(QTextEdit):
    entered = Signal()
    escaped = Signal()
    cleaned = Signal(int)
    dropped = Signal(Path)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        self.setViewportMargins(9, 0, 9, 0)
        lines = QTextBlockFormat()
        lines.setLineHeight(theme_of(self).line_height("body"), QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        QTextCursor(self.document()).setBlockFormat(lines)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        text, count = clean_paste(source.text())
        self.textCursor().insertText(text)
        if count:
            self.cleaned.emit(count)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.dropped.emit(Path(url.toLocalFile()))
                event.acceptProposedAction()
                return
        super().dropEvent(event)


class Composer(QWidget):
    """`sent` carries the words; `stop_requested` while an answer is written; `attach_requested` carries a file, or
    None to ask for one."""

    sent = Signal(str)
    stop_requested = Signal()
    attach_requested = Signal(object)
    text_changed = Signal(str)
    cleaned = Signal(int)
    editing_ended = Signal()

    def __init__(self, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._memory = memory
        self._busy = False
        self._grace = Grace()
        self._editing = False
        self._attached: tuple[str, str] | None = None
        self.edit = _Edit()
        self.edit.setAccessibleName(_("Message"))
        self._line = theme_of(self).line_height("body")
        self._frame = FieldFrame(self.edit)
        self.attachment = Chip("", "neutral", "paperclip")
        self._detach = IconButton("x", _("Remove the attached file"))
        self._detach.clicked.connect(lambda: self.attach("", ""))
        self._banner = Label("", "small", "accent")
        self._cancel = Button(_("Cancel"), "link", size="sm")
        self._cancel.clicked.connect(self.end_editing)
        attach = IconButton("paperclip", _("Attach a text file"))
        attach.clicked.connect(lambda: self.attach_requested.emit(None))
        self._saved = IconButton("bookmark-simple", _("Saved prompts"))
        self._saved.clicked.connect(self._open_saved)
        self.note = Label("", "small", "secondary")
        self.send = Button(_("Send"), "primary", "paper-plane-right", "sm")
        self.send.clicked.connect(self._on_button)
        top = QHBoxLayout()
        top.setContentsMargins(9, 0, 5, 0)
        top.setSpacing(4)
        for widget in (self._banner, self._cancel, self.attachment, self._detach):
            top.addWidget(widget)
        top.addStretch(1)
        tools = QHBoxLayout()
        tools.setContentsMargins(4, 0, 5, 0)
        tools.setSpacing(4)
        tools.addWidget(attach)
        tools.addWidget(self._saved)
        tools.addStretch(1)
        tools.addWidget(self.note)
        tools.addSpacing(8)
        tools.addWidget(self.send)
        inside = QVBoxLayout(self._frame)
        inside.setContentsMargins(4, 10, 4, 8)
        inside.setSpacing(6)
        inside.addLayout(top)
        inside.addWidget(self.edit)
        inside.addLayout(tools)
        self._message = FieldMessage()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._message)
        column.addWidget(self._frame)
        self.setFocusProxy(self.edit)
        self.edit.textChanged.connect(self._on_text)
        self.edit.entered.connect(self._on_enter)
        self.edit.escaped.connect(self._on_escape)
        self.edit.cleaned.connect(self.cleaned)
        self.edit.dropped.connect(self.attach_requested)
        self.edit.document().documentLayout().documentSizeChanged.connect(self._fit)
        self.set_placeholder(_("Ask, or say what to write"))
        self.attach("", "")
        self._show_banner()
        self._fit()

    # -- content ----------------------------------------------------------------------------------------------

    def text(self) -> str:
        return self.edit.toPlainText()

    def set_text(self, text: str) -> None:
        self.edit.setPlainText(text)
        self.edit.moveCursor(QTextCursor.MoveOperation.End)

    def set_placeholder(self, text: str) -> None:
        self.edit.setPlaceholderText(text)

    def attach(self, name: str, text: str) -> None:
        """Send `text`, from the file `name`, along with the words; nothing for an empty name."""
        self._attached = (name, text) if name else None
        self.attachment.setVisible(bool(name))
        self._detach.setVisible(bool(name))
        self.attachment.set_state(name, "neutral", "paperclip")
        self._show_send()

    def message(self) -> str:
        """What is sent: the words, with the attached text behind them."""
        text = self.text().strip()
        if self._attached is None:
            return text
        name, content = self._attached
        return f"{text}\n\n{name}:\n{content.strip()}".strip()

    def begin_editing(self, text: str) -> None:
        """Put an earlier message into the field, to be asked again."""
        self._editing = True
        self.set_text(text)
        self._show_banner()
        self.edit.setFocus()

    def end_editing(self) -> None:
        if self._editing:
            self._editing = False
            self.set_text("")
            self._show_banner()
            self.editing_ended.emit()

    @property
    def is_editing(self) -> bool:
        return self._editing

    def clear(self) -> None:
        """After sending."""
        self._editing = False
        self.edit.clear()
        self.attach("", "")
        self._show_banner()

    # -- state ------------------------------------------------------------------------------------------------

    def set_busy(self, busy: bool, note: str = "") -> None:
        if self._busy and not busy:
            self._grace.begin()
        self._busy = busy
        self.note.setText(note)
        if busy:
            self.send.setText(_("Stop"))
            self.send.set_kind("secondary")
            self.send.set_icon("stop-fill", "danger.text")
        else:
            self.send.setText(_("Send"))
            self.send.set_kind("primary")
            self.send.set_icon("paper-plane-right")
        self._show_send()

    def set_error(self, sentence: str) -> None:
        self._message.set_text(sentence)
        self._frame.set_error(bool(sentence))

    def error(self) -> str:
        return self._message.text()

    # -- inside -----------------------------------------------------------------------------------------------

    def _show_banner(self) -> None:
        self._banner.setText(_("Editing a message: sending asks again from there.") if self._editing else "")
        self._banner.setVisible(self._editing)
        self._cancel.setVisible(self._editing)

    def _show_send(self) -> None:
        ready = self._busy or bool(self.message())
        self.send.setEnabled(ready)
        self.send.setToolTip("" if ready else _("Write a message first"))

    def _on_text(self) -> None:
        if self.error():
            self.set_error("")
        self._show_send()
        self.text_changed.emit(self.text())

    def _on_enter(self) -> None:
        if not self._busy and self.message():
            self.sent.emit(self.message())

    def _on_escape(self) -> None:
        if self._editing:
            self.end_editing()
        elif self._busy:
            self.stop_requested.emit()

    def _on_button(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        elif not self._grace.holds:
            self._on_enter()

    def _open_saved(self) -> None:
        menu = saved_menu(self, self.text, self.set_text, self._memory)
        open_menu(menu, self._saved, above=True)

    def _fit(self) -> None:
        lines = max(1, min(LINES, round(self.edit.document().size().height() / self._line)))
        self.edit.setFixedHeight(lines * self._line + 2)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()
