"""The connection to a child that calls us: one thread reads, one writes, so that nobody waits for a busy child."""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import sys
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener

from studio.core.messages import Message, pack, unpack

_log = logging.getLogger(__name__)


class Link:
    """Listens at `address` and takes one connection after another. `receive` is called on the reading thread with every
    message, and with None when a connection was lost. `name` is that of the threads. Raises `OSError` if there is
    nowhere to listen."""

    def __init__(self, name: str, receive: Callable[[Message | None], None]) -> None:
        self._receive = receive
        self._key = secrets.token_bytes(32)
        # Linux has names for sockets that leave nothing on the disk.
        address = f"\0atelier-{secrets.token_hex(16)}" if sys.platform == "linux" else None
        self._listener = Listener(address, authkey=self._key)
        self.address = address or str(self._listener.address)
        self._connection: Connection | None = None
        self._closed = False
        self._outgoing: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._read, name=f"{name}-reader", daemon=True),
            threading.Thread(target=self._write, name=f"{name}-writer", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def authkey(self) -> str:
        return self._key.hex()

    def send(self, message: Message) -> None:
        """Send in its turn; lost if there is no connection."""
        self._outgoing.put(message)

    def close(self) -> None:
        """End the threads. The child must be gone."""
        self._closed = True
        self._outgoing.put(None)
        with contextlib.suppress(OSError, EOFError):
            Client(self.address).close()  # wakes the listener
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _read(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):
                continue
            self._connection = connection
            with contextlib.suppress(OSError, EOFError):
                while True:
                    self._take(connection.recv_bytes())
            self._connection = None
            connection.close()
            self._receive(None)

    def _take(self, frame: bytes) -> None:
        try:
            message = unpack(frame)
        except (KeyError, TypeError, ValueError):
            _log.exception("a message of a child could not be read")
            return
        self._receive(message)

    def _write(self) -> None:
        while message := self._outgoing.get():
            connection = self._connection
            if connection is None:
                continue
            try:
                connection.send_bytes(pack(message))
            except OSError:
                continue  # the reader sees it too
