"""A written text: the brief it is made from, and its versions. The current version is what is shown and edited.

Positions count Unicode code points from the start of a version's text, as Python strings do (Qt counts UTF-16 units).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from studio.core.i18n import N_, _
from studio.core.jobs import new_id
from studio.documents.base import Change, Document, from_json, to_json
from studio.documents.compare import Segment, compare
from studio.documents.proposals import Proposal
from studio.documents.text_commands import Splice, Swap
from studio.media.text import Script, count_words

WRITING, DONE, STOPPED = "writing", "done", "stopped"
State = Literal["writing", "done", "stopped"]


@dataclass(frozen=True)
class Brief:
    """What the text is made from: ids of a template and a tone, the user's own words, the length in words (0: open),
    the model, the mode ("instruct" or "continue") and the family's parameters that the user changed."""

    template: str = ""
    prompt: str = ""
    tone: str = ""
    words: int = 0
    model: str = ""
    task: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """One text. `number` counts from 1 and is never used again; `job` and `item` (of the library) say what made it,
    both empty for a text written by hand. `params` are those of the request."""

    id: str
    number: int
    text: str = ""
    created: float = 0.0
    state: str = DONE
    favourite: bool = False
    job: str = ""
    item: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def words(self) -> int:
        return count_words(self.text)


@dataclass(frozen=True)
class BriefChanged(Change):
    pass


@dataclass(frozen=True)
class BodyChanged(Change):
    """In the version `version`, `removed` characters at `start` gave way to `inserted`."""

    version: str
    start: int
    removed: int
    inserted: str


@dataclass(frozen=True)
class VersionsChanged(Change):
    """A version came, went, or changed its state, mark or origin."""


@dataclass(frozen=True)
class CurrentChanged(Change):
    """Another version is shown, or none."""


@dataclass(frozen=True)
class _Writing:
    start: int
    cursor: int
    new: bool
    previous: str


