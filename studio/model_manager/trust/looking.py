"""Looking into one file or repository: the work of the child. Nothing here runs in the studio itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio import families
from studio.core.errors import AtelierError, from_os_error
from studio.core.i18n import N_
from studio.families import gguf_file
from studio.model_manager.trust import architectures, repositories, safetensors_file, soundfonts, torch_file, zips
from studio.model_manager.trust.inspection import Inspection
from studio.model_manager.trust.reading import BROKEN, CUT_OFF, NO_MODEL, TOO_LARGE, open_plain, refused, size_of
from studio.model_manager.trust.safetensors_file import Tensor

MAX_TITLE = 120


def look(path: Path) -> Inspection:
    """What is at `path`. Raises `AtelierError` in words for what is refused."""
    if path.is_dir():
        return _repository(path)
    with open_plain(path) as stream:
        start, size = stream.read(16), size_of(stream)
    suffix = path.suffix.lower()
    if start.startswith(b"GGUF") or suffix == ".gguf":
        return _gguf(path, size)
    if start[:4] == b"RIFF" or suffix in (".sf2", ".sf3"):
        return _soundfont(path)
    is_pickle = start[:4] == zips.MAGIC or (start[:1] == b"\x80" and start[1:2] <= b"\x05" and start[8:9] != b"{")
    if is_pickle and suffix == ".safetensors":
        raise refused(path, N_("Its name says safetensors, but it is a file that can run programs."))
    if suffix == ".safetensors" or start[8:9] == b"{":
        return _safetensors(path, size)
    if suffix in torch_file.SUFFIXES:
        return _pickle(path, size)
    raise AtelierError("model-file-unknown", {"name": path.name})


def check_gguf(path: Path) -> gguf_file.Header:
    try:
        return gguf_file.read(path)
    except gguf_file.Malformed as error:
        words = {"cut": CUT_OFF, "too": CUT_OFF, "not": NO_MODEL}
        absurd = re.match(r"\d", str(error)) is not None
        raise refused(path, TOO_LARGE if absurd else words.get(str(error)[:3], BROKEN), f"GGUF: {error}") from error
    except OSError as error:
        raise from_os_error(error, path) from error


def _gguf(path: Path, size: int) -> Inspection:
    header = check_gguf(path)
    config = {key: value for key, value in header.metadata.items() if not isinstance(value, str) or len(value) < 1000}
    title = _title(str(header.metadata.get("general.name", "")), path)
    family = families.recognise(config)
    # The rest of the metadata (templates, tokens) is read again by whoever loads the file.
    kept = {key: value for key, value in config.items() if key.startswith("general.") and _is_scalar(value)}
    return Inspection("gguf", title, header.architecture[:100], family, size, config=kept)


def _soundfont(path: Path) -> Inspection:
    font = soundfonts.read(path)
    config = {"soundfont": font.version}
    return Inspection(
        "soundfont", _title(font.name, path), font.version, families.recognise(config), font.size, config=config
    )


def _safetensors(path: Path, size: int) -> Inspection:
    header = safetensors_file.read(path)
    if not header.tensors:
        raise refused(path, N_("There are no plain tensors in it."))
    found = recognised(path, header.tensors, header.metadata, {})
    told = header.metadata.get("modelspec.title") or header.metadata.get("ss_output_name") or ""
    return replace(found, title=_title(told, path), size=size)


def _pickle(path: Path, size: int) -> Inspection:
    source = torch_file.read(path)
    if source.found:
        return Inspection("pickle", path.stem, size=size, found=source.found)
    tensors = {name: Tensor(view.dtype, view.shape) for name, view in source.tensors.items()}
    known = recognised(path, tensors, {}, source.numbers)
    return replace(known, kind="pickle", title=path.stem, size=size, convertible=True, dropped=source.dropped)


def recognised(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], numbers: Mapping[str, int]
) -> Inspection:
    """The architecture of a single file's tensors, and the family that can run it."""
    found = architectures.recognise(tensors, metadata, numbers)
    if found.part == "text-model":
        raise AtelierError("text-model-alone", {"name": path.name})
    config: dict[str, Any] = {"lora": found.id} if found.kind == "lora" else {"single_file": found.id}
    if found.kind != "lora":
        config |= {"part": found.part, **found.hints}
    return Inspection(found.kind, path.stem, found.id, families.recognise(config) if found.id else None, config=config)


def _repository(path: Path) -> Inspection:
    found = repositories.read(path)
    pickled: list[str] = []
    convertible = bool(found.pickles)
    for name, file in found.files.items():
        if name.endswith(".safetensors"):
            safetensors_file.read(file)
        elif name.endswith(".gguf"):
            check_gguf(file)
    for name in found.pickles:
        holds = torch_file.read(found.files[name]).found
        pickled += [f"{name}: {what}" for what in holds]
        convertible = convertible and not holds
    return Inspection(
        "repository",
        _title("", path),
        found.architecture[:100],
        families.recognise(found.config),
        found.size,
        convertible,
        tuple(pickled),
        config={key: value for key, value in found.config.items() if _is_scalar(value)},
    )


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and len(str(value)) < 1000


def _title(told: str, path: Path) -> str:
    clean = "".join(character for character in told if character.isprintable()).strip()
    return clean[:MAX_TITLE] or (path.name if path.is_dir() else path.stem)
