"""The user's folder of results, and the two small files by which the index can be made again from it.

    <results>/<project>/project.json             name, favourites
    <results>/<project>/<date>/The lamp.txt      a result (with its sidecar)
    <results>/<project>/<date>/.items.json       the ledger: ids, times and figures of the results beside it

Both are JSON with a version; fields that this release does not know survive. Whoever writes them holds the index's
write transaction, so two programs never write at once.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from studio.core.errors import AtelierError, from_os_error
from studio.core.files import write_json
from studio.core.i18n import _
from studio.core.jobs import Blob, Medium, new_id
from studio.library.database import put_aside
from studio.library.names import fold, free_name, safe_name
from studio.media import carriers

VERSION = 1
PROJECT_FILE = "project.json"
LEDGER_FILE = ".items.json"
STAGING = ".staging"
DOCUMENTS = "documents"
_ABANDONED = 86_400.0  # s


@dataclass(frozen=True)
class Record:
    """A result as index and ledger know it. `path` is relative to the results folder, with forward slashes."""

    id: str
    path: str
    job: str = ""
    medium: str = "text"
    title: str = ""
    created: float = 0.0
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    model: str = ""
    family: str = ""
    favourite: bool = False
    missing: bool = False

    @property
    def project(self) -> str:
        return PurePosixPath(self.path).parts[0]


# What the ledger does not repeat: where the file is, and what project.json or the disk says.
_NOT_IN_LEDGER = ("path", "favourite", "missing")
_KINDS = {"id": str, "job": str, "title": str, "created": int | float, "media_type": str, "size": int, "sha256": str}
_KINDS |= {"metadata": dict, "parents": list, "model": str, "family": str, "medium": str}


@dataclass(frozen=True)
class ProjectFile:
    """What project.json says; `favourites` are paths relative to the project's folder."""

    name: str
    created: float
    favourites: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scan:
    """What lies in the folder: `known` from the ledgers (those whose file is lost with `missing`), `adopted` files that
    no ledger names, and the old paths of those of them that were `moved`."""

    known: list[Record]
    adopted: list[Record]
    moved: list[str]


