"""Where documents live: `<results>/<project>/documents/<Title>.<kind>.json`, found by the id inside.

A document's own files (sounds of a reading, say) lie in `documents/.parts/<id>/`. One program at a time edits a
document: it holds a lock beside it. What a document looked like before it was edited is kept in `.earlier/` until it is
edited the next time, for the day on which a file turns out to be damaged.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

from studio.core.errors import AtelierError, from_os_error
from studio.core.files import write_bytes
from studio.core.i18n import _
from studio.core.jobs import new_id
from studio.core.paths import ensure
from studio.documents.autosave import DELAY, Autosaver
from studio.documents.base import HEAD_LIMIT, VERSION, Document
from studio.documents.chat import ChatDocument
from studio.documents.locks import FileLock
from studio.documents.picture import PictureDocument
from studio.documents.speech import SpeechDocument
from studio.documents.text import TextDocument
from studio.library import Library
from studio.library.folder import DOCUMENTS
from studio.library.names import fold, free_name, safe_name

_log = logging.getLogger(__name__)

KINDS: dict[str, type[Document]] = {
    cls.kind: cls for cls in (TextDocument, ChatDocument, SpeechDocument, PictureDocument)
}
EARLIER, PARTS = ".earlier", ".parts"


@dataclass(frozen=True)
class Summary:
    """A line in a list of documents. `problem`: the file cannot be opened, and why ("document-damaged",
    "document-newer"); its title is then the file's name. `earlier`: there is a copy of how it was before; `about`: what
    the kind tells of itself (`Document.about`)."""

    id: str
    kind: str
    title: str
    project: str
    path: Path
    created: float = 0.0
    modified: float = 0.0
    excerpt: str = ""
    problem: AtelierError | None = None
    earlier: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)


class DocumentStore:
    """All documents of all projects. Methods are for the user interface's thread; saving happens on another.

    An edit is on disk at most `delay` s later, and the time of one save. `stop` saves what is left.
    """

    def __init__(
        self,
        library: Library,
        *,
        delay: float = DELAY,
        clock: Callable[[], float] = time.monotonic,
        threaded: bool = True,
        send_to_trash: Callable[[str], None] | None = None,
    ) -> None:
        self._library = library
        self._trash = send_to_trash or _send_to_trash
        self._open: dict[str, Document] = {}
        self._locks: dict[str, FileLock] = {}
        self._changed: set[str] = set()
        self._heads: dict[Path, tuple[tuple[int, int], Summary]] = {}
        self._saving = threading.RLock()
        self.saver = Autosaver(self.save, delay, clock, threaded)

    # Opening and closing

    @overload
    def create(self, kind: Literal["text"], project: str = "", title: str = "") -> TextDocument: ...
    @overload
    def create(self, kind: Literal["chat"], project: str = "", title: str = "") -> ChatDocument: ...
    @overload
    def create(self, kind: Literal["speech"], project: str = "", title: str = "") -> SpeechDocument: ...
    @overload
    def create(self, kind: Literal["picture"], project: str = "", title: str = "") -> PictureDocument: ...
    @overload
    def create(self, kind: str, project: str = "", title: str = "") -> Document: ...
    def create(self, kind: str, project: str = "", title: str = "") -> Document:
        """A new document in a project ("": the one used last). Its file appears with the first edit. Raises
        `AtelierError` if the folder cannot be written."""
        document = KINDS[kind](project=self._library.project_for(project).id, title=title)
        self._adopt(document)
        return document

    def open(self, id: str) -> Document:
        """The document with this id; the same object as long as it is open. If another program has it open,
        `read_only` is set. Raises `AtelierError`: "file-missing", "document-damaged", "document-newer"."""
        if id in self._open:
            return self._open[id]
        summary = self._find(id)
        document = self._read(summary)
        self._adopt(document)
        return document

    def copy(self, id: str) -> Document:
        """A new document with the contents of another, which may be open elsewhere. Raises as `open`."""
        document = self._read(self._find(id))
        document.id, document.file = new_id(), None
        parts = self._parts(document.project, id)
        if parts.is_dir():
            try:
                shutil.copytree(parts, self._parts(document.project, document.id))
            except OSError as error:  # shutil.Error among them
                raise from_os_error(error, parts) from error
        self._adopt(document)
        document.set_title(_("{title} (copy)").format(title=document.name))
        return document

    def has(self, id: str) -> bool:
        """Whether there is a document with this id: open, or on disk."""
        return id in self._open or any(summary.id == id for summary in self.list())

    def has_earlier(self, id: str) -> bool:
        """Whether there is a copy of how a document was before, for `open_earlier`."""
        return any(summary.id == id and summary.earlier for summary in self.list())

    def open_earlier(self, id: str) -> Document:
        """Open a damaged document as it was before; the damaged file is put aside as `<name>.damaged`."""
        summary = self._find(id)
        earlier = _earlier(summary.path)
        try:
            data = earlier.read_bytes()
            aside = summary.path.name + ".damaged"
            taken = {fold(path.name) for path in summary.path.parent.iterdir()}
            os.replace(summary.path, summary.path.with_name(free_name(aside, taken)))
            write_bytes(summary.path, data)
        except OSError as error:
            raise from_os_error(error, earlier) from error
        return self.open(self._summary(summary.project, summary.path).id)

    def close(self, document: Document) -> None:
        """Save and let go. Raises `AtelierError` if it cannot be saved: it stays open then."""
        self.save(document)
        if document.dirty and document.problem:
            raise document.problem
        self._release(document)

    def stop(self) -> list[Document]:
        """Save everything, end the saver's thread and let go of all locks; returns what could not be saved."""
        self.saver.stop()
        failed = self.save_all()
        for document in list(self._open.values()):
            self._release(document)
        return failed

    def save_all(self) -> list[Document]:
        """Save everything now; returns what could not be saved, with its `problem`."""
        for document in list(self._open.values()):
            self.save(document)
        return [document for document in self._open.values() if document.dirty and document.problem]

    # Saving

    def save(self, document: Document) -> None:
        """Write a document that has edits, now. Does not raise: `document.problem` says what went wrong."""
        with self._saving:
            if not document.dirty or document.read_only or document.id not in self._open:
                return
            edits, write = document.snapshot()
            problem = None
            try:
                self._write(document, write())
            except AtelierError as error:
                problem = error
            except OSError as error:
                problem = from_os_error(error, document.file or self._folder(document.project))
            if problem:
                _log.warning("a document could not be saved: %s %s", problem.code, problem.details)
        document.mark_saved(edits, problem)

    def _write(self, document: Document, text: str) -> None:
        folder = self._folder(document.project)
        if not folder.parent.is_dir():
            raise AtelierError("folder-missing", {"path": str(folder.parent)})
        ensure(folder)
        stem = safe_name(document.title, _(document.untitled))
        suffix = f".{document.kind}.json"
        old = document.file
        path = old
        if old is None or not _named_after(old, stem, suffix):
            taken = {fold(p.name.removesuffix(suffix)) for p in folder.iterdir() if p != old}
            path = folder / (free_name(stem, taken) + suffix)
        assert path is not None
        if old is not None and document.id not in self._changed:
            self._keep_earlier(old)
        self._changed.add(document.id)
        write_bytes(old or path, text.encode("utf-8", "replace"))
        if old is not None and path != old:
            # Listed by the id inside, so a crash between the two steps only leaves the old name.
            os.rename(old, path)
            with suppress(OSError):
                os.replace(_earlier(old), _earlier(path))
        document.file = path

    # Lists

    def list(self, project: str | None = None, kind: str | None = None) -> list[Summary]:
        """Documents of a project (None: of all), the one changed last first."""
        ids = [project] if project is not None else [item.id for item in self._library.projects()]
        found = [summary for id in ids for summary in self._scan(id) if kind in (None, summary.kind)]
        return sorted(found, key=lambda summary: -summary.modified)

    def recent(self, limit: int = 20, kind: str | None = None) -> list[Summary]:
        """Of all projects, those changed last."""
        return self.list(kind=kind)[:limit]

    def trash(self, id: str) -> None:
        """Move a document to the system's trash, open or not. Raises `AtelierError("trash-failed")`, and
        "document-open" if another program has it."""
        document = self._open.get(id)
        if document is not None and not document.read_only:
            self.save(document)
            path = document.file
        else:
            summary = self._find(id)
            path, lock = summary.path, FileLock(_lock_path(summary.path.parent, id))
            if not lock.acquire():
                raise AtelierError("document-open", {"title": summary.title or _(KINDS[summary.kind].untitled)})
            lock.release()
        if path is not None and path.exists():
            self._to_trash(path)
            if (parts := path.parent / PARTS / id).is_dir():
                self._to_trash(parts)
        if document is not None:
            self._release(document)

    # Inside

    def _to_trash(self, path: Path) -> None:
        try:
            self._trash(str(path))
        except Exception as error:  # send2trash raises what each system's own trash raises
            raise AtelierError("trash-failed", {"path": str(path)}, details=repr(error)) from error

    def _parts(self, project: str, id: str) -> Path:
        return self._folder(project) / PARTS / id

    def _folder(self, project: str) -> Path:
        return self._library.results / project / DOCUMENTS

    def _adopt(self, document: Document) -> None:
        folder = self._folder(document.project)
        try:
            # Not its parents: a drive that is not there must not be made anew.
            folder.mkdir(exist_ok=True)
        except FileNotFoundError as error:
            raise AtelierError("folder-missing", {"path": str(folder.parent)}) from error
        except OSError as error:
            raise from_os_error(error, folder) from error
        lock = FileLock(_lock_path(folder, document.id))
        document.read_only = not lock.acquire()
        self._locks[document.id] = lock
        self._open[document.id] = document
        document._touched = self.saver.touch
        document.attach(self._parts(document.project, document.id))

    def _release(self, document: Document) -> None:
        with self._saving:
            self.saver.forget(document)
            self._open.pop(document.id, None)
            self._changed.discard(document.id)
            if lock := self._locks.pop(document.id, None):
                lock.release()

    def _find(self, id: str) -> Summary:
        for project in self._library.projects():
            for summary in self._scan(project.id):
                if summary.id == id:
                    return summary
        raise AtelierError("file-missing", {"path": id})

    def _read(self, summary: Summary) -> Document:
        if summary.problem:
            raise summary.problem
        try:
            data = json.loads(summary.path.read_bytes())
            document = KINDS[data["kind"]](project=summary.project)
            document.take(data)
        except OSError as error:
            raise from_os_error(error, summary.path) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise AtelierError("document-damaged", {"path": str(summary.path)}, details=repr(error)) from error
        document.id, document.file = summary.id, summary.path
        return document

    def _scan(self, project: str) -> Iterator[Summary]:
        try:
            with os.scandir(self._folder(project)) as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith(".json"))
        except OSError:
            return
        seen: set[str] = set()
        for name in names:
            if name.startswith("."):
                continue
            try:
                summary = self._summary(project, self._folder(project) / name)
            except OSError:
                continue
            if summary.id in seen:  # a copy made outside is a document of its own
                summary = Summary(**{**vars(summary), "id": _id_of_name(project, name)})
            seen.add(summary.id)
            yield summary

    def _summary(self, project: str, path: Path) -> Summary:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._heads.get(path)
        if known is None or known[0] != stamp:
            self._heads[path] = known = (stamp, _summarise(project, path, stat.st_mtime))
        return known[1]

    def _keep_earlier(self, path: Path) -> None:
        """A copy of a file that was read well. Best effort: a full disk must not keep the edits from being saved."""
        with suppress(OSError, AtelierError):
            ensure(path.parent / EARLIER)
            write_bytes(_earlier(path), path.read_bytes())


