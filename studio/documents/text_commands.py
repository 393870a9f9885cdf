"""The undo steps of a text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio.documents.base import Command

if TYPE_CHECKING:
    from studio.documents.text import TextDocument, Version

# Typing is undone in pieces of about a line.
TYPING_STEP = 60


@dataclass
class Splice:
    """Characters of one version replaced by others."""

    version: str
    start: int
    removed: str
    inserted: str
    label: str = ""
    typing: bool = False

    @property
    def size(self) -> int:
        return len(self.removed) + len(self.inserted)

    def apply(self, document: TextDocument) -> None:
        self._run(document, self.removed, self.inserted)

    def revert(self, document: TextDocument) -> None:
        self._run(document, self.inserted, self.removed)

    def _run(self, document: TextDocument, removed: str, inserted: str) -> None:
        document._swap({}, self.version)
        document._splice(self.version, self.start, len(removed), inserted)

    def merge(self, following: Command) -> Command | None:
        if not (isinstance(following, Splice) and self.typing and following.typing):
            return None
        if following.version != self.version:
            return None
        if not following.removed and following.start == self.start + len(self.inserted):
            if "\n" in following.inserted or (len(self.inserted) > TYPING_STEP and self.inserted[-1:].isspace()):
                return None
            return replace(self, inserted=self.inserted + following.inserted)
        if not self.inserted and not following.inserted:
            if following.start + len(following.removed) == self.start:
                return replace(self, start=following.start, removed=following.removed + self.removed)
            if following.start == self.start:
                return replace(self, removed=self.removed + following.removed)
        return None


@dataclass
class Swap:
    """Versions that came, went or changed as a whole; `current` before and after."""

    versions: dict[str, tuple[Version | None, Version | None]]
    current: tuple[str, str]
    label: str = ""

    @property
    def size(self) -> int:
        return sum(len(version.text) for pair in self.versions.values() for version in pair if version)

    def apply(self, document: TextDocument) -> None:
        document._swap({id: after for id, (_before, after) in self.versions.items()}, self.current[1])

    def revert(self, document: TextDocument) -> None:
        # What was marked or filed since belongs to the version, not to this step.
        kept = {id: document._versions.get(id) for id in self.versions}
        document._swap({id: before for id, (before, _after) in self.versions.items()}, self.current[0])
        self.versions = {id: (before, kept[id] or after) for id, (before, after) in self.versions.items()}

    def merge(self, following: Command) -> Command | None:
        return None
