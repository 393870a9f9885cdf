"""Which models there are: the starter pack, what the user imported, and what lies in the Hugging Face cache.

Nothing is hashed or loaded here, and what was read is kept until the files change, so that listing is cheap. A model
is offered only when its files are complete.
"""

from __future__ import annotations

import json
import os
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from studio import families
from studio.core import paths
from studio.core.errors import AtelierError, InvalidInput
from studio.core.models import ModelInfo, ModelState, Voice
from studio.core.protocols import Device, ModelFiles
from studio.families import gguf_file
from studio.model_manager import starter

_MAX_CONFIG = 16 << 20
_UNCOUNTED = Device()  # how much memory a model needs where it may have all it wants
_KNOWN_FIELDS = (
    *("title", "description", "license", "context", "repository", "defaults"),
    *("languages", "voices", "blends"),
)
_TOKENIZERS = (
    ("tokenizer.json",),
    ("tokenizer.model",),
    ("vocab.json", "merges.txt"),
    ("vocab.json", "tokenizer_config.json"),
    ("spm_char.model",),
)


@dataclass(frozen=True)
class _Found:
    info: ModelInfo
    files: ModelFiles | None


# What a place holds is read again only when its key (its name with the times and sizes of its files) changes.
_Place = tuple[tuple[Any, ...], Callable[[], list[_Found]]]


class Catalogue:
    """The models of this computer. `models_dir` and `hub_cache` default to the user's own; safe from any thread."""

    def __init__(self, models_dir: Path | None = None, hub_cache: Path | None = None) -> None:
        self._root = models_dir or paths.models_dir()
        self._hub = hub_cache or default_hub_cache()
        self._lock = threading.Lock()
        self._read: dict[tuple[Any, ...], list[_Found]] = {}

    def list(self) -> list[ModelInfo]:
        """Every model, installed or part of the starter pack: starter first, then imported, then the cache."""
        return [found.info for found in self._find().values()]

    def files(self, model_id: str) -> ModelFiles:
        """Where the files of an installed model are. Raises `AtelierError`: "model-unknown" (an `InvalidInput`),
        "starter-missing", "starter-damaged"."""
        everything = self._find()
        found = everything.get(model_id)
        if found is None:
            choices = [name for name, other in everything.items() if other.files]
            raise InvalidInput("model-unknown", {"model": model_id, "choices": choices})
        if found.files is None:
            if found.info.state is ModelState.DAMAGED:
                raise AtelierError("starter-damaged", {"files": [*found.info.missing]})
            raise AtelierError("starter-missing")
        return found.files

    def _find(self) -> dict[str, _Found]:
        with self._lock:
            seen: dict[tuple[Any, ...], list[_Found]] = {}
            found: dict[str, _Found] = {}
            for key, search in (*self._starter(), *self._imported(), *self._cached()):
                seen[key] = self._read[key] if key in self._read else search()
                for item in seen[key]:
                    found.setdefault(item.info.id, item)
            self._read = seen
            return found

    def _starter(self) -> Iterator[_Place]:
        items = {item.folder: item for item in starter.items()}
        for family_id, entry in known_models():
            item = items.get(entry.get("starter", ""))
            if item is None:
                continue
            folder = starter.folder_of(item, self._root)
            stamps = tuple(_stamp(folder / file.name) for file in item.files)
            yield ("starter", entry["id"], stamps), partial(self._starter_model, family_id, entry, item)

    def _starter_model(self, family_id: str, entry: Mapping[str, Any], item: starter.StarterItem) -> list[_Found]:
        folder = starter.folder_of(item, self._root)
        wanted = {file.name: folder / file.name for file in item.files}
        absent = [name for name, path in wanted.items() if not path.is_file()]
        wrong = [
            file.name
            for file in item.files
            if file.name not in absent and wanted[file.name].stat().st_size != file.size
        ]
        size = sum(file.size for file in item.files)
        state = ModelState.DAMAGED if wrong else ModelState.NOT_INSTALLED if absent else ModelState.INSTALLED
        files = None
        if state is ModelState.INSTALLED:
            config = entry.get("config") or _config(wanted) or {}
            recognised = families.recognise(config)
            if recognised == family_id:
                files = _model_files(entry["id"], family_id, folder, wanted, config, item.revision, entry)
            else:
                state, wrong = ModelState.DAMAGED, list(wanted)
        info = _info(files, family_id, entry, entry["id"], state=state, origin="starter", size=size)
        return [_Found(replace(info, missing=tuple(absent + wrong)), files)]

    def _imported(self) -> Iterator[_Place]:
        for path in _entries(self._root / "imported"):
            name = f"imported/{path.stem if path.suffix == '.gguf' else path.name}"
            yield ("imported", path, *_stamps(path)), partial(_models_in, name, path, "imported")

    def _cached(self) -> Iterator[_Place]:
        for folder in _entries(self._hub):
            kind, _, rest = folder.name.partition("--")
            if kind != "models" or not rest:
                continue
            snapshot = _snapshot(folder)
            if snapshot:
                key = ("hub", snapshot, *_stamps(snapshot))
                name = rest.replace("--", "/")
                yield key, partial(_models_in, name, snapshot, "hub", snapshot.name, self._hub)


def default_hub_cache() -> Path:
    """The standard Hugging Face cache, where its own environment variables put it."""
    if value := os.environ.get("HF_HUB_CACHE"):
        return Path(value).expanduser()
    if value := os.environ.get("HF_HOME"):
        return Path(value).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "huggingface" / "hub"


@cache
def known_models() -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """(family id, entry) of every model in the data beside the families."""
    found = []
    for family_id, family in families.all().items():
        source = Path(str(getattr(family, "__file__", ""))).with_suffix(".toml")
        if source.is_file():
            entries = tomllib.loads(source.read_text(encoding="utf-8")).get("model", [])
            found += [(family_id, _entry(entry)) for entry in entries]
    return tuple(found)


