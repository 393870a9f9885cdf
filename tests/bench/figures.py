"""What a benchmark measures and how it is summed up; what every subject is given."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import psutil

from studio.client.report import versions
from studio.core import paths

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = Path(__file__).resolve().parent / "children"
RUNS = 5
SCREEN = "screen.json"  # a display without a device, with room for the window
# What an engine sets for itself before it imports a numeric library; the plain calls get the same.
ENGINE_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


@dataclass(frozen=True)
class Figure:
    """One measured value: the median of `runs` unless `note` says otherwise. `target` is the most it may be, or the
    least where `at_least`; None: reported only. `plain` is the median of the same thing done by hand, in the same
    run, interleaved. A figure without a value was not measured; `note` says why."""

    name: str
    value: float | None
    unit: str
    target: float | None = None
    at_least: bool = False
    plain: float | None = None
    runs: tuple[float, ...] = ()
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Bench:
    """What a subject may use: `home` is the `ATELIER_HOME` of all that it starts, `quick` asks for one run of each."""

    home: Path
    quick: bool = False

    @property
    def runs(self) -> int:
        return 1 if self.quick else RUNS

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a child: this source tree, this home, no display."""
        own = {
            "ATELIER_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONSAFEPATH": "1",
            "QT_QPA_PLATFORM": f"offscreen:configfile={self.home / SCREEN}",
        }
        return {**os.environ, **own, **more}

    def python(self, *arguments: str | Path, seconds: float = 300.0, **environment: str) -> str:
        """What `python ARGUMENTS` prints. Raises `RuntimeError` with what it said if it fails."""
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(
            command, env=self.env(**environment), cwd=self.home, capture_output=True, text=True, timeout=seconds
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-3000:]}")
        return done.stdout

    def child(self, name: str, *arguments: str, seconds: float = 300.0, **environment: str) -> Any:
        """The JSON that the program `children/<name>.py` prints as its last line."""
        output = self.python(CHILDREN / f"{name}.py", *arguments, seconds=seconds, **environment)
        return json.loads(output.strip().rpartition("\n")[2])


class Talk:
    """A program of `children/` that answers each line of JSON with one."""

    def __init__(
        self, bench: Bench, name: str, *arguments: str, remove: Sequence[str] = (), **environment: str
    ) -> None:
        command = [sys.executable, str(CHILDREN / f"{name}.py"), *arguments]
        self.process = subprocess.Popen(
            command,
            env=bench.env(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, **question: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args}: ended with {self.process.wait()}")
        return cast(dict[str, Any], json.loads(answer))

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def seconds_of(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def figure(name: str, runs: Sequence[float], unit: str, digits: int = 3, **more: Any) -> Figure:
    """The figure whose value is the median of `runs`."""
    return Figure(name, round(median(runs), digits), unit, runs=tuple(round(run, digits) for run in runs), **more)


def machine() -> dict[str, Any]:
    """The computer that this runs on, and how busy it is."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "load": round(psutil.getloadavg()[0], 2),
    }


def describe() -> dict[str, Any]:
    return {"machine": machine(), "versions": versions()}


def make_home(home: Path) -> None:
    """A home for the benchmark that has the user's starter pack and nothing else of theirs."""
    models = paths.models_dir() / "starter"
    if not models.is_dir():
        raise SystemExit("The starter pack is not installed: python -m studio.model_manager.starter")
    target = home / "data" / "models" / "starter"
    target.parent.mkdir(parents=True)
    target.symlink_to(models.resolve(), target_is_directory=True)
    settings = {"version": 1, "welcomed": True, "language": "en", "theme": "light"}
    (home / "config").mkdir()
    screen = {"name": "screen", "x": 0, "y": 0, "width": 1600, "height": 1000, "logicalDpi": 96, "dpr": 1}
    (home / SCREEN).write_text(json.dumps({"screens": [screen]}), encoding="utf-8")
    (home / "config" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
