"""The persistent queue: what the user asked for is written down first, done one job at a time, and filed.

A job's road: queued → running → produced (its artefacts and their manifest are on disk) → filed. Whatever happens to
the engine or to this program, a job is in exactly one of these states in the database, and the next start goes on
from there. See `queue_store` for the database and `lease` for who may touch which job.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from studio import families
from studio.client import staging
from studio.client.base import EngineClient, EngineState
from studio.client.filing import Filer, Filing, failure_of
from studio.client.lease import BEAT_SECONDS, WINDOW, Owner
from studio.client.queue_events import JobChanged, JobFiled, Outbox, QueueEvent, QueuePaused
from studio.client.queue_store import QueueStore, Row
from studio.core import paths
from studio.core.errors import AtelierError, InvalidInput
from studio.core.jobs import Failure, Job, JobState, Request, new_id
from studio.core.messages import CancelledJob, Done, Failed, Message
from studio.core.models import ModelState
from studio.core.params import SEED_MAX

__all__ = ["Filer", "JobChanged", "JobFiled", "JobQueue", "QueueEvent", "QueuePaused"]

IDLE_SECONDS = 5.0  # how soon an idle queue sees what another program wrote
BUSY_SECONDS = 1.0  # how soon a running job sees that another program asked to stop it

_log = logging.getLogger(__name__)


class JobQueue:
    """One job at a time for one engine. Thread-safe; no method waits for the engine.

    The constructor raises `AtelierError` when the database cannot be used (a newer release, no right to write);
    `problem` holds what went wrong without stopping it, `held` why it paused by itself. Listeners are called one after
    another, in the order of the changes, on the thread that made a change or on the queue's own; they must not block.
    """

    def __init__(
        self, client: EngineClient, library: Filer, path: Path | None = None, owner: Owner | None = None
    ) -> None:
        self._client, self._library = client, library
        self._owner = owner or Owner.current()
        self._store = QueueStore(path or paths.data_dir() / "queue.db")
        self.problem: AtelierError | None = self._store.problem
        self.held: AtelierError | None = None
        self._outbox = Outbox()
        self._filing = Filing(self._store, library, self._changed, self._outbox.send)
        self._paused = self._owner.kind == WINDOW and self._store.fact("paused") == "yes"
        self._lock = threading.Lock()
        self._registered = False
        self._current: str | None = None
        self._began = 0.0
        self._endings: deque[Done | Failed | CancelledJob] = deque()
        self._mark = self._store.change_mark()
        self._seen: dict[str, Job] = {job.id: job for job in self.jobs()}
        self._last_beat = time.monotonic()
        self._wake = threading.Event()
        self._asked = self._stopping = False
        self._thread: threading.Thread | None = None
        self._unsubscribe: list[Callable[[], None]] = []

    # What the user does

    def submit(self, request: Request, blobs: Mapping[str, Path] | None = None, job_id: str = "") -> Job:
        """Check `request`, fill in its seed and write it down. `blobs`: where each input lies, by its sha256; `job_id`:
        an id from `new_id` for the job, so that its events are known before this returns. Raises `InvalidInput` naming
        the parameter at fault, or `AtelierError` (model not installed, disk full)."""
        checked = families.get(request.family).SPEC.check(request)
        self._check_model(checked)
        if "seed" in checked.params and checked.params["seed"] is None:
            checked = checked.with_params(seed=secrets.randbelow(SEED_MAX + 1))
        checked = replace(checked, title=_plain(checked.title), project=_plain(checked.project))
        return self._add(checked, {sha: str(path) for sha, path in (blobs or {}).items()}, job_id)

    def cancel(self, job_id: str) -> None:
        """Take a waiting or interrupted job out; stop a running one, also one that another program runs. A job that
        has ended stays as it is."""
        row = self._store.stop(job_id)
        if row is None:
            raise AtelierError("job-unknown", {"job": job_id})
        if row.job.state is JobState.CANCELLED:
            self._changed(row.job)
        elif row.job.state is JobState.RUNNING and job_id == self._current:
            self._client.cancel(job_id)

    def retry(self, job_id: str) -> Job:
        """Ask for the same again, as a new job at the end. A produced job that could not be filed is filed instead."""
        row = self._row(job_id)
        if row.job.state is JobState.PRODUCED:
            self._filing.hurry(job_id)
            self._wake.set()
            return row.job
        job = self._add(row.job.request, row.blobs)
        if row.job.state is JobState.INTERRUPTED and (old := self._store.stop(job_id)):
            self._changed(old.job)
        return job

    def remove(self, job_id: str) -> None:
        """Take a waiting job out, or forget one that has ended. The files it made stay in the library."""
        row = self._row(job_id)
        if row.job.state in (JobState.QUEUED, JobState.RUNNING):
            self.cancel(job_id)
        elif self._store.remove(job_id):
            self._changed(row.job, gone=True)

    def move(self, job_id: str, before: str | None) -> None:
        """Put a waiting job before another one; None: last."""
        if row := self._store.move(job_id, before):
            self._changed(row.job)

    def pause(self) -> None:
        """Hold waiting jobs back, also after the next start; the running one goes on."""
        self._set_paused(True)

    def resume(self) -> None:
        self.problem = None
        self._set_paused(False)

    @property
    def paused(self) -> bool:
        return self._paused

    def jobs(self) -> list[Job]:
        """Running, produced but not filed, waiting in order, interrupted, then the last endings, newest first. Jobs
        of other programs are among them."""
        rows = self._store.rows()
        if any(row.job.state is JobState.RUNNING and row.owner != self._owner.id for row in rows):
            alive = {owner.id for owner in self._store.owners() if owner.alive()}
            rows = [_as_it_is(row, alive) for row in rows]
        return [row.job for row in rows]

    def job(self, job_id: str) -> Job | None:
        row = self._store.row(job_id)
        return row.job if row else None

    def is_mine(self, job_id: str) -> bool:
        """Whether this program runs, or will run, the job."""
        row = self._store.row(job_id)
        return row is not None and row.owner == self._owner.id

    def subscribe(self, listener: Callable[[QueueEvent], None]) -> Callable[[], None]:
        """Call `listener` with `JobChanged`, `JobFiled` and `QueuePaused`; returns a function that ends it."""
        return self._outbox.subscribe(listener)

    # Life

    def start(self) -> None:
        """Go to work. A window first takes over what programs that are gone left behind."""
        self._register()
        self._unsubscribe = [self._client.subscribe(self._on_event), self._client.subscribe_state(self._on_state)]
        self._on_state(self._client.state)
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave: a running job is interrupted (offered again at the next start), waiting ones stay in the list.
        Stop the queue before its engine. Afterwards it has no jobs, and nothing can be given to it."""
        if self._stopping:
            return
        self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        try:
            while self._endings:
                self._settle(self._endings.popleft())
            if self._registered:
                self._store.release(self._owner.id, _is_whole)
        except AtelierError:
            _log.exception("the lease could not be given back; the next start will see that it ended")
        self._store.close()

    def recover(self) -> None:
        """Take over the jobs of programs that are gone. A window's queue does this by itself."""
        self._register()
        used = {row.owner for row in self._store.rows()}  # before the owners: who has a job is registered
        owners = {owner.id: owner for owner in self._store.owners()}
        gone = [owner.id for owner in owners.values() if owner.id != self._owner.id and not owner.alive()]
        gone += used - owners.keys() - {"", self._owner.id}
        for row in self._store.recover(self._owner.id, gone, _is_whole):
            self._changed(row.job)
            if row.job.state is JobState.INTERRUPTED:
                staging.clear(Path(row.staging))

    # The queue's thread

    def _work(self) -> None:
        begun = False
        while not self._stopping:
            try:
                if not begun and self._owner.kind == WINDOW:
                    self.recover()
                    self._filing.file_strays()
                begun = True
                self._round()
            except AtelierError as error:  # the database or its disk: nothing is lost, the next round tries again
                _log.warning("queue: %s %s", error.code, error.details)
                self.problem = error
            except Exception:
                _log.exception("queue")
            self._wake.wait(BUSY_SECONDS if self._current else IDLE_SECONDS)
            self._wake.clear()

    def _round(self) -> None:
        while self._endings:
            self._settle(self._endings[0])
            self._endings.popleft()
        if time.monotonic() - self._last_beat > BEAT_SECONDS:
            self._store.beat(self._owner.id)
            self._last_beat = time.monotonic()
            if self._owner.kind == WINDOW:
                self.recover()
        self._see_others()
        self._filing.file_waiting(self._owner.id)
        if not (self._stopping or self._paused or self._current):
            self._next()

    def _see_others(self) -> None:
        """What other programs wrote since the last time."""
        if (mark := self._store.change_mark()) == self._mark:
            return
        self._mark = mark
        rows = {row.job.id: row for row in self._store.rows()}
        for job_id, row in rows.items():
            if _visible(self._seen.get(job_id)) != _visible(row.job):
                self._changed(row.job)
        for job_id in self._seen.keys() - rows.keys():
            self._changed(self._seen[job_id], gone=True)
        free = any(row.owner == "" and row.job.state is JobState.QUEUED for row in rows.values())
        if free and self._owner.kind == WINDOW:
            self.recover()
        if self._current in rows and rows[self._current].stop:
            self._client.cancel(self._current)

    def _next(self) -> None:
        row = self._store.next_waiting(self._owner.id)
        if row is None:
            return
        if self._client.state is EngineState.STOPPED and not self._asked:
            self._asked = True  # once: an engine that was stopped later was stopped by somebody
            self._client.start()
        if self._client.state is not EngineState.READY:
            return
        job = row.job
        try:
            folder = staging.fresh(self._library.staging(job.id))
        except AtelierError as error:
            self._hold(error)
            return
        if not self._store.claim(job.id, self._owner.id, folder):
            self._wake.set()
            return
        self._began, self._current = time.monotonic(), job.id
        self._changed(replace(job, state=JobState.RUNNING))
        try:
            self._client.run(job, folder, {sha: Path(path) for sha, path in row.blobs.items()})
        except Exception as error:
            _log.exception("the engine did not take a job")
            self._on_event(Failed(job.id, 0, failure_of(error)))
        if (now := self._store.row(job.id)) and now.stop:
            self._client.cancel(job.id)

    def _settle(self, ending: Done | Failed | CancelledJob) -> None:
        row = self._store.row(ending.job)
        if row is None or row.job.state is not JobState.RUNNING:
            self._current = None
            return
        if isinstance(ending, Failed) and ending.failure.code == "engine-unavailable":
            self._store.requeue(ending.job)
            self._current = None
            self._changed(replace(row.job, state=JobState.QUEUED))
            return
        state, failure = _ending_state(ending, row.job.request.keep)
        job = self._store.finish(ending.job, state, failure, ending.artifacts, time.monotonic() - self._began)
        self._current = None
        self._changed(job)
        folder = Path(row.staging)
        if state is JobState.PRODUCED:
            self._filing.file(replace(row, job=job))
            return
        if state is JobState.FILED:
            self._outbox.send(JobFiled(job, ()))
        elif ending.artifacts and staging.is_whole(folder):
            self._filing.file_part(job, folder)
        staging.clear(folder)
        if failure and failure.code == "disk-full":
            self._hold(AtelierError(failure.code, dict(failure.arguments), failure.details))

    # Inside

    def _on_event(self, message: Message) -> None:
        if isinstance(message, Done | Failed | CancelledJob) and message.job == self._current:
            self._endings.append(message)
            self._wake.set()

    def _on_state(self, state: EngineState) -> None:
        if state is EngineState.READY:
            self._client.models()
        self._wake.set()

    def _check_model(self, request: Request) -> None:
        models = self._client.known_models
        if models is None:
            return
        info = models.get(request.model)
        if info is None or info.family != request.family:
            choices = sorted(item.id for item in models.values() if item.family == request.family and item.usable)
            raise InvalidInput("model-unknown", {"parameter": "model", "model": request.model, "choices": choices})
        if info.state is ModelState.NOT_INSTALLED:
            raise AtelierError("model-not-installed", {"model": info.title})
        if info.state is ModelState.DAMAGED:
            raise AtelierError("model-files-missing", {"model": info.title, "files": list(info.missing)})
        if verify := getattr(families.get(request.family), "verify", None):
            verify(request, info)

    def _add(self, request: Request, blobs: Mapping[str, str], job_id: str = "") -> Job:
        self._register()
        job = self._store.add(Job(job_id or new_id(), request, created=time.time()), self._owner.id, blobs)
        self._changed(job)
        self._wake.set()
        return job

    def _register(self) -> None:
        with self._lock:
            if not self._registered:
                self._store.register(self._owner)
                self._registered = True

    def _row(self, job_id: str) -> Row:
        row = self._store.row(job_id)
        if row is None:
            raise AtelierError("job-unknown", {"job": job_id})
        return row

    def _hold(self, error: AtelierError) -> None:
        """Pause by itself, with the reason: going on would fail every waiting job in the same way."""
        self.problem = self.held = error
        self._paused = True
        self._outbox.send(QueuePaused(True))

    def _set_paused(self, paused: bool) -> None:
        self._paused, self.held = paused, None
        self._outbox.send(QueuePaused(paused))
        self._wake.set()
        if self._owner.kind == WINDOW:
            try:
                self._store.set_fact("paused", "yes" if paused else "")
            except AtelierError:
                _log.exception("the pause holds for this run only")

    def _changed(self, job: Job, gone: bool = False) -> None:
        with self._lock:
            if gone:
                self._seen.pop(job.id, None)
            else:
                self._seen[job.id] = job
        self._outbox.send(JobChanged(job))


def _ending_state(ending: Done | Failed | CancelledJob, keep: bool) -> tuple[JobState, Failure | None]:
    if isinstance(ending, Done):
        return (JobState.PRODUCED if keep else JobState.FILED), None
    if isinstance(ending, CancelledJob):
        return JobState.CANCELLED, None
    stopped = ending.failure.code == "interrupted"  # the engine was stopped under the job
    return (JobState.INTERRUPTED if stopped else JobState.FAILED), ending.failure


def _plain(name: str) -> str:
    """`name` in one line, without what no file can hold (half a character from a damaged name)."""
    return " ".join(name.encode("utf-8", "replace").decode().split())


def _as_it_is(row: Row, alive: set[str]) -> Row:
    """A job that runs only on paper, as the program that ran it is gone, is interrupted."""
    if row.job.state is not JobState.RUNNING or row.owner in alive:
        return row
    return replace(row, job=replace(row.job, state=JobState.INTERRUPTED))


def _is_whole(folder: str) -> bool:
    return staging.is_whole(Path(folder))


def _visible(job: Job | None) -> tuple[JobState, float, Failure | None] | None:
    return job and (job.state, job.position, job.failure)
