"""The speed limit holds whatever is taken, by however many, and while it is changed."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import Cancelled
from studio.model_manager.hub.limiter import Limiter


class Clock(threading.Event):
    """Time that passes only while somebody waits on it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None and 0 < timeout <= 0.25, "a change of the limit would not be seen"
        self.now += timeout
        return False


PIECES = st.lists(st.integers(1, 1 << 20), min_size=1, max_size=60)


@given(rate=st.integers(1000, 1 << 26), pieces=PIECES, pauses=st.lists(st.floats(0, 3), max_size=60))
def test_never_faster_than_the_limit_in_any_stretch_of_time(rate: int, pieces: list[int], pauses: list[float]) -> None:
    clock = Clock()
    limiter = Limiter(rate, clock)
    passed: list[tuple[float, int]] = []
    for number, count in enumerate(pieces):
        clock.now += pauses[number] if number < len(pauses) else 0.0
        limiter.take(count, clock)
        passed.append((clock.now, count))
    for first in range(len(passed)):
        total = 0
        for at, count in passed[first:]:
            total += count
            assert total <= rate * (at - passed[first][0] + 0.25) + max(pieces) + 1


@given(rate=st.integers(1000, 1 << 26), pieces=PIECES)
def test_nor_much_slower(rate: int, pieces: list[int]) -> None:
    clock = Clock()
    limiter = Limiter(rate, clock)
    for count in pieces:
        limiter.take(count, clock)
    assert clock.now <= sum(pieces) / rate + 0.002 * len(pieces)


@given(st.lists(st.tuples(st.integers(0, 1 << 24), st.integers(1, 1 << 18)), min_size=1, max_size=40))
def test_a_change_counts_from_then_on(changes: list[tuple[int, int]]) -> None:
    clock = Clock()
    limiter = Limiter(0, clock)
    for rate, count in changes:
        limiter.rate = rate
        before = clock.now
        limiter.take(count, clock)
        if rate == 0:
            assert clock.now == before


def test_several_downloads_share_one_limit() -> None:
    limiter, stop = Limiter(1_000_000), threading.Event()
    moved = [0, 0, 0]

    def work(number: int) -> None:
        try:
            while True:
                limiter.take(10_000, stop)
                moved[number] += 10_000
        except Cancelled:
            return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    stop.wait(0.6)
    stop.set()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    assert sum(moved) <= 1_000_000 * (took + 0.25) + 10_000
    assert sum(moved) > 300_000 and min(moved) > 0


def test_one_that_waits_notices_that_the_limit_is_gone() -> None:
    limiter, stop = Limiter(10), threading.Event()
    limiter.take(10_000, stop)
    timer = threading.Timer(0.1, lambda: setattr(limiter, "rate", 0))
    timer.start()
    began = time.monotonic()
    limiter.take(10_000, stop)
    timer.join()
    assert time.monotonic() - began < 1.0


def test_a_stop_ends_the_wait() -> None:
    limiter, stop = Limiter(10), threading.Event()
    limiter.take(10_000, stop)
    stop.set()
    with pytest.raises(Cancelled):
        limiter.take(1, stop)
