"""The command line from end to end, and what `run.sh` takes before the program."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import ROOT, Bench, Figure, figure, median, seconds_of

LAUNCH = 1.0  # seconds
_NOTHING = ("families",)


def measure(bench: Bench) -> Iterator[Figure]:
    if _set_up():
        launched, direct = [], []
        for _run in range(bench.runs + 1):
            launched.append(_run_sh(bench, *_NOTHING))
            direct.append(_studio(bench, *_NOTHING))
        more = [a - b for a, b in zip(launched[1:], direct[1:], strict=True)]
        plain = round(median(direct), 3)
        yield figure("a second start of run.sh, before the program", more, "s", target=LAUNCH, plain=plain)
    else:
        yield Figure("a second start of run.sh", None, "s", LAUNCH, note="this environment was not made by run.sh")
    text = ("generate", "text", "--prompt", "A letter from the sea", "--max-new-tokens", "50", "--seed", "1", "-o")
    cold = []
    for _run in range(1 if bench.quick else 3):
        _forget_files(bench)
        cold.append(_studio(bench, *text, str(bench.home / "text.txt")))
    yield figure("generate text, 50 tokens, from a cold disk", cold, "s", note="of 3; no file of ours in memory")
    warm = [_studio(bench, *text, str(bench.home / "text.txt")) for _run in range(bench.runs)]
    yield figure("generate text, 50 tokens, from a warm disk", warm, "s")


def _set_up() -> bool:
    """Whether run.sh finds everything there; otherwise it would set up first."""
    check = f'. "{ROOT}/packaging/lib.sh" && environment_ready run'
    return subprocess.run(["bash", "-c", check], capture_output=True).returncode == 0


def _studio(bench: Bench, *arguments: str) -> float:
    return seconds_of(lambda: bench.python("-P", "-m", "studio", *arguments))


def _run_sh(bench: Bench, *arguments: str) -> float:
    command = ["bash", str(ROOT / "packaging" / "run.sh"), *arguments]
    return seconds_of(lambda: subprocess.run(command, env=bench.env(), check=True, capture_output=True))


def _forget_files(bench: Bench) -> None:
    """Ask the system to drop the libraries, the program and the model from memory (what runs keeps its own)."""
    if not hasattr(os, "posix_fadvise"):
        return
    ctypes.CDLL(None).sync()
    for folder in (ROOT / "studio", Path(sys.prefix) / "lib", (bench.home / "data" / "models" / "starter").resolve()):
        for path in folder.rglob("*"):
            if path.is_file():
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)
