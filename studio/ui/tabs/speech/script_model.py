"""The sentences of a reading as rows of a list; the last row is where the next one is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from studio.core.i18n import _
from studio.documents.speech import EDITED, MADE, SentencesChanged, SpeechDocument
from studio.ui.tabs.speech.desk import Run
from studio.ui.tabs.speech.speakers import Speaker, can_say, languages_of, native, sayable, speaker_of

Index = QModelIndex | QPersistentModelIndex
MANY = 100  # rows that are not looked for one by one


class Role(IntEnum):
    """`ROW` gives the `Row` of an index."""

    ROW = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class Row:
    """A row as it is painted. `state`: "made", "edited", "making", "waiting", "unmade", "mute" (no voice can say it),
    "silent" (it holds nothing to say) or "add" (the place for the next sentence); `seconds` negative: expected;
    `progress` of the making 0 to 1; `heard` 0 to 1 of the playing sentence, negative for the others."""

    number: int
    id: str = ""
    text: str = ""
    voice: str = ""
    note: str = ""
    state: str = "unmade"
    seconds: float = 0.0
    progress: float = 0.0
    heard: float = -1.0
    playing: bool = False
    opens: bool = False
    start: float = 0.0

    def spoken(self) -> str:
        """The row for a screen reader."""
        if self.state == "add":
            return _("Write the next sentence, or drop a text file")
        words = [f"{self.number}", self.text, self.voice, state_words(self.state) or duration_words(self.seconds)]
        if self.heard >= 0:
            words.append(_("Playing") if self.playing else _("Here it plays from"))
        return ", ".join(part for part in (*words, self.note) if part)


def state_words(state: str) -> str:
    """What the chip of a row says; "" for a row without one."""
    return {
        "edited": _("Edited"),
        "making": _("Making"),
        "waiting": _("Waiting"),
        "mute": _("No voice"),
        "silent": _("Silent"),
    }.get(state, "")


def duration_words(seconds: float) -> str:
    shown = abs(seconds)
    if shown >= 60:
        return f"{int(shown // 60)}:{int(shown % 60):02d}"
    return _("{seconds} s").format(seconds=f"{shown:.1f}")


class ScriptModel(QAbstractListModel):
    """Rows made on demand from the document, the run that says it, and what is heard. `repainted` tells of rows (the
    first and the last) that look different but are as high as before: a view lays all of them out on `dataChanged`."""

    repainted = Signal(int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document: SpeechDocument | None = None
        self._count = 0
        self.times = False  # whether rows tell when they are said
        self._models: Sequence[Any] = ()
        self._run: Run | None = None
        self._waiting: frozenset[str] = frozenset()
        self._progress: tuple[str, float] = ("", 0.0)
        self._heard: tuple[str, float, bool] = ("", 0.0, False)
        self._languages: list[str] | None = None
        self._mute: list[int] | None = None
        self._speakers: dict[tuple[str, str], Speaker | None] = {}

    # -- what the rows are made from --------------------------------------------------------------------------

    def set_document(self, document: SpeechDocument | None) -> None:
        self.beginResetModel()
        self._document = document
        self._count = len(document.sentences) if document else 0
        self._languages = self._mute = None
        self._heard = ("", 0.0, False)
        self._speakers.clear()
        self.endResetModel()

    def on_sentences(self, change: SentencesChanged) -> None:
        """Sentences came or went."""
        first, removed, inserted = change.start, change.removed, change.inserted
        self._languages = self._mute = None
        same = min(removed, inserted)
        if removed > same:
            self.beginRemoveRows(QModelIndex(), first + same, first + removed - 1)
            self._count -= removed - same
            self.endRemoveRows()
        elif inserted > same:
            self.beginInsertRows(QModelIndex(), first + same, first + inserted - 1)
            self._count += inserted - same
            self.endInsertRows()
        self.refresh(first)

    def refresh(self, first: int = 0, last: int | None = None, *, words: bool = True) -> None:
        """Rows may look different, though they are the same ones; `words`: they may say something else, too."""
        end = max(first, self._count if last is None else last)
        if not words:
            self.repainted.emit(first, end)
            return
        self._languages = self._mute = None
        self.dataChanged.emit(self.index(first, 0), self.index(end, 0))

    def delivery_changed(self) -> None:
        """Another voice may say everything."""
        self._speakers.clear()
        self._languages = self._mute = None
        self.refresh(words=False)

    def set_models(self, models: Sequence[Any]) -> None:
        before, self._models = self._models, models
        if [(model.id, model.voices) for model in before] != [(model.id, model.voices) for model in models]:
            self.delivery_changed()

    def set_run(self, run: Run | None, fraction: float = 0.0) -> None:
        """Who is being said, and how far."""
        document = self._document
        mine = run is not None and run.document is document
        waiting = run.pending if run is not None and mine else frozenset()
        progress = (run.current if run and waiting else "", fraction)
        touched = (waiting ^ self._waiting if waiting is not self._waiting else frozenset()) | (
            {progress[0], self._progress[0]} if progress != self._progress else set()
        )
        self._run, self._waiting, self._progress = run, waiting, progress
        self._touch(touched)

    def set_heard(self, id: str, fraction: float, playing: bool) -> None:
        before, self._heard = self._heard, (id, fraction, playing)
        if before != self._heard:
            self._touch({before[0], id})

    def _touch(self, ids: frozenset[str] | set[str]) -> None:
        document = self._document
        if len(ids) > MANY:
            self.repainted.emit(0, self._count)
            return
        rows = sorted(document.index(id) for id in ids if id and document is not None and document.has(id))
        if rows and rows[-1] - rows[0] < 2 * len(rows):
            self.repainted.emit(rows[0], rows[-1])
        else:
            for row in rows:
                self.repainted.emit(row, row)

    # -- rows -------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Any = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._count + 1

    def row(self, number: int) -> Row:
        document = self._document
        if document is None or number >= len(document.sentences):
            return Row(number + 1, state="add")
        sentence = document.sentences[number]
        state = {MADE: "made", EDITED: "edited"}.get(document.state_of(sentence), "unmade")
        speaker = self.speaker(number)
        if sentence.id in self._waiting:
            state = "making" if sentence.id == self._progress[0] else "waiting"
        elif not sayable(sentence.text):
            state = "silent"
        elif state != "made" and self._models and not can_say(sentence, self.language(number), speaker):
            state = "mute"
        heard = self._heard[1] if sentence.id == self._heard[0] else -1.0
        seconds = sentence.seconds if sentence.take else document.expected_seconds(sentence)
        notes = [native(sentence.language)] if sentence.language else []
        if sentence.speed:
            notes.append(f"{sentence.speed:g}×")
        return Row(
            number + 1,
            sentence.id,
            sentence.text,
            speaker.voice.name if speaker else document.voice_of(sentence)[1],
            " · ".join(notes),
            state,
            seconds if sentence.take else -seconds,
            self._progress[1] if state == "making" else 0.0,
            heard,
            heard >= 0 and self._heard[2],
            sentence.opens,
            document.places()[number].start if self.times else 0.0,
        )

    def speaker(self, number: int) -> Speaker | None:
        document = self._document
        if document is None:
            return None
        key = document.voice_of(document.sentences[number])
        if key not in self._speakers:
            self._speakers[key] = speaker_of(document, document.sentences[number], self._models)
        return self._speakers[key]

    def language(self, number: int) -> str:
        """The language that a sentence is read in."""
        return self._all_languages()[number]

    def _all_languages(self) -> list[str]:
        if self._languages is None:
            self._languages = languages_of(self._document) if self._document else []
        return self._languages

    def mute(self) -> list[int]:
        """The numbers of the sentences that their voices cannot say."""
        document = self._document
        if document is None or not self._models:
            return []
        if self._mute is None:
            languages = self._all_languages()
            able: dict[tuple[str, str, str], bool] = {}
            self._mute = []
            for number, sentence in enumerate(document.sentences):
                key = (sentence.model, sentence.voice, languages[number])
                if (can := able.get(key)) is None:
                    speaker = self.speaker(number)
                    can = able[key] = speaker is not None and speaker.speaks(key[2])
                if not can or not sayable(sentence.text):
                    self._mute.append(number)
        return list(self._mute)

    def silent(self) -> list[int]:
        """The numbers of the sentences that hold nothing to say."""
        sentences = self._document.sentences if self._document else ()
        return [number for number, sentence in enumerate(sentences) if not sayable(sentence.text)]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() > self._count:
            return None
        if role == Role.ROW:
            return self.row(index.row())
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.DisplayRole):
            return self.row(index.row()).spoken()
        if role == Qt.ItemDataRole.EditRole:
            document = self._document
            return document.sentences[index.row()].text if document and index.row() < self._count else ""
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        base = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        document = self._document
        return base if document is not None and document.read_only else base | Qt.ItemFlag.ItemIsEditable
