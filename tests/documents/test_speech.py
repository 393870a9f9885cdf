"""Readings: sentences and their takes, undo, what survives a kill, and earlier readings."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import AtelierError
from studio.documents import DocumentStore, SpeechDocument
from studio.documents.speech import READINGS, SentencesChanged
from studio.documents.store import PARTS
from studio.library import Library
from studio.media.audio import Sound

RATE = 24_000
TEXT = "Welcome to the hall. Every lantern was folded by hand.\n\n请抬头看。最大的一盏灯高三米。"


def tone(seconds: float = 0.5, level: float = 0.5) -> Sound:
    time = np.arange(round(seconds * RATE)) / RATE
    return Sound.mono((level * np.sin(2 * np.pi * 220 * time)).astype(np.float32), RATE)


def say(document: SpeechDocument, *rows: int, seconds: float = 0.5) -> None:
    """Give sentences (all without a number) the sound of what they say now."""
    for row in rows or range(len(document.sentences)):
        sentence = document.sentences[row]
        take = document.takes.write(sentence.id, document.manner_of(sentence), tone(seconds))
        assert document.set_take(sentence.id, take)


def states(document: SpeechDocument) -> list[str]:
    return [document.state_of(sentence) for sentence in document.sentences]


@pytest.fixture
def speech(store: DocumentStore) -> SpeechDocument:
    document = store.create("speech", "灯会", "Guide")
    document.insert(0, TEXT)
    document.set_delivery(model="kokoro", voice="kumo")
    return document


def test_a_text_becomes_sentences_and_paragraphs(speech: SpeechDocument) -> None:
    assert [sentence.text for sentence in speech.sentences] == [
        "Welcome to the hall.",
        "Every lantern was folded by hand.",
        "请抬头看。",
        "最大的一盏灯高三米。",
    ]
    assert [sentence.opens for sentence in speech.sentences] == [False, False, True, False]
    assert speech.text == TEXT
    assert states(speech) == ["waiting"] * 4
    assert speech.insert(4, "… 🎏 !!") == 0


def test_times_follow_takes_and_pauses(speech: SpeechDocument) -> None:
    say(speech)
    places = speech.places()
    assert [round(place.start, 3) for place in places] == [0.0, 0.8, 2.1, 2.9]
    assert speech.seconds == pytest.approx(3.4)
    speech.set_delivery(pause=0.0, paragraph_pause=0.0)
    assert speech.seconds == pytest.approx(2.0)
    assert states(speech) == ["made"] * 4
    speech.change([speech.sentences[0].id], "Pause", pause=2.0)
    assert speech.places()[1].start == pytest.approx(2.5)


def test_what_changes_the_sound_makes_a_sentence_edited(speech: SpeechDocument) -> None:
    say(speech)
    first, second, third, _fourth = speech.sentences
    speech.set_text(first.id, "Welcome to the great hall.")
    assert states(speech) == ["edited", "made", "made", "made"]
    speech.change([second.id], "Voice", model="hibari", voice="heart")
    assert states(speech)[1] == "edited"
    speech.set_delivery(lexicon={"抬头": "台头"})
    assert states(speech) == ["edited", "edited", "edited", "made"]
    speech.set_delivery(lexicon={}, params={"seed": 7})
    assert states(speech)[2] == "made"
    speech.set_delivery(speed=1.2)
    assert states(speech) == ["edited"] * 4
    assert speech.unmade() == [sentence.id for sentence in speech.sentences]
    assert third.id in speech.unmade()


def test_edits_are_undone_one_by_one(speech: SpeechDocument) -> None:
    before = [sentence.text for sentence in speech.sentences]
    speech.set_text(speech.sentences[1].id, "Mind the step.")
    speech.split_at(speech.sentences[1].id, len("Mind the"))
    speech.merge(speech.sentences[0].id)
    speech.move(speech.sentences[0].id, 2)
    speech.delete([speech.sentences[0].id, speech.sentences[2].id])
    assert [sentence.text for sentence in speech.sentences] == ["请抬头看。", "最大的一盏灯高三米。"]
    for expected in (4, 4, 5, 4, 4):
        assert speech.undo()
        assert len(speech.sentences) == expected
    assert [sentence.text for sentence in speech.sentences] == before
    while speech.can_redo:
        speech.redo()
    assert [sentence.text for sentence in speech.sentences] == ["请抬头看。", "最大的一盏灯高三米。"]


def test_the_take_before_is_one_undo_away(speech: SpeechDocument) -> None:
    say(speech)
    old = speech.sentences[0]
    speech.set_text(old.id, "Welcome, all of you.")
    before = {old.id: speech.sentences[0]}
    say(speech, 0, seconds=0.7)
    speech.keep_takes(before)
    new = speech.sentences[0]
    assert (new.take != old.take, round(new.seconds, 3), states(speech)[0]) == (True, 0.7, "made")
    speech.undo()
    assert (speech.sentences[0].take, states(speech)[0]) == (old.take, "edited")
    speech.undo()
    assert (speech.sentences[0].text, states(speech)[0]) == ("Welcome to the hall.", "made")
    assert speech.takes.has(old.take) and speech.takes.has(new.take)


def test_a_take_for_a_sentence_that_is_gone_is_dropped(speech: SpeechDocument) -> None:
    sentence = speech.sentences[0]
    take = speech.takes.write(sentence.id, speech.manner_of(sentence), tone())
    speech.delete([sentence.id])
    assert not speech.set_take(sentence.id, take)
    assert speech.undo() and states(speech) == ["waiting"] * 4


def test_listeners_are_told_where_sentences_came_and_went(speech: SpeechDocument) -> None:
    changes: list[tuple[int, int, int]] = []
    speech.subscribe(
        lambda change: (
            changes.append((change.start, change.removed, change.inserted))
            if isinstance(change, SentencesChanged)
            else None
        )
    )
    speech.insert(1, "One. Two.")
    speech.delete([speech.sentences[1].id])
    speech.undo()
    assert changes == [(1, 0, 2), (1, 1, 0), (1, 0, 1)]


def test_it_opens_as_it_was(make: Callable[..., DocumentStore], speech: SpeechDocument, store: DocumentStore) -> None:
    say(speech, 0, 1)
    speech.change([speech.sentences[1].id], "Voice", model="hibari", voice="heart")
    speech.set_looks("Kumo", "0123456789")
    store.stop()
    other = make()
    summary = other.list(kind="speech")[0]
    assert (summary.about["label"], summary.about["peaks"], summary.about["sentences"]) == ("Kumo", "0123456789", 4)
    opened = other.open(summary.id)
    assert isinstance(opened, SpeechDocument)
    assert opened.sentences == speech.sentences
    assert states(opened) == ["made", "edited", "waiting", "waiting"]
    assert opened.takes.read(opened.sentences[0].take).seconds == pytest.approx(0.5)
    assert len(opened.takes.peaks(opened.sentences[0].take)) == 50


def test_unknown_fields_survive(
    make: Callable[..., DocumentStore], speech: SpeechDocument, store: DocumentStore
) -> None:
    store.save(speech)
    assert speech.file is not None
    text = speech.file.read_text("utf-8").replace('"opens": true', '"opens": true, "mood": "glad"')
    store.stop()
    speech.file.write_text(text, "utf-8")
    other = make()
    opened = other.open(speech.id)
    assert isinstance(opened, SpeechDocument)
    opened.set_text(opened.sentences[2].id, "看。")
    other.save(opened)
    assert '"mood": "glad"' in speech.file.read_text("utf-8")


def test_takes_nobody_refers_to_are_swept_when_it_opens(
    make: Callable[..., DocumentStore], speech: SpeechDocument, store: DocumentStore
) -> None:
    say(speech)
    old = speech.sentences[0].take
    store.save(speech)
    store.stop()
    second = make()
    opened = second.open(speech.id)
    assert isinstance(opened, SpeechDocument)
    say(opened, 0, seconds=0.6)
    assert opened.takes.has(old)
    second.save(opened)
    second.stop()
    third = make()
    opened = third.open(speech.id)
    assert isinstance(opened, SpeechDocument)
    # The copy of how it was before the last time still has the old one.
    assert opened.takes.has(old)
    opened.set_title("Other")
    third.save(opened)
    third.stop()
    fourth = make().open(speech.id)
    assert isinstance(fourth, SpeechDocument)
    assert not fourth.takes.has(old)
    assert states(fourth) == ["made"] * 4


def test_a_copy_has_its_own_sounds_and_the_trash_takes_them_along(
    make: Callable[..., DocumentStore], tmp_path: Path
) -> None:
    trashed: list[str] = []
    store = make(send_to_trash=trashed.append)
    speech = store.create("speech", "灯会", "Guide")
    speech.insert(0, TEXT)
    say(speech)
    store.save(speech)
    copy = store.copy(speech.id)
    assert isinstance(copy, SpeechDocument)
    assert copy.takes.folder != speech.takes.folder
    assert all(copy.takes.has(sentence.take) for sentence in copy.sentences)
    assert speech.file is not None
    store.trash(speech.id)
    assert trashed == [str(speech.file), str(speech.file.parent / PARTS / speech.id)]


def test_earlier_readings_come_back(speech: SpeechDocument) -> None:
    say(speech)
    speech.set_looks("Kumo", "123")
    first = [sentence.take for sentence in speech.sentences]
    speech.set_delivery(voice="alpha")
    speech.begin_reading()
    say(speech, seconds=0.25)
    speech.set_looks("Alpha", "321")
    assert (speech.number, [reading.label for reading in speech.readings]) == (2, ["Kumo"])
    speech.restore(speech.readings[0].id)
    assert (speech.number, speech.delivery.voice, speech.label) == (1, "kumo", "Kumo")
    assert [sentence.take for sentence in speech.sentences] == first
    assert states(speech) == ["made"] * 4
    assert [reading.number for reading in speech.readings] == [2]
    assert not speech.can_undo
    speech.set_favourite(speech.readings[0].id, True)
    for _count in range(READINGS + 3):
        speech.begin_reading()
    assert speech.readings[0].favourite
    assert len(speech.readings) == READINGS + 1


def test_a_full_disk_keeps_what_was_said(speech: SpeechDocument, monkeypatch: pytest.MonkeyPatch) -> None:
    say(speech, 0)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studio.media.audio.os.replace", refuse)
    sentence = speech.sentences[1]
    with pytest.raises(AtelierError) as told:
        speech.takes.write(sentence.id, speech.manner_of(sentence), tone())
    assert told.value.code == "disk-full"
    monkeypatch.undo()
    assert states(speech) == ["made", "waiting", "waiting", "waiting"]
    assert [path.suffix for path in sorted(speech.takes.folder.iterdir())] == [".flac", ".peaks"]


SPEAKER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[4])
    from studio.documents import DocumentStore
    from studio.library import Library
    from tests.documents.test_speech import tone
    store = DocumentStore(Library(Path(sys.argv[1]), Path(sys.argv[2])))
    speech = store.open(sys.argv[3])
    for sentence in list(speech.sentences):
        take = speech.takes.write(sentence.id, speech.manner_of(sentence), tone(0.2))
        print(sentence.id, flush=True)
        speech.set_take(sentence.id, take)
    """
)


def test_killed_while_it_is_spoken(tmp_path: Path) -> None:
    results, index = tmp_path / "结果", tmp_path / "index.db"
    library = Library(results, index)
    store = DocumentStore(library)
    speech = store.create("speech", "灯会", "Guide")
    speech.insert(0, " ".join(f"Sentence number {number}." for number in range(400)))
    store.stop()
    root = str(Path(__file__).parents[2])
    arguments = [sys.executable, "-c", SPEAKER, str(results), str(index), speech.id, root]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        finished = [child.stdout.readline().strip() for _count in range(23)]
        child.kill()
        finished += [line.strip() for line in child.stdout.readlines() if line.endswith("\n")]
    store = DocumentStore(library)
    opened = store.open(speech.id)
    assert isinstance(opened, SpeechDocument)
    made = [sentence.id for sentence in opened.sentences if opened.state_of(sentence) == "made"]
    assert set(finished) <= set(made)
    assert made == [sentence.id for sentence in opened.sentences[: len(made)]]
    assert all(opened.takes.read(sentence.take).seconds > 0.1 for sentence in opened.sentences[: len(made)])
    store.stop()
    library.close()
