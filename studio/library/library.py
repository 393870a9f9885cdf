"""The library: every result the user has, by project, with an index that can always be made again from the folder."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from studio.core import paths
from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import _
from studio.core.jobs import Artifact, Job, Medium
from studio.core.recipe import Recipe
from studio.library import rows
from studio.library.database import Damaged, Database, put_aside
from studio.library.filing import DONE_PREFIX, PLAN_FILE, clear_staging, file_artifacts
from studio.library.folder import STAGING, Folder, Record, folder_error, medium_of, merge
from studio.library.items import Event, Item, ItemsAdded, ItemsChanged, ItemsRemoved, Project, ProjectsChanged
from studio.media import carriers

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def _healing(
    method: Callable[Concatenate[Library, _P], _R],
) -> Callable[Concatenate[Library, _P], _R]:
    """Run a method again on a fresh index if the one in use turns out to be damaged."""

    @functools.wraps(method)
    def run(self: Library, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return method(self, *args, **kwargs)
        except Damaged as error:
            self._heal(error)
            return method(self, *args, **kwargs)

    return run


class Library:
    """Results in `results`, indexed in `index` (made if missing; without one, a file in the user's data folder).

    Every method may be called from any thread; listeners are called on the thread that made the change. `problem`
    says in words what is wrong with the folder or the index while the library works as well as it can: the index was
    damaged and rebuilt, cannot be kept, or the folder is not there. Only an index of a newer release stops the
    constructor: `AtelierError("database-newer")`.
    """

    def __init__(
        self, results: Path, index: Path | None = None, *, send_to_trash: Callable[[str], None] | None = None
    ) -> None:
        self.results = Path(os.path.abspath(results))
        self.problem: AtelierError | None = None
        self._folder = Folder(self.results)
        self._trash = send_to_trash or _send_to_trash
        self._listeners: list[Callable[[Event], None]] = []
        self._lock = threading.Lock()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        try:
            paths.ensure(self.results)
        except OSError as error:
            self.problem = folder_error(error, self.results)
        self._db = self._open(index or default_index(self.results))
        self._seen, self._announced = 0, set[str]()
        if self._db.fresh:
            self.rebuild()
        with self._db.read() as connection:
            self._seen = connection.execute("SELECT coalesce(max(number), 0) FROM items").fetchone()[0]

    def close(self) -> None:
        self._db.close()
        if self._temporary:
            self._temporary.cleanup()

    # What is there

    @_healing
    def items(
        self,
        project: str | None = None,
        medium: Medium | None = None,
        search: str = "",
        favourites: bool = False,
        limit: int = 500,
        before: str | None = None,
    ) -> list[Item]:
        """Results, the newest first, at most `limit`; `before` is the id of the last one of the previous page.
        `search`: every word must occur in the title, the text, the prompt or the model's name."""
        with self._db.read() as connection:
            found = rows.find(connection, self._db.fts5, project, medium, search, favourites, limit, before)
        return [self._item(record) for record in found]

    def item(self, id: str) -> Item | None:
        record = self._find(id)
        return self._item(record) if record else None

    @_healing
    def job_items(self, job: str) -> list[Item]:
        """The results that a job made, in their order."""
        with self._db.read() as connection:
            found = rows.select(connection, "job = ? ORDER BY created, id", (job,))
        return [self._item(record) for record in found]

    def recipe(self, id: str) -> Recipe:
        """How a result was made. Raises `AtelierError`: "file-missing", "recipe-unreadable" …"""
        item = self.item(id)
        if item is None:
            raise AtelierError("file-missing", {"path": id})
        return carriers.extract(item.path)

    # Projects

    @_healing
    def projects(self) -> list[Project]:
        """Every project, the one used last first."""
        with self._db.read() as connection:
            counts = {
                row[0]: (row[1], row[2])
                for row in connection.execute("SELECT project, count(*), max(created) FROM items GROUP BY project")
            }
        found = []
        for id in self._folder.projects():
            data = self._folder.project(id)
            count, newest = counts.get(id, (0, 0.0))
            folder = self.results / id
            found.append(Project(id, data.name, folder, data.created, max(newest, data.created), count))
        return sorted(found, key=lambda project: (-project.modified, project.name.casefold()))

    def project(self, id: str) -> Project | None:
        return next((project for project in self.projects() if project.id == id), None)

    @_healing
    def create_project(self, name: str) -> Project:
        """A new project with a folder of its own. Raises `InvalidInput("name-empty")`, or what the disk says."""
        name = _clean_name(name)
        with self._db.write():
            project = self.project(self._folder.create_project(name))
        assert project is not None
        self._tell(ProjectsChanged())
        return project

    def project_for(self, value: str = "") -> Project:
        """The project with this id or name, made if there is none; for "" the one used last, or a first one."""
        projects = self.projects()
        if not value.strip() and projects:
            return projects[0]
        for project in projects:
            if value in (project.id, project.name):
                return project
        return self.create_project(value if value.strip() else _("My project"))

    @_healing
    def rename_project(self, id: str, name: str) -> Project:
        """Change what a project is called. Its folder, and so its id, stay. Raises as `create_project`."""
        name = _clean_name(name)
        with self._db.write():
            self._folder.update_project(id, name=name)
        self._tell(ProjectsChanged())
        project = self.project(id)
        assert project is not None
        return project

    # Changes

    @_healing
    def set_favourite(self, id: str, on: bool) -> None:
        self._change(id, favourite=on)

    @_healing
    def set_title(self, id: str, title: str) -> None:
        """What the result is called in the library; its file keeps its name."""
        self._change(id, title=_clean_name(title))

    def trash(self, ids: Iterable[str]) -> None:
        """Move results to the system's trash. Those that worked are gone from the library even if another one raises
        `AtelierError("trash-failed")`."""
        gone: list[Record] = []
        try:
            for id in ids:
                if record := self._find(id):
                    self._trash_file(self._folder.absolute(record.path))
                    gone.append(record)
        finally:
            self._forget(gone)

    # Filing

    def staging(self, job_id: str) -> Path:
        """The folder, made if needed, where a job puts its files: in the same file system as the results."""
        folder = self.results / STAGING / job_id
        try:
            folder.parent.mkdir(exist_ok=True)
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise folder_error(error, self.results) from error
        return folder

    @_healing
    def file(self, job: Job, staging: Path, manifest: Mapping[str, Any]) -> list[Item]:
        """Move what `job` made into its project and index it; `manifest["artifacts"]` are artefacts as JSON. Safe to
        call again after a crash at any point; a job that is filed already gives its items. Raises `AtelierError` (disk
        full, no right to write, folder missing); nothing is lost then, and it can be called again."""
        artifacts = [Artifact.from_json(item) for item in manifest.get("artifacts", ())]
        if not staging.is_dir() or not (artifacts or (staging / PLAN_FILE).exists()):
            clear_staging(staging)
            return self.job_items(job.id)
        project = self.project_for(job.request.project).id
        with self._db.write() as connection:
            records = file_artifacts(self._folder, project, job, staging, artifacts, manifest)
            self._folder.write_records(records)
            known = {record.id for record in rows.select(connection, "job = ?", (job.id,))}
            added = [record for record in records if record.id not in known]
            rows.insert(connection, added, self.results)
            self._announced |= {record.id for record in added}
        clear_staging(staging)
        self._tell_difference({}, {record.id: record for record in added})
        return [self._item(record) for record in records]

    # Agreement with the folder

    @_healing
    def refresh(self) -> None:
        """Bring the index up to date with the folder: files that were added, moved, renamed or lost, and what another
        program filed. Takes a while with many results; call it off the user interface's thread."""
        if not self.results.is_dir():
            self.problem = AtelierError("folder-missing", {"path": str(self.results)})
            return
        if self.problem and self.problem.code == "folder-missing":
            self.problem = None
        self._db.check()
        for leftover in (self.results / STAGING).glob(f"{DONE_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self._folder.sweep()
        scan = self._folder.scan()
        with self._db.write() as connection:
            old = {record.id: record for record in rows.select(connection)}
            now, adopted = merge(scan, old, lambda path: self._folder.absolute(path).exists())
            self._settle(adopted, scan.moved)
            for record in now.values():
                if record.id not in old:
                    rows.insert(connection, [record], self.results)
                elif record != old[record.id]:
                    rows.update(connection, record)
            elsewhere = {r.id for r in rows.select(connection, "number > ?", (self._seen,))} - self._announced
            self._catch_up(connection)
        self._tell_difference({id: record for id, record in old.items() if id not in elsewhere}, now)

    @_healing
    def rebuild(self) -> None:
        """Make the index again from the folder alone."""
        with self._db.write() as connection:
            old = {record.id: record for record in rows.select(connection)}
            scan = self._folder.scan()
            now = {record.id: record for record in [*scan.known, *scan.adopted]}
            self._settle(scan.adopted, scan.moved)
            rows.delete(connection)
            rows.insert(connection, now.values(), self.results)
            self._catch_up(connection)
        self._tell_difference(old, now)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` after each change; returns a function that ends it."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock, suppress(ValueError):
                self._listeners.remove(listener)

        return end

    # Inside

    def _open(self, index: Path) -> Database:
        try:
            try:
                return Database(index)
            except Damaged as error:
                kept = put_aside(index)
                self.problem = AtelierError("database-damaged", {"path": str(kept)}, details=str(error))
                return Database(index)
        except AtelierError as error:
            if error.code == "database-newer":
                raise AtelierError("database-newer", {"path": str(self.results)}) from error
            failure = error
        except OSError as error:
            failure = folder_error(error, index.parent)
        _log.warning("the index cannot be kept: %s", failure.details)
        self.problem = self.problem or failure
        self._temporary = tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True)
        return Database(Path(self._temporary.name) / "index.db")

    def _heal(self, error: Damaged) -> None:
        kept = self._db.replace_damaged()
        _log.warning("the index was damaged: %s; kept as %s", error, kept)
        if kept is not None:
            self.problem = AtelierError("database-damaged", {"path": str(kept)}, details=str(error))
            self.rebuild()

    @_healing
    def _find(self, id: str) -> Record | None:
        with self._db.read() as connection:
            found = rows.select(connection, "id = ?", (id,))
        return found[0] if found else None

    def _item(self, record: Record) -> Item:
        return Item(
            id=record.id,
            job=record.job,
            project=record.project,
            medium=medium_of(record),
            title=record.title,
            path=self._folder.absolute(record.path),
            created=record.created,
            favourite=record.favourite,
            media_type=record.media_type,
            size=record.size,
            metadata=record.metadata,
            parents=record.parents,
            model=record.model,
            family=record.family,
            missing=record.missing,
        )

    def _change(self, id: str, **fields: Any) -> None:
        with self._db.write() as connection:
            found = rows.select(connection, "id = ?", (id,))
            if not found:
                return
            changed = replace(found[0], **fields)
            if "favourite" in fields:
                self._folder.set_favourites({changed.path: changed.favourite})
            else:
                self._folder.write_records([changed])
            rows.update(connection, changed)
        self._tell(ItemsChanged((self._item(changed),)))

    def _trash_file(self, path: Path) -> None:
        for each in (path, *carriers.companions(path)):
            if not each.exists():
                continue
            try:
                self._trash(str(each))
            except Exception as error:  # send2trash raises what each system's own trash raises
                raise AtelierError("trash-failed", {"path": str(each)}, details=repr(error)) from error

    @_healing
    def _forget(self, gone: Sequence[Record]) -> None:
        if not gone:
            return
        with self._db.write() as connection:
            self._folder.set_favourites({record.path: False for record in gone})
            self._folder.write_records([], [record.path for record in gone])
            for record in gone:
                rows.delete(connection, "id = ?", (record.id,))
        self._tell(ItemsRemoved(tuple(record.id for record in gone)))

    def _settle(self, adopted: Sequence[Record], moved: Sequence[str]) -> None:
        """Write down what a scan found, so that the next one finds the same. A folder that may not be written stays as
        it is: what is found there gets an id for this run."""
        try:
            self._folder.write_records(list(adopted), list(moved))
            marks = dict.fromkeys(moved, False) | {record.path: True for record in adopted if record.favourite}
            self._folder.set_favourites(marks)
        except AtelierError as error:
            _log.warning("the ledger cannot be written: %s", error.details)

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        self._seen = connection.execute("SELECT coalesce(max(number), 0) FROM items").fetchone()[0]
        self._announced.clear()

    def _tell_difference(self, old: Mapping[str, Record], now: Mapping[str, Record]) -> None:
        added = tuple(self._item(record) for id, record in now.items() if id not in old)
        changed = tuple(self._item(record) for id, record in now.items() if id in old and record != old[id])
        removed = tuple(id for id in old if id not in now)
        for event in (ItemsRemoved(removed), ItemsChanged(changed), ItemsAdded(added)):
            if event.ids if isinstance(event, ItemsRemoved) else event.items:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(event)


def default_index(results: Path) -> Path:
    """Where the index of this folder of results is kept: each folder has its own."""
    name = hashlib.sha256(str(results).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return paths.data_dir() / "library" / f"{name}.db"


def _clean_name(name: str) -> str:
    name = " ".join(name.encode("utf-8", "ignore").decode("utf-8").split())[:200]
    if not name:
        raise InvalidInput("name-empty", {"parameter": "name"})
    return name


def _send_to_trash(path: str) -> None:
    import send2trash

    send2trash.send2trash(path)
