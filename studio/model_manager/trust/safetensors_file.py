"""The header of a safetensors file, checked against every rule of the format before any library sees the file.

Format: https://github.com/huggingface/safetensors#format. The data must be covered by the tensors without a gap.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.i18n import N_
from studio.model_manager.trust.reading import (
    BROKEN,
    CUT_OFF,
    NO_MODEL,
    OVERLAPPING,
    TOO_LARGE,
    open_plain,
    refused,
    size_of,
)

MAX_HEADER = 100 << 20  # the libraries' own limit
MAX_TENSORS = 500_000
MAX_DIMENSIONS = 32
MAX_ELEMENTS = 1 << 48

BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
}


@dataclass(frozen=True)
class Tensor:
    """`begin` and `end` in bytes from the start of the data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int = 0
    end: int = 0


@dataclass(frozen=True)
class Header:
    """`start` is where the data begins in the file, `size` the file's, both in bytes."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    start: int
    size: int


def read(path: Path) -> Header:
    """The checked header; raises `AtelierError` ("model-refused" …) in words."""
    with open_plain(path) as stream:
        size = size_of(stream)
        if size < 8:
            raise refused(path, CUT_OFF, f"{size} bytes")
        (length,) = struct.unpack("<Q", stream.read(8))
        first = stream.read(1)
        stream.seek(8)
        if length > size and first != b"{":
            raise refused(path, NO_MODEL, "no header of safetensors")
        if length > MAX_HEADER:
            raise refused(path, TOO_LARGE, f"a header of {length} bytes")
        if length + 8 > size:
            raise refused(path, CUT_OFF, f"a header of {length} bytes in a file of {size}")
        text = stream.read(length)
    if not text.startswith(b"{"):
        raise refused(path, BROKEN, "the header does not begin with {")
    try:
        return _header(json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant), length + 8, size)
    except _Wrong as error:
        raise refused(path, error.reason, str(error)) from error
    except RecursionError as error:
        raise refused(path, TOO_LARGE, "the header is nested too deeply") from error
    except ValueError as error:
        raise refused(path, BROKEN, f"the header is not JSON: {error}") from error


def read_value(path: Path, header: Header, name: str, limit: int = 1 << 16) -> bytes:
    """The raw bytes of one small tensor, at most `limit` of them."""
    tensor = header.tensors[name]
    with open_plain(path) as stream:
        stream.seek(header.start + tensor.begin)
        return stream.read(min(tensor.end - tensor.begin, limit))


class _Wrong(Exception):
    def __init__(self, reason: str, details: str) -> None:
        super().__init__(details)
        self.reason = reason


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_TENSORS:
        raise _Wrong(TOO_LARGE, f"{len(pairs)} entries")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Wrong(N_("The same name occurs twice in it."), "duplicate keys")
    return found


def _no_constant(name: str) -> None:
    raise _Wrong(BROKEN, name)


def _header(data: Any, start: int, size: int) -> Header:
    metadata = data.pop("__metadata__", {}) if isinstance(data, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _Wrong(BROKEN, "the metadata is no table of texts")
    tensors = {name: _tensor(name, value) for name, value in data.items()}
    at = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != at:
            raise _Wrong(OVERLAPPING, f"{name[:200]!r} begins at {tensor.begin}, not at {at}")
        at = tensor.end
    if start + at > size:
        raise _Wrong(CUT_OFF, f"{size} of {start + at} bytes")
    if start + at < size:
        raise _Wrong(N_("There is something behind its end."), f"{size - start - at} bytes too many")
    return Header(tensors, metadata, start, size)


def _tensor(name: str, value: Any) -> Tensor:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _Wrong(BROKEN, f"{name[:200]!r} is not described as a tensor")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise _Wrong(N_("It holds numbers of a kind that is not known."), f"{name[:200]!r}: {str(dtype)[:100]!r}")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2 or len(shape) > MAX_DIMENSIONS:
        raise _Wrong(BROKEN, f"{name[:200]!r} has a wrong shape or place")
    bits = BITS[dtype] * elements_of(shape)
    if bits < 0:
        raise _Wrong(TOO_LARGE, f"{name[:200]!r} has a shape of {shape}")
    if bits % 8 or offsets[1] - offsets[0] != bits // 8:
        raise _Wrong(BROKEN, f"{name[:200]!r} takes {offsets[1] - offsets[0]} bytes, not {bits / 8:g}")
    return Tensor(dtype, tuple(shape), offsets[0], offsets[1])


def elements_of(shape: list[int] | tuple[int, ...]) -> int:
    """How many numbers a tensor of this shape has; -1 where that is absurd."""
    count = 1
    for length in shape:
        count *= length
    # Each side too, since one side of no length makes the product harmless to look at, and to no one who divides.
    return count if count <= MAX_ELEMENTS and all(length <= MAX_ELEMENTS for length in shape) else -1


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)
