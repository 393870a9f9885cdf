"""The real window with a real engine, watched by a timer: how long its event loop was kept from it, and what it took
until words came. Prints one JSON object. `--torch` also runs a model that makes the engine import torch (its id),
`--clicks` is how many short texts are asked for, `--why` adds where the window's thread was during long gaps.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, cast

import psutil
from PySide6.QtWidgets import QApplication

from studio.client.local import LocalEngine
from studio.core import logs
from studio.core.jobs import JobState, Medium, Request, Task
from studio.core.messages import JobEvent, TextDelta, Usage
from studio.core.settings import Settings
from studio.ui.program import Program
from studio.ui.tabs.text.tab import TextTab
from studio.ui.widgets import buttons
from tests.bench.children.probe import Probe

PROMPT = "The lighthouse keeper had not spoken to anyone for a whole winter, and then the letter came."


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--torch", default="")
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--why", action="store_true")
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    faults: list[str] = []

    def on_fault(text: str) -> None:
        faults.append(text)
        print(text, file=sys.stderr)

    logs.start("window", on_fault)
    engine = LocalEngine("cpu")
    program = Program(app, Settings(), make_client=lambda _settings: engine)
    assert program.open() and program.window
    program.window.open_tab("text")
    probe = Probe()
    if options.why:
        probe.look_for_causes()
    try:
        answer = _watch(program, engine, probe, options)
    finally:
        program.close()
    if faults:
        raise RuntimeError(faults[0])
    print(json.dumps(answer))


def _watch(program: Program, engine: LocalEngine, probe: Probe, options: argparse.Namespace) -> dict[str, Any]:
    assert program.window and program.services
    bridge, queue = program.services.bridge, program.services.queue
    tab = cast(TextTab, program.window.tab)
    words: list[float] = []
    tokens = 0.0

    def hear(event: JobEvent) -> None:
        nonlocal tokens
        if isinstance(event, TextDelta):
            words.append(time.perf_counter())
        elif isinstance(event, Usage):
            tokens = event.counts.get("written_tokens", 0.0)

    bridge.job_event.connect(hear)
    memory = {}
    probe.wait(lambda: tab.picker.current is not None and any(info.usable for info in bridge.models), "the models")
    probe.rest(1.0)
    probe.phase = "memory"
    memory["idle"] = _memory(engine.pid)
    tab.write_panel.show_brief("go-on", PROMPT, "", 400, {"seed": 1})
    probe.rest(0.5)
    probe.phase = "load"
    buttons.GRACE_MS = 0  # the next click comes sooner than a hand's
    written = 0.0
    while written < 300:
        words.clear()
        tab.generate_button.click()
        probe.wait(lambda: bool(words), "the first words")
        probe.phase = "write"
        probe.wait(lambda: not tab.generate_button.is_running(), "the end of a text")
        written += tokens
    probe.rest(0.5)
    probe.phase = "memory"
    memory["with the model"] = _memory(engine.pid)
    probe.rest(0.1)

    probe.phase = "clicks"
    first, stopped = [], []
    for _click in range(options.clicks):
        words.clear()
        began = time.perf_counter()
        tab.generate_button.click()
        probe.wait(lambda: bool(words), "the first words")
        first.append(words[0] - began)
        probe.rest(0.3)
        began = time.perf_counter()
        tab.generate_button.click()
        probe.wait(lambda: not tab.generate_button.is_running(), "the end of a text")
        stopped.append(time.perf_counter() - began)
        probe.rest(0.3)

    if options.torch:
        probe.phase = "import"
        request = Request(
            Medium.TEXT, "causal-lm", options.torch, Task.CONTINUE, {"prompt": "The sea", "max_new_tokens": 60}
        )
        job = queue.submit(request)
        ends: list[JobState] = []
        bridge.job_changed.connect(lambda change: ends.append(change.state) if change.id == job.id else None)
        probe.wait(lambda: bool(ends) and ends[-1] in (JobState.FILED, JobState.FAILED), "the end of a job")
        probe.rest(0.5)

    probe.phase = "idle"
    probe.rest(3.0)
    return {
        "gaps": probe.gaps,
        "first": first,
        "stopped": stopped,
        "tokens": written,
        "memory": memory,
        "why": sorted(probe.why, key=lambda item: -item["gap"])[:40],
    }


def _memory(pid: int) -> dict[str, float]:
    """MiB of the window and of the engine: of its own and its share of what is shared (PSS), or all (RSS)."""
    found = {}
    for name, process in (("window", psutil.Process()), ("engine", psutil.Process(pid))):
        info = process.memory_full_info()
        found[f"{name} rss"] = info.rss / 2**20
        if hasattr(info, "pss"):
            found[f"{name} pss"] = info.pss / 2**20
    return found


main()
