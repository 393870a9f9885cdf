"""Keep the computer awake while jobs run, if the user's settings say so and the system lets us."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from studio.client.queue_events import JobChanged, QueueEvent
from studio.core.jobs import JobState
from studio.core.settings import Settings, Values

LINGER_SECONDS = 3.0  # between two jobs nothing is given back


class KeepAwake:
    """Follows a queue (anything with its `subscribe`). `mode` makes the context manager that holds the system awake;
    it is entered and left on one thread, which lives only while jobs run. The screen may go dark."""

    def __init__(
        self,
        subscribe: Callable[[Callable[[QueueEvent], None]], Callable[[], None]],
        settings: Settings,
        mode: Callable[[], AbstractContextManager[Any]] | None = None,
    ) -> None:
        self._mode = mode or _system_mode
        self._wanted = settings.values.keep_awake
        self._running: set[str] = set()
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ends = [subscribe(self._on_event), settings.subscribe(self._on_settings)]

    @property
    def active(self) -> bool:
        """Whether the system is asked to stay awake now."""
        return self._thread is not None

    def close(self) -> None:
        for end in self._ends:
            end()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread:
            thread.join()

    def _on_event(self, event: QueueEvent) -> None:
        if not isinstance(event, JobChanged):
            return
        with self._changed:
            if event.job.state is JobState.RUNNING:
                self._running.add(event.job.id)
            else:
                self._running.discard(event.job.id)
            self._follow()

    def _on_settings(self, values: Values) -> None:
        with self._changed:
            self._wanted = values.keep_awake
            self._follow()

    def _follow(self) -> None:
        if self._needed() and self._thread is None:
            self._thread = threading.Thread(target=self._hold, name="keep-awake", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _needed(self) -> bool:
        return bool(self._running) and self._wanted and not self._closed

    def _hold(self) -> None:
        try:
            with self._mode():
                self._wait()
        except Exception:
            logging.getLogger(__name__).exception("the system could not be kept awake")
            self._wait()

    def _wait(self) -> None:
        with self._changed:
            while self._needed():
                self._changed.wait_for(lambda: not self._needed())
                if self._wanted and not self._closed:
                    self._changed.wait_for(lambda: self._needed() or self._closed or not self._wanted, LINGER_SECONDS)
            self._thread = None


def _system_mode() -> AbstractContextManager[Any]:
    from wakepy import keep

    logging.getLogger("wakepy").setLevel(logging.WARNING)
    return keep.running(on_fail="pass")
