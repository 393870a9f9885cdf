"""Files made to do harm: each is refused in words, none runs, and the studio goes on with the next."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio.core.errors import MESSAGES, AtelierError
from studio.model_manager.trust import limits, sandbox
from studio.model_manager.trust.importing import import_file
from studio.model_manager.trust.inspection import inspect
from studio.model_manager.trust.sandbox import Sandbox
from tests.fakes import malicious

SECONDS = 20
NAMES = [maker.__name__ for maker in malicious.REFUSED]


@pytest.fixture(scope="module")
def child() -> Iterator[Sandbox]:
    with Sandbox() as child:
        child.start()
        yield child


def build(maker: malicious.Maker, folder: Path) -> tuple[Path, Path]:
    canary = malicious.canary_of(folder)
    inside = folder / "files"
    inside.mkdir()
    return maker(inside, canary), canary


@pytest.mark.parametrize("maker", malicious.REFUSED, ids=NAMES)
def test_refuses_in_words(child: Sandbox, tmp_path: Path, maker: malicious.Maker) -> None:
    path, canary = build(maker, tmp_path)
    begun = time.monotonic()
    with pytest.raises(AtelierError) as caught:
        inspect(path, child)
    assert time.monotonic() - begun < SECONDS
    assert caught.value.code in MESSAGES and caught.value.code != "internal"
    assert "…" not in str(caught.value)  # every field of its sentences is filled
    assert not canary.exists()


@pytest.mark.parametrize(("maker", "named"), malicious.TOLD, ids=[maker.__name__ for maker, _named in malicious.TOLD])
def test_names_what_would_run(child: Sandbox, tmp_path: Path, maker: malicious.Maker, named: str) -> None:
    path, canary = build(maker, tmp_path)
    found = inspect(path, child)
    assert found.kind == "pickle" and not found.convertible
    assert any(named in what for what in found.found)
    assert not canary.exists()


def test_the_payload_would_have_run(tmp_path: Path) -> None:
    """The canary is a real one: a plain unpickler lets it out."""
    path, canary = build(malicious.reduce_pickle, tmp_path)
    pickle.loads(path.read_bytes())
    assert canary.exists()


@pytest.mark.parametrize("convert", [False, True])
def test_import_refuses_and_leaves_nothing(tmp_path: Path, convert: bool) -> None:
    path, canary = build(malicious.late_pickle, tmp_path)
    models = tmp_path / "models"
    with pytest.raises(AtelierError) as caught:
        import_file(path, models, convert=convert)
    assert caught.value.code == "pickle-refused" and "os.system" in str(caught.value)
    assert not canary.exists()
    assert not [found for found in models.rglob("*") if found.is_file()]


@pytest.mark.parametrize("maker", malicious.LIMITED, ids=[maker.__name__ for maker in malicious.LIMITED])
def test_limits_end_a_greedy_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: malicious.Maker) -> None:
    """A header that asks for gigabytes is refused, and the reader's memory stays below the limit."""
    peaks: list[int] = []
    tie = limits.tie

    def watch(process: subprocess.Popen[bytes]) -> object:
        threading.Thread(target=_watch, args=(process, peaks), daemon=True).start()
        return tie(process)

    monkeypatch.setattr(limits, "tie", watch)
    path, _canary = build(maker, tmp_path)
    with pytest.raises(AtelierError) as caught, Sandbox() as own:
        inspect(path, own)
    limited = sys.platform in ("linux", "win32")  # macOS has no such limit; there the reader itself says no
    assert caught.value.code == ("model-too-much" if limited else "model-refused")
    assert peaks and (not limited or max(peaks) < limits.MEMORY + (128 << 20))


def _watch(process: subprocess.Popen[bytes], peaks: list[int]) -> None:
    with contextlib.suppress(psutil.Error):
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peaks.append(watched.memory_info().rss)
            time.sleep(0.02)


def test_goes_on_after_a_crash(tmp_path: Path) -> None:
    """The child is killed in the middle; the next question is answered by a new one."""
    good = malicious._write(tmp_path / "good.sf2", malicious.soundfont())
    with Sandbox() as own:
        assert inspect(good, own).kind == "soundfont"
        assert own._process is not None
        own._process.kill()
        own._process.wait()
        assert inspect(good, own).title == "Tiny Piano"


def test_a_child_that_ends_in_the_middle_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_command", lambda: [sys.executable, "-c", "import os; os.abort()"])
    with pytest.raises(AtelierError) as caught, Sandbox() as own:
        own.ask("look", tmp_path / "any.pt")
    assert caught.value.code == "model-too-much" and "-6" in caught.value.details


def test_processor_time_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys\nfrom studio.model_manager.trust.limits import allow\nsys.stdin.readline(); allow(1, 0, 0)\n"
        "while True: pass"
    )
    monkeypatch.setattr(sandbox, "_command", lambda: [sys.executable, "-c", program])
    begun = time.monotonic()
    with pytest.raises(AtelierError) as caught, Sandbox() as own:
        own.ask("look", tmp_path / "any.pt", seconds=1)
    assert caught.value.code == "model-too-much" and time.monotonic() - begun < 15


def test_the_child_starts_nothing() -> None:
    program = (
        "from studio.model_manager.trust.limits import forbid\nforbid()\nimport os, socket, subprocess\n"
        "for call in (lambda: os.system('true'), lambda: subprocess.run(['true']), lambda: socket.socket(),\n"
        "             lambda: os.remove('/nowhere')):\n"
        "    try: call()\n    except PermissionError: print('no')\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["no"] * 4
