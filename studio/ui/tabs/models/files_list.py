"""The files of a model with their sizes, and how far each has arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.core.activities import ActivityState, FileProgress
from studio.core.i18n import _
from studio.ui.tabs.models.words import part_words, size_words
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width

ROW, SHOWN = 28, 7
_FILE = Qt.ItemDataRole.UserRole + 1


class _Files(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.files: list[FileProgress] = []

    def rowCount(self, parent: Any = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.files)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        file = self.files[index.row()]
        if role == _FILE:
            return file
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return file.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return _(", ").join((file.name, file_words(file)))
        return None

    def show(self, files: list[FileProgress]) -> None:
        if [file.name for file in files] != [file.name for file in self.files]:
            self.beginResetModel()
            self.files = files
            self.endResetModel()
        else:
            self.files = files
            if files:
                self.dataChanged.emit(self.index(0, 0), self.index(len(files) - 1, 0))


def file_words(file: FileProgress) -> str:
    """ "1.2 of 3.4 GB" while it arrives, else its size."""
    if file.done and file.state is not ActivityState.DONE:
        return part_words(file.done, file.size)
    return size_words(file.size) if file.size else _("Size unknown")


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        theme = theme_of()
        file: FileProgress = index.data(_FILE)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        rtl = option.direction == Qt.LayoutDirection.RightToLeft  # type: ignore[attr-defined]

        def place(inner: QRect) -> QRect:
            return QStyle.visualRect(
                Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight, rect, inner
            )

        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        small = theme.font("small")
        words = file_words(file)
        width = text_width(words, small)
        if option.state & QStyle.StateFlag.State_HasFocus:  # type: ignore[attr-defined]
            paint_box(painter, rect.adjusted(1, 1, -1, -1), None, theme.color("focus.ring"), 4, 2)
        end = QRect(rect.right() - 11 - width, rect.y(), width, ROW)
        line_text(painter, place(end), words, small, theme.color("text.secondary"))
        arriving = file.size > 0 and 0 < file.done < file.size
        bar = QRect(end.x() - 76, rect.center().y() - 1, 60, 4) if arriving else QRect(end.x(), 0, 0, 0)
        if arriving:
            paint_box(painter, place(bar), theme.color("border.default"), None, 2)
            done = QRect(bar.x(), bar.y(), max(4, round(bar.width() * file.done / file.size)), 4)
            paint_box(painter, place(done), theme.color("accent.fill"), None, 2)
        name = QRect(rect.x() + 10, rect.y(), bar.x() - rect.x() - 26, ROW)
        tone = "text.primary" if file.state is not ActivityState.QUEUED or not file.done else "text.secondary"
        line_text(painter, place(name), file.name, small, theme.color(tone))
        painter.restore()


class FilesList(QListView):
    """Up to seven rows, then it scrolls."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files = _Files(self)
        self.setAccessibleName(_("Files"))
        self.setModel(self._files)
        self.setItemDelegate(_Delegate(self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("focusRing", False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(ROW)

    def show_files(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Names and sizes as `ModelsClient.details` answers them."""
        self._show([FileProgress(str(row["name"]), int(row["size"] or 0)) for row in rows])

    def show_progress(self, files: Sequence[FileProgress]) -> None:
        if files:
            self._show(list(files))

    def _show(self, files: list[FileProgress]) -> None:
        self._files.show(files)
        self.setFixedHeight(ROW * max(1, min(len(files), SHOWN)))

    def files(self) -> list[FileProgress]:
        return list(self._files.files)

    def focusInEvent(self, event) -> None:
        if not self.currentIndex().isValid() and self._files.rowCount():
            self.setCurrentIndex(self._files.index(0, 0))
        super().focusInEvent(event)
