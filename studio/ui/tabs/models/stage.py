"""The stage: search, order and form at its head; the disk, or the way to the hub; the cards."""

from __future__ import annotations

from PySide6.QtCore import QRect, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent, QResizeEvent, Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.tabs.models.card_view import CardView
from studio.ui.tabs.models.disk_card import DiskCard
from studio.ui.tabs.models.filters import SORTS, Sort
from studio.ui.tabs.models.hub_row import HubRow
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.choices import Items
from studio.ui.widgets.fields import ComboField, TextField
from studio.ui.widgets.paint import Label, mirrored, painter_for
from studio.ui.widgets.rooms import EmptyState, HeaderBar, Sample, Surface

COMPACT = 900
SEARCH, SEARCH_COMPACT = 320, 240
_DELAY_MS = 120


class SearchField(TextField):
    """A field with a magnifier; Escape empties it. `searched` follows the typing with a short delay."""

    searched = Signal(str)

    def __init__(self, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__("", placeholder, size="sm", parent=parent)
        self.setTextMargins(22, 0, 0, 0)
        self.setClearButtonEnabled(False)
        self._delay = QTimer(self, singleShot=True, interval=_DELAY_MS)
        self._delay.timeout.connect(lambda: self.searched.emit(self.text()))
        self.textChanged.connect(lambda _text: self._delay.start())

    def settle(self) -> None:
        """Tell what is typed now."""
        if self._delay.isActive():
            self._delay.stop()
            self.searched.emit(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with painter_for(self) as painter:
            box = mirrored(self, QRect(10, (self.height() - 14) // 2, 14, 14))
            paint_icon(painter, box, "magnifying-glass", theme_of(self).color("text.secondary"))


class ModelsStage(Surface):
    """`sort_chosen` carries a `Sort`, `rows_chosen` whether rows are wanted instead of a grid; `show_all_wanted` where
    nothing fits the filters."""

    sort_chosen = Signal(object)
    rows_chosen = Signal(bool)
    show_all_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.window", parent=parent)
        self.search = SearchField(_("Find a model by name or use"))
        self._sort_label = Label(_("Sort by"), "small", "secondary")
        items: Items = [(sort, _(text)) for sort, text in SORTS.items()]
        self.sort = ComboField(items, Sort.BEST, _("Sort by"), "sm")
        self.sort.changed.connect(self.sort_chosen)
        self.grid = IconButton("squares-four", _("Show as cards"), checkable=True)
        self.rows = IconButton("list", _("Show as a list"), checkable=True)
        forms = QButtonGroup(self)
        for button in (self.grid, self.rows):
            forms.addButton(button)
        self.grid.setChecked(True)
        self.rows.toggled.connect(self._on_rows)
        self.more = IconButton("dots-three", _("More"))
        self.disk = DiskCard()
        self.hub = HubRow()
        self.hub.hide()
        self.cards = CardView()
        self.empty = EmptyState("cube", "")
        self.empty.sample_chosen.connect(lambda _number: self.show_all_wanted.emit())
        self._pages = QStackedWidget()
        self._pages.addWidget(self.cards)
        self._pages.addWidget(self.empty)
        self._above = QVBoxLayout()
        self._above.setSpacing(0)
        self._above.addWidget(self.disk)
        self._above.addWidget(self.hub)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header())
        column.addLayout(self._above)
        column.addWidget(self._pages, 1)
        self._fit(False)

    def _header(self) -> HeaderBar:
        header = HeaderBar(surface="window")
        row = header.layout()
        assert isinstance(row, QHBoxLayout)
        row.insertWidget(0, self.search)
        self._head = row
        for widget in (self._sort_label, self.sort, self.grid, self.rows, self.more):
            header.add_end(widget)
        return header

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit(self.width() < COMPACT)

    def _fit(self, compact: bool) -> None:
        margin = 16 if compact else 24
        self.search.setFixedWidth(SEARCH_COMPACT if compact else SEARCH)
        self._sort_label.setVisible(not compact)
        self._head.setContentsMargins(margin, 0, margin - 6, 0)
        self._above.setContentsMargins(margin, 16, margin, 12)
        self.cards.set_compact(compact)

    def set_rows(self, rows: bool) -> None:
        (self.rows if rows else self.grid).setChecked(True)

    def _on_rows(self, rows: bool) -> None:
        self.cards.set_rows(rows)
        self.rows_chosen.emit(rows)

    def show_hub(self, on: bool) -> None:
        """The way to the hub instead of the disk."""
        self.hub.setVisible(on)
        self.disk.setVisible(not on)

    def show_empty(self, title: str, line: str = "", action: str = "") -> None:
        """Words instead of cards; `action` is a button that shows all."""
        self.empty.set_words(title, line)
        self.empty.set_samples([Sample(action)] if action else [])
        self._pages.setCurrentWidget(self.empty)

    def show_list(self) -> None:
        self._pages.setCurrentWidget(self.cards)

    @property
    def is_empty(self) -> bool:
        return self._pages.currentWidget() is self.empty
