"""One job from its request to its end: what is shown, how it is stopped, what the exit code is."""

from __future__ import annotations

import json
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from studio.cli.commands import DONE, FAILED, STOPPED, Desk
from studio.cli.console import Console, OutputClosed
from studio.cli.output import OutputFile
from studio.client.base import EngineClient, EngineState
from studio.client.devices import default_device
from studio.client.lease import COMMAND, Owner
from studio.client.local import LocalEngine
from studio.client.power import KeepAwake
from studio.client.queue import Filer, JobChanged, JobFiled, JobQueue, QueuePaused
from studio.core.errors import AtelierError, explain
from studio.core.i18n import _, n_
from studio.core.jobs import Job, JobState, Request
from studio.core.messages import Hung, JobEvent, Message, Phase, Progress, TextDelta, pack
from studio.core.settings import Settings
from studio.library import Item

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_STOP_SECONDS = 8.0  # the engine ends a cancelled job within 3 s or is killed


def engine_of(settings: Settings) -> EngineClient:
    """The engine that commands use; not started yet."""
    return LocalEngine(default_device(), memory_limit=settings.values.memory_limit)


def work(request: Request, blobs: Mapping[str, Path], filer: Filer, desk: Desk, *, as_json: bool) -> int:
    """Do `request` with an engine and a lease of this command's own; returns the exit code. `blobs`: where each input
    lies, by its sha256."""
    client = engine_of(desk.settings)
    jobs = JobQueue(client, filer, owner=Owner.current(COMMAND))
    if jobs.problem:
        desk.console.err(str(jobs.problem))
    awake = KeepAwake(jobs.subscribe, desk.settings)
    mail: queue.SimpleQueue[Any] = queue.SimpleQueue()
    try:
        with signals(lambda: mail.put("stop")):
            client.subscribe(mail.put)
            client.subscribe_state(mail.put)
            jobs.subscribe(mail.put)
            job = jobs.submit(request, blobs)
            client.start()
            jobs.start()
            return _Following(job, jobs, client, filer, desk.console, as_json).until_end(mail)
    finally:
        awake.close()
        jobs.stop()  # files what an unfinished job made
        client.stop()
        if isinstance(filer, OutputFile) and filer.part:
            desk.console.err(_("What was made so far is in {path}.").format(path=filer.part))


class _Following:
    """Shows a job's events on the main thread until it has ended."""

    def __init__(
        self, job: Job, jobs: JobQueue, client: EngineClient, filer: Filer, console: Console, as_json: bool
    ) -> None:
        self._job, self._jobs, self._client, self._filer = job, jobs, client, filer
        self._console, self._as_json = console, as_json
        self._to_file = isinstance(filer, OutputFile)
        self._written: list[str] = []
        self._stop_by = 0.0
        self._closed = False

    def until_end(self, mail: queue.SimpleQueue[Any]) -> int:
        while True:
            try:
                item = mail.get(timeout=1.0)
            except queue.Empty:
                if self._stop_by and time.monotonic() > self._stop_by:
                    return self._stopped()
                continue
            try:
                code = self._take(item)
            except OutputClosed:
                self._closed = True
                self._stop()
                continue
            if code is not None:
                return code

    def _take(self, item: Any) -> int | None:
        if item == "stop":
            self._stop()
        elif isinstance(item, JobEvent):
            if item.job == self._job.id and not self._closed:
                self._show(item)
        elif isinstance(item, Hung) and item.job == self._job.id:
            self._console.err(explain("engine-hung", {"seconds": round(item.seconds)}).text)
        elif isinstance(item, JobFiled) and item.job.id == self._job.id and item.job.state is JobState.FILED:
            return self._filed(item)
        elif isinstance(item, JobChanged) and item.job.id == self._job.id:
            return self._changed(item.job)
        elif isinstance(item, QueuePaused) and self._jobs.problem:
            raise self._jobs.problem
        elif item is EngineState.UNAVAILABLE:
            self._jobs.cancel(self._job.id)
            raise self._client.problem or AtelierError("engine-unavailable", {"count": "?"})
        return None

    def _show(self, event: JobEvent) -> None:
        if isinstance(event, TextDelta):
            self._written.append(event.text)
        if self._as_json:
            self._console.out(_json_of(event))
        elif isinstance(event, TextDelta) and not self._to_file:
            self._console.out(event.text, end="")
        elif isinstance(event, Phase) and event.name == "load":
            self._console.status(_("Loading the model…"))
        elif isinstance(event, Progress) and not (self._console.shows_text and self._written and not self._to_file):
            left = seconds_left(event.seconds_left)
            self._console.status(left, event.step, event.steps)

    def _filed(self, filed: JobFiled) -> int:
        paths = [item.path if isinstance(item, Item) else Path(item) for item in filed.items]
        if isinstance(self._filer, OutputFile):
            paths = self._filer.made
        try:
            self._say_filed(filed, paths)
        except OutputClosed:
            return STOPPED
        return DONE

    def _say_filed(self, filed: JobFiled, paths: list[Path]) -> None:
        if self._as_json:
            names = [str(path).encode("utf-8", "replace").decode() for path in paths]
            items = [item.id for item in filed.items if isinstance(item, Item)]
            line = {"kind": "filed", "job": filed.job.id, "paths": names, "items": items}
            self._console.out(json.dumps(line, ensure_ascii=False))
        elif self._to_file:
            for path in paths:
                self._console.out(str(path))
        else:
            self._console.end_line()
            for path in paths:
                self._console.err(_("Saved {name}.").format(name=path))

    def _changed(self, job: Job) -> int | None:
        if job.state is JobState.CANCELLED:
            return self._stopped()
        if job.failure and job.state in (JobState.FAILED, JobState.INTERRUPTED):
            self._keep_part()
            raise AtelierError(job.failure.code, dict(job.failure.arguments), job.failure.details)
        if job.failure and job.state is JobState.PRODUCED:
            self._console.err(explain(job.failure.code, dict(job.failure.arguments)).text)
            self._console.err(_("The result is kept; Atelier puts it into the library when it is next opened."))
            return FAILED
        return None

    def _stop(self) -> None:
        if not self._stop_by:
            self._stop_by = time.monotonic() + _STOP_SECONDS
            self._console.status(_("Stopping…"))
            self._jobs.cancel(self._job.id)

    def _stopped(self) -> int:
        if not self._closed:
            self._console.err(_("Stopped."))
        self._keep_part()
        return STOPPED

    def _keep_part(self) -> None:
        if isinstance(self._filer, OutputFile):
            path = self._filer.keep_part("".join(self._written))
            if path:
                self._console.err(_("What was written so far is in {path}.").format(path=path))


@contextmanager
def signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let the signals that end programs stop the job; the second one ends this program at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        stop()

    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _json_of(message: Message) -> str:
    frame = pack(message)
    length = int.from_bytes(frame[:4], "big")
    return frame[4 : 4 + length].decode("utf-8", "replace")


def seconds_left(seconds: float) -> str:
    if seconds < 0:
        return ""
    if seconds < 60:
        return n_("{n} s left", "{n} s left", round(seconds)).format(n=round(seconds))
    return _("{minutes} min left").format(minutes=round(seconds / 60))
