"""The time left: close to the truth, quiet at first, never growing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.engine.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def told(durations: list[float], steps: int) -> list[float]:
    clock = Clock()
    pace = Pace(clock)
    answers = []
    for step, duration in enumerate(durations, 1):
        clock.now += duration
        answers.append(pace.left(step, steps))
    return answers


def test_even_steps_are_told_exactly_and_the_slow_first_one_is_left_out() -> None:
    answers = told([30.0] + [0.5] * 19, 20)
    assert answers[:3] == [-1.0, -1.0, -1.0]
    assert answers[3:] == pytest.approx([0.5 * (20 - step) for step in range(4, 21)], abs=0.02)


def test_an_unknown_number_of_steps_has_no_time_left() -> None:
    assert set(told([0.5] * 10, 0)) == {-1.0}


def test_work_that_speeds_up_is_believed() -> None:
    answers = told([1.0] * 10 + [0.1] * 40, 60)
    assert answers[-1] < 10 * 0.35


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60))
def test_it_never_grows_and_ends_at_nothing(durations: list[float]) -> None:
    answers = [answer for answer in told(durations, len(durations)) if answer >= 0]
    assert all(later <= earlier for earlier, later in itertools.pairwise(answers))
    assert answers[-1] == 0.0
