"""What is left after a kill, at the worst moments, with real processes: nothing is lost and nothing is done twice."""

from __future__ import annotations

import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import families
from studio.client.local import LocalEngine
from studio.client.queue import JobQueue
from studio.client.queue_store import QueueStore
from studio.core import paths
from studio.core.jobs import JobState
from studio.library import Library
from tests.client.shelf import Watch, until
from tests.fakes import stub_family

ROOT = Path(__file__).parent.parent.parent


class Program:
    """A child that runs `tests.client.program`, and what it says."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.client.program", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines: list[tuple[str, str]] = []
        self._mail: queue.Queue[None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        _programs.append(self)

    def until(self, state: str, count: int = 1, seconds: float = 30.0) -> str:
        """Wait until `count` jobs were in `state`; returns the id of the last."""
        end = time.monotonic() + seconds
        while len(found := [job for job, seen in self.lines if seen == state]) < count:
            try:
                self._mail.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"not {count} jobs {state}: {self.lines}")
        return found[-1]

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("stop\n")
        self.process.stdin.flush()
        self.wait()

    def wait(self, seconds: float = 60.0) -> None:
        self.process.wait(seconds)
        self._reader.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            job, _space, state = line.strip().partition(" ")
            self.lines.append((job, state))
            self._mail.put(None)


_programs: list[Program] = []


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    while _programs:
        program = _programs.pop()
        if program.process.poll() is None:
            program.kill()


@pytest.fixture(autouse=True)
def _stub(home: Path) -> None:
    families.register_module(stub_family.MODULE)
    stub_family.install(paths.models_dir())


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def _states() -> Counter[str]:
    store = QueueStore(paths.data_dir() / "queue.db")
    states = Counter(str(row.job.state) for row in store.rows())
    store.close()
    return states


def _texts(results: Path) -> list[str]:
    return [path.read_text() for path in results.rglob("*.txt") if ".staging" not in path.parts]


@pytest.mark.timeout(180)
def test_200_jobs_and_the_engine_of_a_random_one_is_killed(results: Path) -> None:
    library = Library(results)
    client = LocalEngine("cpu", families=[stub_family.MODULE])
    jobs = JobQueue(client, library)
    watch = Watch(jobs)
    jobs.pause()
    ids = [jobs.submit(stub_family.request(count=2, seconds=0.005)).id for _count in range(199)]
    victim = random.Random().randrange(20, 180)
    ids.insert(victim, jobs.submit(stub_family.request("sleep", seconds=60)).id)
    jobs.move(ids[victim], ids[victim + 1])
    jobs.start()
    jobs.resume()
    watch.until_state(ids[victim], JobState.RUNNING, seconds=120)
    until(lambda: client.pid > 0)
    os.kill(client.pid, signal.SIGKILL)
    watch.until(lambda: all(watch.last(job_id).state.ended for job_id in ids), 120)
    states = {job_id: watch.last(job_id).state for job_id in ids}
    failed = [job_id for job_id, state in states.items() if state is JobState.FAILED]
    assert failed == [ids[victim]]
    crash = watch.last(ids[victim]).failure
    assert crash
    assert crash.code == "engine-crashed"
    assert Counter(states.values())[JobState.FILED] == 199
    assert _texts(results) == ["0 1 "] * 199
    assert len(library.items(limit=500)) == 199
    jobs.stop()
    client.stop()
    library.close()


def test_the_program_is_killed_in_the_middle_of_a_job(results: Path) -> None:
    program = Program("WINDOW", str(results), "3", "crawl", "2")
    first = program.until("filed")
    running = program.until("running", 2)
    program.kill()
    assert _states() == {"filed": 1, "running": 1, "queued": 1}
    again = Program("WINDOW", str(results), "0", "none")
    assert again.until("interrupted") == running
    waiting = again.until("filed", seconds=40)
    assert waiting not in (first, running)
    again.stop()
    assert _states() == {"filed": 2, "interrupted": 1}
    assert len(_texts(results)) == 2
    assert not [path for path in (results / ".staging").iterdir() if not path.name.startswith(".")]


def test_the_program_is_killed_between_produced_and_filed(results: Path) -> None:
    program = Program("WINDOW", str(results), "1", "write", ATELIER_TEST_DIE="filing")
    produced = program.until("produced")
    program.wait()
    assert program.process.returncode == -signal.SIGKILL
    assert _texts(results) == []
    again = Program("WINDOW", str(results), "0", "none")
    assert again.until("filed") == produced
    again.stop()
    assert _states() == {"filed": 1}
    assert _texts(results) == ["0 1 "]


@pytest.mark.timeout(180)
def test_two_windows_and_a_command_share_one_database(results: Path) -> None:
    programs = [
        Program("WINDOW", str(results), "8", "write", "0.01"),
        Program("WINDOW", str(results), "8", "write", "0.01"),
        Program("COMMAND", str(results), "4", "write", "0.01"),
    ]
    for program in programs:
        program.wait(120)
        assert program.process.returncode == 0
    assert _states() == {"filed": 20}
    assert len(_texts(results)) == 20
    library = Library(results)
    made = Counter(item.job for item in library.items())
    assert len(made) == 20
    assert set(made.values()) == {1}
    library.close()


def test_a_job_of_another_program_is_stopped_from_here(results: Path) -> None:
    program = Program("WINDOW", str(results), "2", "sleep", "60")
    running = program.until("running")
    library = Library(results)
    jobs = JobQueue(LocalEngine("cpu"), library)
    waiting = next(job.id for job in jobs.jobs() if job.state is JobState.QUEUED)
    jobs.cancel(waiting)
    jobs.cancel(running)
    program.until("cancelled", 2, 15)
    program.wait(20)
    assert _states() == {"cancelled": 2}
    jobs.stop()
    library.close()
