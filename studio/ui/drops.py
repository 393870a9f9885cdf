"""What is dropped on the window: results of Atelier give their settings back, texts and pictures are opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData

from studio.core.errors import AtelierError, from_os_error
from studio.core.i18n import _
from studio.core.params import TEXT_LIMIT, clean_text
from studio.core.recipe import Recipe
from studio.ui.tabs.models.adding import is_model_file

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".psd")
TEXT_SUFFIXES = (".txt", ".md", ".markdown", ".text", ".srt", ".vtt")


@dataclass(frozen=True)
class Dropped:
    """What a file turned out to be: a recipe to restore, a text to open, or (`picture`) a picture to work on."""

    path: Path
    recipe: Recipe | None = None
    text: str | None = None
    picture: bool = False


def local_files(data: QMimeData) -> list[Path]:
    """The files of a drag; addresses that are not on this computer are left out."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def read(path: Path, limit: int = TEXT_LIMIT) -> Dropped:
    """Find out what `path` is. Only reads: it never runs, opens or downloads anything a recipe names. `limit`: the
    characters of a text that whoever opens it takes. Raises `AtelierError` in words when nothing can be done with
    it."""
    from studio.media import carriers

    if path.is_dir():
        raise AtelierError("is-a-folder", {"path": str(path)})
    if not path.exists():
        raise AtelierError("file-missing", {"path": str(path)})
    picture = path.suffix.lower() in PICTURE_SUFFIXES
    try:
        return Dropped(path, recipe=carriers.extract(path), picture=picture)
    except AtelierError:
        if picture:
            return Dropped(path, picture=True)
        if path.suffix.lower() not in TEXT_SUFFIXES:
            raise
    try:
        size = path.stat().st_size
        if size > 4 * limit:
            raise AtelierError("text-too-long", {"count": size, "limit": limit})
        return Dropped(path, text=clean_text(_decoded(path.read_bytes())))
    except OSError as error:
        raise from_os_error(error, path) from error


def _decoded(data: bytes) -> str:
    """Old text files come in the encoding of their writer's system."""
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def welcome_words(files: list[Path]) -> str:
    """What dropping `files` here would do."""
    if len(files) > 1:
        return _("Drop one file at a time")
    if files and is_model_file(files[0]):
        return _("Add this model")
    if files and files[0].suffix.lower() in TEXT_SUFFIXES:
        return _("Open this text")
    if files and files[0].suffix.lower() in PICTURE_SUFFIXES:
        return _("Restore its settings, or work on it")
    return _("Restore its settings")
