"""The jobs of the Speech tab: which sentences are said, and their sound on its way into the document.

A run says some sentences of one document; sentences in a row with the same model are one job. Sound is cut where the
engine says that a sentence ends and is filed at once, so that whatever happens later, what was finished stays. When the
engine dies, the run goes on with the sentence it was at, as long as that helps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Job, JobState, Medium, Request, Task
from studio.core.messages import AudioDelta, CancelledJob, Done, Failed, JobEvent, Phase, Progress, Segment, Started
from studio.core.models import ModelInfo
from studio.documents.speech import Sentence, SpeechDocument
from studio.documents.takes import Take
from studio.media.audio import Sound
from studio.ui.playback import Stream
from studio.ui.services import Services
from studio.ui.tabs.speech.recovery import SILENCE, Recovery
from studio.ui.tabs.speech.script_source import Live
from studio.ui.tabs.speech.speakers import languages_of, speaker_of

_log = logging.getLogger(__name__)

TAB = "speech"
SPEAK, SAMPLE = "speak", "sample"


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
    with; `ended` a run that is over. `paced` tells a model and how many seconds of speech it makes in a second."""

    changed = Signal(object)
    grew = Signal(object, str)
    spoken = Signal(object, str)
    resumed = Signal(object, str)
    ended = Signal(object)
    paced = Signal(str, float)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._runs: dict[str, Run] = {}  # by document
        self._strangers: set[str] = set()
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
        `InvalidInput` or `AtelierError`; nothing has changed then."""
        if document.read_only:
            raise AtelierError("document-open", {"title": document.name})
        models = self._services.bridge.models
        jobs = [list(group) for _model, group in groupby(ids, lambda id: document.voice_of(document.sentence(id))[0])]
        whole = len(jobs) == 1 and len(ids) == len(document.sentences)
        run = Run(document, {id: document.sentence(id) for id in ids}, jobs, whole)
        run.request = self._request(run, models, params)
        self._submit(run)
        if whole or not set(ids) ^ {item.id for item in document.sentences}:
            document.begin_reading()
        self._runs[document.id] = run
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
        try:
            self._services.queue.cancel(run.job)
        except AtelierError as error:  # the queue has forgotten it
            self._finish(run, "stopped", Failure(error.code, error.arguments, error.details))

    def _request(self, run: Run, models: Sequence[ModelInfo], params: Mapping[str, Any]) -> Request:
        """The request for the run's current job."""
        document, ids = run.document, run.jobs[run.number]
        told = dict(zip((item.id for item in document.sentences), languages_of(document), strict=True))
        first = document.sentence(ids[0])
        speaker = speaker_of(document, first, models)
        if speaker is None:
            choices = [item.id for item in models if item.medium == Medium.SPEECH and item.usable]
            raise AtelierError("model-unknown", {"model": document.voice_of(first)[0], "choices": choices})
        delivery = document.delivery
        usual = delivery.voice if delivery.model == speaker.model.id else ""
        script = []
        for id in ids:
            sentence = document.sentence(id)
            index = document.index(id)
            row: dict[str, Any] = {"text": sentence.text, "pause": document.pause_after(index)}
            if sentence.voice:
                row["voice"] = sentence.voice
            if sentence.speed:
                row["speed"] = sentence.speed
            own = speaker_of(document, sentence, models)
            if told[id] and own is not None and told[id] in own.languages:
                row["language"] = told[id]
            script.append(row)
            run.manners[id] = document.manner_of(sentence)
        family = _params_of(speaker.model)
        common = {
            "script": script,
            "voice": usual,
            "speed": delivery.speed,
            "pause": delivery.pause,
            "paragraph_pause": delivery.paragraph_pause,
            "lexicon": dict(delivery.lexicon),
        }
        values = {**speaker.model.defaults, **delivery.params, **params, **common}
        return Request(
            Medium.SPEECH,
            speaker.model.family,
            speaker.model.id,
            Task.SPEAK,
            {name: value for name, value in values.items() if name in family},
            project=document.project,
            title=document.name,
            origin={"tab": TAB, "kind": SPEAK, "document": document.id, "sentences": ",".join(ids)},
            keep=run.whole,
        )

    def _submit(self, run: Run) -> None:
        assert run.request is not None
        run.job = self._services.queue.submit(run.request).id
        run.stream, run.said, run.said_to, run.phase = None, 0, 0, "wait"

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
        assert run.request is not None
        own = {"script", "voice", "speed", "pause", "paragraph_pause", "lexicon"}
        params = {name: value for name, value in run.request.params.items() if name not in own}
        try:
            run.request = self._request(run, self._services.bridge.models, params)
            self._submit(run)
        except AtelierError as error:
            self._finish(run, "failed", Failure(error.code, error.arguments, error.details))

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
                self._again(run)
                if not run.ended:
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
        run = next((run for run in self._runs.values() if run.job == job.id), None)
        if run is None or run.ended:
            return
        if job.state is JobState.CANCELLED:
            self._finish(run, "stopped")
        elif job.state in (JobState.FAILED, JobState.INTERRUPTED):
            self._fail(run, job.failure or Failure("interrupted"))
        elif job.state is JobState.QUEUED and run.phase != "wait":
            run.phase = "wait"
            self.changed.emit(run)

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


def _params_of(model: ModelInfo) -> set[str]:
    from studio import families

    return {param.id for param in families.get(model.family).SPEC.params_for(Task.SPEAK)}
