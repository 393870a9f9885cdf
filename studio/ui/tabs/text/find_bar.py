"""Find in the text: a bar above the page."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.tabs.text.editor import StageEditor
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.fields import TextField
from studio.ui.widgets.paint import Label
from studio.ui.widgets.rooms import Surface

MATCHES = 5000


def find_all(text: str, words: str) -> list[tuple[int, int]]:
    """Where `words` stand in `text`, as (start, end), small and capital letters alike; at most `MATCHES`."""
    if not words:
        return []
    here, wanted = text.casefold(), words.casefold()
    if len(here) != len(text):  # a letter that grows ("ß"): then letter by letter, to keep the places
        here, wanted = "".join(_one(c) for c in text), "".join(_one(c) for c in words)
    found: list[tuple[int, int]] = []
    at = here.find(wanted)
    while at >= 0 and len(found) < MATCHES:
        found.append((at, at + len(wanted)))
        at = here.find(wanted, at + max(1, len(wanted)))
    return found


def _one(character: str) -> str:
    low = character.lower()
    return low if len(low) == 1 else character


class FindBar(Surface):
    """Marks what it finds in `editor`; Enter goes on, Shift+Enter back, Escape closes."""

    closed = Signal()

    def __init__(self, editor: StageEditor, parent: QWidget | None = None) -> None:
        super().__init__("surface.panel", "bottom", parent)
        self._editor = editor
        self._found: list[tuple[int, int]] = []
        self._at = -1
        self.field = TextField("", _("Find in the text"), size="sm")
        self.count = Label("", "small", "tertiary")
        back = IconButton("caret-up", _("Previous match"))
        on = IconButton("caret-down", _("Next match"))
        close = IconButton("x", _("Close search"))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.count)
        for button in (back, on, close):
            row.addWidget(button)
        self.setFixedHeight(40)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(150)
        self._later.timeout.connect(self._refresh)
        self.field.textChanged.connect(lambda _text: self._search(keep=False))
        back.clicked.connect(lambda: self.step(-1))
        on.clicked.connect(lambda: self.step(1))
        close.clicked.connect(self.close_bar)
        self.hide()

    def open_bar(self) -> None:
        start, end = self._editor.selected()
        chosen = self._editor.text[start:end]
        self.show()
        if chosen and "\n" not in chosen:
            self.field.setText(chosen)
        self.field.selectAll()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search(keep=False)

    def close_bar(self) -> None:
        if self.isHidden():
            return
        if 0 <= self._at < len(self._found):
            self._editor.select(*self._found[self._at])
        self._editor.set_marks([])
        self.hide()
        self._editor.setFocus(Qt.FocusReason.OtherFocusReason)
        self.closed.emit()

    def text_changed(self) -> None:
        """The text is another one: look again, a moment later."""
        if not self.isHidden():
            self._later.start()

    def step(self, by: int) -> None:
        if self._found:
            self._at = (self._at + by) % len(self._found)
            self._show(reveal=True)

    def _refresh(self) -> None:
        if not self.isHidden():
            self._search(keep=True)

    def _search(self, *, keep: bool) -> None:
        self._found = find_all(self._editor.text, self.field.text())
        if not keep or self._at >= len(self._found):
            caret = self._editor.selected()[0]
            after = next((i for i, (start, _end) in enumerate(self._found) if start >= caret), 0)
            self._at = after if self._found else -1
        self._show(reveal=not keep)

    def _show(self, *, reveal: bool) -> None:
        self._editor.set_marks(self._found, self._at if reveal or self._at < 0 else -1)
        if not self.field.text():
            self.count.setText("")
        elif not self._found:
            self.count.setText(_("Not found"))
        else:
            self.count.setText(_("{number} of {count}").format(number=self._at + 1, count=len(self._found)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        else:
            super().keyPressEvent(event)
