"""Keeps what a client delivers and waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from studio.client.base import EngineClient, EngineState
from studio.core.messages import ENDINGS, JobEvent, Message, TextDelta

M = TypeVar("M", bound=Message)


class Recorder:
    """Listens from its creation on. Waiting longer than `patience` seconds fails the test."""

    patience = 10.0

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._changed = threading.Condition()
        self.messages: list[Message] = []
        self.times: list[float] = []
        self.states: list[EngineState] = []
        client.subscribe(self._keep)
        client.subscribe_state(self._keep_state)

    def of(self, job: str) -> list[JobEvent]:
        return [message for message in self.messages if isinstance(message, JobEvent) and message.job == job]

    def kind(self, kind: type[M], job: str = "") -> list[M]:
        return [m for m in self.messages if isinstance(m, kind) and (not job or getattr(m, "job", "") == job)]

    def text(self, job: str) -> str:
        return "".join(event.text for event in self.kind(TextDelta, job))

    def ending(self, job: str) -> JobEvent:
        """The job's ending, waited for."""
        self.wait(lambda: any(isinstance(event, ENDINGS) for event in self.of(job)), f"the ending of {job}")
        return next(event for event in self.of(job) if isinstance(event, ENDINGS))

    def first(self, kind: type[M], job: str = "") -> M:
        """The first message of this kind, waited for."""
        self.wait(lambda: self.kind(kind, job), kind.__name__)
        return self.kind(kind, job)[0]

    def state(self, state: EngineState, count: int = 1) -> None:
        """Wait until `state` was entered `count` times in all."""
        self.wait(lambda: self.states.count(state) >= count, state)

    def wait(self, fulfilled: Callable[[], object], what: str) -> None:
        with self._changed:
            came = self._changed.wait_for(fulfilled, self.patience)
        assert came, f"{what} did not come; what came: {self.messages[-5:]}, {self.states}"

    def _keep(self, message: Message) -> None:
        with self._changed:
            self.messages.append(message)
            self.times.append(time.monotonic())
            self._changed.notify_all()

    def _keep_state(self, state: EngineState) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()
