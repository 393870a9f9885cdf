"""What goes out to the client, written by one thread; of what waits about an activity only the newest is sent."""

from __future__ import annotations

import threading
from collections import OrderedDict
from multiprocessing.connection import Connection

from studio.core.messages import ActivityChanged, Message, pack


class Outbox:
    """`send` may be called from any thread and never waits. Nothing is kept once the connection is lost."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changed = threading.Condition()
        self._waiting: OrderedDict[object, Message] = OrderedDict()
        self._closed = False
        self._thread = threading.Thread(target=self._write, name="models-outbox", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        with self._changed:
            key: object = message.activity["id"] if isinstance(message, ActivityChanged) else object()
            self._waiting.pop(key, None)
            self._waiting[key] = message
            self._changed.notify()

    def close(self, seconds: float) -> None:
        """Send what waits, for at most so long."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(seconds)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                _key, message = self._waiting.popitem(last=False)
            try:
                self._connection.send_bytes(pack(message))
            except OSError:
                return
