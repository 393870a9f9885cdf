"""From a job's staging folder into the library, also after a crash between the two."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from studio.client import staging
from studio.client.lease import BEAT_SECONDS
from studio.client.queue_events import JobFiled
from studio.client.queue_store import QueueStore, Row
from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Job, JobState

_log = logging.getLogger(__name__)


class Filer(Protocol):
    """Where results go: the library, or a file that the command line names."""

    results: Path

    def staging(self, job_id: str) -> Path:
        """The folder for what the job makes, on the file system of the results."""
        ...

    def file(self, job: Job, staging: Path, manifest: Mapping[str, Any]) -> Sequence[Any]:
        """Move the artefacts to where they belong and return what they are there. Safe to repeat after a crash in
        the middle of it; for a job that was filed (its staging folder is gone) what it is there."""
        ...


class Filing:
    """Files what jobs made. `changed` and `filed` are told of it; nothing here raises but for the database."""

    def __init__(
        self, store: QueueStore, library: Filer, changed: Callable[[Job], None], filed: Callable[[JobFiled], None]
    ) -> None:
        self._store, self._library, self._changed, self._filed = store, library, changed, filed
        self._given_up: set[str] = set()
        self._last = 0.0

    def file(self, row: Row) -> None:
        """File a produced job. Where that fails (a full disk), it stays produced, with the failure, for later."""
        job, folder = row.job, Path(row.staging)
        try:
            # Without a manifest an earlier run of the program filed it and ended before it could say so.
            items = self._library.file(job, folder, staging.manifest(folder) if staging.is_whole(folder) else {})
        except Exception as error:
            if not isinstance(error, AtelierError):
                _log.exception("a result could not be filed; it stays in %s", folder)
                self._given_up.add(job.id)  # until the next start, or the user's wish
            if job.failure != (failure := failure_of(error)):
                self._changed(self._store.finish(job.id, JobState.PRODUCED, failure))
            return
        done = self._store.finish(job.id, JobState.FILED)
        staging.clear(folder)
        self._changed(done)
        self._filed(JobFiled(done, tuple(items)))

    def file_part(self, job: Job, folder: Path) -> None:
        """File what a job had finished before it failed or was cancelled."""
        if items := self._attempt(job, folder):
            self._filed(JobFiled(job, tuple(items)))

    def file_waiting(self, owner: str) -> None:
        """Try again with what could not be filed before, at most every `BEAT_SECONDS`."""
        if time.monotonic() - self._last < BEAT_SECONDS:
            return
        self._last = time.monotonic()
        for row in self._store.produced(owner):
            if row.job.id not in self._given_up:
                self.file(row)

    def file_strays(self) -> None:
        """Results whose jobs the queue does not know (its database was put aside) are filed all the same."""
        known = {row.job.id for row in self._store.rows()}
        for job, folder in staging.strays(self._library.results, known):
            if (items := self._attempt(job, folder)) is not None:
                staging.clear(folder)
                self._filed(JobFiled(job, tuple(items)))

    def hurry(self, job_id: str) -> None:
        """Let the next `file_waiting` try, this job too."""
        self._given_up.discard(job_id)
        self._last = 0.0

    def _attempt(self, job: Job, folder: Path) -> Sequence[Any] | None:
        try:
            return self._library.file(job, folder, staging.manifest(folder))
        except Exception:
            _log.exception("what a job made could not be filed; it stays in %s", folder)
            return None


def failure_of(error: Exception) -> Failure:
    if isinstance(error, AtelierError):
        return Failure(error.code, error.arguments, error.details)
    return Failure("internal", {}, f"{type(error).__name__}: {error}")
