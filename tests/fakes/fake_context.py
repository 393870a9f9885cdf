"""What the fake engine hands to a play, and the thread that its events come from."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import Cancelled
from studio.core.files import write_bytes
from studio.core.jobs import Artifact, Blob, Job, Request
from studio.core.messages import AudioDelta, JobEvent, Preview, Progress, Segment, TextDelta, Usage
from studio.core.protocols import Family, ModelFiles
from studio.engine.manifest import recipe_of
from studio.media import carriers
from studio.model_manager.catalogue import Catalogue

if TYPE_CHECKING:
    from tests.fakes.fake_engine import FakeEngine


class Killed(BaseException):
    """Unwinds a play whose engine was killed."""


class Crash(BaseException):
    """Unwinds a play in which the engine died."""


@dataclass
class Running:
    """A job on its way through the fake."""

    job: Job
    staging: Path
    blobs: dict[str, Path]
    seq: int = 0
    began: float = 0.0
    left: float = float("inf")
    cancelled: threading.Event = field(default_factory=threading.Event)
    killed: threading.Event = field(default_factory=threading.Event)


class FakeContext:
    """`core.protocols.Context`, and the ways of going wrong: `crash`, `hang`."""

    def __init__(self, engine: FakeEngine, task: Running) -> None:
        self._engine, self._task = engine, task
        self._counts: dict[str, float] = {}
        self.artifacts: list[Artifact] = []

    def check_cancel(self) -> None:
        self._check_killed()
        if self._task.cancelled.is_set():
            raise Cancelled

    def progress(self, step: int, steps: int) -> None:
        left = -1.0
        if steps and step >= 3:
            left = (time.monotonic() - self._task.began) / step * (steps - step)
            self._task.left = min(left, self._task.left)
            left = self._task.left
        self._send(Progress, step=step, steps=steps, seconds_left=left)

    def text(self, piece: str) -> None:
        self._send(TextDelta, text=piece)

    def usage(self, **counts: float) -> None:
        self._counts.update(counts)
        self._send(Usage, counts=dict(self._counts))

    def preview(self, data: bytes, media_type: str) -> None:
        self._send(Preview, payload=data, media_type=media_type)

    def audio(self, samples: bytes, sample_rate: int, channels: int) -> None:
        self._send(AudioDelta, payload=samples, sample_rate=sample_rate, channels=channels)

    def segment(self, index: int, start: float, end: float, text: str) -> None:
        self._send(Segment, index=index, start=start, end=end, text=text)

    def input(self, role: str) -> Path:
        return self._task.blobs[self._task.job.request.inputs[role].sha256]

    def files(self, model: str) -> ModelFiles:
        return Catalogue().files(model)

    def write(self, name: str, data: bytes, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        write_bytes(self.path(name), data)
        return self.keep(name, media_type, metadata)

    def path(self, name: str) -> Path:
        self._check_killed()
        return self._task.staging / name

    def keep(self, name: str, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        path = self.path(name)
        request = self._task.job.request
        carriers.embed(path, recipe_of(family_of(request), request))
        artifact = Artifact(name, Blob.of(path, media_type), dict(metadata))
        self.artifacts.append(artifact)
        return artifact

    def sleep(self, seconds: float) -> None:
        """A step that takes `seconds`; a cancel ends it early."""
        self._task.cancelled.wait(seconds)
        self.check_cancel()

    def crash(self) -> None:
        """As if the process had gone."""
        raise Crash

    def hang(self) -> None:
        """No sign of life, deaf to a cancel, until `FakeEngine.release` or the engine is killed."""
        self._engine.hold_deaf(self._task)
        self._check_killed()

    def wait(self) -> None:
        """Stand still, ready to be cancelled, until `FakeEngine.release`."""
        self._engine.hold(self._task)
        self.check_cancel()

    def _send(self, kind: type[JobEvent], **values: Any) -> None:
        self._check_killed()
        self._engine.emit(self._task, kind, **values)

    def _check_killed(self) -> None:
        if self._task.killed.is_set():
            raise Killed


class Clock:
    """One thread that calls functions in order, at their time: the stand-in for the client's reader thread."""

    def __init__(self) -> None:
        self._mail: queue.Queue[tuple[float, int, Callable[[], None]]] = queue.Queue()
        self._order = itertools.count()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-engine-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._mail.put((time.monotonic() + seconds if seconds else 0.0, next(self._order), call))

    def stop(self) -> None:
        """Call what is due, then end."""
        self.later(0, self._end.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        waiting: list[tuple[float, int, Callable[[], None]]] = []
        while not self._end.is_set():
            try:
                item = self._mail.get(timeout=max(0.0, waiting[0][0] - time.monotonic()) if waiting else None)
                if item[0]:
                    heapq.heappush(waiting, item)
                    continue
            except queue.Empty:
                item = heapq.heappop(waiting)
            item[2]()


def family_of(request: Request) -> Family:
    return Family(
        id=request.family, version=1, medium=request.medium, title=request.family, tasks=(request.task,), params=()
    )
