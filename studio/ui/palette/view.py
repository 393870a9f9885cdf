"""The palette's panel: a field and a list, worked with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
)
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.core.i18n import _
from studio.core.models import ModelInfo
from studio.ui.icons import paint_icon
from studio.ui.palette.entries import (
    RECENT_SHOWN,
    RESULTS_SHOWN,
    Entry,
    chat_entries,
    command_entries,
    grouped,
    model_entries,
    result_entries,
)
from studio.ui.pane import IconMark, Popover, Rule
from studio.ui.services import Services
from studio.ui.tabs.base import Command
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import Label, line_text, paint_box, text_width

if TYPE_CHECKING:
    from studio.documents import Summary
    from studio.library import Item

WIDTH, FIELD, ROW, HEADING, ROWS_SHOWN = 560, 44, 36, 28, 10
_SEARCH_DELAY_MS = 120
CHATS_SHOWN = 5
_ENTRY = Qt.ItemDataRole.UserRole


class _Entries(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return " ".join(part for part in (entry.title, entry.detail, entry.shortcut) if part)
        return entry if role == _ENTRY else None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        entry = self.entries[index.row()]
        return Qt.ItemFlag.NoItemFlags if entry.heading else Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def show(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(WIDTH, HEADING if index.data(_ENTRY).heading else ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry: Entry = index.data(_ENTRY)
        view = self.parent()
        assert isinstance(view, QListView)
        theme, box = theme_of(), option.rect.adjusted(8, 0, -8, 0)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if entry.heading:
            words = box.adjusted(8, 4, 0, 0)
            line_text(painter, words, entry.title, theme.font("caption", 600), theme.color("text.tertiary"))
            painter.restore()
            return
        chosen = view.currentIndex().row() == index.row()
        if chosen:
            paint_box(painter, box, theme.color("accent.tint"), None, theme.metric("radius.md"))
        quiet = theme.color("accent.tintText" if chosen else "text.tertiary")
        primary = theme.color("accent.tintText" if chosen else "text.primary")
        icon = theme.color("accent.tintText" if chosen else entry.color)
        paint_icon(painter, QRect(box.x() + 8, box.center().y() - 7, 16, 16), entry.icon, icon)
        right = box.right() - 8
        small = theme.font("small")
        for words in (QKeySequence(entry.shortcut).toString(QKeySequence.SequenceFormat.NativeText), entry.detail):
            if words:
                width = min(text_width(words, small), box.width() // 3)
                line_text(painter, QRect(right - width + 1, box.y(), width, box.height()), words, small, quiet)
                right -= width + 16
        title = QRect(box.x() + 34, box.y(), max(0, right - box.x() - 34), box.height())
        self._paint_title(painter, title, entry, primary)
        painter.restore()

    def _paint_title(self, painter: QPainter, rect: QRect, entry: Entry, color: Any) -> None:
        """The title, its meant letters in semibold; a long one is shortened without them."""
        theme = theme_of()
        plain, strong = theme.font("body"), theme.font("body", 600)
        if text_width(entry.title, strong) > rect.width() or not entry.bold:
            line_text(painter, rect, entry.title, plain, color)
            return
        x, start = rect.x(), 0
        meant = set(entry.bold)
        while start < len(entry.title):
            end = start
            while end < len(entry.title) and (end in meant) == (start in meant):
                end += 1
            font, part = strong if start in meant else plain, entry.title[start:end]
            width = text_width(part, font) - 1
            line_text(painter, QRect(x, rect.y(), width + 2, rect.height()), part, font, color)
            x, start = x + width, end


class Palette(Popover):
    """`open(commands)` shows it under the top edge of `host`; running an entry closes it."""

    def __init__(
        self,
        services: Services,
        host: QWidget,
        *,
        open_item: Callable[[Item], Any],
        use_model: Callable[[ModelInfo], Any],
        open_chat: Callable[[Summary], Any],
    ) -> None:
        super().__init__(host)
        self._services = services
        self._open_item, self._use_model, self._open_chat = open_item, use_model, open_chat
        self._commands: list[Command] = []
        self._items: list[Item] = []
        self._chats: list[Summary] = []
        self._projects: dict[str, str] = {}
        self._items_query: str | None = None
        self.setAccessibleName(_("Search"))
        self._field = QLineEdit(self)
        self._field.setProperty("kind", "bare")
        self._field.setFont(theme_of(self).font("body"))
        self._field.setPlaceholderText(_("Search results, conversations, models and commands"))
        self._field.setAccessibleName(_("Search"))
        self._field.textChanged.connect(self._on_text)
        self.frame(self._field)
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(10)
        row.addWidget(IconMark("magnifying-glass", "text.tertiary"))
        row.addWidget(self._field, 1)
        self._field.setFixedHeight(FIELD)
        self._model = _Entries(self)
        self._list = QListView(self)
        self._list.setModel(self._model)
        self._list.setItemDelegate(_Delegate(self._list))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setMouseTracking(True)
        self._list.setAccessibleName(_("Found"))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.clicked.connect(self._run)
        self._list.entered.connect(self._on_entered)
        self._nothing = Label(_("Nothing found. Try fewer letters."), "body", "tertiary")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setFixedHeight(72)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(Rule())
        layout.addSpacing(4)
        layout.addWidget(self._list)
        layout.addWidget(self._nothing)
        layout.addSpacing(8)
        self._delay = QTimer(self, singleShot=True, interval=_SEARCH_DELAY_MS)
        self._delay.timeout.connect(self._search)

    def open(self, commands: list[Command]) -> None:
        self._commands = commands
        self._items, self._items_query = [], None
        self._chats = self._services.documents.list(kind="chat")
        self._field.clear()
        self._list_entries()
        self._search()
        self.open_popover(self._field)

    def place(self) -> None:
        """Keep the middle under the top edge of the host, and the height at what is listed."""
        if not self._model.entries:
            height = 72
        else:
            height = sum(HEADING if entry.heading else ROW for entry in self._model.entries)
        limit = min(ROWS_SHOWN * ROW + 2 * HEADING, self.host.height() - FIELD - 80)
        self._list.setVisible(bool(self._model.entries))
        self._nothing.setVisible(not self._model.entries)
        self._list.setFixedHeight(min(height, limit))
        width = min(WIDTH, self.host.width() - 32)
        total = FIELD + 1 + 4 + min(height, limit) + 8
        self.setGeometry((self.host.width() - width) // 2, 6, width, total)

    # -- listing ----------------------------------------------------------------------------------------------

    def _on_text(self) -> None:
        self._list_entries()
        self._delay.start()

    def _search(self) -> None:
        query = self._field.text().strip()
        library, limit = self._services.library, RESULTS_SHOWN if query else RECENT_SHOWN

        def find() -> tuple[list[Item], dict[str, str]]:
            return library.items(search=query, limit=limit), {item.id: item.name for item in library.projects()}

        def show(found: tuple[list[Item], dict[str, str]]) -> None:
            if self._field.text().strip() == query:
                (self._items, self._projects), self._items_query = found, query
                self._list_entries(keep=True)

        self._services.bridge.work(find, show, owner=self)

    def _list_entries(self, *, keep: bool = False) -> None:
        query = self._field.text().strip()
        current = self._current()
        items = self._items if self._items_query == query else []
        results = result_entries(items, self._projects, self._open_item)
        models = model_entries(self._models(), query, self._use_model, self._show_model) if query else []
        chats = chat_entries(self._chats, query, self._projects, self._open_chat) if query else []
        commands = command_entries(self._commands, query)
        if query:
            found = ((_("Results"), results), (_("Conversations"), chats[:CHATS_SHOWN]), (_("Models"), models[:4]))
            entries = grouped((_("Commands"), commands[:8]), *found)
        else:
            entries = grouped((_("Recent"), results), (_("Commands"), commands))
        self._model.show(entries)
        titles = [entry.title if not entry.heading else None for entry in entries]
        row = titles.index(current.title) if keep and current and current.title in titles else -1
        if row < 0 or not query:
            row = next((number for number, entry in enumerate(entries) if not entry.heading), -1)
        if row >= 0:
            self._list.setCurrentIndex(self._model.index(row))
        self.place()

    def _models(self) -> list[ModelInfo]:
        """What the engine has, and of the catalogue what it has not, as far as it was asked for already."""
        own = [model for model in self._services.bridge.models if model.usable]
        ids = {model.id for model in own}
        return [*own, *(model for model in self._services.models.models if model.id not in ids)]

    def _show_model(self, model: ModelInfo) -> None:
        self._services.models.asked_for_details.emit(model)

    def _current(self) -> Entry | None:
        row = self._list.currentIndex().row()
        return self._model.entries[row] if 0 <= row < len(self._model.entries) else None

    # -- acting -----------------------------------------------------------------------------------------------

    def _run(self, index: QModelIndex | None = None) -> None:
        entry = index.data(_ENTRY) if index is not None else self._current()
        if entry is None or entry.run is None:
            return
        self.close_popover()
        entry.run()

    def _move(self, step: int) -> None:
        rows = [number for number, entry in enumerate(self._model.entries) if not entry.heading]
        if not rows:
            return
        at = self._list.currentIndex().row()
        place = rows.index(at) if at in rows else -1
        place = (place + step) % len(rows) if abs(step) == 1 else max(0, min(len(rows) - 1, place + step))
        index = self._model.index(rows[place])
        self._list.setCurrentIndex(index)
        self._list.scrollTo(self._model.index(0) if place == 0 else index)

    def _on_entered(self, index: QModelIndex) -> None:
        if not index.data(_ENTRY).heading:
            self._list.setCurrentIndex(index)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._field and event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            return self._on_key(Qt.Key(event.key()))
        return super().eventFilter(watched, event)

    def _on_key(self, key: Qt.Key) -> bool:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
        if key in steps:
            self._move(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run()
        elif key == Qt.Key.Key_Escape:
            self.close_popover()
        elif key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            pass  # the list follows the arrow keys; the focus stays in the field
        else:
            return False
        return True
