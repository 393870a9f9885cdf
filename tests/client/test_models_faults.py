"""The models child dies, hangs, is there twice: nothing that arrived is lost, and every question ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studio.client.local_models import LocalModels
from studio.core.activities import ActivityState
from studio.core.errors import AtelierError
from studio.core.models import ModelState
from studio.core.settings import Settings
from tests.fakes.hub import FakeHub
from tests.fakes.models_bench import MODEL, WEIGHTS, InChild, ModelsBench, repository

MIB = 1 << 20
KILLS = 20


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as made:
        yield made


@pytest.fixture
def bench(hub: FakeHub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InChild]:
    made = InChild(hub, monkeypatch, str(home))
    yield made
    made.client.stop()


def test_twenty_kills_cost_no_byte(bench: InChild, hub: FakeHub, home: Path) -> None:
    content = repository(8 * MIB, seed=3)
    commit = hub.add(MODEL, content)
    hub.fault("drip", f"*/{WEIGHTS}", times=-1, piece=16 << 10, seconds=0.03)
    activity = bench.client.download(MODEL).result(20)
    part = home / "hub" / "models--ada--tiny" / "blobs"
    had = [0]
    for kill in range(KILLS):
        before = had[-1]
        bench.until(activity, lambda told, before=before: told.done >= before + 100_000)
        if kill == KILLS - 1:
            hub.faults.clear()
        pid = _pid(bench)
        os.kill(pid, signal.SIGKILL)
        bench.wait(lambda pid=pid: _pid(bench) not in (0, pid), lambda: "another child")
        (path,) = [path for path in part.glob("*.incomplete") if path.stat().st_size > 1000]
        had.append(path.stat().st_size)
    done = bench.ended(activity)
    assert done.state is ActivityState.DONE
    assert (home / "hub" / "models--ada--tiny" / "snapshots" / commit / WEIGHTS).read_bytes() == content[WEIGHTS]
    starts = hub.starts(WEIGHTS)
    assert len(starts) == KILLS + 1
    for start, bytes_before in zip(starts, had, strict=True):
        assert bytes_before - MIB <= start <= bytes_before
    assert [told.state for told in bench.told(activity)].count(ActivityState.FAILED) == 0


def test_a_question_over_which_the_child_dies_is_asked_again_and_then_fails_in_words(
    bench: InChild, hub: FakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.fault("silent", "/api/models", times=2)
    search = bench.client.search("tiny")
    for number in (1, 2):
        _until(lambda number=number: len(hub.asked("/api/models")) == number)
        os.kill(_pid(bench), signal.SIGKILL)
    with pytest.raises(AtelierError) as raised:
        search.result(10)
    assert raised.value.code == "models-crashed"
    hub.fault("silent", "/api/models")
    search = bench.client.search("tiny")
    _until(lambda: len(hub.asked("/api/models")) == 3)
    os.kill(_pid(bench), signal.SIGKILL)
    assert [info.id for info in search.result(20)] == [MODEL]
    assert "stopped" in caplog.text


def test_a_token_of_this_session_outlives_the_child(bench: InChild, hub: FakeHub) -> None:
    hub.user("a-token", "ada")
    assert bench.client.set_token("a-token").result(20)["kept"] == "session"
    child = psutil.Process(_pid(bench))
    child.kill()
    child.wait(5)
    _until(lambda: _pid(bench) == 0)
    state = bench.client.token_state().result(20)
    assert (state["known"], state["user"]) == (True, "ada")


def test_a_child_that_does_not_start_is_said_to(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = LocalModels()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(AtelierError) as raised:
        client.models().result(10)
    assert raised.value.code == "models-unavailable"
    monkeypatch.undo()
    assert client.models().result(20)  # the next question tries again
    client.stop()


def test_the_next_start_of_the_program_goes_on(bench: InChild, hub: FakeHub) -> None:
    hub.fault("stall", f"*/{WEIGHTS}", at=200_000)
    activity = bench.client.download(MODEL).result(20)
    bench.until(activity, lambda told: told.done > 200_000)
    bench.client.stop()
    command = ModelsBench(LocalModels(go_on=False))  # a command that asks for something else
    assert command.client.ask("activities").result(20) == []
    command.client.stop()
    window = ModelsBench(LocalModels())
    window.client.models().result(20)
    assert window.ended(activity).state is ActivityState.DONE
    assert window.client.download(MODEL).result(20) != activity
    window.client.stop()
    assert hub.starts(WEIGHTS) == [0, 200_000]


def test_a_command_takes_over_the_download_that_it_asks_for(bench: InChild, hub: FakeHub) -> None:
    hub.fault("stall", f"*/{WEIGHTS}", at=200_000)
    activity = bench.client.download(MODEL).result(20)
    bench.until(activity, lambda told: told.done > 200_000)
    bench.client.stop()
    command = ModelsBench(LocalModels(go_on=False))
    assert command.client.download(MODEL).result(20) == activity
    assert command.ended(activity).state is ActivityState.DONE
    command.client.stop()


_PROGRAM = """
import sys, threading
from studio.client.local_models import LocalModels
client = LocalModels(go_on=False)
print(client.download(sys.argv[1]).result(20), flush=True)
threading.Event().wait()
"""


def test_two_programs_download_one_model_and_one_is_killed(bench: InChild, hub: FakeHub, home: Path) -> None:
    hub.fault("stall", f"*/{WEIGHTS}", at=200_000)
    command = [sys.executable, "-c", _PROGRAM, MODEL]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as other:
        assert other.stdout
        other.stdout.readline()
        blobs = home / "hub" / "models--ada--tiny" / "blobs"
        _until(lambda: any(path.stat().st_size == 200_000 for path in blobs.glob("*.incomplete")))
        activity = bench.client.download(MODEL).result(20)
        waiting = bench.state(activity, ActivityState.WAITING)
        assert waiting.note == "download-elsewhere"
        children = psutil.Process(other.pid).children()
        other.kill()
        psutil.wait_procs(children, 5)
    assert bench.ended(activity).state is ActivityState.DONE
    assert hub.starts(WEIGHTS) == [0, 200_000]


def test_a_model_is_usable_with_the_network_unplugged(bench: InChild, hub: FakeHub) -> None:
    bench.get()
    bench.client.stop()
    Settings().update(offline=True)
    later = ModelsBench(LocalModels())
    info = later.info()
    assert info
    assert info.state is ModelState.INSTALLED
    asked = len(hub.requests)
    with pytest.raises(AtelierError) as raised:
        later.client.search("tiny").result(20)
    assert raised.value.code == "hub-offline"
    Settings().update(offline=False)
    assert later.client.search("tiny").result(20)
    assert len(hub.requests) > asked
    later.client.stop()


def test_a_newer_commit_is_offered_and_fetched(bench: InChild, hub: FakeHub) -> None:
    bench.get()
    assert bench.client.check_updates().result(20) == []
    newer = hub.add(MODEL, repository(400_000, seed=9))
    assert bench.client.check_updates().result(20) == [MODEL]
    info = bench.info()
    assert info
    assert info.update == newer
    bench.get()
    info = bench.info()
    assert info
    assert (info.update, info.revision) == ("", newer)


def test_a_model_that_no_family_can_load_is_refused(bench: InChild, hub: FakeHub) -> None:
    hub.add("ada/other", {"config.json": b'{"model_type": "toaster"}', "model.safetensors": b"12345678"})
    failed = bench.get("ada/other")
    assert failed.failure
    assert failed.failure.code == "hub-not-usable"
    hub.add("ada/pickles", {**repository(), WEIGHTS: b"", "pytorch_model.bin": b"x" * 100_000})
    del hub.repositories["ada/pickles"].commits[hub.repositories["ada/pickles"].head][WEIGHTS]
    failed = bench.get("ada/pickles")
    assert failed.failure
    assert failed.failure.code == "hub-no-weights"


def test_the_child_ends_with_its_program(bench: InChild) -> None:
    bench.client.models().result(20)
    child = psutil.Process(_pid(bench))
    bench.client.stop()
    child.wait(5)
    assert _pid(bench) == 0


def _until(fulfilled: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not fulfilled():
        assert time.monotonic() < until
        time.sleep(0.02)


def _pid(bench: ModelsBench) -> int:
    assert isinstance(bench.client, LocalModels)
    return bench.client.pid
