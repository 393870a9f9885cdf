"""The queue's database: jobs, the programs that own them, and what the queue remembers. One transaction a call.

SQLite in WAL mode, `user_version` 1. A newer database is refused in words, a damaged one is put aside. Every failure
of the disk or the database comes out as `AtelierError`.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.client.lease import Owner
from studio.core import paths
from studio.core.errors import AtelierError, from_os_error
from studio.core.jobs import Artifact, Failure, Job, JobState, Request

VERSION = 1
KEPT_ENDINGS = 200

_SCHEMA = """
CREATE TABLE owners (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    started REAL NOT NULL, beat REAL NOT NULL
);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, position REAL NOT NULL, created REAL NOT NULL,
    ended REAL NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '', staging TEXT NOT NULL DEFAULT '',
    stop INTEGER NOT NULL DEFAULT 0, request TEXT NOT NULL, blobs TEXT NOT NULL DEFAULT '{}',
    failure TEXT NOT NULL DEFAULT '', artifacts TEXT NOT NULL DEFAULT '[]', seconds REAL NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_state ON jobs (state, position);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_COLUMNS = "id, state, position, created, ended, owner, staging, stop, blobs, failure, artifacts, seconds"
_ENDED = tuple(str(state) for state in JobState if state.ended)
_LISTED = ("running", "produced", "queued", "interrupted")


@dataclass(frozen=True)
class Row:
    """A job with what only the queue needs: `owner` (an id, "" for nobody), `staging` (its folder once it ran),
    `stop` (somebody asked to stop it), `blobs` (sha256 of each input: its path)."""

    job: Job
    owner: str
    staging: str
    stop: bool
    blobs: Mapping[str, str]


