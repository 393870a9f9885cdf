"""Parts made ahead come in order, stop at once, and leave no thread behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from studio.core.errors import Cancelled
from studio.families.ahead import ahead

Check = Callable[[], None]


def _part(number: int, pieces: int = 2, seconds: float = 0.0) -> Callable[[Check], Iterator[tuple[int, int]]]:
    def make(check: Check) -> Iterator[tuple[int, int]]:
        for index in range(pieces):
            check()
            time.sleep(seconds)
            yield number, index

    return make


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


@pytest.mark.parametrize("workers", [1, 3])
def test_pieces_come_in_order_whoever_makes_them(workers: int) -> None:
    parts = [_part(number, number % 3, 0.002 * (number % 4)) for number in range(40)]
    with ahead(parts, lambda: None, workers) as made:
        taken = [list(pieces) for pieces in made]
    assert taken == [[(number, index) for index in range(number % 3)] for number in range(40)]
    assert not _threads()


def test_little_is_made_before_it_is_wanted() -> None:
    begun: list[int] = []

    def noted(number: int) -> Callable[[Check], Iterator[int]]:
        def make(_check: Check) -> Iterator[int]:
            begun.append(number)
            yield number

        return make

    with ahead([noted(number) for number in range(50)], lambda: None, 2) as made:
        for index, pieces in enumerate(made):
            assert list(pieces) == [index]
            time.sleep(0.005)
            assert len(begun) <= index + 4


def test_the_first_part_is_made_alone_until_something_of_it_is_there() -> None:
    held, begun = threading.Event(), threading.Event()

    def first(_check: Check) -> Iterator[str]:
        held.wait(5)
        yield "a"
        yield "b" if begun.wait(5) else "nobody began the next part"

    def second(_check: Check) -> Iterator[str]:
        begun.set()
        yield "c"

    with ahead([first, second], lambda: None, 2) as made:
        assert not begun.wait(0.1)
        held.set()
        assert [list(pieces) for pieces in made] == [["a", "b"], ["c"]]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_first_part_without_pieces_holds_up_no_other(workers: int) -> None:
    with ahead([_part(0, 0), _part(1), _part(2)], lambda: None, workers) as made:
        assert [len(list(pieces)) for pieces in made] == [0, 2, 2]


def test_an_error_comes_where_its_pieces_are_taken() -> None:
    def broken(_check: Check) -> Iterator[tuple[int, int]]:
        yield 1, 0
        raise ValueError("no more")

    taken: list[tuple[int, int]] = []

    def take() -> None:
        with ahead([_part(0), broken, _part(2)], lambda: None) as made:
            for pieces in made:
                for piece in pieces:
                    taken.append(piece)

    with pytest.raises(ValueError, match="no more"):
        take()
    assert taken == [(0, 0), (0, 1), (1, 0)]
    assert not _threads()


def test_who_takes_no_more_stops_the_makers_at_their_next_step() -> None:
    began = time.monotonic()
    with ahead([_part(number, 10_000, 0.01) for number in range(3)], lambda: None, 2) as made:
        next(next(made))
    assert time.monotonic() - began < 1
    assert not _threads()


def test_a_cancel_is_raised_to_the_taker() -> None:
    cancelled = threading.Event()

    def check() -> None:
        if cancelled.is_set():
            raise Cancelled

    def take() -> None:
        with ahead([_part(number, 1000, 0.005) for number in range(3)], check) as made:
            for pieces in made:
                for _piece in pieces:
                    cancelled.set()

    with pytest.raises(Cancelled):
        take()
    assert not _threads()
