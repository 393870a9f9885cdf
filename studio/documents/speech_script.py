"""The sentences of a reading as they are now: how each is said, how long it is and where it lies in the sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache

from studio.core.jobs import new_id
from studio.documents.base import Document
from studio.documents.speech_parts import EDITED, MADE, WAITING, Delivery, Place, Sentence, State
from studio.media.reading import Sentence as Piece
from studio.media.reading import language_of

# Characters that a voice reads in a second, at normal speed: for what is not made yet.
_PACE = {"en": 14.5, "zh": 4.3, "ja": 6.5}


class Script(Document):
    """What a `SpeechDocument` says. What is counted once is kept until `_forget`. Raises `KeyError`: an unknown id."""

    def __init__(self, id: str = "", project: str = "", title: str = "") -> None:
        super().__init__(id, project, title)
        self.delivery = Delivery()
        self._sentences: list[Sentence] = []
        self._places: list[Place] | None = None
        self._seconds: float | None = None
        self._rows: dict[str, int] | None = None
        self._manners: dict[str, tuple[Sentence, str]] = {}

    @property
    def sentences(self) -> Sequence[Sentence]:
        return self._sentences

    def index(self, id: str) -> int:
        if self._rows is None:
            self._rows = {sentence.id: row for row, sentence in enumerate(self._sentences)}
        return self._rows[id]

    def has(self, id: str) -> bool:
        try:
            return self.index(id) >= 0
        except KeyError:
            return False

    def sentence(self, id: str) -> Sentence:
        return self._sentences[self.index(id)]

    @property
    def text(self) -> str:
        parts: list[str] = []  # joined once: a paragraph may have thousands of sentences
        for sentence in self._sentences:
            if parts:
                parts.append("\n\n" if sentence.opens else "" if parts[-1][-1:] in "。！？…" else " ")
            parts.append(sentence.text)
        return "".join(parts)

    def voice_of(self, sentence: Sentence) -> tuple[str, str]:
        """(model, voice) that says a sentence."""
        return voice_of(sentence, self.delivery)

    def manner_of(self, sentence: Sentence) -> str:
        """A digest of what is said and how: of everything that changes the sound."""
        known = self._manners.get(sentence.id)
        if known is not None and known[0] is sentence:
            return known[1]
        digest = manner(sentence, self.delivery)
        self._manners[sentence.id] = (sentence, digest)
        return digest

    def state_of(self, sentence: Sentence) -> State:
        if not sentence.take:
            return WAITING
        return MADE if sentence.manner == self.manner_of(sentence) else EDITED

    def unmade(self) -> list[str]:
        """The ids of the sentences that wait or were edited, in order."""
        return [sentence.id for sentence in self._sentences if self.state_of(sentence) != MADE]

    def pause_after(self, index: int) -> float:
        """Silence after a sentence, in s; none after the last."""
        return pause_after(self._sentences, self.delivery, index)

    def places(self) -> list[Place]:
        """Where each sentence lies in the sound."""
        if self._places is None:
            places, start = [], 0.0
            for index, sentence in enumerate(self._sentences):
                seconds = self._length(sentence)
                pause = self.pause_after(index)
                state = self.state_of(sentence)
                places.append(Place(sentence.id, index, start, start + seconds, pause, state))
                start += seconds + pause
            self._places = places
        return self._places

    @property
    def seconds(self) -> float:
        if self._seconds is None:
            last = self._places[-1].end if self._places else 0.0
            self._seconds = last if self._places is not None else self._count_seconds()
        return self._seconds

    def expected_seconds(self, sentence: Sentence) -> float:
        """About how long a sentence will be."""
        return 0.35 + _spoken_length(sentence.text) / (sentence.speed or self.delivery.speed)

    def _length(self, sentence: Sentence) -> float:
        return sentence.seconds if sentence.take else self.expected_seconds(sentence)

    def _count_seconds(self) -> float:
        pauses = sum(self.pause_after(index) for index in range(len(self._sentences)))
        return sum(map(self._length, self._sentences)) + pauses

    def _forget(self, *, rows: bool = False) -> None:
        self._places = self._seconds = None
        if rows:
            self._rows = None
            self._manners.clear()


def sentences_of(found: Sequence[Piece]) -> list[Sentence]:
    """New sentences for the parts of a text. Takes its time with a long one, so that a document that takes them in
    need not: may be called on any thread."""
    new, paragraph = [], 0
    for piece in found:
        sentence = Sentence(fresh_id(), one_line(piece.text), piece.paragraph != paragraph)
        _spoken_length(sentence.text)
        new.append(sentence)
        paragraph = piece.paragraph
    return new


def voice_of(sentence: Sentence, delivery: Delivery) -> tuple[str, str]:
    """(model, voice) that says a sentence."""
    if sentence.voice:
        return sentence.model or delivery.model, sentence.voice
    return delivery.model, delivery.voice


def pause_after(sentences: Sequence[Sentence], delivery: Delivery, index: int) -> float:
    """See `Script.pause_after`."""
    if index + 1 >= len(sentences):
        return 0.0
    own = sentences[index].pause
    if own >= 0:
        return own
    return max(delivery.pause, delivery.paragraph_pause) if sentences[index + 1].opens else delivery.pause


def manner(sentence: Sentence, delivery: Delivery) -> str:
    """See `Script.manner_of`."""
    said = {word: way for word, way in delivery.lexicon.items() if word.casefold() in sentence.text.casefold()}
    params = {name: value for name, value in delivery.params.items() if name != "seed"}
    model, voice = voice_of(sentence, delivery)
    language = sentence.language or delivery.language
    parts = (sentence.text, model, voice, language, sentence.speed or delivery.speed, said, params)
    data = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(data.encode()).hexdigest()[:16]


def sound_of(delivery: Delivery) -> tuple[object, ...]:
    """What of a delivery the digests of its sentences depend on."""
    return delivery.model, delivery.voice, delivery.language, delivery.speed, delivery.lexicon, delivery.params


@lru_cache(maxsize=1 << 17)
def _spoken_length(text: str) -> float:
    """About how long `text` takes at normal speed, in s."""
    count = sum(character.isalnum() or character == " " for character in text)
    return count / _PACE.get(language_of(text), _PACE["en"])


def fresh_id() -> str:
    """For a new sentence."""
    return new_id()[:12]


def one_line(text: str) -> str:
    """Without line breaks and double spaces."""
    return " ".join(text.split())
