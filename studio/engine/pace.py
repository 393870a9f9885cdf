"""How long a job will still take, told so that it never grows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

# Nothing is promised before so many steps and seconds: the first step also warms up.
_STEPS, _SECONDS = 3, 0.3
_SAMPLE = 0.05


class Pace:
    """Feeds on reports of steps. The time of a step is the mean of its average over the whole job and over the last
    moments; where the work slows down, the time left stands still until it is true again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._recent: deque[tuple[float, int]] = deque(maxlen=40)
        self._left = float("inf")

    def left(self, step: int, steps: int) -> float:
        """Seconds left when `step` of `steps` is done; negative while it cannot be told."""
        now = self._clock()
        if self._first is None:
            self._first = (now, step)
        if not self._recent or now - self._recent[-1][0] >= _SAMPLE:
            self._recent.append((now, step))
        if steps <= 0:
            return -1.0
        if step >= steps:
            self._left = 0.0
        elif step - self._first[1] >= _STEPS and now - self._first[0] >= _SECONDS:
            overall = _rate(self._first, now, step)
            recent = _rate(self._recent[0], now, step) or overall
            self._left = min(self._left, (steps - step) * (overall + recent) / 2)
        return -1.0 if self._left == float("inf") else round(self._left, 2)


def _rate(since: tuple[float, int], now: float, step: int) -> float:
    return (now - since[0]) / (step - since[1]) if step > since[1] else 0.0
