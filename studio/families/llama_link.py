"""The way to the HTTP server that llama.cpp insists on: a socket in a folder that only this user can enter (on Windows
the loopback interface), behind a random key. Nothing listens on a network.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

PREFIX = "atelier-llama-"
_TAIL = 40  # bytes of a socket's path after the folder for temporary files
_LONGEST = 103  # bytes that the path of a socket may have (macOS; Linux 107)
_TIMEOUT = 30.0  # seconds


class Link:
    """`path` is where the server is to make its socket; None where Python has no sockets in the file system: then
    `address` is the URL that it says it listens on. Safe from any thread."""

    def __init__(self) -> None:
        self.key = secrets.token_hex(16)
        self.address = ""
        self._folder = _new_folder() if hasattr(socket, "AF_UNIX") else None
        self.path = self._folder / "s.sock" if self._folder else None

    def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's answer to `body` at `path`; `RuntimeError` with its words when it refuses."""
        connection = self._connection()
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {text[:2000]}")
        return json.loads(text)

    def close(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connection(self) -> http.client.HTTPConnection:
        if self.path:
            return _SocketConnection(self.path)
        where = urlsplit(self.address)
        return http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=_TIMEOUT)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _new_folder() -> Path:
    """Folders left behind by engines that were killed are removed on the way."""
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base)) + _TAIL > _LONGEST:
        base = Path("/tmp")
    for old in base.glob(f"{PREFIX}*"):
        owner = old.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
