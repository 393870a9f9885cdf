"""Which files of a repository are fetched, and whether their names may become paths on this computer.

A name comes from the hub, so it is checked before anything is done with it: what would leave the folder, what some
system cannot store, and two names that one system takes for the same are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from studio.core.errors import AtelierError, InvalidInput
from studio.families import gguf_file, repositories
from studio.model_manager.downloads.ledger import Source

MAX_NAME = 200  # bytes of each part of a name; file systems allow 255, and parts of downloads add to it
_MAX_DEPTH = 16
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$")
_REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_PLAIN_SUFFIXES = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".spm")
_LICENCES = re.compile(r"(?i)(licen[cs]e|notice|use_policy)([._-].*)?$")
_NOT_NEEDED = re.compile(r"(?i)(onnx|openvino|flax|tf_model|rust_model|coreml|training_args|trainer_state)")
_PARTS = re.compile(r"-\d{5}-of-\d{5}")
_INDEX = re.compile(r"\.safetensors\.index(\.\w+)?\.json$")
_VARIANT = re.compile(r"\.(fp16|fp32|bf16|non_ema|ema)(?=[.-])")
_STEMS = ("model", "diffusion_pytorch_model", "adapter_model", "pytorch_lora_weights")
_WEIGHTS = (".safetensors", ".gguf", ".onnx", *repositories.PICKLED)


def source_of(text: str) -> tuple[Source, str]:
    """The repository, and the GGUF file in it ("" for all), that "owner/name", "owner/name@revision" or
    "owner/name/file.gguf" names. Raises `InvalidInput("hub-missing")` for what can be none."""
    place, at, revision = text.partition("@")
    owner, _slash, rest = place.partition("/")
    name, _slash, file = rest.partition("/")
    repository = f"{owner}/{name}"
    good = _REPOSITORY.fullmatch(repository) and "--" not in repository and ".." not in repository
    good = good and (not at or (_REVISION.fullmatch(revision) and ".." not in revision and "//" not in revision))
    if not good or (file and not (file.endswith(".gguf") and _is_safe(file))):
        raise InvalidInput("hub-missing", {"model": text[:200]})
    return Source(repository, revision or "main"), file


def check_names(names: Iterable[str], model: str) -> None:
    """Raises `AtelierError` "hub-unsafe-name" for a name that must not become a path on some system."""
    seen: dict[str, str] = {}
    for name in names:
        if not _is_safe(name):
            raise AtelierError("hub-unsafe-name", {"model": model, "file": ascii(name)[1:-1][:120]})
        folded = unicodedata.normalize("NFC", name).casefold()
        if seen.setdefault(folded, name) != name:
            details = f"taken for {seen[folded]} on some systems"
            raise AtelierError("hub-unsafe-name", {"model": model, "file": name}, details)
    for folded, name in seen.items():
        parts = folded.split("/")
        if any("/".join(parts[:depth]) in seen for depth in range(1, len(parts))):
            details = "another file has the name of its folder"
            raise AtelierError("hub-unsafe-name", {"model": model, "file": name}, details)


def _is_safe(name: str) -> bool:
    parts = name.split("/")
    return len(parts) <= _MAX_DEPTH and all(_is_safe_part(part) for part in parts)


def _is_safe_part(part: str) -> bool:
    if part in ("", ".", "..") or part[-1] in ". " or part[0] == " " or _DEVICES.match(part):
        return False
    # Category C: controls, lone surrogates, what is unassigned, and formats (such as text that runs backwards).
    if any(letter in '<>:"|?*\\' or unicodedata.category(letter)[0] == "C" for letter in part):
        return False
    return len(part.encode("utf-8")) <= MAX_NAME


def choose(
    names: Sequence[str],
    model: str,
    *,
    file: str = "",
    wanted: Sequence[str] = (),
    components: Mapping[str, Any] | None = None,
    variant: str = "",
) -> list[str]:
    """The names to fetch among all of a repository, checked. In this order counts: one GGUF `file` with its parts;
    what the catalogue or the family finds `wanted`; the `components` of a diffusers `model_index.json` (`variant`
    "fp16": its smaller weights where there are some); else its configuration and one set of safetensors.

    Raises `AtelierError`: "hub-unsafe-name", "hub-file-missing" (what was named is not there), "hub-no-weights"
    (nothing here can be loaded safely).
    """
    if file:
        folder = file[: len(file) - len(file.rpartition("/")[2])]
        chosen = [folder + part for part in gguf_file.part_names(file.removeprefix(folder))]
        if missing := [name for name in chosen if name not in names]:
            raise AtelierError("hub-file-missing", {"files": missing})
    elif wanted:
        asked = set(wanted)
        chosen = [name for name in names if name in asked]
    elif components is not None:
        chosen = _diffusers(names, components, variant)
    else:
        top = [name for name in names if "/" not in name]
        weights = _weights(top, variant)
        chosen = [name for name in top if name in weights or _is_plain(name)]
    if not any(name.endswith(_WEIGHTS) for name in chosen):
        raise AtelierError("hub-no-weights", {"model": model})
    check_names(chosen, model)
    return chosen


def _diffusers(names: Sequence[str], components: Mapping[str, Any], variant: str) -> list[str]:
    folders = [
        name
        for name, value in components.items()
        if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)
    ]
    chosen = {name for name in names if name == "model_index.json" or ("/" not in name and _LICENCES.match(name))}
    for folder in folders:
        inside = [name for name in names if name.rpartition("/")[0] == folder]
        chosen |= {name for name in inside if _is_plain(name.rpartition("/")[2])} | _weights(inside, variant)
    return [name for name in names if name in chosen]


def _is_plain(name: str) -> bool:
    """Configurations, tokenizers and licences; no index of weights (it comes with them)."""
    if _INDEX.search(name) or name.endswith(".index.json") or _NOT_NEEDED.search(name):
        return False
    return name.endswith(_PLAIN_SUFFIXES) or bool(_LICENCES.match(name))


def _weights(names: Sequence[str], variant: str) -> set[str]:
    """One set of safetensors of a folder: of one stem and one precision, whole or in parts with their index."""
    sets: dict[tuple[str, str], list[str]] = {}
    for name in names:
        bare = name.rpartition("/")[2]
        index = _INDEX.search(bare)
        if (index or bare.endswith(".safetensors")) and not _NOT_NEEDED.search(bare):
            found = _VARIANT.search(bare)
            kind = (index[1] or "")[1:] if index and index[1] else found[1] if found else ""
            sets.setdefault((_PARTS.sub("", bare).partition(".")[0], kind), []).append(name)
    stems = {stem for stem, _kind in sets}
    known = [stem for stem in _STEMS if stem in stems]
    chosen: set[str] = set()
    for stem in known[:1] or stems:
        kinds = sorted(kind for other, kind in sets if other == stem)
        files = sets[stem, variant if variant in kinds else kinds[0]]
        whole = [name for name in files if name.endswith(".safetensors") and not _PARTS.search(name)]
        chosen |= set(whole or files)
    return chosen
