"""The abstract client of an engine. The window, the command line and the queue speak to this, never to a process.

Listeners are called on one thread of the client, in order; they must not block, and one that fails is logged. The
local client, the fake one of the tests and later a remote one behave alike, and one test suite runs against all.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from enum import StrEnum
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError
from studio.core.jobs import Job
from studio.core.messages import Message
from studio.core.models import DeviceStatus, ModelInfo


class EngineState(StrEnum):
    """`UNAVAILABLE`: it crashed too often and waits for `restart`."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    UNAVAILABLE = "unavailable"


_log = logging.getLogger(__name__)

Listener = Callable[[Message], None]


class EngineClient(ABC):
    """One device slot. `state`, `problem` (why it is unavailable), `device` and `known_models` (by id, as last told;
    None before) may be read from any thread.

    Exactly one ending (`Done`, `Failed`, `CancelledJob`) is delivered for every job given to `run`, also when the
    engine crashes (`Failed` "engine-crashed"), is killed after a cancel (`CancelledJob`) or cannot start.
    """

    def __init__(self) -> None:
        self.state = EngineState.STOPPED
        self.problem: AtelierError | None = None
        self.device: DeviceStatus | None = None
        self.known_models: dict[str, ModelInfo] | None = None
        self._memory_limit = 0
        self._listeners: list[Listener] = []
        self._state_listeners: list[Callable[[EngineState], None]] = []
        self._listener_lock = threading.Lock()

    @abstractmethod
    def start(self) -> None:
        """Start the engine; returns at once."""

    @abstractmethod
    def run(self, job: Job, staging: Path, blobs: Mapping[str, Path]) -> None:
        """Give the engine `job`. `staging` is an empty folder; `blobs` maps the sha256 of each input to its file."""

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """Stop `job_id`: within a step, or by killing and restarting the engine after 3 s."""

    @abstractmethod
    def query(self, name: str, **arguments: Any) -> Future[Any]:
        """Ask (see `messages.Query`); the future fails with `AtelierError`."""

    @abstractmethod
    def restart(self) -> None:
        """Kill the engine and start it again, forgetting earlier crashes. Running jobs end as failed."""

    @abstractmethod
    def stop(self) -> None:
        """End the engine and the client's threads; returns when both are gone."""

    def set_memory_limit(self, limit: int) -> None:
        """What models may take from now on, in bytes (0: no limit). Running jobs are not disturbed."""
        self._memory_limit = limit

    def models(self) -> Future[list[ModelInfo]]:
        return then(self.query("models"), self._learn)

    def _learn(self, rows: list[Any]) -> list[ModelInfo]:
        models = [ModelInfo.from_json(row) for row in rows]
        self.known_models = {model.id: model for model in models}
        return models

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event of the engine; returns a function that ends it."""
        with self._listener_lock:
            self._listeners.append(listener)
        return lambda: self._remove(self._listeners, listener)

    def subscribe_state(self, listener: Callable[[EngineState], None]) -> Callable[[], None]:
        """Call `listener` whenever `state` changes."""
        with self._listener_lock:
            self._state_listeners.append(listener)
        return lambda: self._remove(self._state_listeners, listener)

    def _deliver(self, message: Message) -> None:
        for listener in list(self._listeners):
            _guarded(listener, message)

    def _set_state(self, state: EngineState) -> None:
        self.state = state
        for listener in list(self._state_listeners):
            _guarded(listener, state)

    def _remove(self, listeners: list[Any], listener: Any) -> None:
        with self._listener_lock:
            if listener in listeners:
                listeners.remove(listener)


def _guarded(listener: Callable[[Any], None], value: Any) -> None:
    try:
        listener(value)
    except Exception:
        _log.exception("a listener of the engine failed")


def then(future: Future[Any], change: Callable[[Any], Any]) -> Future[Any]:
    """A future of what `change` makes of the result of `future`."""
    result: Future[Any] = Future()

    def finish(done: Future[Any]) -> None:
        try:
            result.set_result(change(done.result()))
        except Exception as error:
            result.set_exception(error)

    future.add_done_callback(finish)
    return result
