"""The models child of this computer: started with the first question, started again when it dies."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from studio.client.link import Link
from studio.client.models import ModelsClient
from studio.client.process import ChildProcess
from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.errors import AtelierError
from studio.core.jobs import Failure, new_id
from studio.core.messages import ActivityChanged, Answer, Handshake, Message, ModelsChanged, Query, Ready, Shutdown

_START_SECONDS = 60.0
_RECONNECT_SECONDS = 2.0
_STOP_SECONDS = 2.0
# So many ends in a row without an answer or a byte between them, and it is not started again by itself.
_FRUITLESS = 3
# Questions that are not asked a second time when the child dies over them: doing such work twice is not the same, and
# "activities" is asked of each child anew.
_ONCE = ("import", "remove", "verify", "restore", "activities")

_log = logging.getLogger(__name__)


class LocalModels(ModelsClient):
    """`go_on`: downloads that earlier programs left go on with the first question; otherwise only what is asked for
    is touched. Questions fail with "models-crashed" when the child dies over them (twice, where asking again does no
    harm), with "models-unavailable" when it cannot be started. `pid` is the child's process id (0: none)."""

    def __init__(self, *, go_on: bool = True) -> None:
        super().__init__()
        self._go_on = go_on
        self._mail: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.Lock()
        self._stopped = False
        self._over = False
        self._process: ChildProcess | None = None
        self._link: Link | None = None
        self._connected = False
        self._deadline = 0.0
        self._questions: dict[str, _Question] = {}
        self._fruitless = 0
        self._token = ""  # one that the child keeps for this session only: the next child gets it too

    @property
    def pid(self) -> int:
        process = self._process
        return process.pid if process else 0

    def ask(self, name: str, **arguments: Any) -> Future[Any]:
        question = _Question(Query(new_id(), name, arguments))
        with self._thread_lock:
            if self._stopped:
                question.fail(AtelierError("interrupted"))
                return question.future
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, name="models-client", daemon=True)
                self._thread.start()
            self._mail.put(partial(self._ask, question))
        return question.future

    def stop(self) -> None:
        with self._thread_lock:
            self._stopped = True
            thread, self._thread = self._thread, None
        if thread:
            self._mail.put(self._end)
            if thread is not threading.current_thread():
                thread.join()

    # Everything below happens on the thread "models-client".

    def _live(self) -> None:
        while not self._over:
            try:
                with contextlib.suppress(queue.Empty):
                    self._mail.get(timeout=0.05 if self._process and not self._connected else None)()
                self._look()
            except Exception:
                _log.exception("the client of the models failed")

    def _look(self) -> None:
        if self._process is None or self._connected:
            return
        if not self._process.alive:
            self._died()
        elif time.monotonic() > self._deadline:
            _log.error("the models child does not answer")
            self._process.kill()
            self._died()

    def _ask(self, question: _Question) -> None:
        self._questions[question.query.id] = question
        if self._connected:
            self._send(question)
        elif self._process is None:
            self._fruitless = 0
            self._launch()

    def _launch(self) -> None:
        self._connected = False
        self._deadline = time.monotonic() + _START_SECONDS
        try:
            # Messages of a child that is gone find no link of theirs and are dropped.
            link = self._link = Link("models", lambda message: self._mail.put(lambda: self._receive(link, message)))
            self._process = ChildProcess("models", ("--models",), Handshake(link.address, link.authkey))
        except OSError as error:
            self._bury(str(error))

    def _receive(self, link: Link, message: Message | None) -> None:
        if link is not self._link:
            return
        if message is None:
            self._connected = False
            self._deadline = time.monotonic() + _RECONNECT_SECONDS
            if self._process and self._process.ended_within(0.05):
                self._died()
        elif isinstance(message, Ready):
            self._connected = True
            self._send(self._ask_what_goes_on())
            for question in [question for question in self._questions.values() if not question.sent]:
                self._send(question)
        elif isinstance(message, Answer):
            self._answer(message)
        elif isinstance(message, ActivityChanged):
            known = self.activities.get(str(message.activity.get("id")))
            if known is None or message.activity.get("done", 0) > known.done or message.activity.get("failure"):
                self._fruitless = 0
            self._deliver(message)
        elif isinstance(message, ModelsChanged):
            self._deliver(message)

    def _ask_what_goes_on(self) -> _Question:
        """The first question to a child. What it does not know of the work before it is over."""
        told = {"go_on": self._go_on, "token": self._token, "known": list(self.activities)}
        question = _Question(Query(new_id(), "activities", told))
        before = [activity.id for activity in self.activities.values() if _goes_on(activity)]

        def settle(answered: Future[Any]) -> None:
            known = {row["id"] for row in answered.result()} if not answered.exception() else set(before)
            for activity in [self.activities[name] for name in before if name not in known]:
                if _goes_on(activity):
                    self._tell(replace(activity, state=ActivityState.FAILED, failure=Failure("models-crashed")))

        question.future.add_done_callback(settle)
        self._questions[question.query.id] = question
        return question

    def _send(self, question: _Question) -> None:
        question.sent = True
        if self._link:
            self._link.send(question.query)

    def _answer(self, answer: Answer) -> None:
        question = self._questions.pop(answer.id, None)
        if question is None:
            return
        if question.query.name != "activities":
            self._fruitless = 0
        if answer.failure:
            failure = answer.failure
            question.fail(AtelierError(failure.code, dict(failure.arguments), failure.details))
            return
        if question.query.name == "set_token":
            self._token = question.query.arguments["token"] if answer.result["kept"] == "session" else ""
        if question.future.set_running_or_notify_cancel():
            question.future.set_result(answer.result)

    def _died(self) -> None:
        process, self._process = self._process, None
        if process:
            self._bury(process.last_words())

    def _bury(self, details: str) -> None:
        """Settle what the child left behind, and start another one if there is anything for it to do."""
        link, self._link = self._link, None
        self._connected = False
        self._fruitless += 1
        if link:
            link.close()
        _log.error("the models child stopped: %s", details.partition("\n")[0])
        crashed = AtelierError("models-crashed", details=details)
        for question in [question for question in self._questions.values() if question.sent]:
            if question.query.name in _ONCE or question.again:
                del self._questions[question.query.id]
                question.fail(crashed)
            else:
                question.sent, question.again = False, True
        for activity in [activity for activity in self.activities.values() if not activity.ended]:
            if activity.kind is not ActivityKind.DOWNLOAD:
                self._tell(replace(activity, state=ActivityState.FAILED, failure=Failure(crashed.code, {}, details)))
        waiting = any(_goes_on(activity) for activity in self.activities.values())
        if self._fruitless >= _FRUITLESS:
            self._give_up(details)
        elif waiting or self._questions:
            self._go_on = True  # what this program began is left by a child that is gone
            self._launch()

    def _give_up(self, details: str) -> None:
        error = AtelierError("models-unavailable", details=details)
        for question in self._questions.values():
            question.fail(error)
        self._questions.clear()
        for activity in [activity for activity in self.activities.values() if _goes_on(activity)]:
            self._tell(replace(activity, state=ActivityState.FAILED, failure=Failure(error.code, {}, details)))

    def _tell(self, activity: Activity) -> None:
        self._deliver(ActivityChanged(activity.to_json()))

    def _end(self) -> None:
        if self._process:
            if self._link and self._connected:
                self._link.send(Shutdown())
                self._process.ended_within(_STOP_SECONDS)
            self._process.end(0.0)
            self._process = None
        if self._link:
            self._link.close()
            self._link = None
        self._connected = False
        for question in self._questions.values():
            question.fail(AtelierError("interrupted"))
        self._questions.clear()
        self._over = True


def _goes_on(activity: Activity) -> bool:
    return not activity.ended and activity.state is not ActivityState.PAUSED


@dataclass
class _Question:
    query: Query
    future: Future[Any] = field(default_factory=Future)
    sent: bool = False
    again: bool = False

    def fail(self, error: AtelierError) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)