class Folder:
    """Reads and writes below `root`. Errors of the disk are `AtelierError` in words, except in `scan` and `projects`,
    which pass over what cannot be read."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self._clock = clock

    def projects(self) -> list[str]:
        """The ids (folder names) of the projects: folders with a project.json, or with results of this program."""
        try:
            with os.scandir(self.root) as entries:
                names = [entry.name for entry in entries if entry.is_dir() and _shown(entry.name)]
        except OSError:
            return []
        return sorted(name for name in names if self._is_project(self.root / name))

    def _is_project(self, folder: Path) -> bool:
        return (folder / PROJECT_FILE).is_file() or any(True for _ledger in folder.glob(f"*/{LEDGER_FILE}"))

    def project(self, id: str) -> ProjectFile:
        data = {}
        with suppress(AtelierError):
            data = self._read_project(id)
        name, created, favourites = data.get("name"), data.get("created"), data.get("favourites")
        return ProjectFile(
            name=name if isinstance(name, str) and name.strip() else id,
            created=float(created) if isinstance(created, int | float) else 0.0,
            favourites=frozenset(item for item in favourites if isinstance(item, str))
            if isinstance(favourites, list)
            else frozenset(),
        )

    def create_project(self, name: str) -> str:
        """Make a project's folder; returns its id."""
        try:
            taken = {fold(path.name) for path in self.root.iterdir()}
            id = free_name(safe_name(name, _("Project")), taken)
            (self.root / id).mkdir()
        except OSError as error:
            raise folder_error(error, self.root) from error
        self.update_project(id, name=name, created=self._clock())
        return id

    def update_project(self, id: str, **fields: Any) -> None:
        """Set fields of project.json; all others stay."""
        data = self._read_project(id)
        version = data.get("version", VERSION)
        write_json(self.root / id / PROJECT_FILE, {"name": id, "favourites": [], **data, **fields, "version": version})

    def set_favourites(self, changes: Mapping[str, bool]) -> None:
        """Mark (or not) the results at these paths, relative to the results folder."""
        for id in {PurePosixPath(path).parts[0] for path in changes}:
            marked = set(self.project(id).favourites)
            for path, on in changes.items():
                first, _slash, rest = path.partition("/")
                if first == id:
                    marked = marked | {rest} if on else marked - {rest}
            if marked != self.project(id).favourites:
                self.update_project(id, favourites=sorted(marked))

    def _read_project(self, id: str) -> dict[str, Any]:
        return read_object(self.root / id / PROJECT_FILE)

    def write_records(self, records: list[Record], gone: list[str] | None = None) -> None:
        """Write `records` into the ledgers beside their files, and forget the paths in `gone`."""
        changes: dict[PurePosixPath, dict[str, dict[str, Any] | None]] = {}
        for path in gone or []:
            changes.setdefault(PurePosixPath(path).parent, {})[PurePosixPath(path).name] = None
        for record in records:
            entry = {key: value for key, value in asdict(record).items() if key not in _NOT_IN_LEDGER}
            changes.setdefault(PurePosixPath(record.path).parent, {})[PurePosixPath(record.path).name] = entry
        for folder, entries in changes.items():
            path = self.root / folder / LEDGER_FILE
            if not path.parent.is_dir():
                continue
            data = read_object(path)
            items = data.get("items")
            kept: dict[str, Any] = items if isinstance(items, dict) else {}
            for name, entry in entries.items():
                if entry is None:
                    kept.pop(name, None)
                else:
                    old = kept.get(name)
                    kept[name] = {**(old if isinstance(old, dict) else {}), **entry}
            write_json(path, {**data, "items": kept, "version": data.get("version", VERSION)})

    def scan(self) -> Scan:
        """Every result below the folder.

        A file counts if a ledger names it or if it carries a recipe; one that is in no ledger gets the id of a lost
        file with the same contents, else a new one. Lost files are returned with `missing`.
        """
        known: dict[str, Record] = {}
        unknown: list[Path] = []
        lost: list[Record] = []
        for id in self.projects():
            favourites = self.project(id).favourites
            for folder, names in self._walk(self.root / id):
                entries = self._ledger(folder, favourites)
                for name, record in entries.items():
                    if name not in names:
                        lost.append(record)
                    elif record.id in known:  # a copy of a whole folder: the copies are results of their own
                        unknown.append(folder / name)
                    else:
                        known[record.id] = record
                unknown += [folder / name for name in sorted(names - entries.keys())]
        adopted, moved = self._adopt(unknown, lost)
        kept = known.keys() | {record.id for record in adopted}
        missing = [replace(record, missing=True) for record in lost if record.id not in kept]
        return Scan([*known.values(), *missing], adopted, moved)

    def sweep(self) -> None:
        """Remove what a killed program left of a file that it was writing: hidden, never seen by the user."""
        for id in self.projects():
            for path in (self.root / id).rglob(".*.part"):
                with suppress(OSError):
                    if self._clock() - path.stat().st_mtime > _ABANDONED:
                        path.unlink()

    def _walk(self, folder: Path) -> Iterator[tuple[Path, set[str]]]:
        for where, folders, names in os.walk(folder):
            here = Path(where)
            folders[:] = sorted(n for n in folders if _shown(n) and (here != folder or n != DOCUMENTS))
            yield here, set(filter(_shown, names))

    def _ledger(self, folder: Path, favourites: frozenset[str]) -> dict[str, Record]:
        records = {}
        items = None
        with suppress(AtelierError):
            items = read_object(folder / LEDGER_FILE).get("items")
        for name, entry in items.items() if isinstance(items, dict) else ():
            fields = _fields(entry)
            if fields is None or not _shown(name) or name != PurePosixPath(name).name or "\\" in name:
                continue
            path = self.relative(folder / name)
            records[name] = Record(**fields, path=path, favourite=path.partition("/")[2] in favourites)
        return records

    def _adopt(self, paths: list[Path], lost: list[Record]) -> tuple[list[Record], list[str]]:
        by_size: dict[int, list[Record]] = {}
        for record in lost:
            by_size.setdefault(record.size, []).append(record)
        adopted: list[Record] = []
        moved: list[str] = []
        for path in paths:
            if path.suffix.lower() not in carriers.CARRIERS:
                continue
            try:
                stat = path.stat()
                same = by_size.get(stat.st_size, [])
                sha256 = Blob.of(path).sha256 if same else ""
                twin = next((r for r in same if r.sha256 == sha256 and r.path not in moved), None)
                if twin:
                    moved.append(twin.path)
                    adopted.append(replace(twin, path=self.relative(path)))
                    continue
                recipe = carriers.extract(path)
                adopted.append(
                    Record(
                        id=new_id(),
                        path=self.relative(path),
                        medium=str(recipe.medium),
                        title=_clean(recipe.title) or path.stem,
                        created=stat.st_mtime,
                        media_type=carriers.MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream"),
                        size=stat.st_size,
                        sha256=sha256 or Blob.of(path).sha256,
                        parents=tuple(_clean(str(parent)) for parent in recipe.parents),
                        model=_clean(recipe.model),
                        family=_clean(recipe.family),
                    )
                )
            except (OSError, AtelierError):
                continue
        return adopted, moved

    def relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def absolute(self, path: str) -> Path:
        return self.root.joinpath(*PurePosixPath(path).parts)


