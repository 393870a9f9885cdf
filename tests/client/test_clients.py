"""What every `EngineClient` does, shown on the fake one and on the real one with a stub family."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.client.base import EngineClient, EngineState
from studio.client.local import Limits, LocalEngine
from studio.core.errors import AtelierError
from studio.core.jobs import Blob, Job, Medium, Request, Task
from studio.core.messages import (
    ENDINGS,
    CancelledJob,
    Done,
    Failed,
    Hung,
    JobEvent,
    Phase,
    Progress,
    Ready,
    Resident,
    Started,
    TextDelta,
    Unhung,
    Usage,
)
from studio.core.models import DeviceStatus, ModelInfo, ModelState
from studio.media import carriers
from tests.fakes import stub_family as stub
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.recorder import Recorder

STUB = ModelInfo(
    id=stub.MODEL,
    family="stub",
    medium=Medium.TEXT,
    title="stub",
    tasks=(Task.CONTINUE,),
    state=ModelState.INSTALLED,
    origin="imported",
)


class Bench:
    """A client, what it delivered, and a folder for each job."""

    def __init__(self, client: EngineClient, root: Path) -> None:
        self.client, self.root = client, root
        self.seen = Recorder(client)
        self.jobs: list[str] = []

    def run(self, request: Request, blobs: dict[str, Path] | None = None) -> str:
        job = f"job{len(self.jobs)}"
        self.jobs.append(job)
        self.staging(job).mkdir()
        self.client.run(Job(job, request), self.staging(job), blobs or {})
        return job

    def do(self, request: Request) -> JobEvent:
        return self.seen.ending(self.run(request))

    def staging(self, job: str) -> Path:
        return self.root / job

    def hung(self, job: str) -> Hung:
        return self.seen.first(Hung, job)

    def go_on(self) -> None:
        if isinstance(self.client, FakeEngine):
            self.client.release()

    def check_endings(self) -> None:
        """Every job had exactly one ending, nothing came after it, and its numbers have no gap."""
        for job in self.jobs:
            events = self.seen.of(job)
            assert [isinstance(event, ENDINGS) for event in events] == [False] * (len(events) - 1) + [True], job
            assert [event.seq for event in events] == [*range(1, len(events) + 1)], job


@pytest.fixture(params=["fake", "local"])
def make(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Makes benches with a client that is not started yet; stops it in the end."""
    stub.install(home / "data" / "models")
    made: list[Bench] = []

    def make(cancel: float = 0.2) -> Bench:
        client: EngineClient
        if request.param == "fake":
            client = FakeEngine(stub.play, models=(STUB,), cancel_seconds=cancel, hung_seconds=0.2)
        else:
            limits = Limits(cancel=cancel, silence={"run": 0.2})
            client = LocalEngine(families=[stub.MODULE], limits=limits)
        made.append(Bench(client, tmp_path))
        return made[-1]

    yield make
    for bench in made:
        bench.client.stop()
        bench.check_endings()


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    bench = make()
    bench.client.start()
    return bench


def test_a_job_goes_from_started_to_done_and_leaves_its_files(bench: Bench) -> None:
    job = bench.run(stub.request(count=3))
    done = bench.seen.ending(job)
    assert isinstance(done, Done)
    kinds = [type(event) for event in bench.seen.of(job)]
    assert kinds[0] is Started
    assert {TextDelta, Usage, Progress} < set(kinds)
    assert [event.name for event in bench.seen.kind(Phase, job)] == ["load", "run", "save"]
    assert bench.seen.text(job) == "0 1 2 "
    assert set(done.metrics) == {"load", "run", "total"}

    (artifact,) = done.artifacts
    path = bench.staging(job) / artifact.name
    assert path.read_text() == "0 1 2 "
    assert artifact.blob == Blob.of(path, "text/plain")
    manifest = json.loads((bench.staging(job) / "manifest.json").read_text())
    assert (manifest["version"], manifest["job"], manifest["ending"]) == (1, job, "done")
    assert manifest["artifacts"] == [artifact.to_json()]
    assert Request.from_json(manifest["request"]) == stub.request(count=3)
    recipe = carriers.extract(path)
    assert recipe.to_json() == manifest["recipe"]
    assert (recipe.model, recipe.params["count"]) == (stub.MODEL, 3)


def test_the_states_are_told_in_order(bench: Bench) -> None:
    bench.seen.state(EngineState.READY)
    bench.client.stop()
    assert bench.seen.states == [EngineState.STARTING, EngineState.READY, EngineState.STOPPED]
    assert isinstance(bench.seen.messages[0], Ready)
    assert bench.client.device is not None
    assert bench.client.device.kind == "cpu"


