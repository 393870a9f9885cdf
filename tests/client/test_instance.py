"""The single window: a second start reaches the first one."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.client import instance
from studio.client.instance import Instance, Visit
from studio.core.errors import AtelierError


class Visits:
    def __init__(self) -> None:
        self.seen: list[Visit] = []
        self.came = threading.Event()

    def __call__(self, visit: Visit) -> None:
        self.seen.append(visit)
        self.came.set()


def test_a_second_start_raises_the_first(tmp_path: Path) -> None:
    visits = Visits()
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.claim(visits)
    assert not second.claim(visits)
    assert second.raise_first(("picture.png",))
    assert visits.came.wait(5)
    assert visits.seen == [Visit(("picture.png",), os.getcwd(), visits.seen[0].activation)]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "window.json").stat().st_mode) == 0o600
    first.release()
    assert second.claim(visits)
    second.release()
    assert not [thread for thread in threading.enumerate() if thread.name == "second-start"]


def test_strangers_are_not_listened_to(tmp_path: Path) -> None:
    visits = Visits()
    first = Instance(tmp_path)
    assert first.claim(visits)
    port = json.loads((tmp_path / "window.json").read_text())["port"]
    wrong = json.dumps({"token": "guess", "arguments": [], "folder": "", "activation": ""}).encode()
    for words in (b"", b"GET / HTTP/1.1\r\n\r\n\n", b"[]\n", b"{}\n", b"\xff\n", wrong + b"\n", b"x" * 70_000 + b"\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            try:
                connection.sendall(words)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(8) == b""
            except OSError:
                continue
    assert visits.seen == []
    assert Instance(tmp_path).raise_first()
    assert visits.came.wait(5)
    first.release()


def test_a_window_that_was_killed_leaves_the_place_free(tmp_path: Path) -> None:
    code = (
        "import sys, os; from pathlib import Path; from studio.client.instance import Instance\n"
        "print(Instance(Path(sys.argv[1])).claim(print), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "True\n"
        mine = Instance(tmp_path)
        assert not mine.claim(print)
        other.kill()
        other.wait(10)
    assert mine.claim(print)
    mine.release()


def test_a_first_window_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "_START_SECONDS", 0.3)
    assert not Instance(tmp_path).raise_first()
    (tmp_path / "window.json").write_text("{")
    assert not Instance(tmp_path).raise_first()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AtelierError):
        Instance(tmp_path / "file" / "run").claim(print)
