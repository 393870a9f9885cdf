"""A timer that watches how long the window's event loop is kept from it.

A gap is the time between two ticks of a timer of 1 ms, beyond that millisecond; with it goes the processor's time that
the window's own thread took meanwhile: where it is much less, the thread waited for the processor or another thread.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer

LONG = 0.016
Gap = tuple[float, float]


class Probe(QObject):
    """Collects the gaps of each phase; ends `wait` when its condition holds."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: dict[str, list[Gap]] = {}
        self.phase = "start"
        self.last, self.cpu = time.perf_counter(), time.thread_time()
        self.why: list[dict[str, Any]] = []
        self.seen: list[str] = []
        self._condition: Callable[[], bool] = lambda: True
        self._loop = QEventLoop()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(1)

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        self._condition = lambda: condition() or time.monotonic() > until
        self._loop.exec()
        if not condition():
            raise TimeoutError(f"waited in vain for {what}")

    def rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= until, "the end of a rest", seconds + 10)

    def _tick(self) -> None:
        now, cpu = time.perf_counter(), time.thread_time()
        gap = (max(0.0, now - self.last - 0.001), cpu - self.cpu)
        self.gaps.setdefault(self.phase, []).append(gap)
        if self.seen and gap[0] > LONG:
            self.why.append(
                {"phase": self.phase, "gap": gap[0], "cpu": gap[1], "where": list(dict.fromkeys(self.seen))[-12:]}
            )
        self.seen.clear()
        self.last, self.cpu = time.perf_counter(), time.thread_time()
        if self._loop.isRunning() and self._condition():
            self._loop.quit()

    def look_for_causes(self) -> None:
        """From a thread: where the window's thread is whenever a tick is overdue."""
        window = threading.main_thread().ident
        assert window is not None

        def look() -> None:
            while True:
                time.sleep(0.003)
                if time.perf_counter() - self.last > 0.008:
                    frame = sys._current_frames().get(window)
                    lines = [f"{f.filename.rpartition('studio/')[2]}:{f.lineno} {f.name}" for f in _frames(frame)]
                    self.seen.append(" < ".join(reversed(lines[-16:])))

        threading.Thread(target=look, daemon=True).start()


def _frames(frame: FrameType | None) -> list[traceback.FrameSummary]:
    return list(traceback.extract_stack(frame)) if frame else []