def merge(
    scan: Scan, old: Mapping[str, Record], exists: Callable[[str], bool]
) -> tuple[dict[str, Record], list[Record]]:
    """What an index that says `old` has to say after `scan`, by id; and the records that ledgers must learn of. The
    folder decides where files are, the index what is known of them (a scan may be older than a change)."""
    by_path = {record.path: record for record in old.values()}
    # What the index does not know may have been thrown away since the scan.
    found = [record for record in scan.known if record.id in old or (not record.missing and exists(record.path))]
    now = {record.id: record for record in found}
    # A file that the index knows though its ledger is gone keeps its id.
    adopted = [by_path.get(record.path, record) for record in scan.adopted if exists(record.path)]
    now |= {record.id: replace(record, missing=False) for record in adopted}
    for id, record in now.items():
        if previous := old.get(id):
            now[id] = replace(previous, path=record.path, missing=record.missing)
    for id in old.keys() - now.keys():
        now[id] = replace(old[id], missing=not exists(old[id].path))
    return now, [now[record.id] for record in adopted]


def _fields(entry: Any) -> dict[str, Any] | None:
    """What a ledger says of one file, as fields of a `Record`; None for what cannot be one."""
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"]:
        return None
    fields = {key: entry[key] for key, kind in _KINDS.items() if isinstance(entry.get(key), kind)}
    fields = {key: _clean(value) if isinstance(value, str) else value for key, value in fields.items()}
    created, size = entry.get("created", 0.0), entry.get("size", 0)
    if not _in_range(created, 2**53) or not _in_range(size, 2**63 - 1):
        return None
    fields["parents"] = tuple(_clean(str(parent)) for parent in fields.get("parents", ()))
    return fields


def _in_range(value: Any, most: int) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= most


def _shown(name: str) -> bool:
    """Whether a file or folder is looked at: not hidden, and with a name that is text."""
    return not name.startswith(".") and name == _clean(name)


def _clean(text: str) -> str:
    """`text` without lone surrogates (damaged JSON, file names that are not UTF-8)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty if there is none. A damaged file is put aside, so that writing a new one loses
    nothing; one that may not be read raises `AtelierError`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(data, dict):
            return data
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise from_os_error(error, path) from error
    except ValueError:
        pass
    with suppress(OSError):
        put_aside(path)
    return {}


def folder_error(error: OSError, root: Path) -> AtelierError:
    """An `OSError` in words, where a missing results folder is more to the point than a missing file."""
    if not root.is_dir() and not isinstance(error, PermissionError):
        return AtelierError("folder-missing", {"path": str(root)}, details=str(error))
    return from_os_error(error, error.filename or root)


def medium_of(record: Record) -> Medium:
    """The medium as an enumeration; a medium of a later release counts as text."""
    return Medium(record.medium) if record.medium in list(Medium) else Medium.TEXT
