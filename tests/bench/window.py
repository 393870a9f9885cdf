"""The window while the engine works: how long its event loop is kept, words after a click, memory.

Gaps are those of `children/real_window.py`, less what is usual while nothing happens (the median of the idle window).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.figures import Bench, Figure, figure, median, percentile
from tests.fakes.tiny_models import build_llama

MAXIMUM, NINETY_NINE, FIRST, STOPPED = 50.0, 16.0, 0.5, 0.2
TORCH_MODEL = "tiny-llama"  # random weights: only the libraries around it are real
_PHASES = {
    "start": "while the engine starts",
    "load": "from a click, while a model is loaded",
    "write": "while text streams into the editor",
    "clicks": "while texts are begun and stopped",
    "import": "while the engine imports torch and runs a model of it",
}


def measure(bench: Bench) -> Iterator[Figure]:
    arguments = ["--clicks", "2"] if bench.quick else ["--torch", _torch_model(bench)]
    runs: list[dict[str, Any]] = [bench.child("real_window", *arguments) for _run in range(bench.runs)]
    idle = [[gap * 1000 for gap, _cpu in run["gaps"]["idle"]] for run in runs]
    yield figure("longest gap of the idle window", [max(gaps) for gaps in idle], "ms", 1)
    for phase, words in _PHASES.items():
        if phase not in runs[0]["gaps"]:
            continue
        found = [
            ([gap * 1000 - median(rest) for gap, _cpu in run["gaps"][phase]], [cpu for _gap, cpu in run["gaps"][phase]])
            for run, rest in zip(runs, idle, strict=True)
        ]
        own = median([max(cpu) * 1000 for _gaps, cpu in found])
        note = f"of which the window's own work at most {own:.1f} ms"
        yield figure(f"longest gap {words}", [max(gaps) for gaps, _cpu in found], "ms", 1, target=MAXIMUM, note=note)
        ranks = [percentile(gaps, 99) for gaps, _cpu in found]
        yield figure(f"99 % of gaps {words}", ranks, "ms", 1, target=NINETY_NINE)
    first = [median(run["first"]) for run in runs]
    yield figure("first words after the click, on a warm engine", first, "s", target=FIRST)
    yield figure("page at rest after the click on Stop", [median(run["stopped"]) for run in runs], "s", target=STOPPED)
    for when in runs[0]["memory"]:
        for name in runs[0]["memory"][when]:
            yield figure(f"memory, {when}: {name.upper()}", [run["memory"][when][name] for run in runs], "MiB", 0)


def _torch_model(bench: Bench) -> str:
    folder = bench.home / "data" / "models" / "imported" / TORCH_MODEL
    if not folder.exists():
        build_llama(folder)
    return f"imported/{TORCH_MODEL}"
