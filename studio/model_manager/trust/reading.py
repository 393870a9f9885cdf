"""How the readers open a file and say no to it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from studio.core.errors import AtelierError, from_os_error
from studio.core.i18n import N_

NO_MODEL = N_("This is no model file: only its name says so.")
BROKEN = N_("It is not built the way such a file must be.")
CUT_OFF = N_("It is cut off: parts of it are missing.")
TOO_LARGE = N_("It claims to hold more than any real file of its kind.")
OVERLAPPING = N_("Parts of it overlap or leave gaps.")
NAMES = N_("It holds names that lead out of its own folder.")


def refused(path: Path, reason: str, details: str = "") -> AtelierError:
    """The error that turns `path` away; `reason` is a whole sentence marked with `N_`."""
    return AtelierError("model-refused", {"name": path.name, "reason": reason}, details)


def open_plain(path: Path) -> BinaryIO:
    """The ordinary file at `path`, opened for reading without ever waiting: a pipe or a device is refused.
    Raises `AtelierError` in words."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise AtelierError("not-plain-file", {"name": path.name})
        # Between the two looks the name may have been given to something else, which must not block either.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise AtelierError("not-plain-file", {"name": path.name})
    except OSError as error:
        raise from_os_error(error, path) from error
    return os.fdopen(descriptor, "rb")


def size_of(stream: BinaryIO) -> int:
    return os.fstat(stream.fileno()).st_size


def is_plain_name(name: str) -> bool:
    """Whether `name` is a relative path of ordinary parts, on every system."""
    parts = name.split("/")
    return not (
        name.startswith("/")
        or any(part in ("", ".", "..") for part in parts)
        or any(character in name for character in "\\:\0")
    )
