"""The real window with a real engine while it speaks: how long its event loop was kept from it. Prints one JSON object.
`--sentences` is how many are spoken, `--why` adds where the window's thread was during long gaps.

The sound plays from its first piece on, as after a click on Speak, and the waveform draws it (see `probe`).
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, cast

from PySide6.QtWidgets import QApplication

from studio.client.local import LocalEngine
from studio.core import logs
from studio.core.settings import Settings
from studio.ui.program import Program
from studio.ui.tabs.speech.tab import SpeechTab
from tests.bench.children.probe import Probe

MODEL, VOICE = "hibari-heart", "heart"
SENTENCES = (
    "The lighthouse keeper had not spoken to anyone for a whole winter.",
    "Then the letter came, and he read it twice by the lamp.",
    "Rain fell on the harbour all night.",
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--why", action="store_true")
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    faults: list[str] = []

    def on_fault(text: str) -> None:
        faults.append(text)
        print(text, file=sys.stderr)

    logs.start("window", on_fault)
    program = Program(app, Settings(), make_client=lambda _settings: LocalEngine("cpu"))
    assert program.open() and program.window
    program.window.open_tab("speech")
    probe = Probe()
    if options.why:
        probe.look_for_causes()
    try:
        answer = _watch(cast(SpeechTab, program.window.tab), probe, options.sentences)
    finally:
        program.close()
    if faults:
        raise RuntimeError(faults[0])
    print(json.dumps(answer))


def _watch(tab: SpeechTab, probe: Probe, count: int) -> dict[str, Any]:
    probe.wait(lambda: any(info.id == MODEL for info in tab.room.models()), "the models")
    tab.room.new()  # the reading of the last run opens again
    tab.room.writing.add(-1, " ".join(SENTENCES[index % len(SENTENCES)] for index in range(count)))
    document = tab.document
    assert document is not None and len(document.sentences) == count
    document.set_delivery(model=MODEL, voice=VOICE)
    probe.rest(1.5)

    probe.phase = "idle"
    probe.rest(3.0)
    probe.phase = "load"
    tab.speak_all()
    probe.wait(lambda: tab.player.is_playing, "the first sound")
    probe.phase = "speak"
    probe.wait(lambda: not document.unmade(), "the last sentence", 240.0)
    heard = tab.player.is_playing
    probe.wait(lambda: tab.desk.run_of(document) is None, "the end of the reading")
    probe.phase = "play"
    probe.rest(3.0)
    heard = heard and tab.player.is_playing
    probe.phase = "end"
    tab.player.stop()
    probe.rest(0.3)
    if not heard:
        raise RuntimeError("the sound ended before it was all made")
    return {
        "gaps": probe.gaps,
        "seconds": document.seconds,
        "why": sorted(probe.why, key=lambda item: -item["gap"])[:40],
    }


main()