def read_head(path: Path) -> dict[str, Any]:
    """The fields of the first line of a document's file (without `content`), reading no more than needed. Raises
    `OSError`, or `ValueError` for what is no document."""
    with path.open("rb") as stream:
        line = stream.readline(HEAD_LIMIT)
        try:
            head = json.loads(line.rstrip().removesuffix(b",") + b"}")
        except ValueError:
            head = json.loads(line + stream.read())
    if not isinstance(head, dict) or not isinstance(head.get("atelier_document"), int):
        raise ValueError("no document")
    return head


def _summarise(project: str, path: Path, modified: float) -> Summary:
    earlier = _earlier(path).exists()
    problem = "document-damaged"
    try:
        head = read_head(path)
        if head["atelier_document"] > VERSION or head["kind"] not in KINDS:
            problem = "document-newer"
            raise ValueError("newer")
        return Summary(
            id=str(head["id"]),
            kind=head["kind"],
            title=str(head["title"]),
            project=project,
            path=path,
            created=float(head["created"]),
            modified=float(head["modified"]),
            excerpt=str(head.get("excerpt", "")),
            earlier=earlier,
            about=about if isinstance(about := head.get("about"), dict) else {},
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        parts = path.name.split(".")
        return Summary(
            id=_id_of_name(project, path.name),
            kind=parts[-2] if len(parts) > 2 and parts[-2] in KINDS else "",
            title=parts[0],
            project=project,
            path=path,
            modified=modified,
            problem=AtelierError(problem, {"path": str(path)}, details=repr(error)),
            earlier=earlier,
        )


def _id_of_name(project: str, name: str) -> str:
    return hashlib.sha256(f"{project}/{name}".encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _named_after(path: Path, stem: str, suffix: str) -> bool:
    """Whether a file is called `stem`, perhaps with a number."""
    name = path.name.removesuffix(suffix)
    return name == stem or (name.startswith(f"{stem} ") and name[len(stem) + 1 :].isdecimal())


def _earlier(path: Path) -> Path:
    return path.parent / EARLIER / path.name


def _lock_path(folder: Path, id: str) -> Path:
    return folder / f".{id}.lock"


def _send_to_trash(path: str) -> None:
    import send2trash

    send2trash.send2trash(path)
