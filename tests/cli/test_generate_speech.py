"""`atelier generate speech`: formats, languages and voices, what is left of a stopped job."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio import families
from studio.core import paths
from studio.core.errors import AtelierError
from studio.core.models import ModelInfo, Voice
from studio.library import Library
from studio.media import audio, carriers
from studio.model_manager.catalogue import Catalogue
from tests.cli.conftest import Shell
from tests.fakes import stub_voice as stub

SPEAK = ("generate", "speech")
TEXT = "The fox ran. It saw a boat.\n\nIt went home."


@pytest.fixture
def speech(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two starter models: one that speaks English only, one that speaks Chinese too."""
    families.register_module(stub.MODULE)
    english = replace(stub.info("low"), title="Low", languages=("en",), voices=stub.VOICES[:1])
    both = stub.info("both")
    monkeypatch.setattr(Catalogue, "list", lambda _self: [english, both])
    shell.play = stub.play
    return shell


def recipe_model(path: Path) -> str:
    return carriers.extract(path).model


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".WAV"])
def test_every_format_carries_its_recipe(speech: Shell, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"故事{suffix}"
    done = speech(*SPEAK, "--text", TEXT, "--seed", "5", "-o", str(path))
    assert (done.code, done.out, done.err) == (0, f"{path}\n", "")
    sound = audio.read(path)
    assert sound.seconds == pytest.approx(3 + 0.3 + 0.8, abs=0.1)
    assert audio.loudness(sound) == pytest.approx(-16, abs=0.7)
    assert carriers.extract(path).params["seed"] == 5
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


@pytest.mark.parametrize(
    ("suffix", "first"), [(".srt", "1\n00:00:00,000 --> 00:00:01,000\nThe fox"), (".vtt", "WEBVTT")]
)
def test_subtitles(speech: Shell, tmp_path: Path, suffix: str, first: str) -> None:
    path = tmp_path / f"a{suffix}"
    assert speech(*SPEAK, "--text", TEXT, "-o", str(path)).code == 0
    written = path.read_text(encoding="utf-8")
    assert written.startswith(first)
    assert written.count("-->") == 3
    assert carriers.extract(path).params["text"] == TEXT


def test_text_from_a_file_with_a_voice_a_speed_and_a_pause(speech: Shell, tmp_path: Path) -> None:
    (tmp_path / "text").write_text(TEXT, encoding="utf-8")
    path = tmp_path / "a.wav"
    options = (
        "--text-file",
        str(tmp_path / "text"),
        "--voice",
        "low",
        "--speed",
        "2",
        "--pause",
        "1",
        "--language",
        "en",
    )
    assert speech(*SPEAK, *options, "-o", str(path)).code == 0
    assert audio.read(path).seconds == pytest.approx(1.5 + 1 + 1, abs=0.05)
    assert carriers.extract(path).params["voice"] == "low"


def test_the_first_model_that_can_speak_it_does(speech: Shell, tmp_path: Path) -> None:
    for text, options, model in (
        ("Hello.", (), "low"),
        ("今天很好。", (), "both"),
        ("Hello.", ("--voice", "high"), "both"),
        ("Hello.", ("--model", "both"), "both"),
    ):
        path = tmp_path / "a.flac"
        assert speech(*SPEAK, "--text", text, *options, "-o", str(path)).code == 0
        assert recipe_model(path) == model


def test_a_script_and_pronunciations_from_files(speech: Shell, tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text(json.dumps([{"text": "One."}, {"text": "Two.", "voice": "high"}]))
    (tmp_path / "words.json").write_text(json.dumps({"SQL": "sequel"}))
    path = tmp_path / "a.flac"
    files = ("--script", str(tmp_path / "script.json"), "--lexicon", str(tmp_path / "words.json"))
    assert speech(*SPEAK, *files, "-o", str(path)).code == 0
    params = carriers.extract(path).params
    assert [row["text"] for row in params["script"]] == ["One.", "Two."]
    assert params["lexicon"] == {"SQL": "sequel"}


def test_without_a_file_it_goes_into_the_library(speech: Shell) -> None:
    done = speech(*SPEAK, "--text", "The fox ran home.", "--project", "Tales")
    assert done.code == 0
    library = Library(paths.default_results_dir())
    (item,) = library.items()
    library.close()
    assert (item.title, item.media_type) == ("The fox ran home", "audio/flac") or item.title == "The fox ran home."
    assert len(item.metadata["sentences"]) == 1
    assert f"Saved {item.path}." in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "There is no text: give --text TEXT"),
        (["--text", "?! 😀"], "There is nothing to say:"),
        (["--text", "  "], "There is no text: give --text TEXT"),
        (["--text", ""], "There is no text: give --text TEXT"),
        (["--text", "Hi", "--language", "xx"], "No voice on this computer can speak the language xx. There are voices"),
        (["--text-file", "/nope"], "This file does not exist: /nope.\n"),
        (["--text", "x", "--speed", "100"], "Speed is 100. It can be 0.5 to 2.0."),
        (["--text", "x", "--speed", "0"], "Speed is 0. It can be 0.5 to 2.0."),
        (["--text", "x", "--voice", "bob"], "No voice is called bob. This model's voices are: low, low, high."),
        (["--model", "low", "--text", "你好"], "Low cannot speak Chinese: “你好”. Voices that can: "),
        (["--text", "مرحبا"], "No voice on this computer can speak this: “مرحبا”."),
        (["--text", "x", "-o", "a.txt"], "Files ending in .txt cannot be written here. Use one of: .flac, .wav"),
        (["--text", "x", "-o", "/proc/version/a.wav"], "This folder does not exist: "),
        (["--text", "x", "--text-file", "y"], "Give the text once: with --text"),
        (["--script", "no such file"], "This file does not exist: no such file."),
        (["hello"], "hello stands alone. Put the text in quotes after --text."),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(
    speech: Shell, arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = speech(*SPEAK, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(words)


def test_a_megabyte_of_text_is_taken(speech: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a text model would take; a reading may be long."""
    (tmp_path / "long").write_text("The quick brown fox jumps over the lazy dog again. " * 20_000)

    def play(request: Any, ctx: Any) -> list[Any]:
        raise AtelierError("nothing-written", {"characters": len(request.params["text"])})

    speech.play = play
    done = speech(*SPEAK, "--text-file", str(tmp_path / "long"), "-o", str(tmp_path / "a.wav"))
    assert done.code == 1 and "added nothing" in done.err


def test_what_was_made_before_a_failure_is_kept_beside(speech: Shell, tmp_path: Path) -> None:
    class Dying(stub.Speaker):
        def say(self, line: Any, text: str, seed: int, check: Any, first: bool) -> Any:
            if "boat" in text:
                raise AtelierError("out-of-memory", {"device": "CPU"})
            return super().say(line, text, seed, check, first)

    speech.play = lambda request, ctx: stub.run(Dying(), request, ctx)
    path = tmp_path / "a.wav"
    done = speech(*SPEAK, "--text", TEXT, "-o", str(path))
    part = tmp_path / "a.partial.wav"
    assert done.code == 1
    assert not path.exists()
    assert audio.read(part).seconds == pytest.approx(1.3, abs=0.05)
    assert f"What was made so far is in {part}." in done.err
    assert recipe_model(part) == "low"


def test_help_names_the_flags_of_speech(speech: Shell) -> None:
    shown = speech(*SPEAK, "--help").out
    for flag in ("--text", "--text-file", "--voice", "--language", "--speed", "--pause", "--lexicon", ".srt"):
        assert flag in shown
    assert "--prompt" not in shown


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_two_models_name_all_voices_that_can(speech: Shell) -> None:
    voice = Voice("x", "X", ("en",))
    info = ModelInfo("m", stub.SPEC.id, stub.SPEC.medium, "M", stub.SPEC.tasks, stub.info().state, voices=(voice,))
    with pytest.raises(AtelierError) as refused:
        stub.verify(replace(stub.request("你好")), info)
    assert "Kumo (Kokoro 82M)" in str(refused.value)
