"""Where downloads end: the standard Hugging Face cache, so that other tools find them, and our record of them.

A file arrives as `blobs/<etag>.atelier.incomplete` (the etag is its hash), becomes `blobs/<etag>` when its content is
right, and gets its name in `snapshots/<commit>/` only when every wanted file is there. `refs/` comes after that and
the manifest in the models folder last, so that a model is offered only when all of it is verified.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from studio.core import paths
from studio.core.errors import Cancelled, from_os_error
from studio.core.files import sync_folder, write_json, write_text
from studio.model_manager.hub.api import RemoteFile

VERSION = 1
PART = ".atelier.incomplete"
_CHUNK = 1 << 20
_SHARED_FROM = 1 << 20  # bytes: smaller files are not worth a search through the cache

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """A file of a manifest. `arrived` is (size, time of change in ns) of its blob when its content was found right."""

    file: RemoteFile
    verified: bool = False
    arrived: tuple[int, int] | None = None


@dataclass(frozen=True)
class Manifest:
    """What was asked for of one commit of a repository, and how far it is. `model` is the id that was asked for,
    `revision` what was asked the hub for."""

    repository: str
    commit: str
    model: str
    revision: str = "main"
    files: tuple[Row, ...] = ()

    @property
    def complete(self) -> bool:
        return bool(self.files) and all(row.verified for row in self.files)

    def row(self, name: str) -> Row | None:
        return next((row for row in self.files if row.file.name == name), None)

    def with_rows(self, rows: Iterable[Row]) -> Manifest:
        """With these rows added or in the place of those with the same names."""
        known = {row.file.name: row for row in self.files} | {row.file.name: row for row in rows}
        return replace(self, files=tuple(known.values()))

    def to_json(self) -> dict[str, Any]:
        rows = [{**vars(row.file), "verified": row.verified, "arrived": row.arrived} for row in self.files]
        return {**vars(self), "files": rows, "complete": self.complete, "version": VERSION}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        rows = []
        for row in data["files"]:
            file = RemoteFile(row["name"], row["size"], row.get("sha256", ""), row.get("git_sha1", ""))
            arrived = row.get("arrived")
            rows.append(Row(file, bool(row["verified"]), (arrived[0], arrived[1]) if arrived else None))
        return cls(data["repository"], data["commit"], data["model"], data.get("revision", "main"), tuple(rows))


class Store:
    """`cache` is the hub cache, `models` the models folder. Safe from any thread; whoever writes parts of a repository
    holds its `lock`. Methods raise `AtelierError` for the disk's faults."""

    def __init__(self, cache: Path, models: Path | None = None) -> None:
        self.cache = cache
        self.models = models or paths.models_dir()
        self._links: bool | None = None
        self._manifest_lock = threading.Lock()

    # -- places -----------------------------------------------------------------------------------------------

    def folder(self, repository: str) -> Path:
        return self.cache / f"models--{repository.replace('/', '--')}"

    def blob(self, repository: str, file: RemoteFile) -> Path:
        return self.folder(repository) / "blobs" / etag(file)

    def part(self, repository: str, file: RemoteFile) -> Path:
        """Where `file` arrives; its folder is there."""
        blob = self.blob(repository, file)
        with _in_words(blob):
            paths.ensure(blob.parent)
        return blob.with_name(blob.name + PART)

    def place(self, repository: str, commit: str, name: str) -> Path:
        return self.folder(repository) / "snapshots" / commit / Path(*name.split("/"))

    def parts(self) -> list[Path]:
        """Every unfinished file of ours."""
        return [path for path in self.cache.glob(f"models--*/blobs/*{PART}") if path.is_file()]

    def lock(self, repository: str) -> FileLock:
        """Held by the one program that writes to this repository; two commits share blobs, so they share it."""
        folder = self.cache / ".locks" / f"models--{repository.replace('/', '--')}"
        with _in_words(folder):
            paths.ensure(folder)
        return FileLock(folder / "atelier.lock", thread_local=False)

    def free(self) -> int:
        """Bytes that a user may still write on the file system of the cache."""
        folder = self.cache
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        with _in_words(folder):
            return shutil.disk_usage(folder).free

    # -- files ------------------------------------------------------------------------------------------------

    def missing(self, repository: str, commit: str, file: RemoteFile) -> int:
        """Bytes of `file` that still have to come, as far as sizes tell."""
        if _size(self._there(repository, commit, file)) == file.size:
            return 0
        return max(0, file.size - self.received(repository, file))

    def received(self, repository: str, file: RemoteFile) -> int:
        """Bytes of `file` that an unfinished download left."""
        return max(0, _size(self.part(repository, file)))

    def find(
        self,
        repository: str,
        commit: str,
        row: Row,
        stop: threading.Event,
        report: Callable[[int], None] = lambda count: None,
    ) -> Row | None:
        """`row` as arrived, if its content is on this computer already: in this repository, under another commit or
        in another repository (then shared by a hard link). What lies in its place with other content is put aside.
        `report` is told the bytes that were read. Raises `Cancelled`."""
        file, blob = row.file, self.blob(repository, row.file)
        if row.arrived and row.arrived == _stamp(self._there(repository, commit, file)):
            return row
        with _in_words(blob):
            if blob.is_file():
                if _is_right(blob, file, stop, report):
                    return replace(row, arrived=_stamp(blob))
                os.replace(blob, blob.with_name(f"{blob.name}.damaged"))
            for other in self._same(repository, commit, file):
                if _is_right(other, file, stop, report):
                    paths.ensure(blob.parent)
                    if _share(other, blob):
                        return replace(row, arrived=_stamp(blob))
        return None

    def arrive(self, repository: str, row: Row) -> Row:
        """Make the whole and verified part of `row` the blob."""
        blob, part = self.blob(repository, row.file), self.part(repository, row.file)
        with _in_words(blob):
            os.replace(part, blob)
            sync_folder(blob.parent)
        return replace(row, arrived=_stamp(blob))

    def finish(self, manifest: Manifest, names: Sequence[str]) -> Manifest:
        """Give the arrived files `names` their places in the snapshot, point the revision at it, and write down that
        they are verified. Safe to repeat."""
        repository, commit = manifest.repository, manifest.commit
        rows = [row for row in manifest.files if row.file.name in names]
        for row in rows:
            with _in_words(self.place(repository, commit, row.file.name)):
                self._link(self.blob(repository, row.file), self.place(repository, commit, row.file.name))
        with _in_words(self.folder(repository)):
            sync_folder(self.folder(repository) / "snapshots" / commit)
            for row in rows:
                blob = self.blob(repository, row.file)
                blob.with_name(f"{blob.name}.damaged").unlink(missing_ok=True)  # its like is here whole
        self._refer(repository, manifest.revision, commit)
        return self.write(manifest, (replace(row, verified=True) for row in rows))

    def _there(self, repository: str, commit: str, file: RemoteFile) -> Path:
        """The blob, or the place that it was moved to on a system without links."""
        blob, place = self.blob(repository, file), self.place(repository, commit, file.name)
        return place if not blob.exists() and not place.is_symlink() else blob

    def _same(self, repository: str, commit: str, file: RemoteFile) -> Iterator[Path]:
        """Files that should have the content of `file`: without links, blobs are moved to where they are named."""
        names = [(self.place(repository, commit, file.name))]
        for manifest in self.manifests():
            for row in manifest.files:
                if row.verified and etag(row.file) == etag(file):
                    names.append(self.place(manifest.repository, manifest.commit, row.file.name))
        if file.sha256 and file.size >= _SHARED_FROM:
            names += self.cache.glob(f"models--*/blobs/{file.sha256}")
        blob = self.blob(repository, file)
        for path in dict.fromkeys(names):
            if path != blob and path.is_file() and _size(path) == file.size:
                real = path.resolve()
                if self.cache.resolve() in real.parents:
                    yield real

    def _link(self, blob: Path, place: Path) -> None:
        paths.ensure(place.parent)
        if not blob.exists():
            if place.is_file():
                return  # moved there by an earlier call
            raise FileNotFoundError(2, "a file of the download is gone", str(blob))
        temporary = place.with_name(f"{place.name[:150]}.{secrets.token_hex(4)}.tmp")
        if self._can_link():
            os.symlink(os.path.relpath(blob, place.parent), temporary)
            os.replace(temporary, place)
        else:
            os.replace(blob, place)
            blob.unlink(missing_ok=True)  # where both were names of one file already

    def _can_link(self) -> bool:
        if self._links is None:
            probe = paths.ensure(self.cache) / f".atelier-{secrets.token_hex(4)}"
            try:
                os.symlink("nothing", probe)
                probe.unlink()
                self._links = True
            except OSError:
                self._links = False
        return self._links

    def _refer(self, repository: str, revision: str, commit: str) -> None:
        refs = self.folder(repository) / "refs"
        name = "main" if revision == commit else revision
        if revision == commit and (refs / "main").exists():
            return  # a pinned commit says nothing about where the branch is
        with _in_words(refs):
            paths.ensure((refs / name).parent)
            write_text(refs / name, commit)

    # -- manifests --------------------------------------------------------------------------------------------

    def manifest(self, repository: str, commit: str) -> Manifest | None:
        return _read_manifest(self._manifest_path(repository, commit))

    def manifests(self, repository: str = "") -> list[Manifest]:
        """Of all downloads, or of one repository; the newest last."""
        files = list((self.models / "manifests").glob("*.json"))
        found = [manifest for path in sorted(files, key=_time) if (manifest := _read_manifest(path))]
        return [manifest for manifest in found if repository in ("", manifest.repository)]

    def is_whole(self, manifest: Manifest, name: str) -> bool:
        """Whether a file is verified and lies in its place, with the right size."""
        row = manifest.row(name)
        place = self.place(manifest.repository, manifest.commit, name)
        return bool(row and row.verified and place.is_file() and place.stat().st_size == row.file.size)

    def begun(self, repository: str, revision: str) -> Manifest | None:
        """The newest manifest of this revision, if it is not whole."""
        same = [manifest for manifest in self.manifests(repository) if manifest.revision == revision]
        if same and not all(self.is_whole(same[-1], row.file.name) for row in same[-1].files):
            return same[-1]
        return None

    def write(self, manifest: Manifest, rows: Iterable[Row] = ()) -> Manifest:
        """Write `manifest` with `rows` changed or added; other rows stay as another thread has written them."""
        with self._manifest_lock:
            path = self._manifest_path(manifest.repository, manifest.commit)
            written = _read_manifest(path)
            base = replace(manifest, files=written.files) if written else replace(manifest, files=())
            known = {row.file.name for row in base.files}
            base = base.with_rows(row for row in manifest.files if row.file.name not in known).with_rows(rows)
            if base != written:
                with _in_words(path):
                    paths.ensure(path.parent)
                write_json(path, base.to_json())
            return base

    def forget_empty(self, repository: str, commit: str, names: Sequence[str]) -> None:
        """Forget that `names` were asked for, if nothing at all of them is on the disk; for who holds the lock."""
        with self._manifest_lock:
            path = self._manifest_path(repository, commit)
            manifest = _read_manifest(path)
            rows = [row for row in manifest.files if row.file.name in names] if manifest else []
            if manifest is None or any(self._is_begun(repository, commit, row) for row in rows):
                return
            kept = tuple(row for row in manifest.files if row not in rows)
            with _in_words(path):
                for row in rows:
                    self.part(repository, row.file).unlink(missing_ok=True)
                if kept:
                    write_json(path, replace(manifest, files=kept).to_json())
                else:
                    path.unlink(missing_ok=True)
                _remove_empty(self.folder(repository))

    def _is_begun(self, repository: str, commit: str, row: Row) -> bool:
        there = self._there(repository, commit, row.file)
        aside = there.with_name(f"{there.name}.damaged")
        return row.verified or there.exists() or aside.exists() or self.received(repository, row.file) > 0

    def _manifest_path(self, repository: str, commit: str) -> Path:
        return self.models / "manifests" / f"{repository.replace('/', '--')}@{commit}.json"


def etag(file: RemoteFile) -> str:
    """The name of a file's blob: its hash, as the hub gives it."""
    return file.sha256 or file.git_sha1


def _remove_empty(folder: Path) -> None:
    """Remove `folder` if there is nothing but folders in it."""
    inside = list(folder.rglob("*"))
    if all(path.is_dir() and not path.is_symlink() for path in inside):
        for path in (*sorted(inside, reverse=True), folder):
            with contextlib.suppress(OSError):
                path.rmdir()


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        _log.warning("the record of a download cannot be read: %s", path.name)
        return None


def _is_right(path: Path, file: RemoteFile, stop: threading.Event, report: Callable[[int], None]) -> bool:
    if _size(path) != file.size:
        return False
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if stop.is_set():
                raise Cancelled
            digest.update(chunk)
            report(len(chunk))
    return digest.hexdigest() == etag(file)


def _share(source: Path, target: Path) -> bool:
    """One content under two names; False where the file system cannot do that."""
    try:
        os.link(source, target)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns)


def _size(path: Path) -> int:
    stamp = _stamp(path)
    return stamp[0] if stamp else -1


def _time(path: Path) -> int:
    stamp = _stamp(path)
    return stamp[1] if stamp else 0


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise from_os_error(error, path) from error
