"""The jobs of the Image tab: what is waited for, what is seen of it meanwhile, and where its pictures go."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio.core.errors import AtelierError
from studio.core.jobs import Job, JobState, Medium, Request, new_id
from studio.core.messages import JobEvent, Phase, Preview, Progress, Started
from studio.library import Item
from studio.ui.services import Services
from studio.ui.tabs.image.asking import TAB

OVER = (JobState.FILED, JobState.FAILED, JobState.CANCELLED)


@dataclass
class Run:
    """A job that is not over. `phase`: "wait", "load" or "run"; `step` of `steps` over all its `count` pictures;
    `previews` are the newest of each picture, by its number."""

    job: str
    request: Request
    created: float
    phase: str = "wait"
    step: int = 0
    steps: int = 0
    seconds_left: float = -1.0
    previews: dict[int, QImage] = field(default_factory=dict)
    began: float = 0.0

    @property
    def document(self) -> str:
        return self.request.origin.get("document", "")

    @property
    def count(self) -> int:
        return max(1, int(self.request.params.get("num_images", 1) or 1))

    @property
    def done(self) -> int:
        """How many of its pictures are whole."""
        return min(self.count - 1, self.step * self.count // self.steps) if self.steps else 0

    @property
    def share(self) -> float:
        """How far the picture that is made now is, 0 to 1."""
        if not self.steps:
            return 0.0
        whole = self.step * self.count / self.steps
        return min(1.0, whole - self.done)

    @property
    def preview(self) -> QImage | None:
        """Of the picture that is made now, or made last."""
        return self.previews[max(self.previews)] if self.previews else None

    @property
    def size(self) -> tuple[int, int]:
        params = self.request.params
        return int(params.get("width", 0) or 0), int(params.get("height", 0) or 0)


class Desk(QObject):
    """`changed` carries a run whose figures are different, `began` a new one; `filed` a run and its results; `ended` a
    run that is over and its `JobState`; `paced` a model and how many million pixels it draws a step and second."""

    changed = Signal(object)
    began = Signal(object)
    filed = Signal(object, object)
    ended = Signal(object, object)
    paced = Signal(str, float)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._runs: dict[str, Run] = {}
        bridge = services.bridge
        bridge.job_event.connect(self._on_event)
        bridge.job_changed.connect(self._on_job)
        bridge.job_filed.connect(self._on_filed)
        for job in services.queue.jobs():
            if self._is_ours(job) and not job.state.ended and job.state is not JobState.INTERRUPTED:
                self._runs[job.id] = Run(job.id, job.request, job.created)

    @property
    def runs(self) -> Sequence[Run]:
        """In the order in which they were asked for."""
        return list(self._runs.values())

    def runs_of(self, document: str) -> list[Run]:
        return [run for run in self._runs.values() if run.document == document]

    def run(self, job: str) -> Run | None:
        return self._runs.get(job)

    def prepare(
        self,
        make: Callable[[], tuple[Request, Mapping[str, Path]]],
        refused: Callable[[AtelierError], None],
        done: Callable[[Run], None] | None = None,
    ) -> None:
        """Put a request together in the background and submit it."""

        def success(made: tuple[Request, Mapping[str, Path]]) -> None:
            try:
                run = self.submit(*made)
            except AtelierError as error:
                refused(error)
                return
            if done is not None:
                done(run)

        self._services.bridge.work(make, success, refused, owner=self)

    def submit(self, request: Request, places: Mapping[str, Path]) -> Run:
        """Raises `AtelierError`, `InvalidInput` with the parameter at fault."""
        id = new_id()
        run = self._runs[id] = Run(id, request, time.time())
        try:
            job = self._services.queue.submit(request, places, id)
        except AtelierError:
            del self._runs[id]
            raise
        run.request, run.created = job.request, job.created
        self.began.emit(run)
        return run

    def stop(self, run: Run) -> None:
        """Raises `AtelierError`."""
        self._services.queue.cancel(run.job)

    # -- what happens -----------------------------------------------------------------------------------------

    def _is_ours(self, job: Job) -> bool:
        return job.request.medium == Medium.IMAGE and job.request.origin.get("tab") == TAB

    def _on_event(self, event: JobEvent) -> None:
        run = self._runs.get(event.job)
        if run is None:
            return
        if isinstance(event, Started):
            run.phase, run.began = "run", time.monotonic()
        elif isinstance(event, Phase):
            run.phase = "load" if event.name == "load" else "run"
            if event.name == "run":
                run.began = time.monotonic()
        elif isinstance(event, Progress):
            run.step, run.steps, run.seconds_left = event.step, event.steps, event.seconds_left
        elif isinstance(event, Preview):
            image = QImage.fromData(event.payload)
            if image.isNull():
                return
            run.previews[run.done] = image
        else:
            return
        self.changed.emit(run)

    def _on_job(self, job: Job) -> None:
        if job.id not in self._runs:
            if self._is_ours(job) and job.state is JobState.QUEUED:  # asked for again from the queue
                run = self._runs[job.id] = Run(job.id, job.request, job.created)
                self.began.emit(run)
            return
        if job.state in (JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED):
            run = self._runs.pop(job.id)
            self.ended.emit(run, job.state)

    def _on_filed(self, job: Job, items: Sequence[Item]) -> None:
        run = self._runs.pop(job.id, None)
        if run is None:
            return
        self._note_pace(run)
        self.filed.emit(run, tuple(items))
        self.ended.emit(run, JobState.FILED)

    def _note_pace(self, run: Run) -> None:
        seconds, (width, height) = time.monotonic() - run.began, run.size
        if run.began and run.steps and width and seconds > 0.05:
            self.paced.emit(run.request.model, run.steps * width * height / 1e6 / seconds)


def expected(pace: float, params: Mapping[str, Any]) -> float:
    """About how long a request takes, in s; negative while that is not known."""
    names = ("width", "height", "num_inference_steps", "num_images")
    width, height, steps, count = (float(params.get(name) or 1) for name in names)
    return steps * count * width * height / 1e6 / pace if pace > 0 and width > 1 else -1.0
