"""The page and what surrounds it: title, search, comparison, a waiting change, the foot. Shows one text document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.documents import SavedChanged, TextDocument, TitleChanged
from studio.documents.base import Change
from studio.documents.text import BodyChanged, CurrentChanged, VersionsChanged
from studio.media.text import count_words
from studio.ui.listening import listen
from studio.ui.tabs.text.diff_view import DiffView
from studio.ui.tabs.text.editor import StageEditor
from studio.ui.tabs.text.find_bar import FindBar
from studio.ui.tabs.text.page import Page
from studio.ui.tabs.text.pending_bar import PendingBar
from studio.ui.tabs.text.status import StatusBar
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.rooms import EmptyState, Sample

TITLE_TOP, TITLE_GAP = 32, 18
COUNT_MS = 300
_OTHER = "?"  # stands for the version of another document: whatever is shown is out of date


class TitleField(QLineEdit):
    """The title above the text; it scrolls along with it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        theme = theme_of(self)
        font = QFont(theme.font("reading", 600))
        display = theme.font("display")
        if display.pointSizeF() > 0:
            font.setPointSizeF(display.pointSizeF())
        else:
            font.setPixelSize(display.pixelSize())
        self.setFont(font)
        self.setProperty("kind", "bare")
        self.setProperty("focusRing", False)
        self.setFrame(False)
        self.setTextMargins(-2, 0, 0, 0)  # Qt's own margin: the letters stand flush with the text below
        self.setMaxLength(200)
        self.setPlaceholderText(_("Title"))
        self.setAccessibleName(_("Title"))
        self.setFixedHeight(QFontMetrics(font).height() + 4)


