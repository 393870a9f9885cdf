"""From the start of the process to a window that can be used, beside the least window that Qt can open."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from tests.bench.figures import CHILDREN, Bench, Figure, figure, median

USABLE = 1.0  # seconds


def measure(bench: Bench) -> Iterator[Figure]:
    _window(bench)  # what is measured is the second start, from a warm disk
    _bare(bench)
    ours, bare = [], []
    for _run in range(bench.runs):
        ours.append(_window(bench))
        bare.append(_bare(bench))
    yield figure("window usable after the start of the process", ours, "s", target=USABLE, plain=round(median(bare), 3))
    yield figure("more than a bare window with a label", [a - b for a, b in zip(ours, bare, strict=True)], "s")


def _window(bench: Bench) -> float:
    trace = bench.home / "trace.json"
    trace.unlink(missing_ok=True)
    began = time.monotonic()
    program = subprocess.Popen(
        [sys.executable, "-P", "-m", "studio"],
        env=bench.env(ATELIER_STARTUP_TRACE=str(trace)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            time.sleep(0.05)
            if trace.exists() and (text := trace.read_text(encoding="utf-8")):
                return json.loads(text)["usable_monotonic"] - began
            if program.poll() is not None or time.monotonic() - began > 60:
                raise RuntimeError("the window did not open; its log is in the home of the benchmark")
    finally:
        # The engine ends with its parent; the next start waits until both are gone.
        family = psutil.Process(program.pid).children(recursive=True) if program.poll() is None else []
        program.kill()
        program.wait()
        psutil.wait_procs(family, timeout=10)


def _bare(bench: Bench) -> float:
    began = time.monotonic()
    return json.loads(bench.python(CHILDREN / "bare_window.py")) - began
