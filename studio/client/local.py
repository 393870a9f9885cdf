"""The engine on this computer: a child process that is started, watched, and started again when it dies.

One thread owns all state: calls, messages and time-outs come to it as mail, and it alone calls the listeners.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from studio.client.base import EngineClient, EngineState
from studio.client.link import Link
from studio.client.process import ChildProcess
from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Job, new_id
from studio.core.messages import (
    ENDINGS,
    Answer,
    Attach,
    Beat,
    Cancel,
    CancelledJob,
    Failed,
    Handshake,
    Hung,
    JobEvent,
    Message,
    Phase,
    Query,
    Ready,
    Resident,
    Run,
    Unhung,
)
from studio.core.models import DeviceStatus

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Patience, in seconds. `silence`: after how long without a sign of life the user is asked, by phase. `crashes` so
    many within `crash_window` make the engine unavailable."""

    start: float = 60.0
    reconnect: float = 5.0
    cancel: float = 3.0
    stop: float = 1.0
    silence: Mapping[str, float] = field(default_factory=lambda: {"load": 300.0, "run": 180.0, "save": 120.0})
    crashes: int = 3
    crash_window: float = 300.0


class LocalEngine(EngineClient):
    """One child per device ("cpu", "cuda:0", "mps"). `memory_limit` in bytes (0: none); `families` names modules with
    families besides the built-in ones."""

    def __init__(
        self,
        device: str = "cpu",
        *,
        memory_limit: int = 0,
        families: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        super().__init__()
        self._name = device
        self._memory_limit = memory_limit
        self._families = tuple(families)
        self._limits = limits or Limits()
        self._mail: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.Lock()
        self._stopping = False
        self._over = False
        self._stale = False  # the child runs with an earlier memory limit
        self._process: ChildProcess | None = None
        self._link: Link | None = None
        self._connected = False
        self._deadline = 0.0
        self._jobs: dict[str, _Task] = {}
        self._questions: dict[str, _Question] = {}
        self._crashes: deque[float] = deque()

    @property
    def pid(self) -> int:
        """The child's process id; 0 while there is none."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        with self._thread_lock:
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(target=self._live, name="engine-client", daemon=True)
                self._thread.start()
                self._mail.put(self._launch)

    def run(self, job: Job, staging: Path, blobs: Mapping[str, Path]) -> None:
        paths = {sha256: str(path) for sha256, path in blobs.items()}
        self._mail.put(partial(self._accept, Run(job.id, job.request, str(staging), paths)))

    def cancel(self, job_id: str) -> None:
        self._mail.put(partial(self._cancel, job_id))

    def query(self, name: str, **arguments: Any) -> Future[Any]:
        question = _Question(Query(new_id(), name, arguments))
        if self._stopping:
            question.future.set_exception(AtelierError("interrupted"))
        else:
            self._mail.put(partial(self._ask, question))
        return question.future

    def restart(self) -> None:
        self.start()
        self._mail.put(self._restart)

    def set_memory_limit(self, limit: int) -> None:
        """An engine knows its limit from its start: an idle one is started again now, a busy one after its jobs."""

        def note() -> None:
            self._stale = limit != self._memory_limit
            self._memory_limit = limit

        self._mail.put(note)

    def stop(self) -> None:
        with self._thread_lock:
            thread, self._thread = self._thread, None
            self._stopping = True
        if thread:
            self._mail.put(self._end)
            if thread is not threading.current_thread():
                thread.join()

    # Everything below happens on the thread "engine-client".

    def _live(self) -> None:
        self._over = False
        while not self._over:
            try:
                with contextlib.suppress(queue.Empty):
                    self._mail.get(timeout=self._patience())()
                self._look()
            except Exception:
                _log.exception("the client of the engine failed")

    def _patience(self) -> float | None:
        """How long to wait for mail before looking at the clock."""
        if self._process and not self._connected:
            return 0.05
        cancels = [task.kill_at for task in self._jobs.values() if task.kill_at]
        if cancels:
            return max(0.0, min(cancels) - time.monotonic())
        return 0.5 if any(task.started for task in self._jobs.values()) else None

    def _look(self) -> None:
        now = time.monotonic()
        if self._process and not self._connected:
            if not self._process.alive:
                self._died()
            elif now > self._deadline:
                _log.error("the engine does not answer")
                self._process.kill()
                self._died()
            return
        if self._stale and self._process and not self._jobs:
            self._process.kill()
            self._died(asked=True)
            return
        for task in list(self._jobs.values()):
            if task.kill_at and now >= task.kill_at:
                self._kill_for(task)
                return
            limit = self._limits.silence.get(task.phase, float("inf"))
            if task.started and not task.hung and now - task.alive > limit:
                task.hung = True
                self._deliver(Hung(task.run.job, task.phase, round(now - task.alive, 1)))

    def _launch(self) -> None:
        self._set_state(EngineState.STARTING)
        self._connected = self._stale = False
        self._deadline = time.monotonic() + self._limits.start
        try:
            # Messages of a child that is gone find no link of theirs and are dropped.
            link = self._link = Link("engine", lambda message: self._mail.put(lambda: self._receive(link, message)))
            handshake = Handshake(link.address, link.authkey, self._families, self._memory_limit)
            name = f"engine-{self._name.replace(':', '-')}"
            self._process = ChildProcess(name, ("--engine", "--device", self._name), handshake)
        except OSError as error:
            self._buried(str(error), asked=False)

    def _receive(self, link: Link, message: Message | None) -> None:
        if link is not self._link:
            return
        if message is None:
            self._lost()
        elif isinstance(message, Ready):
            self._greet(message)
        elif isinstance(message, Answer):
            self._answer(message)
        elif isinstance(message, JobEvent):
            self._follow(message)
        else:
            if isinstance(message, Resident):
                self.device = DeviceStatus.from_json(message.device)
            if isinstance(message, Beat):
                for task in self._jobs.values():
                    self._sign(task, time.monotonic() - message.age)
            self._deliver(message)

    def _greet(self, ready: Ready) -> None:
        self._connected = True
        self.device = DeviceStatus.from_json(ready.device)
        self._deliver(ready)
        if self.state is not EngineState.READY:
            self._set_state(EngineState.READY)
        for task in self._jobs.values():
            if task.sent:
                self._send(Attach(task.run.job, task.seq))
            else:
                self._send_job(task)
        for question in self._questions.values():
            question.sent = True
            self._send(question.query)

    def _lost(self) -> None:
        self._connected = False
        self._deadline = time.monotonic() + self._limits.reconnect
        if self._process and self._process.ended_within(0.05):
            self._died()

    def _follow(self, event: JobEvent) -> None:
        task = self._jobs.get(event.job)
        if task is None or event.seq <= task.seq:
            return
        task.seq = event.seq
        task.started = True
        self._sign(task, time.monotonic())
        if isinstance(event, Phase):
            task.phase = event.name
        if isinstance(event, ENDINGS):
            self._finish(task, event)
        else:
            self._deliver(event)

    def _sign(self, task: _Task, when: float) -> None:
        if when > task.alive:
            task.alive = when
            if task.hung and time.monotonic() - when <= self._limits.silence.get(task.phase, float("inf")):
                task.hung = False
                self._deliver(Unhung(task.run.job))

    def _finish(self, task: _Task, ending: Message) -> None:
        del self._jobs[task.run.job]
        if task.hung:
            self._deliver(Unhung(task.run.job))
        self._deliver(ending)

    def _fail(self, task: _Task, code: str, arguments: Mapping[str, Any] | None = None, details: str = "") -> None:
        if task.cancelled:
            self._finish(task, CancelledJob(task.run.job, task.seq + 1))
        else:
            failure = Failure(code, dict(arguments or {}), details)
            self._finish(task, Failed(task.run.job, task.seq + 1, failure=failure))

    def _accept(self, run: Run) -> None:
        task = self._jobs[run.job] = _Task(run)
        if self.problem:
            self._fail(task, self.problem.code, self.problem.arguments, self.problem.details)
        elif self._connected:
            self._send_job(task)

    def _send_job(self, task: _Task) -> None:
        task.sent = True
        task.alive = time.monotonic()
        self._send(task.run)

    def _cancel(self, job_id: str) -> None:
        task = self._jobs.get(job_id)
        if task is None or task.cancelled:
            return
        task.cancelled = True
        if not task.sent:
            self._fail(task, "")
            return
        task.kill_at = time.monotonic() + self._limits.cancel
        self._send(Cancel(job_id))

    def _kill_for(self, task: _Task) -> None:
        """The engine did not end a cancelled job in time. One that waits behind another costs no kill."""
        if task is not self._at_work():
            self._fail(task, "")
        elif self._process:
            self._process.kill()
            self._died(asked=True)

    def _at_work(self) -> _Task | None:
        """The job that the engine works on: the first that it was given, as jobs are done in order."""
        return next((task for task in self._jobs.values() if task.sent), None)

    def _ask(self, question: _Question) -> None:
        if self.problem:
            question.fail(self.problem)
            return
        self._questions[question.query.id] = question
        if self._connected:
            question.sent = True
            self._send(question.query)

    def _answer(self, answer: Answer) -> None:
        question = self._questions.pop(answer.id, None)
        if question is None:
            return
        if answer.failure:
            failure = answer.failure
            question.fail(AtelierError(failure.code, dict(failure.arguments), failure.details))
        elif question.future.set_running_or_notify_cancel():
            question.future.set_result(answer.result)

    def _restart(self) -> None:
        self._crashes.clear()
        self.problem = None
        if self._process and self.state is not EngineState.STARTING:
            self._process.kill()
            self._died(asked=True)
        elif not self._process:
            self._launch()

    def _died(self, asked: bool = False) -> None:
        """The child is gone; `asked`: killed for the user, which is no crash."""
        process, self._process = self._process, None
        if process:
            self._buried(process.last_words(), asked, idle=process.gave_up)

    def _buried(self, details: str, asked: bool, idle: bool = False) -> None:
        """Settle what the child left behind. An `idle` one had begun no job that it was given."""
        link, self._link = self._link, None
        self._connected = False
        if link:
            link.close()
        if not asked:
            _log.error("the engine stopped: %s", details.partition("\n")[0])
            self._crashes.append(time.monotonic())
        task = self._at_work()
        if task and (task.started or not idle):
            self._fail(task, "engine-crashed", details=details)
        for waiting in list(self._jobs.values()):
            waiting.sent = False
            if waiting.cancelled:
                self._fail(waiting, "")
        for question in [question for question in self._questions.values() if question.sent]:
            del self._questions[question.query.id]
            question.fail(AtelierError("engine-crashed", details=details))
        while self._crashes and self._crashes[0] < time.monotonic() - self._limits.crash_window:
            self._crashes.popleft()
        if len(self._crashes) < self._limits.crashes:
            self._launch()
        else:
            self.problem = AtelierError("engine-unavailable", {"count": len(self._crashes)}, details)
            self._abandon(self.problem)
            self._set_state(EngineState.UNAVAILABLE)

    def _abandon(self, error: AtelierError) -> None:
        for task in list(self._jobs.values()):
            self._fail(task, error.code, error.arguments, error.details)
        for question in self._questions.values():
            question.fail(error)
        self._questions.clear()

    def _end(self) -> None:
        if self._process:
            self._process.end(self._limits.stop)
            self._process = None
        if self._link:
            self._link.close()
            self._link = None
        self._connected = False
        self._abandon(AtelierError("interrupted"))
        self._set_state(EngineState.STOPPED)
        self._over = True

    def _send(self, message: Message) -> None:
        if self._link:
            self._link.send(message)


@dataclass
class _Task:
    """A job that was given to `run` and has not ended. Times are those of `time.monotonic`."""

    run: Run
    seq: int = 0
    sent: bool = False
    started: bool = False
    cancelled: bool = False
    hung: bool = False
    phase: str = ""
    alive: float = 0.0
    kill_at: float = 0.0


@dataclass
class _Question:
    query: Query
    future: Future[Any] = field(default_factory=Future)
    sent: bool = False

    def fail(self, error: AtelierError) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)
