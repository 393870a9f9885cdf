"""What all documents share: identity, undo by commands, listeners, and the JSON they are kept as.

A document is edited on one thread (the user interface's) and saved from another: every method locks it. Listeners are
called on the thread that made the change, `SavedChanged` on the saver's thread.
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.core.jobs import new_id

VERSION = 1
# The first line of a file: enough for a list of documents without reading what may be a long text.
HEAD_LIMIT = 4096
_UNDO_STEPS = 500
_UNDO_BYTES = 16 * 1024 * 1024
_EXCERPT = 160

D = TypeVar("D", bound="Document")
R = TypeVar("R")


@dataclass(frozen=True)
class Change:
    """Something about `document` is different now; subclasses say what."""

    document: Document


@dataclass(frozen=True)
class TitleChanged(Change):
    pass


@dataclass(frozen=True)
class UndoChanged(Change):
    """`can_undo`, `can_redo` or a label is different."""


@dataclass(frozen=True)
class SavedChanged(Change):
    """`dirty` or `problem` is different. Arrives on the saver's thread."""


Listener = Callable[[Change], None]


class Command(Protocol):
    """One undo step. `size`: roughly the bytes that keeping it takes."""

    label: str

    @property
    def size(self) -> int: ...

    def apply(self, document: Any) -> None: ...

    def revert(self, document: Any) -> None: ...

    def merge(self, following: Command) -> Command | None:
        """This and the `following` command as one step (typing), or None."""
        ...


