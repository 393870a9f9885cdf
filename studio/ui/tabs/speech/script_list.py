"""The list of sentences: painted rows, written in place."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QObject, QPoint, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QTextCharFormat,
    QTextLayout,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.tabs.speech.script_model import Index, Role, Row, ScriptModel, duration_words, state_words
from studio.ui.tabs.speech.sentence_edit import Layouts, SentenceEdit, layout_of, reading_font
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.chips import chip_width, paint_chip
from studio.ui.widgets.paint import line_text, paint_box
from studio.ui.widgets.waveform import clock_time

ROW, LINE = 52, 20
NUMBER, TEXT = 44, 60  # left edges of what follows them
VOICE, STATE, MORE = 78, 72, 56  # columns at the end
BLEND = 112  # the voice's column where there is room for the names of two
NARROW, ROOMY = 560, 760  # below the first width the voice stands under the words, above the other its column is wide
_TONES = {"edited": "warning", "making": "speech", "waiting": "neutral", "mute": "danger", "silent": "neutral"}
REPAINTED = 30  # rows, above which the whole view is painted


class ScriptDelegate(QStyledItemDelegate):
    """Paints the rows and makes the field in which a sentence is written."""

    committed = Signal(object, str, str)  # index, text, what to do next: "", "next" or "split"

    def __init__(self, view: ScriptList) -> None:
        super().__init__(view)
        self._view = view
        self._layouts = Layouts()
        self.times = False

    # -- places -----------------------------------------------------------------------------------------------

    def text_rect(self, rect: QRect) -> QRect:
        end = MORE + STATE + (0 if self._narrow(rect) else self._voice_width(rect)) + 12
        return QRect(rect.x() + TEXT, rect.y(), rect.width() - TEXT - end, rect.height())

    def voice_rect(self, rect: QRect) -> QRect:
        if self._narrow(rect):
            text = self.text_rect(rect)
            return QRect(text.x(), rect.bottom() - 24, text.width(), 16)
        width = self._voice_width(rect)
        return QRect(rect.right() + 1 - MORE - STATE - width, rect.y(), width, rect.height())

    def state_rect(self, rect: QRect) -> QRect:
        return QRect(rect.right() + 1 - MORE - STATE, rect.y(), STATE, rect.height())

    def more_rect(self, rect: QRect) -> QRect:
        return QRect(rect.right() + 1 - 44, rect.center().y() - 14, 28, 28)

    def number_rect(self, rect: QRect) -> QRect:
        return QRect(rect.x(), rect.y(), NUMBER + 8, rect.height())

    def _voice_width(self, rect: QRect) -> int:
        return BLEND if rect.width() >= ROOMY else VOICE

    def _narrow(self, rect: QRect) -> bool:
        return rect.width() < NARROW

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = self._view.viewport().width()
        editor = self._view.editor
        if editor is not None and self._view.edited == index.row():
            return QSize(width, max(ROW, editor.wanted_height() + 20))
        text = index.data(Qt.ItemDataRole.EditRole) or ""
        room = self.text_rect(QRect(0, 0, width, ROW)).width()
        lines = self._layouts.lines(text, room, theme_of(self)) if text else [(0, 0)]
        below = 16 if width < NARROW and text else 0
        return QSize(width, ROW + LINE * (len(lines) - 1) + below)

    # -- painting ---------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = theme_of(self)
        row: Row = index.data(Role.ROW)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, theme, rect, state, row)
        if row.state == "add":
            self._paint_add(painter, theme, rect)
        else:
            self._paint_row(painter, theme, rect, row)
        if state & QStyle.StateFlag.State_HasFocus and self._view.shows_focus:
            paint_box(painter, rect.adjusted(3, 2, -2, -3), None, theme.color("focus.ring"), 4, 2)
        painter.restore()

    def _paint_ground(self, painter: QPainter, theme: Theme, rect: QRect, state, row: Row) -> None:
        chosen = state & QStyle.StateFlag.State_Selected and row.state != "add"
        if chosen or row.heard >= 0:
            painter.fillRect(rect, theme.color("accent.tint" if chosen else "surface.raised"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.color("surface.panel"))
        if row.heard >= 0:
            painter.fillRect(QRect(rect.x(), rect.y(), 3, rect.height()), theme.color("medium.speech"))
        foot = QRect(rect.x(), rect.bottom(), rect.width(), 1)
        if row.state == "add":
            return
        painter.fillRect(foot, theme.color("border.subtle"))
        if row.state == "making":
            track = foot.adjusted(0, -1, 0, 0)
            painter.fillRect(track, theme.color("border.default"))
            track.setWidth(max(4, round(rect.width() * row.progress)))
            painter.fillRect(track, theme.color("medium.speech"))

    def _paint_row(self, painter: QPainter, theme: Theme, rect: QRect, row: Row) -> None:
        middle = QRect(rect.x() + 2, rect.y(), TEXT - 4, rect.height())
        if row.heard >= 0:
            sign = "pause-fill" if row.playing else "play-fill"
            paint_icon(painter, QRect(rect.x() + 24, rect.center().y() - 7, 15, 15), sign, theme.color("medium.speech"))
        else:
            small, tone = theme.font("small"), theme.color("text.secondary")
            line_text(painter, middle, f"{row.number}", small, tone, Qt.AlignmentFlag.AlignHCenter)
        if self._view.edited != rect_row(self._view, rect):
            self._paint_text(painter, theme, self.text_rect(rect), row, self._narrow(rect))
        self._paint_end(painter, theme, rect, row)

    def _paint_text(self, painter: QPainter, theme: Theme, rect: QRect, row: Row, narrow: bool) -> None:
        quiet = row.state in ("waiting", "unmade", "mute", "silent")
        painter.setPen(theme.color("text.secondary" if quiet else "text.primary"))
        layout = layout_of(row.text, theme)
        spans = []
        if row.heard > 0:
            said = QTextLayout.FormatRange()
            said.start, said.length = 0, _spoken(row.text, row.heard)  # type: ignore[misc]
            form = QTextCharFormat()
            form.setForeground(theme.color("mediumText.speech"))
            said.format = form  # type: ignore[misc]
            spans = [said]
        layout.beginLayout()
        lines = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(rect.width())
            lines.append(line)
        height = LINE * len(lines)
        top = rect.y() + (rect.height() - height - (16 if narrow else 0)) / 2
        for number, line in enumerate(lines):
            line.setPosition(QPointF(0, number * LINE + (LINE - line.height()) / 2))
        layout.endLayout()
        layout.draw(painter, QPointF(rect.x(), top), spans)

    def _paint_end(self, painter: QPainter, theme: Theme, rect: QRect, row: Row) -> None:
        small = theme.font("small")
        voice = self.voice_rect(rect)
        words = " · ".join(part for part in (row.voice, row.note) if part)
        if row.note and not self._narrow(rect):
            upper, lower = QRect(voice), QRect(voice)
            upper.setHeight(voice.height() // 2 + 7)
            lower.setTop(voice.center().y() - 1)
            line_text(painter, upper.adjusted(0, 6, 0, 0), row.voice, small, theme.color("text.secondary"))
            caption = theme.font("caption")
            line_text(painter, lower.adjusted(0, 0, 0, -8), row.note, caption, theme.color("text.tertiary"))
        else:
            line_text(painter, voice.adjusted(0, 0, -6, 0), words, small, theme.color("text.secondary"))
        state = self.state_rect(rect)
        if text := state_words(row.state):
            width = chip_width(theme, text)
            chip = QRect(state.right() + 1 - width, state.center().y() - 10, width, 20)
            paint_chip(painter, chip, theme, text, _TONES[row.state])
        else:
            tone = "text.secondary" if row.seconds >= 0 else "text.tertiary"
            shown = clock_time(row.start, tenths=True) if self.times else duration_words(row.seconds)
            shown = shown if row.seconds >= 0 else f"≈ {shown}"
            line_text(painter, state, shown, small, theme.color(tone), Qt.AlignmentFlag.AlignRight)
        paint_icon(painter, self.more_rect(rect).adjusted(6, 6, -6, -6), "dots-three", theme.color("text.secondary"))

    def _paint_add(self, painter: QPainter, theme: Theme, rect: QRect) -> None:
        if self._view.edited == rect_row(self._view, rect):
            return
        tone = theme.color("text.tertiary")
        paint_icon(painter, QRect(rect.x() + 24, rect.center().y() - 7, 15, 15), "plus", tone)
        words = _("Write the next sentence, or drop a text file")
        line_text(painter, self.text_rect(rect), words, reading_font(theme), tone)

    # -- writing ----------------------------------------------------------------------------------------------

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = SentenceEdit(parent)
        editor.setPlaceholderText("" if index.data(Role.ROW).id else _("Write the next sentence, or drop a text file"))
        self._view.begin_edit(editor, index.row())
        editor.grown.connect(lambda: self.sizeHintChanged.emit(index))
        editor.done.connect(lambda how: self._on_done(editor, how))
        editor.flooded.connect(lambda text: self._view.flooded.emit(self._view.edited, text))
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, SentenceEdit) and not editor.document().isModified():
            editor.setPlainText(index.data(Qt.ItemDataRole.EditRole))
            editor.document().setModified(False)
            cursor = editor.textCursor()
            cursor.movePosition(cursor.MoveOperation.End)
            editor.setTextCursor(cursor)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, SentenceEdit):
            self.committed.emit(index, editor.toPlainText(), editor.how)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        rect = self.text_rect(option.rect)  # type: ignore[attr-defined]
        height = editor.wanted_height() if isinstance(editor, SentenceEdit) else rect.height()
        editor.setGeometry(rect.x() - 8, rect.y() + (rect.height() - height) // 2, rect.width() + 16, height)

    def destroyEditor(self, editor: QWidget, index: Index) -> None:
        self._view.end_edit()
        super().destroyEditor(editor, index)

    def _on_done(self, editor: SentenceEdit, how: str) -> None:
        # A new sentence stays when its field is left: it can be undone, what was typed could not be brought back.
        if how != "cancel" or self._view.edited == self._view.rows.rowCount() - 1:
            self.commitData.emit(editor)
        self.closeEditor.emit(editor, QStyledItemDelegate.EndEditHint.NoHint)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, SentenceEdit) and event.type() == QEvent.Type.KeyPress:
            return False  # the field knows its own keys
        return super().eventFilter(watched, event)


def rect_row(view: ScriptList, rect: QRect) -> int:
    return view.indexAt(rect.center()).row()


def _spoken(text: str, fraction: float) -> int:
    """How many UTF-16 units of `text` were said, up to the end of a word."""
    place = round(len(text) * min(max(fraction, 0.0), 1.0))
    while 0 < place < len(text) and text[place - 1].isascii() and text[place - 1].isalnum() and text[place].isalnum():
        place += 1
    return len(text[:place].encode("utf-16-le")) // 2


class ScriptList(QListView):
    """Signals carry a row's number: `play_pressed` to hear from there, `menu_wanted` and `voice_wanted` with a place on
    the screen, `written` with the words and what to do next. `toggle_pressed` is Space; `delete_pressed`,
    `copy_pressed` and `paste_pressed` are about the chosen rows; `flooded` a long text that was pasted into a field."""

    play_pressed = Signal(int)
    toggle_pressed = Signal()
    menu_wanted = Signal(int, QPoint)
    voice_wanted = Signal(int, QPoint)
    delete_pressed = Signal()
    copy_pressed = Signal()
    paste_pressed = Signal()
    written = Signal(int, str, str)
    flooded = Signal(int, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = ScriptModel(self)
        self.editor: SentenceEdit | None = None
        self.edited = -1
        self.shows_focus = False
        self.delegate = ScriptDelegate(self)
        self.setAccessibleName(_("Sentences"))
        self.setModel(self.rows)
        self.setItemDelegate(self.delegate)
        self.setMouseTracking(True)
        self.setProperty("focusRing", False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(400)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked)
        self.setTabKeyNavigation(False)
        self.viewport().setAutoFillBackground(False)
        self.delegate.committed.connect(lambda index, text, how: self.written.emit(index.row(), text, how))
        self.delegate.sizeHintChanged.connect(lambda _index: self.scheduleDelayedItemsLayout())
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.scheduleDelayedItemsLayout)
        self.rows.repainted.connect(self._repaint)

    def _repaint(self, first: int, last: int) -> None:
        if last - first > REPAINTED:
            self.viewport().update()
        else:
            for row in range(first, last + 1):
                self.update(self.rows.index(row, 0))

    def show_times(self, on: bool) -> None:
        """Show when each sentence is said in place of how long it is."""
        self.delegate.times = self.rows.times = on
        self.viewport().update()

    # -- writing ----------------------------------------------------------------------------------------------

    def begin_edit(self, editor: SentenceEdit, row: int) -> None:
        self.editor, self.edited = editor, row
        self.viewport().update()

    def end_edit(self) -> None:
        self.editor, self.edited = None, -1
        self._later.start()
        self.viewport().update()

    def write_at(self, row: int, position: int = -1) -> None:
        """Open the field of a row, its cursor at a place of the words (−1: their end)."""
        index = self.rows.index(min(row, self.rows.rowCount() - 1), 0)
        self.setCurrentIndex(index)
        self.scrollTo(index)
        self.edit(index)
        if self.editor is not None and position >= 0:
            cursor = self.editor.textCursor()
            cursor.setPosition(position)
            self.editor.setTextCursor(cursor)

    def leave_edit(self) -> None:
        """Take over what is being written."""
        if self.editor is not None:
            self.editor.done.emit("")

    def chosen(self) -> list[int]:
        """The numbers of the chosen sentences, in order."""
        last = self.rows.rowCount() - 1
        return sorted(index.row() for index in self.selectedIndexes() if index.row() < last)

    def show_row(self, row: int) -> None:
        """Bring a row into view without moving more than needed."""
        if 0 <= row < self.rows.rowCount() and self.editor is None:
            self.scrollTo(self.rows.index(row, 0), QAbstractItemView.ScrollHint.EnsureVisible)

    # -- pointer and keys -------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.shows_focus = False
        place = event.position().toPoint()
        index = self.indexAt(place)
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            row, rect = index.row(), self.visualRect(index)
            if row == self.rows.rowCount() - 1:
                self.write_at(row)
                return
            if self.delegate.number_rect(rect).contains(place):
                self.setCurrentIndex(index)
                self.play_pressed.emit(row)
                return
            for area, signal in (
                (self.delegate.more_rect(rect), self.menu_wanted),
                (self.delegate.voice_rect(rect), self.voice_wanted),
            ):
                if area.contains(place):
                    if row not in self.chosen():
                        self.setCurrentIndex(index)
                    signal.emit(row, self.viewport().mapToGlobal(QPoint(area.left(), area.bottom() + 2)))
                    return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        hand = False
        if index.isValid() and index.row() < self.rows.rowCount() - 1:
            rect, place = self.visualRect(index), event.position().toPoint()
            areas = (self.delegate.number_rect(rect), self.delegate.more_rect(rect), self.delegate.voice_rect(rect))
            hand = any(area.contains(place) for area in areas)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos())
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.visualRect(index).center())
        if index.isValid() and index.row() < self.rows.rowCount() - 1:
            self.menu_wanted.emit(index.row(), place)

    def focusInEvent(self, event) -> None:
        mouse = event.reason() == Qt.FocusReason.MouseFocusReason
        self.shows_focus = not mouse
        if not self.currentIndex().isValid() and not mouse:
            self.setCurrentIndex(self.rows.index(0, 0))
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.shows_focus = True
        key, row, plain = event.key(), self.currentIndex().row(), not event.modifiers()
        last = self.rows.rowCount() - 1
        if key == Qt.Key.Key_Space and plain:
            self.toggle_pressed.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain and row >= 0:
            self.write_at(row)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and plain and self.chosen():
            self.delete_pressed.emit()
        elif key == Qt.Key.Key_Menu and 0 <= row < last:
            self.menu_wanted.emit(row, self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center()))
        elif event.modifiers() == Qt.KeyboardModifier.ControlModifier and key == Qt.Key.Key_C:
            self.copy_pressed.emit()
        elif event.modifiers() == Qt.KeyboardModifier.ControlModifier and key == Qt.Key.Key_V:
            self.paste_pressed.emit()
        elif plain and event.text() and event.text().isprintable() and row == last:
            self.write_at(row)
            if self.editor is not None:
                self.editor.insertPlainText(event.text())
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        return  # letters do not jump about

    def sizeHint(self) -> QSize:
        return QSize(480, 320)
