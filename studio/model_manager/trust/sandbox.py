"""The outside of the child that reads untrusted files: starting it, asking it, and surviving whatever becomes of it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import studio
from studio.core.errors import AtelierError, Cancelled
from studio.model_manager.trust import limits

LOOK_SECONDS = 20  # a header of 100 MB, the largest there can be, takes 5
_LONGEST_ANSWER = 4 << 20
_TICK = 0.1

Report = Callable[[int, int], None]


class Sandbox:
    """A child for a row of questions; a context manager. It starts with the first question, and again after one that
    it did not survive. Not for several threads at once: it dies with the thread that asked first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader: threading.Thread | None = None
        self._job: Any = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._end()

    def ask(
        self,
        task: str,
        path: Path,
        *,
        seconds: int = LOOK_SECONDS,
        writes: int = 0,
        report: Report | None = None,
        stop: threading.Event | None = None,
        **arguments: Any,
    ) -> Any:
        """The answer of the child to `task` about `path`. Raises `AtelierError` with the refusal (a crash and a
        limit are refusals too) and `Cancelled` when `stop` is set; the child is then gone."""
        question = {"do": task, "path": str(path), "seconds": seconds, "size": _size(path), "writes": writes}
        self.start()
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(OSError):  # a child that is gone already is noticed by the missing answer
            self._process.stdin.write(json.dumps({**question, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        until = time.monotonic() + 3 * seconds + 30  # the computer may be busy with other things
        while True:
            message = self._next(path, until, stop)
            if "answer" in message:
                return message["answer"]
            if "error" in message:
                if message["error"] == "model-too-much":
                    self._end()
                raise AtelierError(message["error"], message["arguments"], message["details"])
            if report:
                report(message["done"], message["total"])

    def _next(self, path: Path, until: float, stop: threading.Event | None) -> dict[str, Any]:
        line = None
        while line is None:
            if stop and stop.is_set():
                self._end()
                raise Cancelled
            left = until - time.monotonic()
            try:
                line = self._lines.get(timeout=max(0.0, min(left, _TICK if stop else left)))
            except queue.Empty:
                if left <= 0:
                    self._end()
                    raise AtelierError("model-too-much", {"name": path.name}, "time") from None
        if not line.endswith(b"\n"):
            code = self._end()
            raise AtelierError("model-too-much", {"name": path.name}, f"the reader ended with {code}")
        return json.loads(line)

    def start(self) -> None:
        """Start the child if it is not there; `ask` does it by itself."""
        if self._process and self._process.poll() is None:
            return
        self._end()
        self._process = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._job = limits.tie(self._process)
        self._lines = queue.Queue()
        self._reader = threading.Thread(
            target=_read, args=(self._process.stdout, self._lines), name="inspect-reader", daemon=True
        )
        self._reader.start()

    def _end(self) -> int | None:
        """Kill the child; returns how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        code = process.wait()
        if self._reader:
            self._reader.join()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
        if self._job is not None:
            limits.release(self._job)
            self._job = None
        return code


def _read(stream: Any, lines: queue.Queue[bytes]) -> None:
    line = b"\n"
    while line.endswith(b"\n"):
        line = stream.readline(_LONGEST_ANSWER)
        lines.put(line)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _command() -> list[str]:
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "studio"]
    return [*program, "--inspect"]


def _environment() -> dict[str, str]:
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1"}
    root = Path(studio.__file__).resolve().parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))
    return environment
