"""The readings of a project as cards with a small waveform: earlier takes of the one that is open, then the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter
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
from studio.documents.speech import THUMBNAIL
from studio.ui.icons import paint_icon
from studio.ui.tabs.speech.outgoing import DragHandle
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width
from studio.ui.widgets.waveform import thumbnail

CARD, GAP, PAD = 88, 8, 11
DOCUMENT, READING, CURRENT = "document", "reading", "current"


class Role(IntEnum):
    ROW = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class Card:
    """`kind`: "current" (what is shown), "reading" (an earlier one of it) or "document"; `note` is the voice and the
    length, `stamp` when it was made; `progress` 0 to 1 while it is being made, negative otherwise."""

    id: str
    kind: str
    title: str
    note: str = ""
    stamp: str = ""
    peaks: str = ""
    favourite: bool = False
    problem: str = ""
    progress: float = -1.0

    def spoken(self) -> str:
        heart = _("Favourite") if self.favourite else ""
        return ", ".join(part for part in (self.title, self.problem or self.note, self.stamp, heart) if part)


class HistoryModel(QAbstractListModel):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: list[Card] = []

    def cards(self) -> list[Card]:
        return list(self._cards)

    def set_cards(self, cards: Sequence[Card]) -> None:
        if [card.id + card.kind for card in cards] != [card.id + card.kind for card in self._cards]:
            self.beginResetModel()
            self._cards = list(cards)
            self.endResetModel()
            return
        for number, card in enumerate(cards):
            if card != self._cards[number]:
                self._cards[number] = card
                self.dataChanged.emit(self.index(number, 0), self.index(number, 0))

    def rowCount(self, parent: Any = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._cards)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._cards):
            return None
        card = self._cards[index.row()]
        if role == Role.ROW:
            return card
        if role == Qt.ItemDataRole.DisplayRole:
            return card.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return card.spoken()
        if role == Qt.ItemDataRole.ToolTipRole:
            return card.problem or card.title
        return None


class HistoryDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:
        return QSize(100, CARD + GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        theme = theme_of(self)
        card: Card = index.data(Role.ROW)
        state = option.state  # type: ignore[attr-defined]
        rect: QRect = option.rect.adjusted(14, 0, -14, -GAP)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = card.kind == CURRENT
        hover = bool(state & QStyle.StateFlag.State_MouseOver)
        fill = "accent.tint" if chosen else "surface.hover" if hover else "surface.raised"
        border = theme.color("accent.fill") if chosen else None
        paint_box(painter, rect, theme.color(fill), border, theme.metric("radius.lg"))
        if state & QStyle.StateFlag.State_HasFocus:
            paint_box(painter, rect.adjusted(-2, -2, 2, 2), None, theme.color("focus.ring"), 9, 2)
        inner = rect.adjusted(PAD, 0, -PAD, 0)
        picture = QRect(inner.x(), rect.y() + 11, inner.width(), 27)
        played = round(card.progress * 100) if card.progress >= 0 else 0
        if card.problem:
            sign = QRect(inner.x(), picture.y() + 6, 16, 16)
            paint_icon(painter, sign, "warning-circle", theme.color("warning.text"))
        else:
            bars = max(1, len(card.peaks))
            tone = theme.color("text.secondary" if card.peaks else "border.strong")
            thumbnail(painter, picture, card.peaks or "0" * THUMBNAIL, theme, tone, played * bars // 100)
        heart = 18 if card.favourite else 0
        title = QRect(inner.x(), rect.y() + 44, inner.width() - heart, 16)
        line_text(painter, title, card.title, theme.font("small", 500), theme.color("text.primary"))
        if heart:
            box = QRect(inner.right() - 13, rect.y() + 45, 14, 14)
            paint_icon(painter, box, "heart-fill", theme.color("medium.animation"))
        small, tone = theme.font("caption"), theme.color("accent.tintText" if chosen else "text.secondary")
        width = text_width(card.stamp, small)
        note = QRect(inner.x(), rect.y() + 62, inner.width() - width - 6, 16)
        line_text(painter, note, card.problem or card.note, small, tone)
        stamp = QRect(inner.right() + 1 - width, rect.y() + 62, width, 16)
        line_text(painter, stamp, card.stamp, small, tone)
        painter.restore()


class HistoryList(QListView):
    """`opened` carries a card, `menu_wanted` a card and a place on the screen; `delete_pressed`, `heart_pressed` and
    `dragged` (out of the list, its button still held) a card."""

    opened = Signal(object)
    menu_wanted = Signal(object, object)
    delete_pressed = Signal(object)
    heart_pressed = Signal(object)
    dragged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards = HistoryModel(self)
        self.setAccessibleName(_("Readings"))
        self.setModel(self.cards)
        self.setItemDelegate(HistoryDelegate(self))
        self.setMouseTracking(True)
        self.setProperty("focusRing", False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setViewportMargins(0, 12, 0, 8)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        DragHandle(self.viewport()).started.connect(self._on_pulled)
        self.clicked.connect(self._on_clicked)
        self.activated.connect(self._on_clicked)

    def set_cards(self, cards: Sequence[Card]) -> None:
        focused = self.card()
        self.cards.set_cards(cards)
        keep = next((n for n, card in enumerate(cards) if focused and (card.id, card.kind) == focused), -1)
        if keep >= 0 and self.currentIndex().row() != keep:
            flag = QItemSelectionModel.SelectionFlag.NoUpdate
            self.selectionModel().setCurrentIndex(self.cards.index(keep, 0), flag)

    def card(self) -> tuple[str, str] | None:
        card = self._current()
        return (card.id, card.kind) if card is not None else None

    def _current(self) -> Card | None:
        index = self.currentIndex()
        return index.data(Role.ROW) if index.isValid() else None

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(index.data(Role.ROW))

    def focusInEvent(self, event) -> None:
        if not self.currentIndex().isValid() and self.cards.rowCount():
            self.setCurrentIndex(self.cards.index(0, 0))
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
            return
        super().mousePressEvent(event)

    def _on_pulled(self, place: QPoint) -> None:
        card = self.indexAt(place).data(Role.ROW)
        if card is not None and not card.problem:
            self.dragged.emit(card)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index, place = self.indexAt(event.pos()), event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.visualRect(index).center())
        if index.isValid():
            self.menu_wanted.emit(index.data(Role.ROW), place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        card = self._current()
        if card is not None and event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit(card)
        elif card is not None and event.key() == Qt.Key.Key_H and not event.modifiers():
            self.heart_pressed.emit(card)
        else:
            super().keyPressEvent(event)
