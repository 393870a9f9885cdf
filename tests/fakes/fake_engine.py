"""An engine without a child process: what it does with a job is a function, and it behaves as the real one does.

    engine = FakeEngine(Writing("Once upon a time", words_per_second=20))
    engine.play = fails("out-of-memory", device="CPU")

A *play* (see `tests.fakes.plays`) is called on the fake's worker thread as `play(request, ctx)`, with a `FakeContext`,
and returns artefacts.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.client.base import EngineClient, EngineState
from studio.core.errors import AtelierError, Cancelled, from_os_error
from studio.core.jobs import Artifact, Failure, Job, Medium, Request, Task
from studio.core.messages import (
    PROTOCOL,
    CancelledJob,
    Done,
    Failed,
    Hung,
    JobEvent,
    Message,
    Phase,
    Ready,
    Resident,
    Started,
    Unhung,
)
from studio.core.models import DeviceStatus, LoadedModel, ModelInfo, ModelState
from studio.engine.manifest import recipe_of, write_manifest
from tests.fakes.fake_context import Clock, Crash, FakeContext, Killed, Running, family_of
from tests.fakes.plays import Play, Writing, count_words

MODELS = (
    ModelInfo(
        id="smollm2-135m-instruct",
        family="gguf",
        medium=Medium.TEXT,
        title="SmolLM2 135M",
        tasks=(Task.CONTINUE, Task.INSTRUCT, Task.CHAT),
        state=ModelState.INSTALLED,
        origin="starter",
        languages=("en",),
        license="Apache-2.0",
        size=97_000_000,
        memory=240_000_000,
        context=2048,
    ),
)
DEVICE = DeviceStatus(id="cpu", kind="cpu", name="Fake CPU", memory_total=16 << 30, memory_used=4 << 30)


class FakeEngine(EngineClient):
    """`play` may be changed between jobs. `start_seconds`: how long a start takes; `cancel_seconds`: when a deaf job is
    killed; `hung_seconds`: after how much silence `Hung` is delivered."""

    def __init__(
        self,
        play: Play | None = None,
        *,
        models: tuple[ModelInfo, ...] = MODELS,
        device: DeviceStatus = DEVICE,
        start_seconds: float = 0.0,
        cancel_seconds: float = 3.0,
        hung_seconds: float = 0.05,
        crashes_allowed: int = 3,
    ) -> None:
        super().__init__()
        self.play: Play = play or Writing()
        self.installed = models
        self._base = device
        self._start_seconds, self._cancel_seconds, self._hung_seconds = start_seconds, cancel_seconds, hung_seconds
        self._crashes_allowed = crashes_allowed
        self._crashes = 0
        self._loaded: dict[str, LoadedModel] = {}
        self._jobs: dict[str, Running] = {}
        self._running: Running | None = None
        self._questions: list[tuple[Future[Any], Callable[[], None]]] = []
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting: deque[Running] = deque()
        self._released = threading.Event()
        self._up = False
        self._ending = False
        self._clock = Clock()
        self._worker: threading.Thread | None = None

    def start(self) -> None:
        with self._lock:
            if self._worker is not None:
                return
            self._ending = False
            self._clock.start()
            self._worker = threading.Thread(target=self._work, name="fake-engine-worker", daemon=True)
            self._worker.start()
            self._begin()

    def run(self, job: Job, staging: Path, blobs: Mapping[str, Path]) -> None:
        with self._lock:
            task = self._jobs[job.id] = Running(job, staging, dict(blobs))
            if self.problem:
                self._end(task, Failed, failure=Failure(self.problem.code, self.problem.arguments))
                return
            self._waiting.append(task)
            self._changed.notify_all()

    def cancel(self, job_id: str) -> None:
        with self._lock:
            task = self._jobs.get(job_id)
            if task is None:
                return
            task.cancelled.set()
            if task is self._running:
                self._clock.later(self._cancel_seconds, lambda: self._kill_cancelled(task))
            else:
                self._waiting.remove(task)
                self._end(task, CancelledJob)
            self._changed.notify_all()

    def query(self, name: str, **arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def answer() -> None:
            try:
                future.set_result(json.loads(json.dumps(self._answer(name, arguments))))
            except AtelierError as error:
                future.set_exception(error)

        with self._lock:
            if self.problem:
                problem = self.problem
                self._clock.later(0, lambda: future.set_exception(problem))
            elif self._up:
                self._clock.later(0, answer)
            else:
                self._questions.append((future, answer))
        return future

    def restart(self) -> None:
        self.start()
        with self._lock:
            self._crashes = 0
            self.problem = None
            self._stop_running(Failed, failure=Failure("engine-crashed"))
            self._begin()

    def stop(self) -> None:
        with self._lock:
            if self._worker is None:
                return
            self._stop_running(Failed, failure=Failure("interrupted"))
            while self._waiting:
                self._end(self._waiting.popleft(), Failed, failure=Failure("interrupted"))
            for future, _question in self._questions:
                future.set_exception(AtelierError("interrupted"))
            self._questions.clear()
            self._ending, self._up = True, False
            self._state(EngineState.STOPPED)
            self._changed.notify_all()
            worker, self._worker = self._worker, None
            clock, self._clock = self._clock, Clock()
        worker.join()
        clock.stop()

    def crash(self) -> None:
        """The engine dies now."""
        with self._lock:
            self._stop_running(Failed, failure=Failure("engine-crashed", details="a crash that was asked for"))
            self._crashed()

    def release(self) -> None:
        """Let a play that hangs or waits go on."""
        with self._lock:
            self._released.set()
            self._changed.notify_all()

    def _begin(self) -> None:
        self._up = False
        self._loaded.clear()
        self._state(EngineState.STARTING)
        self._clock.later(self._start_seconds, self._come_up)

    def _come_up(self) -> None:
        with self._lock:
            if self._up or self._ending or self.problem:
                return
            self._up = True
            self.device = self._status()
            self._send(Ready(PROTOCOL, 0, self.device.to_json()))
            self._state(EngineState.READY)
            for _future, question in self._questions:
                self._clock.later(0, question)
            self._questions.clear()
            self._changed.notify_all()

    def _crashed(self) -> None:
        self._crashes += 1
        if self._crashes < self._crashes_allowed:
            self._begin()
            return
        self._up = False
        self.problem = AtelierError("engine-unavailable", {"count": self._crashes})
        while self._waiting:
            failure = Failure(self.problem.code, self.problem.arguments)
            self._end(self._waiting.popleft(), Failed, failure=failure)
        self._state(EngineState.UNAVAILABLE)

    def _stop_running(self, kind: type[JobEvent], **values: Any) -> None:
        if task := self._running:
            task.killed.set()
            task.cancelled.set()
            self._running = None
            self._end(task, kind, **values)
            self._changed.notify_all()

    def _kill_cancelled(self, task: Running) -> None:
        with self._lock:
            if self._running is task:
                self._stop_running(CancelledJob)
                self._begin()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ending or (self._up and self._waiting))
                if self._ending:
                    return
                task = self._running = self._waiting.popleft()
                self._released.clear()
            self._perform(task)
            with self._lock:
                if self._running is task:
                    self._running = None

    def _perform(self, task: Running) -> None:
        request, ctx = task.job.request, FakeContext(self, task)
        task.began = time.monotonic()
        try:
            self.emit(task, Started)
            if request.model not in self._loaded:
                self.emit(task, Phase, name="load")
                self._load(request.model, request.medium)
            self.emit(task, Phase, name="run")
            artifacts = self.play(request, ctx)
            seconds = round(time.monotonic() - task.began, 3)
            metrics = {"load": 0.0, "run": seconds, "total": seconds}
            if request.keep:
                self.emit(task, Phase, name="save")
                self._keep(task, artifacts, "done", metrics)
            self._end(task, Done, artifacts=tuple(artifacts) if request.keep else (), metrics=metrics)
        except Killed:
            return
        except Crash:
            self.crash()
        except Cancelled:
            self._keep(task, ctx.artifacts, "cancelled")
            self._end(task, CancelledJob, artifacts=tuple(ctx.artifacts))
        except AtelierError as error:
            self._fail(task, ctx, error)
        except OSError as error:
            self._fail(task, ctx, from_os_error(error))
        except MemoryError:
            self._fail(task, ctx, AtelierError("out-of-memory", {"device": self._base.name}))
        except Exception:
            self._fail(task, ctx, AtelierError("internal", details=traceback.format_exc()))

    def _fail(self, task: Running, ctx: FakeContext, error: AtelierError) -> None:
        self._keep(task, ctx.artifacts, "failed")
        failure = Failure(error.code, error.arguments, error.details)
        self._end(task, Failed, failure=failure, artifacts=tuple(ctx.artifacts))

    def _keep(
        self, task: Running, artifacts: list[Artifact], ending: str, metrics: Mapping[str, float] | None = None
    ) -> None:
        if artifacts or ending == "done":
            request = task.job.request
            recipe = recipe_of(family_of(request), request)
            write_manifest(task.staging, task.job.id, request, artifacts, metrics or {}, recipe, ending)

    def emit(self, task: Running, kind: type[JobEvent], **values: Any) -> None:
        """Deliver an event of `task`, unless it has ended."""
        with self._lock:
            if task.job.id in self._jobs:
                task.seq += 1
                self._send(kind(task.job.id, task.seq, **values))

    def _end(self, task: Running, kind: type[JobEvent], **values: Any) -> None:
        with self._lock:
            self.emit(task, kind, **values)
            self._jobs.pop(task.job.id, None)

    def _send(self, message: Message) -> None:
        self._clock.later(0, lambda: self._deliver(message))

    def _state(self, state: EngineState) -> None:
        self._clock.later(0, lambda: self._set_state(state))

    def hold_deaf(self, task: Running) -> None:
        """Stand still until released or killed; `Hung` is delivered after a while."""
        released = self._block(task, lambda: task.killed.is_set(), self._hung_seconds)
        if not released:
            self._send(Hung(task.job.id, "run", self._hung_seconds))
            self._block(task, lambda: task.killed.is_set(), None)
            self._send(Unhung(task.job.id))

    def hold(self, task: Running) -> None:
        """Stand still until released or cancelled."""
        self._block(task, lambda: task.cancelled.is_set(), None)

    def _block(self, task: Running, ended: Callable[[], bool], seconds: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._released.is_set() or ended(), seconds)

    def _load(self, model: str, medium: Medium = Medium.TEXT) -> None:
        with self._lock:
            info = next((info for info in self.installed if info.id == model), None)
            self._loaded[model] = LoadedModel(
                model, info.title if info else model, medium, info.memory if info else 100_000_000
            )
            self.device = self._status()
            self._send(Resident(self.device.to_json()))

    def _status(self) -> DeviceStatus:
        held = sum(model.memory for model in self._loaded.values())
        return replace(self._base, memory_used=self._base.memory_used + held, loaded=tuple(self._loaded.values()))

    def _answer(self, name: str, arguments: Mapping[str, Any]) -> Any:
        if name == "device":
            return self._status().to_json()
        if name == "models":
            rows = []
            for info in self.installed:
                state = ModelState.LOADED if info.id in self._loaded else info.state
                rows.append(replace(info, state=state).to_json())
            return rows
        if name == "tokens":
            request = Request.from_json(arguments["request"])
            if request.model not in self._loaded:
                return {"prompt": None, "context": None}
            return {"prompt": count_words(request), "context": 2048}
        if name not in ("load", "unload"):
            raise AtelierError("internal", details=f"no query is called {name}")
        model = str(arguments.get("model", ""))
        if model not in {info.id for info in self.installed}:
            raise AtelierError("model-unknown", {"model": model, "choices": [info.id for info in self.installed]})
        if name == "load":
            self._load(model)
        else:
            self._loaded.pop(model, None)
            self.device = self._status()
            self._send(Resident(self.device.to_json()))
        return None
