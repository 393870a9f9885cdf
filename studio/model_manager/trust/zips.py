"""The table of contents of a zip file (torch's own container), checked before anything in it is read.

Only entries that are stored as they are count: torch never compresses, and what is not compressed cannot swell.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from studio.core.i18n import N_
from studio.model_manager.trust.reading import (
    BROKEN,
    CUT_OFF,
    NAMES,
    OVERLAPPING,
    TOO_LARGE,
    is_plain_name,
    refused,
    size_of,
)

MAX_ENTRIES = 200_000
MAX_NAME = 1024
MAX_RATIO = 100
MAGIC = b"PK\x03\x04"
_LOCAL = struct.Struct("<4s22xHH")
_END = struct.Struct("<4s4xHHII")
_END_LOCATOR = b"PK\x06\x06"


@dataclass(frozen=True)
class Entry:
    """`offset` and `size` in bytes: the entry's content as it lies in the file."""

    name: str
    offset: int
    size: int


def entries(path: Path, stream: BinaryIO) -> list[Entry]:
    """Every file of the zip open at `stream`, in order of their places. Raises `AtelierError` in words."""
    size = size_of(stream)
    _check_count(path, stream, size)
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise refused(path, BROKEN, f"zip: {error}") from error
    if len(infos) > MAX_ENTRIES:
        raise refused(path, TOO_LARGE, f"{len(infos)} entries")
    swollen = sum(info.file_size for info in infos)
    if swollen > MAX_RATIO * size:
        raise refused(path, N_("It would swell to many times its size when opened."), f"{size} to {swollen} bytes")
    if len({info.filename for info in infos}) != len(infos):
        raise refused(path, N_("The same name occurs twice in it."), "duplicate entries")
    found = []
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        _check(path, info)
        if info.is_dir():
            continue
        entry = _located(path, stream, info, size)
        if info.header_offset < end:
            raise refused(path, OVERLAPPING, f"{entry.name!r} overlaps the entry before it")
        end = entry.offset + entry.size
        found.append(entry)
    return found


def _check_count(path: Path, stream: BinaryIO, size: int) -> None:
    """Refuse an absurd table of contents before `zipfile` reads it into memory."""
    tail = min(size, 65_536 + _END.size + 2)
    stream.seek(size - tail)
    data = stream.read(tail)
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(data):
        raise refused(path, CUT_OFF, "no end of the zip's table of contents")
    length = _END.unpack_from(data, at)[3]
    large = data.rfind(_END_LOCATOR, 0, at)
    if length == 0xFFFFFFFF and large >= 0 and large + 48 <= len(data):
        (length,) = struct.unpack_from("<Q", data, large + 40)
    if length > size or length > MAX_ENTRIES * 128:
        raise refused(path, TOO_LARGE, f"a table of contents of {length} bytes")


def _check(path: Path, info: zipfile.ZipInfo) -> None:
    name = info.filename
    if len(name) > MAX_NAME or not is_plain_name(name.removesuffix("/")) or name != info.orig_filename:
        raise refused(path, NAMES, f"{info.orig_filename[:200]!r}")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise refused(path, N_("It holds a link to another place."), f"{name!r} is a symbolic link")
    if info.flag_bits & 1:
        raise refused(path, N_("It is locked with a password."), f"{name!r} is encrypted")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        reason = N_("It is compressed, which no file of weights is.")
        raise refused(path, reason, f"{name!r}: method {info.compress_type}")


def _located(path: Path, stream: BinaryIO, info: zipfile.ZipInfo, size: int) -> Entry:
    stream.seek(max(0, info.header_offset))  # a wrong table of contents can place it before the file
    local = stream.read(_LOCAL.size)
    if info.header_offset < 0 or len(local) < _LOCAL.size or local[:4] != MAGIC:
        raise refused(path, BROKEN, f"{info.filename!r} has no header of its own")
    _magic, name_length, extra_length = _LOCAL.unpack(local)
    offset = info.header_offset + _LOCAL.size + name_length + extra_length
    if offset + info.file_size > size:
        raise refused(path, CUT_OFF, f"{info.filename!r} ends behind the file")
    return Entry(info.filename, offset, info.file_size)
