"""Messages as dressed paragraphs of one text document: where each begins, its margins, and the box it fills."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QFontMetrics,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
)

from studio.ui.theme import Theme

INDENT = 36
PAD_X, PAD_Y = 14, 7
GAP = 13
ROW = 28
LINE, TIME_LINE = 24, 16
TOP = 28
SINK = 2  # pixels that text stands below the middle of a line of fixed height


@dataclass(frozen=True)
class Shown:
    """A message as it is shown. `role` is "user", "assistant" or "time" (a line that says when); `branch` is its
    number among `branches` answers to the same question (or versions of the same question)."""

    id: str
    role: str
    text: str
    branch: int = 1
    branches: int = 1


class Paragraphs:
    """Writes messages into `document`, which belongs to it. Widths and boxes are in pixels of the document; messages
    go by their number in `shown`."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        self._document = document
        self._theme = theme
        self._starts: list[int] = []
        self.shown: list[Shown] = []
        document.setDocumentMargin(0)
        self._set_frame()

    def _set_frame(self) -> None:
        frame = QTextFrameFormat()
        frame.setTopMargin(TOP)
        frame.setBottomMargin(GAP + ROW)  # Qt leaves out the margin below the last paragraph
        self._document.rootFrame().setFrameFormat(frame)

    # -- writing ----------------------------------------------------------------------------------------------

    def clear(self) -> None:
        self.shown, self._starts = [], []
        self._document.clear()
        self._set_frame()

    def truncate(self, count: int) -> None:
        """Leave the first `count` messages."""
        if count >= len(self.shown):
            return
        begin = self._starts[count]
        cursor = self.cursor(max(0, begin - 1))
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        del self.shown[count:], self._starts[count:]

    def add(self, message: Shown, width: float) -> None:
        """One more message, in a column `width` wide."""
        cursor = self.cursor(self.end)
        cursor.beginEditBlock()
        if self.shown:
            cursor.insertBlock()
        self._starts.append(cursor.position())
        self.shown.append(message)
        cursor.setBlockFormat(self._block_format(message, width))
        cursor.setBlockCharFormat(self._char_format(message))
        cursor.insertText(message.text, self._char_format(message))
        cursor.endEditBlock()
        self._dress(len(self.shown) - 1)

    def append(self, text: str) -> int:
        """More words of the last message; where in the document they begin."""
        begin = self.end
        cursor = self.cursor(begin)
        cursor.beginEditBlock()
        cursor.insertText(text)
        self.shown[-1] = replace(self.shown[-1], text=self.shown[-1].text + text)
        self._dress_end(len(self.shown) - 1, begin)
        cursor.endEditBlock()
        return begin

    def reflow(self, width: float) -> None:
        """Make the bubbles fit another width."""
        whole = QTextCursor(self._document)
        whole.beginEditBlock()
        for index, message in enumerate(self.shown):
            if message.role != "user":
                continue
            left = self._bubble_left(message.text, width)
            block, last = self._first_block(index), self._last_block(index)
            while block.isValid():
                cursor = QTextCursor(block)
                style = cursor.blockFormat()
                style.setLeftMargin(left)
                cursor.setBlockFormat(style)
                if block == last:
                    break
                block = block.next()
        whole.endEditBlock()

    # -- how a message is dressed -----------------------------------------------------------------------------

    def _block_format(self, message: Shown, width: float) -> QTextBlockFormat:
        style = QTextBlockFormat()
        height = TIME_LINE if message.role == "time" else LINE
        style.setLineHeight(height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        if message.role == "time":
            style.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        elif message.role == "user":
            style.setLeftMargin(self._bubble_left(message.text, width))
            style.setRightMargin(PAD_X)
        else:
            style.setLeftMargin(INDENT)
        return style

    def _char_format(self, message: Shown) -> QTextCharFormat:
        style = QTextCharFormat()
        if message.role == "time":
            style.setFont(self._theme.font("caption"))
            style.setForeground(self._theme.color("text.tertiary"))
        return style

    def _bubble_left(self, text: str, width: float) -> float:
        """The bubble hugs its text and leaves at least a fifth of the column free."""
        room = width - 2 * PAD_X
        widest = int(room * 0.8)
        metrics = QFontMetrics(self._document.defaultFont())
        wanted = 0
        for line in text.split("\n"):
            wanted = widest if len(line) > 200 else max(wanted, metrics.horizontalAdvance(line) + 2)
            if wanted >= widest:
                break
        return PAD_X + room - min(max(wanted, 12), widest)

    def _dress(self, index: int) -> None:
        """Margins above the first and below the last paragraph of a message."""
        message = self.shown[index]
        cursor = QTextCursor(self._first_block(index))
        style = cursor.blockFormat()
        style.setTopMargin({"time": 20, "user": PAD_Y + GAP, "assistant": 0}[message.role])
        cursor.setBlockFormat(style)
        self._dress_end(index)

    def _dress_end(self, index: int, begin: int = -1) -> None:
        """The margin below the last paragraph; those before it (from Qt's position `begin`) have none."""
        message = self.shown[index]
        first, last = self._first_block(index), self._last_block(index)
        below = {"time": 12, "user": PAD_Y + GAP, "assistant": GAP / 2 + ROW}[message.role]
        block = self._document.findBlock(max(begin, self._starts[index]))
        while block.isValid():
            bottom = below if block == last else 0
            top = block.blockFormat().topMargin() if block == first else 0
            if block.blockFormat().bottomMargin() != bottom or block.blockFormat().topMargin() != top:
                cursor = QTextCursor(block)
                style = cursor.blockFormat()
                style.setTopMargin(top)
                style.setBottomMargin(bottom)
                cursor.setBlockFormat(style)
            if block == last:
                return
            block = block.next()

    # -- places -----------------------------------------------------------------------------------------------

    @property
    def end(self) -> int:
        return self._document.characterCount() - 1

    def cursor(self, position: int) -> QTextCursor:
        cursor = QTextCursor(self._document)
        cursor.setPosition(min(position, self.end))
        return cursor

    def _first_block(self, index: int) -> QTextBlock:
        return self._document.findBlock(self._starts[index])

    def _last_block(self, index: int) -> QTextBlock:
        if index + 1 < len(self._starts):
            return self._document.findBlock(self._starts[index + 1] - 1)
        return self._document.lastBlock()

    def box(self, index: int, width: float) -> QRectF:
        """Where the text of a message lies in a column `width` wide (user: with the bubble's padding)."""
        layout = self._document.documentLayout()
        first = layout.blockBoundingRect(self._first_block(index))
        last = layout.blockBoundingRect(self._last_block(index))
        # Qt's box of a block is as high as its letters, not as its lines.
        bottom = last.top() + LINE * max(1, self._last_block(index).layout().lineCount())
        top, height = first.top() + SINK, bottom - first.top()
        if self.shown[index].role == "user":
            left = self._first_block(index).blockFormat().leftMargin() - PAD_X
            return QRectF(left, top - PAD_Y, width - left, height + 2 * PAD_Y)
        return QRectF(0, top, width, height)

    def message_at(self, y: float) -> int:
        """The message at height `y`."""
        layout = self._document.documentLayout()
        position = layout.hitTest(QPointF(INDENT, y), Qt.HitTestAccuracy.FuzzyHit)
        low, high = 0, len(self._starts) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._starts[middle] <= position else (low, middle - 1)
        return low
