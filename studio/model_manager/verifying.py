"""Checking what models hold against what they should: the starter pack's hashes, our records of downloads, and the
names of blobs in the hub cache, which are hashes themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import Cancelled, InvalidInput
from studio.core.files import write_json
from studio.model_manager import starter
from studio.model_manager.catalogue import Catalogue, entry, places
from studio.model_manager.catalogue.recognising import Found

if TYPE_CHECKING:
    from hashlib import _Hash

Progress = Callable[[int, int, str], None]
_CHUNK = 1 << 20
_SHA256, _GIT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class _Check:
    """A file and the hash that it should have: SHA-256, or Git's SHA-1 of a blob where that has 40 digits."""

    model: str
    name: str
    path: Path
    digest: str
    repository: str = ""


def verify(
    catalogue: Catalogue,
    models: Sequence[str] = (),
    *,
    progress: Progress = lambda done, total, name: None,
    stop: threading.Event | None = None,
) -> dict[str, Any]:
    """Read every file of `models` (empty: of all) whose hash is known: {"whole": [ids], "damaged": {id: [names]},
    "unknown": [ids without known hashes], "files": [{"name", "models": [ids]}]}, the last with one row for each damaged
    file on the disk: several models can share it. A damaged file is put aside, so that getting the model again
    brings just that one. Raises `InvalidInput` "model-unknown", `Cancelled` when `stop` is set."""
    everything = catalogue.found()
    if missing := next((model for model in models if model not in everything), ""):
        choices = [name for name, found in everything.items() if found.files]
        raise InvalidInput("model-unknown", {"model": missing, "choices": choices})
    chosen = [everything[model] for model in dict.fromkeys(models)] if models else list(everything.values())
    chosen = [found for found in chosen if found.files or found.info.origin == "starter"]
    checks = {found.info.id: list(_checks(catalogue, found)) for found in chosen}
    total = sum(_size(check.path) for each in checks.values() for check in each)
    reader = _Reader(total, progress, stop or threading.Event())
    damaged: dict[str, list[str]] = {}
    files: dict[object, dict[str, Any]] = {}
    identities = {id(check): _identity(check.path) for each in checks.values() for check in each}
    for check in (check for each in checks.values() for check in each):
        if reader.digest(check) != check.digest:
            damaged.setdefault(check.model, []).append(check.name)
            row = files.setdefault(identities[id(check)], {"name": check.name, "models": []})
            row["models"].append(check.model)
            if check.repository:
                _put_aside_blob(catalogue, check)
            elif everything[check.model].info.origin == "starter":
                with contextlib.suppress(OSError):
                    os.replace(check.path, check.path.with_name(f".{check.path.name}.damaged"))
    return {
        "whole": [model for model, each in checks.items() if each and model not in damaged],
        "damaged": damaged,
        "unknown": [model for model, each in checks.items() if not each and everything[model].files],
        "files": list(files.values()),
    }


class _Reader:
    """Reads each file once, whatever its names."""

    def __init__(self, total: int, progress: Progress, stop: threading.Event) -> None:
        self._total, self._progress, self._stop = total, progress, stop
        self._done = 0
        self._known: dict[tuple[int, int, int], str] = {}

    def digest(self, check: _Check) -> str:
        """The hash of the file; "" where it cannot be read."""
        try:
            status = check.path.stat()
            key = (status.st_dev, status.st_ino, len(check.digest))
            if key not in self._known:
                self._known[key] = self._read(check, status.st_size)
            else:
                self._report(status.st_size, check.name)
            return self._known[key]
        except OSError:
            return ""

    def _read(self, check: _Check, size: int) -> str:
        digest: _Hash = hashlib.sha256()
        if len(check.digest) == 40:
            digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        with check.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                self._report(len(chunk), check.name)
        return digest.hexdigest()

    def _report(self, size: int, name: str) -> None:
        if self._stop.is_set():
            raise Cancelled
        self._done += size
        self._progress(min(self._done, self._total), self._total, name)


def _checks(catalogue: Catalogue, found: Found) -> Iterator[_Check]:
    """What is known of the model's files."""
    info, files = found.info, found.files
    if info.origin == "starter":
        known = entry(info.id)
        for item in starter.items():
            if known and item.folder == known[1].get("starter"):
                folder = starter.folder_of(item, catalogue.models_dir)
                for file in item.files:
                    if (folder / file.name).is_file():
                        yield _Check(info.id, file.name, folder / file.name, file.sha256)
    elif files and info.origin == "hub":
        repository = info.repository or "/".join(info.id.split("/")[:2])
        record = {}
        for download in places.downloads(catalogue.models_dir):
            if (download.repository, download.commit) == (repository, info.revision):
                record = download.blobs
        for name, path in files.paths.items():
            digest = record.get(name) or _first_hop(path).name
            if _SHA256.fullmatch(digest) or _GIT.fullmatch(digest):
                yield _Check(info.id, name, path, digest, repository)
    elif files and info.origin == "imported" and files.root.is_file():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            beside = json.loads(files.root.with_suffix(".json").read_text(encoding="utf-8"))
            digest = str(beside.get("sha256", ""))
            if beside.get("file") == files.root.name and _SHA256.fullmatch(digest):
                yield _Check(info.id, files.root.name, files.root, digest)


def _put_aside_blob(catalogue: Catalogue, check: _Check) -> None:
    """Take a damaged file out of the cache, under all its names, and note in our records that it has to come again."""
    folder = catalogue.hub_cache / f"models--{check.repository.replace('/', '--')}"
    blob = _first_hop(check.path)
    if folder.resolve() not in (blob.parent.resolve() / blob.name).parents:
        return
    names = [path for path in places.files_in(folder / "snapshots").values() if _first_hop(path) == blob]
    with contextlib.suppress(OSError):
        (folder / "blobs").mkdir(exist_ok=True)
        os.replace(blob, folder / "blobs" / f"{check.digest}.damaged")
        for path in names:
            path.unlink(missing_ok=True)
    for path in (catalogue.models_dir / "manifests").glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["repository"] != check.repository:
                continue
            rows = [
                {**row, "verified": False, "arrived": None}
                if check.digest in (row.get("sha256"), row.get("git_sha1"))
                else row
                for row in data["files"]
            ]
            if rows != data["files"]:
                write_json(path, {**data, "files": rows, "complete": False})


def _first_hop(path: Path) -> Path:
    """The blob that a name in a snapshot stands for; its target may be a link in turn, to a store that is shared."""
    return Path(os.path.abspath(path.parent / os.readlink(path))) if path.is_symlink() else path


def _identity(path: Path) -> object:
    """The same for all names of one file."""
    try:
        status = path.stat()
    except OSError:
        return path
    return (status.st_dev, status.st_ino)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
