"""The ends of a sound in pieces come out the same however it is cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from studio.media.sound_edit import KEPT, Ends, Span, shaped, span

RATE = 8_000


def tone(silence: float, seconds: float, after: float, channels: int = 0) -> np.ndarray:
    body = 0.5 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE + 1)
    whole = np.concatenate([np.zeros(round(silence * RATE)), body, np.zeros(round(after * RATE))]).astype(np.float32)
    return np.repeat(whole[:, None], channels, axis=1) if channels else whole


def cut(sound: np.ndarray, size: int) -> list[np.ndarray]:
    return [sound[at : at + size] for at in range(0, len(sound), size)]


def edit(sound: np.ndarray, ends: Ends, size: int) -> tuple[Span, np.ndarray]:
    pieces = cut(sound, size)
    kept = span(len(sound), RATE, ends, lambda: pieces, lambda: reversed(pieces))
    parts = list(shaped(pieces, RATE, kept, ends))
    return kept, np.concatenate(parts) if parts else sound[:0]


@pytest.mark.parametrize("channels", [0, 2])
@pytest.mark.parametrize("size", [37, 1000, 100_000])
def test_trimming_leaves_what_is_heard(size: int, channels: int) -> None:
    sound = tone(0.7, 1.0, 0.4, channels)
    kept, out = edit(sound, Ends(trim=True), size)
    assert kept.first / RATE == pytest.approx(0.7 - KEPT, abs=0.001)
    assert kept.last / RATE == pytest.approx(1.7 + KEPT, abs=0.001)
    assert np.array_equal(out, sound[kept.first : kept.last])


@pytest.mark.parametrize("size", [41, 100_000])
def test_fades_begin_and_end_at_nothing_and_reach_the_full_level_between(size: int) -> None:
    sound = np.ones(4 * RATE, np.float32)
    _kept, out = edit(sound, Ends(fade_in=1.0, fade_out=2.0), size)
    assert out[0] == out[-1] == 0 and np.all(np.diff(out[:RATE]) >= 0)
    assert out[RATE // 2] == pytest.approx(0.5, abs=0.01) and out[3 * RATE] == pytest.approx(0.5, abs=0.01)
    assert np.all(out[RATE : 2 * RATE] == 1.0)
    assert np.abs(np.diff(out)).max() < 0.001


def test_nothing_asked_for_changes_nothing() -> None:
    sound = tone(0.2, 0.5, 0.2)
    assert np.array_equal(edit(sound, Ends(), 100)[1], sound)


def test_fades_longer_than_the_sound_end_with_it() -> None:
    _kept, out = edit(np.ones(RATE, np.float32), Ends(fade_in=10, fade_out=10), 300)
    assert len(out) == RATE and out[0] == out[-1] == 0 and out.max() <= 0.26


def test_silence_stays_as_long_as_it_is() -> None:
    kept, out = edit(np.zeros(RATE, np.float32), Ends(trim=True), 300)
    assert kept == Span(0, RATE) and len(out) == RATE


def test_only_the_ends_are_looked_at() -> None:
    taken: list[int] = []

    def pieces(order: list[int]) -> Iterator[np.ndarray]:
        for number in order:
            taken.append(number)
            yield np.full(100, 0.5, np.float32)

    span(1000, RATE, Ends(trim=True), lambda: pieces(list(range(10))), lambda: pieces(list(range(9, -1, -1))))
    assert taken == [0, 9]
