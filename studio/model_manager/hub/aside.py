"""Waiting for what cannot be interrupted, and leaving it behind when the user wants to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from studio.core.errors import Cancelled

_LOOK = 0.1  # s between two looks at `stop`

T = TypeVar("T")


class Aside(Generic[T]):
    """Does something that cannot be interrupted on a thread of its own; a result that nobody waits for any more is
    given to `discard`."""

    def __init__(self, make: Callable[[], T], discard: Callable[[T], object] = lambda _made: None) -> None:
        self._make, self._discard = make, discard
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._left = False
        self._made: list[T] = []
        self._error: Exception | None = None

    def get(self, stop: threading.Event, timeout: float) -> T:
        """Raises `Cancelled`, TimeoutError or what making it raised."""
        threading.Thread(target=self._run, name="hub-aside", daemon=True).start()
        until = time.monotonic() + timeout
        while not self._done.wait(_LOOK):
            if stop.is_set() or time.monotonic() > until:
                with self._lock:
                    self._left = True
                    for made in self._made:
                        self._discard(made)
                raise Cancelled if stop.is_set() else TimeoutError("no answer")
        if self._error is not None:
            raise self._error
        return self._made[0]

    def _run(self) -> None:
        try:
            made = self._make()
        except Exception as error:
            self._error = error
        else:
            with self._lock:
                self._made.append(made)
                if self._left:
                    self._discard(made)
        self._done.set()
