"""A text editor whose text belongs to a document.

The document is the truth. What the user does on the page is reported as `edited(start, end, text)`, in characters, and
is on the page already; what others do to the document comes in through `apply`. Undo belongs to the document, too.

Qt's positions (UTF-16 units) stay inside. `foreign` is a stretch of the page that is not part of the text: words that
are shown but not accepted yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor, QTextFrameFormat
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from studio.ui.tabs.clean import clean_paste
from studio.ui.tabs.text.positions import to_characters, to_units, units
from studio.ui.theme import theme_of

BLANK = 14  # height of an empty line, which sets paragraphs apart
SLICE = 40_000  # characters laid out at a time, about 10 ms


class BoundEditor(QTextEdit):
    """Plain text in the reading face. Positions in its interface count characters of the text."""

    edited = Signal(int, int, str)
    cleaned = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._units = 0
        self._silent = 0
        self._backlog: deque[tuple[int, str]] = deque()
        self._foreign = (0, 0)
        self._caret_after = -1
        self._locked = False
        self._margins = (28, 104)
        self.setProperty("kind", "stage")
        self.setProperty("focusRing", False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        height = theme_of(self).line_height("reading")
        self._full_line, self._blank_line = _line(height), _line(BLANK)
        self._caret_block = -1
        font = theme_of(self).font("reading")
        self.setFont(font)
        self.document().setDefaultFont(font)
        self.document().setDocumentMargin(0)
        self._filler = QTimer(self)
        self._filler.setInterval(0)
        self._filler.timeout.connect(self._fill_some)
        self.document().contentsChange.connect(self._on_contents_change)
        self.cursorPositionChanged.connect(self._on_caret)
        self._reset()

    # -- the text ---------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The text, without the foreign stretch."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show another text, from its beginning."""
        self._reset()
        self._text = text
        self._fill(0, text)
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.verticalScrollBar().setValue(0)

    def apply(self, start: int, end: int, text: str) -> None:
        """The document replaced the characters `start` to `end`; the user's selection and view stay."""
        if self._text[start:end] == text:
            return
        self.flush()
        begin, finish = self._unit(start, after=start == end), self._unit(end, after=start == end)
        self._write(begin, finish, text)
        self._text = self._text[:start] + text + self._text[end:]

    def show_styled(self, pieces: Sequence[tuple[str, QTextCharFormat]]) -> None:
        """Show `pieces` of a text to be read only, each in its own style."""
        self._reset()
        self._text = "".join(text for text, _style in pieces)
        cursor = QTextCursor(self.document())
        with self._quiet():
            cursor.beginEditBlock()
            for text, style in pieces:
                cursor.insertText(text, style)
            cursor.endEditBlock()
            self._space(0, self.document().characterCount() - 1)
        self.setReadOnly(True)
        self.verticalScrollBar().setValue(0)

    def flush(self) -> None:
        """Put all of a long text on the page now."""
        while self._backlog:
            self._fill_some()

    def selected(self) -> tuple[int, int]:
        """The selection as (start, end); twice the caret's position where nothing is selected."""
        cursor = self.textCursor()
        return self._character(cursor.selectionStart()), self._character(cursor.selectionEnd())

    def select(self, start: int, end: int) -> None:
        self.flush()
        self.setTextCursor(self._between(self._unit(start, after=True), self._unit(end)))

    def set_locked(self, locked: bool) -> None:
        """Whether the user may only read."""
        self._locked = locked
        self.setReadOnly(locked or bool(self._backlog))
        flags = Qt.TextInteractionFlag.TextEditorInteraction
        if self.isReadOnly():  # with a caret all the same, so that the keyboard can select
            flags = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        self.setTextInteractionFlags(flags)

    def set_margins(self, top: int, bottom: int) -> None:
        """Room above and below the text; it scrolls along."""
        self._margins = (top, bottom)
        with self._quiet():
            self._set_frame()

    # -- hooks ------------------------------------------------------------------------------------------------

    def _moved(self, begin: int, end: int, added: int) -> None:
        """Qt's positions `begin` to `end` gave way to `added` units: carry along what counts them."""

    def _may_edit(self, begin: int, end: int) -> bool:
        """Whether the user may change Qt's positions `begin` to `end`."""
        return True

    # -- text onto the page -----------------------------------------------------------------------------------

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """What happens inside is no edit by the user."""
        self._silent += 1
        try:
            yield
        finally:
            self._silent -= 1
            self._units = self.document().characterCount() - 1

    def _reset(self) -> None:
        self._filler.stop()
        self._backlog.clear()
        self._foreign = (0, 0)
        self._text = ""
        with self._quiet():
            self.document().clear()
            self._set_frame()
            QTextCursor(self.document()).setBlockFormat(self._full_line)
        self._filling(False)

    def _filling(self, on: bool) -> None:
        self.setReadOnly(on or self._locked)

    def _set_frame(self) -> None:
        frame = QTextFrameFormat()
        frame.setTopMargin(self._margins[0])
        frame.setBottomMargin(self._margins[1])
        self.document().rootFrame().setFrameFormat(frame)

    def _write(self, begin: int, end: int, text: str, style: QTextCharFormat | None = None) -> None:
        """Replace Qt's positions `begin` to `end` without moving the user's selection or the view."""
        own = self.textCursor()
        anchor, position = own.anchor(), own.position()
        added = units(text)
        value = self.verticalScrollBar().value()
        with self._quiet():
            cursor = self._between(begin, end)
            cursor.beginEditBlock()
            cursor.insertText(text, style or QTextCharFormat())
            self._space(begin, begin + added)
            cursor.endEditBlock()
        wanted = [p if p <= begin else max(p + added - (end - begin), begin) for p in (anchor, position)]
        now = self.textCursor()
        if [now.anchor(), now.position()] != wanted:
            self.setTextCursor(self._between(*wanted))
        self.verticalScrollBar().setValue(value)
        self._moved(begin, end, added)

    def _fill(self, position: int, text: str) -> None:
        """Put `text`, which is part of the text already, on the page at Qt's `position`: the beginning now, the rest
        in slices between other events, so that a long text does not hold the window. Slices end with a paragraph:
        a paragraph is laid out as a whole each time it grows."""
        while text:
            cut = (text.find("\n", SLICE) + 1 or len(text)) if len(text) > SLICE else len(text)
            piece, text = text[:cut], text[cut:]
            self._backlog.append((position, piece))
            position += units(piece)
        self._fill_some()
        if self._backlog:
            self._filling(True)
            self._filler.start()

    def _fill_some(self) -> None:
        if self._backlog:
            position, piece = self._backlog.popleft()
            self._write(position, position, piece)
        if not self._backlog and self._filler.isActive():
            self._filler.stop()
            self._filling(False)
        if not self._backlog and self._caret_after >= 0:
            self.setTextCursor(self._between(self._caret_after, self._caret_after))
            self._caret_after = -1

    def _space(self, begin: int, end: int) -> None:
        """Make empty lines among Qt's positions `begin` to `end` lower than others; the line with the caret keeps its
        height, so that nothing jumps while the user types."""
        block, last = self.document().findBlock(begin), self.document().findBlock(end)
        writing = self.document().lastBlock()
        while block.isValid():
            blank = block.length() == 1 and block != writing and block.blockNumber() != self._caret_block
            wanted = self._blank_line if blank else self._full_line
            if block.blockFormat().lineHeight() != wanted.lineHeight():
                QTextCursor(block).setBlockFormat(wanted)
            if block == last:
                break
            block = block.next()

    def _space_quietly(self, begin: int, end: int) -> None:
        with self._quiet():
            self._space(begin, end)

    def _on_caret(self) -> None:
        """The line that the caret leaves may become low, the one it enters is full."""
        number = self.textCursor().blockNumber() if not self.isReadOnly() and self.hasFocus() else -1
        if number == self._caret_block or self._silent:
            return
        before, self._caret_block = self._caret_block, number
        for changed in (before, number):
            block = self.document().findBlockByNumber(changed)
            if block.isValid() and block.length() == 1:
                self._space_quietly(block.position(), block.position())

    # -- the user's edits -------------------------------------------------------------------------------------

    def _on_contents_change(self, position: int, removed: int, added: int) -> None:
        if self._silent:
            return
        count = self.document().characterCount() - 1
        added = min(added, count - position)
        removed = self._units - (count - added)
        text = self._plain(position, position + added)
        start, end = self._character(position), self._character(position + removed)
        self._units = count
        if self._text[start:end] == text:
            return
        self._text = self._text[:start] + text + self._text[end:]
        self._moved(position, position + removed, added)
        if "\n" in text or removed:
            QTimer.singleShot(0, self, lambda: self._space_quietly(position, position + added))
        self.edited.emit(start, end, text)

    def insertFromMimeData(self, source: QMimeData) -> None:
        text, count = clean_paste(source.text())
        self.insert_text(text)
        if count:
            self.cleaned.emit(count)

    def insert_text(self, text: str) -> None:
        """Replace the selection, as if the user had typed `text`."""
        self.flush()
        cursor = self.textCursor()
        begin, end = cursor.selectionStart(), cursor.selectionEnd()
        if self.isReadOnly() or not self._may_edit(begin, end):
            return
        if len(text) <= SLICE:
            cursor.insertText(text, QTextCharFormat())
            self.ensureCursorVisible()
            return
        start, finish = self.selected()
        self._write(begin, end, "")
        self._text = self._text[:start] + text + self._text[finish:]
        self._caret_after = begin + units(text)
        self._fill(begin, text)
        self.edited.emit(start, finish, text)

    # -- positions --------------------------------------------------------------------------------------------

    def _unit(self, character: int, *, after: bool = False) -> int:
        """Qt's position of `character`; where the foreign stretch stands there, before or `after` it."""
        position = to_units(self._text, character)
        begin, end = self._foreign
        return position + end - begin if position > begin or (after and position == begin) else position

    def _character(self, position: int) -> int:
        begin, end = self._foreign
        if position > begin:
            position = max(begin, position - (end - begin))
        return to_characters(self._text, position)

    def _plain(self, start: int, end: int) -> str:
        return self._between(start, end).selectedText().replace("\u2029", "\n").replace("\u2028", "\n")

    def _between(self, start: int, end: int) -> QTextCursor:
        last = self.document().characterCount() - 1
        cursor = QTextCursor(self.document())
        cursor.setPosition(min(start, last))
        cursor.setPosition(min(end, last), QTextCursor.MoveMode.KeepAnchor)
        return cursor


def _line(height: int) -> QTextBlockFormat:
    style = QTextBlockFormat()
    style.setLineHeight(height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
    return style