class TextDocument(Document):
    """Errors: an unknown version id raises `KeyError`, a range outside the text or an edit of a version that is being
    written `ValueError` (faults of the caller, not of the user)."""

    kind: ClassVar[str] = "text"
    untitled: ClassVar[str] = N_("Untitled text")

    def __init__(self, id: str = "", project: str = "", title: str = "") -> None:
        super().__init__(id, project, title)
        self.brief = Brief()
        self._versions: dict[str, Version] = {}
        self._current = ""
        self._writing: dict[str, _Writing] = {}
        self._proposals: dict[str, Proposal] = {}

    @property
    def versions(self) -> list[Version]:
        """The newest last."""
        with self.lock:
            return sorted(self._versions.values(), key=lambda version: version.number)

    @property
    def current(self) -> Version | None:
        return self._versions.get(self._current)

    @property
    def body(self) -> str:
        """The text of the current version."""
        return self.current.text if self.current else ""

    @property
    def text(self) -> str:
        return self.body

    @property
    def busy(self) -> bool:
        return bool(self._writing)

    def version(self, id: str) -> Version:
        return self._versions[id]

    def version_for_job(self, job: str) -> Version | None:
        return next((version for version in self.versions if version.job == job), None)

    def script(self) -> Script:
        """For `media.text.export`."""
        return Script(self.title, self.body)

    def compare(self, old: str, new: str) -> list[Segment]:
        """The way from one version to another, by their ids."""
        return compare(self._versions[old].text, self._versions[new].text)

    # The brief: its fields undo their own typing, so it is no undo step here

    def set_brief(self, **changes: Any) -> None:
        """Change fields of the brief."""
        with self.editing():
            self.brief = replace(self.brief, **changes)
        self._tell(BriefChanged(self))

    # Proposals: no part of the text until they are taken, so no undo step

    def proposal(self, version: str) -> Proposal | None:
        """The new words that wait in a version."""
        return self._proposals.get(version)

    def set_proposal(self, version: str, proposal: Proposal | None) -> None:
        if proposal == self._proposals.get(version):
            return
        with self.editing():
            if proposal is None:
                del self._proposals[version]
            else:
                self._proposals[version] = proposal

    # Edits by the user

    def replace_range(self, start: int, end: int, text: str, label: str = "", typing: bool = False) -> None:
        """Put `text` in place of the characters from `start` to `end` of the current version: one undo step called
        `label`. Steps by `typing` join into longer ones. Without a version, one is begun."""
        self._check_idle()
        if not 0 <= start <= end <= len(self.body):
            raise ValueError(f"range {start}–{end} of a text of {len(self.body)}")
        if start == end and not text:
            return
        if self.current is None:
            version = Version(new_id(), self._next_number(), created=time.time())
            with self.editing():
                self._swap({version.id: version}, version.id)
        if not typing:
            self.seal()
        self._do(Splice(self._current, start, self.body[start:end], text, label, typing))
        if not typing:
            self.seal()

    def set_body(self, text: str, label: str = "") -> None:
        """Replace the whole text of the current version, as one undo step."""
        self.replace_range(0, len(self.body), text, label)

    def select(self, id: str) -> None:
        """Show another version. Not an undo step."""
        if id == self._current:
            return
        with self.editing():
            self._swap({}, self._versions[id].id)

    def restore(self, id: str) -> Version:
        """Go on from an earlier version: a copy of it becomes the newest and current one. One undo step."""
        old = self._versions[id]
        version = replace(
            old, id=new_id(), number=self._next_number(), created=time.time(), favourite=False, state=DONE, job=""
        )
        self._do_swap({version.id: version}, version.id, _("Restore"))
        return version

    def set_favourite(self, id: str, on: bool) -> None:
        with self.editing():
            self._swap({id: replace(self._versions[id], favourite=on)}, self._current)

    def delete_version(self, id: str) -> None:
        """Remove a version; the one before it (or after) is shown then. One undo step."""
        self._check_idle(id)
        rest = [version for version in self.versions if version.id != id]
        earlier = [version for version in rest if version.number < self._versions[id].number]
        following = (earlier[-1:] or rest[:1] or [None])[0]
        current = self._current if id != self._current else following.id if following else ""
        self._do_swap({id: None}, current, _("Delete version"))

    # Writing by a model

    def begin_version(self, job: str = "", params: Mapping[str, Any] | None = None) -> Version:
        """A new, empty version that a model will write; it is shown. With its text it becomes one undo step."""
        version = Version(
            new_id(), self._next_number(), created=time.time(), state=WRITING, job=job, params=dict(params or {})
        )
        with self.editing():
            self._writing[version.id] = _Writing(0, 0, True, self._current)
            self._swap({version.id: version}, version.id)
        return version

    def continue_version(self, job: str = "", at: int | None = None) -> Version:
        """Let a model write on in the current version, at its end or at the position `at`."""
        self._check_idle()
        if self.current is None:
            return self.begin_version(job)
        at = len(self.body) if at is None else at
        if not 0 <= at <= len(self.body):
            raise ValueError(f"position {at} of a text of {len(self.body)}")
        version = replace(self.current, state=WRITING, job=job)
        with self.editing():
            self._writing[version.id] = _Writing(at, at, False, self._current)
            self._swap({version.id: version}, version.id)
        return version

    def append(self, id: str, piece: str) -> None:
        """Newly written text of a version that is being written; late pieces of one that is not are dropped."""
        writing = self._writing.get(id)
        if writing is None or not piece:
            return
        with self.editing():
            self._writing[id] = replace(writing, cursor=writing.cursor + len(piece))
            self._splice(id, writing.cursor, 0, piece)

    def finish(self, id: str, state: State = DONE, text: str | None = None) -> Version | None:
        """The model is done with a version (or was stopped); `text`, if given, is all that it wrote and replaces what
        was streamed. A new version without a word goes away: then the answer is None. A version whose writing was
        interrupted by a restart is completed if `text` goes on from it, else left alone."""
        writing = self._writing.get(id)
        if writing is None:
            return self._complete(id, state, text)
        with self.editing():
            if text is not None and text != self._versions[id].text[writing.start : writing.cursor]:
                self._splice(id, writing.start, writing.cursor - writing.start, text)
                writing = replace(writing, cursor=writing.start + len(text))
            del self._writing[id]
            version = replace(self._versions[id], state=state)
            written = version.text[writing.start : writing.cursor]
            if writing.new and not written:
                self._swap({id: None}, writing.previous if self._current == id else self._current)
                return None
            self._swap({id: version}, self._current)
        self.seal()
        if writing.new:
            self._remember(Swap({id: (None, version)}, (writing.previous, id), _("Write")))
        elif written:
            self._remember(Splice(id, writing.start, "", written, _("Continue")))
        self.seal()
        return version

    def set_origin(self, id: str, job: str | None = None, item: str | None = None) -> None:
        """Note which job makes, or which item of the library holds, a version. Not an undo step."""
        version = self._versions[id]
        with self.editing():
            version = replace(version, job=version.job if job is None else job)
            self._swap({id: replace(version, item=version.item if item is None else item)}, self._current)

    # Inside

    def _complete(self, id: str, state: State, text: str | None) -> Version | None:
        version = self._versions.get(id)
        if version and version.state == STOPPED and text and text.startswith(version.text):
            version = replace(version, text=text, state=state)
            with self.editing():
                self._splice(id, 0, len(self._versions[id].text), text)
                self._swap({id: version}, self._current)
        return version

    def _check_idle(self, id: str = "") -> None:
        if (id or self._current) in self._writing:
            raise ValueError("the version is being written")

    def _next_number(self) -> int:
        return max((version.number for version in self._versions.values()), default=0) + 1

    def _do_swap(self, after: dict[str, Version | None], current: str, label: str) -> None:
        self.seal()
        pairs = {id: (self._versions.get(id), version) for id, version in after.items()}
        self._do(Swap(pairs, (self._current, current), label))
        self.seal()

    def _swap(self, versions: Mapping[str, Version | None], current: str) -> None:
        for id, version in versions.items():
            if version is None:
                self._versions.pop(id, None)
            else:
                self._versions[id] = version
        shown, self._current = self._current, current
        if versions:
            self._tell(VersionsChanged(self))
        if shown != current:
            self._tell(CurrentChanged(self))

    def _splice(self, id: str, start: int, removed: int, inserted: str) -> None:
        version = self._versions[id]
        text = version.text[:start] + inserted + version.text[start + removed :]
        self._versions[id] = replace(version, text=text)
        self._tell(BodyChanged(self, id, start, removed, inserted))

    def _content(self) -> dict[str, Any]:
        versions = [to_json(version) for version in self.versions]
        content = {"brief": to_json(self.brief), "versions": versions, "current": self._current}
        if waiting := [to_json(item) for item in self._proposals.values() if item.version in self._versions]:
            content["proposals"] = waiting
        return content

    def _load(self, content: Mapping[str, Any]) -> None:
        self.brief = from_json(Brief, content["brief"])
        versions = [from_json(Version, item) for item in content["versions"]]
        # Whoever was writing is gone.
        versions = [replace(version, state=STOPPED) if version.state == WRITING else version for version in versions]
        self._versions = {version.id: version for version in versions}
        current = str(content["current"])
        self._current = current if current in self._versions else versions[-1].id if versions else ""
        proposals = [from_json(Proposal, item) for item in content.get("proposals", ())]
        self._proposals = {proposal.version: proposal for proposal in proposals}