class Document(ABC):
    """A titled piece of work in a project.

    `read_only` documents (open in another program) refuse edits with `AtelierError("document-open")`. `problem` is why
    the last save failed, in words; edits are kept in memory and saving is tried again. `file` is None until the first
    save.
    """

    kind: ClassVar[str] = ""
    untitled: ClassVar[str] = ""

    def __init__(self, id: str = "", project: str = "", title: str = "") -> None:
        self.id = id or new_id()
        self.project = project
        self.created = time.time()
        self.modified = self.created
        self.file: Path | None = None
        self.read_only = False
        self.problem: AtelierError | None = None
        self.lock = threading.RLock()
        self._title = title
        self._unknown: dict[str, Any] = {}
        self._listeners: list[Listener] = []
        self._undone: list[Command] = []
        self._done: list[Command] = []
        self._done_bytes = 0
        self._edits = 0
        self._saved_edits = 0
        self._touched: Callable[[Document], None] = lambda document: None

    @property
    def title(self) -> str:
        return self._title

    @property
    def name(self) -> str:
        """The title, or what a document without one is called."""
        return self._title or _(self.untitled)

    def set_title(self, title: str) -> None:
        """Not an undo step."""
        with self.editing():
            title = " ".join(title.split())[:200]
            if title == self._title:
                return
            self._title = title
        self._tell(TitleChanged(self))

    # Undo

    @property
    def can_undo(self) -> bool:
        return bool(self._done) and not self.busy

    @property
    def can_redo(self) -> bool:
        return bool(self._undone) and not self.busy

    @property
    def undo_label(self) -> str:
        """What would be undone, as it was named when it was done; "" for typing."""
        return self._done[-1].label if self._done else ""

    @property
    def redo_label(self) -> str:
        return self._undone[-1].label if self._undone else ""

    @property
    def busy(self) -> bool:
        """Whether a model is writing into this document: nothing can be undone meanwhile."""
        return False

    def undo(self) -> bool:
        with self.editing():
            if not self.can_undo:
                return False
            command = self._done.pop()
            self._done_bytes -= command.size
            command.revert(self)
            self._undone.append(command)
        self._tell(UndoChanged(self))
        return True

    def redo(self) -> bool:
        with self.editing():
            if not self.can_redo:
                return False
            command = self._undone.pop()
            command.apply(self)
            self._push(command)
        self._tell(UndoChanged(self))
        return True

    def seal(self) -> None:
        """End the current undo step: the next typed letter begins a new one."""
        with self.lock:
            self._sealed = True

    _sealed = True

    def _do(self, command: Command) -> None:
        """Apply `command` and remember it."""
        with self.editing():
            command.apply(self)
            self._remember(command)

    def _remember(self, command: Command) -> None:
        """Take `command`, which is applied already, as an undo step."""
        with self.lock:
            self._undone.clear()
            merged = self._done[-1].merge(command) if self._done and not self._sealed else None
            if merged is not None:
                self._done_bytes -= self._done.pop().size
            self._push(merged or command)
            self._sealed = False
        self._tell(UndoChanged(self))

    def _push(self, command: Command) -> None:
        self._done.append(command)
        self._done_bytes += command.size
        # The last step can always be undone, however large it is.
        while len(self._done) > 1 and (len(self._done) > _UNDO_STEPS or self._done_bytes > _UNDO_BYTES):
            self._done_bytes -= self._done.pop(0).size

    # Listeners and saving

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each change; returns a function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _tell(self, change: Change) -> None:
        for listener in list(self._listeners):
            listener(change)

    @property
    def dirty(self) -> bool:
        """Whether an edit is not on disk yet."""
        return self._edits != self._saved_edits

    @contextmanager
    def editing(self) -> Iterator[None]:
        """The document locked for an edit, which the saver hears of. Raises `AtelierError("document-open")`."""
        if self.read_only:
            raise AtelierError("document-open", {"title": self.name})
        with self.lock:
            yield
            self._edits += 1
            self.modified = time.time()
        self._touched(self)

    # JSON

    @property
    @abstractmethod
    def text(self) -> str:
        """The words of the document as a whole, for its excerpt and for export."""

    def about(self) -> dict[str, Any]:
        """A few figures of the document for lists (`store.Summary.about`): short, as they share the file's first line
        with its title and excerpt."""
        return {}

    def attach(self, folder: Path) -> None:
        """The folder in which the document may keep files of its own; it is made when it is needed. Called once, when
        the document is created or opened."""
        return

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """What this kind of document holds, as JSON but for parts that `_plain` knows; called with the lock held, must
        not take long."""

    def _plain(self, part: Any) -> Any:
        """JSON of a frozen part of `_content`; called without the lock, on any thread."""
        raise TypeError(f"{type(part).__name__} has no JSON")

    @abstractmethod
    def _load(self, content: Mapping[str, Any]) -> None:
        """Take over `_content`; raises `KeyError`, `TypeError` or `ValueError` for what is none."""

    def snapshot(self) -> tuple[int, Callable[[], str]]:
        """The number of edits so far, and a function that makes the file's text as of now, on any thread."""
        with self.lock:
            head = {
                "atelier_document": VERSION,
                "kind": self.kind,
                "id": self.id,
                "title": self._title,
                "created": self.created,
                "modified": self.modified,
                "excerpt": " ".join(self.text[: 4 * _EXCERPT].split())[:_EXCERPT],
            }
            if about := self.about():
                head["about"] = about
            content, edits, unknown = self._content(), self._edits, dict(self._unknown)

        def write() -> str:
            first = json.dumps(head, ensure_ascii=False)
            rest = json.dumps({**unknown, "content": content}, ensure_ascii=False, indent=1, default=self._plain)
            # One object whose first line can be read alone: see `store.read_head`.
            return f"{first[:-1]},\n{rest[1:].lstrip()}\n"

        return edits, write

    def mark_saved(self, edits: int, problem: AtelierError | None) -> None:
        with self.lock:
            if problem is None:
                self._saved_edits = edits
            changed = problem is not None or self.problem is not None or not self.dirty
            self.problem = problem
        if changed:
            self._tell(SavedChanged(self))

    def take(self, data: Mapping[str, Any]) -> None:
        """Become what a file's JSON says. Raises `KeyError`, `TypeError` or `ValueError` for what is no document."""
        known = {"atelier_document", "kind", "id", "title", "created", "modified", "excerpt", "about", "content"}
        self.id, self._title = str(data["id"]), str(data["title"])
        self.created, self.modified = float(data["created"]), float(data["modified"])
        self._unknown = {key: value for key, value in data.items() if key not in known}
        self._load(data["content"])


def to_json(part: Any) -> dict[str, Any]:
    """A frozen dataclass with a field `extra` as JSON, with what an earlier reading did not know."""
    values = {item.name: getattr(part, item.name) for item in fields(part) if item.name != "extra"}
    return {**part.extra, **{name: dict(v) if isinstance(v, Mapping) else v for name, v in values.items()}}


def from_json(cls: type[R], data: Mapping[str, Any]) -> R:
    """The other way round. Raises `TypeError` or `ValueError` for values of the wrong kind."""
    known = {item.name: item for item in fields(cast(Any, cls)) if item.name != "extra"}
    values = {name: value for name, value in data.items() if name in known}
    part = cast(Any, cls)(**values, extra={name: value for name, value in data.items() if name not in known})
    for name, item in known.items():
        kind = {"str": str, "int": int, "float": (int, float), "bool": bool}.get(str(item.type), object)
        kind = Mapping if str(item.type).startswith("Mapping") else kind
        if not isinstance(getattr(part, name), kind):
            raise TypeError(f"{cls.__name__}.{name} is of the wrong kind")
    return part
