"""The queue's database: damage, other releases, leases, many programs at once."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from studio.client import queue_store
from studio.client.lease import COMMAND, STALE_SECONDS, WINDOW, Owner
from studio.client.queue import JobQueue
from studio.client.queue_store import QueueStore
from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Job, JobState, new_id
from tests.client.shelf import Shelf, Watch, request
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.plays import Writing

FIXTURE = Path(__file__).parent.parent / "fixtures" / "queue-v1.db"


def _add(store: QueueStore, owner: str = "") -> Job:
    return store.add(Job(new_id(), request(), created=time.time()), owner, {})


def _fill(store: QueueStore) -> None:
    for _count in range(500):
        _add(store)


@pytest.mark.parametrize("garbage", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_database_is_put_aside_and_told(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(garbage)
    queue = JobQueue(FakeEngine(), Shelf(tmp_path / "results"), path)
    assert queue.problem
    assert queue.problem.code == "queue-damaged"
    kept = Path(queue.problem.arguments["path"])
    assert kept.read_bytes() == garbage
    assert str(kept) in str(queue.problem)
    assert queue.submit(request()).state is JobState.QUEUED
    queue.stop()


def test_a_page_of_noise_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = QueueStore(path)
    for _count in range(50):
        _add(store)
    store.close()
    with path.open("r+b") as stream:
        stream.seek(4096 * 2)
        stream.write(os.urandom(4096 * 4))
    store = QueueStore(path)
    assert store.problem
    assert store.rows() == []
    store.close()


def test_a_newer_database_is_refused_in_words_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = QueueStore(path)
    job = _add(store)
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = path.read_bytes()
    with pytest.raises(AtelierError) as caught:
        JobQueue(FakeEngine(), Shelf(tmp_path), path)
    assert caught.value.code == "queue-newer"
    assert "Update Atelier" in str(caught.value)
    assert path.read_bytes() == before
    assert job.id.encode() in before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AtelierError) as caught:
        QueueStore(tmp_path / "file" / "queue.db")
    assert str(tmp_path) in str(caught.value)


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = QueueStore(tmp_path / "queue.db")
    job = _add(store)
    store._database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(AtelierError) as caught:
        _fill(store)
    assert caught.value.code == "disk-full"
    store._database.execute("PRAGMA max_page_count = 100000")
    assert job.id in {row.job.id for row in store.rows()}
    assert _add(store)
    store.close()


def test_the_first_releases_database_opens(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    shutil.copy(FIXTURE, path)
    engine = FakeEngine(Writing("One two"))
    queue = JobQueue(engine, Shelf(tmp_path / "results"), path)
    watch = Watch(queue)
    by_state = {job.state: job for job in queue.jobs()}
    assert by_state.keys() == {JobState.QUEUED, *(s for s in JobState if s.ended), JobState.INTERRUPTED}
    assert by_state[JobState.FAILED].failure == Failure("out-of-memory", {"device": "CPU"}, "details")
    assert by_state[JobState.QUEUED].request.params["prompt"] == "A lighthouse, 灯塔"
    assert by_state[JobState.FILED].artifacts[0].metadata == {"words": 2}
    queue.start()
    watch.until_state(by_state[JobState.QUEUED].id, JobState.FILED)
    queue.stop()
    engine.stop()


def test_a_row_that_cannot_be_read_stands_in_nobodys_way(tmp_path: Path) -> None:
    store = QueueStore(tmp_path / "queue.db")
    odd, good = _add(store, "me"), _add(store, "me")
    store._database.execute('UPDATE jobs SET request = \'{"medium": "smell"}\' WHERE id = ?', (odd.id,))
    store._requests.clear()
    assert [row.job.id for row in store.rows()] == [good.id]
    store.close()


def test_many_programs_open_a_new_database_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from studio.client.queue_store import QueueStore\n"
        "from tests.client.test_queue_store import _add\n"
        "s = QueueStore(Path(sys.argv[1])); [_add(s, 'me') for _ in range(20)]; s.close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "queue.db")]
    programs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _count in range(4)]
    errors = [program.communicate(timeout=60)[1] for program in programs]
    assert [program.returncode for program in programs] == [0] * 4, errors
    store = QueueStore(tmp_path / "queue.db")
    positions = [row.job.position for row in store.rows()]
    assert len(positions) == len(set(positions)) == 80
    store.close()


def test_one_job_is_claimed_once(tmp_path: Path) -> None:
    stores = [QueueStore(tmp_path / "queue.db") for _count in range(3)]
    jobs = [_add(stores[0], "me") for _count in range(30)]
    taken: list[str] = []

    def claim(store: QueueStore) -> None:
        taken.extend(job.id for job in jobs if store.claim(job.id, "me", tmp_path))

    threads = [threading.Thread(target=claim, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(job.id for job in jobs)
    for store in stores:
        store.close()


def test_many_moves_never_run_out_of_places(tmp_path: Path) -> None:
    store = QueueStore(tmp_path / "queue.db")
    jobs = [_add(store, "me") for _count in range(3)]
    for _count in range(200):
        store.move(jobs[2].id, jobs[0].id)
        store.move(jobs[0].id, jobs[2].id)
    assert [row.job.id for row in store.rows()] == [jobs[0].id, jobs[2].id, jobs[1].id]
    store.close()


def test_endings_beyond_the_last_ones_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_store, "KEPT_ENDINGS", 5)
    store = QueueStore(tmp_path / "queue.db")
    jobs = [_add(store, "me") for _count in range(9)]
    for job in jobs[:8]:
        store.finish(job.id, JobState.FILED)
    ids = [row.job.id for row in store.rows()]
    assert ids == [jobs[8].id, *(job.id for job in reversed(jobs[3:8]))]
    store.close()


def test_who_is_alive() -> None:
    mine = Owner.current(WINDOW)
    assert mine.alive()
    assert replace(mine, beat=0.0).alive()  # asleep, but the same process
    assert not replace(mine, started=mine.started - 1000, beat=0.0).alive()  # its number was given to another one
    assert replace(mine, started=mine.started - 1000).alive()  # the clock was set, and it has just given a sign
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait(10)
    assert not replace(mine, pid=child.pid).alive()
    elsewhere = replace(mine, host=platform.node() + "-other", pid=2**22 + 5)
    assert elsewhere.alive()
    assert not replace(elsewhere, beat=time.time() - 2 * STALE_SECONDS).alive()


def test_a_killed_child_that_nobody_reaped_is_gone() -> None:
    code = "from studio.client.lease import Owner; o = Owner.current(); print(o.pid, o.started, flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        pid, started = child.stdout.readline().split()
        time.sleep(0.5)  # it has ended and waits to be reaped
        owner = Owner("x", COMMAND, platform.node(), int(pid), float(started), time.time())
        assert not owner.alive()


def test_a_window_takes_over_and_a_command_does_not(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = QueueStore(path)
    gone = replace(Owner.current(), pid=2**22 + 7)
    store.register(gone)
    waiting, running = _add(store, gone.id), _add(store, gone.id)
    living = Owner.current()
    store.register(living)
    kept = _add(store, living.id)
    assert store.claim(running.id, gone.id, tmp_path / "results" / ".staging" / running.id)
    engine = FakeEngine(Writing("One"))
    command = JobQueue(engine, Shelf(tmp_path / "results"), path, Owner.current(COMMAND))
    states = {job.id: job.state for job in command.jobs()}
    assert states[running.id] is JobState.INTERRUPTED
    command.start()
    own = command.submit(request())
    Watch(command).until(lambda: store.row(own.id).job.state is JobState.FILED)  # type: ignore[union-attr]
    command.stop()
    row = store.row(waiting.id)
    assert row
    assert (row.owner, row.job.state) == (gone.id, JobState.QUEUED)
    engine.stop()
    engine = FakeEngine(Writing("One"))
    window = JobQueue(engine, Shelf(tmp_path / "results"), path)
    watch = Watch(window)
    window.start()
    watch.until_state(waiting.id, JobState.FILED)
    watch.until_state(running.id, JobState.INTERRUPTED)
    untouched = store.row(kept.id)
    assert untouched
    assert (untouched.owner, untouched.job.state) == (living.id, JobState.QUEUED)
    window.stop()
    engine.stop()
    store.close()
