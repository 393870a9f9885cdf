"""What files are: the model or models in a folder, whether they are whole, and why some cannot be used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import families
from studio.core.jobs import Medium
from studio.core.models import ModelInfo, ModelState
from studio.core.protocols import ModelFiles
from studio.families import gguf_file, repositories
from studio.model_manager.catalogue import entries
from studio.model_manager.catalogue.entries import Entry

_MAX_CONFIG = 16 << 20
_WITHOUT_WEIGHTS = ("feature_extractor", "image_processor", "scheduler")
_INDEX = ".safetensors.index.json"
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.safetensors$")
_SINGLE = (".safetensors", ".gguf", ".sf2", ".sf3")
_HOLDS_WEIGHTS = (*_SINGLE, ".onnx", *repositories.PICKLED)


@dataclass(frozen=True)
class Found:
    """A model of the list; `files` says where it is if it can be used, `paths` what lies here if it cannot."""

    info: ModelInfo
    files: ModelFiles | None = None
    paths: Mapping[str, Path] = field(default_factory=dict)


# What a place holds is read again only when its key (its name with the times and sizes of its files) changes.
Place = tuple[tuple[Any, ...], Callable[[], list[Found]]]


def config_of(listed: Mapping[str, Path]) -> Mapping[str, Any] | None:
    """The configuration that says which family this is: a pipeline's model_index.json, a repository's config.json, a
    GGUF file's metadata, or what was written beside a single file when it was imported."""
    try:
        for name in ("model_index.json", "config.json"):
            if name in listed:
                return _json(listed[name])
        weights = sorted(name for name in listed if name.endswith(".gguf"))
        if weights:
            return gguf_file.read(listed[weights[0]], check_tensors=False).metadata
        if len(listed) == 1:
            (path,) = listed.values()
            beside = _json(path.with_suffix(".json")) or {"format": path.suffix.removeprefix(".")}
            return beside["config"] if isinstance(beside.get("config"), dict) else beside
    except (OSError, ValueError, RecursionError):
        return None
    return None


def models_in(name: str, path: Path, listed: Mapping[str, Path], origin: str, revision: str = "") -> list[Found]:
    """The models in a folder, or the one that is a file: GGUF files one by one, else the repository as a whole."""
    groups = list(gguf_groups(listed))
    if groups:
        named = [(name if path.is_file() else f"{name}/{first}", group) for first, group in groups]
        return [found for model_id, group in named if (found := whole(model_id, path, group, origin, revision))]
    if path.is_file() and path.suffix not in _SINGLE:
        return []
    found = whole(name, path, listed, origin, revision)
    return [found] if found else []


def whole(
    model_id: str, path: Path, listed: Mapping[str, Path], origin: str, revision: str = "", known: Entry | None = None
) -> Found | None:
    """The one model that these files are, if they are all there and some family can load them. With `known`, it is the
    model of that entry."""
    if known and known.get("files"):
        listed = {name: listed[name] for name in entries.wanted_files(listed, {}, known)}
    config = (known or {}).get("config") or config_of(listed)
    family_id = family_of(config) if config else None
    if not family_id or config is None:
        return None
    repository = "/".join(model_id.split("/")[:2])
    about = known if known is not None else entries.about(family_id, repository)
    names = _needed(family_id, path, listed, config, known)
    if not names:
        return None
    chosen = {name: listed[name] for name in names}
    title = about.get("title") or model_id.rpartition("/")[2]
    files = ModelFiles(model_id, family_id, path, chosen, config, revision, title, about.get("context", 0))
    try:
        size = sum(file.stat().st_size for file in chosen.values())
        info = entries.info_of(files, family_id, about, model_id, state=ModelState.INSTALLED, origin=origin, size=size)
    except Exception:  # a family's reader met files that changed or that nobody checked
        return None
    return Found(info, files)


def unusable(model_id: str, listed: Mapping[str, Path], origin: str, known: Entry | None = None) -> Found | None:
    """A model that lies here and cannot be used as it is, with the reason; None where there is no such model."""
    config = (known or {}).get("config") or config_of(listed)
    if not config:
        return None
    family_id, problem = families.recognise(config), "model-pickled"
    if family_id is None:
        family_id, problem = _would_be(config), "model-needs-code"
    elif not repositories.is_pickled_only(listed):
        return None
    if family_id is None:
        return None
    size = sum(_size(path) for path in listed.values())
    about = known if known is not None else entries.about(family_id, model_id)
    fields = {"origin": origin, "size": size, "problem": problem, "repository": model_id if origin == "hub" else ""}
    fields = {name: value for name, value in fields.items() if value != ""}
    info = entries.info_of(None, family_id, about, model_id, state=ModelState.NOT_INSTALLED, **fields)
    return Found(info, paths=listed)


def family_of(config: Mapping[str, Any]) -> str | None:
    """The family that can use what has this configuration. A LoRA of nobody knows what fits no model."""
    return None if config.get("lora") == "" else families.recognise(config)