class EmptyPage(Page):
    """What there is to do with an empty page."""

    sample_chosen = Signal(int)
    write_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = EmptyState("article", "", "", (), "text")
        self.by_hand = Button(_("Write it yourself"), "link", size="sm")
        self.state.sample_chosen.connect(self.sample_chosen)
        self.by_hand.clicked.connect(self.write_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch(1)
        column.addWidget(self.state)
        column.addWidget(self.by_hand, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)


class TextStage(QWidget):
    """`edited` follows the user's edits, `selection_changed` those of the selection; `version_shown` another version.
    `escape_pressed` where nothing nearer used the key."""

    edited = Signal()
    selection_changed = Signal()
    version_left = Signal()
    version_shown = Signal()
    escape_pressed = Signal()
    refused = Signal(str)
    _saved = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: TextDocument | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._version = ""
        self._echo = False
        self._by_hand = False
        self.save_problem: AtelierError | None = None
        self.editor = StageEditor()
        self.title = TitleField(self.editor.viewport())
        self._place_title()
        self.editor.set_margins(TITLE_TOP + self.title.height() + TITLE_GAP, 104)
        self.empty = EmptyPage()
        self.diff = DiffView()
        self.find_bar = FindBar(self.editor)
        self.status = StatusBar()
        page = Page()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.editor)
        self._page = page
        self.pending = PendingBar(page)
        self._stack = QStackedWidget()
        for widget in (self.empty, page, self.diff):
            self._stack.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.find_bar)
        column.addWidget(self._stack, 1)
        column.addWidget(self.status)
        self._counter = QTimer(self)
        self._counter.setSingleShot(True)
        self._counter.setInterval(COUNT_MS)
        self._counter.timeout.connect(self.count)
        self._goal = 0
        page.installEventFilter(self)
        self.editor.verticalScrollBar().valueChanged.connect(self._place_title)
        self.editor.resized.connect(self._place_title)
        self.editor.edited.connect(self._on_edited)
        self.editor.selectionChanged.connect(self.selection_changed)
        self.editor.cursorPositionChanged.connect(self.selection_changed)
        self.title.editingFinished.connect(self._on_title)
        self.title.returnPressed.connect(self.editor.setFocus)
        self.empty.write_wanted.connect(self.write_by_hand)
        self.diff.closed.connect(self.close_diff)
        self._saved.connect(self._on_saved)

    # -- the document -----------------------------------------------------------------------------------------

    @property
    def document(self) -> TextDocument | None:
        return self._document

    @property
    def version(self) -> str:
        """The id of the version that is shown; empty for none."""
        return self._version

    def show_document(self, document: TextDocument | None) -> None:
        """Show another document (None: an empty page)."""
        if document is self._document:
            return
        self.leave_title()
        if self._unsubscribe:
            self._unsubscribe()
        self._document = document
        self._unsubscribe = listen(document, self._on_change, self) if document else None
        self._by_hand = False
        self._version = _OTHER
        self.close_diff()
        self.find_bar.close_bar()
        self.title.setText(document.title if document else "")
        self._show_version()

    def leave_title(self) -> None:
        """Take over a title that is still being typed."""
        if self.title.isModified():
            self._on_title()

    def write_by_hand(self) -> None:
        """Leave the empty state for an empty page."""
        self._by_hand = True
        self._show_room()
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def compare(self, title: str, old: str, new: str) -> None:
        """Show the way from the version `old` to `new` (ids)."""
        if self._document is None:
            return
        self.find_bar.close_bar()
        self.diff.show_segments(title, self._document.compare(old, new))
        self._stack.setCurrentWidget(self.diff)

    def close_diff(self) -> None:
        if self._stack.currentWidget() is self.diff:
            self._show_room()

    @property
    def is_comparing(self) -> bool:
        return self._stack.currentWidget() is self.diff

    @property
    def is_empty(self) -> bool:
        """Whether the empty state is shown."""
        return self._stack.currentWidget() is self.empty

    def set_empty_words(self, title: str, line: str, samples: Sequence[Sample]) -> None:
        self.empty.state.set_words(title, line)
        self.empty.state.set_samples(samples)

    # -- figures ----------------------------------------------------------------------------------------------

    def set_goal(self, words: int) -> None:
        """About how many words are being written (0: not known)."""
        if words != self._goal:
            self._goal = words
            self.count()

    def count(self) -> None:
        self.status.set_words(count_words(self.editor.text), self._goal)

    # -- changes of the document ------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if isinstance(change, SavedChanged):  # on the saver's thread
            self._saved.emit(change.document)
        elif isinstance(change, BodyChanged):
            self._on_body(change)
        elif isinstance(change, CurrentChanged | VersionsChanged):
            self._show_version()
        elif isinstance(change, TitleChanged) and self._document is not None:
            if not self.title.hasFocus():
                self.title.setText(self._document.title)

    def _on_body(self, change: BodyChanged) -> None:
        if change.version != self._version or self._echo:
            return
        if self.editor.is_writing and not change.removed:
            self.editor.append(change.start, change.inserted)
            if not self._counter.isActive():
                self._counter.start()
        else:
            self.editor.apply(change.start, change.start + change.removed, change.inserted)
            self._counter.start()
        self.find_bar.text_changed()

    def _show_version(self) -> None:
        version = self._document.current if self._document else None
        shown = version.id if version else ""
        if shown != self._version:
            self.version_left.emit()
            self._version = shown
            if not self._echo:
                self.editor.set_text(version.text if version else "")
            self.close_diff()
            self.version_shown.emit()
            self.find_bar.text_changed()
            self.count()
        writing = version is not None and version.state == "writing"
        locked = self._document is None or self._document.read_only
        self.editor.set_locked(writing or locked)
        self.editor.set_writing(writing)
        self.title.setReadOnly(locked)
        self._show_room()

    def _show_room(self) -> None:
        empty = self._document is None or not self._document.versions
        if empty and not self._by_hand:
            self._stack.setCurrentWidget(self.empty)
        else:
            self._stack.setCurrentWidget(self._page)

    def _on_saved(self, document: TextDocument) -> None:
        if document is self._document:
            self.save_problem = document.problem
            self.edited.emit()

    # -- the user's edits -------------------------------------------------------------------------------------

    def _on_edited(self, start: int, end: int, text: str) -> None:
        if self._document is None:
            return
        self._echo = True
        try:
            self._document.replace_range(start, end, text, typing=True)
        except AtelierError as error:
            self.refused.emit(error.code)
        finally:
            self._echo = False
        self._counter.start()
        self.find_bar.text_changed()
        self.edited.emit()

    def _on_title(self) -> None:
        self.title.setModified(False)
        if self._document is not None and self.title.text() != self._document.title:
            try:
                self._document.set_title(self.title.text())
            except AtelierError as error:
                self.refused.emit(error.code)

    # -- places -----------------------------------------------------------------------------------------------

    def _place_title(self) -> None:
        y = TITLE_TOP - self.editor.verticalScrollBar().value()
        self.title.setGeometry(0, y, self.editor.viewport().width(), self.title.height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.pending.place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if not self.find_bar.isHidden():
                self.find_bar.close_bar()
            elif self.is_comparing:
                self.close_diff()
            else:
                self.escape_pressed.emit()
            return
        super().keyPressEvent(event)
