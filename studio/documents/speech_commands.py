"""The undo steps of a reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from studio.documents.base import Command
from studio.documents.speech_parts import Sentence, SentenceChanged, SentencesChanged

if TYPE_CHECKING:
    from studio.documents.speech import SpeechDocument


@dataclass
class Splice:
    """Sentences in the place of others; applying and reverting are the same exchange."""

    at: int
    count: int
    sentences: list[Sentence]
    label: str

    @property
    def size(self) -> int:
        return 200 + sum(200 + len(sentence.text) for sentence in self.sentences)

    def apply(self, document: SpeechDocument) -> None:
        part = slice(self.at, self.at + self.count)
        taken = document._sentences[part]
        document._sentences[part] = self.sentences
        removed, inserted = self.count, len(self.sentences)
        self.count, self.sentences = inserted, taken
        document._forget(rows=True)
        document._tell(SentencesChanged(document, self.at, removed, inserted))

    def revert(self, document: SpeechDocument) -> None:
        self.apply(document)

    def merge(self, following: Command) -> Command | None:
        return None


@dataclass
class Patch:
    """Fields of some sentences; those that are gone are left out."""

    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    label: str

    @property
    def size(self) -> int:
        return sum(200 + len(str(values.get("text", ""))) for values in (*self.before.values(), *self.after.values()))

    def apply(self, document: SpeechDocument) -> None:
        self._set(document, self.after)

    def revert(self, document: SpeechDocument) -> None:
        self._set(document, self.before)

    def _set(self, document: SpeechDocument, values: Mapping[str, Mapping[str, Any]]) -> None:
        ids = tuple(id for id in values if document.has(id))
        for id in ids:
            index = document.index(id)
            document._sentences[index] = replace(document._sentences[index], **values[id])
        document._forget()
        document._tell(SentenceChanged(document, ids))

    def merge(self, following: Command) -> Command | None:
        return None
