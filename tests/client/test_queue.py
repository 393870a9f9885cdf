"""The queue with an engine in this process: every road that a job can take."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.client.base import EngineState
from studio.client.queue import JobChanged, JobQueue
from studio.core.errors import AtelierError, InvalidInput
from studio.core.jobs import Failure, Job, JobState, Request
from studio.core.params import SEED_MAX
from tests.client.shelf import DISK_FULL, Shelf, Watch, request, until
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.plays import Writing, crashes, fails

FILED, FAILED, QUEUED = JobState.FILED, JobState.FAILED, JobState.QUEUED
RUNNING, PRODUCED, CANCELLED = JobState.RUNNING, JobState.PRODUCED, JobState.CANCELLED


class Room:
    """A started queue with its engine and library."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue.db"
        self.engine = FakeEngine(Writing("One two three"))
        self.library = Shelf(folder / "results")
        self.queue = JobQueue(self.engine, self.library, self.path)
        self.watch = Watch(self.queue)
        self.queue.start()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.engine.release()
    room.queue.stop()
    room.engine.stop()


def test_a_job_is_written_run_and_filed(room: Room) -> None:
    job = room.queue.submit(request())
    assert job.state is QUEUED
    room.watch.until(lambda: bool(room.watch.filed(job.id)))
    assert room.watch.states(job.id) == [QUEUED, RUNNING, PRODUCED, FILED]
    (filed,) = room.watch.filed(job.id)
    assert [path.read_text() for path in filed.items] == ["One two three"]
    assert filed.job.artifacts[0].name == "text.txt"
    assert filed.job.seconds > 0
    assert list(room.library.staging_root.iterdir()) == []


