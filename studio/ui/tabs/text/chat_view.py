"""The conversation: one read-only text whose messages are dressed as bubbles.

All messages are paragraphs of one document, so hundreds of them cost one widget, any stretch can be selected and
copied, and a screen reader finds ordinary text. The bubbles are painted behind the paragraphs; one row of buttons
goes with the message under the mouse, or the one chosen with Alt+Up and Alt+Down.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QResizeEvent,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QTextEdit, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.tabs.text.editor import CARET, FOLLOW_WITHIN, FRESH_SECONDS
from studio.ui.tabs.text.message_actions import MessageActions
from studio.ui.tabs.text.paragraphs import GAP, INDENT, ROW, Paragraphs, Shown
from studio.ui.theme import theme_of

COLUMN = 720
ICON = 24
TEXT_PX = 14


class ChatView(QTextEdit):
    """Shows messages; what a message's buttons ask for is told with the message's id."""

    action = Signal(str, str)  # ("copy" | "regenerate" | "edit" | "branch" | "send" | "read" | "previous" | "next", id)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = theme_of(self)
        self._current = -1
        self._writing = False
        self._reading = ""
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
        self._paper = Paragraphs(self.document(), theme)
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
        return tuple(self._paper.shown)

    def set_messages(self, messages: Sequence[Shown]) -> None:
        """Show `messages`. Those at the beginning that are shown already are left alone."""
        same = 0
        while same < min(len(messages), len(self._paper.shown)) and messages[same] == self._paper.shown[same]:
            same += 1
        follow = self._at_end() or same == 0
        growing = same == len(self._paper.shown) - 1 == len(messages) - 1 and same >= 0
        if growing and self._grow(messages[same]):
            return
        self._paper.truncate(same)
        self._fresh.clear()
        self.setExtraSelections([])
        for message in messages[same:]:
            self._paper.add(message, self.viewport().width())
        self._current = min(self._current, len(self._paper.shown) - 1)
        if self._current < 0 or same < len(messages):
            self._current = len(self._paper.shown) - 1
        if follow:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self._place_actions()
        self.viewport().update()

    def append(self, text: str) -> None:
        """More words of the last message."""
        if not self._paper.shown or not text:
            return
        follow = self._at_end()
        value = self.verticalScrollBar().value()
        begin = self._paper.append(text)
        self._fresh.append((begin, time.monotonic() + FRESH_SECONDS))
        self._fader.start()
        self._fade()
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum() if follow else value)
        self._place_actions()

    def set_writing(self, on: bool) -> None:
        """Whether the last message is being written."""
        if self._writing and not on and self._paper.shown:
            text = self._paper.shown[-1].text
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text[:2000]))
        self._writing = on
        self._place_actions()
        self.viewport().update()

    def set_reading(self, id: str) -> None:
        """The message that is read aloud; "" for none."""
        self._reading = id
        self._place_actions()
        self.viewport().update()

    def current_id(self) -> str:
        """The message that the buttons belong to; empty if there is none."""
        return self._paper.shown[self._current].id if 0 <= self._current < len(self._paper.shown) else ""

    def _grow(self, message: Shown) -> bool:
        old = self._paper.shown[-1]
        if message == replace(old, text=message.text) and message.role == "assistant" and old.text:
            if message.text.startswith(old.text):
                self.append(message.text[len(old.text) :])
                return True
        return False

    def _at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - FOLLOW_WITHIN

    # -- geometry ---------------------------------------------------------------------------------------------

    def _area(self, index: int) -> QRectF:
        """Where the text of a message lies in the viewport (user: with the bubble's padding)."""
        box = self._paper.box(index, self.viewport().width())
        return box.translated(0, -self.verticalScrollBar().value())

    def _visible(self) -> range:
        if not self._paper.shown:
            return range(0)
        first = self._message_at(0)
        last = self._message_at(self.viewport().height())
        return range(max(0, first - 1), min(len(self._paper.shown), last + 2))

    def _message_at(self, y: float) -> int:
        """The message at height `y` of the viewport."""
        return self._paper.message_at(y + self.verticalScrollBar().value())

    def _place_actions(self) -> None:
        index = self._current
        if not 0 <= index < len(self._paper.shown) or self._paper.shown[index].role == "time":
            self._actions.hide()
            return
        message = self._paper.shown[index]
        last = index == len(self._paper.shown) - 1
        if last and self._writing:
            self._actions.hide()
            return
        reading = message.id == self._reading
        self._actions.set_message(message.role, message.branch, message.branches, reading=reading)
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
        if self._writing and self._paper.shown:
            self._paint_caret()

    def _paint_message(self, painter: QPainter, index: int) -> None:
        theme = theme_of(self)
        message = self._paper.shown[index]
        area = self._area(index)
        painter.setPen(Qt.PenStyle.NoPen)
        if message.role == "user":
            painter.setBrush(theme.color("surface.hover"))
            painter.drawPath(_bubble(area))
        elif message.role == "assistant":
            box = QRectF(0, area.top(), ICON, ICON)
            painter.setBrush(theme.color("mediumTint.text"))
            painter.drawRoundedRect(box, 6, 6)
            sign = "speaker-high-fill" if message.id == self._reading else "sparkle-fill"
            paint_icon(painter, box.adjusted(5, 5, -5, -5), sign, theme.color("medium.text"))
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
        line = self.cursorRect(self._paper.cursor(self._paper.end))
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
        cursor = self._paper.cursor(self._fresh[0][0])
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        selection.cursor = cursor  # type: ignore[attr-defined]
        selection.format.setBackground(theme_of(self).color("mediumTint.text"))  # type: ignore[attr-defined]
        self.setExtraSelections([selection])

    def _on_theme_changed(self) -> None:
        shown = self._paper.shown
        value = self.verticalScrollBar().value()
        self._paper.clear()
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
            self._paper.reflow(self.viewport().width())
        if follow:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self._place_actions()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent):
            return QApplication.sendEvent(self.verticalScrollBar(), event)
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if not event.buttons() and self._paper.shown:
            self._choose(self._message_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self._actions.isAncestorOf(QApplication.focusWidget() or self):
            self._choose(len(self._paper.shown) - 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.step(step)
            return
        super().keyPressEvent(event)

    def step(self, by: int) -> None:
        """Choose the message before or after, bring it into view and say it."""
        index = self._current + by
        while 0 <= index < len(self._paper.shown) and self._paper.shown[index].role == "time":
            index += by
        if not 0 <= index < len(self._paper.shown):
            return
        self._choose(index)
        message = self._paper.shown[index]
        who = _("You") if message.role == "user" else _("Answer")
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, f"{who}: {message.text[:2000]}"))
        area, bar = self._area(index), self.verticalScrollBar()
        if area.top() < 0 or area.bottom() > self.viewport().height():
            bar.setValue(bar.value() + round(area.top()) - GAP)

    def _choose(self, index: int) -> None:
        if index != self._current and 0 <= index < len(self._paper.shown) and self._paper.shown[index].role != "time":
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