class QueueStore:
    """The open database; may be used from any thread. `problem` tells that a damaged one was put aside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: AtelierError | None = None
        self._lock = threading.RLock()
        self._requests: dict[str, Request] = {}
        self._closed = False
        self._database = self._open()

    def close(self) -> None:
        """Afterwards there are no jobs, and writing raises "queue-unreadable"."""
        with self._lock:
            self._closed = True
            self._database.close()

    # Owners

    def register(self, owner: Owner) -> None:
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO owners VALUES (?,?,?,?,?,?)", tuple(asdict(owner).values()))

    def beat(self, owner_id: str) -> None:
        with self._transaction() as database:
            database.execute("UPDATE owners SET beat = ? WHERE id = ?", (time.time(), owner_id))

    def owners(self) -> list[Owner]:
        with self._reading() as database:
            return [Owner(*row) for row in database.execute("SELECT id, kind, host, pid, started, beat FROM owners")]

    def release(self, owner_id: str, finished: Callable[[str], bool]) -> None:
        """The owner leaves: what it was making is produced if `finished(staging)`, else interrupted; what waits or is
        produced is free."""
        with self._transaction() as database:
            running = "SELECT id, staging FROM jobs WHERE owner = ? AND state = 'running'"
            for job_id, staging in database.execute(running, (owner_id,)).fetchall():
                database.execute(
                    "UPDATE jobs SET state = ?, ended = ? WHERE id = ?",
                    ("produced" if finished(staging) else "interrupted", time.time(), job_id),
                )
            database.execute("UPDATE jobs SET owner = '' WHERE owner = ?", (owner_id,))
            database.execute("DELETE FROM owners WHERE id = ?", (owner_id,))

    def recover(self, heir: str, gone: Iterable[str], finished: Callable[[str], bool]) -> list[Row]:
        """Take over from owners that are `gone`, and from nobody: waiting and produced jobs go to `heir`; a running
        one is produced if `finished(staging)`, else interrupted. Returns the rows that changed."""
        owners = ["", *gone]
        marks = ",".join("?" * len(owners))
        changed = []
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT id, state, staging FROM jobs WHERE owner IN ({marks}) AND owner != ?"
                " AND state IN ('queued', 'running', 'produced')",
                (*owners, heir),
            ).fetchall()
            for job_id, state, staging in rows:
                if state == "running":
                    state = "produced" if finished(staging) else "interrupted"
                database.execute(
                    "UPDATE jobs SET state = ?, owner = ?, ended = ? WHERE id = ?",
                    (state, "" if state == "interrupted" else heir, time.time(), job_id),
                )
                changed.append(job_id)
            database.executemany("DELETE FROM owners WHERE id = ?", [(owner,) for owner in owners])
        return [row for row in map(self.row, changed) if row]

    # Jobs

    def add(self, job: Job, owner: str, blobs: Mapping[str, str]) -> Job:
        """Write a new job down behind all others; returns it with its place."""
        request = json.dumps(job.request.to_json())
        with self._transaction() as database:
            (last,) = database.execute("SELECT COALESCE(MAX(position), 0) FROM jobs").fetchone()
            database.execute(
                "INSERT INTO jobs (id, state, position, created, owner, request, blobs) VALUES (?,?,?,?,?,?,?)",
                (job.id, str(job.state), last + 1.0, job.created, owner, request, json.dumps(dict(blobs))),
            )
            self._requests[job.id] = job.request
        return self._known(job.id)

    def next_waiting(self, owner: str) -> Row | None:
        rows = self._rows("state = 'queued' AND owner = ? ORDER BY position LIMIT 1", (owner,))
        return rows[0] if rows else None

    def claim(self, job_id: str, owner: str, staging: Path) -> bool:
        """Mark a waiting job of `owner` as running; False if it was taken away in the meantime."""
        with self._transaction() as database:
            cursor = database.execute(
                "UPDATE jobs SET state = 'running', staging = ? WHERE id = ? AND owner = ? AND state = 'queued'",
                (str(staging), job_id, owner),
            )
            return cursor.rowcount == 1

    def requeue(self, job_id: str) -> None:
        """A running job that never began waits again, at its old place."""
        with self._transaction() as database:
            database.execute("UPDATE jobs SET state = 'queued' WHERE id = ? AND state = 'running'", (job_id,))

    def finish(
        self,
        job_id: str,
        state: JobState,
        failure: Failure | None = None,
        artifacts: tuple[Artifact, ...] | None = None,
        seconds: float | None = None,
    ) -> Job:
        """Write how a job ended (or that it is produced). None keeps what is there, except a failure."""
        with self._transaction() as database:
            database.execute(
                "UPDATE jobs SET state = ?, failure = ?, ended = ?, artifacts = COALESCE(?, artifacts),"
                " seconds = COALESCE(?, seconds) WHERE id = ?",
                (
                    str(state),
                    json.dumps(vars(failure), default=str) if failure else "",
                    time.time(),
                    None if artifacts is None else json.dumps([item.to_json() for item in artifacts]),
                    seconds,
                    job_id,
                ),
            )
            database.execute(
                "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN (?,?,?) AND id != ?"
                " ORDER BY ended DESC, position DESC LIMIT -1 OFFSET ?)",
                (*_ENDED, job_id, KEPT_ENDINGS - 1),
            )
        return self._known(job_id)

    def stop(self, job_id: str) -> Row | None:
        """Cancel a job that waits or was interrupted; ask the owner of a running one to stop it. Returns its row."""
        with self._transaction() as database:
            database.execute(
                "UPDATE jobs SET state = 'cancelled', ended = ? WHERE id = ? AND state IN ('queued', 'interrupted')",
                (time.time(), job_id),
            )
            database.execute("UPDATE jobs SET stop = 1 WHERE id = ? AND state = 'running'", (job_id,))
        return self.row(job_id)

    def remove(self, job_id: str) -> bool:
        """Forget a job that has ended or was interrupted."""
        with self._transaction() as database:
            cursor = database.execute(
                "DELETE FROM jobs WHERE id = ? AND state IN (?,?,?,'interrupted')", (job_id, *_ENDED)
            )
            return cursor.rowcount == 1

    def move(self, job_id: str, before: str | None) -> Row | None:
        """Put a waiting job before another one, or last."""
        with self._transaction() as database:
            ids = [row[0] for row in database.execute("SELECT id FROM jobs WHERE state = 'queued' ORDER BY position")]
            if job_id not in ids or before == job_id:
                return self.row(job_id)
            ids.remove(job_id)
            ids.insert(ids.index(before) if before in ids else len(ids), job_id)
            (last,) = database.execute("SELECT MAX(position) FROM jobs").fetchone()
            places = [(last + place, name) for place, name in enumerate(ids, 1)]
            database.executemany("UPDATE jobs SET position = ? WHERE id = ?", places)
        return self.row(job_id)

    def row(self, job_id: str) -> Row | None:
        rows = self._rows("id = ?", (job_id,))
        return rows[0] if rows else None

    def rows(self) -> list[Row]:
        """Running, produced, waiting (in order), interrupted, then the endings, newest first."""
        active = self._rows("state IN ('running','produced','queued','interrupted') ORDER BY position")
        active.sort(key=lambda row: _LISTED.index(row.job.state))
        return active + self._rows("state IN (?,?,?) ORDER BY ended DESC, position DESC", _ENDED)

    def produced(self, owner: str) -> list[Row]:
        return self._rows("state = 'produced' AND owner = ? ORDER BY position", (owner,))

    # Facts and changes

    def fact(self, name: str) -> str:
        with self._reading() as database:
            found = database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return found[0] if found else ""

    def set_fact(self, name: str, value: str) -> None:
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO facts VALUES (?,?)", (name, value))

    def change_mark(self) -> int:
        """Differs from the last time when another program has written."""
        with self._reading() as database:
            return database.execute("PRAGMA data_version").fetchone()[0]

    # Inside

    def _known(self, job_id: str) -> Job:
        row = self.row(job_id)
        if row is None:
            raise AtelierError("job-unknown", {"job": job_id})
        return row.job

    def _rows(self, where: str, values: tuple[Any, ...] = ()) -> list[Row]:
        with self._reading() as database:
            if self._closed:
                return []
            found = database.execute(f"SELECT {_COLUMNS} FROM jobs WHERE {where}", values).fetchall()
            return [row for row in map(self._read, found) if row]

    def _read(self, values: tuple[Any, ...]) -> Row | None:
        job_id, state, position, created, _ended, owner, staging, stop, blobs, failure, made, seconds = values
        try:
            if job_id not in self._requests:
                if len(self._requests) > 4 * KEPT_ENDINGS:
                    self._requests.clear()
                # Once: that of a long reading is megabytes.
                (request,) = self._database.execute("SELECT request FROM jobs WHERE id = ?", (job_id,)).fetchone()
                self._requests[job_id] = Request.from_json(json.loads(request))
            job = Job(
                job_id,
                self._requests[job_id],
                JobState(state),
                created,
                position,
                Failure(**json.loads(failure)) if failure else None,
                tuple(Artifact.from_json(item) for item in json.loads(made)),
                seconds,
            )
            return Row(job, owner, staging, bool(stop), json.loads(blobs))
        except (KeyError, TypeError, ValueError):
            logging.getLogger(__name__).exception("job %s cannot be read; it is left as it is", job_id)
            return None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _in_words(self.path):
            yield self._database

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as database:
            if database.in_transaction:  # called from within another call
                yield database
                return
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        try:
            paths.ensure(self.path.parent)
            self.path.open("ab").close()  # tells in plain words when the folder cannot be written
        except OSError as error:
            raise from_os_error(error) from error
        with _in_words(self.path):
            try:
                return _connect(self.path)
            except sqlite3.DatabaseError as error:
                if not _damaged(error):
                    raise
                self._put_aside(str(error))
            return _connect(self.path)

    def _put_aside(self, details: str) -> None:
        kept = self.path.with_name(f"queue-damaged-{time.strftime('%Y%m%d-%H%M%S')}.db")
        try:
            os.replace(self.path, kept)
            for suffix in ("-wal", "-shm"):
                side = self.path.with_name(self.path.name + suffix)
                if side.exists():
                    os.replace(side, kept.with_name(kept.name + suffix))
        except OSError as error:
            raise from_os_error(error, self.path) from error
        self.problem = AtelierError("queue-damaged", {"path": str(kept)}, details=details)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise AtelierError("queue-newer", {"path": str(path)})
        if (verdict := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"quick_check: {verdict}")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        if version < VERSION:
            database.execute("BEGIN IMMEDIATE")
            # Another program may have made the tables while this one waited.
            if database.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {VERSION}")
            database.execute("COMMIT")
        database.execute(f"SELECT {_COLUMNS}, request FROM jobs LIMIT 0")
        database.execute("SELECT 1 FROM owners, facts LIMIT 0")
    except BaseException:
        database.close()
        raise
    return database


def _damaged(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return True
    return code == sqlite3.SQLITE_ERROR and "no such" in str(error)  # a database, but none of ours


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise from_os_error(OSError(errno.ENOSPC, str(error)), path) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise from_os_error(OSError(errno.EACCES, str(error)), path) from error
        raise AtelierError("queue-unreadable", {"path": str(path)}, details=str(error)) from error
