"""The pictures of a project as tiles, grouped by the job that made them; what is being made comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen, QPixmap
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
from studio.ui.tabs.image.loading import Thumbs
from studio.ui.tabs.speech.outgoing import DragHandle
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box

TILE, GAP, SIDE = 82, 8, 14
CAPTION = 52
PICTURE, MAKING, WAITING, TITLE = "picture", "making", "waiting", "title"


class Role(IntEnum):
    ROW = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class Row:
    """`kind`: "picture" (a result: `id` is its item's), "making" and "waiting" (places of the running `job`) or
    "title", the words below a group. `share` 0 to 1 while it is made."""

    kind: str
    id: str
    job: str = ""
    title: str = ""
    note: str = ""
    path: Path | None = None
    favourite: bool = False
    missing: bool = False
    share: float = -1.0

    def spoken(self) -> str:
        words = {MAKING: _("Being made"), WAITING: _("Waiting")}.get(self.kind, "")
        heart = _("Favourite") if self.favourite else ""
        return ", ".join(part for part in (self.title, words, self.note, heart) if part)


class HistoryModel(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self.previews: dict[str, QImage] = {}

    def rows(self) -> list[Row]:
        return list(self._rows)

    def set_rows(self, rows: Sequence[Row]) -> None:
        if [(row.kind, row.id) for row in rows] != [(row.kind, row.id) for row in self._rows]:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return
        for number, row in enumerate(rows):
            if row != self._rows[number]:
                self._rows[number] = row
                self.refresh(number)

    def refresh(self, number: int) -> None:
        self.dataChanged.emit(self.index(number, 0), self.index(number, 0))

    def refresh_path(self, path: Path) -> None:
        for number, row in enumerate(self._rows):
            if row.path == path:
                self.refresh(number)

    def find(self, id: str) -> int:
        return next((number for number, row in enumerate(self._rows) if row.id == id and row.kind != TITLE), -1)

    def rowCount(self, parent: Any = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def flags(self, index: Any) -> Qt.ItemFlag:
        row = self._rows[index.row()] if index.isValid() else None
        if row is None or row.kind == TITLE:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Role.ROW:
            return row
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.spoken()
        if role == Qt.ItemDataRole.ToolTipRole and row.kind != TITLE:
            return row.title
        return None


class HistoryDelegate(QStyledItemDelegate):
    def __init__(self, view: HistoryList, thumbs: Thumbs) -> None:
        super().__init__(view)
        self._view, self._thumbs = view, thumbs

    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:
        room = max(TILE, self._view.viewport().width() - 1)
        if index.data(Role.ROW).kind == TITLE:
            return QSize(room, CAPTION)
        columns = max(1, (room + GAP // 2) // (TILE + GAP // 2))
        return QSize(room // columns, min(TILE, room // columns - GAP // 2) + GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        theme, row = theme_of(self._view), index.data(Role.ROW)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if row.kind == TITLE:
            title = QRect(rect.x(), rect.y() + 2, rect.width() - 8, 16)
            line_text(painter, title, row.title, theme.font("small"), theme.color("text.primary"))
            note = QRect(rect.x(), rect.y() + 19, rect.width() - 8, 15)
            line_text(painter, note, row.note, theme.font("caption"), theme.color("text.tertiary"))
            painter.restore()
            return
        side = rect.height() - GAP
        box = QRect(rect.x(), rect.y(), side, side)
        state = option.state  # type: ignore[attr-defined]
        if row.kind == WAITING:
            pen = QPen(theme.color("border.default"), 1, Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        else:
            self._paint_picture(painter, row, box)
        if row.id == self._view.shown:
            paint_box(painter, box, None, theme.color("focus.ring"), 6, 2)
            paint_box(painter, box.adjusted(2, 2, -2, -2), None, theme.color("surface.panel"), 5, 2)
        elif row.id == self._view.compared:
            paint_box(painter, box, None, theme.color("medium.image"), 6, 2)
        elif state & QStyle.StateFlag.State_MouseOver:
            paint_box(painter, box, None, theme.color("border.strong"), 6, 1)
        if state & QStyle.StateFlag.State_HasFocus and self._view.hasFocus():
            paint_box(painter, box.adjusted(-2, -2, 2, 2), None, theme.color("focus.ring"), 8, 2)
        painter.restore()

    def _paint_picture(self, painter: QPainter, row: Row, box: QRect) -> None:
        theme = theme_of(self._view)
        picture: QPixmap | QImage | None
        if row.kind == MAKING:
            picture = self._view.tiles.previews.get(row.id)
        else:
            picture = self._thumbs.get(row.path) if row.path is not None and not row.missing else None
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(box), 6, 6)
        painter.setClipPath(clip)
        painter.fillRect(box, theme.color("surface.raised"))
        if picture is not None and not picture.isNull():
            size = picture.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            target = QRect(QPoint(), size)
            target.moveCenter(box.center())
            if isinstance(picture, QImage):
                painter.drawImage(target, picture)
            else:
                painter.drawPixmap(target, picture)
        elif row.missing:
            icon = QRect(box.center().x() - 8, box.center().y() - 8, 16, 16)
            paint_icon(painter, icon, "magnifying-glass", theme.color("text.tertiary"))
        painter.setClipping(False)
        if row.share >= 0:
            line = QRectF(box.x() + 10, box.bottom() - 11, box.width() - 20, 4)
            paint_box(painter, line, theme.color("surface.well"), None, 2)
            line.setWidth(max(4.0, line.width() * row.share))
            paint_box(painter, line, theme.color("medium.image"), None, 2)
        if row.favourite:
            heart = QRect(box.right() - 21, box.y() + 5, 16, 16)
            paint_box(painter, heart.adjusted(-2, -2, 2, 2), theme.color("surface.overlay"), None, 4)
            paint_icon(painter, heart.adjusted(1, 1, -1, -1), "heart-fill", theme.color("medium.animation"))


class HistoryList(QListView):
    """`opened`, `compare_wanted` (clicked with Ctrl), `delete_pressed`, `heart_pressed` and `dragged` carry a row,
    `menu_wanted` a row and a place on the screen. `shown` and `compared` are ids of what is on the stage."""

    opened = Signal(object)
    compare_wanted = Signal(object)
    menu_wanted = Signal(object, object)
    delete_pressed = Signal(object)
    heart_pressed = Signal(object)
    dragged = Signal(object)

    def __init__(self, thumbs: Thumbs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles = HistoryModel(self)
        self.shown = self.compared = ""
        self.setAccessibleName(_("Pictures"))
        self.setModel(self.tiles)
        self.setItemDelegate(HistoryDelegate(self, thumbs))
        self.setMouseTracking(True)
        self.setProperty("focusRing", False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setViewportMargins(SIDE, 12, 0, 0)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._ctrl = False
        DragHandle(self.viewport()).started.connect(self._on_pulled)
        self.clicked.connect(self._on_clicked)
        thumbs.loaded.connect(self.tiles.refresh_path)

    def set_shown(self, id: str, compared: str = "") -> None:
        if (id, compared) != (self.shown, self.compared):
            self.shown, self.compared = id, compared
            self.viewport().update()

    def row(self) -> Row | None:
        index = self.currentIndex()
        return index.data(Role.ROW) if index.isValid() else None

    def _on_clicked(self, index: Any) -> None:
        row = index.data(Role.ROW)
        if row is not None and row.kind != TITLE:
            (self.compare_wanted if self._ctrl and row.kind == PICTURE else self.opened).emit(row)

    def focusInEvent(self, event) -> None:
        if not self.currentIndex().isValid() and self.tiles.rowCount():
            place = max(0, self.tiles.find(self.shown))
            self.setCurrentIndex(self.tiles.index(place, 0))
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
            return
        super().mousePressEvent(event)

    def _on_pulled(self, place: QPoint) -> None:
        row = self.indexAt(place).data(Role.ROW)
        if row is not None and row.kind == PICTURE and not row.missing:
            self.dragged.emit(row)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index, place = self.indexAt(event.pos()), event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.visualRect(index).center())
        row = index.data(Role.ROW) if index.isValid() else None
        if row is not None and row.kind == PICTURE:
            self.menu_wanted.emit(row, place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.row()
        if row is not None and row.kind == PICTURE and event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit(row)
        elif row is not None and row.kind == PICTURE and event.key() == Qt.Key.Key_H and not event.modifiers():
            self.heart_pressed.emit(row)
        elif row is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.opened.emit(row)
        else:
            super().keyPressEvent(event)
