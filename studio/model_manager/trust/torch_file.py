"""What torch saved (`.ckpt`, `.pt`, `.pth`, `.bin`): which tensors are in it and where their numbers lie.

Three forms are read: the zip of today, the older row of pickles with the numbers behind it, and a bare pickle (which
cannot hold plain tensors, but can be told what it does hold).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from studio.core.i18n import N_
from studio.model_manager.trust import zips
from studio.model_manager.trust.pickles import Machine
from studio.model_manager.trust.reading import BROKEN, CUT_OFF, TOO_LARGE, open_plain, refused, size_of
from studio.model_manager.trust.safetensors_file import BITS, elements_of
from studio.model_manager.trust.torch_names import Storage, TensorView

SUFFIXES = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")
MAX_TENSORS = 500_000
MAX_NODES = 2_000_000
MAX_DROPPED = 40
# Views of one number can claim any size; real files tie a few tensors.
SWELL, SLACK = 4, 4 << 20
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # torch.serialization
# Where trainers put the weights of a model, in order of preference: the averaged ones of Real-ESRGAN come first.
_WRAPPERS = ("state_dict", "params_ema", "params", "model_state_dict", "model", "module")
_BESIDE = frozenset(("version", "byteorder", ".data/serialization_id", ".format_version", ".storage_alignment"))


@dataclass(frozen=True)
class TorchFile:
    """`tensors` by name; `places` gives (offset, size) in bytes of each storage's numbers in the file; `dropped` names
    what is left out of a conversion; `found` what stands against one; `numbers` the plain numbers at the top."""

    tensors: Mapping[str, TensorView]
    places: Mapping[str, tuple[int, int]]
    size: int
    dropped: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)


def read(path: Path) -> TorchFile:
    """Raises `AtelierError` in words for a file that is broken or absurd; what it holds besides tensors is no error
    but told in `found`."""
    with open_plain(path) as stream:
        start = stream.read(4)
        stream.seek(0)
        machine = Machine(path, stream)
        value, places = _read_zip(path, stream, machine) if start == zips.MAGIC else _read_row(path, stream, machine)
        size = size_of(stream)
    numbers = (
        {key: item for key, item in value.items() if isinstance(key, str) and type(item) is int}
        if isinstance(value, dict)
        else {}
    )
    if machine.found:
        return TorchFile({}, places, size, (), tuple(machine.found), numbers)
    tensors, dropped = _tensors(path, value)
    if not tensors:
        raise refused(path, N_("There are no plain tensors in it."))
    for name, tensor in tensors.items():
        _check(path, name, tensor, places)
    total = sum(map(bytes_of, tensors.values()))
    if total > SWELL * size + SLACK:
        raise refused(path, TOO_LARGE, f"{total} bytes of tensors in a file of {size}")
    return TorchFile(tensors, places, size, dropped, (), numbers)


def _read_zip(path: Path, stream: BinaryIO, machine: Machine) -> tuple[Any, dict[str, tuple[int, int]]]:
    entries = zips.entries(path, stream)
    main = [entry for entry in entries if entry.name.count("/") == 1 and entry.name.endswith("/data.pkl")]
    if len(main) != 1:
        raise refused(path, N_("It is a zip file, but not one with the weights of a model."), "no data.pkl")
    root = main[0].name.removesuffix("data.pkl")
    places: dict[str, tuple[int, int]] = {}
    for entry in entries:
        name = entry.name.removeprefix(root)
        if entry is main[0] or name in _BESIDE:
            continue
        if entry.name.startswith(f"{root}data/") and name.count("/") == 1:
            places[name.removeprefix("data/")] = (entry.offset, entry.size)
        else:
            machine.note(entry.name)  # programs of TorchScript, further pickles, archives in the archive
        if name.endswith(".pkl"):
            _look_inside(path, stream, machine, entry)
    for entry in entries:
        if entry.name == f"{root}byteorder":
            stream.seek(entry.offset)
            if stream.read(6) != b"little":
                raise refused(path, N_("Its numbers are in an order of bytes that this computer does not use."))
    stream.seek(main[0].offset)
    return machine.load(), places


def _look_inside(path: Path, stream: BinaryIO, machine: Machine, entry: zips.Entry) -> None:
    stream.seek(entry.offset)
    machine.load()


def _read_row(path: Path, stream: BinaryIO, machine: Machine) -> tuple[Any, dict[str, tuple[int, int]]]:
    value = machine.load()
    if value != _MAGIC:
        return value, {}
    if machine.load() != _PROTOCOL:
        raise refused(path, BROKEN, "an unknown form of torch file")
    system = machine.load()
    if not isinstance(system, dict) or not system.get("little_endian", True):
        raise refused(path, N_("Its numbers are in an order of bytes that this computer does not use."))
    value = machine.load()
    keys = machine.load()
    if machine.found:
        return value, {}
    sizes = {storage.key: storage for storage in _storages(value)}
    places: dict[str, tuple[int, int]] = {}
    if not isinstance(keys, list):
        raise refused(path, BROKEN, "no list of storages")
    for key in keys:
        count = stream.read(8)
        storage = sizes.get(key) if isinstance(key, str) else None
        if len(count) < 8:
            raise refused(path, CUT_OFF, f"storage {key!r}"[:200])
        if storage is None or struct.unpack("<q", count)[0] != storage.count:
            raise refused(path, BROKEN, f"storage {key!r} is not the one described"[:200])
        size = storage.count * BITS[storage.dtype] // 8
        places[storage.key] = (stream.tell(), size)
        if stream.seek(size, 1) > size_of(stream):
            raise refused(path, CUT_OFF, f"storage {key!r}"[:200])
    return value, places


def _walk(value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path of keys, item) of everything inside `value`, each table and list once however often it is referred to."""
    seen: set[int] = set()
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        at, item = waiting.pop()
        if isinstance(item, dict | list | tuple):
            if id(item) in seen or len(at) > 32:
                continue
            seen.add(id(item))
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            waiting += [((*at, str(key)), inner) for key, inner in reversed(list(pairs))]
            if len(waiting) > MAX_NODES or len(seen) > MAX_NODES:
                raise MemoryError
        else:
            yield at, item


