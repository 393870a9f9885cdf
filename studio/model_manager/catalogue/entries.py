"""The data beside the families: which models they are known to run well, and what is needed of a repository."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from studio import families
from studio.core.models import ModelInfo, ModelState, Voice
from studio.core.protocols import Device, ModelFiles
from studio.families import repositories

UNCOUNTED = Device()  # how much memory a model needs where it may have all it wants
UNCOUNTED_GPU = Device("cuda")
_KNOWN_FIELDS = (
    *("title", "description", "license", "context", "repository", "defaults"),
    *("languages", "voices", "blends", "gated", "base"),
)

Entry = Mapping[str, Any]


@cache
def known_models() -> tuple[tuple[str, Entry], ...]:
    """(family id, entry) of every model in the data beside the families."""
    found = []
    for family_id, family in families.all().items():
        source = Path(str(getattr(family, "__file__", ""))).with_suffix(".toml")
        if source.is_file():
            entries = tomllib.loads(source.read_text(encoding="utf-8")).get("model", [])
            found += [(family_id, _entry(entry)) for entry in entries]
    return tuple(found)


def entry(model_id: str) -> tuple[str, Entry] | None:
    """(family id, entry) of the known model with this id, or None."""
    return next(((family_id, known) for family_id, known in known_models() if known["id"] == model_id), None)


def of_repository(repository: str) -> list[tuple[str, Entry]]:
    """The known models that are downloaded from `repository`."""
    return [
        (family_id, known)
        for family_id, known in known_models()
        if known.get("repository") == repository and "starter" not in known
    ]


def about(family_id: str, repository: str) -> Entry:
    """What is known of a repository's models of this family, {} if nothing is."""
    for family, known in known_models():
        if (family, known.get("repository")) == (family_id, repository) and "files" not in known:
            return known
    return {}


def wanted_files(names: Collection[str], config: Mapping[str, Any], known: Entry | None = None) -> tuple[str, ...]:
    """What is needed of a repository that holds the files `names` and has this configuration: what the entry's
    patterns say, else what the family wants of it. () where something is missing, or no family can use it."""
    if known and known.get("files"):
        found = [[name for name in names if fnmatchcase(name, pattern)] for pattern in known["files"]]
        return tuple(dict.fromkeys(name for each in found for name in each)) if all(found) else ()
    family_id = families.recognise(config) if config else None
    if family_id is None and any(name.endswith(".gguf") for name in names):
        family_id = "gguf"
    return of_family(family_id, names) if family_id else ()


def of_family(family_id: str, names: Collection[str]) -> tuple[str, ...]:
    """The files that the family loads, of a repository that holds `names`; () where one is missing."""
    wanted = getattr(families.get(family_id), "wanted", repositories.transformers_files)
    return tuple(name for name in wanted(names) if name in names)


def matches(known: Entry, name: str) -> bool:
    """Whether a file of the entry's repository belongs to it."""
    return any(fnmatchcase(name, pattern) for pattern in known.get("files", ("*",)))


def info_of(
    files: ModelFiles | None, family_id: str, known: Entry, model_id: str, *, state: ModelState, **fields: Any
) -> ModelInfo:
    """The model as it is shown: what its files tell, what the entry knows, and these fields, the last one winning."""
    family = families.get(family_id)
    values: dict[str, Any] = {name: known[name] for name in _KNOWN_FIELDS if name in known}
    if files:
        describe = getattr(family, "describe", None)
        read = describe(files) if describe else {}
        values = {"title": files.title, "revision": files.revision, **read, **values}
        memory, memory_gpu = (family.estimate(files, device) for device in (UNCOUNTED, UNCOUNTED_GPU))
        if fields.get("origin") == "hub":
            values.setdefault("repository", "/".join(model_id.split("/")[:2]))
    else:
        values.setdefault("title", model_id.rpartition("/")[2])
        memory, memory_gpu = (
            _expected(family, fields.get("size", 0), known.get("parameters", 0), device)
            for device in (UNCOUNTED, UNCOUNTED_GPU)
        )
    values |= {"memory": memory, "memory_gpu": 0 if memory_gpu == memory else memory_gpu}
    spec = family.SPEC
    return ModelInfo(
        id=model_id, family=family_id, medium=spec.medium, tasks=spec.tasks, state=state, **{**values, **fields}
    )


def _expected(family: Any, size: int, parameters: int, device: Device) -> int:
    expected = getattr(family, "expected", None)
    return int(expected(size, parameters, device)) if expected else 0


def _entry(data: Mapping[str, Any]) -> Entry:
    known = {**data, "languages": tuple(data.get("languages", ()))}
    if "voices" in data:
        known["voices"] = tuple(Voice.from_json(voice) for voice in data["voices"])
    return known