def test_a_seed_is_chosen_before_the_job_is_written(room: Room) -> None:
    room.queue.pause()
    seeds = {room.queue.submit(request(seed=None)).request.params["seed"] for _count in range(5)}
    assert len(seeds) == 5
    assert all(0 <= seed <= SEED_MAX for seed in seeds)
    assert room.queue.submit(request(seed=7)).request.params["seed"] == 7


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (request(""), "prompt-empty"),
        (request(" \n\t "), "prompt-empty"),
        (request("x" * 1_000_000), "text-too-long"),
        (request("bad \ud800"), "text-not-clean"),
        (request("bell \x07"), "text-not-clean"),
        (request(temperature="warm"), "value-not-number"),
        (request(temperature=1e9), "value-out-of-range"),
        (request(colour="red"), "parameter-unknown"),
    ],
)
def test_bad_input_is_refused_in_words_and_not_written(room: Room, wrong: Request, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        room.queue.submit(wrong)
    assert caught.value.code == code
    assert room.queue.jobs() == []


def test_an_unknown_model_is_refused_once_the_models_are_known(room: Room) -> None:
    job = room.queue.submit(request())  # starts the engine
    room.watch.until_state(job.id, FILED)
    wrong = replace(request(), model="smollm9")
    with pytest.raises(InvalidInput) as caught:
        room.queue.submit(wrong)
    assert caught.value.code == "model-unknown"
    assert "smollm2-135m-instruct" in str(caught.value)


def test_a_model_that_came_later_is_taken_once_the_models_are_asked_for(room: Room) -> None:
    room.watch.until_state(room.queue.submit(request()).id, FILED)
    late = replace(room.engine.installed[0], id="late")
    room.engine.installed = (*room.engine.installed, late)
    with pytest.raises(InvalidInput):
        room.queue.submit(replace(request(), model="late"))
    room.engine.models().result(5)
    assert room.queue.submit(replace(request(), model="late")).request.model == "late"


def test_broken_unicode_in_a_title_is_replaced(room: Room) -> None:
    job = room.queue.submit(replace(request(), title="storm \udc80\n at sea"))
    assert room.watch.until_state(job.id, FILED).request.title == "storm ? at sea"


def test_jobs_run_in_order_and_one_at_a_time(room: Room) -> None:
    room.queue.pause()
    jobs = [room.queue.submit(request(f"number {number}")) for number in range(4)]
    room.queue.move(jobs[3].id, jobs[0].id)
    room.queue.move(jobs[0].id, None)
    wanted = [jobs[3].id, jobs[1].id, jobs[2].id, jobs[0].id]
    assert [job.id for job in room.queue.jobs()] == wanted
    room.queue.resume()
    room.watch.until(lambda: all(room.watch.filed(job.id) for job in jobs))
    changes = [event.job for event in room.watch.events if isinstance(event, JobChanged)]
    assert [job.id for job in changes if job.state is RUNNING] == wanted


def test_cancel_of_a_waiting_and_of_a_running_job(room: Room) -> None:
    room.engine.play = Writing("One two three", pause_at=2)
    first, second = room.queue.submit(request()), room.queue.submit(request())
    room.watch.until_state(first.id, RUNNING)
    room.queue.cancel(second.id)
    assert room.watch.until_state(second.id, CANCELLED)
    room.queue.cancel(first.id)
    assert room.watch.until_state(first.id, CANCELLED, seconds=2.0)
    assert room.watch.states(second.id) == [QUEUED, CANCELLED]
    assert room.library.filed() == []
    room.queue.cancel(first.id)  # has ended: stays as it is
    with pytest.raises(AtelierError) as caught:
        room.queue.cancel("no such job")
    assert caught.value.code == "job-unknown"


def test_one_failed_job_never_takes_the_queue(room: Room) -> None:
    room.engine.play = fails("out-of-memory", "details of the library", device="CPU")
    first = room.queue.submit(request())
    failed = room.watch.until_state(first.id, FAILED)
    assert failed.failure == Failure("out-of-memory", {"device": "CPU"}, "details of the library")
    room.engine.play = Writing()
    again = room.queue.retry(first.id)
    assert again.id != first.id
    assert again.request == first.request
    room.watch.until_state(again.id, FILED)
    assert room.queue.job(first.id) == failed


def test_a_crash_costs_one_job(room: Room) -> None:
    room.engine.play = crashes
    first = room.queue.submit(request())
    job = room.watch.until_state(first.id, FAILED)
    assert job.failure
    assert job.failure.code == "engine-crashed"
    room.engine.play = Writing()
    second = room.queue.submit(request())
    room.watch.until_state(second.id, FILED)


def test_waiting_jobs_outlive_an_engine_that_gave_up(room: Room) -> None:
    room.engine.play = crashes
    jobs = [room.queue.submit(request(str(number))) for number in range(5)]
    until(lambda: room.engine.state is EngineState.UNAVAILABLE)
    room.watch.until_state(jobs[2].id, FAILED)
    assert [room.watch.states(job.id)[-1] for job in jobs] == [FAILED, FAILED, FAILED, QUEUED, QUEUED]
    room.engine.play = Writing()
    room.engine.restart()
    for job in jobs[3:]:
        room.watch.until_state(job.id, FILED)


def test_nothing_is_kept_of_a_request_that_asks_so(room: Room) -> None:
    job = room.queue.submit(request(keep=False))
    room.watch.until(lambda: bool(room.watch.filed(job.id)))
    assert room.watch.filed(job.id)[0].items == ()
    assert room.watch.states(job.id) == [QUEUED, RUNNING, FILED]
    assert room.library.filed() == []


def test_a_result_that_cannot_be_filed_is_kept_and_filed_later(room: Room) -> None:
    room.library.problem = DISK_FULL
    job = room.queue.submit(request())
    room.watch.until(lambda: room.watch.last(job.id).failure is not None)
    held = room.queue.job(job.id)
    assert held
    assert held.state is PRODUCED
    assert held.failure == Failure("disk-full", {"path": "/results"})
    room.library.problem = None
    assert room.queue.retry(job.id).id == job.id
    filed = room.watch.until_state(job.id, FILED)
    assert filed.failure is None
    assert [path.read_text() for path in room.library.filed()] == ["One two three"]


def test_a_bug_in_filing_keeps_the_result(room: Room) -> None:
    room.library.problem = KeyError("bug")
    job = room.queue.submit(request())
    room.watch.until(lambda: room.watch.last(job.id).failure is not None)
    room.library.problem = None
    room.queue.retry(job.id)
    room.watch.until_state(job.id, FILED)


def test_a_full_disk_pauses_the_queue_instead_of_failing_every_job(room: Room) -> None:
    room.engine.play = fails("disk-full", path="/results")
    jobs = [room.queue.submit(request(str(number))) for number in range(3)]
    room.watch.until(lambda: room.watch.pauses() == [True])
    assert room.queue.problem
    assert room.queue.problem.code == "disk-full"
    assert [room.watch.states(job.id)[-1] for job in jobs] == [FAILED, QUEUED, QUEUED]
    room.engine.play = Writing()
    room.queue.resume()
    room.watch.until_state(jobs[2].id, FILED)
    assert room.queue.problem is None


def test_remove_forgets_a_job_and_leaves_its_files(room: Room) -> None:
    job = room.queue.submit(request())
    room.watch.until(lambda: bool(room.watch.filed(job.id)))
    room.queue.remove(job.id)
    assert room.queue.job(job.id) is None
    assert len(room.library.filed()) == 1
    room.queue.pause()
    waiting = room.queue.submit(request())
    room.queue.remove(waiting.id)
    assert room.watch.until_state(waiting.id, CANCELLED)


def test_pause_holds_jobs_back_and_is_remembered(room: Room, tmp_path: Path) -> None:
    room.queue.pause()
    job = room.queue.submit(request())
    time.sleep(0.1)
    assert room.watch.states(job.id) == [QUEUED]
    other = JobQueue(FakeEngine(), Shelf(tmp_path / "results"), room.path)
    assert other.paused
    other.stop()
    room.queue.resume()
    room.watch.until_state(job.id, FILED)
    assert room.watch.pauses() == [True, False]


def test_endings_are_pruned_to_the_last_200(room: Room) -> None:
    room.queue.pause()
    ids = [room.queue.submit(request(str(number))).id for number in range(205)]
    for job_id in ids[:204]:
        room.queue.cancel(job_id)
    room.queue.resume()
    room.watch.until_state(ids[204], FILED)
    listed = room.queue.jobs()
    assert len(listed) == 200
    assert listed[0].id == ids[204]
    assert ids[0] not in {job.id for job in listed}


def test_a_listener_that_fails_or_asks_for_more_harms_nobody(room: Room) -> None:
    more: list[Job] = []

    def listener(event: object) -> None:
        if not more:
            more.append(room.queue.submit(request("more")))
        raise RuntimeError("a listener's bug")

    end = room.queue.subscribe(listener)
    job = room.queue.submit(request())
    room.watch.until(lambda: bool(room.watch.filed(job.id)) and bool(room.watch.filed(more[0].id)))
    end()
    assert room.watch.states(job.id) == [QUEUED, RUNNING, PRODUCED, FILED]


def test_many_threads_submit_at_once(room: Room) -> None:
    jobs: list[Job] = []

    def submit() -> None:
        jobs.extend(room.queue.submit(request(str(number))) for number in range(5))

    threads = [threading.Thread(target=submit) for _count in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    room.watch.until(lambda: all(room.watch.filed(job.id) for job in jobs), 30)
    assert len(jobs) == 30
    for job in jobs:
        assert room.watch.states(job.id) == [QUEUED, RUNNING, PRODUCED, FILED]
    assert len(room.library.filed()) == 30


def test_stop_interrupts_what_runs_and_the_next_start_offers_it(room: Room, tmp_path: Path) -> None:
    room.engine.play = Writing("One two three", pause_at=1)
    running, waiting = room.queue.submit(request("a")), room.queue.submit(request("b"))
    room.watch.until_state(running.id, RUNNING)
    room.queue.stop()
    assert room.queue.jobs() == []
    room.engine.stop()
    next_engine = FakeEngine(Writing())
    queue = JobQueue(next_engine, room.library, room.path)
    watch = Watch(queue)
    try:
        queue.start()
        watch.until_state(waiting.id, FILED)
        (offered,) = [job for job in queue.jobs() if job.state is JobState.INTERRUPTED]
        assert offered.id == running.id
        again = queue.retry(offered.id)
        watch.until_state(again.id, FILED)
        assert watch.states(running.id)[-1] is CANCELLED
    finally:
        queue.stop()
        next_engine.stop()


def test_an_idle_queue_rests(room: Room) -> None:
    job = room.queue.submit(request())
    room.watch.until_state(job.id, FILED)
    before = sum(os.times()[:2])
    time.sleep(1.0)
    assert sum(os.times()[:2]) - before < 0.1
