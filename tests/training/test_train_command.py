"""`atelier train` with its real child process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studio import cli
from studio.core import i18n, logs
from tests.training import tiny


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path):
    """Runs `atelier train …`; gives the exit code and what stood on standard output and error."""
    monkeypatch.setattr(logs, "start", lambda _name: home / "log")
    i18n.set_language("en")

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["train", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_wrong_words_are_said_before_anything_starts(say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.cli.train._start", lambda: pytest.fail("a child was started"))
    assert say("stiker", "--data", str(tmp_path), "-o", "x") == (
        2, "", "No recipe is called stiker. Did you mean sticker?\n"
    )  # fmt: skip
    assert say("sticker", "-o", "x")[::2] == (2, "Say where: --data is missing.\n")
    assert say("sticker", "--data", str(tmp_path))[::2] == (2, "Say where: --output is missing.\n")
    assert say()[0] == 2
    code, out, _err = say("--help")
    assert code == 0 and "sticker" in out and "--resume" in out


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        (
            [{"event": "failed", "code": "training-no-pictures", "arguments": {"path": "/empty"}, "details": "",
              "invalid": True}],
            2, "There are no pictures to learn from: /empty.",
        ),
        (
            [{"event": "stage", "stage": "words"},
             {"event": "failed", "code": "disk-full", "arguments": {"path": "/full"}, "details": "", "invalid": False}],
            1, "The disk is full: /full.",
        ),
        ([{"event": "stage", "stage": "denoiser"}], 1, "The training stopped unexpectedly."),
    ],
)  # fmt: skip
def test_how_a_child_ends_is_said(
    say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[dict], code: int, words: str
) -> None:
    lines = "".join(json.dumps(event) + "\n" for event in told)
    program = [sys.executable, "-c", f"import sys; sys.stdin.readline(); print({lines!r}, end='')"]
    pipe = subprocess.PIPE
    monkeypatch.setattr("studio.cli.train._start", lambda: subprocess.Popen(program, stdin=pipe, stdout=pipe))
    found = say("sticker", "--data", str(tmp_path), "-o", "mine")
    assert found[0] == code and not found[1] and found[2].startswith(words)


@pytest.mark.skipif(sys.platform == "win32", reason="a console's interrupt reaches every process of it")
def test_an_interrupted_training_is_kept_and_goes_on(say, tmp_path: Path, home: Path) -> None:
    data, encoder = tiny.write_pictures(tmp_path), tiny.write_text_encoder(tmp_path)
    long = tiny.write_recipe(tmp_path, **{"steps = 60": "steps = 1000000"})
    given = ["--data", str(data), "-o", "mine", "--text-encoder", str(encoder), "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-m", "studio", "train", str(long), *given, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert process.stdout and process.stderr
    with process, process.stdout, process.stderr:
        events = []
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1] == {"event": "stage", "stage": "autoencoder"}:
                process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == "Stopped. What was learned is kept; --resume goes on from there.\n"
    assert [event["event"] for event in events][-1] == "cancelled"
    short = tiny.write_recipe(
        tmp_path, **{"steps = 60": "steps = 6", "steps = 40": "steps = 3", "steps = 4,": "steps = 1,"}
    )
    code, out, err = say(str(short), *given, "--resume")
    made = home / "data" / "models" / "imported" / "mine"
    assert (code, out, err) == (0, f"{made}\n", "")
    assert {path.name for path in made.iterdir()} >= {"model_index.json", "unet", "vae", "text_encoder", "README.md"}
