"""Standard output and standard error: UTF-8, quiet when the other end has gone, one progress line on a terminal."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from studio.core.errors import from_os_error

_GONE = (errno.EPIPE, errno.EINVAL, errno.EBADF, errno.ESHUTDOWN)
_BAR = 24
LOG_SECONDS = 15.0  # between two lines in a log


class OutputClosed(Exception):
    """Nobody reads standard output any more."""


class Console:
    """`out` is for results (data, paths, JSON), `err` for people. A name that is no valid UTF-8 goes out as the
    bytes it came in."""

    def __init__(self, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self._out = _prepared(stdout or sys.stdout, "surrogateescape")
        self._err = _prepared(stderr or sys.stderr, "backslashreplace")
        self._line = ""
        self._mid_line = False
        self._logged = 0.0
        self.interactive = _is_terminal(self._err)
        self.shows_text = _is_terminal(self._out)

    def out(self, text: str, end: str = "\n") -> None:
        """Write and flush. Raises `OutputClosed` when nobody reads, `AtelierError` when it leads to a full disk."""
        self.clear()
        if self._out is None:
            return
        try:
            self._out.write(text + end)
            self._out.flush()
        except OSError as error:
            self._give_up()
            if error.errno in _GONE:
                raise OutputClosed from error
            raise from_os_error(error, "stdout") from error
        if text + end:
            self._mid_line = not (text + end).endswith("\n")

    def end_line(self) -> None:
        """Finish a line of standard output that was begun."""
        if self._mid_line:
            self.out("")

    def err(self, text: str) -> None:
        self.clear()
        if self._mid_line and self.shows_text:
            with contextlib.suppress(OutputClosed):
                self.end_line()
        self._write_err(text + "\n")

    def status(self, text: str, step: int = 0, steps: int = 0) -> None:
        """Show where the work stands; the next call or any other line replaces it. Where there is no terminal (a log),
        a line now and then tells how far a long work is."""
        if not self.interactive:
            self._log(text, step, steps)
            return
        if steps > 0:
            done = min(_BAR, _BAR * step // steps)
            text = f"{'█' * done}{'░' * (_BAR - done)} {100 * step // steps:3d} %  {text}"
        if text != self._line:
            self.clear()
            self._line = text
            self._write_err(text)

    def _log(self, text: str, step: int, steps: int) -> None:
        now = time.monotonic()
        self._logged = self._logged or now
        if steps > 0 and step > 0 and now - self._logged >= LOG_SECONDS:
            self._logged = now
            self._write_err(f"{100 * step // steps:3d} %  {text}".rstrip() + "\n")

    def ask(self, question: str) -> str | None:
        """What the user types in answer; None where nobody can be asked."""
        if not self.interactive or not _is_terminal(sys.stdin):
            return None
        self.clear()
        self._write_err(f"{question} ")
        return sys.stdin.readline()

    def clear(self) -> None:
        if self._line:
            self._write_err("\r" + " " * width(self._line) + "\r")
            self._line = ""

    def table(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of columns that stand under each other; Chinese characters take two places."""
        lines = [[str(cell) for cell in row] for row in rows]
        widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell + " " * (size - width(cell)) for cell, size in zip(line, widths, strict=True))
            self.out("  ".join(cells).rstrip())

    def _write_err(self, text: str) -> None:
        if self._err is not None:
            with contextlib.suppress(OSError, ValueError):
                self._err.write(text)
                self._err.flush()

    def _give_up(self) -> None:
        """Let the interpreter's own flush at the end go nowhere instead of raising again."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if self._out is not None:
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
        self._out = None


def width(text: str) -> int:
    """How many places `text` takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _prepared(stream: TextIO | None, errors: str) -> TextIO | None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors=errors)
    return stream


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
