"""The real engine child, with a stub family that goes wrong in every way."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studio.client.base import EngineState
from studio.client.local import Limits, LocalEngine
from studio.core.jobs import Job, Request
from studio.core.messages import (
    ENDINGS,
    AudioDelta,
    CancelledJob,
    Done,
    Failed,
    JobEvent,
    Phase,
    Preview,
    Progress,
    Resident,
    TextDelta,
)
from studio.core.models import DeviceStatus
from tests.fakes import stub_family as stub
from tests.fakes.recorder import Recorder


class Rig:
    """A real engine and what it delivered."""

    def __init__(self, root: Path, limits: Limits, memory_limit: int = 0, families: tuple[str, ...] = (stub.MODULE,)):
        self.client = LocalEngine(families=families, limits=limits, memory_limit=memory_limit)
        self.seen = Recorder(self.client)
        self._root = root

    def run(self, job: str, request: Request) -> str:
        staging = self._root / job
        staging.mkdir()
        self.client.run(Job(job, request), staging, {})
        return job

    def do(self, job: str, request: Request) -> JobEvent:
        return self.seen.ending(self.run(job, request))

    def at_work(self, job: str) -> None:
        self.seen.wait(lambda: "run" in [event.name for event in self.seen.kind(Phase, job)], "the run")


@pytest.fixture
def make(home: Path, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    stub.install(home / "data" / "models")
    rigs: list[Rig] = []

    def make(limits: Limits | None = None, **arguments: object) -> Rig:
        rigs.append(Rig(tmp_path, limits or Limits(cancel=0.2), **arguments))  # type: ignore[arg-type]
        rigs[-1].client.start()
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.client.stop()


@pytest.fixture
def rig(make: Callable[..., Rig]) -> Rig:
    return make()


def test_an_engine_killed_in_the_middle_of_a_job(rig: Rig) -> None:
    job = rig.run("a", stub.request("sleep", seconds=60))
    rig.at_work(job)
    os.kill(rig.client.pid, signal.SIGKILL)
    failed = rig.seen.ending(job)
    assert isinstance(failed, Failed)
    assert (failed.failure.code, failed.failure.details) == ("engine-crashed", "ended by signal 9")
    assert isinstance(rig.do("b", stub.request()), Done)


def test_an_abort_leaves_its_trace_in_the_details(rig: Rig) -> None:
    failed = rig.do("a", stub.request("abort"))
    assert isinstance(failed, Failed)
    assert "Fatal Python error: Aborted" in failed.failure.details
    assert "stub_family.py" in failed.failure.details


def test_an_engine_that_stands_still_is_killed_after_a_cancel(rig: Rig) -> None:
    job = rig.run("a", stub.request("sleep", seconds=60))
    rig.at_work(job)
    os.kill(rig.client.pid, signal.SIGSTOP)
    rig.client.cancel(job)
    assert isinstance(rig.seen.ending(job), CancelledJob)
    assert isinstance(rig.do("b", stub.request()), Done)


def test_an_engine_whose_program_is_killed_dies(home: Path, tmp_path: Path) -> None:
    stub.install(home / "data" / "models")
    script = f"""
import sys, time
from pathlib import Path
from studio.client.local import LocalEngine
from studio.core.jobs import Job
from studio.core.messages import Phase
from tests.fakes import stub_family as stub
engine = LocalEngine(families=[stub.MODULE])
engine.subscribe(lambda m: isinstance(m, Phase) and m.name == "run" and print(engine.pid, flush=True))
engine.start()
engine.run(Job("a", stub.request("deaf", seconds=60)), Path({str(tmp_path)!r}), {{}})
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path.cwd()) as program:
        assert program.stdout is not None
        engine = psutil.Process(int(program.stdout.readline()))
        assert engine.is_running()
        program.kill()
    assert psutil.wait_procs([engine], timeout=2.0)[1] == []


def test_ten_thousand_pieces_of_text_lose_nothing(rig: Rig) -> None:
    rig.client.query("load", model=stub.MODEL).result(5)
    done = rig.do("a", stub.request(count=10_000))
    assert isinstance(done, Done)
    assert rig.seen.text("a") == "".join(stub.pieces(10_000))
    pieces, reports = rig.seen.kind(TextDelta, "a"), rig.seen.kind(Progress, "a")
    seconds = done.metrics["total"]
    assert len(pieces) <= seconds * 30 + 3
    assert len(reports) <= seconds * 30 + 3
    assert [event.seq for event in rig.seen.of("a")] == [*range(1, len(rig.seen.of("a")) + 1)]


