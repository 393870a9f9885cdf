"""The list of downloads on disk, which several programs share: each writes only what is its own.

An owner is a program that holds its lock for as long as it lives; what a program that is gone left behind is taken
over by the next one that asks for it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from studio.core import paths
from studio.core.activities import ActivityState
from studio.core.errors import from_os_error
from studio.core.files import write_json
from studio.core.jobs import Failure, new_id

VERSION = 1
_PATIENCE = 10.0  # s for the list itself, which is held for a moment only

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A repository that a download needs files of. `commit` and `names` are empty until the hub was asked."""

    repository: str
    revision: str = "main"
    commit: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A download as it is kept. `state` is one of queued, paused, failed, and for a moment done; `created` orders them
    (seconds since the epoch)."""

    id: str
    model: str
    title: str
    medium: str = ""
    state: ActivityState = ActivityState.QUEUED
    sources: tuple[Source, ...] = ()
    failure: Failure | None = None
    owner: str = ""
    created: float = 0.0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        values = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        values["state"] = ActivityState(values["state"])
        values["sources"] = tuple(Source(**{**source, "names": tuple(source["names"])}) for source in data["sources"])
        values["failure"] = Failure(**data["failure"]) if data.get("failure") else None
        return cls(**values)


class Ledger:
    """`downloads.json` in the folder `models`. Raises `AtelierError` where it cannot be written."""

    def __init__(self, models: Path) -> None:
        self._path = models / "downloads.json"
        self._owners = models / ".owners"
        self.owner = new_id()
        try:
            paths.ensure(self._owners)
            self._alive = FileLock(self._owners / self.owner, thread_local=False)
            self._alive.acquire(timeout=0)
        except OSError as error:
            raise from_os_error(error, self._path) from error

    def close(self) -> None:
        """Be gone: others may take over what is left."""
        self._alive.release()
        (self._owners / self.owner).unlink(missing_ok=True)

    def keep(self, entry: Entry) -> None:
        """Write `entry` as ours, in the place of what was known under its id."""
        with self._changing() as entries:
            entries[entry.id] = replace(entry, owner=self.owner)

    def drop(self, entry_id: str) -> None:
        with self._changing() as entries:
            if entry_id in entries and entries[entry_id].owner == self.owner:
                del entries[entry_id]

    def take_over(self, wanted: Callable[[Entry], bool] = lambda entry: True) -> list[Entry]:
        """Entries whose owner is gone and that are `wanted`, the oldest first; they are ours from now on."""
        with self._changing() as entries:
            gone = {owner for owner in {entry.owner for entry in entries.values()} if self._is_gone(owner)}
            ours = [
                replace(entry, owner=self.owner) for entry in entries.values() if entry.owner in gone and wanted(entry)
            ]
            entries.update((entry.id, entry) for entry in ours)
            for owner in gone - {entry.owner for entry in entries.values()}:
                (self._owners / owner).unlink(missing_ok=True)
        return sorted(ours, key=lambda entry: entry.created)

    def _is_gone(self, owner: str) -> bool:
        path = self._owners / owner
        if owner == self.owner:
            return False
        if not owner or "/" in owner or not path.exists():
            return True
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        lock.release()
        return True

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Entry]]:
        try:
            with FileLock(self._path.with_name(".downloads.lock"), timeout=_PATIENCE):
                before = self._read()
                entries = dict(before)
                yield entries
                if entries != before:
                    rows = [asdict(entry) for entry in sorted(entries.values(), key=lambda entry: entry.created)]
                    write_json(self._path, {"version": VERSION, "downloads": rows})
        except Timeout as error:
            raise from_os_error(PermissionError(13, "the list of downloads is held"), self._path) from error
        except OSError as error:
            raise from_os_error(error, self._path) from error

    def _read(self) -> dict[str, Entry]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            found = [Entry.from_json(row) for row in data["downloads"]]
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError):
            # What arrived is in the cache and in the manifests: only the order of the queue is lost.
            _log.warning("the list of downloads could not be read; it is started again")
            self._path.replace(self._path.with_name("downloads-damaged.json"))
            return {}
        return {entry.id: entry for entry in found}
