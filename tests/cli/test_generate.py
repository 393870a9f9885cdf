"""`atelier generate text`: input, output, endings."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from studio.client.queue_store import QueueStore
from studio.core import paths
from studio.core.jobs import JobState, Request, Task
from studio.core.models import ModelState
from studio.library import Library
from studio.media import carriers
from studio.model_manager.catalogue import Catalogue
from tests.cli.conftest import Shell
from tests.fakes.fake_engine import MODELS, FakeEngine
from tests.fakes.plays import Writing, crashes, fails

GENERATE = ("generate", "text")


def _requests() -> list[Request]:
    store = QueueStore(paths.data_dir() / "queue.db")
    requests = [row.job.request for row in store.rows()]
    store.close()
    return requests


def test_a_file_its_recipe_and_its_path(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "故事.txt"
    done = shell(*GENERATE, "--prompt", "A fox", "--seed", "5", "--temperature", "0.5", "-o", str(path))
    assert (done.code, done.out) == (0, f"{path}\n")
    assert path.read_text() == "Once upon a time"
    recipe = carriers.extract(path)
    assert recipe.params["seed"] == 5
    assert recipe.params["temperature"] == 0.5
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["故事.txt", "故事.txt.json"]
    assert not paths.default_results_dir().exists()


def test_without_a_file_the_text_is_printed_and_kept_in_the_library(shell: Shell) -> None:
    done = shell(*GENERATE, "--prompt", "A fox", "--project", "Tales", "--title", "The fox")
    assert (done.code, done.out) == (0, "Once upon a time\n")
    library = Library(paths.default_results_dir())
    (item,) = library.items()
    assert (item.title, item.project) == ("The fox", "Tales")
    assert item.path.read_text() == "Once upon a time"
    assert f"Saved {item.path}." in done.err
    library.close()


def test_a_file_and_a_project_get_both(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    done = shell(*GENERATE, "--prompt", "A fox", "--project", "Tales", "-o", str(path))
    assert (done.code, done.out) == (0, f"{path}\n")
    library = Library(paths.default_results_dir())
    assert [item.path.read_text() for item in library.items()] == [path.read_text()]
    library.close()


@pytest.mark.parametrize("suffix", [".md", ".html", ".docx", ".TXT"])
def test_other_formats(shell: Shell, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    assert shell(*GENERATE, "--prompt", "A fox", "-o", str(path)).code == 0
    data = path.read_bytes()
    assert zipfile.is_zipfile(io.BytesIO(data)) if suffix == ".docx" else b"Once upon a time" in data
    assert carriers.extract(path.with_name(f"{path.name}.json")).params["prompt"] == "A fox"


def test_json_is_one_object_a_line(shell: Shell, tmp_path: Path) -> None:
    done = shell(*GENERATE, "--prompt", "A fox", "--json", "-o", str(tmp_path / "a.txt"))
    events = [json.loads(line) for line in done.out.splitlines()]
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-2:] == ["done", "filed"]
    assert "".join(event["text"] for event in events if event["kind"] == "text") == "Once upon a time"
    assert events[-1]["paths"] == [str(tmp_path / "a.txt")]
    assert [event["seq"] for event in events[:-1]] == list(range(1, len(events)))


def test_a_prompt_from_a_file_or_standard_input(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in {
        "a": "灯塔\r\n".encode(),
        "b": "灯塔\n".encode("utf-16"),
        "c": "灯塔\n".encode("utf-8-sig"),
    }.items():
        (tmp_path / name).write_bytes(data)
        assert shell(*GENERATE, "--prompt-file", str(tmp_path / name), "-o", str(tmp_path / "o.txt")).code == 0
    for arguments in (["-"], ["--prompt-file", "-"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("灯塔\n".encode())))
        assert shell(*GENERATE, *arguments, "-o", str(tmp_path / "o.txt")).code == 0
    assert {request.params["prompt"] for request in _requests()} == {"灯塔\n"}


def test_a_conversation(shell: Shell, tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello to you"}]
    (tmp_path / "talk.json").write_text(json.dumps(talk))
    chat = (*GENERATE, "--task", "chat", "-o", str(tmp_path / "o.txt"))
    assert shell(*chat, "--messages", str(tmp_path / "talk.json"), "--prompt", "Who?", "--system", "Be brief").code == 0
    (request,) = _requests()
    assert request.task is Task.CHAT
    assert [message["content"] for message in request.params["messages"]] == [
        "Be brief",
        "Hello",
        "Hello to you",
        "Who?",
    ]
    assert shell(*chat).code == 2
    (tmp_path / "talk.json").write_text("{")
    assert "cannot be read" in shell(*chat, "--messages", str(tmp_path / "talk.json")).err


def test_the_models_own_defaults_come_before_the_familys(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = replace(MODELS[0], defaults={"temperature": 0.33, "no_such": 1})
    monkeypatch.setattr(Catalogue, "list", lambda _self: [tuned])
    assert shell(*GENERATE, "--prompt", "A", "-o", str(tmp_path / "o.txt")).code == 0
    assert _requests()[0].params["temperature"] == 0.33
    assert "0.33]" in shell(*GENERATE, "--help").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "There is no prompt: give --prompt TEXT"),
        (["--prompt", ""], "There is no text to work from."),
        (["--prompt", " \n\t"], "There is no text to work from."),
        (["--prompt", "x" * 300_000], "The text is too long: 300,000 characters."),
        (["--prompt", "caf\udce9"], "The text holds characters that cannot be used (position 4)."),
        (["--prompt", "bell \x07"], "The text holds characters that cannot be used (position 6)."),
        (["--prompt", "x", "--seed", "abc"], "Seed is not a number: abc."),
        (["--prompt", "x", "--seed", "-1"], "Seed is -1. It can be 0 to 4,294,967,294."),
        (["--prompt", "x", "--max-new-tokens", "0"], "Length is 0."),
        (["--prompt", "x", "--max-new-tokens", "1.5"], "Length is not a number: 1.5."),
        (["--prompt", "x", "--temperature", "nan"], "Freedom is not a number: nan."),
        (["--prompt", "x", "--temperatur", "1"], "There is no option --temperatur. Did you mean --temperature?"),
        (["--prompt", "x", "--model", "smollm2-135m-instrukt"], "No model is called smollm2-135m-instrukt."),
        (["--prompt", "x", "--model", "zzz"], "No model is called zzz."),
        (["--prompt", "x", "--task", "sing"], "This model cannot do that (sing)."),
        (["--prompt", "x", "--prompt-file", "y"], "Give the text once"),
        (["A fox and a hen"], "A fox and a hen stands alone. Put the text in quotes after --prompt."),
        (["--prompt-file", "no such file"], "This file does not exist: no such file."),
        (["--prompt-file", "."], "This is a folder, not a file: ."),
        (["--prompt", "x", "-o", "out.exe"], "Files ending in .exe cannot be written here."),
        (["--prompt", "x", "-o", "out"], "The name of the output file needs an ending: .txt, .md, .docx, .html."),
        (["--prompt", "x", "-o", ""], "This is a folder, not a file"),
        (["--prompt", "x", "-o", "."], "This is a folder, not a file: ."),
        (["--prompt", "x", "-o", "no-such-folder/out.txt"], "This folder does not exist:"),
        (["--prompt", "x", "-o"], "-o needs a value: -o F."),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence_before_anything_starts(
    shell: Shell, arguments: list[str], words: str
) -> None:
    done = shell(*GENERATE, *arguments)
    assert done.code == 2
    assert done.err.startswith(words)
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert not any(engine.state != "stopped" for engine in shell.engines)


def test_files_that_hold_no_prompt(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("café".encode("latin-1"))
    (tmp_path / "huge").write_bytes(b"a" * 1_000_000)
    (tmp_path / "nul").write_bytes(b"a\0b")
    for name, words in {"latin": "(position 4)", "huge": "too long", "nul": "(position 2)"}.items():
        done = shell(*GENERATE, "--prompt-file", str(tmp_path / name))
        assert done.code == 2
        assert words in done.err


def test_the_prompts_own_file_is_not_written_over(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text("A fox")
    done = shell(*GENERATE, "--prompt-file", str(path), "-o", str(path))
    assert done.code == 2
    assert path.read_text() == "A fox"


def test_a_folder_that_may_not_be_written(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    done = shell(*GENERATE, "--prompt", "x", "-o", str(tmp_path / "a.txt"))
    assert done.code == 2
    assert done.err.startswith("Atelier may not write here:")


def test_a_link_stays_a_link(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    os.symlink(tmp_path / "real.txt", tmp_path / "link.txt")
    assert shell(*GENERATE, "--prompt", "x", "-o", str(tmp_path / "link.txt")).code == 0
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "Once upon a time"


def test_a_failed_job_ends_with_1_and_its_sentence(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    for play, words in {
        fails(
            "out-of-memory", "Traceback (most recent call last)", device="CPU"
        ): "There was not enough memory on CPU.",
        crashes: "The engine stopped in the middle of this job.",
    }.items():
        shell.play = play
        done = shell(*GENERATE, "--prompt", "x", "-o", str(path))
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(words)
        assert "Traceback" not in done.err
        assert path.read_text() == "old"


def test_words_written_before_a_failure_are_kept(shell: Shell, tmp_path: Path) -> None:
    def play(request: Request, ctx: object) -> list[object]:
        Writing("One two")(replace(request, keep=False), ctx)  # type: ignore[arg-type]
        return fails("context-full", count=9, limit=8)(request, ctx)  # type: ignore[arg-type, return-value]

    shell.play = play
    done = shell(*GENERATE, "--prompt", "x", "-o", str(tmp_path / "a.txt"))
    assert done.code == 1
    assert (tmp_path / "a.partial.txt").read_text() == "One two"
    assert str(tmp_path / "a.partial.txt") in done.err


def test_a_disk_that_fills_up_loses_nothing(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("old")
    real = os.replace

    def replace_or_fill(source: object, target: object) -> None:
        if str(target) == str(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", replace_or_fill)
    done = shell(*GENERATE, "--prompt", "x", "-o", str(tmp_path / "a.txt"))
    monkeypatch.undo()
    assert done.code == 1
    assert "The disk is full" in done.err
    assert "The result is kept" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_without_the_starter_a_way_on_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(MODELS[0], state=ModelState.NOT_INSTALLED)
    monkeypatch.setattr(Catalogue, "list", lambda _self: [absent])
    done = shell(*GENERATE, "--prompt", "x")
    assert done.code == 1
    assert "Run the set-up again" in done.err
    monkeypatch.setattr(
        Catalogue, "list", lambda _self: [replace(absent, state=ModelState.DAMAGED, missing=("a.gguf",))]
    )
    assert "a.gguf" in shell(*GENERATE, "--prompt", "x").err
    monkeypatch.setattr(Catalogue, "list", lambda _self: [])
    assert shell(*GENERATE, "--help").code == 0


def test_an_engine_that_does_not_come_up(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeEngine, "_begin", lambda self: self._crashed() if self.problem is None else None)
    done = shell(*GENERATE, "--prompt", "x")
    assert done.code == 1
    assert done.err.startswith("The engine stopped 3 times within a few minutes")
    store = QueueStore(paths.data_dir() / "queue.db")
    assert [row.job.state for row in store.rows()] == [JobState.CANCELLED]
    store.close()
