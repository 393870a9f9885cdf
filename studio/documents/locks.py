"""A lock on a file that the system itself lifts when its owner is gone, however it went."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class FileLock:
    """Held from `acquire` to `release` by one holder at a time, in all programs of this computer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """False if someone else holds it. Where the folder or its file system offers no locks (read-only, some network
        drives) everybody may have it."""
        while True:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError:
                return True
            if not _lock(descriptor):
                os.close(descriptor)
                return False
            # The holder before may have removed the file after it was opened here: then this lock is on nothing.
            with suppress(OSError):
                if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                    self._descriptor = descriptor
                    return True
            os.close(descriptor)

    def release(self) -> None:
        if self._descriptor is None:
            return
        if os.name == "posix":
            # While it is held, so that nobody's lock is removed; Windows does not remove open files.
            with suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = None
        if os.name != "posix":
            with suppress(OSError):
                self._path.unlink()


if os.name == "posix":
    import errno
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
        return True

else:
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
