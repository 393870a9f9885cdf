"""A text that is read aloud: its sentences, how each is said, and the sound of each as it was made.

A sentence keeps the sound it was made with, and the digest of what that sound says and how (its manner): where the
sentence says something else by now, it is "edited"; without a sound it waits. Pauses are no part of the sounds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from studio.core.i18n import N_
from studio.core.jobs import new_id
from studio.documents.base import from_json, to_json
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
from studio.documents.speech_script import (
    Script,
    fresh_id,
    manner,
    one_line,
    pause_after,
    sentences_of,
    sound_of,
    voice_of,
)
from studio.documents.takes import Take, Takes
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
    "manner",
    "pause_after",
    "sentences_of",
    "voice_of",
]

READINGS = 12  # earlier readings that are kept, favourites not counted
THUMBNAIL = 42  # bars of the small waveform in lists
_OWN = ("text", "opens", "model", "voice", "language", "speed", "pause")


class SpeechDocument(Script):
    """Errors: an unknown id raises `KeyError`, a place outside the script `ValueError` (faults of the caller).

    Takes come from a model while the user goes on editing: they are put in with `set_take` and become one undo step
    with `keep_takes`, where they replaced others. The names of its steps are marked, and translated where they are
    shown.
    """

    kind: ClassVar[str] = "speech"
    untitled: ClassVar[str] = N_("Untitled reading")

    def __init__(self, id: str = "", project: str = "", title: str = "") -> None:
        super().__init__(id, project, title)
        self.spoken = Delivery()  # how what was said last was read
        self.number = 1  # of the reading that is shown
        self.favourite = False
        self.label = ""  # the name of the voice, for lists
        self.peaks = ""
        self.takes = Takes(Path())
        self._readings: list[Reading] = []

    @property
    def readings(self) -> Sequence[Reading]:
        """Earlier readings, the oldest first."""
        return self._readings

    # Edits by the user

    def set_delivery(self, **changes: Any) -> None:
        """Change how the whole is read. No undo step: the fields show what they are."""
        after = replace(self.delivery, **changes)
        if after == self.delivery:
            return
        with self.editing():
            if sound_of(after) != sound_of(self.delivery):
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
            self._splice(at, 0, [first, *new[1:]], label or N_("Write"))

    def set_script(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace everything by the rows of a request's `script`, as one undo step."""
        new, before = [], None
        for row in rows:
            text = one_line(str(row.get("text", "")))
            paragraph = row.get("paragraph", before)
            if text:
                own = {name: row[name] for name in ("voice", "language") if isinstance(row.get(name), str)}
                own |= {name: float(row[name]) for name in ("speed", "pause") if isinstance(row.get(name), int | float)}
                new.append(Sentence(fresh_id(), text, bool(new) and paragraph != before, **own))
            before = paragraph
        self._splice(0, len(self._sentences), new, N_("Open"))

    def set_text(self, id: str, text: str) -> None:
        """Change the words of a sentence; without any it goes away."""
        text = one_line(text)
        if not text:
            self.delete([id])
        elif text != self.sentence(id).text:
            self._patch({id: {"text": text}}, N_("Edit"))

    def change(self, ids: Sequence[str], label: str, **changes: Any) -> None:
        """Give sentences a voice, a language, a speed or a pause of their own, as one undo step."""
        if unknown := changes.keys() - set(_OWN):
            raise ValueError(f"not to be changed: {unknown}")
        self._patch(dict.fromkeys(ids, changes), label)

    def split_at(self, id: str, position: int) -> None:
        """Cut a sentence in two at the character `position`; both halves wait for their sound."""
        sentence = self.sentence(id)
        first, second = one_line(sentence.text[:position]), one_line(sentence.text[position:])
        if not first or not second:
            return
        halves = [
            replace(sentence, text=first, pause=-1.0),
            replace(sentence, id=fresh_id(), text=second, opens=False, take="", manner="", seconds=0.0),
        ]
        self._splice(self.index(id), 1, halves, N_("Split"))

    def merge(self, id: str) -> None:
        """Join a sentence with the one after it."""
        index = self.index(id)
        if index + 1 >= len(self._sentences):
            return
        first, second = self._sentences[index : index + 2]
        between = "" if language_of(first.text) in ("zh", "ja") else " "
        merged = replace(first, text=first.text + between + second.text, pause=second.pause)
        self._splice(index, 2, [merged], N_("Join"))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove sentences, as one undo step."""
        gone = {self.index(id) for id in ids}
        if not gone:
            return
        first, last = min(gone), max(gone) + 1
        rest = [self._sentences[index] for index in range(first, last) if index not in gone]
        self._splice(first, last - first, rest, N_("Delete"))

    def move(self, id: str, to: int) -> None:
        """Put a sentence at the place `to`, counted without it."""
        index = self.index(id)
        to = min(max(to, 0), len(self._sentences) - 1)
        first, last = min(index, to), max(index, to) + 1
        if first == last - 1:
            return
        part = list(self._sentences[first:last])
        part.insert(to - first, part.pop(index - first))
        self._splice(first, last - first, part, N_("Move"))

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
            self._remember(Patch(old, new, N_("Speak")))
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


def _sound(sentence: Sentence) -> dict[str, Any]:
    return {"take": sentence.take, "manner": sentence.manner, "seconds": sentence.seconds}
