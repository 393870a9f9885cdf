"""Answers of the chat read aloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.core import i18n
from studio.core.jobs import JobState, Medium, Request
from studio.ui.playback import PAUSED, Player, Stream
from studio.ui.tabs import TABS
from studio.ui.tabs.speech.read_aloud import ReadAloud
from studio.ui.tabs.text import TextTab
from studio.ui.widgets.buttons import IconButton
from tests.fakes.fake_context import FakeContext
from tests.fakes.fake_engine import MODELS, FakeEngine
from tests.fakes.plays import Writing
from tests.fakes.speaking import HIBARI, KOKORO, Speaking
from tests.fakes.studio import Studio

ENGLISH = "Walk slowly. The lanterns change their colour. **Follow** the sound of water."


class Both:
    """Writes `answer` and says what it is given."""

    def __init__(self) -> None:
        self.answer = ENGLISH
        self.speaking = Speaking(seconds=0.4, pause_at=2)
        self.said: list[Request] = []

    def __call__(self, request: Request, ctx: FakeContext):
        if request.medium == Medium.SPEECH:
            self.said.append(request)
            return self.speaking(request, ctx)
        return Writing(self.answer)(request, ctx)


@pytest.fixture
def play() -> Both:
    return Both()


@pytest.fixture(params=[(KOKORO, HIBARI)])
def studio(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, play: Both, request
) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    engine = FakeEngine(play, models=(*MODELS, *request.param))
    studio = Studio(tmp_path, tabs=(TABS[0],), engine=engine)
    tab = tab_of(studio)
    tab.chat.use_reader(ReadAloud(studio.services, studio.window, tab.chat, Player(tab.chat, silent=True)))
    yield studio
    studio.close()
    i18n.set_language("en")


def tab_of(studio: Studio) -> TextTab:
    tab = studio.window.tab
    assert isinstance(tab, TextTab)
    return tab


def answered(studio: Studio, play: Both, answer: str = ENGLISH) -> TextTab:
    tab = tab_of(studio)
    tab.set_mode("chat")
    play.answer = answer
    tab.chat_stage.composer.set_text("Hello there")
    QTest.keyClick(tab.chat_stage.composer.edit, Qt.Key.Key_Return)
    studio.wait(lambda: tab.chat.run() is None and tab.chat.document is not None and len(tab.chat.document.path) == 2)
    return tab


def button(tab: TextTab) -> IconButton:
    found = [item for item in tab.chat_stage.view.findChildren(IconButton) if "read" in item.accessibleName().lower()]
    assert len(found) == 1 and found[0].isVisible()
    return found[0]


def toasts(studio: Studio) -> list[str]:
    from studio.ui.widgets.toasts import Toast

    found = studio.window.findChildren(Toast)
    return [toast.accessibleName() + " " + toast.accessibleDescription() for toast in found]


def test_an_answer_is_heard_while_it_is_made_and_stopped(studio: Studio, play: Both) -> None:
    tab = answered(studio, play)
    reader = tab.chat.reader
    assert button(tab).accessibleName() == "Read aloud"
    button(tab).click()
    studio.wait(lambda: reader.player.is_playing)
    assert tab.chat.document is not None and reader.current == tab.chat.document.path[-1].id
    assert button(tab).accessibleName() == "Stop reading"
    request = play.said[0]
    assert [row["text"] for row in request.params["script"]] == [
        "Walk slowly.",
        "The lanterns change their colour.",
        "Follow the sound of water.",
    ]
    assert request.model == "kokoro-82m" and not request.keep
    assert {row["language"] for row in request.params["script"]} == {"en"}
    button(tab).click()
    assert not reader.player.is_playing and reader.current == ""
    assert button(tab).accessibleName() == "Read aloud"
    studio.wait(lambda: studio.services.queue.jobs()[0].state is JobState.CANCELLED)


def test_it_ends_where_something_else_is_heard(studio: Studio, play: Both) -> None:
    tab = answered(studio, play)
    reader = tab.chat.reader
    button(tab).click()
    studio.wait(lambda: reader.player.is_playing)
    speech = Player(tab, silent=True)
    stream = Stream(24_000)
    stream.append(np.zeros(48_000, np.float32))
    speech.play(stream)
    assert speech.is_playing and not reader.player.is_playing and reader.current == ""
    assert button(tab).accessibleName() == "Read aloud"
    studio.wait(lambda: studio.services.queue.jobs()[0].state is JobState.CANCELLED)
    button(tab).click()
    studio.wait(lambda: reader.player.is_playing)
    assert speech.state == PAUSED
    reader.stop()


def test_it_ends_by_itself_and_files_nothing(studio: Studio, play: Both) -> None:
    play.speaking = Speaking(seconds=0.3)
    tab = answered(studio, play, "Walk slowly.")
    button(tab).click()
    studio.wait(lambda: tab.chat.reader.player.is_playing)
    studio.wait(lambda: tab.chat.reader.current == "")
    assert button(tab).accessibleName() == "Read aloud"
    assert not studio.services.library.items(medium=Medium.SPEECH)


def test_escape_and_leaving_the_chat_stop_it(studio: Studio, play: Both) -> None:
    tab = answered(studio, play)
    for leave in (
        lambda: QTest.keyClick(tab.chat_stage, Qt.Key.Key_Escape),
        lambda: tab.set_mode("write"),
    ):
        tab.set_mode("chat")
        studio.spin(30)
        button(tab).click()
        studio.wait(lambda: tab.chat.reader.player.is_playing)
        leave()
        studio.wait(lambda: tab.chat.reader.current == "")


def test_the_voice_is_one_of_the_answers_language(studio: Studio, play: Both) -> None:
    studio.settings.remember(**{"speech.delivery": {"model": HIBARI.id, "voice": "heart"}})
    play.speaking = Speaking(seconds=0.3)
    tab = answered(studio, play, "请慢慢走。跟着水声到花园去。")
    button(tab).click()
    studio.wait(lambda: bool(play.said))
    assert play.said[0].model == KOKORO.id
    assert [row["language"] for row in play.said[0].params["script"]] == ["zh", "zh"]


def test_the_voice_that_was_chosen_for_reading_reads(studio: Studio, play: Both) -> None:
    studio.settings.remember(**{"speech.delivery": {"model": HIBARI.id, "voice": "heart", "speed": 1.2}})
    tab = answered(studio, play)
    button(tab).click()
    studio.wait(lambda: bool(play.said))
    assert (play.said[0].model, play.said[0].params["speed"]) == (HIBARI.id, 1.2)


@pytest.mark.parametrize("studio", [(HIBARI,)], indirect=True)
def test_a_language_that_no_voice_has_is_told_with_those_there_are(studio: Studio, play: Both) -> None:
    tab = answered(studio, play, "请慢慢走。跟着水声到花园去。")
    button(tab).click()
    studio.wait(lambda: bool(toasts(studio)))
    assert "No voice here can read this aloud: it is in Chinese." in toasts(studio)[0]
    assert "There are voices for English." in toasts(studio)[0]
    assert not play.said and tab.chat.reader.current == ""


def test_a_reading_that_fails_is_told_once_and_not_offered_again(studio: Studio, play: Both) -> None:
    play.speaking = Speaking(seconds=0.3, fail_at=(1, "crash"))
    tab = answered(studio, play)
    button(tab).click()
    studio.wait(lambda: any("engine stopped" in words for words in toasts(studio)))
    studio.wait(lambda: tab.chat.reader.current == "")
    assert len(toasts(studio)) == 1
    assert all(job.request.medium != Medium.SPEECH for job in studio.services.queue.jobs())