def test_of_previews_only_the_newest_waits(rig: Rig) -> None:
    count, size = 300, 1_000_000
    assert isinstance(rig.do("a", stub.request("previews", count=count, size=size)), Done)
    previews = rig.seen.kind(Preview, "a")
    assert len(previews) < count / 2
    assert previews[-1].payload == stub.chunk(count - 1, size)
    assert rig.seen.kind(Progress, "a")[-1].step == count


def test_sound_arrives_as_it_was_made(rig: Rig) -> None:
    count, size = 2_000, 9_600
    assert isinstance(rig.do("a", stub.request("audio", count=count, size=size)), Done)
    sound = rig.seen.kind(AudioDelta, "a")
    assert b"".join(event.payload for event in sound) == b"".join(stub.chunk(n, size) for n in range(count))
    assert {(event.sample_rate, event.channels) for event in sound} == {(24_000, 1)}


def test_memory_that_really_runs_out_costs_one_job(rig: Rig) -> None:
    failed = rig.do("a", stub.request("swallow"))
    assert isinstance(failed, Failed)
    assert failed.failure.code == "out-of-memory"
    assert isinstance(rig.do("b", stub.request()), Done)
    assert EngineState.UNAVAILABLE not in rig.seen.states
    assert rig.seen.states.count(EngineState.STARTING) == 1


def test_memory_that_runs_out_once_is_tried_again(make: Callable[..., Rig], home: Path) -> None:
    other = stub.install(home / "data" / "models", "other")
    rig = make()
    rig.client.query("load", model=other).result(5)
    assert isinstance(rig.do("a", stub.request("hungry")), Done)
    assert rig.seen.text("a") == "0 1 2 3 4 "
    statuses = [DeviceStatus.from_json(message.device) for message in rig.seen.kind(Resident)]
    assert [[model.id for model in status.loaded] for status in statuses][-1] == [stub.MODEL]


def test_a_model_beyond_the_limit_is_refused(make: Callable[..., Rig], home: Path) -> None:
    large = stub.install(home / "data" / "models", "large", memory=2_000_000)
    rig = make(memory_limit=1_000_000)
    failed = rig.do("a", stub.request(model=large))
    assert isinstance(failed, Failed)
    assert failed.failure.code == "out-of-memory"
    assert isinstance(rig.do("b", stub.request()), Done)


def test_a_new_memory_limit_counts_from_the_next_idle_moment(make: Callable[..., Rig], home: Path) -> None:
    large = stub.install(home / "data" / "models", "large", memory=2_000_000)
    rig = make()
    job = rig.run("a", stub.request("sleep", seconds=0.3))
    rig.at_work(job)
    rig.client.set_memory_limit(1_000_000)
    assert isinstance(rig.seen.ending(job), Done)
    failed = rig.do("b", stub.request(model=large))
    assert isinstance(failed, Failed)
    assert failed.failure.code == "out-of-memory"


def test_models_and_families_that_cannot_be_used(make: Callable[..., Rig], home: Path) -> None:
    broken = stub.install(home / "data" / "models", "broken", broken=True)
    rig = make()
    unknown_family = Request.from_json({**stub.request().to_json(), "family": "no-such"})
    wrong_value = stub.request(count=-1)
    cases = [
        (stub.request(model=broken), "model-not-readable"),
        (stub.request(model="no/such"), "model-unknown"),
        (unknown_family, "family-unknown"),
        (wrong_value, "value-out-of-range"),
    ]
    for number, (request, code) in enumerate(cases):
        failed = rig.do(f"job{number}", request)
        assert isinstance(failed, Failed)
        assert failed.failure.code == code
        assert str(failed.failure.details) or code != "model-not-readable"


def test_a_lost_connection_loses_no_event(rig: Rig) -> None:
    job = rig.run("a", stub.request(count=60, seconds=0.01))
    rig.seen.wait(lambda: len(rig.seen.text(job)) > 20, "some text")
    pid = rig.client.pid
    _cut(rig.client)
    assert isinstance(rig.seen.ending(job), Done)
    assert rig.seen.text(job) == "".join(stub.pieces(60))
    numbers = [event.seq for event in rig.seen.of(job)]
    assert numbers == sorted(set(numbers))
    assert rig.client.pid == pid
    assert rig.client.query("device").result(5)["id"] == "cpu"


