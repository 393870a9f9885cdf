"""Writing files so that a crash, a full disk or a second program never leaves half of one."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError, from_os_error


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replace `path` by `data` in one step, on disk when this returns (unless not `sync`: then a power cut may take
    it). Raises `AtelierError` in words (disk full, no right to write, folder missing); the old file is then untouched
    and nothing is left behind."""
    temporary: str | None = None
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "is a directory", str(path))
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            if sync:
                stream.flush()
                os.fsync(stream.fileno())
        os.chmod(temporary, usual_mode())
        os.replace(temporary, path)
        temporary = None
        if sync:
            sync_folder(path.parent)
    except OSError as error:
        if error.errno == errno.ENOENT and path.parent.is_dir():  # the folder is there and takes no files, as /proc
            raise AtelierError("not-writable", {"path": str(path.parent)}, str(error)) from error
        raise from_os_error(error, path if path.parent.is_dir() else path.parent) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def write_text(path: Path, text: str, *, sync: bool = True) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode("utf-8"), sync=sync)


def write_json(path: Path, data: Any, *, sync: bool = True) -> None:
    """`write_bytes` of readable, stable JSON."""
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
    try:
        write_text(path, text + "\n", sync=sync)
    except UnicodeEncodeError:  # lone surrogates, which only an escape can write
        write_text(path, json.dumps(data, indent=1, sort_keys=True) + "\n", sync=sync)


def sync_file(path: Path) -> None:
    """Make what was written to `path` survive a power cut. Raises `AtelierError` in words."""
    try:
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise from_os_error(error, path) from error


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def usual_mode() -> int:
    """The rights that a new file gets; a temporary file has fewer."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
