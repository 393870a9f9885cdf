"""The thread that does the work: one job after another, and the one ending of each."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from studio import families
from studio.core.errors import AtelierError, Cancelled, from_os_error
from studio.core.jobs import Artifact, Failure
from studio.core.messages import Beat, CancelledJob, Done, Failed, JobEvent, Message, Phase, Run, Started
from studio.core.models import ModelInfo
from studio.core.protocols import ModelFiles
from studio.engine.context import JobContext
from studio.engine.devices import is_out_of_memory, is_poisoned
from studio.engine.manifest import recipe_of, write_manifest
from studio.engine.residency import Residency

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Models(Protocol):
    """What the engine asks of the catalogue."""

    def list(self) -> list[ModelInfo]: ...

    def files(self, model_id: str) -> ModelFiles: ...


class Worker:
    """`submit`, `call` and `cancel` return at once. `poisoned` is called when the device cannot be used any more."""

    def __init__(
        self, models: Models, residency: Residency, send: Callable[[Message], None], poisoned: Callable[[], None]
    ) -> None:
        self._models, self._residency, self._send, self._poisoned = models, residency, send, poisoned
        self._tasks: deque[Run | Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._contexts: dict[str, JobContext] = {}
        self._phase = "idle"
        self._alive = time.monotonic()
        threading.Thread(target=self._work, name="engine-worker", daemon=True).start()

    def submit(self, run: Run) -> None:
        with self._changed:
            self._contexts[run.job] = JobContext(run, self._send, self._sign, self._models.files)
            self._tasks.append(run)
            self._changed.notify()

    def call(self, task: Callable[[], None]) -> None:
        """Call `task` between two jobs."""
        with self._changed:
            self._tasks.append(task)
            self._changed.notify()

    def cancel(self, job: str) -> None:
        """Stop `job` at its next step, or take it out of the line."""
        with self._changed:
            if job not in self._contexts:
                return
            self._contexts[job].cancelled.set()
            waiting = next((task for task in self._tasks if isinstance(task, Run) and task.job == job), None)
            if waiting is None:
                return
            self._tasks.remove(waiting)
            del self._contexts[job]
        self._send(CancelledJob(job, 0))

    def jobs(self) -> list[str]:
        """The jobs that have not ended."""
        with self._changed:
            return list(self._contexts)

    def load(self, model_id: str) -> None:
        """Make the model resident; for `call`."""
        files = self._models.files(model_id)
        self._enter("load")
        try:
            self._with_room(lambda: self._residency.get(families.get(files.family), files), files.id)
        finally:
            self._enter("idle")

    def beat(self) -> Beat:
        return Beat(self._phase, round(time.monotonic() - self._alive, 3))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tasks)
                task = self._tasks.popleft()
            if not isinstance(task, Run):
                task()
                continue
            ctx = self._contexts[task.job]
            self._send(Started(task.job, 0))
            ending = self._perform(task, ctx)
            self._enter("idle")
            with self._changed:
                del self._contexts[task.job]
            self._send(ending)

    def _perform(self, run: Run, ctx: JobContext) -> JobEvent:
        try:
            return self._try(run, ctx)
        except Cancelled:
            return CancelledJob(run.job, 0, artifacts=self._keep(run, ctx, "cancelled"))
        except AtelierError as error:
            failure = Failure(error.code, error.arguments, error.details)
        except OSError as error:
            known = from_os_error(error, error.filename or run.staging)
            failure = Failure(known.code, known.arguments, traceback.format_exc())
        except BaseException as error:
            _log.error("a job failed: %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            failure = Failure("internal", details=traceback.format_exc())
            if is_poisoned(error):
                with self._changed:
                    self._tasks.appendleft(self._poisoned)
        return Failed(run.job, 0, failure=failure, artifacts=self._keep(run, ctx, "failed"))

    def _try(self, run: Run, ctx: JobContext) -> Done:
        began = loaded = time.monotonic()
        family = families.get(run.request.family)
        request = family.SPEC.check(run.request)
        files = self._models.files(request.model)
        device = self._residency.meter.device
        ctx.recipe = recipe_of(family.SPEC, request, revision=files.revision, device_kind=device.kind)

        def load() -> object:
            if not self._residency.holds(files):
                self._enter("load", run.job)
            return self._residency.get(family, files)

        def perform() -> list[Artifact]:
            nonlocal loaded
            model = load()
            loaded = time.monotonic()
            ctx.check_cancel()
            self._enter("run", run.job)
            return family.run(model, request, ctx)

        artifacts = self._with_room(perform, files.id, lambda: not ctx.told)
        ended = time.monotonic()
        metrics = {"load": loaded - began, "run": ended - loaded, "total": ended - began}
        if not request.keep:
            return Done(run.job, 0, metrics=_rounded(metrics))
        self._enter("save", run.job)
        write_manifest(Path(run.staging), run.job, run.request, artifacts, _rounded(metrics), ctx.recipe)
        metrics["total"] = time.monotonic() - began
        return Done(run.job, 0, artifacts=tuple(artifacts), metrics=_rounded(metrics))

    def _with_room(self, work: Callable[[], T], model_id: str, again: Callable[[], bool] = lambda: True) -> T:
        """What `work` returns. Where memory runs out, all other models leave and it is called once more, if `again`."""
        details = ""
        for attempt in (1, 2):
            try:
                return work()
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                details = traceback.format_exc()
                traceback.clear_frames(error.__traceback__)  # they hold on to what must go
            if attempt == 2 or not again():
                break
            self._residency.drop_all(keep=model_id)
        self._residency.drop_all()
        raise AtelierError("out-of-memory", {"device": self._residency.meter.name()}, details)

    def _enter(self, phase: str, job: str = "") -> None:
        self._phase = phase
        self._sign()
        if job:
            self._send(Phase(job, 0, name=phase))

    def _sign(self) -> None:
        self._alive = time.monotonic()

    def _keep(self, run: Run, ctx: JobContext, ending: str) -> tuple[Artifact, ...]:
        """Mark what an unfinished job had finished; nothing if that fails too."""
        if not ctx.artifacts or ctx.recipe is None:
            return ()
        try:
            write_manifest(Path(run.staging), run.job, run.request, ctx.artifacts, {}, ctx.recipe, ending)
        except AtelierError as error:
            _log.warning("the results of an unfinished job were not kept: %s", error.details)
            return ()
        return tuple(ctx.artifacts)


def _rounded(metrics: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds, 4) for name, seconds in metrics.items()}
