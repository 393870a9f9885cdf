"""A file that is still arriving: appended to, never rewritten, and hashed as it grows."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from pathlib import Path

from studio.core.errors import Cancelled, from_os_error
from studio.core.files import sync_folder
from studio.model_manager.hub.api import RemoteFile
from studio.model_manager.hub.aside import Aside

_BLOCK = 1 << 20
_SYNC = 64 << 20


class Part:
    """The part at `path` of `file`. What is appended is with the system when `append` returns, so that it survives the
    end of this process, and on the disk after every 64 MiB, so that a power cut costs no more. Context manager.

    Raises `Cancelled` soon after `stop`, and `AtelierError` ("disk-full", "not-writable", …); what was appended before
    is kept.
    """

    def __init__(self, path: Path, file: RemoteFile, stop: threading.Event) -> None:
        self.path, self.file = path, file
        self._stop = stop
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("r+b" if path.exists() else "x+b", buffering=0)
        except OSError as error:
            raise from_os_error(error, path) from error
        try:
            self._read()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stream.close()

    @property
    def complete(self) -> bool:
        return self.size == self.file.size

    @property
    def verifiable(self) -> bool:
        return bool(self.file.sha256 or self.file.git_sha1)

    def whole(self) -> bool:
        """Whether every byte is there and the right one (by its size alone, where the hub told no hash)."""
        expected = self.file.sha256 or self.file.git_sha1
        return self.complete and self._digest.hexdigest() == (expected or self._digest.hexdigest())

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                written = self._stream.write(view) or 0
                self._digest.update(view[:written])
                self.size += written
                view = view[written:]
            if self.size - self._synced >= _SYNC:
                self.sync()
        except OSError as error:
            raise from_os_error(error, self.path) from error

    def restart(self) -> None:
        """Throw away what is there."""
        try:
            self._stream.seek(0)
            self._stream.truncate()
        except OSError as error:
            raise from_os_error(error, self.path) from error
        self.size = self._synced = 0
        self._digest = self._fresh()

    def sync(self) -> None:
        """On disk, when this returns. A slow disk takes seconds for that; `stop` leaves it to itself."""
        try:
            Aside(lambda: os.fsync(self._stream.fileno())).get(self._stop, math.inf)
            if self._synced == 0:
                sync_folder(self.path.parent)
        except OSError as error:
            raise from_os_error(error, self.path) from error
        self._synced = self.size

    def discard(self) -> None:
        self._stream.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error, self.path) from error

    def _read(self) -> None:
        """Hash what an earlier run left."""
        self.size, self._synced, self._digest = 0, 0, self._fresh()
        try:
            if os.fstat(self._stream.fileno()).st_size > self.file.size:
                self.restart()
            while block := self._stream.read(_BLOCK):
                if self._stop.is_set():
                    raise Cancelled
                self._digest.update(block)
                self.size += len(block)
        except OSError as error:
            raise from_os_error(error, self.path) from error
        self._synced = self.size

    def _fresh(self) -> hashlib._Hash:
        if self.file.git_sha1 and not self.file.sha256:
            return hashlib.sha1(b"blob %d\0" % self.file.size, usedforsecurity=False)
        return hashlib.sha256()
