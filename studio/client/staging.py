"""The folders in which jobs put what they make before it is filed: `<results>/.staging/<job>/`."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError, from_os_error
from studio.core.jobs import Artifact, Job, JobState, Request
from studio.library.filing import clear_staging
from studio.library.folder import STAGING

MANIFEST = "manifest.json"
_DAY = 86_400.0
_SETTLED = 600.0  # a stray younger than this may belong to a program that is filing it now


def fresh(folder: Path) -> Path:
    """`folder`, empty. Raises `AtelierError` (disk full, no right to write)."""
    try:
        if folder.is_dir() and any(folder.iterdir()):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, folder) from error
    return folder


def is_whole(folder: Path) -> bool:
    """Whether everything that the job made is there: the manifest is written last."""
    return bool(folder.name) and (folder / MANIFEST).is_file()


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest in `folder`. Raises `OSError` or `ValueError`."""
    data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise ValueError("the manifest is no object")
    return data


def clear(folder: Path) -> None:
    """Remove the folder of a job that has ended."""
    if folder.name and folder.parent.name == STAGING:
        clear_staging(folder)


def strays(results: Path, known: Collection[str]) -> Iterator[tuple[Job, Path]]:
    """Whole results of jobs that nobody knows. Unfinished ones older than a day are removed on the way."""
    try:
        entries = list((results / STAGING).iterdir())
    except OSError:
        return
    folders = [path for path in entries if path.is_dir() and path.name not in known and not path.name.startswith(".")]
    for folder in folders:
        try:
            age = time.time() - (folder / MANIFEST if is_whole(folder) else folder).stat().st_mtime
            if is_whole(folder) and age > _SETTLED:
                yield _job(folder.name, manifest(folder)), folder
            elif not is_whole(folder) and age > _DAY:
                clear(folder)
        except (OSError, ValueError, KeyError, TypeError, AtelierError):
            logging.getLogger(__name__).warning("a folder of unfiled results cannot be read: %s", folder.name)


def _job(job_id: str, data: Mapping[str, Any]) -> Job:
    artifacts = tuple(Artifact.from_json(item) for item in data["artifacts"])
    return Job(job_id, Request.from_json(data["request"]), JobState.PRODUCED, time.time(), artifacts=artifacts)
