"""The view of the cards: grid or rows, worked with mouse and keyboard."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QToolTip, QWidget

from studio.core.errors import explain
from studio.core.i18n import _
from studio.ui.tabs.models import words
from studio.ui.tabs.models.filters import Card
from studio.ui.tabs.models.listing import Listing, Role
from studio.ui.tabs.models.painting import CARD, RING, ROW, CardDelegate, Spot, spots
from studio.ui.theme import theme_of

NARROWEST, COMPACT_NARROWEST = 244, 212
STEP = 48  # pixels of a notch of the wheel, three of which are one turn


class CardView(QListView):
    """`acted` carries a card and an action of `words`, `opened` a card whose details are wanted, `menu_wanted` a card
    and a place on the screen."""

    acted = Signal(object, str)
    opened = Signal(object)
    menu_wanted = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.listing = Listing(self)
        self.cards = CardDelegate(self)
        self.margin, self._compact = 24, False
        self._pressed: tuple[int, str] = (-1, "")
        self.setAccessibleName(_("Models"))
        self.setAccessibleDescription(_("Enter opens the details of a model, Space does what its button says."))
        self.setModel(self.listing)
        self.setItemDelegate(self.cards)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setProperty("focusRing", False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setViewportMargins(self.margin - RING, 0, 0, 0)
        # Scrolling then moves pixels and paints only what appears.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def dataChanged(self, topLeft, bottomRight, roles=()) -> None:
        """Cards are all of one size: Qt would lay out all of them anew for news of one."""
        for row in range(topLeft.row(), bottomRight.row() + 1):
            self.update(self.listing.index(row, 0))

    # -- form -------------------------------------------------------------------------------------------------

    def set_rows(self, rows: bool) -> None:
        """Rows instead of a grid."""
        self.cards.row = rows
        self._fit()

    def set_compact(self, compact: bool) -> None:
        self._compact = compact
        self.margin = 16 if compact else 24
        self.setViewportMargins(self.margin - RING, 0, 0, 0)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """As many columns as there is room for, all equally wide."""
        bar = self.verticalScrollBar().sizeHint().width()
        gap = 8 if self.cards.row else 12 if self._compact else 16
        room = self.width() - 2 * self.margin
        narrowest = COMPACT_NARROWEST if self._compact else NARROWEST
        columns = 1 if self.cards.row else max(1, (room + gap) // (narrowest + gap))
        width = (room - gap * (columns - 1)) // columns
        size = QSize(width, ROW if self.cards.row else CARD)
        inside = self.width() - (self.margin - RING) - bar
        # A cell takes the gap after it; the last one may reach under the margin at the end.
        cell = QSize(min(width + gap, inside // columns), size.height() + gap)
        if (size, gap) != (self.cards.size, self.cards.gap) or cell != self.gridSize():
            self.cards.size, self.cards.gap = size, gap
            self.setGridSize(cell)
            self.verticalScrollBar().setSingleStep(STEP)
            self.scheduleDelayedItemsLayout()

    # -- contents ---------------------------------------------------------------------------------------------

    def show_cards(self, wanted: list[Card], known: list[Card] | None = None) -> None:
        """Show `wanted`; with `known` given, rows stay where they are (see `Listing.update_cards`)."""
        current, place = self.current(), self.verticalScrollBar().value()
        if known is None:
            self.listing.set_cards(wanted)
        else:
            self.listing.update_cards(known, wanted)
        row = self.listing.row_of(current.info.id) if current is not None else -1
        if row >= 0 and self.currentIndex().row() != row:
            flag = QItemSelectionModel.SelectionFlag.NoUpdate
            self.selectionModel().setCurrentIndex(self.listing.index(row, 0), flag)
        if known is not None:
            self.verticalScrollBar().setValue(place)

    def current(self) -> Card | None:
        index = self.currentIndex()
        return index.data(Role.CARD) if index.isValid() else None

    def choose(self, id: str) -> bool:
        """Make the card of a model the current one and bring it into view."""
        row = self.listing.row_of(id)
        if row >= 0:
            self.setCurrentIndex(self.listing.index(row, 0))
            self.scrollTo(self.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
        return row >= 0

    def card_rect(self, index: QModelIndex) -> QRect:
        """Where the card lies in the viewport."""
        return self.cards.card_rect(self.visualRect(index), rtl=self._rtl)

    @property
    def _rtl(self) -> bool:
        return self.layoutDirection() == Qt.LayoutDirection.RightToLeft

    def spot_at(self, place: QPoint) -> tuple[QModelIndex, Spot | None]:
        """The card at `place` of the viewport (invalid: none), and the button there."""
        index = self.indexAt(place)
        if not index.isValid() or not self.card_rect(index).contains(place):
            return QModelIndex(), None
        found = spots(theme_of(self), self.card_rect(index), index.data(Role.CARD), rtl=self._rtl, row=self.cards.row)
        return index, next((spot for spot in found if spot.rect.contains(place)), None)

    # -- mouse ------------------------------------------------------------------------------------------------

    def _heat(self, index: QModelIndex, spot: Spot | None) -> None:
        action = spot.action if spot is not None else ""
        hot = (index.row() if action else -1, action, self._pressed == (index.row(), action) and bool(action))
        if hot != self.cards.hot:
            before, self.cards.hot = self.cards.hot[0], hot
            for row in {before, hot[0]} - {-1}:
                self.update(self.listing.index(row, 0))
            pointer = Qt.CursorShape.PointingHandCursor if index.isValid() else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(pointer)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._heat(*self.spot_at(event.position().toPoint()))
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._heat(QModelIndex(), None)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
            return
        self.cards.ring = False
        index, spot = self.spot_at(event.position().toPoint())
        self._pressed = (index.row(), spot.action if spot is not None else "")
        if not index.isValid():
            return  # beside the cards: the current one stays
        super().mousePressEvent(event)
        self._heat(index, spot)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        index, spot = self.spot_at(event.position().toPoint())
        pressed, self._pressed = self._pressed, (-1, "")
        self._heat(index, spot)
        if not index.isValid() or pressed != (index.row(), spot.action if spot is not None else ""):
            return
        card = index.data(Role.CARD)
        self.acted.emit(card, spot.action) if spot is not None else self.opened.emit(card)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event)
        self._heat(*self.spot_at(event.position().toPoint()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index, place = self.indexAt(event.pos()), event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.card_rect(index).center())
        if index.isValid():
            self.setCurrentIndex(index)
            self.menu_wanted.emit(index.data(Role.CARD), place)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index, spot = self.spot_at(event.pos())
            text = self._tip(index.data(Role.CARD), spot) if index.isValid() else ""
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        return super().viewportEvent(event)

    def _tip(self, card: Card, spot: Spot | None) -> str:
        if spot is not None:
            return "" if spot.text else _(words.ACTIONS[spot.action])
        failure = words.failure_words(card.activity) if card.activity is not None else ""
        info = card.info
        problem = explain(info.problem, {"model": info.title}).text if info.problem else ""
        parts = (info.title, failure or problem, _(info.description) if info.description else "")
        return "\n".join(part for part in parts if part)

    # -- keyboard ---------------------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self.cards.ring = event.reason() in keys
        if not self.currentIndex().isValid() and self.listing.rowCount():
            self.setCurrentIndex(self.listing.index(0, 0))
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        card, key = self.current(), event.key()
        if not self.cards.ring:
            self.cards.ring = True
            self.update(self.currentIndex())
        if card is None:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(card)
        elif key == Qt.Key.Key_Space:
            self.acted.emit(card, action_of(card))
        elif key == Qt.Key.Key_Delete:
            self.acted.emit(card, words.CANCEL if card.going else words.REMOVE)
        else:
            super().keyPressEvent(event)

    # -- painting ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), theme_of(self).color("surface.window"))
        super().paintEvent(event)


def action_of(card: Card) -> str:
    """What Space does: the card's button, or pause and going on while it is being fetched."""
    if card.activity is not None and card.going:
        return words.GO_ON if card.activity.state == "paused" else words.PAUSE
    return card.main_action