def useless(
    model_id: str, listed: Mapping[str, Path], origin: str, known: Entry | None = None, kind: str = "", **fields: Any
) -> Found | None:
    """What lies here as `listed` and nothing here can use, with the reason; None where there are no weights in it.
    `kind` as in `Inspection`."""
    if not any(name.endswith(_HOLDS_WEIGHTS) for name in listed):
        return None
    size = sum(_size(path) for path in listed.values())
    fields = {"origin": origin, "size": size, "state": ModelState.NOT_INSTALLED, **fields}
    weights = sorted(name for name in listed if name.endswith(".gguf"))
    if weights:
        fields["problem"] = "gguf-writes-nothing" if _is_readable(listed[weights[0]]) else "gguf-damaged"
        return Found(entries.info_of(None, "gguf", known or {}, model_id, **fields), paths=listed)
    pictures = kind in ("checkpoint", "lora", "pickle") or "model_index.json" in listed
    medium = Medium.MUSIC if kind == "soundfont" else Medium.IMAGE if pictures else Medium.TEXT
    config = config_of(listed)
    if config and family_of(config):
        fields["problem"] = "model-incomplete"
    else:
        fields["problem"] = "model-pickled" if repositories.is_pickled_only(listed) else "model-kind-unknown"
    title = model_id.rpartition("/")[2]
    return Found(ModelInfo(id=model_id, family="", medium=medium, title=title, tasks=(), **fields), paths=listed)


def gguf_groups(listed: Mapping[str, Path]) -> Iterator[tuple[str, dict[str, Path]]]:
    """(name, files) of each GGUF model; one that is split into parts ("-00001-of-00003") counts when all are there."""
    for name in listed:
        if not name.endswith(".gguf"):
            continue
        folder, _slash, file = name.rpartition("/")
        parts = [f"{folder}/{part}" if folder else part for part in gguf_file.part_names(file)]
        if parts[0] == name and all(part in listed for part in parts):
            yield name, {part: listed[part] for part in parts}


def described(path: Path) -> Mapping[str, Any]:
    """What was written beside a file or folder when it was imported; {} if nothing was."""
    name = path.stem if path.is_file() else path.name
    return _json(path.with_name(f"{name}.json")) or {}


def _is_readable(path: Path) -> bool:
    try:
        gguf_file.read(path)
    except (OSError, ValueError):
        return False
    return True


def _needed(
    family_id: str, path: Path, listed: Mapping[str, Path], config: Mapping[str, Any], known: Entry | None
) -> tuple[str, ...]:
    if path.is_file() or (known and ("starter" in known or known.get("files"))):
        return tuple(listed)
    if "model_index.json" in listed:
        names = entries.of_family(family_id, listed) if hasattr(families.get(family_id), "wanted") else tuple(listed)
        return names if _has_parts(names, config, listed) else ()
    if all(name.endswith(".gguf") for name in listed):
        return tuple(listed)
    names = entries.of_family(family_id, listed)
    return names if _has_shards(names, listed) else ()


def _has_parts(names: tuple[str, ...], index: Mapping[str, Any], listed: Mapping[str, Path]) -> bool:
    """Whether every part that a pipeline names is there, with the weights that its own index names."""
    if not _has_shards(names, listed):
        return False
    for part, kind in index.items():
        if part.startswith("_") or not isinstance(kind, list) or len(kind) < 2 or kind[0] is None or kind[1] is None:
            continue
        inside = [name for name in names if name.startswith(f"{part}/")]
        if not inside:
            return False
        described = f"{part}/config.json" in inside
        weights = any(name.endswith((".safetensors", ".gguf")) for name in inside)
        if described != weights and not (described and part in _WITHOUT_WEIGHTS):
            return False
    return True


def _has_shards(names: tuple[str, ...], listed: Mapping[str, Path]) -> bool:
    """Whether the files that weights in parts consist of are all there."""
    indexed = {_folder_of(name) for name in names if name.endswith(_INDEX)}
    if any(_SHARD.search(name) and _folder_of(name) not in indexed for name in names):
        return False
    for name in names:
        if not name.endswith(_INDEX):
            continue
        folder = _folder_of(name)
        index = _json(listed[name]) or {}
        weights = index.get("weight_map")
        if not isinstance(weights, dict) or not weights:
            return False
        if not all(isinstance(shard, str) and folder + shard in listed for shard in weights.values()):
            return False
    return bool(names)


def _folder_of(name: str) -> str:
    return name[: len(name) - len(name.rpartition("/")[2])]


def _would_be(config: Mapping[str, Any]) -> str | None:
    """The family that a model would belong to if its own code were run, as far as its configuration says."""
    automatic = config.get("auto_map")
    if not isinstance(automatic, dict) or "AutoModelForCausalLM" not in automatic:
        return None
    return "causal-lm" if "causal-lm" in families.all() else None


def _json(path: Path) -> Mapping[str, Any] | None:
    try:
        if path.stat().st_size > _MAX_CONFIG:
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
