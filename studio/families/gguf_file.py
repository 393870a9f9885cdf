"""The header of a GGUF file, read with limits: an absurd or cut-off file is refused before any native code sees it.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError
from studio.core.protocols import ModelFiles

MAX_ENTRIES = 65_536  # keys of metadata, tensors: real files have some hundred of each
MAX_KEY = 65_535
MAX_STRING = 16 << 20
MAX_ARRAY = 4 << 20
KEPT_ARRAY = 64  # longer arrays (vocabularies) are skipped, not kept
MAX_DIMENSIONS = 4
MAX_DEPTH = 4

_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_STRING, _ARRAY = 8, 9
_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class Malformed(ValueError):
    """The file is no GGUF file, is cut off, or holds absurd sizes. The message says which, for the log."""


class CutOff(Malformed):
    """It ends before it should."""


@dataclass(frozen=True)
class Header:
    """`metadata` holds scalars, strings and short arrays by key; `skipped` gives the length of each longer array.
    `parameters` is the number of weights; `size` the file's in bytes."""

    metadata: dict[str, Any]
    skipped: dict[str, int]
    tensors: int
    parameters: int
    size: int

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    def number(self, key: str, default: int = 0) -> int:
        """A whole number of the architecture's own block (`llama.context_length` …); of an array, the largest."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        values = value if isinstance(value, list) else [value]
        numbers = [int(item) for item in values if isinstance(item, int | float)]
        return max(numbers, default=default)


def read(path: Path, *, check_tensors: bool = True) -> Header:
    """The header of the file at `path`. Raises `Malformed`, or `OSError` for a file that cannot be opened.

    `check_tensors` also makes sure that every tensor lies inside the file, so that a truncated download is seen."""
    size = path.stat().st_size
    if size < 24:
        raise Malformed("too short for a header")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _Reader(data, size).header(check_tensors)


def beginning(data: bytes) -> tuple[dict[str, Any], bool]:
    """The metadata, as in `Header`, in the first bytes of a file, and whether that is all of it. Raises `Malformed`."""
    reader = _Reader(data, len(data))
    try:
        reader.begin()
    except CutOff:
        return reader.metadata, False
    return reader.metadata, True


def part_names(name: str) -> list[str]:
    """The names of all parts of the model that the file called `name` belongs to, the first part first."""
    match = _PART.fullmatch(name)
    if not match:
        return [name]
    return [f"{match[1]}-{part:05d}-of-{match[3]}.gguf" for part in range(1, min(int(match[3]), 999) + 1)]


def require(path: Path, files: ModelFiles, check_tensors: bool) -> Header:
    """`read`, with a malformed file as the `AtelierError` that says so to the user."""
    try:
        return read(path, check_tensors=check_tensors)
    except FileNotFoundError as error:
        raise AtelierError("model-files-missing", {"model": files.title or files.id, "files": [path.name]}) from error
    except (Malformed, OSError) as error:
        details = f"{path.name}: {error}"
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details) from error


class _Reader:
    def __init__(self, data: mmap.mmap | bytes, size: int) -> None:
        self.data = data
        self.size = size
        self.at = 0
        self.metadata: dict[str, Any] = {}
        self.skipped: dict[str, int] = {}

    def header(self, check_tensors: bool) -> Header:
        tensors = self.begin()
        parameters = self.tensors(tensors, self.metadata, check_tensors)
        return Header(self.metadata, self.skipped, tensors, parameters, self.size)

    def begin(self) -> int:
        """Read the metadata; returns the number of tensors that follow."""
        if self.data[:4] != b"GGUF":
            raise Malformed("not a GGUF file")
        self.at = 4
        version = self.unpack(_U32)
        if version not in (2, 3):
            raise Malformed(f"GGUF version {version}")
        tensors = self.count(self.unpack(_U64), MAX_ENTRIES, "tensors")
        entries = self.count(self.unpack(_U64), MAX_ENTRIES, "metadata entries")
        for _entry in range(entries):
            key = self.string(MAX_KEY)
            kind = self.unpack(_U32)
            if kind == _ARRAY:
                value, length = self.array(0)
                if value is None:
                    self.skipped[key] = length
                    continue
            else:
                value = self.value(kind)
            self.metadata[key] = value
        return tensors

    def tensors(self, count: int, metadata: dict[str, Any], check: bool) -> int:
        """Walk over the tensors' descriptions; returns how many weights they have together."""
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20 or alignment & (alignment - 1):
            raise Malformed(f"alignment {alignment}")
        bytes_of = _tensor_sizes() if check else None
        parameters = 0
        end = 0
        for _tensor in range(count):
            name = self.string(MAX_KEY)
            dimensions = self.count(self.unpack(_U32), MAX_DIMENSIONS, "dimensions")
            elements = 1
            for _dimension in range(dimensions):
                elements *= self.count(self.unpack(_U64), 1 << 40, "elements")
            self.count(elements, 1 << 44, "elements")
            kind = self.unpack(_U32)
            offset = self.unpack(_U64)
            parameters += elements
            if bytes_of:
                if offset % alignment:
                    raise Malformed(f"tensor {name!r} is not aligned")
                end = max(end, offset + bytes_of(kind, elements))
        start = -(-self.at // alignment) * alignment
        if check and start + end > self.size:
            raise Malformed(f"cut off: {self.size} of {start + end} bytes")
        return parameters

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string(MAX_STRING)
        scalar = _SCALARS.get(kind)
        if scalar is None:
            raise Malformed(f"value of unknown type {kind}")
        return self.unpack(scalar)

    def array(self, depth: int) -> tuple[list[Any] | None, int]:
        """(values, length) of the array that starts here; values None for a long one, which is walked over."""
        if depth > MAX_DEPTH:
            raise Malformed("arrays nested too deeply")
        kind = self.unpack(_U32)
        length = self.count(self.unpack(_U64), MAX_ARRAY, "array elements")
        if kind == _ARRAY:
            for _item in range(length):
                self.array(depth + 1)
            return None, length
        if length <= KEPT_ARRAY:
            return [self.value(kind) for _item in range(length)], length
        if kind == _STRING:
            self.skip_strings(length)
        elif kind in _SCALARS:
            self.skip(length * _SCALARS[kind].size)
        else:
            raise Malformed(f"array of unknown type {kind}")
        return None, length

    def skip_strings(self, length: int) -> None:
        data, at, size, unpack = self.data, self.at, self.size, _U64.unpack_from
        for _item in range(length):
            if at + 8 > size:
                raise CutOff("cut off inside a list")
            at += 8 + unpack(data, at)[0]
        self.at = at
        self.skip(0)

    def string(self, limit: int) -> str:
        length = self.count(self.unpack(_U64), limit, "characters")
        start = self.at
        self.skip(length)
        return self.data[start : self.at].decode("utf-8", "replace")

    def unpack(self, form: struct.Struct) -> Any:
        start = self.at
        self.skip(form.size)
        return form.unpack_from(self.data, start)[0]

    def skip(self, length: int) -> None:
        self.at += length
        if self.at > self.size:
            raise CutOff("cut off inside the header")

    @staticmethod
    def count(value: int, limit: int, what: str) -> int:
        if value > limit:
            raise Malformed(f"{value} {what}")
        return value


def _tensor_sizes() -> Callable[[int, int], int]:
    """A function from (type, number of elements) to bytes; 0 for a type that the table does not have yet."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    blocks = {int(kind): GGML_QUANT_SIZES[kind] for kind in GGMLQuantizationType}

    def bytes_of(kind: int, elements: int) -> int:
        block, size = blocks.get(kind, (1, 0))
        if elements % block:
            raise Malformed("tensor is no whole number of blocks")
        return elements // block * size

    return bytes_of
