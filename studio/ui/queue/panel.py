"""The panel that opens above the strip: what runs and waits at the left, what has ended at the right."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedLayout, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _, n_
from studio.core.jobs import Job, JobState
from studio.ui.queue.list import WISHES, JobList, wishes_for
from studio.ui.queue.model import QueueModel
from studio.ui.services import Services
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.paint import Label
from studio.ui.widgets.rooms import HeaderBar, Surface

_LEAST = 180  # in a low window the tab keeps what it needs


class QueuePanel(Surface):
    """`show_job(job)` asks the window to bring up what the job belongs to; `failed(error)` reports a wish that could
    not be done; `closed` is the Close button or Escape."""

    show_job = Signal(object)
    failed = Signal(object)
    closed = Signal()
    resized = Signal()

    def __init__(self, services: Services, model: QueueModel, parent: QWidget | None = None) -> None:
        super().__init__("surface.panel", "top", parent)
        self._services, self._model = services, model
        self.setMaximumHeight(theme_of(self).metric("layout.queueOpen"))
        self.setMinimumHeight(_LEAST)
        self.setAccessibleName(_("Queue"))
        self.now = JobList(_("Running and waiting jobs"))
        self.past = JobList(_("Jobs that have ended"))
        self.now.jobs.live = lambda: model.live
        self.now.jobs.moved.connect(self._on_moved)
        self._now_head = HeaderBar(_("Now and next"))
        self._past_head = HeaderBar(_("Before"))
        self._up = IconButton("arrow-up", _("Move up"))
        self._down = IconButton("arrow-down", _("Move down"))
        self._up.clicked.connect(lambda: self._on_button(self.now, "up"))
        self._down.clicked.connect(lambda: self._on_button(self.now, "down"))
        self._all = Button(_("Start all again"), "secondary", "arrow-clockwise", "sm")
        self._all.clicked.connect(self._retry_interrupted)
        self._clear = Button(_("Clear list"), "ghost", size="sm")
        self._clear.clicked.connect(self._clear_past)
        close = IconButton("x", _("Close the queue"))
        close.clicked.connect(self.closed)
        for widget in (self._up, self._down):
            self._now_head.add_end(widget)
        for widget in (self._all, self._clear, close):
            self._past_head.add_end(widget)
        self._now_room = _Room(self._now_head, self.now, _("Nothing is being made. What you start appears here."))
        self._past_room = _Room(self._past_head, self.past, _("What was made, stopped or failed appears here."))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._now_room, 1)
        divider = Surface("border.subtle")
        divider.setFixedWidth(1)
        row.addWidget(divider)
        row.addWidget(self._past_room, 1)
        for view in (self.now, self.past):
            view.wished.connect(self.do)
            view.selectionModel().selectionChanged.connect(self._on_selection)
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(lambda point, view=view: self._open_menu(view, point))
        model.changed.connect(self.show_state)
        model.progressed.connect(self.now.viewport().update)
        self.show_state()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def show_state(self) -> None:
        """Show the model's state."""
        model = self._model
        now = ([model.running] if model.running else []) + model.waiting
        self.now.jobs.show(now)
        self.past.jobs.show(model.past)
        waiting = len(model.waiting)
        count = n_("{count} waiting", "{count} waiting", waiting).format(count=waiting) if waiting else ""
        self._now_head.set_title(_("Now and next"), count)
        interrupted = sum(job.state == JobState.INTERRUPTED for job in model.past)
        words = n_("{count} interrupted", "{count} interrupted", interrupted).format(count=interrupted)
        self._past_head.set_title(_("Before"), words if interrupted else "")
        self._all.setVisible(interrupted > 0)
        self._clear.setVisible(any(job.state.ended for job in model.past))
        self._now_room.show_empty(not now)
        self._past_room.show_empty(not model.past)
        self._on_selection()

    def do(self, wish: str, job: Job) -> None:
        """Do what the user wished for `job` (see `JobList.wished`)."""
        queue, waiting = self._services.queue, [other.id for other in self._model.waiting]
        at = waiting.index(job.id) if job.id in waiting else -1
        actions: dict[str, Callable[[], object]] = {
            "cancel": lambda: queue.cancel(job.id),
            "retry": lambda: queue.retry(job.id),
            "remove": lambda: queue.remove(job.id),
            "up": lambda: at > 0 and queue.move(job.id, waiting[at - 1]),
            "down": lambda: 0 <= at < len(waiting) - 1 and queue.move(job.id, (waiting[at + 2 :] or [None])[0]),
            "show": lambda: self.show_job.emit(job),
        }
        try:
            actions[wish]()
        except AtelierError as error:
            self.failed.emit(error)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _on_button(self, view: JobList, wish: str) -> None:
        if job := view.job:
            self.do(wish, job)

    def _on_moved(self, job: str, before: str) -> None:
        try:
            self._services.queue.move(job, before or None)
        except AtelierError as error:
            self.failed.emit(error)

    def _on_selection(self) -> None:
        job = self.now.job
        wishes = wishes_for(job, self._model.waiting) if job else []
        self._up.setVisible(len(self._model.waiting) > 1)
        self._down.setVisible(len(self._model.waiting) > 1)
        self._up.setEnabled("up" in wishes)
        self._down.setEnabled("down" in wishes)
        for button, name in ((self._up, _("Move up")), (self._down, _("Move down"))):
            button.setToolTip(name if button.isEnabled() else _("Choose a waiting job to move it"))

    def _open_menu(self, view: JobList, point: QPoint) -> None:
        job = view.job
        if job is None:
            return
        menu = QMenu(view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for wish in wishes_for(job, self._model.waiting):
            menu.addAction(WISHES[wish](), lambda wish=wish: self.do(wish, job))
        menu.popup(view.viewport().mapToGlobal(point))

    def _retry_interrupted(self) -> None:
        for job in [job for job in self._model.past if job.state == JobState.INTERRUPTED]:
            self.do("retry", job)

    def _clear_past(self) -> None:
        for job in [job for job in self._model.past if job.state.ended]:
            self.do("remove", job)


class _Room(QWidget):
    def __init__(self, head: QWidget, view: QWidget, empty: str) -> None:
        super().__init__()
        self._nothing = Label(empty, "body", "tertiary", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setContentsMargins(24, 0, 24, 0)
        framed = QWidget()
        inner = QVBoxLayout(framed)
        inner.setContentsMargins(0, 6, 0, 6)
        inner.addWidget(view)
        self._stack = QStackedLayout()
        self._stack.addWidget(framed)
        self._stack.addWidget(self._nothing)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addLayout(self._stack, 1)

    def show_empty(self, empty: bool) -> None:
        self._stack.setCurrentIndex(int(empty))
