"""The words of a sentence: their font, their lines, and the field in which they are written."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from studio.core.i18n import _
from studio.ui.tabs.clean import clean_paste
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.paint import paint_box, text_width

LARGER = 14 / 13
LINES = 8  # that a field shows at most
FLOOD = 4000  # characters of a paste that are no sentence any more
_CACHE = 4000


def reading_font(theme: Theme) -> QFont:
    """A little larger than the rest: these are the user's words."""
    font = theme.font("body")
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * LARGER)
    else:
        font.setPixelSize(round(font.pixelSize() * LARGER))
    return font


class Layouts:
    """Lines of wrapped words, kept for what is shown often."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, str], list[tuple[int, int]]] = OrderedDict()

    def lines(self, text: str, width: int, theme: Theme) -> list[tuple[int, int]]:
        """(start, length) of each line of `text` in UTF-16 units."""
        font = reading_font(theme)
        key = (text, width, font.key())
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if len(text) * 4 < width or text_width(text, font) <= width:
            lines = [(0, len(text))]
        else:
            lines = _wrapped(text, width, theme)
        self._kept[key] = lines
        if len(self._kept) > _CACHE:
            self._kept.popitem(last=False)
        return lines


def layout_of(text: str, theme: Theme) -> QTextLayout:
    layout = QTextLayout(text, reading_font(theme))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    return layout


def _wrapped(text: str, width: int, theme: Theme) -> list[tuple[int, int]]:
    layout = layout_of(text, theme)
    layout.beginLayout()
    lines = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        lines.append((line.textStart(), line.textLength()))
    layout.endLayout()
    return lines or [(0, 0)]


class SentenceEdit(QPlainTextEdit):
    """The words of one sentence. `done` carries "" (leave), "next" (Enter at the end), "split" (Enter in the middle),
    "join" (Backspace at the start) or "cancel"; `flooded` a text that was pasted and is far more than a sentence."""

    grown = Signal()
    done = Signal(str)
    flooded = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        theme = theme_of(self)
        self.how = ""
        self.setFont(reading_font(theme))
        self.setAccessibleName(_("Sentence"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("kind", "inline")
        self.setProperty("focusRing", False)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(7)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._lines, self._all_lines = 1, 1
        self._from_top = False
        self.textChanged.connect(self._count_lines)
        self.document().setModified(False)  # its margin and font do not count

    def wanted_height(self) -> int:
        return self._lines * self.fontMetrics().lineSpacing() + 16

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._count_lines()  # another width wraps other lines
        if self._all_lines <= LINES or self._from_top:
            self.verticalScrollBar().setValue(0)  # the field was too low while the text came in

    def _count_lines(self) -> None:
        block, lines = self.document().begin(), 0
        layout = self.document().documentLayout()
        while block.isValid():
            layout.blockBoundingRect(block)  # has its lines laid out
            lines += max(1, block.layout().lineCount())
            block = block.next()
        self._all_lines, lines = lines, min(lines, LINES)
        if lines != self._lines:
            self._lines = lines
            self.grown.emit()

    def insertFromMimeData(self, source) -> None:
        text = source.text()
        if len(text) > FLOOD:
            self.flooded.emit(text)
            return
        self._from_top = self.document().isEmpty()
        self.textCursor().insertText(clean_paste(text)[0])
        if self._from_top:
            self.verticalScrollBar().setValue(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._from_top = False
        key, cursor = event.key(), self.textCursor()
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key == Qt.Key.Key_Escape:
            self.done.emit("cancel")
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            middle = not cursor.hasSelection() and 0 < cursor.position() < len(self.toPlainText().rstrip())
            self.how = f"split {len(self.toPlainText()[: cursor.position()])}" if middle else "next"
            self.done.emit(self.how)
        elif key == Qt.Key.Key_Backspace and plain and cursor.position() == 0 and not cursor.hasSelection():
            self.how = "join"
            self.done.emit(self.how)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            theme = theme_of(self)
            rect = self.viewport().rect()
            paint_box(painter, rect, theme.color("surface.field"), theme.color("focus.ring"), 6, 2)
        super().paintEvent(event)
