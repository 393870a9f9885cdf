"""What takes space, when it was last used, and what would be freed; nothing goes without a second look."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import explain
from studio.core.i18n import _, n_
from studio.core.jobs import Medium
from studio.ui.icons import paint_icon
from studio.ui.pane import Rule
from studio.ui.sheet import Sheet
from studio.ui.tabs.models.words import size_words
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.models import MEDIUM_ICONS
from studio.ui.widgets.paint import Label, line_text, paint_box, text_width

ROW = 52
DAY = 86_400
_ROW = Qt.ItemDataRole.UserRole + 1


def used_words(last_used: float, now: float | None = None) -> str:
    """When a model was last used, as one says it."""
    if not last_used:
        return _("Not used yet")
    days = int(((time.time() if now is None else now) - last_used) // DAY)
    if days <= 0:
        return _("Used today")
    if days == 1:
        return _("Used yesterday")
    if days < 60:
        return n_("Used {count} day ago", "Used {count} days ago", days).format(count=days)
    return n_("Used {count} month ago", "Used {count} months ago", days // 30).format(count=days // 30)


class _Rows(QAbstractListModel):
    def __init__(self, rows: Sequence[Mapping[str, Any]], parent: QWidget) -> None:
        super().__init__(parent)
        self.rows = list(rows)
        self.chosen: set[str] = set()

    def rowCount(self, parent: Any = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == _ROW:
            return row, row["id"] in self.chosen
        if role == Qt.ItemDataRole.DisplayRole:
            return row["title"]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            chosen = _("Chosen") if row["id"] in self.chosen else ""
            parts = (row["title"], size_words(row["size"]), used_words(row["last_used"]), chosen, why_words(row))
            return _(", ").join(part for part in parts if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return why_words(row)
        return None

    def toggle(self, row: int) -> None:
        if self.rows[row]["removable"]:
            self.chosen ^= {self.rows[row]["id"]}
            self.dataChanged.emit(self.index(row, 0), self.index(row, 0))


def why_words(row: Mapping[str, Any]) -> str:
    """Why a model stays, or ""."""
    return "" if row["removable"] or not row["why"] else explain(str(row["why"]), {"model": row["title"]}).title


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:
        return QSize(300, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        theme = theme_of()
        row, chosen = index.data(_ROW)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        direction = option.direction  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        open_ = bool(row["removable"])

        def place(inner: QRect) -> QRect:
            return QStyle.visualRect(direction, rect, inner)

        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_MouseOver and open_:
            paint_box(painter, rect.adjusted(8, 1, -8, -1), theme.color("surface.hover"), None, 6)
        if state & QStyle.StateFlag.State_HasFocus:
            paint_box(painter, rect.adjusted(8, 1, -8, -1), None, theme.color("focus.ring"), 6, 2)
        box = place(QRect(rect.x() + 24, rect.center().y() - 7, 16, 16))
        if not open_:
            paint_box(painter, box, theme.color("surface.panel"), theme.color("border.default"), 4)
        elif chosen:
            paint_box(painter, box, theme.color("accent.fill"), None, 4)
            paint_icon(painter, box.adjusted(2, 2, -2, -2), "check-bold", theme.color("text.onAccent"))
        else:
            paint_box(painter, box, theme.color("surface.field"), theme.color("border.strong"), 4)
        medium = Medium(row["medium"])
        icon = place(QRect(rect.x() + 54, rect.center().y() - 8, 18, 18))
        paint_icon(painter, icon, f"{MEDIUM_ICONS[medium]}-fill", theme.color(f"medium.{medium}"))
        size, font = size_words(row["size"]), theme.font("body")
        width = text_width(size, font)
        end = place(QRect(rect.right() - 23 - width, rect.y(), width, ROW))
        line_text(painter, end, size, font, theme.color("text.primary" if open_ else "text.tertiary"))
        room = rect.width() - 84 - width - 40
        name = place(QRect(rect.x() + 84, rect.y() + 7, room, 20))
        line_text(painter, name, row["title"], theme.font("body", 500), theme.color("text.primary"))
        note = place(QRect(rect.x() + 84, rect.y() + 26, room, 18))
        words = why_words(row) or used_words(row["last_used"])
        line_text(painter, note, words, theme.font("small"), theme.color("text.tertiary"))
        painter.restore()


class SpaceList(QListView):
    """`chosen_changed` follows every tick."""

    chosen_changed = Signal()

    def __init__(self, rows: Sequence[Mapping[str, Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = _Rows(rows, self)
        self.setAccessibleName(_("Models by size"))
        self.setAccessibleDescription(_("Space chooses a model."))
        self.setModel(self.table)
        self.setItemDelegate(_Delegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("focusRing", False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def toggle(self, index: QModelIndex) -> None:
        if index.isValid():
            self.table.toggle(index.row())
            self.chosen_changed.emit()

    def focusInEvent(self, event) -> None:
        if not self.currentIndex().isValid() and self.table.rowCount():
            self.setCurrentIndex(self.table.index(0, 0))
        super().focusInEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.toggle(self.indexAt(event.position().toPoint()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.toggle(self.currentIndex())
        else:
            super().keyPressEvent(event)


class FreeUpSheet(Sheet):
    """`remove_wanted` carries the ids that were chosen."""

    remove_wanted = Signal(list)

    def __init__(self, host: QWidget, disk: Mapping[str, Any]) -> None:
        super().__init__(host, _("Free up space"), QSize(600, 560))
        rows = sorted(disk["models"], key=lambda row: (not row["removable"], -row["size"], row["title"]))
        outer = QVBoxLayout(self.pane)
        outer.setContentsMargins(1, 1, 1, 1)
        outer.setSpacing(0)
        self.add_header(outer, _("Free up space"))
        line = _("Choose what can go. A model from the hub can be downloaded again; one you added yourself cannot.")
        words = Label(line, "small", "secondary", wrap=True)
        words.setContentsMargins(24, 0, 24, 12)
        outer.addWidget(words)
        outer.addWidget(Rule())
        self.list = SpaceList(rows)
        self.list.chosen_changed.connect(self._show_sum)
        outer.addWidget(self.list, 1)
        outer.addWidget(Rule())
        self._sum = Label("", "body", "secondary")
        self.cancel = Button(_("Close"))
        self.cancel.clicked.connect(self.close_sheet)
        self.remove = Button(_("Remove…"), "danger")
        self.remove.clicked.connect(lambda: self.remove_wanted.emit(self.chosen()))
        row = QHBoxLayout()
        row.setContentsMargins(24, 12, 24, 16)
        row.setSpacing(8)
        row.addWidget(self._sum, 1)
        row.addWidget(self.cancel)
        row.addWidget(self.remove)
        outer.addLayout(row)
        self._show_sum()

    def chosen(self) -> list[str]:
        return [row["id"] for row in self.list.table.rows if row["id"] in self.list.table.chosen]

    def _show_sum(self) -> None:
        table = self.list.table
        frees = sum(row["frees"] for row in table.rows if row["id"] in table.chosen)
        if table.chosen:
            count = len(table.chosen)
            words = n_("{count} model, frees {size}", "{count} models, frees {size}", count)
            self._sum.setText(words.format(count=count, size=size_words(frees)))
        else:
            self._sum.setText(_("Nothing chosen") if table.rows else _("There is nothing to remove."))
        self.remove.setEnabled(bool(table.chosen))
