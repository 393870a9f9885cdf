"""What weights files say of themselves without being read: how many numbers each part of a model has."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

_LARGEST = 100 << 20  # bytes of a header; the format's own limit
# The parts of a single file, by what its tensors begin with.
_PREFIXES = (
    ("model.diffusion_model.", "unet"),
    ("first_stage_model.", "vae"),
    ("vae.", "vae"),
    ("cond_stage_model.", "text_encoder"),
    ("conditioner.", "text_encoder"),
    ("text_encoders.", "text_encoder"),
)
_VARIANT = re.compile(r"\.fp16[.-]")  # of a whole file or of one in parts


def tensors(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name → (type, shape) of every tensor of a safetensors file. Raises `ValueError` and `OSError`."""
    status = path.stat()
    return dict(_tensors(path, status.st_mtime_ns, status.st_size))


def numbers(paths: Mapping[str, Path]) -> dict[str, int]:
    """Part → how many numbers it has, of the files that would be loaded of a repository or of a single file. A file
    that cannot be read counts by its size."""
    counted: dict[str, int] = {}
    chosen = weights(paths)
    for name in chosen:
        folder = name.rpartition("/")[0]
        try:
            found = tensors(paths[name])
        except (OSError, ValueError):
            counted[folder or "unet"] = counted.get(folder or "unet", 0) + _size(paths[name]) // 2
            continue
        for tensor, (_kind, shape) in found.items():
            part = folder or next((part for prefix, part in _PREFIXES if tensor.startswith(prefix)), "unet")
            counted[part] = counted.get(part, 0) + math.prod(shape)
    return counted


def variant(names: Collection[str]) -> str | None:
    """ "fp16" where some part comes in half precision only."""
    files = [name for name in names if name.endswith(".safetensors") and "/" in name]
    whole = {name.rpartition("/")[0] for name in files if not _VARIANT.search(name)}
    half = {name.rpartition("/")[0] for name in files if _VARIANT.search(name)}
    return "fp16" if half - whole else None


def weights(names: Collection[str]) -> list[str]:
    """The weights that are loaded: one set of each part."""
    files = sorted(name for name in names if name.endswith(".safetensors"))
    half = variant(names) is not None
    chosen = []
    for name in files:
        folder = name.rpartition("/")[0]
        beside = [other for other in files if other.rpartition("/")[0] == folder]
        wanted = [other for other in beside if bool(_VARIANT.search(other)) == half] or beside
        if name in wanted and "non_ema" not in name:
            chosen.append(name)
    return chosen


@lru_cache(maxsize=256)
def _tensors(path: Path, _time: int, _size: int) -> tuple[tuple[str, tuple[str, tuple[int, ...]]], ...]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= _LARGEST:
            raise ValueError("no safetensors header")
        header = json.loads(stream.read(length))
    found = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape = tuple(entry["shape"])
        if not all(isinstance(side, int) and side >= 0 for side in shape):
            raise ValueError(f"the shape of {name}")
        found.append((name, (str(entry["dtype"]), shape)))
    return tuple(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
