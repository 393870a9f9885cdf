"""What the queue tells its listeners, and how: one after another, in the order of the changes, without a lock held."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.core.jobs import Job


@dataclass(frozen=True)
class JobChanged:
    """`job` as it is now. After `JobQueue.remove` it is what it last was, and `JobQueue.job` no longer knows it."""

    job: Job


@dataclass(frozen=True)
class JobFiled:
    """What `job` made is in the library as `items` (none for a request with `keep` False)."""

    job: Job
    items: tuple[Any, ...]


@dataclass(frozen=True)
class QueuePaused:
    """Whether waiting jobs are held back. `JobQueue.held` says why when the queue paused itself."""

    paused: bool


QueueEvent = JobChanged | JobFiled | QueuePaused


class Outbox:
    """Delivers events to listeners. Whoever is delivering takes along what other threads, or the listeners themselves,
    add in the meantime; so no thread waits for another one."""

    def __init__(self) -> None:
        self._events: deque[QueueEvent] = deque()
        self._listeners: list[Callable[[QueueEvent], None]] = []
        self._delivering = False
        self._lock = threading.Lock()

    def subscribe(self, listener: Callable[[QueueEvent], None]) -> Callable[[], None]:
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def send(self, event: QueueEvent) -> None:
        with self._lock:
            self._events.append(event)
            if self._delivering:
                return
            self._delivering = True
        while True:
            with self._lock:
                if not self._events:
                    self._delivering = False
                    return
                event, listeners = self._events.popleft(), list(self._listeners)
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    logging.getLogger(__name__).exception("a listener of the queue failed")
