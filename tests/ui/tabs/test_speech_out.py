"""Readings on their way out: trimmed, faded, exported with true times, and dragged into other programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog

from studio.documents import SpeechDocument
from studio.media import audio, carriers
from studio.ui.tabs.speech import SpeechTab, export
from studio.ui.tabs.speech.outgoing import KEPT_DAYS
from tests.fakes.studio import Studio
from tests.ui.tabs.test_speech_tab import (  # noqa: F401
    speak,
    spoken,
    studio,
    tab,
    toasts,
    write,
)


def saved(studio: Studio, tab: SpeechTab, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    tab.export(path.suffix)
    studio.wait(path.is_file)
    studio.wait(lambda: not tab.header.export.main.is_busy())
    return path


def quiet_ends(document: SpeechDocument, before: float, after: float) -> None:
    """Put silence before the first sentence and behind the last, as a voice may leave it there."""
    for row, parts in ((0, (before, 0.0)), (len(document.sentences) - 1, (0.0, after))):
        sentence = document.sentences[row]
        sound = document.takes.read(sentence.take)
        lead, tail = (audio.Sound.silence(part, sound.sample_rate) for part in parts)
        samples = np.concatenate([lead.samples, sound.samples, tail.samples])
        whole = audio.Sound(samples, sound.sample_rate)
        document.set_take(sentence.id, document.takes.write(sentence.id, sentence.manner, whole))


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that this user may not write into, whoever that is."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.name == "nt":
        subprocess.run(["icacls", str(folder), "/deny", "*S-1-1-0:(WD,AD)"], check=True, capture_output=True)
        yield folder
        subprocess.run(["icacls", str(folder), "/remove:d", "*S-1-1-0"], check=True, capture_output=True)
    elif os.geteuid():
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
    elif subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True).returncode:
        yield Path("/sys")  # no mounts in a container; nobody writes there
    else:
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".srt", ".vtt"])
def test_a_folder_that_may_not_be_written_is_told_in_words(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    locked: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    path = locked / f"guide{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    before = sorted(locked.iterdir())
    tab.export(suffix)
    studio.wait(lambda: any("may not write here" in words and str(path) in words for words in toasts(studio)))
    studio.wait(lambda: not tab.header.export.main.is_busy())
    assert any("Choose another folder" in words for words in toasts(studio))
    assert sorted(locked.iterdir()) == before and not spoken.unmade()


# -- trim and fades -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_trim_and_fades_are_heard_and_the_loudness_is_as_asked(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    quiet_ends(spoken, 0.8, 0.6)
    whole = spoken.seconds
    tab.panel.ends.trim.setChecked(True)
    tab.panel.ends.fade_in.set_value(0.5)
    tab.panel.ends.fade_out.set_value(1.0)
    studio.wait(lambda: spoken.delivery.fade_out == 1.0)
    assert spoken.delivery.trim and spoken.delivery.fade_in == 0.5 and not spoken.unmade()
    sound = audio.read(saved(studio, tab, tmp_path / f"out{suffix}", monkeypatch))
    assert sound.seconds == pytest.approx(whole - 1.4, abs=0.25)
    assert audio.loudness(sound) == pytest.approx(-16.0, abs=0.5)
    rate = sound.sample_rate
    envelope = np.abs(sound.samples[:, 0])
    assert envelope[: rate // 50].max() < 0.05 and envelope[-rate // 50 :].max() < 0.05
    recipe = carriers.extract(tmp_path / f"out{suffix}")
    tab.restore(recipe)
    assert tab.document is not None and tab.document is not spoken
    delivery = tab.document.delivery
    assert (delivery.trim, delivery.fade_in, delivery.fade_out) == (True, 0.5, 1.0)
    assert tab.panel.ends.values() == {"trim": True, "fade_in": 0.5, "fade_out": 1.0}


def test_subtitle_times_follow_the_trim(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quiet_ends(spoken, 0.8, 0.6)
    spoken.set_delivery(trim=True, fade_in=2.0)
    wish = export.order(spoken, tab.room.models())
    cues = export._cues(wish)
    sound = audio.read(saved(studio, tab, tmp_path / "out.wav", monkeypatch))
    plain = export._cues(export.order(_untrimmed(spoken), tab.room.models()))
    shift = plain[1].start - cues[1].start
    assert 0.7 < shift < 0.9
    assert [after.start - before.start for before, after in zip(plain[1:], cues[1:], strict=True)] == pytest.approx(
        [-shift] * 3
    )
    assert cues[0].start == 0.0 and cues[-1].end == pytest.approx(sound.seconds, abs=0.002)
    spoken.set_delivery(fade_in=0.0)
    sound = audio.read(saved(studio, tab, tmp_path / "plain.wav", monkeypatch))
    envelope = np.abs(sound.samples[:, 0])
    for cue in cues[1:]:  # a pause ends where the next sentence begins
        at = round(cue.start * sound.sample_rate)
        assert envelope[at - 2000 : at - 100].max() < 0.01
        assert envelope[at : at + 2400].max() > 0.05


def _untrimmed(document: SpeechDocument) -> SpeechDocument:
    document.begin_reading()
    other = document.as_read(document.readings[-1].id)
    other.delivery = type(document.delivery)()
    return other


def test_trim_and_fades_are_kept_with_the_reading(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
) -> None:
    spoken.set_delivery(trim=True, fade_out=2.5)
    studio.services.documents.save(spoken)
    tab.room.show(None)
    studio.services.documents.close(spoken)
    tab.room.open(spoken.id)
    assert tab.document is not None and tab.document is not spoken
    assert tab.document.delivery.trim and tab.document.delivery.fade_out == 2.5
    assert not tab.document.unmade()
    assert tab.panel.ends.values() == {"trim": True, "fade_in": 0.0, "fade_out": 2.5}


# -- dragged out ----------------------------------------------------------------------------------------------


@pytest.fixture
def drags(tab: SpeechTab, monkeypatch: pytest.MonkeyPatch) -> list[Path]:  # noqa: F811
    """What is dropped elsewhere."""
    found: list[Path] = []

    def drop(drag: QDrag, *_actions: object) -> Qt.DropAction:
        found.extend(Path(url.toLocalFile()) for url in drag.mimeData().urls())
        return Qt.DropAction.CopyAction

    monkeypatch.setattr(QDrag, "exec", drop)
    monkeypatch.setattr(tab.outgoing, "_held", lambda: True)
    return found


def pull(widget, place: QPoint, by: QPoint) -> None:
    """Press, and move on with the button held."""
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    for kind, at, button in (
        (QMouseEvent.Type.MouseButtonPress, place, left),
        (QMouseEvent.Type.MouseMove, place + by / 2, Qt.MouseButton.NoButton),
        (QMouseEvent.Type.MouseMove, place + by, Qt.MouseButton.NoButton),
    ):
        globally = QPointF(widget.mapToGlobal(at))
        QApplication.sendEvent(widget, QMouseEvent(kind, QPointF(at), globally, button, left, none))


def test_the_export_button_is_dragged_out_as_a_file_with_its_recipe(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    drags: list[Path],
) -> None:
    button = tab.header.export.main
    tab.header.set_format(".flac")
    pull(button, button.rect().center(), QPoint(0, 60))
    studio.wait(lambda: bool(drags))
    assert drags[0].name == "Welcome to the hall.flac"
    assert audio.read(drags[0]).seconds == pytest.approx(spoken.seconds, abs=0.05)
    recipe = carriers.extract(drags[0])
    assert [row["text"] for row in recipe.params["script"]] == [sentence.text for sentence in spoken.sentences]
    assert not button.isDown()
    made = drags[0].stat().st_mtime_ns
    pull(button, button.rect().center(), QPoint(0, 60))
    studio.wait(lambda: len(drags) == 2)
    assert drags[1] == drags[0] and drags[1].stat().st_mtime_ns == made  # the same reading is the same file


def test_a_card_of_the_history_is_dragged_out(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    drags: list[Path],
) -> None:
    first = spoken.seconds
    spoken.set_text(spoken.sentences[0].id, "Be welcome to the great old hall.")
    tab.speak_all()
    studio.wait(lambda: tab.desk.run_of(spoken) is None and bool(spoken.readings))
    tab.player.stop()
    spoken.change([sentence.id for sentence in spoken.sentences], "Pause", pause=1.0)
    tab.header.set_format(".srt")  # a history holds sounds
    cards = tab.readings.cards.cards()
    assert [card.kind for card in cards] == ["current", "reading"]
    for row, seconds in ((0, spoken.seconds), (1, first)):
        place = tab.readings.visualRect(tab.readings.cards.index(row, 0)).center()
        pull(tab.readings.viewport(), place, QPoint(-80, 40))
        studio.wait(lambda row=row: len(drags) == row + 1)
        assert drags[row].suffix == ".wav" and audio.read(drags[row]).seconds == pytest.approx(seconds, abs=0.01)
    assert carriers.extract(drags[1]).params["script"][0]["text"] == "Be welcome to the great old hall."
    tab.room.new()
    tab.speech_stage.list.leave_edit()
    studio.wait(lambda: any(card.kind == "document" for card in tab.readings.cards.cards()))
    place = tab.readings.visualRect(tab.readings.cards.index(0, 0)).center()
    pull(tab.readings.viewport(), place, QPoint(-80, 40))
    studio.wait(lambda: len(drags) == 3)
    assert audio.read(drags[2]).seconds == pytest.approx(audio.read(drags[0]).seconds, abs=0.01)
    assert tab.document is None  # dragging opens nothing


def test_a_drag_that_was_let_go_leaves_the_file_ready(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    drags: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tab.outgoing, "_held", lambda: False)
    tab.header.dragged.emit()
    studio.wait(lambda: any("ready to be dragged out" in words for words in toasts(studio)))
    assert not drags


def test_what_has_no_sound_is_not_dragged(studio: Studio, tab: SpeechTab, drags: list[Path]) -> None:  # noqa: F811
    write(tab)
    tab.header.dragged.emit()
    assert any("Nothing has been spoken yet" in words for words in toasts(studio)) and not drags


def test_old_files_go_and_new_ones_stay(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    tmp_path: Path,
) -> None:
    import os
    import time

    wish = export.order(spoken, tab.room.models())
    new = tab.outgoing.file("New", ".wav", wish)
    old = new.parent.parent / "old"
    old.mkdir()
    past = time.time() - (KEPT_DAYS + 1) * 86_400
    os.utime(old, (past, past))
    tab.outgoing._swept = False
    assert tab.outgoing.file("New", ".wav", wish) == new and new.is_file() and not old.exists()
