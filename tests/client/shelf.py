"""What the queue needs around it: a library that is a folder, requests, and waiting for what comes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.client.queue import JobChanged, JobFiled, JobQueue, QueueEvent, QueuePaused
from studio.core.errors import AtelierError
from studio.core.jobs import Job, JobState, Medium, Request, Task
from tests.fakes.fake_engine import MODELS


class Shelf:
    """A library that moves each artefact to `<results>/<job>-<name>`. `problem`: raised instead of filing."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.problem: Exception | None = None

    @property
    def staging_root(self) -> Path:
        return self.results / ".staging"

    def staging(self, job_id: str) -> Path:
        folder = self.staging_root / job_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def file(self, job: Job, staging: Path, manifest: Mapping[str, Any]) -> list[Any]:
        if self.problem:
            raise self.problem
        filed = []
        for artifact in manifest.get("artifacts", ()):
            target = self.results / f"{job.id}-{artifact['name']}"
            if (staging / artifact["name"]).exists():
                os.replace(staging / artifact["name"], target)
            filed.append(target)
        return filed

    def filed(self) -> list[Path]:
        return sorted(path for path in self.results.iterdir() if path.is_file()) if self.results.exists() else []


class Watch:
    """Everything that a queue told, and waiting for it."""

    def __init__(self, queue: JobQueue) -> None:
        self.events: list[QueueEvent] = []
        self.now: dict[str, Job] = {}
        self._changed = threading.Condition()
        queue.subscribe(self._on_event)

    def states(self, job_id: str) -> list[JobState]:
        found = [event.job.state for event in self.events if isinstance(event, JobChanged) and event.job.id == job_id]
        return [state for place, state in enumerate(found) if place == 0 or found[place - 1] is not state]

    def filed(self, job_id: str) -> list[JobFiled]:
        return [event for event in self.events if isinstance(event, JobFiled) and event.job.id == job_id]

    def pauses(self) -> list[bool]:
        return [event.paused for event in self.events if isinstance(event, QueuePaused)]

    def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, seconds), self.events

    def until_state(self, job_id: str, *states: JobState, seconds: float = 10.0) -> Job:
        self.until(lambda: job_id in self.now and self.now[job_id].state in states, seconds)
        return self.last(job_id)

    def last(self, job_id: str) -> Job:
        """The job as it was last told of."""
        return self.now[job_id]

    def _on_event(self, event: QueueEvent) -> None:
        with self._changed:
            self.events.append(event)
            if isinstance(event, JobChanged):
                self.now[event.job.id] = event.job
            self._changed.notify_all()


def request(prompt: str = "A storm at sea", *, keep: bool = True, **params: Any) -> Request:
    model = MODELS[0]
    return Request(
        Medium.TEXT, model.family, model.id, Task.INSTRUCT, {"prompt": prompt, **params}, keep=keep, title="A storm"
    )


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for what is told nowhere."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


DISK_FULL = AtelierError("disk-full", {"path": "/results"})
