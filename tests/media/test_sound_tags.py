"""Comments go into sound files and out again, and the sound stays what it was, to the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.core.jobs import Medium, Task
from studio.core.recipe import Recipe
from studio.media import audio, carriers
from studio.media.audio import Sound
from studio.media.sound_tags import write_comment

SUFFIXES = sorted(audio.FORMATS)
SOUND = Sound.mono(np.random.default_rng(0).normal(0, 0.1, 24_000 * 3).astype(np.float32), 24_000)
RECIPE = Recipe(Medium.SPEECH, "kokoro", 1, "kokoro-82m", Task.SPEAK, {"text": "灯会 “é”\n", "seed": 4})


@pytest.fixture(params=SUFFIXES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    place = tmp_path / f"故事{request.param}"
    audio.write(place, SOUND)
    return place


def test_a_comment_of_any_length_replaces_the_last(path: Path) -> None:
    before = audio.read(path).samples
    for text in ("first", "x" * 300_000, "short again"):
        write_comment(path, text)
        assert audio.comment(path) == text
        assert np.array_equal(audio.read(path).samples, before)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_same_comment_same_bytes(path: Path) -> None:
    write_comment(path, "one")
    first = path.read_bytes()
    write_comment(path, "one")
    once = path.read_bytes()
    write_comment(path, "one")
    assert path.read_bytes() == once
    assert audio.comment(path) == "one" and len(once) >= len(first)


def test_a_recipe_goes_in_and_out(path: Path) -> None:
    carriers.embed(path, RECIPE)
    assert carriers.extract(path) == RECIPE
    assert carriers.companions(path) == ()
    assert audio.comment(path).isascii()


def test_a_sound_without_a_recipe_has_none(path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        carriers.extract(path)
    assert caught.value.code == "recipe-unreadable"


def test_room_in_a_flac_file_is_used_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    audio.write(path, SOUND, comment=" " * 20_000)
    inode, size = path.stat().st_ino, path.stat().st_size
    carriers.embed(path, RECIPE)
    assert (path.stat().st_ino, path.stat().st_size) == (inode, size)
    assert carriers.extract(path) == RECIPE


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1200), st.integers(0, 1200))
def test_every_length_of_comment_fits_its_file(tmp_path_factory: pytest.TempPathFactory, room: int, size: int) -> None:
    folder = tmp_path_factory.mktemp("tags")
    for suffix in (".flac", ".ogg"):
        path = folder / f"a{suffix}"
        audio.write(path, Sound(SOUND.samples[:2400], 24_000), comment="y" * room)
        write_comment(path, "z" * size)
        assert audio.comment(path) == "z" * size
        assert len(audio.read(path).samples) == 2400


def test_other_fields_of_a_file_stay(tmp_path: Path) -> None:
    import soundfile

    for suffix in (".flac", ".ogg", ".mp3"):
        path = tmp_path / f"a{suffix}"
        container, encoding, _type = audio.FORMATS[suffix]
        with soundfile.SoundFile(path, "w", 24_000, 1, format=container, subtype=encoding) as file:
            file.title = "The lamp"
            file.write(SOUND.samples)
        write_comment(path, "recipe")
        with soundfile.SoundFile(path) as file:
            assert (file.title, file.comment) == ("The lamp", "recipe")


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize("content", [b"", b"no sound at all", b"fLaC", b"OggS" + b"\0" * 40])
def test_what_is_no_such_file_is_left_alone(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        write_comment(path, "x")
    assert path.read_bytes() == content


def test_a_missing_file_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        write_comment(tmp_path / "a.flac", "x")
    assert caught.value.code == "file-missing"


def test_a_long_sound_is_converted_block_by_block(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.flac", SOUND)
    for suffix in SUFFIXES:
        target = tmp_path / f"b{suffix}"
        audio.convert(tmp_path / "a.flac", target)
        assert audio.read(target).seconds == pytest.approx(SOUND.seconds, abs=0.1)
    exact = audio.read(tmp_path / "b.wav").samples
    assert np.array_equal(exact, audio.read(tmp_path / "a.flac").samples)
    (tmp_path / "bad.flac").write_bytes(b"nothing")
    with pytest.raises(AtelierError) as caught:
        audio.convert(tmp_path / "bad.flac", tmp_path / "c.wav")
    assert caught.value.code == "sound-unreadable"
    assert not (tmp_path / "c.wav").exists()


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_stretching_keeps_the_pitch(speed: float) -> None:
    time = np.arange(24_000 * 2) / 24_000
    tone = np.sin(2 * np.pi * 220 * time).astype(np.float32)
    out = audio.stretch(tone, 24_000, speed)
    assert len(out) == pytest.approx(len(tone) / speed, rel=0.02)
    middle = out[len(out) // 4 : 3 * len(out) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * 24_000 / len(middle) == pytest.approx(220, abs=3)
    assert 0.6 < np.sqrt((middle**2).mean()) * np.sqrt(2) < 1.1
