"""Where a command's result goes: a file that the user names, or the library."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.cli.flags import Usage
from studio.core import paths
from studio.core.errors import InvalidInput, from_os_error
from studio.core.files import write_bytes
from studio.core.i18n import _
from studio.core.jobs import Artifact, Job
from studio.core.recipe import Recipe
from studio.library import Library
from studio.library.folder import STAGING
from studio.media import carriers, subtitles, text


def check_output(name: str, formats: Sequence[str]) -> Path:
    """The path behind `-o NAME`, where a file of one of `formats` can be written. Raises `InvalidInput` or `Usage`
    before any work is done; an existing file is left as it is until the result is there."""
    path = Path(name).expanduser()
    if name.endswith(("/", os.sep)) or path.is_dir():
        raise InvalidInput("is-a-folder", {"path": name})
    if path.exists() and not path.is_file():
        raise InvalidInput("not-a-file", {"path": name})
    path = Path(os.path.realpath(path))  # through a link: the file it leads to is replaced, not the link
    if not path.suffix:
        raise Usage(_("The name of the output file needs an ending: {choices}.").format(choices=", ".join(formats)))
    if path.suffix.lower() not in formats:
        raise InvalidInput("format-unknown", {"suffix": path.suffix, "choices": list(formats)})
    if not path.parent.is_dir():
        raise InvalidInput("folder-missing", {"path": str(path.parent)})
    try:
        if path.exists():
            path.open("r+b").close()
        handle, probe = tempfile.mkstemp(prefix=".atelier.", suffix=".part", dir=path.parent)
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        told = from_os_error(error, path)
        if told.code == "file-missing":  # the folder is there and takes no files, as /proc
            told = InvalidInput("not-writable", {"path": str(path.parent)}, str(error))
        raise (told if told.code == "disk-full" else InvalidInput(told.code, told.arguments, told.details)) from error
    return path


class OutputFile:
    """Stands where the library stands in a queue: files a job's result as one file that carries its recipe. With a
    `library` the result is kept there too. Where there are several the others are numbered, and `made` has them all;
    `part` is where what an unfinished job made was put."""

    def __init__(self, path: Path, library: Library | None = None) -> None:
        self.path = path
        self.results = library.results if library else paths.data_dir() / "commands"
        self._library = library
        self.part: Path | None = None
        self.made: list[Path] = []

    def staging(self, job_id: str) -> Path:
        if self._library:
            return self._library.staging(job_id)
        folder = self.results / STAGING / job_id
        try:
            return paths.ensure(folder)
        except OSError as error:
            raise from_os_error(error, self.results) from error

    def file(self, job: Job, staging: Path, manifest: Mapping[str, Any]) -> Sequence[Any]:
        recipe = Recipe.from_json(manifest["recipe"]) if "recipe" in manifest else None
        whole = manifest.get("ending", "done") == "done"
        first = self.path if whole else self.path.with_name(f"{self.path.stem}.partial{self.path.suffix}")
        self.made = []
        for item in manifest.get("artifacts", ()):
            artifact = Artifact.from_json(item)
            assert recipe is not None
            count = len(self.made) + 1
            path = first if count == 1 else first.with_name(f"{first.stem}-{count}{first.suffix}")
            write = _WRITERS.get(artifact.blob.media_type.partition("/")[0], _write_text)
            write(path, artifact, staging / artifact.name, job, recipe)
            self.part = None if whole else first
            self.made.append(path)
        return self._library.file(job, staging, manifest) if self._library else self.made

    def keep_part(self, written: str) -> Path | None:
        """What was written before a job was stopped, beside the file that was asked for; None if it is nothing."""
        if not written.strip():
            return None
        path = self.path.with_name(f"{self.path.stem}.partial.txt")
        write_bytes(path, written.encode("utf-8", "replace"))
        return path


def _write_text(path: Path, _artifact: Artifact, source: Path, job: Job, recipe: Recipe) -> None:
    data = source.read_bytes()
    if path.suffix.lower() == ".txt":
        write_bytes(path, data)
    else:
        text.export(text.Script(job.request.title, data.decode("utf-8", "replace")), path)
    carriers.Sidecar().embed(path, recipe)


def _write_picture(path: Path, _artifact: Artifact, source: Path, _job: Job, recipe: Recipe) -> None:
    write_bytes(path, source.read_bytes())
    carriers.embed(path, recipe)


def _write_sound(path: Path, artifact: Artifact, source: Path, _job: Job, recipe: Recipe) -> None:
    from studio.media import audio

    if path.suffix.lower() in subtitles.FORMATS:
        cues = subtitles.cues(artifact.metadata.get("sentences", ()))
        write_bytes(path, subtitles.FORMATS[path.suffix.lower()](cues).encode("utf-8"))
    else:
        audio.convert(source, path)
    carriers.embed(path, recipe)


_WRITERS = {"audio": _write_sound, "image": _write_picture}
