"""The queue's state as the window binds to it. Widgets render this and send the user's wishes to `Services.queue`."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from studio.core.jobs import Job, JobState
from studio.core.messages import JobEvent
from studio.ui.queue.words import Live
from studio.ui.services import Services

_COALESCE_MS = 15


class QueueModel(QObject):
    """`running` (or None), `waiting` in order, `past`: interrupted ones first, then the recent endings; `held` is why
    the queue paused by itself.

    `changed` follows any change of those; `progressed` a report of the running job.
    """

    changed = Signal()
    progressed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._live: dict[str, Live] = {}
        self.running: Job | None = None
        self.waiting: list[Job] = []
        self.past: list[Job] = []
        self.paused = services.queue.paused
        self.held = services.queue.held
        self._timer = QTimer(self, singleShot=True, interval=_COALESCE_MS)
        self._timer.timeout.connect(self.refresh)
        services.bridge.job_changed.connect(self._on_job_changed)
        services.bridge.job_filed.connect(self._on_job_changed)
        services.bridge.job_event.connect(self._on_job_event)
        services.bridge.queue_paused.connect(self._on_paused)

    @property
    def live(self) -> Live:
        """What the running job reported so far."""
        return self._live.get(self.running.id, Live()) if self.running else Live()

    @property
    def last(self) -> Job | None:
        """The newest ending of this session's work, for the strip at rest."""
        return next((job for job in self.past if job.state.ended), None)

    def refresh(self) -> None:
        """Read the queue again, now."""
        jobs = self._services.queue.jobs()
        self.running = next((job for job in jobs if job.state == JobState.RUNNING), None)
        self.waiting = [job for job in jobs if job.state == JobState.QUEUED]
        interrupted = [job for job in jobs if job.state == JobState.INTERRUPTED]
        self.past = interrupted + [job for job in jobs if job.state.ended]
        self._live = {id_: live for id_, live in self._live.items() if self.running and id_ == self.running.id}
        self.changed.emit()

    def _on_job_changed(self, *_job: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_job_event(self, event: JobEvent) -> None:
        self._live[event.job] = self._live.get(event.job, Live()).after(event)
        if self.running and event.job == self.running.id:
            self.progressed.emit()

    def _on_paused(self, paused: bool) -> None:
        self.paused, self.held = paused, self._services.queue.held
        self.changed.emit()
