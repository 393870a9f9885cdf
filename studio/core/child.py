"""What every child process of the program does in the same way: hear who started it, call back, end with its parent."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Client, Connection

from studio.core.messages import Handshake, Message, unpack

RECONNECT_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_NICE = 5

_log = logging.getLogger(__name__)


def greet() -> Handshake:
    """The handshake on stdin; from now on the process ends with its parent. Raises `ValueError` if there is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handshake = Handshake.loads(sys.stdin.buffer.readline())
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch_stdin, name="child-stdin", daemon=True).start()
    return handshake


def stand_back() -> None:
    """Leave the processor to the window and to what the user works with, where they want it at the same time."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            below_normal = 0x4000
            kernel = ctypes.WinDLL("kernel32")
            kernel.SetPriorityClass(ctypes.c_void_p(kernel.GetCurrentProcess()), below_normal)
        else:
            os.nice(_NICE)


def connect(handshake: Handshake) -> Connection | None:
    """A connection to whoever started this process; None if there is none to be had for a while."""
    until = time.monotonic() + RECONNECT_SECONDS
    while True:
        try:
            return Client(handshake.address, authkey=bytes.fromhex(handshake.authkey))
        except (OSError, EOFError):
            if time.monotonic() > until:
                return None
            time.sleep(0.1)


def messages(connection: Connection) -> Iterator[Message]:
    """What comes over `connection` until it is lost; what cannot be read is logged and left out."""
    while True:
        try:
            yield unpack(connection.recv_bytes())
        except (OSError, EOFError):
            return
        except (KeyError, TypeError, ValueError):
            _log.exception("a message could not be read")


def _watch_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)
