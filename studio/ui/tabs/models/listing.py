"""The cards as a list model: cheap to change one by one, and calm: rows stay where they are until a filter changes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QObject, Qt

from studio.ui.tabs.models.filters import Card
from studio.ui.tabs.models.words import spoken


class Role(IntEnum):
    CARD = Qt.ItemDataRole.UserRole + 1


class Listing(QAbstractListModel):
    """`set_cards` shows exactly these; `update_cards` keeps the order of rows that are there."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: list[Card] = []
        self._rows: dict[str, int] = {}

    def cards(self) -> list[Card]:
        return list(self._cards)

    def row_of(self, id: str) -> int:
        return self._rows.get(id, -1)

    def set_cards(self, cards: Sequence[Card]) -> None:
        """Only what differs is painted again, if the same models stay in the same order."""
        if [card.info.id for card in cards] == [card.info.id for card in self._cards]:
            for card in cards:
                self.set_card(card)
            return
        self.beginResetModel()
        self._cards = list(cards)
        self._rows = {card.info.id: row for row, card in enumerate(cards)}
        self.endResetModel()

    def update_cards(self, known: Sequence[Card], wanted: Sequence[Card]) -> None:
        """Rows whose models are still `known` stay, changed; what is `wanted` besides comes after them."""
        by_id = {card.info.id: card for card in known}
        kept = [by_id[card.info.id] for card in self._cards if card.info.id in by_id]
        ids = {card.info.id for card in kept}
        self.set_cards([*kept, *(card for card in wanted if card.info.id not in ids)])

    def set_card(self, card: Card) -> None:
        """Change the row of a model that is listed."""
        row = self._rows.get(card.info.id, -1)
        if row >= 0 and self._cards[row] != card:
            self._cards[row] = card
            index = self.index(row, 0)
            self.dataChanged.emit(index, index)

    def rowCount(self, parent: Any = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._cards)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._cards):
            return None
        card = self._cards[index.row()]
        if role == Role.CARD:
            return card
        if role == Qt.ItemDataRole.DisplayRole:
            return card.info.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = (card.activity, card.memory, card.fit)
            return spoken(card.info, card.look.words, card.main_action, *said, opens=card.opens)
        return None
