"""The jobs of the Text tab: what is asked, and the words on their way back into their documents.

Words are brought to a document by the job's id and its request's `origin`, whatever is shown meanwhile; a document
stays open as long as a job writes into it. Words that arrive close together are put in at once, 30 times a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from studio.core.errors import AtelierError, explain
from studio.core.jobs import Failure, Job, JobState, Request
from studio.core.messages import CancelledJob, Done, Failed, JobEvent, Phase, Progress, Started, TextDelta, Usage
from studio.documents import ChatDocument, TextDocument
from studio.media.text import read_text
from studio.ui.services import Services
from studio.ui.tabs.text.memory import Memory

_log = logging.getLogger(__name__)

TAB = "text"
WRITE, REWORK, CHAT = "write", "rework", "chat"
JOIN_MS = 33


@dataclass
class Run:
    """A job of this tab while it lives. `part` is the version or message it writes into; `text` is what a rework has
    written so far. `phase`: "wait", "load", "run", "save" or "end"; `state` after the end: "done", "stopped", "failed";
    `seconds`: how long it was written, without the wait before.
    """

    job: str
    request: Request
    kind: str
    document: str
    part: str = ""
    phase: str = "wait"
    state: str = ""
    text: str = ""
    failure: Failure | None = None
    counts: dict[str, float] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    seconds_left: float = -1.0
    waiting: list[str] = field(default_factory=list)
    seconds: float = 0.0
    began: float = 0.0

    @property
    def ended(self) -> bool:
        return self.phase == "end"

    @property
    def fraction(self) -> float | None:
        return self.step / self.steps if self.steps else None


class Desk(QObject):
    """`changed` carries a run whose state or figures are different; `grew` a rework and the words that were added to
    it; `ended` a run that is over."""

    changed = Signal(object)
    grew = Signal(object, str)
    ended = Signal(object)

    def __init__(self, services: Services, memory: Memory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._memory = memory
        self._runs: dict[str, Run] = {}
        self._strangers: set[str] = set()
        self._joiner = QTimer(self)
        self._joiner.setInterval(JOIN_MS)
        self._joiner.timeout.connect(self._put_in)
        bridge = services.bridge
        bridge.job_event.connect(self._on_event)
        bridge.job_changed.connect(self._on_job_changed)
        bridge.job_filed.connect(self._on_job_filed)

    # -- asking -----------------------------------------------------------------------------------------------

    def write(self, document: TextDocument, request: Request) -> Run:
        """A new version. Raises `InvalidInput` or `AtelierError`; nothing has changed then."""
        _check_open(document)
        job = self._services.queue.submit(request)
        version = document.begin_version(job.id, dict(job.request.params))
        return self._begin(Run(job.id, job.request, WRITE, document.id, version.id))

    def rework(self, document: TextDocument, request: Request) -> Run:
        """New words for a part of the text: they come with `grew` and belong to the document only when they are
        kept."""
        _check_open(document)
        job = self._services.queue.submit(request)
        return self._begin(Run(job.id, job.request, REWORK, document.id))

    def answer(self, document: ChatDocument, request: Request, after: str | None = None) -> Run:
        """An answer to the message `after` (or the last one shown)."""
        _check_open(document)
        job = self._services.queue.submit(request)
        message = document.begin_answer(job.id, after)
        return self._begin(Run(job.id, job.request, CHAT, document.id, message.id))

    def stop(self, run: Run | None) -> None:
        if run is None or run.ended:
            return
        try:
            self._services.queue.cancel(run.job)
        except AtelierError as error:  # the queue has forgotten it: nobody will end it but us
            self._end(run, "stopped", Failure(error.code, error.arguments, error.details))

    def run_of(self, document: str, *kinds: str) -> Run | None:
        """The newest living run that writes into `document`."""
        found = [run for run in self._runs.values() if run.document == document and (not kinds or run.kind in kinds)]
        return found[-1] if found else None

    def busy(self) -> bool:
        return bool(self._runs)

    def _begin(self, run: Run) -> Run:
        self._runs[run.job] = run
        self.changed.emit(run)
        return run

    # -- words on their way -----------------------------------------------------------------------------------

    def _on_event(self, event: JobEvent) -> None:
        run = self._runs.get(event.job) or self._adopt(event.job)
        if run is None:
            return
        if not run.began and (isinstance(event, TextDelta) or (isinstance(event, Phase) and event.name == "run")):
            run.began = time.monotonic()
        if isinstance(event, TextDelta):
            run.waiting.append(event.text)
            run.phase = "run"
            if not self._joiner.isActive():
                self._put_in()
                self._joiner.start()
            return
        if isinstance(event, Started):
            run.phase = "run"
        elif isinstance(event, Phase):
            run.phase = event.name
        elif isinstance(event, Progress):
            run.step, run.steps, run.seconds_left = event.step, event.steps, event.seconds_left
        elif isinstance(event, Usage):
            run.counts.update(event.counts)
        elif isinstance(event, Done):
            run.seconds = event.metrics.get("run", 0.0)
            self._end(run, "done")
            return
        elif isinstance(event, CancelledJob):
            self._end(run, "stopped")
            return
        elif isinstance(event, Failed):
            if event.failure.code != "engine-unavailable":  # the queue keeps such a job and tries again
                self._end(run, "failed", event.failure)
            return
        if not self._joiner.isActive():
            self.changed.emit(run)

    def _put_in(self) -> None:
        """Bring what has arrived into the documents."""
        any_words = False
        for run in list(self._runs.values()):
            if run.waiting:
                any_words = True
                self._give(run)
                self.changed.emit(run)
        if not any_words:
            self._joiner.stop()

    def _give(self, run: Run) -> None:
        text, run.waiting = "".join(run.waiting), []
        if not text:
            return
        if run.kind == REWORK:
            run.text += text
            self.grew.emit(run, text)
            return
        document = self._document(run.document)
        if document is None:
            return
        document.append(run.part, text)

    def _end(self, run: Run, state: str, failure: Failure | None = None) -> None:
        if run.ended:
            return
        self._give(run)
        run.phase, run.state, run.failure = "end", state, failure
        run.seconds = run.seconds or (time.monotonic() - run.began if run.began else 0.0)
        self._runs.pop(run.job, None)
        speed = run.counts.get("tokens_per_second", 0.0)
        if state == "done" and speed and run.counts.get("written_tokens", 0) > 8:
            self._memory.note_speed(run.request.model, speed)
        if run.kind != REWORK:
            document = self._document(run.document)
            if document is not None:
                document.finish(run.part, "done" if state == "done" else "stopped")
        self.changed.emit(run)
        self.ended.emit(run)

    # -- what the queue says ----------------------------------------------------------------------------------

    def _on_job_changed(self, job: Job) -> None:
        run = self._runs.get(job.id)
        if run is None:
            return
        if job.state is JobState.CANCELLED:
            self._end(run, "stopped")
        elif job.state in (JobState.FAILED, JobState.INTERRUPTED):
            self._end(run, "failed", job.failure or Failure("interrupted"))
        elif job.state is JobState.QUEUED and run.phase != "wait":
            run.phase = "wait"
            self.changed.emit(run)

    def _on_job_filed(self, job: Job, items: tuple[Any, ...]) -> None:
        """Note the result that a version became. One that was finished while nobody looked is completed."""
        if job.request.origin.get("tab") != TAB or not items:
            return
        document = self._document(job.request.origin.get("document", ""))
        if not isinstance(document, TextDocument) or document.read_only:
            return
        version = document.version_for_job(job.id)
        if version is None:
            return
        if job.id not in self._runs and version.state == "stopped":
            try:
                document.finish(version.id, "done", read_text(items[0].path))
            except AtelierError as error:
                _log.warning("a filed text could not be read: %s", error.details)
        document.set_origin(version.id, item=items[0].id)

    def _adopt(self, job_id: str) -> Run | None:
        """A job that this window did not ask for just now: one of an earlier start, or asked for again in the
        queue."""
        if job_id in self._strangers:
            return None
        job = self._services.queue.job(job_id)
        origin = job.request.origin if job else {}
        document = self._document(origin.get("document", "")) if origin.get("tab") == TAB else None
        kind = origin.get("kind", "")
        if job is None or document is None or document.read_only or job.state.ended:
            self._strangers.add(job_id)
            return None
        run = Run(job_id, job.request, kind, document.id)
        if kind == WRITE and isinstance(document, TextDocument):
            run.part = document.begin_version(job_id, dict(job.request.params)).id
        elif kind == CHAT and isinstance(document, ChatDocument):
            try:
                run.part = document.begin_answer(job_id, origin.get("after") or None).id
            except KeyError:  # the question has been deleted since
                self._strangers.add(job_id)
                return None
        else:
            self._strangers.add(job_id)
            return None
        return self._begin(run)

    def _document(self, document_id: str) -> Any:
        if not document_id:
            return None
        try:
            return self._services.documents.open(document_id)
        except AtelierError as error:
            _log.info("a job's document is not there: %s", error.code)
            return None


def origin(document: str, kind: str, **more: str) -> dict[str, str]:
    """Where an answer belongs."""
    return {"tab": TAB, "document": document, "kind": kind, **more}


def failure_words(run: Run) -> tuple[str, str]:
    """(what happened and what to do, details) of a run that failed."""
    failure = run.failure or Failure("internal")
    return explain(failure.code, dict(failure.arguments)).text, failure.details


class TokenCounter(QObject):
    """Asks the engine, a moment after the last change, how many tokens a request will be. `counted` carries (prompt,
    context); prompt is -1 while the model is not loaded."""

    counted = Signal(int, int)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._make: Callable[[], Request | None] | None = None
        self._number = 0
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(400)
        self._later.timeout.connect(self._ask)

    def ask(self, make: Callable[[], Request | None]) -> None:
        """Count the request that `make` will give then."""
        self._make = make
        self._later.start()

    def _ask(self) -> None:
        request = self._make() if self._make else None
        if request is None:
            return
        self._number += 1
        number = self._number

        def success(answer: Any) -> None:
            if number == self._number and isinstance(answer, dict):
                prompt, context = answer.get("prompt"), answer.get("context")
                self.counted.emit(-1 if prompt is None else int(prompt), int(context or 0))

        future = self._services.client.query("tokens", request=request.to_json())
        self._services.bridge.ask(future, success, lambda error: None, owner=self)


def _check_open(document: TextDocument | ChatDocument) -> None:
    if document.read_only:
        raise AtelierError("document-open", {"title": document.title})
