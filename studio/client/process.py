"""A child process of the program: how it is started, what it leaves behind, how it is ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import studio
from studio.core import paths
from studio.core.messages import GAVE_UP, Handshake

_LOG_LIMIT = 1_000_000
_TAIL = 8_000


class ChildProcess:
    """A running child, started with `arguments`; `name` is that of its logs. Call it on a thread that outlives the
    child: on Linux the child dies with that thread. Raises `OSError` if it cannot be started."""

    def __init__(self, name: str, arguments: Sequence[str], handshake: Handshake) -> None:
        self._logs = [paths.log_dir() / f"{name}{suffix}" for suffix in (".output", ".crash")]
        output = _open_log(self._logs[0])
        self._sizes = [_size(path) for path in self._logs]
        try:
            self._process = subprocess.Popen(
                _command(arguments),
                stdin=subprocess.PIPE,
                stdout=output or subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                env=_environment(),
                creationflags=_CREATION_FLAGS,
            )
        finally:
            if output:
                output.close()
        self._job = _tie_to_this_process(self._process)
        with contextlib.suppress(OSError):  # a child that is gone already is noticed by `alive`
            stdin = self._process.stdin
            assert stdin is not None
            stdin.write(handshake.dumps())
            stdin.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def gave_up(self) -> bool:
        """Whether the child ended by itself, between two jobs."""
        return self._process.poll() == GAVE_UP

    def ended_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self, seconds: float) -> None:
        """Ask the child to end, kill it if it has not after `seconds`, and return when it is gone."""
        self._close_stdin()
        if not self.ended_within(seconds):
            self.kill()

    def kill(self) -> None:
        """Kill the child; returns when it is gone."""
        self._process.kill()
        self._process.wait()
        self._close_stdin()

    def last_words(self) -> str:
        """How the child ended and the tail of what it wrote to its logs, for the details of a failure."""
        self._close_stdin()
        parts = [_ending(self._process.returncode)]
        for path, size in zip(self._logs, self._sizes, strict=True):
            with contextlib.suppress(OSError), path.open("rb") as stream:
                stream.seek(max(size, _size(path) - _TAIL))
                parts.append(stream.read(_TAIL).decode("utf-8", "replace").strip())
        return "\n".join(part for part in parts if part)

    def _close_stdin(self) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()


def _command(arguments: Sequence[str]) -> list[str]:
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "studio"]
    return [*program, *arguments]


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # A folder the user happens to stand in must not be searched for modules; the source tree must, where it runs.
    environment["PYTHONSAFEPATH"] = "1"
    root = Path(studio.__file__).resolve().parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))
    return environment


def _open_log(path: Path) -> BinaryIO | None:
    try:
        paths.ensure(path.parent)
        if _size(path) > _LOG_LIMIT:
            os.replace(path, path.with_name(f"{path.name}.1"))
        return path.open("ab")
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _ending(code: int | None) -> str:
    if code is None:
        return ""
    return f"ended by signal {-code}" if code < 0 else f"exit code {code}"


if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP

    def _tie_to_this_process(process: subprocess.Popen[bytes]) -> Any:
        """A job object that kills the child when its last handle, ours, is closed. Keep what is returned."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = ctypes.c_void_p
        job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
        # JOBOBJECT_EXTENDED_LIMIT_INFORMATION; LimitFlags lies after two 8-byte times.
        limits = ctypes.create_string_buffer(144 if ctypes.sizeof(ctypes.c_void_p) == 8 else 112)
        kill_on_close, extended_information, flags_offset = 0x2000, 9, 16
        ctypes.c_uint32.from_buffer(limits, flags_offset).value = kill_on_close
        kernel.SetInformationJobObject(job, extended_information, limits, len(limits))
        kernel.AssignProcessToJobObject(job, ctypes.c_void_p(int(process._handle)))  # type: ignore[attr-defined]
        return job
else:
    _CREATION_FLAGS = 0

    def _tie_to_this_process(process: subprocess.Popen[bytes]) -> Any:
        """The child asks for it itself where the system can; everywhere the end of its stdin ends it."""
        return None
