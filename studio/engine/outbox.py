"""Everything that goes out to the client, written by one thread, so that no one who has something to say waits.

Waiting text and sound are joined, of waiting previews, progress and figures only the newest is kept, and each of these
kinds is sent at most 30 times a second per job: the first at once. Numbers are given when an event is sent.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from studio.core.messages import ENDINGS, AudioDelta, JobEvent, Message, Preview, Progress, TextDelta, Usage, pack
from studio.engine.backlog import Backlog

INTERVAL = 1 / 30
BEAT = 1.0
# Ended jobs whose events can still be asked for.
REMEMBERED = 8

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    due: float
    message: Message | None
    parts: list[Any] = field(default_factory=list)
    replay: tuple[str, int] | None = None


class Outbox:
    """Takes messages from any thread at any rate; `start` begins to write them."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._changed = threading.Condition()
        self._queue: deque[_Entry] = deque()
        self._open: dict[tuple[str, type[Message]], _Entry] = {}
        self._sent: dict[tuple[str, type[Message]], float] = {}
        self._backlogs: dict[str, Backlog] = {}
        self._ended: deque[str] = deque()
        self._held: set[str] = set()
        self._writing = False
        self._closed = False

    def start(self, beat: Callable[[], Iterable[Message]]) -> None:
        """Write from now on; `beat` is called every second on the writing thread, and what it returns is sent."""
        threading.Thread(target=self._write, args=(beat,), name="engine-outbox", daemon=True).start()

    def connect(self, connection: Connection | None, jobs: Iterable[str] = ()) -> None:
        """Write to `connection` from now on; without one, events are only kept. Those of `jobs`, and of all that went
        out before, wait for `replay`, which says how much of them the client has."""
        with self._changed:
            self._connection = connection
            self._held = {*jobs, *self._backlogs}

    def send(self, message: Message) -> None:
        """Send `message` in its turn. Events of a job may carry any number; it is set on the way out."""
        key = (message.job, type(message)) if isinstance(message, JobEvent) else None
        with self._changed:
            if key and isinstance(message, _JOINED):
                entry = self._open.get(key)
                if entry and _join(entry, message):
                    return
                due = self._sent.get(key, 0.0) + INTERVAL
                entry = self._open[key] = _Entry(due, message, _parts(message))
            else:
                if key:
                    self._let_go(key[0])
                entry = _Entry(0.0, message)
            self._queue.append(entry)
            self._changed.notify_all()

    def replay(self, job: str, after: int) -> None:
        """Send the kept events of `job` after number `after` again."""
        with self._changed:
            self._queue.append(_Entry(0.0, None, replay=(job, after)))
            self._changed.notify_all()

    def knows(self, job: str) -> bool:
        """Whether any event of `job` is kept or waits."""
        with self._changed:
            waiting = (entry.message for entry in self._queue)
            return job in self._backlogs or any(isinstance(m, JobEvent) and m.job == job for m in waiting)

    def flush(self, seconds: float) -> None:
        """Wait until all is sent, at most so long."""
        with self._changed:
            for entry in self._queue:
                entry.due = 0.0
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._queue and not self._writing, seconds)

    def close(self, seconds: float) -> None:
        """`flush`, then write no more."""
        self.flush(seconds)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _let_go(self, job: str) -> None:
        """What waits of `job` goes now: something follows that it must not be overtaken by."""
        for key in [key for key in self._open if key[0] == job]:
            self._open.pop(key).due = 0.0

    def _write(self, beat: Callable[[], Iterable[Message]]) -> None:
        next_beat = time.monotonic()
        while True:
            with self._changed:
                self._writing = False
                if self._closed:
                    return
                now = time.monotonic()
                messages = self._take(now)
                if not messages and now < next_beat:
                    if not self._queue:
                        self._changed.notify_all()
                    due = min((entry.due for entry in self._queue), default=next_beat)
                    self._changed.wait(min(due, next_beat) - now)
                    continue
                connection = self._connection
                self._writing = True
            if now >= next_beat:
                next_beat = now + BEAT
                messages = [*messages, *beat()]
            if connection is not None:
                self._deliver(connection, messages)

    def _take(self, now: float) -> list[Message]:
        entry = next((entry for entry in self._queue if entry.due <= now), None)
        if entry is None:
            return []
        self._queue.remove(entry)
        if entry.replay:
            self._held.discard(entry.replay[0])
            backlog = self._backlogs.get(entry.replay[0])
            return list(backlog.since(entry.replay[1])) if backlog else []
        message = _whole(entry)
        if not isinstance(message, JobEvent):
            return [message] if message else []
        key = (message.job, type(message))
        if self._open.get(key) is entry:
            del self._open[key]
        self._sent[key] = now
        event = self._backlogs.setdefault(message.job, Backlog()).add(message)
        if isinstance(event, ENDINGS):
            self._forget(event.job)
        return [] if event.job in self._held else [event]

    def _forget(self, job: str) -> None:
        self._sent = {key: value for key, value in self._sent.items() if key[0] != job}
        self._ended.append(job)
        if len(self._ended) > REMEMBERED:
            self._backlogs.pop(self._ended.popleft(), None)

    def _deliver(self, connection: Connection, messages: Iterable[Message]) -> None:
        try:
            for message in messages:
                connection.send_bytes(pack(message))
        except OSError:
            with self._changed:
                if self._connection is connection:
                    self._connection = None
        except (TypeError, ValueError):
            _log.exception("a message could not be written")


_JOINED = (TextDelta, AudioDelta, Preview, Progress, Usage)


def _parts(message: Message) -> list[Any]:
    if isinstance(message, TextDelta):
        return [message.text]
    return [message.payload] if isinstance(message, AudioDelta) else []


def _join(entry: _Entry, message: Message) -> bool:
    """Put `message` into the waiting `entry` of its kind; False if it cannot be joined."""
    if isinstance(message, AudioDelta):
        waiting = entry.message
        assert isinstance(waiting, AudioDelta)
        if (waiting.sample_rate, waiting.channels) != (message.sample_rate, message.channels):
            return False
    entry.parts += _parts(message)
    if not entry.parts:
        entry.message = message
    return True


def _whole(entry: _Entry) -> Message | None:
    message = entry.message
    if isinstance(message, TextDelta):
        return replace(message, text="".join(entry.parts))
    if isinstance(message, AudioDelta):
        return replace(message, payload=b"".join(entry.parts))
    return message
