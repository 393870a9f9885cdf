"""A model's repository as a folder: which of its files count, and whether they are all there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError
from studio.model_manager.trust.reading import BROKEN, NAMES, TOO_LARGE, is_plain_name, open_plain, refused, size_of
from studio.model_manager.trust.torch_file import SUFFIXES as PICKLES

MAX_FILES = 5000
MAX_DEPTH = 4
MAX_JSON = 16 << 20
_INDEX = ".index.json"
# Programs, and what other tools leave behind: never part of a model here.
_LEFT_OUT = (
    *(".py", ".pyc", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".ps1", ".js"),
    *(".msgpack", ".h5", ".onnx_data"),
)


@dataclass(frozen=True)
class Repository:
    """`files` by their names in the repository; `pickles` those of them that hold weights which no safetensors file
    beside them holds; `size` in bytes."""

    files: Mapping[str, Path]
    config: Mapping[str, Any]
    architecture: str
    pickles: tuple[str, ...]
    size: int


def read(folder: Path) -> Repository:
    """Raises `AtelierError` in words where files are missing or names lead out of the folder."""
    files = dict(files_in(folder))
    for name in files:
        if name.endswith(_INDEX):
            _check_index(folder, name, files)
    name = "model_index.json" if "model_index.json" in files else "config.json"
    if name not in files:
        raise AtelierError("repository-incomplete", {"name": folder.name, "files": ["config.json"]})
    config = read_json(files[name])
    listed = config.get("architectures") or config.get("_class_name") or config.get("model_type") or ""
    architecture = str(listed[0]) if isinstance(listed, list) else str(listed)
    weights = [name for name in files if name.endswith((".safetensors", ".gguf", ".onnx"))]
    served = {Path(name).parent for name in weights}
    pickles = tuple(name for name in files if name.endswith(PICKLES) and Path(name).parent not in served)
    if not weights and not pickles:
        raise AtelierError("repository-incomplete", {"name": folder.name, "files": ["model.safetensors"]})
    size = sum(path.stat().st_size for path in files.values())
    return Repository(files, config, architecture, pickles, size)


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name, file) of every ordinary file that counts, in order; links that lead out are left out."""
    border = folder.resolve()
    if border.parent.name == "snapshots":  # the hub's cache keeps the files beside its snapshots
        border = border.parent.parent
    waiting = [(folder, "")]
    count = 0
    while waiting:
        at, prefix = waiting.pop()
        for entry in sorted(_scan(at), key=lambda entry: entry.name):
            name = prefix + entry.name
            count += 1
            if count > MAX_FILES:
                raise refused(folder, TOO_LARGE, f"more than {MAX_FILES} files")
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_dir(follow_symlinks=False):
                if name.count("/") < MAX_DEPTH:
                    waiting.append((Path(entry.path), f"{name}/"))
            elif entry.is_file() and not name.lower().endswith(_LEFT_OUT):
                if not entry.is_symlink() or border in Path(entry.path).resolve().parents:
                    yield name, Path(entry.path)


def converted_name(name: str) -> str:
    """What a pickle of weights is called once converted, as the libraries look for it."""
    stem = name.rpartition(".")[0]
    head, slash, last = stem.rpartition("/")
    return f"{head}{slash}{last.replace('pytorch_model', 'model') if last.startswith('pytorch') else last}.safetensors"


def read_json(path: Path) -> dict[str, Any]:
    with open_plain(path) as stream:
        if size_of(stream) > MAX_JSON:
            raise refused(path, TOO_LARGE, f"{size_of(stream)} bytes of JSON")
        try:
            data = json.loads(stream.read())
        except (ValueError, RecursionError) as error:
            raise refused(path, BROKEN, f"JSON: {error}") from error
    if not isinstance(data, dict):
        raise refused(path, BROKEN, "no table in the JSON file")
    return data


def _check_index(folder: Path, name: str, files: Mapping[str, Path]) -> None:
    table = read_json(files[name]).get("weight_map")
    if not isinstance(table, dict) or not all(isinstance(part, str) for part in table.values()):
        raise refused(files[name], BROKEN, "no weight_map")
    prefix = name.rpartition("/")[0]
    parts = set(table.values())
    outside = [part for part in parts if not is_plain_name(part)]
    if outside:
        raise refused(files[name], NAMES, f"{outside[0][:200]!r}")
    missing = sorted(part for part in parts if (f"{prefix}/{part}" if prefix else part) not in files)
    if missing and name.endswith(f".safetensors{_INDEX}"):
        raise AtelierError("repository-incomplete", {"name": folder.name, "files": missing[:8]})


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
