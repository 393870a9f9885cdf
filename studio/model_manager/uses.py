"""Which models are loaded right now, by any program, and when each was last loaded.

An engine holds the lock of a file of its own for as long as it lives and writes into it what it holds; a lock that can
be taken belongs to an engine that is gone. Nothing here raises: a disk that cannot be written must not stop a job.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from studio.core import paths
from studio.core.errors import AtelierError
from studio.core.files import write_json

_PATIENCE = 1.0  # s to wait for another program's turn
_log = logging.getLogger(__name__)


class Uses:
    """What one engine holds. For one thread at a time."""

    def __init__(self, models_dir: Path | None = None) -> None:
        self._root = models_dir or paths.models_dir()
        self._path = self._root / "in-use" / f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._lock: FileLock | None = None
        self._held: set[str] = set()

    def hold(self, ids: Collection[str]) -> None:
        """From now on exactly the models `ids` are held; those that are new count as used now."""
        new, self._held = set(ids) - self._held, set(ids)
        with _quietly():
            if self._lock is None and self._held:
                paths.ensure(self._path.parent)
                lock = FileLock(self._path.with_suffix(".lock"), thread_local=False)
                lock.acquire(timeout=0)
                self._lock = lock
            if self._lock is not None:
                write_json(self._path, sorted(self._held), sync=False)
        if new:
            _note(self._root, new)

    def close(self) -> None:
        """Hold nothing any more."""
        if self._lock is not None:
            with _quietly():
                self._path.unlink(missing_ok=True)
                self._lock.release()
                self._path.with_suffix(".lock").unlink(missing_ok=True)
            self._lock = None


def in_use(models_dir: Path | None = None) -> set[str]:
    """The ids of the models that are loaded, or being loaded, by any engine on this computer."""
    found: set[str] = set()
    for path in _files((models_dir or paths.models_dir()) / "in-use"):
        lock = FileLock(path.with_suffix(".lock"), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            found.update(_ids(path))
            continue
        except OSError:
            continue
        with _quietly():
            path.unlink(missing_ok=True)
            lock.release()
            path.with_suffix(".lock").unlink(missing_ok=True)
    return found


def last_used(models_dir: Path | None = None) -> dict[str, float]:
    """Model id → when it was last loaded (unix time), for those that ever were."""
    try:
        data = json.loads(((models_dir or paths.models_dir()) / "used.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = data.items() if isinstance(data, dict) else ()
    return {str(model): float(when) for model, when in known if isinstance(when, int | float)}


def _note(root: Path, ids: Collection[str]) -> None:
    with _quietly(), FileLock(paths.ensure(root) / "used.lock", timeout=_PATIENCE, thread_local=False):
        now = round(time.time())
        write_json(root / "used.json", {**last_used(root), **dict.fromkeys(ids, now)}, sync=False)


def _files(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(folder.glob("*.json"))
    return []


def _ids(path: Path) -> list[str]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(each) for each in data] if isinstance(data, list) else []


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    try:
        yield
    except (OSError, AtelierError) as error:
        _log.warning("what is in use could not be written down: %r", error)
