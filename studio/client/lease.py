"""Who owns a job: two windows and any number of command lines share one queue and never take each other's work."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass

from studio.core.jobs import new_id

WINDOW, COMMAND = "window", "command"
BEAT_SECONDS = 30.0
STALE_SECONDS = 120.0
_SAME_START = 2.0  # a process id that is used again belongs to a process that started later than this


@dataclass(frozen=True)
class Owner:
    """A running program. `kind` is "window" (adopts the waiting jobs of programs that are gone) or "command" (runs
    only its own). `started` and `beat` in seconds since the epoch."""

    id: str
    kind: str
    host: str
    pid: int
    started: float
    beat: float

    @classmethod
    def current(cls, kind: str = WINDOW) -> Owner:
        """A new lease of this process."""
        pid = os.getpid()
        return cls(new_id(), kind, platform.node(), pid, _start_time(pid) or time.time(), time.time())

    def alive(self) -> bool:
        """Whether the program still runs. On this computer the process is looked up, so that one that is suspended
        or busy keeps its jobs; on another computer (a shared home folder) only the heartbeat tells."""
        fresh = abs(time.time() - self.beat) < STALE_SECONDS
        if self.host != platform.node():
            return fresh
        started = _start_time(self.pid)
        if started is None:
            return False
        # A corrected clock moves the start time that the system reports: then the heartbeat decides.
        return abs(started - self.started) < _SAME_START or fresh


def _start_time(pid: int) -> float | None:
    """When process `pid` started, or None if there is no such process (one that only waits to be reaped is none)."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0.0