def test_an_ending_that_fell_into_a_gap_still_comes(rig: Rig) -> None:
    rig.seen.state(EngineState.READY)
    for number in range(10):
        job = rig.run(f"job{number}", stub.request(count=3, seconds=0.002))
        time.sleep(0.004 * (number % 3))
        _cut(rig.client)
        assert isinstance(rig.seen.ending(job), Done | Failed)
    endings = [message for message in rig.seen.messages if isinstance(message, ENDINGS)]
    assert sorted(ending.job for ending in endings) == [f"job{number}" for number in range(10)]


def test_random_kills_leave_one_ending_per_job(make: Callable[..., Rig]) -> None:
    rig = make(Limits(cancel=0.2, crashes=1000))
    dice = random.Random(2)
    jobs = [rig.run(f"job{number}", stub.request(count=5, seconds=0.005)) for number in range(40)]
    for _ in range(6):
        time.sleep(dice.uniform(0.05, 0.3))
        if pid := rig.client.pid:
            os.kill(pid, signal.SIGKILL)
    for job in jobs:
        rig.seen.ending(job)
    endings = [message for message in rig.seen.messages if isinstance(message, ENDINGS)]
    assert sorted(ending.job for ending in endings) == sorted(jobs)
    assert sum(isinstance(ending, Done) for ending in endings) >= 40 - 6
    for job in jobs:
        assert isinstance(rig.seen.of(job)[-1], ENDINGS)


def test_a_poisoned_device_costs_its_job_and_a_new_engine_is_started(rig: Rig) -> None:
    poisoned, waiting = rig.run("a", stub.request("poison")), rig.run("b", stub.request())
    failed = rig.seen.ending(poisoned)
    assert isinstance(failed, Failed)
    assert "illegal memory access" in failed.failure.details
    rig.seen.state(EngineState.READY, 2)
    assert isinstance(rig.seen.ending(waiting), Done)


def test_an_engine_that_loses_a_thread_falls(rig: Rig) -> None:
    failed = rig.do("a", stub.request("unthread"))
    assert isinstance(failed, Failed)
    assert failed.failure.code == "engine-crashed"
    assert "a thread that fell" in failed.failure.details


@pytest.mark.parametrize("cause", ["a module that is not there", "a program that is not there"])
def test_an_engine_that_cannot_start(
    make: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, cause: str
) -> None:
    with caplog.at_level(logging.CRITICAL):
        if cause == "a program that is not there":
            monkeypatch.setattr(sys, "executable", "/no/such/program")
            rig = make()
        else:
            rig = make(families=("no_such_module",))
        failed = rig.do("a", stub.request())
    assert isinstance(failed, Failed)
    assert failed.failure.code == "engine-unavailable"
    assert "no_such_module" in failed.failure.details or "/no/such/program" in failed.failure.details
    assert rig.client.problem is not None


def test_what_the_child_prints_and_ctrl_c_do_no_harm(rig: Rig, home: Path) -> None:
    rig.seen.state(EngineState.READY)
    os.kill(rig.client.pid, signal.SIGINT)
    assert isinstance(rig.do("a", stub.request("print")), Done)
    output = (home / "logs" / "engine-cpu.output").read_text()
    assert "from Python" in output
    assert "from native code" in output


def test_an_engine_started_by_hand_says_so() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "studio", "--engine"], input=b"\n", capture_output=True, timeout=20, check=False
    )
    assert ended.returncode == 2
    assert b"started by the program" in ended.stderr


def test_an_engine_imports_nothing_heavy_before_it_must() -> None:
    heavy = ["torch", "transformers", "diffusers", "onnxruntime", "ctranslate2", "xllamacpp", "safetensors", "numpy"]
    script = (
        "import sys, studio.engine.main, studio.families as families; families.all(); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True)
    assert ended.stdout.strip() == "[]"


def _cut(client: LocalEngine) -> None:
    """Break the connection as a network would."""
    connection = client._link._connection if client._link else None
    if connection is not None:
        with socket.socket(fileno=os.dup(connection.fileno())) as ours:
            ours.shutdown(socket.SHUT_RDWR)