def _storages(value: Any) -> Iterator[Storage]:
    return (item.storage for _at, item in _walk(value) if isinstance(item, TensorView))


def _tensors(path: Path, value: Any) -> tuple[dict[str, TensorView], tuple[str, ...]]:
    """The tensors by their dotted names, and the names of what is left out, with the wrapping of trainers undone."""
    dropped: list[str] = []
    for _level in range(4):
        inner = next((name for name in _WRAPPERS if _holds_tensors(value, name)), None)
        if inner is None:
            break
        dropped += [str(key) for key in value if key != inner]
        value = value[inner]
    tensors: dict[str, TensorView] = {}
    for at, item in _walk(value):
        name = ".".join(at)
        if not isinstance(item, TensorView):
            dropped.append(name)
        elif name in tensors:
            raise refused(path, N_("The same name occurs twice in it."), name[:200])
        else:
            tensors[name or "tensor"] = item
        if len(tensors) > MAX_TENSORS:
            raise refused(path, TOO_LARGE, f"more than {MAX_TENSORS} tensors")
    return tensors, tuple(dict.fromkeys(name[:200] for name in dropped if name))[:MAX_DROPPED]


def _holds_tensors(value: Any, name: str) -> bool:
    inner = value.get(name) if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        return False
    return any(isinstance(item, TensorView) for item in inner.values()) or any(
        _holds_tensors(inner, wrapper) for wrapper in _WRAPPERS
    )


def _check(path: Path, name: str, tensor: TensorView, places: Mapping[str, tuple[int, int]]) -> None:
    """Make sure that every number of `tensor` lies in its storage, and its storage in the file."""
    place = places.get(tensor.storage.key)
    width = BITS[tensor.dtype] // 8
    if place is None:
        raise refused(path, CUT_OFF, f"{name[:200]!r}: its storage is missing")
    if place[1] < tensor.storage.count * BITS[tensor.storage.dtype] // 8:
        raise refused(path, CUT_OFF, f"{name[:200]!r}: its storage is too short")
    elements = elements_of(tensor.shape)
    if elements < 0:
        raise refused(path, TOO_LARGE, f"{name[:200]!r} has a shape of {tensor.shape}")
    pairs = zip(tensor.shape, tensor.strides, strict=True)
    last = tensor.offset + sum((length - 1) * stride for length, stride in pairs) if elements else -1
    if (last + 1) * width > place[1]:
        raise refused(path, BROKEN, f"{name[:200]!r} reaches behind its storage")


def bytes_of(tensor: TensorView) -> int:
    return math.prod(tensor.shape) * BITS[tensor.dtype] // 8


def is_contiguous(tensor: TensorView) -> bool:
    expected = 1
    for length, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if length != 1 and stride != expected:
            return False
        expected *= length
    return True
