"""Recipes in and out of files: one `Carrier` per kind of file, found by the file's suffix.

A medium adds its format by writing a `Carrier` and one line in `CARRIERS`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from studio.core.errors import AtelierError, from_os_error
from studio.core.files import write_text
from studio.core.recipe import Recipe

# A recipe holds a prompt or a conversation, never more than this; a larger file was not written by a studio.
_LIMIT = 16 * 1024 * 1024


class Carrier(Protocol):
    """How one kind of file carries its recipe. Errors are `AtelierError` in words."""

    def embed(self, path: Path, recipe: Recipe) -> None:
        """Make the file at `path` carry `recipe`, replacing one that it has. On disk when this returns."""
        ...

    def extract(self, path: Path) -> str:
        """The recipe's JSON text; raises `FileNotFoundError` or `ValueError` if there is none."""
        ...

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Files that belong to `path` and travel with it, whether or not they exist."""
        ...


class Sidecar:
    """For files that have no room inside: `<name>.json` beside them."""

    def embed(self, path: Path, recipe: Recipe) -> None:
        write_text(_sidecar(path), recipe.dumps() + "\n")

    def extract(self, path: Path) -> str:
        return _read(_sidecar(path))

    def companions(self, path: Path) -> tuple[Path, ...]:
        return (_sidecar(path),)


class SoundComment:
    """For sounds: their comment field, as JSON in ASCII, which every reader of tags understands."""

    def embed(self, path: Path, recipe: Recipe) -> None:
        from studio.media.sound_tags import write_comment

        write_comment(path, json.dumps(recipe.to_json(), sort_keys=True, separators=(",", ":")))

    def extract(self, path: Path) -> str:
        from studio.media.audio import comment

        return comment(path)

    def companions(self, path: Path) -> tuple[Path, ...]:
        return ()


class PictureWords:
    """For pictures: their own places for words, where other studios find their "parameters" too. A picture of another
    studio gives what is known of its settings, with `family` ""."""

    def embed(self, path: Path, recipe: Recipe) -> None:
        from studio.media import picture_files, picture_tags

        text = json.dumps(recipe.to_json(), sort_keys=True, separators=(",", ":"))
        picture_files.write(path, text, picture_tags.parameters(recipe), f"Atelier {recipe.app}".strip())

    def extract(self, path: Path) -> str:
        from studio.media import picture_files, picture_tags

        words = picture_files.read(path)
        return words.recipe or picture_tags.from_foreign(words.foreign).dumps()

    def companions(self, path: Path) -> tuple[Path, ...]:
        return ()


_SIDECAR = Sidecar()
_SOUND = SoundComment()
_PICTURE = PictureWords()
CARRIERS: dict[str, Carrier] = {
    **dict.fromkeys((".txt", ".md", ".srt", ".vtt"), _SIDECAR),
    **dict.fromkeys((".wav", ".flac", ".ogg", ".mp3"), _SOUND),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp"), _PICTURE),
}
MEDIA_TYPES = {
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}


def embed(path: Path, recipe: Recipe) -> None:
    """Make the file at `path` carry `recipe`. Raises `AtelierError`: "format-unknown" for a suffix that has no
    carrier, or what the disk says."""
    _carrier(path).embed(path, recipe)


def extract(path: Path) -> Recipe:
    """The recipe that the file at `path` carries; a sidecar may be given in place of its file. Nothing is opened, run
    or loaded on a recipe's word. Raises `AtelierError`: "recipe-unreadable", "file-missing" …"""
    try:
        if path.suffix.lower() == ".json":
            text = _read(path)
        else:
            if not path.is_file():
                raise AtelierError("file-missing", {"path": str(path)})
            carrier = CARRIERS.get(path.suffix.lower())
            if carrier is None:
                raise AtelierError("recipe-unreadable", {"path": str(path)})
            text = carrier.extract(path)
        return Recipe.loads(text)
    except (FileNotFoundError, ValueError) as error:
        raise AtelierError("recipe-unreadable", {"path": str(path)}, details=repr(error)) from error
    except OSError as error:
        raise from_os_error(error, path) from error
    except AtelierError as error:
        error.arguments = {**error.arguments, "path": str(path)}
        raise


def companions(path: Path) -> tuple[Path, ...]:
    """Files that belong to `path` and travel with it, whether or not they exist; none for an unknown suffix."""
    carrier = CARRIERS.get(path.suffix.lower())
    return carrier.companions(path) if carrier else ()


def _carrier(path: Path) -> Carrier:
    try:
        return CARRIERS[path.suffix.lower()]
    except KeyError:
        raise AtelierError("format-unknown", {"suffix": path.suffix, "choices": list(CARRIERS)}) from None


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _read(path: Path) -> str:
    with path.open("rb") as stream:
        data = stream.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise ValueError("too large for a recipe")
    return data.decode("utf-8")
