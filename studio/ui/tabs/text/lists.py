"""What stands in the history column: versions of a text or the conversations, with other documents below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.core.i18n import _, n_
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import paint_box
from studio.ui.widgets.versions import GAP, MARGIN, Role, VersionList

EXCERPT = 300


@dataclass(frozen=True)
class Row:
    """A line of the list. `kind` as in `widgets.versions`; `progress` while it is being made."""

    id: str
    kind: str
    title: str
    time: str = ""
    excerpt: str = ""
    note: str = ""
    favourite: bool = False
    progress: float | None = None
    icon: str = ""

    def spoken(self) -> str:
        """The row for a screen reader."""
        parts = [self.title, self.time, self.note, _("Favourite") if self.favourite else "", self.excerpt]
        if self.progress is not None:
            parts.insert(1, _("{percent} % written").format(percent=round(100 * self.progress)))
        return ", ".join(part for part in parts if part)


_ROLES: Mapping[int, str] = {
    Role.KIND: "kind",
    Role.TITLE: "title",
    Role.TIME: "time",
    Role.EXCERPT: "excerpt",
    Role.NOTE: "note",
    Role.FAVOURITE: "favourite",
    Role.PROGRESS: "progress",
    Role.ICON: "icon",
    Qt.ItemDataRole.DisplayRole: "title",
}


class RowModel(QAbstractListModel):
    """Rows that are replaced by others with as few changes as there are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        return list(self._rows)

    def rowCount(self, parent: Any = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.spoken()
        if role == Qt.ItemDataRole.ToolTipRole and row.kind == "entry":
            return row.title
        return getattr(row, _ROLES[role]) if role in _ROLES else None

    def flags(self, index: Any) -> Qt.ItemFlag:
        row = self._rows[index.row()] if index.isValid() else None
        if row is None or row.kind == "heading":
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def set_rows(self, rows: Sequence[Row]) -> None:
        old = [(row.id, row.kind) for row in self._rows]
        new = [(row.id, row.kind) for row in rows]
        if old != new:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return
        for number, row in enumerate(rows):
            if row != self._rows[number]:
                self._rows[number] = row
                index = self.index(number, 0)
                self.dataChanged.emit(index, index)

    def row_of(self, id: str) -> int:
        return next((number for number, row in enumerate(self._rows) if row.id == id), -1)


class RowList(VersionList):
    """`chosen` carries the id of the row that the user chose; `menu_wanted` a row's id and a place on the screen;
    `delete_pressed` and `heart_pressed` a row's id."""

    chosen = Signal(str)
    menu_wanted = Signal(str, object)
    delete_pressed = Signal(str)
    heart_pressed = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, "text", parent)
        self.rows = RowModel(self)
        self.setModel(self.rows)
        self._quiet = False
        self._ring = False
        self.selectionModel().currentChanged.connect(self._on_current)

    def set_rows(self, rows: Sequence[Row], current: str) -> None:
        self._quiet = True
        self.rows.set_rows(rows)
        number = self.rows.row_of(current)
        index = self.rows.index(number, 0) if number >= 0 else QModelIndex()
        if index != self.currentIndex() or not self.selectionModel().isSelected(index):
            flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(index, flag)
        self._quiet = False

    def current_row(self) -> Row | None:
        index = self.currentIndex()
        return self.rows.rows()[index.row()] if index.isValid() else None

    def _on_current(self, index: QModelIndex, _before: QModelIndex) -> None:
        if not self._quiet and index.isValid():
            self.chosen.emit(self.rows.rows()[index.row()].id)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring = event.reason() not in (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.PopupFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a ring around the row, or the list, that has the keyboard."""
        super().paintEvent(event)
        if self._ring and self.hasFocus():
            index = self.currentIndex()
            box = self.viewport().rect().adjusted(4, 0, -4, 0)
            if index.isValid():
                box = self.visualRect(index).adjusted(MARGIN - 2, -2, 2 - MARGIN, 2 - GAP)
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_box(painter, box, None, theme_of(self).color("focus.ring"), 7, 2)
            painter.end()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos())
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.visualRect(index).center())
        if index.isValid() and self.rows.rows()[index.row()].kind != "heading":
            self.menu_wanted.emit(self.rows.rows()[index.row()].id, place)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()  # the menu is for the row under the pointer; the choice stays
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.current_row()
        if row is not None and event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit(row.id)
        elif row is not None and event.key() == Qt.Key.Key_H and not event.modifiers():
            self.heart_pressed.emit(row.id)
        else:
            super().keyPressEvent(event)


def words_note(count: int) -> str:
    return n_("{count} word", "{count} words", count).format(count=f"{count:,}")


def version_note(count: int, state: str, seconds: float = 0.0) -> str:
    """ "486 words · 12 s", "120 words · stopped"."""
    parts = [words_note(count)]
    if state == "stopped":
        parts.append(_("stopped"))
    elif seconds >= 1:
        parts.append(_("{seconds} s").format(seconds=round(seconds)))
    return " · ".join(parts)
