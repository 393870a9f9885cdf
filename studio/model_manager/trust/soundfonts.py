"""The structure of a soundfont (SF2, SF3), checked before a synthesiser's native code sees it.

Format: SoundFont 2.04 specification, sections 3 to 7. SF3 keeps its samples as Vorbis streams, whose places are counted
in bytes and marked by a bit of the sample's type.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from studio.core.i18n import N_
from studio.model_manager.trust.reading import BROKEN, CUT_OFF, TOO_LARGE, open_plain, refused, size_of

MAX_TABLES = 256 << 20
_CHUNK = struct.Struct("<4sI")
_PRESET = struct.Struct("<20s3H12x")
_INSTRUMENT = struct.Struct("<20sH")
_BAG = struct.Struct("<2H")
_SAMPLE = struct.Struct("<20s5IBb2H")
# name → bytes of one record; each table ends in a record that only closes it.
_TABLES = {
    b"phdr": 38,
    b"pbag": 4,
    b"pmod": 10,
    b"pgen": 4,
    b"inst": 22,
    b"ibag": 4,
    b"imod": 10,
    b"igen": 4,
    b"shdr": 46,
}
_COMPRESSED = 0x10


@dataclass(frozen=True)
class Soundfont:
    """`name` is the one the file gives itself; `version` "sf2" or "sf3"."""

    name: str
    version: str
    presets: int
    samples: int
    size: int


class _Wrong(Exception):
    def __init__(self, reason: str, details: str) -> None:
        super().__init__(details)
        self.reason = reason


def read(path: Path) -> Soundfont:
    """Raises `AtelierError` in words for a file that is cut off or contradicts itself."""
    with open_plain(path) as stream:
        try:
            return _read(stream, size_of(stream))
        except _Wrong as error:
            raise refused(path, error.reason, str(error)) from error
        except struct.error as error:
            raise refused(path, CUT_OFF, str(error)) from error


def _read(stream: BinaryIO, size: int) -> Soundfont:
    if stream.read(4) != b"RIFF":
        raise _Wrong(BROKEN, "not a RIFF file")
    (length,) = struct.unpack("<I", stream.read(4))
    if stream.read(4) != b"sfbk":
        raise _Wrong(BROKEN, "not a soundfont")
    if length + 8 > size:
        raise _Wrong(CUT_OFF, f"{size} of {length + 8} bytes")
    lists = {}
    for name, start, chunk in _chunks(stream, 12, 8 + length):
        if name == b"LIST" and chunk >= 4:
            stream.seek(start)
            lists[stream.read(4)] = (start + 4, start + chunk)
    if not {b"INFO", b"sdta", b"pdta"} <= lists.keys():
        raise _Wrong(BROKEN, "a part is missing")
    name = ""
    for chunk_name, start, chunk in _chunks(stream, *lists[b"INFO"]):
        if chunk_name == b"INAM":
            stream.seek(start)
            name = stream.read(min(chunk, 256)).split(b"\0")[0].decode("utf-8", "replace").strip()
    wave = next((chunk for chunk_name, _start, chunk in _chunks(stream, *lists[b"sdta"]) if chunk_name == b"smpl"), 0)
    tables = _read_tables(stream, *lists[b"pdta"])
    _check_rows(tables)
    compressed = _check_samples(tables[b"shdr"], wave)
    counts = [len(tables[table]) // _TABLES[table] - 1 for table in (b"phdr", b"shdr")]
    if not counts[0]:
        raise _Wrong(N_("There is no instrument in it."), "no preset")
    return Soundfont(name, "sf3" if compressed else "sf2", counts[0], counts[1], size)


def _chunks(stream: BinaryIO, at: int, end: int) -> list[tuple[bytes, int, int]]:
    """(name, start, size) of the chunks between the two places."""
    found = []
    while at + _CHUNK.size <= end:
        stream.seek(at)
        name, length = _CHUNK.unpack(stream.read(_CHUNK.size))
        start = at + _CHUNK.size
        if start + length > end:
            raise _Wrong(CUT_OFF, f"chunk {name!r} of {length} bytes reaches behind what holds it")
        found.append((name, start, length))
        if len(found) > 1000:
            raise _Wrong(TOO_LARGE, "more than 1000 chunks")
        at = start + length + length % 2
    return found


def _read_tables(stream: BinaryIO, start: int, end: int) -> dict[bytes, bytes]:
    if end - start > MAX_TABLES:
        raise _Wrong(TOO_LARGE, f"tables of {end - start} bytes")
    tables = {}
    for name, at, length in _chunks(stream, start, end):
        if name in _TABLES:
            if length % _TABLES[name] or length < _TABLES[name]:
                raise _Wrong(BROKEN, f"table {name!r} of {length} bytes")
            stream.seek(at)
            tables[name] = stream.read(length)
    if tables.keys() != _TABLES.keys():
        raise _Wrong(BROKEN, "a table is missing")
    return tables


def _check_rows(tables: dict[bytes, bytes]) -> None:
    """Every table's references to the next one rise and stay inside it."""
    presets = [row[3] for row in _PRESET.iter_unpack(tables[b"phdr"])]
    instruments = [row[1] for row in _INSTRUMENT.iter_unpack(tables[b"inst"])]
    for indices, bag, generators, modulators in (
        (presets, b"pbag", b"pgen", b"pmod"),
        (instruments, b"ibag", b"igen", b"imod"),
    ):
        rows = list(_BAG.iter_unpack(tables[bag]))
        _check_rising(indices, len(rows), bag)
        _check_rising([row[0] for row in rows], len(tables[generators]) // 4, generators)
        _check_rising([row[1] for row in rows], len(tables[modulators]) // 10, modulators)


def _check_rising(indices: list[int], count: int, table: bytes) -> None:
    if any(after < before for before, after in itertools.pairwise(indices)) or indices[-1] >= count:
        raise _Wrong(BROKEN, f"references into table {table!r} lead out of it")


def _check_samples(table: bytes, wave: int) -> bool:
    """Whether samples are compressed. `wave` is the size of the sound data in bytes."""
    compressed = False
    for row in list(_SAMPLE.iter_unpack(table))[:-1]:
        _name, start, end, _loop, _loop_end, _rate, _pitch, _correction, _link, kind = row
        if kind & 0x8000:  # in the memory of a sound card that no computer has any more
            continue
        vorbis = bool(kind & _COMPRESSED)
        compressed = compressed or vorbis
        if start > end or end * (1 if vorbis else 2) > wave:
            raise _Wrong(CUT_OFF, f"a sample from {start} to {end} in {wave} bytes of sound")
    return compressed
