"""The index on disk: SQLite in WAL mode, one connection to read and one to write, each behind its own lock.

The index can always be made again from the results, so a damaged one is put aside and a fresh one takes its place; a
newer one is refused, because another release of the program still wants it.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from studio.core.errors import AtelierError
from studio.core.paths import ensure
from studio.library import search

_BUSY_SECONDS = 30.0
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Damaged(Exception):
    """The index cannot be read; `Database.replace_damaged` puts it aside."""


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE items(
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            job TEXT NOT NULL,
            project TEXT NOT NULL,
            medium TEXT NOT NULL,
            title TEXT NOT NULL,
            path TEXT NOT NULL UNIQUE,
            created REAL NOT NULL,
            favourite INTEGER NOT NULL,
            media_type TEXT NOT NULL,
            size INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            metadata TEXT NOT NULL,
            parents TEXT NOT NULL,
            model TEXT NOT NULL,
            family TEXT NOT NULL,
            missing INTEGER NOT NULL
        )"""
    )
    connection.execute("CREATE INDEX items_by_time ON items(created DESC, id DESC)")
    connection.execute("CREATE INDEX items_by_project ON items(project, created DESC, id DESC)")
    connection.execute("CREATE INDEX items_by_job ON items(job)")
    connection.execute(search.schema(search.has_fts5(connection)))


# Step n brings a database of version n (0: empty) to version n + 1.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create,)


class Database:
    """`fresh` is True when the index was made just now and holds nothing yet.

    Raises `AtelierError("database-newer")` for an index of a newer release, `Damaged` for one that cannot be read,
    and what the disk says in words (`not-writable`, `disk-full`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fresh = False
        self._read_lock = threading.RLock()
        self._write_lock = threading.RLock()
        self._open()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to ask; it does not wait for whoever writes."""
        with self._read_lock, _in_words(self.path):
            yield self._reader

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is written as a whole or not at all. Only one at a time, in all programs."""
        with self._write_lock, _in_words(self.path), _transaction(self._writer):
            yield self._writer

    def check(self) -> None:
        """Read every page; raises `Damaged`."""
        with self.read() as connection:
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise Damaged

    def changes(self) -> int:
        """A number that differs after another program or connection wrote."""
        with self.read() as connection:
            return connection.execute("PRAGMA data_version").fetchone()[0]

    def replace_damaged(self) -> Path | None:
        """Put the index aside and begin a fresh one; returns where the old one is kept. None if another program has
        done so already."""
        with self._write_lock, self._read_lock:
            self.close()
            with suppress(Damaged):
                self._open()
                self.check()
                return None
            self.close()
            kept = put_aside(self.path)
            self._open()
            return kept

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    def _open(self) -> None:
        self.fresh = False
        try:
            ensure(self.path.parent)
        except OSError as error:
            raise AtelierError("not-writable", {"path": str(self.path.parent)}, details=str(error)) from error
        with _in_words(self.path):
            self._writer = self._connect()
            try:
                self._migrate(self._writer)
                found = self._writer.execute("SELECT sql FROM sqlite_master WHERE name = 'search'").fetchone()
                self.fts5 = "fts5" in found[0]
                self._reader = self._connect()
            except BaseException:
                self._writer.close()
                raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise AtelierError("database-newer", {"path": str(self.path)})
        if 0 < version < len(MIGRATIONS):
            with closing(sqlite3.connect(self.path.with_name(f"{self.path.name}.v{version}.backup"))) as backup:
                connection.backup(backup)
        if version < len(MIGRATIONS):
            with _transaction(connection):
                # Another program may have migrated in the meantime.
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                for step in MIGRATIONS[version:]:
                    step(connection)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
                self.fresh = version == 0
        connection.execute("SELECT number FROM items, search LIMIT 1").fetchone()


def put_aside(path: Path) -> Path:
    """Rename a file that cannot be read to `<name>.damaged`, never over another one; a database's log goes along."""
    names = (f"{path.name}.damaged" + (f"-{number}" if number > 1 else "") for number in itertools.count(1))
    kept = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    os.replace(path, kept)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(path.with_name(path.name + suffix), kept.with_name(kept.name + suffix))
    return kept


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED or "no such table" in str(error) or "no such column" in str(error):
            raise Damaged(str(error)) from error
        words = {
            sqlite3.SQLITE_FULL: "disk-full",
            sqlite3.SQLITE_READONLY: "not-writable",
            sqlite3.SQLITE_CANTOPEN: "not-writable",
            sqlite3.SQLITE_PERM: "not-writable",
            sqlite3.SQLITE_IOERR: "file-unreadable",
            sqlite3.SQLITE_BUSY: "file-unreadable",
            sqlite3.SQLITE_LOCKED: "file-unreadable",
        }
        if code not in words:
            raise
        raise AtelierError(words[code], {"path": str(path)}, details=str(error)) from error
