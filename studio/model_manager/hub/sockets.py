"""Sockets that can be let go of at once: a network backend of httpcore2 whose every wait ends when `stop` is set.

Name look-up, connecting and the TLS handshake cannot be interrupted everywhere; they happen `Aside`, with time-outs.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2

from studio.core.errors import Cancelled
from studio.model_manager.hub.aside import Aside

_LOOK = 0.1  # s between two looks at `stop`


class Backend(httpcore2.NetworkBackend):
    """Connections for one piece of work, which `stop` ends within a tenth of a second."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        limit = timeout or 30.0
        try:
            made = Aside(lambda: socket.create_connection((host, port), limit), socket.socket.close).get(
                self._stop, 2 * limit
            )
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:  # a name that no look-up takes raises UnicodeError
            raise httpcore2.ConnectError(str(error)) from error
        return _Stream(made, self._stop)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, connection: socket.socket, stop: threading.Event) -> None:
        self._socket, self._stop = connection, stop
        connection.settimeout(_LOOK)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._patiently(lambda: self._socket.recv(max_bytes), timeout)
        except TimeoutError as error:
            raise httpcore2.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        try:
            while rest:
                rest = rest[self._patiently(lambda part=rest: self._socket.send(part), timeout) :]
        except TimeoutError as error:
            raise httpcore2.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.WriteError(str(error)) from error

    def _patiently(self, act: Callable[[], Any], timeout: float | None) -> Any:
        until = time.monotonic() + (timeout or 30.0)
        while True:
            if self._stop.is_set():
                raise Cancelled
            try:
                return act()
            except TimeoutError:
                if time.monotonic() > until:
                    raise

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        self._socket.settimeout(timeout or 30.0)
        try:
            wrapped = ssl_context.wrap_socket(self._socket, False, False, server_hostname=server_hostname)
        except OSError as error:
            self._socket.close()
            raise httpcore2.ConnectError(str(error)) from error
        try:
            Aside(wrapped.do_handshake).get(self._stop, timeout or 30.0)
        except (OSError, Cancelled) as error:
            _let_go(wrapped)
            if isinstance(error, Cancelled):
                raise
            kind = httpcore2.ConnectTimeout if isinstance(error, TimeoutError) else httpcore2.ConnectError
            raise kind(str(error)) from error
        return _Stream(wrapped, self._stop)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return False if info == "is_readable" else None


def _let_go(connection: socket.socket) -> None:
    """Close it under a thread that may still wait for it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
