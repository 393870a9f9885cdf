"""The models in a folder that belongs to another studio, used in place and never written to.

Names and sizes come from the file system; what a file is comes from its header, read once in a child with limits and
remembered until the file changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import families
from studio.core import files as writing
from studio.core import paths
from studio.core.errors import AtelierError
from studio.families import gguf_file
from studio.model_manager.trust import studios, torch_file
from studio.model_manager.trust.inspection import Inspection, is_repository
from studio.model_manager.trust.repositories import files_in
from studio.model_manager.trust.sandbox import Sandbox

MAX_ENTRIES = 500_000
MAX_DEPTH = 16
_SINGLE = (".safetensors", ".gguf", ".sf2", ".sf3")
_VERSION = 1
_lock = threading.Lock()


@dataclass(frozen=True)
class FolderModel:
    """A model in place. `name` is its path below the folder, without the suffix of a single file; `kind`,
    `architecture`, `family` and `config` as in `Inspection`; `files` by their names in it; `size` in bytes. A "pickle"
    is not looked into: it can only be converted."""

    name: str
    kind: str
    files: Mapping[str, Path]
    title: str = ""
    architecture: str = ""
    family: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    size: int = 0


def find(root: Path) -> list[FolderModel]:
    """Every model below `root` (and, for ComfyUI, in the folders its `extra_model_paths.yaml` names), in order of
    names. What is refused is left out, as are links that lead out of the folder."""
    if not root.is_dir():
        raise AtelierError("folder-missing", {"path": str(root)})
    with _lock, Sandbox() as sandbox:
        known = _Known(sandbox)
        found: dict[str, FolderModel] = {}
        for prefix, start, border in _starts(root, sandbox):
            for name, target, group in _groups(start, border):
                if model := known.model(prefix + name, target, group):
                    found.setdefault(model.name, model)
        known.save(root)
    return [found[name] for name in sorted(found)]


def _starts(root: Path, sandbox: Sandbox) -> Iterator[tuple[str, Path, Path]]:
    """(what stands before names, folder to search, folder that links may not leave)."""
    border = root.resolve()
    for start in studios.starts(root):
        yield (f"{start.relative_to(root).as_posix()}/" if start != root else ""), start, border
    extra = root / studios.EXTRA_PATHS
    if extra.is_file():
        with contextlib.suppress(AtelierError):  # a file that cannot be read names no folders
            for folder in map(Path, sandbox.ask("roots", extra)):
                if border not in (folder, *folder.parents):
                    yield f"{folder.parent.name}/{folder.name}/", folder, folder


def _groups(start: Path, border: Path) -> Iterator[tuple[str, Path, dict[str, Path]]]:
    """(name, path, files) of each candidate: a repository, a single file, or the first part of several."""
    waiting: list[tuple[Path, str, int]] = [(start, "", 0)]
    seen: set[str] = set()
    left = MAX_ENTRIES
    while waiting and left > 0:
        folder, prefix, depth = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen or not _is_inside(real, border):
            continue
        seen.add(real)
        if depth and is_repository(folder):
            with contextlib.suppress(AtelierError):
                yield prefix.rstrip("/"), folder, dict(files_in(folder))
            continue
        entries = _scan(folder)
        left -= len(entries)
        names = {entry.name for entry in entries}
        for entry in entries:
            if entry.name.startswith("."):
                continue
            stem, suffix = os.path.splitext(entry.name)
            suffix = suffix.lower()
            if suffix in _SINGLE or suffix in torch_file.SUFFIXES:
                name = stem if suffix in _SINGLE else entry.name  # beside its own pickle a model keeps its name
                if group := _file_group(folder, entry, names, border):
                    yield prefix + name, Path(entry.path), group
            elif "." not in entry.name or not entry.is_file():
                if depth < MAX_DEPTH and entry.name.lower() not in studios.SKIPPED and entry.is_dir():
                    waiting.append((Path(entry.path), f"{prefix}{entry.name}/", depth + 1))


def _file_group(folder: Path, entry: os.DirEntry[str], names: set[str], border: Path) -> dict[str, Path]:
    if not entry.is_file() or (entry.is_symlink() and not _is_inside(os.path.realpath(entry.path), border)):
        return {}
    parts = gguf_file.part_names(entry.name)
    if parts[0] != entry.name or not names.issuperset(parts):
        return {}
    return {part: folder / part for part in parts}


def _is_inside(real: str, border: Path) -> bool:
    return border == Path(real) or border in Path(real).parents


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


class _Known:
    """What files turned out to be, by path, size and time; kept on disk between programs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._path = paths.models_dir() / "folders.json"
        # Another release may know more families, and then the same file may be more than it was.
        self._version = f"{_VERSION} {' '.join(sorted(families.all()))}"
        self._rows: dict[str, Any] = {}
        self._seen: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            data = json.loads(self._path.read_text(encoding="utf-8"))
            if data.get("version") == self._version:
                self._rows = data["files"]
        self._changed = False

    def model(self, name: str, target: Path, group: Mapping[str, Path]) -> FolderModel | None:
        try:
            stamps = [(path.stat().st_size, path.stat().st_mtime_ns) for path in group.values()]
        except OSError:
            return None
        size = sum(stamp[0] for stamp in stamps)
        if target.suffix.lower() in torch_file.SUFFIXES and target.name in group:
            return FolderModel(name, "pickle", group, target.stem, size=size)
        stamp = [size, max((stamp[1] for stamp in stamps), default=0), len(stamps)]
        row = self._rows.get(str(target))
        if not row or row["stamp"] != stamp:
            row = {"stamp": stamp, "is": self._look(target)}
            self._changed = True
        self._seen[str(target)] = row
        if row["is"] is None:
            return None
        found = Inspection.from_json(row["is"])
        return FolderModel(name, found.kind, group, found.title, found.architecture, found.family, found.config, size)

    def _look(self, path: Path) -> dict[str, Any] | None:
        try:
            return self._sandbox.ask("look", path)
        except AtelierError:
            return None

    def save(self, root: Path) -> None:
        """Keep what was seen; rows of other folders stay."""
        inside = str(root.resolve()) + os.sep
        kept = {
            path: row
            for path, row in self._rows.items()
            if path in self._seen or not path.startswith((inside, str(root)))
        }
        rows = {**kept, **self._seen}
        if self._changed or rows.keys() != self._rows.keys():
            with contextlib.suppress(AtelierError):  # looked up again next time
                paths.ensure(self._path.parent)
                writing.write_json(self._path, {"version": self._version, "files": rows}, sync=False)
