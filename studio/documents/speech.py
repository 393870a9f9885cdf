"""A text that is read aloud: its sentences, how each is said, and the sound of each as it was made.

A sentence keeps the sound it was made with, and the digest of what that sound says and how (its manner): where the
sentence says something else by now, it is "edited"; without a sound it waits. Pauses are no part of the sounds.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from studio.core.i18n import N_, _
from studio.core.jobs import new_id
from studio.documents.base import Document, from_json, to_json
from studio.documents.speech_commands import Patch, Splice
from studio.documents.speech_parts import (
    EDITED,
    MADE,
    WAITING,
    Delivery,
    DeliveryChanged,
    Place,
    Reading,
    ReadingsChanged,
    Sentence,
    SentenceChanged,
    SentencesChanged,
    State,
    compact,
    reading_json,
    reading_of,
)
from studio.documents.takes import Take, Takes
from studio.media.reading import Sentence as Piece
from studio.media.reading import language_of, split

__all__ = [
    "EDITED",
    "MADE",
    "READINGS",
    "THUMBNAIL",
    "WAITING",
    "Delivery",
    "DeliveryChanged",
    "Place",
    "Reading",
    "ReadingsChanged",
    "Sentence",
    "SentenceChanged",
    "SentencesChanged",
    "SpeechDocument",
    "State",
]

READINGS = 12  # earlier readings that are kept, favourites not counted
THUMBNAIL = 42  # bars of the small waveform in lists
# Characters that a voice reads in a second, at normal speed: for what is not made yet.
_PACE = {"en": 14.5, "zh": 4.3, "ja": 6.5}
_OWN = ("text", "opens", "model", "voice", "language", "speed", "pause")


class SpeechDocument(Document):
    """Errors: an unknown id raises `KeyError`, a place outside the script `ValueError` (faults of the caller).

    Takes come from a model while the user goes on editing: they are put in with `set_take` and become one undo step
    with `keep_takes`, where they replaced others.
    """

    kind: ClassVar[str] = "speech"
    untitled: ClassVar[str] = N_("Untitled reading")

    def __init__(self, id: str = "", project: str = "", title: str = "") -> None:
        super().__init__(id, project, title)
        self.delivery = Delivery()
        self.spoken = Delivery()  # how what was said last was read
        self.number = 1  # of the reading that is shown
        self.favourite = False
        self.label = ""  # the name of the voice, for lists
        self.peaks = ""
        self.takes = Takes(Path())
        self._sentences: list[Sentence] = []
        self._readings: list[Reading] = []
        self._places: list[Place] | None = None
        self._seconds: float | None = None
        self._rows: dict[str, int] | None = None
        self._manners: dict[str, tuple[Sentence, str]] = {}

    # What it says

    @property
    def sentences(self) -> Sequence[Sentence]:
        return self._sentences

    @property
    def readings(self) -> Sequence[Reading]:
        """Earlier readings, the oldest first."""
        return self._readings

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

    # Edits by the user

    def set_delivery(self, **changes: Any) -> None:
        """Change how the whole is read. No undo step: the fields show what they are."""
        after = replace(self.delivery, **changes)
        if after == self.delivery:
            return
        with self.editing():
            if _sound_of(after) != _sound_of(self.delivery):
                self._manners.clear()
            self.delivery = after
            self._forget()
        self._tell(DeliveryChanged(self))

    def insert(self, at: int, text: str, label: str = "") -> int:
        """Put the sentences of `text` in before number `at`, as one undo step; returns how many there are."""
        new = sentences_of(split(text))
        self.insert_sentences(at, new, label)
        return len(new)

    def insert_sentences(self, at: int, new: Sequence[Sentence], label: str = "") -> None:
        """`insert` of what `sentences_of` made of a text."""
        if not 0 <= at <= len(self._sentences):
            raise ValueError(f"place {at} of {len(self._sentences)}")
        if new:
            first = replace(new[0], opens=at == 0 and bool(self._sentences))
            self._splice(at, 0, [first, *new[1:]], label or _("Write"))

    def set_script(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace everything by the rows of a request's `script`, as one undo step."""
        new, before = [], None
        for row in rows:
            text = _one_line(str(row.get("text", "")))
            paragraph = row.get("paragraph", before)
            if text:
                own = {name: row[name] for name in ("voice", "language") if isinstance(row.get(name), str)}
                own |= {name: float(row[name]) for name in ("speed", "pause") if isinstance(row.get(name), int | float)}
                new.append(Sentence(_new_id(), text, bool(new) and paragraph != before, **own))
            before = paragraph
        self._splice(0, len(self._sentences), new, _("Open"))

    def set_text(self, id: str, text: str) -> None:
        """Change the words of a sentence; without any it goes away."""
        text = _one_line(text)
        if not text:
            self.delete([id])
        elif text != self.sentence(id).text:
            self._patch({id: {"text": text}}, _("Edit"))

    def change(self, ids: Sequence[str], label: str, **changes: Any) -> None:
        """Give sentences a voice, a language, a speed or a pause of their own, as one undo step."""
        if unknown := changes.keys() - set(_OWN):
            raise ValueError(f"not to be changed: {unknown}")
        self._patch(dict.fromkeys(ids, changes), label)

    def split_at(self, id: str, position: int) -> None:
        """Cut a sentence in two at the character `position`; both halves wait for their sound."""
        sentence = self.sentence(id)
        first, second = _one_line(sentence.text[:position]), _one_line(sentence.text[position:])
        if not first or not second:
            return
        halves = [
            replace(sentence, text=first, pause=-1.0),
            replace(sentence, id=_new_id(), text=second, opens=False, take="", manner="", seconds=0.0),
        ]
        self._splice(self.index(id), 1, halves, _("Split"))

    def merge(self, id: str) -> None:
        """Join a sentence with the one after it."""
        index = self.index(id)
        if index + 1 >= len(self._sentences):
            return
        first, second = self._sentences[index : index + 2]
        between = "" if language_of(first.text) in ("zh", "ja") else " "
        merged = replace(first, text=first.text + between + second.text, pause=second.pause)
        self._splice(index, 2, [merged], _("Join"))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove sentences, as one undo step."""
        gone = {self.index(id) for id in ids}
        if not gone:
            return
        first, last = min(gone), max(gone) + 1
        rest = [self._sentences[index] for index in range(first, last) if index not in gone]
        self._splice(first, last - first, rest, _("Delete"))

    def move(self, id: str, to: int) -> None:
        """Put a sentence at the place `to`, counted without it."""
        index = self.index(id)
        to = min(max(to, 0), len(self._sentences) - 1)
        first, last = min(index, to), max(index, to) + 1
        if first == last - 1:
            return
        part = list(self._sentences[first:last])
        part.insert(to - first, part.pop(index - first))
        self._splice(first, last - first, part, _("Move"))

    # Sounds from a model

    def set_take(self, id: str, take: Take) -> bool:
        """Give a sentence its new sound. False if the sentence is not there any more."""
        if not self.has(id):
            return False
        with self.editing():
            index = self.index(id)
            before = self._sentences[index]
            made = replace(before, take=take.name, manner=take.manner, seconds=take.seconds)
            self._sentences[index] = made
            if take.manner == self.manner_of(made):
                self.spoken = self.delivery
            whole = self._seconds
            self._forget()
            if whole is not None:  # the sounds come one by one: do not count all the others each time
                self._seconds = whole + self._length(made) - self._length(before)
        self._tell(SentenceChanged(self, (id,), sound=True))
        return True

    def keep_takes(self, before: Mapping[str, Sentence]) -> None:
        """Make one undo step of the sounds that came since; `before` are the sentences as they were."""
        old, new = {}, {}
        for id, sentence in before.items():
            if self.has(id) and sentence.take and self.sentence(id).take != sentence.take:
                old[id], new[id] = _sound(sentence), _sound(self.sentence(id))
        if old:
            self.seal()
            self._remember(Patch(old, new, _("Speak")))
            self.seal()

    def set_looks(self, label: str, peaks: str) -> None:
        """What lists show of it: the voice's name and the small waveform (digits 0–9)."""
        if (label, peaks) != (self.label, self.peaks):
            with self.editing():
                self.label, self.peaks = label, peaks
            self._tell(ReadingsChanged(self))

    # Earlier readings

    def begin_reading(self) -> None:
        """Before everything is read anew: keep the reading that is there."""
        if not any(sentence.take for sentence in self._sentences):
            return
        with self.editing():
            self._readings.append(self._reading())
            self.number += 1
            self.favourite = False
            plain = [reading for reading in self._readings if not reading.favourite]
            for reading in plain[: max(0, len(plain) - READINGS)]:
                self._readings.remove(reading)
        self._tell(ReadingsChanged(self))

    def restore(self, id: str) -> None:
        """Show an earlier reading; the one that was shown becomes an earlier one."""
        reading = next(reading for reading in self._readings if reading.id == id)
        with self.editing():
            count = len(self._sentences)
            self._readings = [other for other in self._readings if other.id != id]
            if any(sentence.take for sentence in self._sentences):
                self._readings = sorted([*self._readings, self._reading()], key=lambda item: item.number)
            self._sentences = list(reading.sentences)
            self.delivery, self.number, self.favourite = reading.delivery, reading.number, reading.favourite
            self.spoken = self.delivery
            self.label, self.peaks = reading.label, reading.peaks
            self._done.clear()  # its steps were about other sentences
            self._undone.clear()
            self._done_bytes = 0
            self._forget(rows=True)
        self._tell(SentencesChanged(self, 0, count, len(self._sentences)))
        self._tell(DeliveryChanged(self))
        self._tell(ReadingsChanged(self))

    def as_read(self, id: str) -> SpeechDocument:
        """What an earlier reading says, with the same takes, as a document that is nowhere stored."""
        reading = next(reading for reading in self._readings if reading.id == id)
        document = SpeechDocument(project=self.project, title=self.title)
        document.takes, document.delivery = self.takes, reading.delivery
        document._sentences = list(reading.sentences)
        return document

    def set_favourite(self, id: str, on: bool) -> None:
        """Of an earlier reading, or ("") of the one that is shown."""
        with self.editing():
            if not id:
                self.favourite = on
            self._readings = [
                replace(reading, favourite=on) if reading.id == id else reading for reading in self._readings
            ]
        self._tell(ReadingsChanged(self))

    def delete_reading(self, id: str) -> None:
        with self.editing():
            self._readings = [reading for reading in self._readings if reading.id != id]
        self._tell(ReadingsChanged(self))

    def add_reading(self, reading: Reading) -> None:
        """Take a deleted one back."""
        with self.editing():
            self._readings = sorted([*self._readings, reading], key=lambda item: item.number)
        self._tell(ReadingsChanged(self))

    # Inside

    def _reading(self) -> Reading:
        return Reading(
            new_id(),
            self.number,
            time.time(),
            self.label,
            round(self.seconds, 2),
            self.favourite,
            self.peaks,
            tuple(self._sentences),
            self.spoken if self.spoken.model else self.delivery,
        )

    def _splice(self, at: int, count: int, sentences: list[Sentence], label: str) -> None:
        self.seal()
        self._do(Splice(at, count, sentences, label))
        self.seal()

    def _patch(self, changes: Mapping[str, Mapping[str, Any]], label: str) -> None:
        before = {
            id: {name: getattr(self.sentence(id), name) for name in values}
            for id, values in changes.items()
            if any(getattr(self.sentence(id), name) != value for name, value in values.items())
        }
        if before:
            self.seal()
            self._do(Patch(before, {id: dict(changes[id]) for id in before}, label))
            self.seal()

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

    # JSON

    def about(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 1),
            "sentences": len(self._sentences),
            "label": self.label[:40],
            "number": self.number,
            "favourite": self.favourite,
            "peaks": self.peaks,
        }

    def attach(self, folder: Path) -> None:
        self.takes = Takes(folder)
        if self.file is None or self.read_only:
            return
        used = {sentence.take for sentence in self._sentences if sentence.take}
        used |= {sentence.take for reading in self._readings for sentence in reading.sentences}
        strays = [name for name in self.takes.names() if name not in used]
        if not strays:
            return
        kept = self._adopt(strays)
        try:
            earlier = (self.file.parent / ".earlier" / self.file.name).read_text("utf-8", "replace")
        except OSError:
            earlier = ""
        self.takes.sweep([*used, *kept, *(name for name in strays if name in earlier)])

    def _adopt(self, strays: Sequence[str]) -> list[str]:
        """Take over sounds that were finished but not noted down when the program ended."""
        kept = []
        for name in strays:
            id, manner = name.split("-")[:2]
            if not self.has(id):
                continue
            sentence = self.sentence(id)
            if self.state_of(sentence) != MADE and self.manner_of(sentence) == manner:
                if (take := self.takes.found(name)) is not None and self.set_take(id, take):
                    kept.append(name)
        return kept

    def _content(self) -> dict[str, Any]:
        return {
            "delivery": to_json(self.delivery),
            "spoken": to_json(self.spoken),
            "sentences": list(self._sentences),
            "number": self.number,
            "favourite": self.favourite,
            "label": self.label,
            "peaks": self.peaks,
            "readings": list(self._readings),
        }

    def _plain(self, part: Any) -> Any:
        if isinstance(part, Sentence):
            return compact(part)
        return reading_json(part) if isinstance(part, Reading) else super()._plain(part)

    def _load(self, content: Mapping[str, Any]) -> None:
        self.delivery = from_json(Delivery, content["delivery"])
        self.spoken = from_json(Delivery, content["spoken"])
        self._sentences = [from_json(Sentence, item) for item in content["sentences"]]
        self.number, self.favourite = int(content["number"]), bool(content["favourite"])
        self.label, self.peaks = str(content["label"]), str(content["peaks"])
        self._readings = [reading_of(item) for item in content["readings"]]


