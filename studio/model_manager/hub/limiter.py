"""One speed limit for everything that is downloaded at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from studio.core.errors import Cancelled

_BURST = 0.25  # s: how much unused allowance is saved up
_LOOK = 0.25  # s: how soon a change of the limit is noticed by those who wait


class Limiter:
    """A bucket of allowance that fills with `rate` bytes per s (0: no limit; may be changed at any time, by any
    thread). Whoever takes more than is in it puts it in debt, which the next one waits out: over any T s at most
    rate · (T + 0.25 s) plus one piece go through."""

    def __init__(self, rate: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = max(0, rate)
        self._allowance = 0.0
        self._filled = clock()

    @property
    def rate(self) -> int:
        return self._rate

    @rate.setter
    def rate(self, rate: int) -> None:
        with self._lock:
            if rate != self._rate:
                self._rate, self._allowance, self._filled = max(0, rate), 0.0, self._clock()

    def take(self, count: int, stop: threading.Event) -> None:
        """Wait until `count` bytes may pass. Raises `Cancelled` as soon as `stop` is set."""
        while (delay := self._try(count)) > 0:
            if stop.wait(min(delay, _LOOK)):
                raise Cancelled

    def _try(self, count: int) -> float:
        """0 when taken, or the seconds until the bucket is out of debt."""
        with self._lock:
            if self._rate == 0:
                return 0.0
            now = self._clock()
            gained = (now - self._filled) * self._rate
            self._allowance, self._filled = min(self._allowance + gained, self._rate * _BURST), now
            if self._allowance < 0:
                return max(-self._allowance / self._rate, 1e-3)
            self._allowance -= count
            return 0.0
