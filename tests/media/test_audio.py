"""Sound: loudness and peaks as asked, joins without steps, files that come back, bad files in words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.media import audio
from studio.media.audio import Sound

RATE = 24_000


def speechlike(seconds: float, level: float = 0.05, seed: int = 0) -> Sound:
    """Syllables of a buzz with rests, roughly as loud and as peaky as a voice."""
    time = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time), 0, 1) ** 2
    noise = np.random.default_rng(seed).standard_normal(len(time)) * 0.02
    return Sound.mono((buzz * syllables * level + noise * level).astype(np.float32), RATE)


@settings(max_examples=12, deadline=None)
@given(st.floats(-50, 6), st.floats(-30, -14), st.floats(-3, -0.5))
def test_loudness_is_as_asked_and_peaks_stay_under_the_ceiling(level, target, ceiling):
    result = audio.normalise(speechlike(3, 10 ** (level / 20)), target, ceiling)
    assert audio.loudness(result) == pytest.approx(target, abs=0.5)
    assert audio.true_peak(result) <= ceiling + 0.01


def test_the_limiter_catches_a_single_click():
    sound = speechlike(3)
    sound.samples[RATE] = 1.0
    result = audio.normalise(sound, -16, -1)
    assert audio.true_peak(result) <= -0.99
    assert audio.loudness(result) == pytest.approx(-16, abs=0.5)


def test_silence_and_very_short_sounds_are_no_error():
    silence = Sound.silence(1, RATE)
    assert audio.loudness(silence) == -math.inf
    assert not audio.normalise(silence).samples.any()
    short = speechlike(0.1)
    assert math.isfinite(audio.loudness(audio.normalise(short)))
    assert audio.normalise(Sound.silence(0, RATE)).seconds == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.02, 0.3), min_size=1, max_size=5), st.floats(0, 0.2))
def test_joins_have_no_step_and_starts_are_where_the_parts_are(lengths, gap):
    parts = [Sound.mono(np.full(int(length * RATE), 0.5, np.float32), RATE) for length in lengths]
    sound, starts = audio.join(parts, gap)
    assert sound.seconds == pytest.approx(sum(p.seconds for p in parts) + gap * (len(parts) - 1), abs=0.001)
    for index, (start, part) in enumerate(zip(starts, parts, strict=True)):
        middle = round((start + part.seconds / 2) * RATE)
        assert sound.samples[middle, 0] == pytest.approx(0.5)
        if index:
            border = round(start * RATE)
            around = sound.samples[max(0, border - 1) : border + 1, 0]
            assert np.abs(np.diff(around)).max(initial=0) < 10 ** (-50 / 20)


def test_unlike_parts_are_refused():
    with pytest.raises(ValueError):
        audio.join([Sound.silence(1, 100), Sound.silence(1, 200)])
    with pytest.raises(ValueError):
        audio.join([])


@pytest.mark.parametrize("suffix", audio.FORMATS)
def test_files_come_back_with_their_comment_and_the_same_bytes_twice(tmp_path, suffix):
    sound = audio.normalise(speechlike(2), -18, -2)
    comment = '{"recipe": "' + "x" * 5000 + '"}'
    path = tmp_path / f"朗读 one{suffix}"
    audio.write(path, sound, comment)
    first = path.read_bytes()
    audio.write(path, sound, comment)
    assert path.read_bytes() == first
    again = audio.read(path)
    assert again.sample_rate == RATE and again.seconds == pytest.approx(2, abs=0.08)
    assert audio.loudness(again) == pytest.approx(-18, abs=0.5)
    assert audio.comment(path) == comment
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_stereo_file_of_twenty_seconds_keeps_both_sides(tmp_path):
    left, right = speechlike(20, seed=1), speechlike(20, 0.01, seed=2)
    sound = Sound(np.hstack([left.samples, right.samples]), RATE)
    for suffix in (".flac", ".ogg"):
        audio.write(tmp_path / f"two{suffix}", sound)
        again = audio.read(tmp_path / f"two{suffix}")
        assert again.channels == 2
        assert np.abs(again.samples[:, 1]).mean() < np.abs(again.samples[:, 0]).mean() / 3


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVEfmt ", b"just words"])
def test_what_is_no_sound_is_refused_in_words(tmp_path, content):
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(AtelierError) as caught:
        audio.read(path)
    assert caught.value.code == "sound-unreadable"
    assert audio.comment(path) == ""


def test_sounds_of_no_samples_or_of_no_numbers_are_refused(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1), np.float32), RATE)
    soundfile.write(tmp_path / "nan.wav", np.full((9, 1), np.nan, np.float32), RATE, subtype="FLOAT")
    codes = []
    for name in ("empty.wav", "nan.wav", "missing.wav"):
        with pytest.raises(AtelierError) as caught:
            audio.read(tmp_path / name)
        codes.append(caught.value.code)
    assert codes == ["sound-empty", "sound-unreadable", "file-missing"]


def test_writing_in_an_unknown_format_or_folder_has_words(tmp_path):
    for path, code in ((tmp_path / "a.xyz", "format-unknown"), (tmp_path / "no" / "a.wav", "file-missing")):
        with pytest.raises(AtelierError) as caught:
            audio.write(path, speechlike(0.1))
        assert caught.value.code == code


def test_trim_keeps_the_sound_and_a_little_air():
    quiet = Sound.silence(0.5, RATE)
    sound, _starts = audio.join([quiet, speechlike(1), quiet])
    trimmed = audio.trim_silence(sound)
    assert 0.7 < trimmed.seconds < 1.1
    assert audio.trim_silence(quiet).seconds == 0


def test_peaks_find_the_loud_place():
    sound = Sound.silence(1, RATE)
    sound.samples[RATE // 2] = 0.7
    found = audio.peaks(sound, 10)
    assert found.shape == (10,) and found.argmax() in (4, 5) and found.max() == pytest.approx(0.7)
    assert not audio.peaks(Sound.silence(0, RATE), 4).any()
