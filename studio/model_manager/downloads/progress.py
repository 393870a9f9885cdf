"""How far a download is: bytes per file, a speed that does not jump, and the time that is left."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable

from studio.core.activities import ActivityState, FileProgress

_SMOOTHING = 4.0  # s: how long a burst or a gap is felt in the speed
_SETTLED = 1.0  # s of measuring before the speed is told


class Speed:
    """Bytes per second, smoothed. `feed` it with the bytes so far, at any intervals."""

    def __init__(self) -> None:
        self.value = 0.0
        self._last: tuple[float, int] | None = None
        self._seconds = 0.0

    def feed(self, done: int, now: float | None = None) -> float:
        now = time.monotonic() if now is None else now
        if self._last and now > self._last[0]:
            seconds = now - self._last[0]
            self._seconds += seconds
            rate = max(0.0, done - self._last[1]) / seconds
            # At first the plain average, then one that forgets.
            weight = 1 - math.exp(-seconds / min(_SMOOTHING, max(self._seconds, 1e-6)))
            self.value += (rate - self.value) * (1.0 if self._seconds == seconds else weight)
        self._last = (now, done)
        return self.value if self._seconds >= _SETTLED else 0.0

    def rest(self) -> None:
        """Nothing is expected to arrive for a while."""
        self.value, self._last, self._seconds = 0.0, None, 0.0


class Counter:
    """The files of one download by their names; safe from any thread. `waits` are the times (of `time.monotonic`)
    until which files wait for another try."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, FileProgress] = {}
        self._waits: dict[str, tuple[float, str]] = {}

    def start(self, files: Iterable[FileProgress]) -> None:
        with self._lock:
            self._files = {file.name: file for file in files}
            self._waits = {}

    def set(self, name: str, done: int, state: ActivityState) -> None:
        with self._lock:
            file = self._files[name]
            self._files[name] = FileProgress(name, file.size, min(file.size, max(0, done)), state)
            if state is not ActivityState.WAITING:
                self._waits.pop(name, None)

    def wait(self, name: str, seconds: float, note: str) -> None:
        with self._lock:
            file = self._files[name]
            self._files[name] = FileProgress(name, file.size, file.done, ActivityState.WAITING)
            self._waits[name] = (time.monotonic() + seconds, note)

    def settle(self, state: ActivityState) -> None:
        """No file is at work any more."""
        with self._lock:
            self._waits = {}
            for name, file in self._files.items():
                if file.state is not ActivityState.DONE:
                    self._files[name] = FileProgress(name, file.size, file.done, state)

    def files(self) -> tuple[FileProgress, ...]:
        with self._lock:
            return tuple(self._files.values())

    def waiting(self) -> tuple[float, str] | None:
        """(seconds until the next try, why) if every file at work waits."""
        with self._lock:
            active = [file for file in self._files.values() if file.state in _ACTIVE]
            if not active or len(active) > len(self._waits):
                return None
            when, note = min(self._waits.values())
            return (max(0.0, when - time.monotonic()), note)


_ACTIVE = (ActivityState.RUNNING, ActivityState.WAITING, ActivityState.CHECKING)