def _entry(data: Mapping[str, Any]) -> Mapping[str, Any]:
    entry = {**data, "languages": tuple(data.get("languages", ()))}
    if "voices" in data:
        entry["voices"] = tuple(Voice.from_json(voice) for voice in data["voices"])
    return entry


def _models_in(name: str, path: Path, origin: str, revision: str = "", within: Path | None = None) -> list[_Found]:
    """The models in a folder, or the one that is a file: GGUF files one by one, else the repository as a whole."""
    listed = _files_in(path, within)
    weights = _gguf_groups(listed)
    groups = [(name if path.is_file() else f"{name}/{first}", group) for first, group in weights]
    if not weights and _is_complete(listed):
        groups = [(name, listed)]
    found = []
    for model_id, group in groups:
        family_id, config = _recognise(group)
        if family_id:
            known = (
                entry for family, entry in known_models() if (family, entry.get("repository")) == (family_id, name)
            )
            entry = next(known, {})
            files = _model_files(model_id, family_id, path, group, config, revision, entry)
            size = sum(file.stat().st_size for file in group.values())
            info = _info(files, family_id, entry, model_id, state=ModelState.INSTALLED, origin=origin, size=size)
            found.append(_Found(info, files))
    return found


def _recognise(listed: Mapping[str, Path]) -> tuple[str | None, Mapping[str, Any]]:
    config = _config(listed)
    return (families.recognise(config) if config else None), config or {}


def _model_files(
    model_id: str,
    family_id: str,
    root: Path,
    listed: Mapping[str, Path],
    config: Mapping[str, Any],
    revision: str,
    entry: Mapping[str, Any],
) -> ModelFiles:
    title = entry.get("title") or model_id.rpartition("/")[2]
    return ModelFiles(model_id, family_id, root, listed, config, revision, title, entry.get("context", 0))


def _info(
    files: ModelFiles | None, family_id: str, entry: Mapping[str, Any], model_id: str, **fields: Any
) -> ModelInfo:
    family = families.get(family_id)
    known: dict[str, Any] = {name: entry[name] for name in _KNOWN_FIELDS if name in entry}
    if files:
        describe = getattr(family, "describe", None)
        read = describe(files) if describe else {}
        known = {"title": files.title, "revision": files.revision, **read, **known}
        known["memory"] = family.estimate(files, _UNCOUNTED)
        if fields["origin"] == "hub":
            known.setdefault("repository", "/".join(model_id.split("/")[:2]))
    return ModelInfo(
        id=model_id, family=family_id, medium=family.SPEC.medium, tasks=family.SPEC.tasks, **{**known, **fields}
    )


def _config(listed: Mapping[str, Path]) -> Mapping[str, Any] | None:
    """The configuration that says which family this is: a repository's config.json, or a GGUF file's metadata."""
    try:
        if "config.json" in listed:
            if listed["config.json"].stat().st_size > _MAX_CONFIG:
                return None
            data = json.loads(listed["config.json"].read_text(encoding="utf-8"))
            return data if isinstance(data, dict) else None
        weights = sorted(name for name in listed if name.endswith(".gguf"))
        return gguf_file.read(listed[weights[0]], check_tensors=False).metadata if weights else None
    except (OSError, ValueError, RecursionError):
        return None


def _files_in(path: Path, within: Path | None) -> dict[str, Path]:
    """Name → file, of a file or a flat folder. With `within`, links that lead out of that folder are left out."""
    if path.is_file():
        return {path.name: path}
    border = within.resolve() if within else None
    listed = {}
    for file in _entries(path):
        if file.is_file() and (border is None or border in file.resolve().parents):
            listed[file.name] = file
    return listed


def _gguf_groups(listed: Mapping[str, Path]) -> list[tuple[str, dict[str, Path]]]:
    """(name, files) of each GGUF model; one that is split into parts ("-00001-of-00003") counts when all are there."""
    groups = []
    for name, path in listed.items():
        if not name.endswith(".gguf"):
            continue
        parts = gguf_file.part_names(name)
        if parts[0] == name and all(part in listed for part in parts):
            groups.append((name, {part: listed[part] for part in parts} if len(parts) > 1 else {name: path}))
    return groups


def _is_complete(listed: Mapping[str, Path]) -> bool:
    """Whether a transformers repository has its configuration, a tokenizer and every file of its weights."""
    if "config.json" not in listed or not any(all(name in listed for name in names) for names in _TOKENIZERS):
        return False
    index = listed.get("model.safetensors.index.json")
    if index is None:
        return "model.safetensors" in listed
    try:
        weights = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return False
    return bool(weights) and all(name in listed for name in weights)


def _snapshot(folder: Path) -> Path | None:
    """The snapshot that `main` points at; without such a ref, the newest one."""
    try:
        commit = (folder / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        commit = ""
    snapshots = [path for path in _entries(folder / "snapshots") if path.is_dir()]
    for snapshot in snapshots:
        if snapshot.name == commit:
            return snapshot
    return None if commit else max(snapshots, key=lambda path: path.stat().st_mtime_ns, default=None)


def _entries(folder: Path) -> list[Path]:
    """What is in `folder`, in order of names, without hidden entries; nothing where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, -1)
    return (status.st_mtime_ns, status.st_size)


def _stamps(path: Path) -> tuple[Any, ...]:
    """Changes whenever a file here is added, removed or replaced."""
    inside = tuple((entry.name, *_stamp(entry)) for entry in _entries(path)) if path.is_dir() else ()
    return (_stamp(path), inside)
