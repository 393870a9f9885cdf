"""The conversation: one read-only text whose messages are dressed as bubbles.

All messages are paragraphs of one document, so hundreds of them cost one widget, any stretch can be selected and
copied, and a screen reader finds ordinary text. The bubbles are painted behind the paragraphs; one row of buttons
goes with the message under the mouse, or the one chosen with Alt+Up and Alt+Down.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QTextEdit, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.tabs.text.editor import CARET, FOLLOW_WITHIN, FRESH_SECONDS
from studio.ui.tabs.text.message_actions import MessageActions
from studio.ui.theme import theme_of

COLUMN = 720
ICON, INDENT = 24, 36
PAD_X, PAD_Y = 14, 7
GAP = 13
ROW = 28
TEXT_PX, LINE, TIME_LINE = 14, 24, 16
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


class ChatView(QTextEdit):
    """Shows messages; what a message's buttons ask for is told with the message's id."""

    action = Signal(str, str)  # ("copy" | "regenerate" | "edit" | "branch" | "send" | "previous" | "next", id)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = theme_of(self)
        self._shown: list[Shown] = []
        self._starts: list[int] = []
        self._current = -1
        self._writing = False
        self._fresh: list[tuple[int, float]] = []
        self.setReadOnly(True)
        self.setProperty("kind", "stage")
        self.setProperty("focusRing", False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setAccessibleName(_("Conversation"))
        font = QFont(theme.font("body"))
        font.setPointSizeF(font.pointSizeF() * TEXT_PX / 13) if font.pointSizeF() > 0 else font.setPixelSize(TEXT_PX)
        self.setFont(font)
        self.document().setDefaultFont(font)
        self.document().setDocumentMargin(0)
        self._set_frame()
        self.viewport().setMouseTracking(True)
        self._actions = MessageActions(self.viewport())
        self._actions.chosen.connect(lambda name: self.action.emit(name, self.current_id()))
        self._actions.hide()
        self._fader = QTimer(self)
        self._fader.setInterval(100)
        self._fader.timeout.connect(self._fade)
        self.verticalScrollBar().valueChanged.connect(self._place_actions)
        theme.changed.connect(self._on_theme_changed)

    # -- messages ---------------------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Shown, ...]:
        return tuple(self._shown)

    def set_messages(self, messages: Sequence[Shown]) -> None:
        """Show `messages`. Those at the beginning that are shown already are left alone."""
        same = 0
        while same < min(len(messages), len(self._shown)) and messages[same] == self._shown[same]:
            same += 1
        follow = self._at_end() or same == 0
        growing = same == len(self._shown) - 1 == len(messages) - 1 and same >= 0
        if growing and self._grow(messages[same]):
            return
        self._truncate(same)
        self._fresh.clear()
        self.setExtraSelections([])
        for message in messages[same:]:
            self._add(message)
        self._current = min(self._current, len(self._shown) - 1)
        if self._current < 0 or same < len(messages):
            self._current = len(self._shown) - 1
        if follow:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self._place_actions()
        self.viewport().update()

    def append(self, text: str) -> None:
        """More words of the last message."""
        if not self._shown or not text:
            return
        follow = self._at_end()
        value = self.verticalScrollBar().value()
        begin = self._end()
        cursor = self._cursor(begin)
        cursor.beginEditBlock()
        cursor.insertText(text)
        self._shown[-1] = replace(self._shown[-1], text=self._shown[-1].text + text)
        self._dress_end(len(self._shown) - 1, begin)
        cursor.endEditBlock()
        self._fresh.append((begin, time.monotonic() + FRESH_SECONDS))
        self._fader.start()
        self._fade()
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum() if follow else value)
        self._place_actions()

    def set_writing(self, on: bool) -> None:
        """Whether the last message is being written."""
        if self._writing and not on and self._shown:
            text = self._shown[-1].text
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text[:2000]))
        self._writing = on
        self._place_actions()
        self.viewport().update()

    def current_id(self) -> str:
        """The message that the buttons belong to; empty if there is none."""
        return self._shown[self._current].id if 0 <= self._current < len(self._shown) else ""

    def _grow(self, message: Shown) -> bool:
        old = self._shown[-1]
        if message == replace(old, text=message.text) and message.role == "assistant" and old.text:
            if message.text.startswith(old.text):
                self.append(message.text[len(old.text) :])
                return True
        return False

    def _set_frame(self) -> None:
        frame = QTextFrameFormat()
        frame.setTopMargin(28)
        frame.setBottomMargin(GAP + ROW)  # Qt leaves out the margin below the last paragraph
        self.document().rootFrame().setFrameFormat(frame)

    # -- the document -----------------------------------------------------------------------------------------

    def _truncate(self, count: int) -> None:
        if count >= len(self._shown):
            return
        begin = self._starts[count]
        cursor = self._cursor(max(0, begin - 1))
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        del self._shown[count:], self._starts[count:]

    def _add(self, message: Shown) -> None:
        cursor = self._cursor(self._end())
        cursor.beginEditBlock()
        if self._shown:
            cursor.insertBlock()
        self._starts.append(cursor.position())
        self._shown.append(message)
        cursor.setBlockFormat(self._block_format(message))
        cursor.setBlockCharFormat(self._char_format(message))
        cursor.insertText(message.text, self._char_format(message))
        cursor.endEditBlock()
        self._dress(len(self._shown) - 1)

    def _block_format(self, message: Shown) -> QTextBlockFormat:
        style = QTextBlockFormat()
        height = TIME_LINE if message.role == "time" else LINE
        style.setLineHeight(height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        if message.role == "time":
            style.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        elif message.role == "user":
            style.setLeftMargin(self._bubble_left(message.text))
            style.setRightMargin(PAD_X)
        else:
            style.setLeftMargin(INDENT)
        return style

    def _char_format(self, message: Shown) -> QTextCharFormat:
        style = QTextCharFormat()
        if message.role == "time":
            style.setFont(theme_of(self).font("caption"))
            style.setForeground(theme_of(self).color("text.tertiary"))
        return style

    def _bubble_left(self, text: str) -> float:
        """The bubble hugs its text and leaves at least a fifth of the column free."""
        width = self.viewport().width() - 2 * PAD_X
        widest = int(width * 0.8)
        metrics = QFontMetrics(self.font())
        wanted = 0
        for line in text.split("\n"):
            wanted = widest if len(line) > 200 else max(wanted, metrics.horizontalAdvance(line) + 2)
            if wanted >= widest:
                break
        return PAD_X + width - min(max(wanted, 12), widest)

    def _dress(self, index: int) -> None:
        """Margins above the first and below the last paragraph of a message."""
        message = self._shown[index]
        first = self.document().findBlock(self._starts[index])
        cursor = QTextCursor(first)
        style = cursor.blockFormat()
        style.setTopMargin({"time": 20, "user": PAD_Y + GAP, "assistant": 0}[message.role])
        cursor.setBlockFormat(style)
        self._dress_end(index)

    def _dress_end(self, index: int, begin: int = -1) -> None:
        """The margin below the last paragraph; those before it (from Qt's position `begin`) have none."""
        message = self._shown[index]
        first = self.document().findBlock(self._starts[index])
        last = self._last_block(index)
        below = {"time": 12, "user": PAD_Y + GAP, "assistant": GAP / 2 + ROW}[message.role]
        block = self.document().findBlock(max(begin, self._starts[index]))
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

    def _last_block(self, index: int):
        if index + 1 < len(self._starts):
            return self.document().findBlock(self._starts[index + 1] - 1)
        return self.document().lastBlock()

    def _end(self) -> int:
        return self.document().characterCount() - 1

    def _cursor(self, position: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(min(position, self._end()))
        return cursor

    def _at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - FOLLOW_WITHIN

    # -- geometry ---------------------------------------------------------------------------------------------

    def _area(self, index: int) -> QRectF:
        """Where the text of a message lies in the viewport (user: with the bubble's padding)."""
        layout = self.document().documentLayout()
        first = layout.blockBoundingRect(self.document().findBlock(self._starts[index]))
        last = layout.blockBoundingRect(self._last_block(index))
        # Qt's box of a block is as high as its letters, not as its lines.
        bottom = last.top() + LINE * max(1, self._last_block(index).layout().lineCount())
        area = QRectF(0, first.top() + SINK, self.viewport().width(), bottom - first.top())
        area.translate(0, -self.verticalScrollBar().value())
        if self._shown[index].role == "user":
            left = self.document().findBlock(self._starts[index]).blockFormat().leftMargin() - PAD_X
            return QRectF(left, area.top() - PAD_Y, self.viewport().width() - left, area.height() + 2 * PAD_Y)
        return area

    def _visible(self) -> range:
        if not self._shown:
            return range(0)
        first = self._message_at(0)
        last = self._message_at(self.viewport().height())
        return range(max(0, first - 1), min(len(self._shown), last + 2))

    def _message_at(self, y: float) -> int:
        """The message at height `y` of the viewport."""
        place = QPointF(INDENT, y + self.verticalScrollBar().value())
        position = self.document().documentLayout().hitTest(place, Qt.HitTestAccuracy.FuzzyHit)
        low, high = 0, len(self._starts) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._starts[middle] <= position else (low, middle - 1)
        return low

    def _place_actions(self) -> None:
        index = self._current
        if not 0 <= index < len(self._shown) or self._shown[index].role == "time":
            self._actions.hide()
            return
        message = self._shown[index]
        last = index == len(self._shown) - 1
        if last and self._writing:
            self._actions.hide()
            return
        self._actions.set_message(message.role, message.branch, message.branches)
        area = self._area(index)
        hint = self._actions.sizeHint()
        if message.role == "user":
            place = (area.left() - hint.width() - 4, area.center().y() - hint.height() / 2)
        else:
            place = (INDENT - 6, area.bottom())
        self._actions.setGeometry(round(place[0]), round(place[1]), hint.width(), hint.height())
        self._actions.show()

    # -- painting ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index in self._visible():
            self._paint_message(painter, index)
        painter.end()
        super().paintEvent(event)
        if self._writing and self._shown:
            self._paint_caret()

    def _paint_message(self, painter: QPainter, index: int) -> None:
        theme = theme_of(self)
        message = self._shown[index]
        area = self._area(index)
        painter.setPen(Qt.PenStyle.NoPen)
        if message.role == "user":
            painter.setBrush(theme.color("surface.hover"))
            painter.drawPath(_bubble(area))
        elif message.role == "assistant":
            box = QRectF(0, area.top(), ICON, ICON)
            painter.setBrush(theme.color("mediumTint.text"))
            painter.drawRoundedRect(box, 6, 6)
            paint_icon(painter, box.adjusted(5, 5, -5, -5), "sparkle-fill", theme.color("medium.text"))
        if message.branches > 1 and index != self._current:
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.color("text.tertiary"))
            words = f"‹ {message.branch}/{message.branches} ›"
            if message.role == "user":
                row = QRectF(area.left() - 76, area.top(), 64, area.height())
                painter.drawText(row, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)
            else:
                row = QRectF(INDENT, area.bottom() + 2, 100, ROW)
                painter.drawText(row, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)

    def _paint_caret(self) -> None:
        line = self.cursorRect(self._cursor(self._end()))
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme_of(self).color("medium.text"))
        painter.drawRoundedRect(QRectF(line.left() + 3, line.center().y() - 8, CARET, 16), 1, 1)
        painter.end()

    def _fade(self) -> None:
        now = time.monotonic()
        self._fresh = [item for item in self._fresh if item[1] > now]
        if not self._fresh:
            self._fader.stop()
            self.setExtraSelections([])
            return
        selection = QTextEdit.ExtraSelection()
        cursor = self._cursor(self._fresh[0][0])
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        selection.cursor = cursor  # type: ignore[attr-defined]
        selection.format.setBackground(theme_of(self).color("mediumTint.text"))  # type: ignore[attr-defined]
        self.setExtraSelections([selection])

    def _on_theme_changed(self) -> None:
        shown, self._shown, self._starts = self._shown, [], []
        value = self.verticalScrollBar().value()
        self.document().clear()
        self._set_frame()
        self.set_messages(shown)
        self.verticalScrollBar().setValue(value)

    # -- events -----------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        side = max(24, (self.width() - COLUMN) // 2)
        follow = self._at_end()
        if self.viewportMargins().left() != side:
            self.setViewportMargins(side, 0, side, 0)
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._reflow()
        if follow:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self._place_actions()

    def _reflow(self) -> None:
        whole = QTextCursor(self.document())
        whole.beginEditBlock()
        for index, message in enumerate(self._shown):
            if message.role != "user":
                continue
            left = self._bubble_left(message.text)
            block, last = self.document().findBlock(self._starts[index]), self._last_block(index)
            while block.isValid():
                cursor = QTextCursor(block)
                style = cursor.blockFormat()
                style.setLeftMargin(left)
                cursor.setBlockFormat(style)
                if block == last:
                    break
                block = block.next()
        whole.endEditBlock()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent):
            return QApplication.sendEvent(self.verticalScrollBar(), event)
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if not event.buttons() and self._shown:
            self._choose(self._message_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self._actions.isAncestorOf(QApplication.focusWidget() or self):
            self._choose(len(self._shown) - 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.step(step)
            return
        super().keyPressEvent(event)

    def step(self, by: int) -> None:
        """Choose the message before or after, bring it into view and say it."""
        index = self._current + by
        while 0 <= index < len(self._shown) and self._shown[index].role == "time":
            index += by
        if not 0 <= index < len(self._shown):
            return
        self._choose(index)
        message = self._shown[index]
        who = _("You") if message.role == "user" else _("Answer")
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, f"{who}: {message.text[:2000]}"))
        area, bar = self._area(index), self.verticalScrollBar()
        if area.top() < 0 or area.bottom() > self.viewport().height():
            bar.setValue(bar.value() + round(area.top()) - GAP)

    def _choose(self, index: int) -> None:
        if index != self._current and 0 <= index < len(self._shown) and self._shown[index].role != "time":
            self._current = index
            self._place_actions()
            self.viewport().update()


def _bubble(area: QRectF) -> QPainterPath:
    """Round, but for the corner at the speaker's side."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    path.addRoundedRect(area, 12, 12)
    path.addRoundedRect(QRectF(area.right() - 24, area.bottom() - 24, 24, 24), 4, 4)
    return path
