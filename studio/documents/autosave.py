"""Saves documents a short while after they are edited, so that typing never waits for the disk."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from studio.documents.base import Document

_log = logging.getLogger(__name__)

DELAY = 1.0
RETRY = 3.0


class Autosaver:
    """Calls `save(document)` on its own thread, at most `delay` s after the first edit that is not saved (the next
    edits do not put it off), and `RETRY` s after a save that failed. The thread starts with the first edit; without
    one, `tick` does its work (tests give a `clock`)."""

    def __init__(
        self,
        save: Callable[[Document], None],
        delay: float = DELAY,
        clock: Callable[[], float] = time.monotonic,
        threaded: bool = True,
    ) -> None:
        self._save = save
        self._delay = delay
        self._clock = clock
        self._threaded = threaded
        self._due: dict[str, tuple[float, Document]] = {}
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def touch(self, document: Document) -> None:
        """`document` was edited. From any thread; returns at once."""
        with self._condition:
            if document.id in self._due or self._stopping:
                return
            self._due[document.id] = (self._clock() + self._delay, document)
            if self._threaded and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="autosave", daemon=True)
                self._thread.start()
            self._condition.notify()

    def forget(self, document: Document) -> None:
        with self._condition:
            self._due.pop(document.id, None)

    def tick(self) -> float | None:
        """Save what is due; returns the seconds until something is, None if nothing waits."""
        with self._condition:
            now = self._clock()
            ready = [document for due, document in self._due.values() if due <= now]
            for document in ready:
                del self._due[document.id]
        for document in ready:
            try:
                self._save(document)
            except Exception:  # whoever heard of it failed; the next documents are saved all the same
                _log.exception("a document was saved, but not all heard of it")
            with self._condition:
                if document.dirty and document.problem and document.id not in self._due:
                    self._due[document.id] = (self._clock() + RETRY, document)
        with self._condition:
            return self._wait()

    def stop(self) -> None:
        """End the thread. What is not saved yet is the caller's to save."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self.tick()
            with self._condition:
                wait = self._wait()
                if not self._stopping and wait != 0.0:
                    self._condition.wait(wait)

    def _wait(self) -> float | None:
        if not self._due:
            return None
        return max(0.0, min(due for due, _document in self._due.values()) - self._clock())