def test_the_same_request_gives_the_same_bytes(bench: Bench) -> None:
    for _ in range(2):
        bench.do(stub.request(count=4))
    first, second = (bench.staging(job) for job in bench.jobs)
    for name in ("text.txt", "text.txt.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_job_that_is_not_kept_writes_nothing(bench: Bench) -> None:
    job = bench.run(stub.request(count=3, keep=False))
    done = bench.seen.ending(job)
    assert isinstance(done, Done)
    assert done.artifacts == ()
    assert bench.seen.text(job) == "0 1 2 "
    assert list(bench.staging(job).iterdir()) == []


def test_an_input_is_found_by_its_content(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "picture"
    source.write_bytes(b"what was put in")
    blob = Blob.of(source)
    request = Request.from_json({**stub.request("copy").to_json(), "inputs": {"text": vars(blob)}})
    job = bench.run(request, {blob.sha256: source})
    assert isinstance(bench.seen.ending(job), Done)
    assert (bench.staging(job) / "text.txt").read_bytes() == b"what was put in"


@pytest.mark.parametrize(
    ("act", "code"), [("raise", "internal"), ("refuse", "context-full"), ("greedy", "out-of-memory")]
)
def test_a_failure_has_a_code_and_the_next_job_runs(bench: Bench, act: str, code: str) -> None:
    failed = bench.do(stub.request(act))
    assert isinstance(failed, Failed)
    assert failed.failure.code == code
    assert ("Traceback" in failed.failure.details) == (code != "context-full") or isinstance(bench.client, FakeEngine)
    assert isinstance(bench.do(stub.request()), Done)


def test_what_was_finished_before_a_failure_is_kept(bench: Bench) -> None:
    failed = bench.do(stub.request("full"))
    assert isinstance(failed, Failed)
    assert failed.failure.code == "disk-full"
    assert [artifact.name for artifact in failed.artifacts] == ["half.txt"]
    manifest = json.loads((bench.staging(failed.job) / "manifest.json").read_text())
    assert manifest["ending"] == "failed"


def test_a_running_job_is_cancelled_within_a_step(bench: Bench) -> None:
    bench.do(stub.request())
    job = bench.run(stub.request("sleep", seconds=60))
    bench.seen.wait(lambda: len(bench.seen.kind(Phase, job)) == 1, "the run")
    asked = time.monotonic()
    bench.client.cancel(job)
    assert isinstance(bench.seen.ending(job), CancelledJob)
    assert time.monotonic() - asked < 0.2
    assert isinstance(bench.do(stub.request()), Done)
    assert bench.seen.states.count(EngineState.STARTING) == 1


def test_a_waiting_job_is_cancelled_at_once(bench: Bench) -> None:
    running = bench.run(stub.request("sleep", seconds=60))
    waiting = bench.run(stub.request())
    bench.seen.first(Phase, running)
    bench.client.cancel(waiting)
    assert isinstance(bench.seen.ending(waiting), CancelledJob)
    assert bench.seen.kind(Started, waiting) == []
    bench.client.cancel(running)


def test_cancelling_what_is_unknown_or_over_does_nothing(bench: Bench) -> None:
    job = bench.run(stub.request())
    bench.seen.ending(job)
    bench.client.cancel(job)
    bench.client.cancel("never heard of")
    assert isinstance(bench.do(stub.request()), Done)


def test_a_deaf_job_is_killed_and_that_is_no_crash(bench: Bench) -> None:
    for _ in range(3):
        job = bench.run(stub.request("deaf", seconds=60))
        bench.seen.wait(lambda job=job: "run" in [event.name for event in bench.seen.kind(Phase, job)], "the run")
        bench.client.cancel(job)
        assert isinstance(bench.seen.ending(job), CancelledJob)
    assert isinstance(bench.do(stub.request()), Done)
    assert bench.client.problem is None


def test_a_crash_costs_one_job(bench: Bench) -> None:
    crashing, waiting = bench.run(stub.request("abort")), bench.run(stub.request())
    failed = bench.seen.ending(crashing)
    assert isinstance(failed, Failed)
    assert failed.failure.code == "engine-crashed"
    assert failed.failure.details
    assert isinstance(bench.seen.ending(waiting), Done)
    assert bench.seen.states.count(EngineState.READY) == 2


def test_after_three_crashes_the_engine_waits_to_be_restarted(bench: Bench) -> None:
    crashing = [bench.run(stub.request("abort")) for _ in range(3)]
    waiting = bench.run(stub.request())
    for job in crashing:
        bench.seen.ending(job)
    abandoned = bench.seen.ending(waiting)
    assert isinstance(abandoned, Failed)
    assert abandoned.failure.code == "engine-unavailable"
    bench.seen.state(EngineState.UNAVAILABLE)
    assert bench.client.problem is not None
    assert "3" in str(bench.client.problem)
    refused = bench.do(stub.request())
    assert isinstance(refused, Failed)
    assert refused.failure.code == "engine-unavailable"
    with pytest.raises(AtelierError) as error:
        bench.client.query("device").result(5)
    assert error.value.code == "engine-unavailable"

    bench.client.restart()
    assert isinstance(bench.do(stub.request()), Done)
    assert bench.client.problem is None


def test_a_restart_fails_the_running_job_and_keeps_the_waiting_one(bench: Bench) -> None:
    running, waiting = bench.run(stub.request("sleep", seconds=60)), bench.run(stub.request())
    bench.seen.wait(lambda: len(bench.seen.kind(Phase, running)) == 2, "the run")
    bench.client.restart()
    failed = bench.seen.ending(running)
    assert isinstance(failed, Failed)
    assert failed.failure.code == "engine-crashed"
    assert isinstance(bench.seen.ending(waiting), Done)


def test_jobs_and_questions_wait_for_the_start(make: Callable[..., Bench]) -> None:
    bench = make()
    job, device = bench.run(stub.request()), bench.client.query("device")
    cancelled = bench.run(stub.request())
    bench.client.cancel(cancelled)
    bench.client.start()
    assert isinstance(bench.seen.ending(job), Done)
    assert isinstance(bench.seen.ending(cancelled), CancelledJob)
    assert device.result(5)["id"] == "cpu"


def test_stop_ends_every_job_and_start_begins_again(bench: Bench) -> None:
    running, waiting = bench.run(stub.request("sleep", seconds=60)), bench.run(stub.request())
    bench.seen.first(Started, running)
    began = time.monotonic()
    bench.client.stop()
    assert time.monotonic() - began < 1.0
    for job in (running, waiting):
        ending = bench.seen.ending(job)
        assert isinstance(ending, Failed)
        assert ending.failure.code == "interrupted"
    assert bench.client.state is EngineState.STOPPED
    bench.client.stop()
    bench.client.start()
    assert isinstance(bench.do(stub.request()), Done)


def test_questions_about_models_and_the_device(bench: Bench) -> None:
    def find() -> ModelInfo:
        return next(info for info in bench.client.models().result(5) if info.id == stub.MODEL)

    request = stub.request(prompt="three words here").to_json()
    assert find().state is ModelState.INSTALLED
    assert bench.client.query("tokens", request=request).result(5) == {"prompt": None, "context": None}

    assert bench.client.query("load", model=stub.MODEL).result(5) is None
    assert find().state is ModelState.LOADED
    assert bench.client.query("tokens", request=request).result(5) == {"prompt": 3, "context": 2048}
    bench.seen.wait(lambda: _loaded(bench) == [stub.MODEL], "the loaded model")
    status = DeviceStatus.from_json(bench.client.query("device").result(5))
    assert [model.id for model in status.loaded] == [stub.MODEL]
    assert 0 < status.memory_used < status.memory_total

    bench.client.query("unload", model=stub.MODEL).result(5)
    assert find().state is ModelState.INSTALLED
    bench.seen.wait(lambda: _loaded(bench) == [], "the empty set")


def test_a_question_that_cannot_be_answered_fails_in_words(bench: Bench) -> None:
    for name, arguments, code in (("load", {"model": "nothing"}, "model-unknown"), ("nonsense", {}, "internal")):
        with pytest.raises(AtelierError) as error:
            bench.client.query(name, **arguments).result(5)
        assert error.value.code == code


def test_a_model_is_loaded_once(bench: Bench) -> None:
    bench.client.query("load", model=stub.MODEL).result(5)
    job = bench.run(stub.request())
    bench.seen.ending(job)
    assert [event.name for event in bench.seen.kind(Phase, job)] == ["run", "save"]


def test_the_user_is_asked_when_nothing_moves(make: Callable[..., Bench]) -> None:
    bench = make(cancel=0.1)
    bench.client.start()
    job = bench.run(stub.request("crawl", seconds=1.0))
    hung = bench.hung(job)
    assert hung.phase == "run"
    assert hung.seconds >= 0.2
    bench.go_on()
    assert isinstance(bench.seen.ending(job), Done)
    bench.seen.first(Unhung, job)

    stuck = bench.run(stub.request("deaf", seconds=60))
    bench.hung(stuck)
    bench.client.cancel(stuck)
    assert isinstance(bench.seen.ending(stuck), CancelledJob)
    bench.seen.first(Unhung, stuck)


def test_the_time_left_never_grows(bench: Bench) -> None:
    job = bench.run(stub.request(count=40, seconds=0.02))
    bench.seen.ending(job)
    told = [event.seconds_left for event in bench.seen.kind(Progress, job) if event.seconds_left >= 0]
    assert told
    assert all(later <= earlier for earlier, later in itertools.pairwise(told))
    assert told[-1] == 0.0


def test_a_listener_that_fails_harms_nobody(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def fail(message: object) -> None:
        raise ZeroDivisionError

    unsubscribe = bench.client.subscribe(fail)
    later = Recorder(bench.client)
    with caplog.at_level(logging.CRITICAL):
        job = bench.run(stub.request())
        assert isinstance(later.ending(job), Done)
        unsubscribe()


def _loaded(bench: Bench) -> list[str]:
    statuses = [DeviceStatus.from_json(message.device) for message in bench.seen.kind(Resident)]
    return [model.id for model in statuses[-1].loaded] if statuses else []
