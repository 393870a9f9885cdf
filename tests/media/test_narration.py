"""A sound in pieces ends as loud as asked, in flat memory, and is never lost to a full disk."""

from __future__ import annotations

import tracemalloc
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.media import audio, narration
from studio.media.narration import Meter, Narration

RATE = 24_000
Usage = namedtuple("Usage", "total used free")


def speech_like(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray[Any, Any]:
    """Noise in bursts with pauses between them."""
    count = int(seconds * RATE)
    envelope = np.clip(np.sin(2 * np.pi * 0.7 * np.arange(count) / RATE), 0, 1) ** 0.5
    return (np.random.default_rng(seed).normal(0, level, count) * envelope).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=12), st.integers(0, 3))
def test_the_meter_agrees_with_the_whole_however_it_is_cut(sizes, seed):
    whole = speech_like(sum(sizes) / RATE + 0.01, seed=seed)[: sum(sizes)]
    meter = Meter(RATE)
    place = 0
    for size in sizes:
        meter.add(whole[place : place + size])
        place += size
    # pyloudnorm counts a last incomplete block or not by rounding: compare where there is none.
    complete = whole[: len(whole) - len(whole) % (RATE // 10)]
    if len(complete) >= 0.5 * RATE:
        assert meter.loudness == pytest.approx(audio.loudness(audio.Sound.mono(complete, RATE)), abs=0.05)


@pytest.mark.parametrize("target", [-23.0, -16.0, -12.0])
@pytest.mark.parametrize("level", [0.005, 0.1, 0.5])
def test_the_file_is_as_loud_as_asked(tmp_path: Path, target: float, level: float) -> None:
    samples = speech_like(20, level)
    out = Narration(tmp_path / "a.flac", RATE)
    for start in range(0, len(samples), 31_337):
        out.add(samples[start : start + 31_337])
    out.finish(target)
    sound = audio.read(tmp_path / "a.flac")
    assert len(sound.samples) == len(samples)
    assert audio.loudness(sound) == pytest.approx(target, abs=0.5)
    assert audio.true_peak(sound) <= -0.99
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"]


def test_what_is_loud_enough_already_is_not_written_again(tmp_path: Path) -> None:
    samples = speech_like(5, 0.05)
    samples *= np.float32(10 ** ((-16 - audio.loudness(audio.Sound.mono(samples, RATE))) / 20))
    out = Narration(tmp_path / "a.flac", RATE)
    out.add(samples)
    out.close()
    before = (tmp_path / "a.flac").read_bytes()
    assert out.finish(-16.2) == 0.0
    assert (tmp_path / "a.flac").read_bytes() == before


def test_blocks_leave_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limiter works block by block; the result is that of the whole at once."""
    samples = speech_like(10, 0.4)
    files = []
    for block in (1 << 18, 10_007):
        monkeypatch.setattr(narration, "_BLOCK", block)
        out = Narration(tmp_path / f"{block}.flac", RATE)
        out.add(samples)
        out.finish(-14.0)
        files.append(audio.read(out.path).samples)
    assert np.abs(files[0] - files[1]).max() < 1e-4


def test_silence_stays_silent(tmp_path: Path) -> None:
    out = Narration(tmp_path / "a.flac", RATE)
    out.add(np.zeros(RATE, np.float32))
    assert out.finish(-16.0) == 0.0
    assert not audio.read(tmp_path / "a.flac").samples.any()


def test_memory_is_flat_over_half_an_hour(tmp_path: Path) -> None:
    piece = speech_like(30, 0.1)
    out = Narration(tmp_path / "a.flac", RATE)
    out.add(piece)
    tracemalloc.start()
    for _minute in range(60):
        out.add(piece)
    out.finish(-16.0)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 << 20
    assert audio.comment(out.path).strip() == ""


def test_a_disk_that_fills_up_keeps_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = speech_like(4)
    out = Narration(tmp_path / "a.flac", RATE, room=5000)
    out.add(samples)
    monkeypatch.setattr(narration.shutil, "disk_usage", lambda _path: Usage(1, 1, 3 << 20))
    with pytest.raises(AtelierError) as caught:
        out.add(samples)
    assert caught.value.code == "disk-full"
    out.close()
    assert len(audio.read(out.path).samples) == len(samples)


def test_no_room_for_the_second_pass_keeps_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = speech_like(4)
    out = Narration(tmp_path / "a.flac", RATE)
    out.add(samples)
    monkeypatch.setattr(narration.shutil, "disk_usage", lambda _path: Usage(1, 1, 3 << 20))
    with pytest.raises(AtelierError):
        out.finish(-16.0)
    assert len(audio.read(out.path).samples) == len(samples)
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"]


def test_no_folder_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        Narration(tmp_path / "no" / "a.flac", RATE)
    assert caught.value.code == "sound-not-written"
