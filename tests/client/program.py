"""A program with a queue, a real library and the real engine child with the stub family, to be killed by tests.

`python -m tests.client.program WINDOW|COMMAND RESULTS COUNT ACT [SECONDS]` submits COUNT jobs and prints one line for
each change of a job: its id and its state. It ends when as many jobs have; with ACT "none" (and COUNT 0) it stays until
it is told "stop" on stdin. With `ATELIER_TEST_DIE=filing` it dies between produced and filed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio import families
from studio.client.lease import Owner
from studio.client.local import LocalEngine
from studio.client.queue import JobChanged, JobQueue, QueueEvent
from studio.core.jobs import Job
from studio.library import Item, Library
from tests.fakes import stub_family


class DyingLibrary(Library):
    """Dies where it should file, as a computer does whose plug is pulled."""

    def file(self, job: Job, staging: Path, manifest: Mapping[str, Any]) -> list[Item]:
        os.kill(os.getpid(), signal.SIGKILL)
        return []


def main(arguments: Sequence[str]) -> int:
    kind, results, count, act, *rest = arguments
    families.register_module(stub_family.MODULE)
    library = (DyingLibrary if os.environ.get("ATELIER_TEST_DIE") == "filing" else Library)(Path(results))
    client = LocalEngine("cpu", families=[stub_family.MODULE])
    jobs = JobQueue(client, library, owner=Owner.current(kind.lower()))
    ended = threading.Event()
    left = threading.Semaphore(0)

    def show(event: QueueEvent) -> None:
        if not isinstance(event, JobChanged):
            return
        print(event.job.id, event.job.state, flush=True)
        if event.job.state.ended and jobs.is_mine(event.job.id):
            left.release()

    def count_down() -> None:
        for _job in made:
            left.acquire()
        ended.set()

    def listen() -> None:
        if sys.stdin.readline().strip() == "stop":
            ended.set()

    jobs.subscribe(show)
    seconds = float(rest[0]) if rest else 0.0
    made = [jobs.submit(stub_family.request(act, count=2, seconds=seconds)) for _number in range(int(count))]
    threading.Thread(target=listen if act == "none" else count_down, daemon=True).start()
    jobs.start()
    ended.wait()
    jobs.stop()
    client.stop()
    library.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
