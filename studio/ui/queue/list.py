"""A list of jobs: rows painted by a delegate, moved by dragging or with the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.core.i18n import _
from studio.core.jobs import Job, JobState
from studio.ui.icons import paint_icon
from studio.ui.queue.words import MEDIUM_ICONS, Live, progress_words, state_words, time_left, title_of
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width

Index = QModelIndex | QPersistentModelIndex
JOB = Qt.ItemDataRole.UserRole
_MIME = "application/x-atelier-job"
_ROW = 44
_ENDED = {
    JobState.FILED: ("check-circle-fill", "success.text"),
    JobState.PRODUCED: ("check-circle-fill", "success.text"),
    JobState.FAILED: ("warning-circle-fill", "danger.text"),
    JobState.INTERRUPTED: ("warning-fill", "warning.text"),
    JobState.CANCELLED: ("stop-circle", "text.tertiary"),
}


class JobsModel(QAbstractListModel):
    """Jobs in their order. `moved(job id, id of the job it goes before, or "")` follows a drag."""

    moved = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self.live: Callable[[], Live] = Live

    def show(self, jobs: Sequence[Job]) -> None:
        """Take `jobs`; rows that stay keep their selection."""
        jobs = list(jobs)
        if [job.id for job in jobs] == [job.id for job in self.jobs]:
            self.jobs = jobs
            if jobs:
                self.dataChanged.emit(self.index(0), self.index(len(jobs) - 1))
            return
        old = self.persistentIndexList()
        kept = [self.jobs[index.row()].id for index in old]
        self.layoutAboutToBeChanged.emit()
        self.jobs = jobs
        rows = {job.id: number for number, job in enumerate(jobs)}
        new = [self.createIndex(rows[id_], 0) if id_ in rows else QModelIndex() for id_ in kept]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.jobs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        job = self.jobs[index.row()]
        if role == JOB:
            return job
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{title_of(job)}, {self.words(job)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{title_of(job)}\n{self.words(job)}"
        return None

    def words(self, job: Job) -> str:
        if job.state != JobState.RUNNING:
            return state_words(job)
        live = self.live()
        return " · ".join(part for part in (progress_words(job, live), time_left(live.seconds_left)) if part)

    def flags(self, index: Index) -> Qt.ItemFlag:
        base = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return base | Qt.ItemFlag.ItemIsDragEnabled if self.jobs[index.row()].state == JobState.QUEUED else base

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(_MIME, self.jobs[indexes[0].row()].id.encode())
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        moved = bytes(data.data(_MIME).data()).decode()
        row = parent.row() if parent.isValid() else row
        after = [job for job in self.jobs[row if row >= 0 else len(self.jobs) :] if job.id != moved]
        self.moved.emit(moved, after[0].id if after else "")
        return False  # the queue says what its order is now; the view must not take rows away by itself


class _JobDelegate(QStyledItemDelegate):
    def __init__(self, view: JobList) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        job: Job = index.data(JOB)
        theme = theme_of(self._view)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        box = rect.adjusted(8, 1, -8, -1)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected:
            paint_box(painter, box, theme.color("accent.tint"), None, 6)
            if self._view.hasFocus():
                paint_box(painter, box, None, theme.color("focus.ring"), 6, 2)
        elif state & QStyle.StateFlag.State_MouseOver:
            paint_box(painter, box, theme.color("surface.hover"), None, 6)
        medium = job.request.medium
        icon, color = _ENDED.get(job.state, (MEDIUM_ICONS[medium], f"medium.{medium}"))
        paint_icon(painter, QRect(box.x() + 8, box.y() + 13, 16, 16), icon, theme.color(color))
        sign = self._view.sign(job)
        quiet_sign = sign is not None and sign[1] == "remove"
        if sign and (selected or not quiet_sign or state & QStyle.StateFlag.State_MouseOver):
            tone = "accent.tintText" if selected else "text.secondary"
            paint_icon(painter, self._view.sign_rect(rect).adjusted(8, 8, -8, -8), sign[0], theme.color(tone))
        x, right = box.x() + 36, box.right() - 36
        primary = theme.color("accent.tintText" if selected else "text.primary")
        quiet = theme.color("accent.tintText" if selected else "text.tertiary")
        words, small = self._view.jobs.words(job), theme.font("small")
        if job.state == JobState.RUNNING:
            length = 120 if box.width() > 560 else 56
            line = QRect(right - length, box.center().y() - 1, length, 4)
            fraction = self._view.jobs.live().fraction
            paint_box(painter, line, theme.color("border.default"), None, 2)
            if fraction:
                done = QRect(line.x(), line.y(), max(4, round(line.width() * fraction)), 4)
                paint_box(painter, done, theme.color(f"medium.{medium}"), None, 2)
            right = line.x() - 16
        width = min(text_width(words, small), (right - x) * 3 // 5)
        title = text_width(title_of(job), theme.font("body", 500))
        width = max(width, min(text_width(words, small), right - x - title - 16))
        line_text(painter, QRect(right - width, box.y(), width, box.height()), words, small, quiet)
        rest = QRect(x, box.y(), right - width - 16 - x, box.height())
        line_text(painter, rest, title_of(job), theme.font("body", 500), primary)
        painter.restore()

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        if event.type() == QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
            rect: QRect = option.rect  # type: ignore[attr-defined]
            sign = self._view.sign(index.data(JOB))
            if sign and self._view.sign_rect(rect).contains(event.position().toPoint()):
                self._view.wished.emit(sign[1], index.data(JOB))
                return True
        return super().editorEvent(event, model, option, index)


class JobList(QListView):
    """`wished(wish, job)`: "cancel", "retry", "remove", "up", "down" or "show". Each row has its usual wish as a sign
    at its end; Delete, Alt+Up, Alt+Down and Enter do the same from the keyboard."""

    wished = Signal(str, object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobsModel(self)
        self.setModel(self.jobs)
        self.setItemDelegate(_JobDelegate(self))
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setProperty("focusRing", False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.doubleClicked.connect(lambda index: self.wished.emit("show", index.data(JOB)))

    @property
    def job(self) -> Job | None:
        """The selected job."""
        indexes = self.selectedIndexes()
        return indexes[0].data(JOB) if indexes else None

    def sign(self, job: Job) -> tuple[str, str] | None:
        """(icon, wish) at the end of the job's row."""
        if job.state in (JobState.RUNNING, JobState.QUEUED):
            return "x", "cancel"
        if job.state in (JobState.FAILED, JobState.INTERRUPTED, JobState.CANCELLED):
            return "arrow-clockwise", "retry"
        return "x", "remove"

    def sign_rect(self, row: QRect) -> QRect:
        return QRect(row.right() - 8 - 34, row.y() + 6, 32, 32)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        job, alt = self.job, bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        wish = ""
        match Qt.Key(event.key()):
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                wish = "cancel" if job and job.state in (JobState.RUNNING, JobState.QUEUED) else "remove"
            case Qt.Key.Key_Up if alt:
                wish = "up"
            case Qt.Key.Key_Down if alt:
                wish = "down"
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                sign = self.sign(job) if job else None
                wish = "retry" if sign and sign[1] == "retry" else "show"
        if wish and job:
            self.wished.emit(wish, job)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: Any) -> None:
        super().focusInEvent(event)
        if not self.selectedIndexes() and self.jobs.jobs:
            self.setCurrentIndex(self.jobs.index(0))


WISHES = {
    "show": lambda: _("Show"),
    "retry": lambda: _("Try again"),
    "cancel": lambda: _("Stop"),
    "remove": lambda: _("Remove from the list"),
    "up": lambda: _("Move up"),
    "down": lambda: _("Move down"),
}


def wishes_for(job: Job, waiting: Sequence[Job]) -> list[str]:
    """What can be done with `job`, in the order of its menu."""
    if job.state == JobState.RUNNING:
        return ["show", "cancel"]
    if job.state == JobState.QUEUED:
        ids = [other.id for other in waiting]
        at = ids.index(job.id) if job.id in ids else 0
        return ["show", *(["up"] if at > 0 else []), *(["down"] if at < len(ids) - 1 else []), "cancel"]
    return ["show", "retry", "remove"]
