"""What the hub told, kept between programs: the newest commits of models, and how large they are."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path

from studio.core.errors import AtelierError
from studio.core.files import write_json

_VERSION = 1
_MOST = 2000  # models; the oldest are forgotten


class Remembered:
    """In `hub.json` of the folder `models`; safe from any thread. A file that cannot be read or written costs nothing
    but the memory."""

    def __init__(self, models: Path) -> None:
        self._path = models / "hub.json"
        self._lock = threading.Lock()
        self._updates: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            data = json.loads(self._path.read_text(encoding="utf-8"))
            if data["version"] == _VERSION:
                self._updates = {str(model): str(commit) for model, commit in data["updates"].items()}
                self._sizes = {str(model): int(size) for model, size in data["sizes"].items()}

    def newest(self, model: str) -> str:
        """The newest commit of `model`; "" where none was told."""
        return self._updates.get(model, "")

    def size(self, model: str) -> int:
        """Bytes of all that is fetched for `model`; 0 where that was not told."""
        return self._sizes.get(model, 0)

    def keep(self, *, updates: Mapping[str, str] | None = None, sizes: Mapping[str, int] | None = None) -> None:
        with self._lock:
            before = (self._updates, self._sizes)
            self._updates = dict([*{**self._updates, **(updates or {})}.items()][-_MOST:])
            self._sizes = dict([*{**self._sizes, **(sizes or {})}.items()][-_MOST:])
            if before != (self._updates, self._sizes):
                with contextlib.suppress(AtelierError, OSError):
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    data = {"version": _VERSION, "updates": self._updates, "sizes": self._sizes}
                    write_json(self._path, data, sync=False)
