"""The player: sound that is still being made, pauses, the end, no device, conversion for devices that want it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from shiboken6 import delete

from studio.ui.playback import PAUSED, PLAYING, STOPPED, Chunk, Mark, Player, Stream
from studio.ui.sound_output import SinkOutput

RATE = 8_000


def ramp(count: int, start: int = 0) -> np.ndarray:
    return (np.arange(start, start + count) / 100_000).astype(np.float32)


@pytest.fixture
def player(qapp) -> Player:
    return Player(silent=True)


@pytest.fixture
def until(qtbot) -> Callable[[Callable[[], bool]], None]:
    return lambda condition: qtbot.waitUntil(condition, timeout=4000)


def test_a_stream_gives_what_is_there_and_ends_when_it_is_finished() -> None:
    stream = Stream(RATE)
    stream.append(ramp(30).tobytes())
    stream.append(ramp(30, 30))
    chunk = stream.read(50)
    assert chunk is not None and chunk.mark == Mark("", 0)
    np.testing.assert_array_equal(chunk.samples[:, 0], ramp(50))
    assert len((stream.read(50) or Chunk(np.zeros((0, 1), np.float32), Mark())).samples) == 10
    waiting = stream.read(50)
    assert waiting is not None and len(waiting.samples) == 0
    stream.finish()
    assert stream.read(50) is None
    stream.seek(Mark("", 20))
    again = stream.read(10)
    assert again is not None and again.samples[0, 0] == ramp(1, 20)[0]
    np.testing.assert_array_equal(stream.part(25, 35)[:, 0], ramp(10, 25))
    stream.forget(30)
    assert len(stream.part(0, 30)) == 0 and len(stream.part(30, 60)) == 30


def test_starting_one_player_pauses_the_other(player: Player) -> None:
    first, second = Stream(RATE), Stream(RATE)
    for stream in (first, second):
        stream.append(ramp(RATE))
    other = Player(silent=True)
    player.play(first)
    other.play(second)
    assert (player.state, other.state) == (PAUSED, PLAYING)
    player.resume()
    assert (player.state, other.state) == (PLAYING, PAUSED)
    other.stop()
    player.play(first, Mark("", 10))
    assert player.state == PLAYING
    player.stop()


def test_a_player_that_is_gone_holds_up_no_other(player: Player) -> None:
    gone, stream = Player(silent=True), Stream(RATE)
    stream.append(ramp(RATE))
    gone.play(stream)
    delete(gone)
    player.play(stream)
    assert player.state == PLAYING
    player.stop()


def test_it_waits_in_silence_and_goes_on_without_losing_a_sample(player: Player) -> None:
    stream = Stream(RATE)
    player.play(stream)
    heard = [player._pull(50)]
    stream.append(ramp(70))
    heard += [player._pull(50), player._pull(50)]
    stream.append(ramp(30, 70))
    stream.finish()
    heard += [player._pull(50), player._pull(50)]
    player.stop()
    sound = np.concatenate(heard)[:, 0]
    assert not sound[:50].any()
    np.testing.assert_array_equal(sound[50:120], ramp(70))
    np.testing.assert_array_equal(sound[150:180], ramp(30, 70))
    assert not sound[180:].any()


def test_without_a_device_time_goes_on_and_it_ends(player: Player, until) -> None:
    stream = Stream(RATE)
    stream.append(np.zeros(RATE // 2, np.float32))
    stream.finish()
    seen: list[Mark] = []
    silent: list[bool] = []
    ends: list[bool] = []
    player.moved.connect(seen.append)
    player.silent_changed.connect(silent.append)
    player.ended.connect(lambda: ends.append(True))
    player.play(stream)
    assert (player.state, silent, player.is_silent, player.devices()) == (PLAYING, [True], True, [])
    until(lambda: bool(ends))
    assert player.state == STOPPED
    frames = [mark.frame for mark in seen]
    assert frames == sorted(frames) and 0.3 * RATE < frames[-1] <= RATE // 2


def test_pause_and_seek_keep_the_place(player: Player, until) -> None:
    stream = Stream(RATE)
    stream.append(np.zeros(RATE * 4, np.float32))
    player.play(stream, Mark("", RATE))
    until(lambda: player.mark.frame > RATE + 500)
    player.pause()
    place = player.mark.frame
    assert player.state == PAUSED
    player.seek(Mark("", 3 * RATE))
    assert player.mark.frame == 3 * RATE and place < 2 * RATE
    player.resume()
    until(lambda: player.mark.frame > 3 * RATE + 400)
    player.stop()
    assert player.state == STOPPED


def test_it_says_when_it_waits_for_sound(player: Player, until) -> None:
    stream = Stream(RATE)
    waits: list[bool] = []
    player.waiting_changed.connect(waits.append)
    player.play(stream)
    until(lambda: waits == [True])
    stream.append(np.zeros(RATE, np.float32))
    until(lambda: waits[-1] is False)
    player.stop()


class _Format:
    """What a device wants: 48 kHz, two channels, whole numbers."""

    def bytesPerFrame(self) -> int:
        return 4

    def sampleRate(self) -> int:
        return 48_000

    def channelCount(self) -> int:
        return 2


def test_a_device_that_wants_something_else_gets_it() -> None:
    sound = np.sin(2 * np.pi * 300 * np.arange(24_000) / 24_000).astype(np.float32).reshape(-1, 1)
    at = 0

    def pull(frames: int) -> np.ndarray:
        nonlocal at
        at += frames
        return sound[at - frames : at]

    output = SinkOutput.__new__(SinkOutput)
    output._format, output._pull, output._rate, output._channels = _Format(), pull, 24_000, 1  # type: ignore[assignment]
    output._whole, output._phase, output._last = True, 0.0, np.zeros((1, 1), np.float32)
    given = np.frombuffer(b"".join(output._give(4 * 480) for _time in range(20)), "<i2").reshape(-1, 2)
    assert len(given) == 9600
    np.testing.assert_array_equal(given[:, 0], given[:, 1])
    expected = np.sin(2 * np.pi * 300 * (np.arange(9600) - 1) / 48_000)
    assert np.abs(given[100:, 0] / 32767 - expected[100:]).max() < 0.01


def test_multimedia_is_loaded_only_when_something_is_played() -> None:
    code = "import sys, studio.ui.playback, studio.ui.tabs.speech; print('PySide6.QtMultimedia' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


class _Deaf:
    """A device that takes no samples, as one that was pulled out does on some systems."""

    def __init__(self, *_arguments: object) -> None:
        self.stopped = False

    def start(self) -> bool:
        return True

    def stop(self) -> None:
        self.stopped = True

    def set_volume(self, volume: float) -> None:
        return

    def waiting(self) -> int:
        return 0

    def failed(self) -> bool:
        return False


class _Device:
    def description(self) -> str:
        return "Headphones"


def test_a_device_that_goes_away_without_a_word_does_not_hold_it_up(
    player: Player, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.playback.SinkOutput", _Deaf)
    monkeypatch.setattr("studio.ui.playback.STALL_SECONDS", 0.2)
    monkeypatch.setattr(player, "_chosen", lambda: None if player._deaf else _Device())
    stream = Stream(RATE)
    stream.append(np.zeros(RATE * 3, np.float32))
    silent: list[bool] = []
    player.silent_changed.connect(silent.append)
    player.play(stream)
    assert silent == [False]
    until(lambda: silent == [False, True])
    until(lambda: player.mark.frame > RATE // 4)
    player._on_devices()  # another one was plugged in
    assert silent == [False, True, False] and player.is_playing
    player.stop()
