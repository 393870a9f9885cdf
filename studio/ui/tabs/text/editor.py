"""The page of the Text tab: streamed words, a change that waits for the user's word, and search marks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDropEvent,
    QFontMetrics,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QMenu, QTextEdit, QWidget

from studio.core.i18n import _
from studio.ui.tabs.text.bound_editor import BoundEditor
from studio.ui.tabs.text.positions import units
from studio.ui.theme import theme_of

COLUMN = 640
FRESH_SECONDS = 0.6
FOLLOW_WITHIN = 48  # pixels from the end within which the page follows new words
MARKS_SHOWN = 500
CARET = 8


@dataclass
class _Pending:
    """Qt's positions: old words from `first` to `middle`, new ones from there to `last`."""

    first: int
    middle: int
    last: int


class StageEditor(BoundEditor):
    """What the user sees of a document's text."""

    undo_requested = Signal()
    redo_requested = Signal()
    refused = Signal()
    menu_opened = Signal(QMenu)
    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        self._pending: _Pending | None = None
        self._fresh: list[list[float]] = []  # [Qt's position, time when it is no longer new]
        self._marks: list[tuple[int, int]] = []
        self._mark = -1
        self._writing = False
        self._following = False
        super().__init__(parent)
        self.setAccessibleName(_("Text"))
        self._fader = QTimer(self)
        self._fader.setInterval(100)
        self._fader.timeout.connect(self._fade)
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)
        theme_of(self).changed.connect(self._on_theme_changed)

    # -- streamed words ---------------------------------------------------------------------------------------

    def append(self, start: int, text: str) -> None:  # type: ignore[override]
        """Words that were just written at `start`: tinted for a moment, and followed if the page's end is in view."""
        self._following = self._at_end()
        self.apply(start, start, text)
        self._tint(self._unit(start, after=True))

    def set_writing(self, on: bool) -> None:
        """Show where the model writes: behind the new words of a pending change, else at the end of the text."""
        self._writing = on
        self.viewport().update()

    @property
    def is_writing(self) -> bool:
        return self._writing

    def _tint(self, position: int) -> None:
        self._fresh.append([position, time.monotonic() + FRESH_SECONDS])
        self._fader.start()
        self._show_marks()

    def _fade(self) -> None:
        now = time.monotonic()
        self._fresh = [item for item in self._fresh if item[1] > now]
        if not self._fresh:
            self._fader.stop()
        self._show_marks()

    def _end_of_writing(self) -> int:
        return self._pending.last if self._pending else self.document().characterCount() - 1

    # -- a pending change -------------------------------------------------------------------------------------

    @property
    def has_pending(self) -> bool:
        return self._pending is not None

    def pending_range(self) -> tuple[int, int] | None:
        """The old characters of the pending change, wherever edits have moved them."""
        if self._pending is None:
            return None
        return self._character(self._pending.first), self._character(self._pending.middle)

    def show_pending(self, start: int, end: int, text: str = "") -> None:
        """Mark the characters `start` to `end` as old; `text` are the new ones, shown behind them."""
        self.drop_pending()
        self.flush()
        self._following = False
        first, middle = self._unit(start), self._unit(end)
        self._pending = _Pending(first, middle, middle)
        self._foreign = (middle, middle)
        self._dress()
        self.setTextCursor(self._between(first, first))
        if text:
            self.extend_pending(text)
        self._reveal(first)

    def extend_pending(self, text: str) -> None:
        """More new words, shown but not yet part of the text."""
        if self._pending is not None:
            last = self._pending.last
            self._replace_new(last, last, text)
            self._tint(last)

    def drop_pending(self) -> None:
        """Show the text without the change."""
        if self._pending is None:
            return
        first, middle = self._pending.first, self._pending.middle
        self._replace_new(middle, self._pending.last, "")
        self._pending = None
        self._foreign = (0, 0)
        with self._quiet():
            self._between(first, middle).setCharFormat(QTextCharFormat())

    def apply(self, start: int, end: int, text: str) -> None:
        old = self.pending_range()
        if old is None or not start < old[1] < end:
            super().apply(start, end, text)
            return
        # The change reaches across the new words: they are shown again behind it.
        pending = self._pending
        new = self._plain(pending.middle, pending.last) if pending else ""
        self.drop_pending()
        super().apply(start, end, text)
        place = min(old[0], start + len(text))
        self.show_pending(place, start + len(text), new)

    def _replace_new(self, begin: int, end: int, text: str) -> None:
        assert self._pending is not None
        first, middle, last = self._pending.first, self._pending.middle, self._pending.last
        self._write(begin, end, text, self._style("new"))
        self._pending = _Pending(first, middle, last + units(text) - (end - begin))
        self._foreign = (middle, self._pending.last)

    def _style(self, kind: str) -> QTextCharFormat:
        theme = theme_of(self)
        style = QTextCharFormat()
        if kind == "old":
            style.setFontStrikeOut(True)
            style.setForeground(theme.color("text.tertiary"))
        else:
            style.setBackground(theme.color("mediumTint.text"))
        return style

    def _dress(self) -> None:
        if self._pending is not None:
            with self._quiet():
                self._between(self._pending.first, self._pending.middle).setCharFormat(self._style("old"))
                self._between(self._pending.middle, self._pending.last).setCharFormat(self._style("new"))

    def _may_edit(self, begin: int, end: int) -> bool:
        """Not into or next to the new words: they are not part of the text yet."""
        if self._pending is None or begin > self._pending.last:
            return True
        allowed = (
            end <= self._pending.first if self._pending.middle > self._pending.first else end < self._pending.first
        )
        if not allowed:
            self.refused.emit()
        return allowed

    def _moved(self, begin: int, end: int, added: int) -> None:
        def moved(position: int, *, sticky: bool = False) -> int:
            if position >= end and not (sticky and begin == end == position):
                return position + added - (end - begin)
            return min(position, begin) if position > begin else position

        if self._pending is not None:
            pending = self._pending
            self._pending = _Pending(
                moved(pending.first), moved(pending.middle, sticky=True), moved(pending.last, sticky=True)
            )
            self._foreign = (self._pending.middle, self._pending.last)
        for item in self._fresh:
            item[0] = moved(int(item[0]), sticky=True)
        self._marks = [(moved(start), moved(finish)) for start, finish in self._marks]

    def _reset(self) -> None:
        self._pending = None
        self._writing = False
        self._fresh, self._marks, self._mark = [], [], -1
        super()._reset()
        self.setExtraSelections([])

    # -- marks ------------------------------------------------------------------------------------------------

    def set_marks(self, marks: Sequence[tuple[int, int]], current: int = -1) -> None:
        """Mark what was found, as (start, end); `current` is brought into view."""
        self.flush()
        first = max(0, current - MARKS_SHOWN // 2)
        near = marks[first : first + MARKS_SHOWN]
        self._marks = [(self._unit(start, after=True), self._unit(end)) for start, end in near]
        self._mark = current - first if current >= 0 else -1
        self._show_marks()
        if 0 <= current < len(marks):
            self._reveal(self._unit(marks[current][0], after=True))

    def _show_marks(self) -> None:
        shown = []
        for index, (start, end) in enumerate(self._marks):
            shown.append(self._selection(start, end, "selection" if index == self._mark else "warning.tint"))
        if self._fresh:
            shown.append(self._selection(int(self._fresh[0][0]), self._end_of_writing(), "mediumTint.text"))
        if shown or self.extraSelections():
            self.setExtraSelections(shown)

    def _selection(self, start: int, end: int, color: str) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        selection.cursor = self._between(start, end)  # type: ignore[attr-defined]
        selection.format.setBackground(theme_of(self).color(color))  # type: ignore[attr-defined]
        return selection

    def _reveal(self, position: int) -> None:
        """Scroll so that `position` is in view; the caret stays where it is."""
        bar = self.verticalScrollBar()
        top = self.cursorRect(self._between(position, position)).top()
        if not 0 <= top <= self.viewport().height() - 2 * FOLLOW_WITHIN:
            bar.setValue(bar.value() + top - self.viewport().height() // 3)

    # -- following the end ------------------------------------------------------------------------------------

    def _at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - FOLLOW_WITHIN

    def _on_range_changed(self, minimum: int, maximum: int) -> None:
        if self._following and self._writing:
            self.verticalScrollBar().setValue(maximum)

    def _write(self, begin: int, end: int, text: str, style: QTextCharFormat | None = None) -> None:
        super()._write(begin, end, text, style)
        if self._following and self._writing:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    # -- painting and events ----------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._writing:
            return
        end = self._end_of_writing()
        line = self.cursorRect(self._between(end, end))
        size = QFontMetrics(self.font()).height() - 4
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme_of(self).color("medium.text"))
        box = QRectF(line.left() + 3, line.center().y() - size / 2 + 1, CARET, size)
        painter.drawRoundedRect(box, 1, 1)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        side = max(32, (self.width() - COLUMN) // 2)
        if self.viewportMargins().left() != side:
            self.setViewportMargins(side, 0, side, 0)
        super().resizeEvent(event)
        self.resized.emit()

    def event(self, event: QEvent) -> bool:
        """The margins beside the column belong to the page: wheel and mouse work there as in it."""
        if isinstance(event, QWheelEvent):
            return QApplication.sendEvent(self.verticalScrollBar(), event)
        if isinstance(event, QMouseEvent) and event.type() != QEvent.Type.MouseMove:
            place = QPointF(self.viewport().mapFrom(self, event.position().toPoint()))
            inside = QMouseEvent(
                event.type(), place, event.globalPosition(), event.button(), event.buttons(), event.modifiers()
            )
            return QApplication.sendEvent(self.viewport(), inside)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.redo_requested.emit()
        elif self._pending is None or self._key_allowed(event):
            super().keyPressEvent(event)

    def _key_allowed(self, event: QKeyEvent) -> bool:
        cursor = self.textCursor()
        word = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() == Qt.Key.Key_Backspace and not cursor.hasSelection():
            back = QTextCursor.MoveOperation.PreviousWord if word else QTextCursor.MoveOperation.PreviousCharacter
            cursor.movePosition(back, QTextCursor.MoveMode.KeepAnchor)
        elif event.key() == Qt.Key.Key_Delete and not cursor.hasSelection():
            on = QTextCursor.MoveOperation.NextWord if word else QTextCursor.MoveOperation.NextCharacter
            cursor.movePosition(on, QTextCursor.MoveMode.KeepAnchor)
        elif event.matches(QKeySequence.StandardKey.Cut):
            pass
        elif not event.text() or (event.text() < " " and event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            return True
        if self._may_edit(cursor.selectionStart(), cursor.selectionEnd()):
            self.setCurrentCharFormat(QTextCharFormat())
            return True
        return False

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        cursor = self.textCursor()
        if self._may_edit(cursor.selectionStart(), cursor.selectionEnd()):
            super().inputMethodEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        position = self.cursorForPosition(event.position().toPoint()).position()
        if self._may_edit(position, position):
            super().dropEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        self.menu_opened.emit(menu)
        menu.exec(event.globalPos())
        menu.deleteLater()

    def _on_theme_changed(self) -> None:
        self._dress()
        self._show_marks()
