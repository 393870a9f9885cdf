"""Is there a display to open a window on? Asked before Qt, which ends the whole program when there is none."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from studio.core.i18n import _

_TIMEOUT = 1.0


def missing_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """A sentence for the terminal if no window can be opened, else ""."""
    if not platform.startswith("linux") or environment.get("QT_QPA_PLATFORM"):
        return ""
    if _wayland_answers(environment) or _x_answers(environment.get("DISPLAY", "")):
        return ""
    return _(
        "There is no display to open a window on. On this machine use the command line, for example: "
        'atelier generate text --prompt "A letter in a lighthouse" -o story.txt'
    )


def _wayland_answers(environment: Mapping[str, str]) -> bool:
    name = environment.get("WAYLAND_DISPLAY", "")
    return bool(name) and (Path(environment.get("XDG_RUNTIME_DIR", "/")) / name).exists()


def _x_answers(display: str) -> bool:
    """`display` is "[host]:number[.screen]"."""
    host, colon, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not colon or not number.isdecimal():
        return False
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return any(_connects(socket.AF_UNIX, address) for address in (path, f"\0{path}"))
    return _connects(socket.AF_INET, (host, 6000 + int(number)))


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(_TIMEOUT)
        try:
            probe.connect(address)
        except OSError:
            return False
        return True
