"""The queue of downloads: two models at once, kept on disk, gone on with after any end of the program."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from studio.core.activities import Activity, ActivityState
from studio.core.errors import AtelierError, Cancelled
from studio.core.jobs import new_id
from studio.core.settings import Values
from studio.model_manager.downloads.job import Chooser, Job, Means
from studio.model_manager.downloads.ledger import Entry, Ledger, Source
from studio.model_manager.downloads.store import Store
from studio.model_manager.hub.api import Hub
from studio.model_manager.hub.limiter import Limiter

AT_ONCE = 2
PULSE = 0.25  # s between two reports of a download
_AT_WORK = (ActivityState.RUNNING, ActivityState.CHECKING, ActivityState.WAITING)
_STOP_SECONDS = 5.0
_NEWS_SECONDS = 2.0
_REMEMBERED = 50  # downloads, with those that are over

_log = logging.getLogger(__name__)


class Downloads:
    """`hub` gives the hub as the settings want it now; `settings` are read live. `tell` hears every change of an
    activity, at most five a second for each but for changes of state; `changed` is called when a model is whole, or
    stays behind in parts. Both on threads of this object. `used` counts what models take on this disk, for the limit
    in the settings."""

    def __init__(
        self,
        store: Store,
        *,
        hub: Callable[[], Hub],
        chooser: Chooser,
        settings: Callable[[], Values],
        tell: Callable[[Activity], None],
        changed: Callable[[], None],
        used: Callable[[], int] = lambda: 0,
    ) -> None:
        self._store, self._settings, self._tell, self._tell_changed, self._used = store, settings, tell, changed, used
        self._limiter = Limiter(settings().download_limit)
        self._means = Means(
            store,
            self._limiter,
            hub,
            chooser,
            lambda: settings().offline,
            self._room,
            self._keep,
            self._told,
        )
        self._ledger = Ledger(store.models)
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition(threading.RLock())
        self._told_done: dict[str, float] = {}  # when what is done may leave the list
        self._closed = False
        self._pulse = threading.Thread(target=self._beat, name="downloads-pulse", daemon=True)
        self._pulse.start()

    # -- for the user -----------------------------------------------------------------------------------------

    def activities(self) -> list[Activity]:
        with self._changed:
            return [job.activity() for job in self._jobs.values()]

    def go_on(self, known: Collection[str] = ()) -> None:
        """Take over what programs that are gone left: what waited goes on, what was paused stays so. A failure is told
        once: it comes back only to the program that knows the activity (`known` by its id)."""
        with self._changed:
            for entry in self._ledger.take_over():
                if entry.state is ActivityState.FAILED and entry.id not in known:
                    Job(entry, self._means).tidy()
                    with _tolerating():
                        self._ledger.drop(entry.id)
                else:
                    self._add(entry)
            self._schedule()

    def download(self, model: str, title: str, medium: str, sources: tuple[Source, ...]) -> str:
        """Get `model`; the id of its activity. One that is under way, also one that another program left, is joined."""
        with self._changed:
            job = next((job for job in self._jobs.values() if job.entry.model == model and not _is_over(job)), None)
            if job is None:
                left = self._ledger.take_over(lambda entry: entry.model == model)
                for entry in left:
                    waits = entry.state is not ActivityState.DONE
                    added = self._add(replace(entry, state=ActivityState.QUEUED, failure=None) if waits else entry)
                    job = added if not _is_over(added) else job
            if job is None:
                entry = Entry(new_id(), model, title, medium, sources=sources, created=time.time())
                self._ledger.keep(entry)
                job = self._add(entry)
            self.resume(job.id)
            return job.id

    def pause(self, activity: str) -> None:
        with self._changed:
            job = self._job(activity)
            if job.thread:
                job.halt(ActivityState.PAUSED)
            elif job.state is ActivityState.QUEUED:
                job.set_state(ActivityState.PAUSED)
            self._write(job, ActivityState.PAUSED)

    def resume(self, activity: str) -> None:
        """Go on with what is paused, has failed or was cancelled; what is under way stays as it is."""
        with self._changed:
            job = self._job(activity)
            if job.thread and job.wish:
                job.wish = ActivityState.QUEUED
            elif not job.thread and job.state in (ActivityState.PAUSED, ActivityState.FAILED, ActivityState.CANCELLED):
                job.ready()
            self._write(job, ActivityState.QUEUED)
            self._schedule()

    def cancel(self, activity: str) -> None:
        with self._changed:
            job = self._job(activity)
            if job.thread:
                job.halt(ActivityState.CANCELLED)
            elif not _is_over(job):
                job.tidy()
                job.set_state(ActivityState.CANCELLED)
            self._drop(job)

    def owns(self, activity: str) -> bool:
        with self._changed:
            return activity in self._jobs

    def give_up(self, models: Collection[str]) -> None:
        """Cancel the downloads of `models`; returns when nothing is written for them any more."""
        with self._changed:
            jobs = [job for job in self._jobs.values() if job.entry.model in models]
            threads = [job.thread for job in jobs if job.thread]
            for job in jobs:
                self.cancel(job.id)
        for thread in threads:
            thread.join(_STOP_SECONDS)

    def close(self) -> None:
        """Stop working; what is under way goes on at the next start."""
        with self._changed:
            self._closed = True
            threads = [job.thread for job in self._jobs.values() if job.thread]
            for job in self._jobs.values():
                if job.thread:
                    job.halt(ActivityState.QUEUED)
            self._changed.notify_all()
        for thread in (*threads, self._pulse):
            thread.join(_STOP_SECONDS)
        self._forget_done(float("inf"))
        self._ledger.close()

    # -- inside -----------------------------------------------------------------------------------------------

    def _job(self, activity: str) -> Job:
        if activity not in self._jobs:
            raise AtelierError("activity-unknown")
        return self._jobs[activity]

    def _add(self, entry: Entry) -> Job:
        over = [old.id for old in self._jobs.values() if _is_over(old)]
        for old in over[: max(0, len(self._jobs) - _REMEMBERED)]:
            del self._jobs[old]
        job = self._jobs[entry.id] = Job(entry, self._means)
        if job.state is ActivityState.DONE:
            self._told_done[job.id] = time.monotonic() + _NEWS_SECONDS
        self._told(job)
        return job

    def _write(self, job: Job, state: ActivityState) -> None:
        """What a program that comes later finds: queued unless the user or a failure said otherwise."""
        if not _is_over(job):
            with _tolerating():
                self._ledger.keep(replace(job.entry, state=state))

    def _drop(self, job: Job) -> None:
        with _tolerating():
            self._ledger.drop(job.id)

    def _keep(self, job: Job) -> None:
        with self._changed:
            if job.wish is None:
                self._write(job, ActivityState.QUEUED)

    def _schedule(self) -> None:
        if self._closed:
            return
        for job in self._jobs.values():
            working = [other for other in self._jobs.values() if other.thread]
            if sum(not other.elsewhere for other in working) >= AT_ONCE:
                return
            # Two downloads of one repository would wait for each other's lock.
            busy = {repository for other in working for repository in other.repositories}
            if job.state is ActivityState.QUEUED and not job.thread and not busy & job.repositories:
                job.thread = threading.Thread(target=self._run, args=(job,), name="download", daemon=True)
                job.thread.start()

    def _run(self, job: Job) -> None:
        error: AtelierError | None = None
        stopped = False
        try:
            job.work()
        except Cancelled:
            stopped = True
        except AtelierError as fault:
            error = fault
        except Exception as fault:
            _log.exception("a download failed")
            error = AtelierError("internal", details=repr(fault))
        with self._changed:
            job.thread = None
            self._settle(job, error, stopped)
            self._tell_changed()
            self._schedule()
            self._changed.notify_all()

    def _settle(self, job: Job, error: AtelierError | None, stopped: bool) -> None:
        wish = job.wish
        if error and error.code == "hub-offline" and self._settings().offline:
            job.ready()  # it waits until the switch is turned
        elif error and wish is not ActivityState.CANCELLED:
            _log.info("a download failed: %s %s", error.code, error.details)
            job.tidy()
            job.fail(error)
            self._write(job, ActivityState.FAILED)
        elif not stopped and not error:
            # Kept for a moment: if this process ends before the news is out, the next one tells it.
            self._write(job, ActivityState.DONE)
            job.set_state(ActivityState.DONE)
            self._told_done[job.id] = time.monotonic() + _NEWS_SECONDS
        elif wish is ActivityState.QUEUED:
            job.ready()
        else:
            if wish is not ActivityState.PAUSED:
                job.tidy()
            job.set_state(wish or ActivityState.CANCELLED)

    def _room(self, job: Job) -> tuple[int, bool]:
        """What the disk, or the user's limit, has for `job`, less what those before it still need."""
        with self._changed:
            before = [other for other in self._jobs.values() if other.entry.created < job.entry.created]
            promised = sum(other.remaining() for other in before if other.state in (*_AT_WORK, ActivityState.QUEUED))
        free = self._store.free() - promised
        if limit := self._settings().models_limit:
            left = limit - self._used() - promised
            return (left, True) if left < free else (free, False)
        return (free, False)

    def _told(self, job: Job) -> None:
        self._tell(job.activity())
        with self._changed:
            if job.elsewhere:
                self._schedule()  # its turn is free
            self._changed.notify_all()

    def _at_work(self) -> bool:
        return any(job.thread for job in self._jobs.values())

    def _forget_done(self, now: float) -> None:
        for entry_id in [entry_id for entry_id, when in self._told_done.items() if when <= now]:
            del self._told_done[entry_id]
            with _tolerating():
                self._ledger.drop(entry_id)

    def _beat(self) -> None:
        seen: dict[str, Activity] = {}
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._told_done or self._at_work())
                if self._closed:
                    return
                self._forget_done(time.monotonic())
                jobs = [job for job in self._jobs.values() if job.thread]
            values = self._settings()
            self._limiter.rate = values.download_limit
            for job in jobs:
                if values.offline and not job.elsewhere and job.wish is None:
                    job.halt(ActivityState.QUEUED)
                activity = job.activity()
                if seen.get(job.id) != activity:
                    seen[job.id] = activity
                    self._tell(activity)
            with self._changed:
                self._changed.wait_for(lambda: self._closed, PULSE)


@contextmanager
def _tolerating() -> Iterator[None]:
    """On a full disk the list keeps an older state; the work itself is safe."""
    try:
        yield
    except AtelierError as error:
        _log.warning("the list of downloads was not written: %s %s", error.code, error.details)


def _is_over(job: Job) -> bool:
    return job.state in (ActivityState.DONE, ActivityState.CANCELLED)
