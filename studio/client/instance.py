"""One window for each user's data: a second start raises the first window instead of opening another.

The first window holds a lock on `<runtime>/window.lock`, which the system takes back however the program ends, and
listens on a loopback port that `<runtime>/window.json` names, together with a token that only this user can read.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from studio.core import paths
from studio.core.errors import AtelierError, from_os_error
from studio.core.files import write_json

_LIMIT = 65_536
_TIMEOUT = 2.0
_START_SECONDS = 5.0  # how long a first window may take from its lock to its port


@dataclass(frozen=True)
class Visit:
    """What a second start asks of the first window: its `arguments`, the `folder` they are relative to, and the
    desktop's token that lets a window come to the front ("" if there is none)."""

    arguments: tuple[str, ...] = ()
    folder: str = ""
    activation: str = ""


class Instance:
    """`claim` first; where it says no, `raise_first`, and end. `release` when the window has closed."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or paths.runtime_dir()
        self._lock: IO[bytes] | None = None
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._token = ""

    def claim(self, on_visit: Callable[[Visit], None]) -> bool:
        """Be the first window; False if there is one. `on_visit` is called on a thread of its own for every later
        start. Where the system has no locks (some network folders) every window is a first one. Raises
        `AtelierError` if the folder cannot be written."""
        try:
            paths.ensure(self._folder)
            self._lock = (self._folder / "window.lock").open("ab")
        except OSError as error:
            raise from_os_error(error, self._folder) from error
        if not _lock(self._lock):
            self._lock.close()
            self._lock = None
            return False
        try:
            self._listen(on_visit)
        except (OSError, AtelierError):
            logging.getLogger(__name__).exception("a second start cannot reach this window")
        return True

    def raise_first(self, arguments: tuple[str, ...] = ()) -> bool:
        """Ask the first window to come to the front; False if it does not answer."""
        activation = os.environ.get("XDG_ACTIVATION_TOKEN") or os.environ.get("DESKTOP_STARTUP_ID") or ""
        visit = Visit(arguments, os.getcwd(), activation)
        end = time.monotonic() + _START_SECONDS
        while True:
            if (address := self._address()) and _ask(address, visit):
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.2)

    def release(self) -> None:
        if self._listener and self._thread:
            # Closing a socket does not wake a thread that waits for it everywhere; a visit without words does.
            with socket.socket() as knock:
                knock.settimeout(_TIMEOUT)
                address, self._token = self._listener.getsockname(), ""
                knock.connect(address)
            self._thread.join()
            self._listener.close()
            (self._folder / "window.json").unlink(missing_ok=True)
        if self._lock:
            self._lock.close()
        self._listener = self._thread = self._lock = None

    def _listen(self, on_visit: Callable[[Visit], None]) -> None:
        self._token = secrets.token_hex(16)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        address = self._folder / "window.json"
        write_json(address, {"pid": os.getpid(), "port": port, "token": self._token})
        address.chmod(0o600)
        self._thread = threading.Thread(
            target=self._serve, args=(self._listener, on_visit), name="second-start", daemon=True
        )
        self._thread.start()

    def _serve(self, listener: socket.socket, on_visit: Callable[[Visit], None]) -> None:
        while self._token:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(_TIMEOUT)
                try:
                    visit = _read_visit(connection, self._token)
                    if visit:
                        connection.sendall(b"ok\n")
                        on_visit(visit)
                except (OSError, ValueError, TypeError, KeyError):
                    logging.getLogger(__name__).info("a second start said nothing that makes sense")

    def _address(self) -> dict[str, Any] | None:
        try:
            data = json.loads((self._folder / "window.json").read_text(encoding="utf-8"))
            return {"pid": int(data["pid"]), "port": int(data["port"]), "token": str(data["token"])}
        except (OSError, ValueError, TypeError, KeyError):
            return None


def _ask(address: dict[str, Any], visit: Visit) -> bool:
    try:
        if sys.platform == "win32":
            import ctypes

            ctypes.windll.user32.AllowSetForegroundWindow(address["pid"])
        with socket.create_connection(("127.0.0.1", address["port"]), timeout=_TIMEOUT) as connection:
            connection.sendall(json.dumps({"token": address["token"], **asdict(visit)}).encode() + b"\n")
            return connection.recv(8) == b"ok\n"
    except OSError:
        return False


def _read_visit(connection: socket.socket, token: str) -> Visit | None:
    data = b""
    while not data.endswith(b"\n") and len(data) < _LIMIT:
        piece = connection.recv(4096)
        if not piece:
            return None
        data += piece
    words = json.loads(data)
    if not token or not hmac.compare_digest(str(words["token"]), token):
        return None
    return Visit(tuple(str(item) for item in words["arguments"]), str(words["folder"]), str(words["activation"]))


def _lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        logging.getLogger(__name__).warning("this folder has no locks: %s", file.name)
    return True
