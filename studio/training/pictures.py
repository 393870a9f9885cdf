"""The pictures of a data folder: found, described, brought to one size and kept as one array.

A folder may hold pictures in any depth. What each shows is said by an emoji list (`data.json` of the package
emojibase-data, where a file is named by its code points), else by a text file of the same name, else by its own name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from studio.core.errors import AtelierError, InvalidInput
from studio.core.files import write_json
from studio.training.colours import dominant
from studio.training.tensors import write_array

_SUFFIXES = (".png", ".webp", ".jpg", ".jpeg")
_LIST = "data.json"
_SKIN_TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}
_JOINERS = ("fe0f", "200d")
_FLAGS = {"country-flag", "subdivision-flag"}
_COUNTRY_FLAG, _SUBDIVISION_FLAG = 98, 99
_PEOPLE = 1  # whose colour is that of their skin
_NAMED_SHARE = 0.5
_MOST_PIXELS = 40_000_000


@dataclass(frozen=True)
class Concept:
    """One thing that is to be learned: its name, words that describe it, the colour that dominates it ("" for none)
    with its hue in degrees, and whether it may be painted in other colours."""

    id: str
    label: str
    tags: tuple[str, ...]
    colour: str
    hue: float
    paintable: bool


@dataclass(frozen=True)
class Pictures:
    """Concepts and their pictures: uint8, count × size × size × 3, on white."""

    concepts: tuple[Concept, ...]
    array: np.ndarray


def prepare(data: Path, folder: Path, size: int, check: Callable[[], None]) -> Pictures:
    """Read every picture below `data` and keep them in `folder`; what is kept already is only read. The same files
    give the same bytes. Raises `InvalidInput` where there is nothing to learn from."""
    array_file, list_file = folder / "pictures.npy", folder / "concepts.json"
    if array_file.is_file() and list_file.is_file():
        return load(folder)
    concepts, arrays = [], []
    for path, name, label, tags, group in _sources(data):
        check()
        picture = _read(path, size)
        if picture is None:
            continue
        found = dominant(picture)
        paintable = found is not None and group != _PEOPLE
        colour = found.name if found and paintable and found.share > _NAMED_SHARE else ""
        concepts.append(Concept(name, label, tags, colour, found.hue if found else 0.0, paintable))
        arrays.append(picture)
    if not arrays:
        raise InvalidInput("training-no-pictures", {"path": str(data), "parameter": "data"})
    write_array(array_file, np.stack(arrays))
    write_json(list_file, [asdict(concept) for concept in concepts])
    return load(folder)


def load(folder: Path) -> Pictures:
    """What `prepare` kept in `folder`."""
    entries = json.loads((folder / "concepts.json").read_text(encoding="utf-8"))
    concepts = tuple(Concept(**{**entry, "tags": tuple(entry["tags"])}) for entry in entries)
    return Pictures(concepts, np.load(folder / "pictures.npy"))


def _sources(data: Path) -> Iterator[tuple[Path, str, str, tuple[str, ...], int]]:
    """Path, id, label, tags and group (−1: none) of each picture, in an order that depends on the names alone."""
    if not data.is_dir():
        raise InvalidInput("folder-missing", {"path": str(data), "parameter": "data"})
    listed = _emoji(data)
    files = sorted(
        (path for path in data.rglob("*") if path.suffix.lower() in _SUFFIXES),
        key=lambda path: path.relative_to(data).as_posix(),
    )
    for path in files:
        if listed:
            entry = listed.get(_code(path.stem))
            if entry:
                yield path, path.stem, _plain(entry["label"]), tuple(entry.get("tags", ())), entry.get("group", -1)
        else:
            words = path.with_suffix(".txt")
            text = words.read_text(encoding="utf-8", errors="replace") if words.is_file() else path.stem
            label = " ".join(text.replace("_", " ").replace("-", " ").split())
            yield path, path.relative_to(data).as_posix(), label, (), -1


def _emoji(data: Path) -> Mapping[str, dict]:
    """The entries of an emoji list by their code points, without skin tones and flags of countries."""
    path = data / _LIST
    if not path.is_file():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {
            _code(entry["hexcode"]): entry
            for entry in entries
            if entry.get("subgroup") not in (_COUNTRY_FLAG, _SUBDIVISION_FLAG)
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AtelierError("file-unreadable", {"path": str(path)}, details=str(error)) from error


def _code(name: str) -> str:
    return "-".join(part for part in name.lower().replace("_", "-").split("-") if part not in _JOINERS)


def _plain(label: str) -> str:
    return label.replace("“", "").replace("”", "").replace("’", "'").replace(":", "")


def _read(path: Path, size: int) -> np.ndarray | None:
    """A square picture on white; None for a file that is no picture."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            rgba = image.convert("RGBA")
    except (OSError, UnidentifiedImageError, ValueError):
        return None
    side = max(rgba.size)
    ground = Image.new("RGBA", (side, side), "white")
    ground.alpha_composite(rgba, ((side - rgba.width) // 2, (side - rgba.height) // 2))
    small = ground.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(small)