def sentences_of(found: Sequence[Piece]) -> list[Sentence]:
    """New sentences for the parts of a text. Takes its time with a long one, so that a document that takes them in
    need not: may be called on any thread."""
    new, paragraph = [], 0
    for piece in found:
        sentence = Sentence(_new_id(), _one_line(piece.text), piece.paragraph != paragraph)
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
    """See `SpeechDocument.pause_after`."""
    if index + 1 >= len(sentences):
        return 0.0
    own = sentences[index].pause
    if own >= 0:
        return own
    return max(delivery.pause, delivery.paragraph_pause) if sentences[index + 1].opens else delivery.pause


def manner(sentence: Sentence, delivery: Delivery) -> str:
    """See `SpeechDocument.manner_of`."""
    said = {word: way for word, way in delivery.lexicon.items() if word.casefold() in sentence.text.casefold()}
    params = {name: value for name, value in delivery.params.items() if name != "seed"}
    model, voice = voice_of(sentence, delivery)
    language = sentence.language or delivery.language
    parts = (sentence.text, model, voice, language, sentence.speed or delivery.speed, said, params)
    data = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(data.encode()).hexdigest()[:16]


def _sound_of(delivery: Delivery) -> tuple[object, ...]:
    """What of a delivery the digests of its sentences depend on."""
    return delivery.model, delivery.voice, delivery.language, delivery.speed, delivery.lexicon, delivery.params


@lru_cache(maxsize=1 << 17)
def _spoken_length(text: str) -> float:
    """About how long `text` takes at normal speed, in s."""
    count = sum(character.isalnum() or character == " " for character in text)
    return count / _PACE.get(language_of(text), _PACE["en"])


def _new_id() -> str:
    return new_id()[:12]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sound(sentence: Sentence) -> dict[str, Any]:
    return {"take": sentence.take, "manner": sentence.manner, "seconds": sentence.seconds}
