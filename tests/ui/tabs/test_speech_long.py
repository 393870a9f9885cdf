"""A reading of many hours: no turn of the window's event loop takes long."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer

from studio.ui.tabs.speech import SpeechTab
from tests.fakes.speaking import Speaking
from tests.fakes.studio import Studio
from tests.ui.tabs.test_speech_tab import run_of, studio, tab  # noqa: F401

COUNT = 12_000
MOST = 0.05  # s


class Turns:
    """Measures what each turn of the event loop costs the window's thread: its own time, not that of others."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.thread_time()
        self._timer = QTimer()
        self._timer.timeout.connect(self._on_turn)
        self._timer.start(0)

    def _on_turn(self) -> None:
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now

    def stop(self) -> float:
        self._timer.stop()
        return self.longest


def test_no_turn_takes_long_with_twelve_thousand_sentences(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    studio.engine.play = Speaking(seconds=0.4, speed=20, pause_at=30)
    text = " ".join(f"Sentence number {number} walks slowly past the lanterns." for number in range(COUNT))
    turns = Turns()
    tab.open_text("Long", text)
    studio.wait(lambda: tab.document is not None and len(tab.document.sentences) == COUNT, 60)
    studio.spin(300)
    opening = turns.stop()
    turns = Turns()
    QTimer.singleShot(0, tab.generate_button.requested.emit)
    studio.wait(lambda: tab.desk.run_of(tab.document) is not None and run_of(tab).said >= 10, 60)
    studio.spin(300)
    speaking = turns.stop()
    assert len(studio.services.queue.jobs()[0].request.params["script"]) == COUNT
    turns = Turns()
    QTimer.singleShot(0, tab.generate_button.stop_requested.emit)
    studio.engine.release()
    studio.wait(lambda: tab.desk.run_of(tab.document) is None, 60)
    stopping = turns.stop()
    assert max(opening, speaking, stopping) < MOST, (opening, speaking, stopping)


def test_a_long_request_can_be_stopped_before_it_is_asked_for(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    tab.room.writing.add(-1, "Walk slowly. " * 3000)
    document = tab.document
    assert document is not None
    studio.wait(lambda: len(document.sentences) == 3000)
    tab.generate_button.requested.emit()
    assert run_of(tab).request is None
    tab.generate_button.stop_requested.emit()
    studio.spin(500)
    assert tab.desk.run_of(document) is None and len(document.unmade()) == 3000
    assert all(job.state.ended for job in studio.services.queue.jobs())
    studio.engine.play = Speaking(seconds=0.05)
    tab.room.speak_ids([document.sentences[0].id])
    studio.wait(lambda: len(document.unmade()) == 2999)
