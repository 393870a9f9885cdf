"""A queue, a library and a real engine, as the window and the command line use them, for the subjects to measure."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.client.base import EngineState
from studio.client.lease import COMMAND, Owner
from studio.client.local import LocalEngine
from studio.client.queue import JobChanged, JobFiled, JobQueue
from studio.core import paths
from studio.core.jobs import Job, JobState, Medium, Request, Task
from studio.core.messages import CancelledJob, JobEvent, Message, TextDelta
from studio.core.models import ModelInfo
from studio.library import Library
from tests.bench.figures import Bench

STARTER = "smollm2-135m-instruct"
_ENDED = (JobState.FILED, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED)


class Desk:
    """Jobs one after another; every time is that of `time.perf_counter`."""

    def __init__(self, home: Path) -> None:
        os.environ["ATELIER_HOME"] = str(home)
        self.library = Library(paths.default_results_dir())
        self.client = LocalEngine("cpu")
        self.queue = JobQueue(self.client, self.library, owner=Owner.current(COMMAND))
        self.events: list[tuple[float, JobEvent]] = []
        self.filed: dict[str, float] = {}
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self.client.subscribe(self._on_message)
        self.queue.subscribe(self._on_queue)
        self.client.start()
        self.queue.start()
        self.wait(lambda: self.client.state is EngineState.READY)
        models: list[ModelInfo] = self.client.models().result(30)
        self.model = next(model for model in models if model.id == STARTER)

    def close(self) -> None:
        self.queue.stop()
        self.client.stop()
        self.library.close()

    def request(self, prompt: str, tokens: int, seed: int = 1, *, keep: bool = True, **params: Any) -> Request:
        """A text that goes on from `prompt`."""
        values = {**self.model.defaults, "prompt": prompt, "max_new_tokens": tokens, "seed": seed, **params}
        return Request(Medium.TEXT, self.model.family, STARTER, Task.CONTINUE, values, title="Benchmark", keep=keep)

    def submit(self, request: Request) -> str:
        self.events.clear()
        return self.queue.submit(request).id

    def do(self, request: Request) -> tuple[str, float]:
        """(text, seconds): from asking the queue to the result in the library."""
        began = time.perf_counter()
        job = self.submit(request)
        self.wait(lambda: job in self.filed or (job in self._jobs and self._jobs[job].state in _ENDED[1:]))
        if job not in self.filed:
            raise RuntimeError(f"the job ended as {self._jobs[job].state}: {self._jobs[job].failure}")
        return self.text(job), self.filed[job] - began

    def text(self, job: str) -> str:
        return "".join(event.text for _time, event in self.events if isinstance(event, TextDelta) and event.job == job)

    def until(self, job: str, kind: type[JobEvent]) -> float:
        """When the first event of `kind` of `job` came."""

        def found() -> list[float]:
            return [when for when, event in self.events if event.job == job and isinstance(event, kind)]

        self.wait(lambda: bool(found()))
        return found()[0]

    def cancelled(self, job: str) -> float:
        """The seconds between asking to stop `job` and the end of it."""
        began = time.perf_counter()
        self.queue.cancel(job)
        ended = self.until(job, CancelledJob)
        self.wait(lambda: job in self._jobs and self._jobs[job].state is JobState.CANCELLED)
        return ended - began

    def wait(self, condition: Callable[[], bool], seconds: float = 120.0) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise TimeoutError("the engine did not get there")

    def _on_message(self, message: Message) -> None:
        with self._changed:
            if isinstance(message, JobEvent):
                self.events.append((time.perf_counter(), message))
            self._changed.notify_all()

    def _on_queue(self, change: object) -> None:
        with self._changed:
            if isinstance(change, JobFiled):
                self.filed[change.job.id] = time.perf_counter()
            elif isinstance(change, JobChanged):
                self._jobs[change.job.id] = change.job
            self._changed.notify_all()


@contextmanager
def desk(bench: Bench) -> Iterator[Desk]:
    """With the starter's model loaded."""
    opened = Desk(bench.home)
    try:
        opened.client.query("load", model=STARTER).result(120)
        yield opened
    finally:
        opened.close()
