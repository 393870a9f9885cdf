"""The jobs of the Speech tab: which sentences are said, and their sound on its way into the document.

A run says some sentences of one document; sentences in a row with the same model are one job. Sound is cut where the
engine says that a sentence ends and is filed at once, so that whatever happens later, what was finished stays. When the
engine dies, the run goes on with the sentence it was at, as long as that helps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Job, JobState, Request, new_id
from studio.core.messages import AudioDelta, CancelledJob, Done, Failed, JobEvent, Phase, Progress, Segment, Started
from studio.documents.speech import Sentence, SpeechDocument
from studio.documents.takes import Take
from studio.media.audio import Sound
from studio.ui.playback import Stream
from studio.ui.services import Services
from studio.ui.tabs.speech.asking import SPEAK, TAB, order_of, request_of
from studio.ui.tabs.speech.recovery import SILENCE, Recovery
from studio.ui.tabs.speech.script_source import Live

_log = logging.getLogger(__name__)

LONG = 400  # sentences, above which a request is put together in the background


@dataclass
class Run:
    """Sentences of a document on their way. `jobs` are lists of sentences; that of `number` is asked for now, the first
    `said` of it are whole, up to the frame `said_to` of its `stream`. `live` are sounds that are not filed yet;
    `heard`: the beginning was played. `phase`: "wait", "load", "run" or "end"; `state` after the end: "done",
    "stopped" or "failed".
    """

    document: SpeechDocument
    before: dict[str, Sentence]
    jobs: list[list[str]]
    whole: bool = False
    number: int = 0
    job: str = ""
    request: Request | None = None
    params: dict[str, Any] = field(default_factory=dict)
    manners: dict[str, str] = field(default_factory=dict)
    stream: Stream | None = None
    said: int = 0
    said_to: int = 0
    live: dict[str, Live] = field(default_factory=dict)
    filing: int = 0
    phase: str = "wait"
    state: str = ""
    failure: Failure | None = None
    seconds_left: float = -1.0
    _pending: tuple[object, frozenset[str]] = (None, frozenset())
    began: float = 0.0
    heard: bool = False

    @property
    def ended(self) -> bool:
        return self.phase == "end"

    @property
    def current(self) -> str:
        """The sentence that is being said now, or ""."""
        ids = self.jobs[self.number] if self.number < len(self.jobs) else []
        return ids[self.said] if self.said < len(ids) and self.phase != "end" else ""

    @property
    def waiting(self) -> list[str]:
        """The sentences whose sound is not there yet, in order, the current one first."""
        if self.phase == "end":
            return []
        if self.number >= len(self.jobs):
            return []
        return [*self.jobs[self.number][self.said :], *(id for ids in self.jobs[self.number + 1 :] for id in ids)]

    @property
    def pending(self) -> frozenset[str]:
        """`waiting` as a set; the same one until it is another."""
        key = (self.number, self.said, sum(map(len, self.jobs)), self.phase == "end")
        if self._pending[0] != key:
            self._pending = (key, frozenset(self.waiting))
        return self._pending[1]

    @property
    def count(self) -> int:
        return sum(map(len, self.jobs))


class Desk(QObject):
    """`changed` carries a run whose figures are different; `grew` a run and the sentence that has more sound;
    `spoken` a run and a sentence whose sound is whole; `resumed` a run whose engine died, and the sentence it goes on
    with; `ended` a run that is over, `refused` one that could not begin, and why. `paced` tells a model and how many
    seconds of speech it makes in a second."""

    changed = Signal(object)
    grew = Signal(object, str)
    spoken = Signal(object, str)
    resumed = Signal(object, str)
    ended = Signal(object)
    refused = Signal(object, object)
    paced = Signal(str, float)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._runs: dict[str, Run] = {}  # by document
        self._strangers: set[str] = set()
        self._continued: set[str] = set()  # jobs that failed, whose rest another job does
        self._recovery = Recovery(services, self)
        bridge = services.bridge
        bridge.job_event.connect(self._on_event)
        bridge.job_changed.connect(self._on_job_changed)
        bridge.job_filed.connect(self._on_filed)

    def run_of(self, document: SpeechDocument | None) -> Run | None:
        return self._runs.get(document.id) if document is not None else None

    # -- asking -----------------------------------------------------------------------------------------------

    def speak(self, document: SpeechDocument, ids: Sequence[str], params: Mapping[str, Any]) -> Run:
        """Have the sentences `ids` said. `params` are the family's own besides what the document says. Raises
        `AtelierError` for a document of another program; what else cannot be done is told by `refused`."""
        if document.read_only:
            raise AtelierError("document-open", {"title": document.name})
        jobs = [list(group) for _model, group in groupby(ids, lambda id: document.voice_of(document.sentence(id))[0])]
        whole = len(jobs) == 1 and len(ids) == len(document.sentences)
        run = Run(document, {id: document.sentence(id) for id in ids}, jobs, whole, params=dict(params))
        anew = len(set(ids)) == len(document.sentences)
        self._runs[document.id] = run

        def success() -> None:
            if anew:
                document.begin_reading()
            self.changed.emit(run)

        def failure(error: AtelierError) -> None:
            run.phase = "end"
            del self._runs[document.id]
            self.refused.emit(run, error)

        self._ask(run, success, failure)
        if not run.ended:
            self.changed.emit(run)
        return run

    def add(self, run: Run, ids: Sequence[str]) -> None:
        """Have more sentences said after those of `run`."""
        document = run.document
        fresh = [id for id in ids if id not in run.waiting]
        for id in fresh:
            run.before.setdefault(id, document.sentence(id))
        for _model, group in groupby(fresh, lambda id: document.voice_of(document.sentence(id))[0]):
            run.jobs.append(list(group))
        self.changed.emit(run)

    def stop(self, run: Run | None) -> None:
        if run is None or run.ended:
            return
        del run.jobs[run.number + 1 :]
        if run.request is None:  # not asked for yet
            self._finish(run, "stopped")
            return
        try:
            self._services.queue.cancel(run.job)
        except AtelierError as error:  # the queue has forgotten it
            self._finish(run, "stopped", Failure(error.code, error.arguments, error.details))

    def _ask(self, run: Run, success: Callable[[], None], failure: Callable[[AtelierError], None]) -> None:
        """Ask for the run's current job; a long one is put together in the background. Until then `run.request` is
        None."""
        ids = run.jobs[run.number]
        order = order_of(run.document, ids, self._services.bridge.models, run.params, run.whole)
        job = run.job = new_id()
        run.request, run.stream, run.said, run.said_to, run.phase = None, None, 0, 0, "wait"

        def submit() -> None:
            request, manners = request_of(order)
            if not run.ended:
                run.manners.update(manners)
                run.request = request  # before its events come
                self._services.queue.submit(request, job_id=job)

        def asked(_nothing: None) -> None:
            if not run.ended:
                success()
            elif run.request is not None:  # stopped in that very moment
                self._cancel(job)

        def refused(error: AtelierError) -> None:
            if not run.ended:
                failure(error)

        if len(ids) > LONG:
            self._services.bridge.work(submit, asked, refused, owner=self)
            return
        try:
            submit()
        except AtelierError as error:
            refused(error)
        else:
            asked(None)

    def _cancel(self, job: str) -> None:
        with suppress(AtelierError):  # the queue has forgotten it
            self._services.queue.cancel(job)

    # -- sound on its way -------------------------------------------------------------------------------------

    def _on_event(self, event: JobEvent) -> None:
        run = next((run for run in self._runs.values() if run.job == event.job), None) or self._adopt(event)
        if run is None:
            return
        if isinstance(event, AudioDelta):
            self._hear(run, event)
            return
        if isinstance(event, Segment):
            self._cut(run, event)
            return
        if isinstance(event, Started):
            run.phase, run.began = "run", time.monotonic()
        elif isinstance(event, Phase):
            run.phase = event.name if event.name != "save" else "run"
            if event.name == "run":
                run.began = time.monotonic()
        elif isinstance(event, Progress):
            run.seconds_left = event.seconds_left
        elif isinstance(event, Done):
            self._note_pace(run)
            self._next(run)
        elif isinstance(event, CancelledJob):
            self._finish(run, "stopped")
        elif isinstance(event, Failed):
            self._fail(run, event.failure)
        self.changed.emit(run)

    def _hear(self, run: Run, event: AudioDelta) -> None:
        run.phase = "run"
        if run.stream is None:
            run.stream = Stream(event.sample_rate)
        samples = event.payload
        if event.channels != 1:
            import numpy as np

            samples = np.frombuffer(samples, np.float32).reshape(-1, event.channels).mean(axis=1).astype(np.float32)
        run.stream.append(samples)
        if (id := run.current) and run.stream.frames > (start := self._start(run)):
            if id not in run.live:
                run.live[id] = Live(run.stream, start)
            self.grew.emit(run, id)

    def _start(self, run: Run) -> int:
        """The frame at which the current sentence begins: after the one before it and its pause."""
        assert run.stream is not None and run.request is not None
        if run.said == 0:
            return 0
        pause = run.request.params["script"][run.said - 1]["pause"]
        return run.said_to + round(pause * run.stream.sample_rate)

    def _cut(self, run: Run, event: Segment) -> None:
        """A sentence is whole: file its sound."""
        if (id := run.current) == "":
            return
        if run.stream is None:
            run.stream = Stream(24000)
        rate = run.stream.sample_rate
        start, end = round(event.start * rate), round(event.end * rate)
        live = run.live.setdefault(id, Live(run.stream, start))
        live.start, live.end = start, end
        run.said, run.said_to = event.index + 1, end
        samples = run.stream.part(start, end)
        sound = Sound.mono(samples, rate) if len(samples) else Sound.silence(SILENCE, rate)
        document, manner = run.document, run.manners.get(id, "")
        run.filing += 1

        def write() -> Take:
            return document.takes.write(id, manner, sound)

        def success(take: Take) -> None:
            run.filing -= 1
            if document.read_only or not document.has(id):
                run.live.pop(id, None)
            else:
                document.set_take(id, take)
                run.live.pop(id, None)
            if run.stream is not None:
                starts = [live.start for live in run.live.values() if live.stream is run.stream]
                run.stream.forget(min(starts, default=run.said_to))
            self._settle(run)

        def failure(error: AtelierError) -> None:
            run.filing -= 1
            if run.failure is None:
                run.failure = Failure(error.code, error.arguments, error.details)
                self.stop(run)
            self._settle(run)

        self._services.bridge.work(write, success, failure, owner=self)
        self.spoken.emit(run, id)

    # -- endings ----------------------------------------------------------------------------------------------

    def _next(self, run: Run) -> None:
        """The job is done: ask for the next one, if there is one."""
        run.number += 1
        if run.number >= len(run.jobs):
            self._finish(run, "done")
            return
        run.jobs[run.number] = [id for id in run.jobs[run.number] if run.document.has(id)]
        if not run.jobs[run.number]:
            self._next(run)
            return
        self._again(run)

    def _again(self, run: Run) -> None:
        def failure(error: AtelierError) -> None:
            self._finish(run, "failed", Failure(error.code, error.arguments, error.details))

        self._ask(run, lambda: self.changed.emit(run), failure)

    def _fail(self, run: Run, failure: Failure) -> None:
        if failure.code == "engine-unavailable":  # the queue keeps such a job and tries again
            return
        if failure.code == "engine-crashed" and run.said:
            # What was said is filed: go on behind it. Without any progress it would only die again.
            rest = [id for id in run.jobs[run.number][run.said :] if run.document.has(id)]
            run.jobs[run.number : run.number + 1] = [run.jobs[run.number][: run.said], rest]
            run.whole = False
            for id in rest:
                run.live.pop(id, None)
            run.number += 1
            if rest:
                broken = run.job
                self._again(run)
                if not run.ended:
                    self._continued.add(broken)
                    self.resumed.emit(run, rest[0])
                return
        self._finish(run, "failed", failure)

    def _finish(self, run: Run, state: str, failure: Failure | None = None) -> None:
        if run.ended:
            return
        run.phase, run.state, run.failure = "end", state, failure or run.failure
        for id, live in list(run.live.items()):
            if live.end is None:
                del run.live[id]
        self._settle(run)

    def _settle(self, run: Run) -> None:
        """Once everything is filed, the run is over."""
        self.changed.emit(run)
        if not run.ended or run.filing or self._runs.get(run.document.id) is not run:
            return
        del self._runs[run.document.id]
        if not run.document.read_only:
            run.document.keep_takes(run.before)
        self.ended.emit(run)

    def _note_pace(self, run: Run) -> None:
        seconds = time.monotonic() - run.began if run.began else 0.0
        if run.stream is not None and run.request is not None and seconds > 0.02:
            self.paced.emit(run.request.model, run.stream.frames / run.stream.sample_rate / seconds)

    # -- what the queue says ----------------------------------------------------------------------------------

    def _on_job_changed(self, job: Job) -> None:
        run = next((run for run in self._runs.values() if run.job == job.id and not run.ended), None)
        if run is not None and job.state is JobState.CANCELLED:
            self._finish(run, "stopped")
        elif run is not None and job.state in (JobState.FAILED, JobState.INTERRUPTED):
            self._fail(run, job.failure or Failure("interrupted"))
        elif run is not None and job.state is JobState.QUEUED and run.phase != "wait":
            run.phase = "wait"
            self.changed.emit(run)
        if job.id in self._continued and job.state is JobState.FAILED:
            self._continued.discard(job.id)
            with suppress(AtelierError):  # the user may have removed it
                self._services.queue.remove(job.id)  # nothing of it is left to try again

    def _adopt(self, event: JobEvent) -> Run | None:
        """A job that was asked for earlier, or again in the queue, from its beginning on."""
        if event.job in self._strangers:
            return None
        self._strangers.add(event.job)
        job = self._services.queue.job(event.job) if isinstance(event, Started) else None
        origin = dict(job.request.origin) if job else {}
        if job is None or origin.get("tab") != TAB or origin.get("kind") != SPEAK:
            return None
        document = self._document(origin.get("document", ""))
        ids = [id for id in origin.get("sentences", "").split(",") if id]
        if document is None or document.read_only or document.id in self._runs or not ids:
            return None
        before = {id: document.sentence(id) for id in ids if document.has(id)}
        run = Run(document, before, [ids], job=job.id, request=job.request)
        for row, id in zip(job.request.params.get("script", ()), ids, strict=False):
            if id in before and before[id].text == row.get("text"):
                run.manners[id] = document.manner_of(before[id])
            run.manners.setdefault(id, "0" * 16)
        self._strangers.discard(event.job)
        self._runs[document.id] = run
        return run

    def _document(self, id: str) -> SpeechDocument | None:
        try:
            document = self._services.documents.open(id) if id else None
        except AtelierError as error:
            _log.info("a job's document is not there: %s", error.code)
            return None
        return document if isinstance(document, SpeechDocument) else None

    def _on_filed(self, job: Job, items: tuple[Any, ...]) -> None:
        """A file was kept while nobody listened to its making."""
        origin = job.request.origin
        if origin.get("tab") == TAB and items and (document := self._document(origin.get("document", ""))):
            if document.id not in self._runs:
                self.recover(document)

    def recover(self, document: SpeechDocument) -> None:
        """Take over what was filed for `document` while nobody listened."""
        if document.id not in self._runs:
            self._recovery.recover(document)
