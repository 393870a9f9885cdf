"""The Speech tab in its window, with a fake engine: write, speak, hear, edit, and what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QPushButton

from studio.core import i18n
from studio.core.errors import AtelierError
from studio.core.jobs import JobState, Medium
from studio.core.messages import Done
from studio.documents import SpeechDocument
from studio.documents.takes import Take
from studio.media import carriers
from studio.ui import sound_output
from studio.ui.playback import Mark, Player, Stream
from studio.ui.tabs import TABS, TabSpec
from studio.ui.tabs.base import Payload
from studio.ui.tabs.speech import SpeechTab
from studio.ui.tabs.speech.desk import Run
from studio.ui.tabs.speech.script_model import Row
from studio.ui.widgets.toasts import Toast
from tests.fakes.fake_engine import MODELS, FakeEngine
from tests.fakes.speaking import HIBARI, VOICES, Speaking
from tests.fakes.studio import Studio

Key = Qt.Key
GUIDE = "Welcome to the hall. Every lantern was folded by hand. Walk slowly. Follow the sound of water."
LEFT = Qt.MouseButton.LeftButton


def specs() -> tuple[TabSpec, ...]:
    """Text, and Speech with a player that never looks for a device."""
    known = next(spec for spec in TABS if spec.id == "speech")
    make = lambda services, shell: SpeechTab(services, shell, Player(silent=True))  # noqa: E731
    speech = TabSpec(known.id, known.medium, known.title, known.icon, make, known.targets)
    return (TABS[0], speech)


def open_studio(home: Path, **options) -> Studio:
    engine = options.pop("engine", None) or FakeEngine(Speaking(seconds=0.4), models=(*MODELS, *VOICES))
    studio = Studio(home, tabs=specs(), engine=engine, **options)
    studio.window.open_tab("speech")
    return studio


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    studio = open_studio(tmp_path)
    yield studio
    studio.close()
    i18n.set_language("en")


def tab_of(studio: Studio) -> SpeechTab:
    return cast(SpeechTab, studio.window.tab)


@pytest.fixture
def tab(studio: Studio) -> SpeechTab:
    return tab_of(studio)


def write(tab: SpeechTab, text: str = GUIDE) -> SpeechDocument:
    tab.room.writing.add(-1, text)
    assert tab.document is not None
    return tab.document


def speak(studio: Studio, tab: SpeechTab) -> SpeechDocument:
    """Press the button and wait until everything is said and filed."""
    tab.generate_button.requested.emit()
    document = tab.document
    assert document is not None
    studio.wait(lambda: tab.desk.run_of(document) is None)
    studio.spin(100)
    return document


def states(document: SpeechDocument) -> list[str]:
    return [document.state_of(sentence) for sentence in document.sentences]


def run_of(tab: SpeechTab) -> Run:
    run = tab.desk.run_of(tab.document)
    assert run is not None
    return run


def toasts(studio: Studio) -> list[str]:
    found = studio.window.findChildren(Toast)
    return [toast.accessibleName() + " " + toast.accessibleDescription() for toast in found]


def ways_on(studio: Studio) -> list[str]:
    """What the cards in the corner offer."""
    buttons = [button for card in studio.window.findChildren(Toast) for button in card.findChildren(QPushButton)]
    return [button.text() for button in buttons if button.text()]


# -- writing --------------------------------------------------------------------------------------------------


def test_sentences_are_written_one_after_another(studio: Studio, tab: SpeechTab) -> None:
    view = tab.speech_stage.list
    assert tab.speech_stage.is_empty and view.rows.rowCount() == 1
    view.setFocus()
    QTest.keyClick(view, Key.Key_Return)
    for words in ("Welcome to the hall.", "Walk slowly."):
        assert view.editor is not None
        QTest.keyClicks(view.editor, words)
        QTest.keyClick(view.editor, Key.Key_Return)
        studio.spin(60)
    assert view.editor is not None and view.edited == 2
    QTest.keyClick(view.editor, Key.Key_Escape)
    studio.spin(30)
    assert tab.document is not None
    assert [sentence.text for sentence in tab.document.sentences] == ["Welcome to the hall.", "Walk slowly."]
    assert tab.document.title == "Welcome to the hall."
    assert not tab.speech_stage.is_empty


def test_enter_in_the_middle_splits_and_backspace_at_the_start_joins(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    view = tab.speech_stage.list
    view.write_at(1, len("Every lantern"))
    assert view.editor is not None and view.editor.toPlainText() == "Every lantern was folded by hand."
    QTest.keyClick(view.editor, Key.Key_Return)
    studio.spin(60)
    texts = [sentence.text for sentence in document.sentences]
    assert texts[1:3] == ["Every lantern", "was folded by hand."] and view.edited == 2
    assert view.editor is not None
    QTest.keyClick(view.editor, Key.Key_Backspace)
    studio.spin(60)
    assert document.sentences[1].text == "Every lantern was folded by hand."
    assert view.editor is not None
    QTest.keyClick(view.editor, Key.Key_Escape)
    tab.room.writing.undo()
    tab.room.writing.undo()
    assert [sentence.text for sentence in document.sentences] == [*GUIDE.replace(". ", ".|").split("|")]


def test_a_sentence_can_be_read_while_it_is_typed_into(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    tab.speech_stage.list.write_at(0)
    editor = tab.speech_stage.list.editor
    assert editor is not None
    QTest.keyClicks(editor, " Come in.")
    document.change([document.sentences[0].id], "Voice", speed=1.1)  # the row changes under the field
    studio.spin(60)
    assert tab.speech_stage.list.editor is editor and editor.toPlainText() == "Welcome to the hall. Come in."
    tab.speech_stage.list.leave_edit()
    assert document.sentences[0].text == "Welcome to the hall. Come in."


def test_pasting_a_long_text_splits_it_and_can_be_taken_back(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    tab.speech_stage.list.setCurrentIndex(tab.speech_stage.list.rows.index(0, 0))
    QApplication.clipboard().setText("One is here.\r\nTwo is\x07 there. Three.")
    QTest.keyClick(tab.speech_stage.list, Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert [sentence.text for sentence in document.sentences[:5]] == [
        "Welcome to the hall.",
        "One is here.",
        "Two is there.",
        "Three.",
        "Every lantern was folded by hand.",
    ]
    assert any("3 sentences were added" in words for words in toasts(studio))
    tab.room.writing.undo()
    assert len(document.sentences) == 4


def test_the_field_of_a_long_sentence_shows_all_of_it(studio: Studio, tab: SpeechTab) -> None:
    studio.window.resize(1024, 700)
    write(tab, "Every lantern here was folded by hand from a single sheet of mulberry paper.")
    studio.spin(100)
    view = tab.speech_stage.list
    view.write_at(0)
    studio.spin(60)
    editor = view.editor
    assert editor is not None
    line = editor.fontMetrics().lineSpacing()
    assert editor.height() >= 2 * line and view.visualRect(view.rows.index(0, 0)).height() > editor.height()
    studio.window.resize(1440, 900)
    studio.wait(lambda: editor.height() < 2 * line + 14)


def test_a_long_paste_into_a_field_becomes_sentences_behind_it(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    view = tab.speech_stage.list
    view.write_at(1)
    assert view.editor is not None
    QTest.keyClicks(view.editor, " Truly.")
    QApplication.clipboard().setText("Here is one. " * 5000)
    view.editor.paste()
    studio.wait(lambda: len(document.sentences) == 5004)
    texts = [sentence.text for sentence in document.sentences]
    assert texts[1:4] == ["Every lantern was folded by hand. Truly.", "Here is one.", "Here is one."]
    assert texts[-1] == "Follow the sound of water."


def test_a_megabyte_is_split_in_the_background(studio: Studio, tab: SpeechTab) -> None:
    text = "Every lantern here was folded by hand. 请抬头看，最大的一盏灯高三米。 " * 20_000
    assert len(text) > 900_000
    tab.open_text("Long", text)
    studio.wait(lambda: tab.document is not None and len(tab.document.sentences) == 40_000, 30)
    tab.speech_stage.list.scrollToBottom()
    studio.spin(50)
    studio.window.grab()
    studio.wait(lambda: tab.header.title() == "Long")
    assert tab.header.title() == "Long"


def test_text_with_nothing_to_say_is_answered_in_words(studio: Studio, tab: SpeechTab) -> None:
    tab.room.writing.add(-1, "… !? 🎏🎏 —")
    assert any("say" in words for words in toasts(studio))
    assert tab.document is None or not tab.document.sentences


def test_files_bring_their_words_without_marks_and_times(studio: Studio, tab: SpeechTab, tmp_path: Path) -> None:
    path = tmp_path / "guide.srt"
    cues = (
        "00:00:00,000 --> 00:00:02,000\nWelcome to\nthe hall.",
        "00:00:02,500 --> 00:00:04,000\n<i>Walk</i> slowly.",
    )
    path.write_text("\n\n".join(f"{number}\n{cue}" for number, cue in enumerate(cues, 1)), "utf-8")
    studio.window.drop_files([path])
    studio.wait(lambda: tab.document is not None and bool(tab.document.sentences))
    assert tab.document is not None
    assert [sentence.text for sentence in tab.document.sentences] == ["Welcome to the hall.", "Walk slowly."]
    tab.room.new()
    tab.open_text("Notes", "# The hall\n\nRead *this* [page](http://x).\n\n- One\n- Two")
    assert tab.document is not None
    assert [sentence.text for sentence in tab.document.sentences] == ["The hall", "Read this page.", "One", "Two"]


# -- speaking -------------------------------------------------------------------------------------------------


def test_speaking_makes_every_sentence_and_files_the_whole(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    assert tab.generate_button.text() == "Speak"
    speak(studio, tab)
    assert states(document) == ["made"] * 4
    assert [round(place.start, 2) for place in document.places()] == [0.0, 0.7, 1.4, 2.1]
    studio.wait(lambda: bool(studio.services.library.items(medium=Medium.SPEECH)))
    item = studio.services.library.items(medium=Medium.SPEECH)[0]
    assert item.metadata["seconds"] == pytest.approx(document.seconds, abs=0.01)
    assert tab.generate_button.text() == "Speak again"
    assert document.label == "Kumo" and document.peaks
    assert tab.speech_stage.waveform.seconds() == pytest.approx(document.seconds)


def test_the_first_sound_plays_while_the_rest_is_made(studio: Studio, tab: SpeechTab) -> None:
    studio.engine.play = Speaking(seconds=0.6, pause_at=1)
    document = write(tab)
    tab.generate_button.requested.emit()
    studio.wait(lambda: tab.player.is_playing and run_of(tab).said == 1)
    assert run_of(tab).current == document.sentences[1].id
    studio.wait(lambda: tab.player.is_waiting)
    rows = tab.speech_stage.list.rows
    assert [rows.row(number).state for number in range(4)] == ["made", "making", "waiting", "waiting"]
    assert rows.row(1).heard >= 0 and tab.hearing.current == document.sentences[1].id
    assert tab.generate_button.text() == "Stop"
    studio.engine.release()
    studio.wait(lambda: tab.desk.run_of(document) is None)
    studio.wait(lambda: not tab.player.is_playing)
    assert tab.hearing.current == document.sentences[0].id  # at its end it goes back to the beginning


def test_one_edited_sentence_is_made_anew_and_its_old_sound_is_one_undo_away(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    speak(studio, tab)
    old = [sentence.take for sentence in document.sentences]
    document.set_text(document.sentences[2].id, "Walk very slowly.")
    studio.spin(80)
    assert tab.generate_button.text() == "Speak the edited sentence"
    assert tab.speech_stage.list.rows.row(2).state == "edited"
    speak(studio, tab)
    assert states(document) == ["made"] * 4
    new = [sentence.take for sentence in document.sentences]
    assert [before == after for before, after in zip(old, new, strict=True)] == [True, True, False, True]
    assert len(studio.services.library.items(medium=Medium.SPEECH)) == 1
    tab.room.writing.undo()
    assert document.sentences[2].take == old[2] and states(document)[2] == "edited"


def test_voices_of_two_models_take_turns(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    document.change([document.sentences[1].id], "Voice", model="hibari-heart", voice="heart")
    jobs: list[str] = []
    studio.services.bridge.job_changed.connect(lambda job: jobs.append(job.request.model))
    speak(studio, tab)
    assert list(dict.fromkeys(jobs)) == ["kokoro-82m", "hibari-heart"]
    assert states(document) == ["made"] * 4


def test_reading_it_all_anew_keeps_the_take_before(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    speak(studio, tab)
    tab.panel.voices.cards()[1].click()
    studio.spin(300)
    assert states(document) == ["edited"] * 4 and document.delivery.voice == "jf_alpha"
    speak(studio, tab)
    cards = tab.readings.cards.cards()
    assert [(card.kind, card.title.split(", ")[-1], card.note.split(" · ")[0]) for card in cards] == [
        ("current", "take 2", "Alpha"),
        ("reading", "take 1", "Kumo"),
    ]
    tab.shelf.open(cards[1])
    assert (document.number, document.delivery.voice, states(document)) == (1, "jm_kumo", ["made"] * 4)
    assert tab.panel.delivery.voice == "jm_kumo"


def test_stop_keeps_what_was_said_and_the_rest_is_one_click(studio: Studio, tab: SpeechTab) -> None:
    studio.engine.play = Speaking(seconds=0.4, pause_at=2)
    document = write(tab)
    tab.generate_button.requested.emit()
    studio.wait(lambda: run_of(tab).said == 2)
    tab.generate_button.stop_requested.emit()
    studio.wait(lambda: tab.desk.run_of(document) is None)
    assert states(document) == ["made", "made", "waiting", "waiting"]
    studio.spin(100)
    assert tab.generate_button.text() == "Speak the other 2"
    studio.engine.play = Speaking(seconds=0.4)
    speak(studio, tab)
    assert states(document) == ["made"] * 4


def test_an_engine_that_dies_goes_on_behind_the_last_sentence(studio: Studio, tab: SpeechTab) -> None:
    studio.engine.play = Speaking(seconds=0.4, fail_at=(2, "crash"))
    document = write(tab)
    said: dict[str, list[str]] = {}
    studio.services.bridge.job_changed.connect(
        lambda job: said.setdefault(job.id, [row["text"] for row in job.request.params["script"]])
    )
    speak(studio, tab)
    assert states(document) == ["made"] * 4
    assert list(said.values())[-1] == ["Walk slowly.", "Follow the sound of water."]
    # A quiet notice, and nothing to try again: the job that died is no one's any more.
    words = toasts(studio)
    assert len(words) == 1 and "goes on with sentence 3" in words[0]
    assert not ways_on(studio)
    assert [job.state for job in studio.services.queue.jobs()] == [JobState.FILED]


def test_an_engine_that_dies_at_once_is_not_asked_for_ever(studio: Studio, tab: SpeechTab) -> None:
    studio.engine.play = Speaking(seconds=0.4, fail_at=(0, "crash"))
    document = write(tab)
    speak(studio, tab)
    assert states(document) == ["waiting"] * 4
    assert tab.generate_button.text() == "Speak"
    assert "Try again" in ways_on(studio)
    assert [job.state for job in studio.services.queue.jobs()] == [JobState.FAILED]


def test_a_full_disk_keeps_what_was_said(studio: Studio, tab: SpeechTab, monkeypatch: pytest.MonkeyPatch) -> None:
    document = write(tab)
    write_take = document.takes.write
    count = 0

    def refuse(sentence: str, manner: str, sound) -> Take:
        nonlocal count
        count += 1
        if count > 2:
            raise AtelierError("disk-full", {"path": "/full"})
        return write_take(sentence, manner, sound)

    monkeypatch.setattr(document.takes, "write", refuse)
    studio.engine.play = Speaking(seconds=0.4, speed=8)
    speak(studio, tab)
    assert states(document)[0] == "made" and states(document)[-1] == "waiting"
    assert states(document).count("made") == 2
    assert any("disk is full" in words for words in toasts(studio))


def test_a_disk_that_is_full_after_the_last_word_is_told(
    studio: Studio, tab: SpeechTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = write(tab)
    done = threading.Event()
    studio.services.bridge.job_event.connect(lambda event: done.set() if isinstance(event, Done) else None)

    def refuse(*_values: object) -> Take:
        done.wait(10)
        raise AtelierError("disk-full", {"path": "/full"})

    monkeypatch.setattr(document.takes, "write", refuse)
    speak(studio, tab)
    assert states(document) == ["waiting"] * 4
    assert any("disk is full" in words for words in toasts(studio))


def test_edits_during_the_making_are_kept(studio: Studio, tab: SpeechTab) -> None:
    studio.engine.play = Speaking(seconds=0.4, pause_at=1)
    document = write(tab)
    tab.generate_button.requested.emit()
    studio.wait(lambda: run_of(tab).said == 1)
    document.set_text(document.sentences[3].id, "Follow the light.")
    document.delete([document.sentences[2].id])
    studio.engine.release()
    studio.wait(lambda: tab.desk.run_of(document) is None)
    assert [sentence.text for sentence in document.sentences][-1] == "Follow the light."
    assert states(document) == ["made", "made", "edited"]


def test_more_can_be_asked_for_while_it_speaks(studio: Studio, tab: SpeechTab) -> None:
    studio.engine.play = Speaking(seconds=0.4, pause_at=0)
    document = write(tab)
    tab.room.speak_ids([document.sentences[0].id])
    studio.wait(lambda: bool(run_of(tab).live))
    tab.room.speak_ids([document.sentences[3].id])
    assert tab.speech_stage.list.rows.row(3).state == "waiting"
    studio.engine.play = Speaking(seconds=0.4)
    studio.engine.release()
    studio.wait(lambda: tab.desk.run_of(document) is None)
    assert states(document) == ["made", "waiting", "waiting", "made"]


def test_a_job_that_is_asked_for_again_is_heard_and_kept(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    jobs: list[str] = []
    studio.services.bridge.job_changed.connect(lambda job: jobs.append(job.id))
    studio.engine.play = Speaking(seconds=0.4, pause_at=1)
    tab.generate_button.requested.emit()
    studio.wait(lambda: run_of(tab).said == 1)
    tab.room.stop()
    studio.wait(lambda: tab.desk.run_of(document) is None)
    studio.engine.play = Speaking(seconds=0.4)
    studio.services.queue.retry(jobs[0])
    studio.wait(lambda: states(document) == ["made"] * 4)


def test_what_was_filed_while_nobody_listened_is_taken_over(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    speak(studio, tab)
    before = [sentence.seconds for sentence in document.sentences]
    for row, sentence in enumerate(list(document.sentences)):  # as if the tab had not been there
        document._sentences[row] = replace(sentence, take="", manner="", seconds=0.0)
    document._forget()
    tab.room.show(None)
    tab.room.show(document)
    studio.wait(lambda: states(document) == ["made"] * 4)
    assert [sentence.seconds for sentence in document.sentences] == pytest.approx(before, abs=0.001)


# -- languages ------------------------------------------------------------------------------------------------


def test_a_language_the_voice_lacks_is_told_with_a_way_on(studio: Studio, tab: SpeechTab) -> None:
    assert tab.picker.choose(HIBARI.id)
    studio.spin(250)
    document = write(tab, "Welcome. 请抬头看。")
    studio.spin(100)
    notice = tab.speech_stage.notice
    assert notice.isVisible() and "Heart does not speak Chinese (sentence 2)" in notice.text()
    assert tab.speech_stage.list.rows.row(1).state == "mute"
    speak(studio, tab)
    assert states(document) == ["made", "waiting"]
    button = notice.findChildren(type(tab.panel.voices.compare))[-1]
    assert button.text().startswith("Use ")
    next(b for b in notice.findChildren(type(button)) if b.text() == "Use Kumo").click()
    studio.spin(100)
    assert not notice.isVisible() and document.sentences[1].voice == "jm_kumo"
    speak(studio, tab)
    assert states(document) == ["made", "made"]


def test_a_script_nobody_reads_is_left_out_in_words(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab, "Welcome. مرحبا بكم في القاعة.")
    studio.spin(100)
    assert "No voice here can say sentence 2" in tab.speech_stage.notice.text()
    speak(studio, tab)
    assert states(document) == ["made", "waiting"]


def test_each_sentence_is_sent_in_its_language(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab, "Welcome. 请抬头看。")
    scripts: list[list[dict]] = []
    studio.services.bridge.job_changed.connect(lambda job: scripts.append(list(job.request.params["script"])))
    speak(studio, tab)
    assert [row["language"] for row in scripts[0]] == ["en", "zh"]
    assert [row["pause"] for row in scripts[0]] == [0.3, 0.0]
    document.change([document.sentences[1].id], "Language", language="ja")
    speak(studio, tab)
    assert [row["language"] for row in scripts[-1]] == ["ja"]


# -- hearing --------------------------------------------------------------------------------------------------


@pytest.fixture
def spoken(studio: Studio, tab: SpeechTab) -> SpeechDocument:
    document = write(tab)
    speak(studio, tab)
    tab.player.stop()
    return document


class Steps:
    """Stands for the clock of the silent output: each look at it is a thirtieth of a second later, so that a busy
    machine skips nothing."""

    def start(self) -> None:
        self._now = 0

    def elapsed(self) -> int:
        self._now += 33
        return self._now


def test_a_click_on_the_waveform_is_heard_from_there(
    studio: Studio, tab: SpeechTab, spoken: SpeechDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_output, "QElapsedTimer", Steps)
    last, rows, play = spoken.sentences[3].id, tab.speech_stage.list.rows, tab.speech_stage.transport.play
    marked: list[tuple[bool, bool]] = []

    def note(mark: Mark) -> None:
        if mark.key == last:
            marked.append((rows.row(3).playing, play.is_playing()))

    tab.player.moved.connect(note)
    tab.speech_stage.waveform.chosen.emit(1.5)
    assert tab.player.is_playing and tab.player.mark.key == spoken.sentences[2].id
    studio.wait(lambda: bool(marked))
    assert marked[0] == (True, True)


def test_space_plays_and_pauses_from_the_list(studio: Studio, tab: SpeechTab, spoken: SpeechDocument) -> None:
    view = tab.speech_stage.list
    view.setFocus()
    view.setCurrentIndex(view.rows.index(1, 0))
    QTest.keyClick(view, Key.Key_Space)
    assert tab.player.is_playing and tab.player.mark.key == spoken.sentences[1].id
    studio.wait(lambda: tab.player.mark.frame > 1000)
    QTest.keyClick(view, Key.Key_Space)
    assert not tab.player.is_playing
    frame = tab.player.mark.frame
    QTest.keyClick(view, Key.Key_Space)
    assert tab.player.is_playing and tab.player.mark.frame >= frame > 0


def test_steps_and_the_loop(studio: Studio, tab: SpeechTab, spoken: SpeechDocument) -> None:
    transport = tab.speech_stage.transport
    transport.next.click()
    transport.next.click()
    assert tab.hearing.current == spoken.sentences[2].id
    transport.previous.click()
    assert tab.hearing.current == spoken.sentences[1].id
    transport.loop.setChecked(True)
    source = tab.hearing.source
    assert source is not None
    source.seek(Mark(spoken.sentences[1].id, 0))
    keys = []
    for _time in range(40):
        chunk = source.read(4800)
        assert chunk is not None
        keys.append(chunk.mark.key)
    assert set(keys) == {spoken.sentences[1].id}
    transport.loop.setChecked(False)
    while (chunk := source.read(4800)) is not None:
        keys.append(chunk.mark.key)
    assert keys[-1] == spoken.sentences[3].id


def test_what_is_played_is_the_file_to_the_sample(studio: Studio, tab: SpeechTab, spoken: SpeechDocument) -> None:
    source = tab.hearing.source
    assert source is not None
    source.seek(Mark(spoken.sentences[0].id, 0))
    frames = 0
    while (chunk := source.read(1000)) is not None:
        frames += len(chunk.samples)
    item = studio.services.library.items(medium=Medium.SPEECH)[0]
    assert frames == soundfile.info(item.path).frames


def test_a_sound_that_is_gone_is_told_once(studio: Studio, tab: SpeechTab, spoken: SpeechDocument) -> None:
    for sentence in spoken.sentences:
        spoken.takes.path(sentence.take).unlink()
    tab.hearing.play_row(0)
    studio.wait(lambda: not tab.player.is_playing)
    assert len([words for words in toasts(studio) if "not there any more" in words]) == 1


def test_volume_is_remembered(studio: Studio, tab: SpeechTab) -> None:
    tab.speech_stage.transport.volume.set_number(35)
    assert tab.player.volume == 0.35
    studio.wait(lambda: (studio.settings.values.last or {}).get("speech.volume") == 0.35)


# -- voices ---------------------------------------------------------------------------------------------------


def test_a_sample_is_made_once_and_kept(studio: Studio, tab: SpeechTab) -> None:
    jobs: list[str] = []
    studio.services.bridge.job_changed.connect(lambda job: jobs.append(job.id))
    card = tab.panel.voices.cards()[0]
    card.sample.click()
    studio.wait(lambda: card.sample.state() == "playing")
    studio.wait(lambda: card.sample.state() == "")
    assert len(set(jobs)) == 1
    card.sample.click()
    assert card.sample.state() == "playing" and len(set(jobs)) == 1
    card.sample.click()
    assert card.sample.state() == "" and not tab.player.is_playing
    assert not studio.services.library.items(medium=Medium.SPEECH)


def test_a_sample_ends_where_another_player_is_heard(studio: Studio, tab: SpeechTab) -> None:
    card = tab.panel.voices.cards()[0]
    card.sample.click()
    studio.wait(lambda: tab.player.is_playing)
    other = Player(tab, silent=True)
    stream = Stream(24_000)
    stream.append(b"\0" * 96_000)
    other.play(stream)
    assert other.is_playing and not tab.player.is_playing and card.sample.state() == ""
    other.stop()


def test_the_filter_shows_who_speaks_a_language(studio: Studio, tab: SpeechTab) -> None:
    voices = tab.panel.voices
    assert [speaker.voice.name for speaker in voices.shown()] == ["Kumo", "Alpha", "Nezumi", "Heart"]
    assert voices._filter is not None
    voices._filter.set_current("zh")
    assert [speaker.voice.name for speaker in voices.shown()] == ["Kumo", "Alpha", "Nezumi"]


def test_a_voice_of_another_model_brings_its_model(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    card = next(card for card in tab.panel.voices.cards() if card.speaker.voice.name == "Heart")
    card.click()
    studio.spin(300)
    assert tab.picker.current is not None and tab.picker.current.id == HIBARI.id
    assert document.delivery.model == HIBARI.id and tab.panel.blend.isHidden()


def test_a_blend_of_two_voices(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    tab.panel.blend.on.setChecked(True)
    tab.panel.blend.share.set_value(40)
    studio.spin(300)
    assert document.delivery.voice == "jm_kumo:0.60+jf_alpha:0.40"
    assert tab.speech_stage.list.rows.row(0).voice == "Kumo + Alpha"
    assert tab.speech_stage.list.rows.mute() == []
    tab.panel.blend.on.setChecked(False)
    studio.spin(300)
    assert document.delivery.voice == "jm_kumo"


def test_the_dictionary_marks_the_sentences_it_touches(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)
    speak(studio, tab)
    tab.panel.pronunciation.add_word("lantern")
    entry = tab.panel.pronunciation._entries[0]
    entry.way.setFocus()
    QTest.keyClicks(entry.way, "lan turn")
    studio.wait(lambda: document.delivery.lexicon == {"lantern": "lan turn"})
    assert states(document) == ["made", "edited", "made", "made"]
    words: list[tuple[str, str]] = []
    tab.panel.word_wanted.connect(lambda word, way: words.append((word, way)))
    QTest.keyClick(entry.way, Key.Key_Return)
    assert words == [("lantern", "lan turn")]


# -- files ----------------------------------------------------------------------------------------------------


def _save(studio: Studio, tab: SpeechTab, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    tab.export(path.suffix)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_export_as_sound_with_its_recipe(
    studio: Studio, tab: SpeechTab, spoken: SpeechDocument, tmp_path: Path, monkeypatch, suffix: str
) -> None:
    path = tmp_path / f"guide{suffix}"
    _save(studio, tab, monkeypatch, path)
    studio.wait(lambda: any(f"Saved guide{suffix}" in words for words in toasts(studio)))
    assert soundfile.info(path).duration == pytest.approx(spoken.seconds, abs=0.1)
    recipe = carriers.extract(path)
    assert (recipe.model, recipe.params["voice"]) == ("kokoro-82m", "jm_kumo")
    assert [row["text"] for row in recipe.params["script"]] == [sentence.text for sentence in spoken.sentences]
    assert tab.header.format() == suffix
    tab.restore(recipe)
    assert tab.document is not None and tab.document is not spoken
    assert tab.document.text == spoken.text and tab.document.delivery.voice == "jm_kumo"


def test_export_as_subtitles(
    studio: Studio, tab: SpeechTab, spoken: SpeechDocument, tmp_path: Path, monkeypatch
) -> None:
    spoken.insert(4, "This has no sound yet.")
    path = tmp_path / "guide.srt"
    _save(studio, tab, monkeypatch, path)
    studio.wait(lambda: any("no sound yet" in words for words in toasts(studio)))
    lines = path.read_text("utf-8").splitlines()
    assert lines[:3] == ["1", "00:00:00,000 --> 00:00:00,400", "Welcome to the hall."]
    assert "00:00:02,100 --> 00:00:02,500" in lines and "This has no sound yet." not in lines


def test_a_place_that_cannot_be_written_is_told(
    studio: Studio, tab: SpeechTab, spoken: SpeechDocument, tmp_path: Path, monkeypatch
) -> None:
    _save(studio, tab, monkeypatch, tmp_path / "nowhere" / "guide.wav")
    studio.wait(lambda: any("does not exist" in words for words in toasts(studio)))
    assert not tab.header.export.main.is_busy()


# -- the window -----------------------------------------------------------------------------------------------


def test_a_text_is_sent_here_and_back(studio: Studio, tab: SpeechTab) -> None:
    targets = [target.id for target in studio.window.targets(Medium.TEXT)]
    assert "speech.read" in targets
    studio.window.send("speech.read", Payload(Medium.TEXT, "A story", "Once. Twice."))
    assert tab.document is not None and tab.document.title == "A story" and len(tab.document.sentences) == 2
    menu = QMenu()
    tab.header.send_menu_wanted.emit(menu)
    assert [action.text() for action in menu.actions()][-1] == "Chat"
    assert not any("Read aloud" in action.text() for action in menu.actions())


def test_it_opens_where_it_was_left(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    first = open_studio(tmp_path)
    document = write(tab_of(first))
    speak(first, tab_of(first))
    assert first.window.close()
    first.close()
    second = open_studio(tmp_path)
    tab = tab_of(second)
    assert tab.document is not None and tab.document.id == document.id
    assert states(tab.document) == ["made"] * 4
    assert tab.panel.delivery.voice == "jm_kumo"
    second.close()


def test_a_result_opens_its_reading_or_becomes_one(studio: Studio, tab: SpeechTab, spoken: SpeechDocument) -> None:
    item = studio.services.library.items(medium=Medium.SPEECH)[0]
    tab.room.show(None)
    tab.open_item(item)
    assert tab.document is spoken
    tab.room.show(None)
    studio.services.queue.remove(item.job)
    tab.open_item(item)
    studio.wait(lambda: tab.document is not None and tab.document is not spoken and not tab.document.unmade())
    assert tab.document is not None
    assert [sentence.text for sentence in tab.document.sentences] == [sentence.text for sentence in spoken.sentences]
    assert tab.document.seconds == pytest.approx(spoken.seconds, abs=0.01)


def test_history_hearts_renames_and_trash(studio: Studio, tab: SpeechTab, spoken: SpeechDocument) -> None:
    tab.room.new()
    tab.speech_stage.list.leave_edit()
    studio.wait(lambda: any(card.kind == "document" for card in tab.readings.cards.cards()))
    card = tab.readings.cards.cards()[0]
    assert card.note.startswith("Kumo · 0:0") and card.peaks
    tab.shelf.toggle_favourite(card)
    tab.shelf.set_favourites(True)
    assert [item.favourite for item in tab.readings.cards.cards()] == [True]
    tab.shelf.set_favourites(False)
    menu = QMenu()
    tab.shelf.fill_menu(menu, tab.readings.cards.cards()[0])
    assert [action.text() for action in menu.actions() if action.text()] == [
        "Open",
        "Take the heart away",
        "Rename…",
        "Move to the trash",
    ]
    tab.shelf.remove(card)
    assert tab.readings.cards.cards() == []
    tab.shelf.late_trash.keep(card.id)
    assert len(tab.readings.cards.cards()) == 1


def test_the_row_menu_does_what_it_says(studio: Studio, tab: SpeechTab) -> None:
    document = write(tab)

    def act(row: int, words: str) -> None:
        menu = QMenu()
        tab.room.writing.fill_row_menu(menu, row)
        next(action for action in menu.actions() if action.text() == words).trigger()

    act(3, "Split in two")
    assert [sentence.text for sentence in document.sentences[3:]] == ["Follow the", "sound of water."]
    act(3, "Join with the next")
    act(0, "Move down")
    assert document.sentences[1].text == "Welcome to the hall."
    act(2, "Begins a paragraph")
    assert document.sentences[2].opens
    act(1, "Delete this sentence")
    assert len(document.sentences) == 3
    act(0, "Copy")
    assert QApplication.clipboard().text().startswith("Every lantern was folded")


def test_commands_and_names(studio: Studio, tab: SpeechTab) -> None:
    write(tab)
    commands = tab.commands()
    assert len({command.id for command in commands}) == len(commands)
    keys = [command.shortcut for command in commands if command.shortcut]
    assert len(set(keys)) == len(keys)
    row = tab.speech_stage.list.rows.row(0)
    assert row.spoken().startswith("1, Welcome to the hall., Kumo")


def test_every_state_of_a_row_is_spoken() -> None:
    assert Row(3, "a", "Hello.", "Kumo", "", "making").spoken() == "3, Hello., Kumo, Making"
    assert Row(3, "a", "Hello.", "Kumo", "", "made", 4.56, 0, 0.5, True).spoken() == "3, Hello., Kumo, 4.6 s, Playing"
    assert "Write the next sentence" in Row(4, state="add").spoken()
