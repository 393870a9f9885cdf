"""Places where no file can be written are refused before any work, in words that fit."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from studio.cli import output
from studio.cli.console import LOG_SECONDS, Console
from studio.cli.output import check_output
from studio.core.errors import InvalidInput

FORMATS = (".txt", ".md")


def test_a_device_is_no_file() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_output(os.devnull if os.name == "posix" else "\\\\.\\NUL", FORMATS)
    assert str(caught.value).startswith("This is a device, not a file: ")


def test_a_folder_that_takes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_named: object) -> tuple[int, str]:
        raise FileNotFoundError(2, "No such file or directory")  # as /proc does

    monkeypatch.setattr(output.tempfile, "mkstemp", refuse)
    with pytest.raises(InvalidInput) as caught:
        check_output(str(tmp_path / "x.txt"), FORMATS)
    assert str(caught.value).startswith(f"Atelier may not write here: {tmp_path}. ")


def test_a_file_that_is_there_stays_until_the_result_is(tmp_path: Path) -> None:
    there = tmp_path / "x.txt"
    there.write_text("Old.", encoding="utf-8")
    assert check_output(str(there), FORMATS) == there
    assert there.read_text(encoding="utf-8") == "Old."
    assert os.listdir(tmp_path) == ["x.txt"]


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("studio.cli.console.time.monotonic", lambda: now)
    log = io.StringIO()
    console = Console(io.StringIO(), log)
    for step in range(10):
        console.status("3 min left", step, 10)
        now += LOG_SECONDS / 2
    console.status("Loading the model…")
    assert log.getvalue() == " 20 %  3 min left\n 40 %  3 min left\n 60 %  3 min left\n 80 %  3 min left\n"
