"""The user's settings as they are now: the window may change them at any moment."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from studio.core import paths
from studio.core.settings import Settings, Values


class LiveSettings:
    """Reads the settings file again when it has changed; safe from any thread."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or paths.config_dir() / "settings.json"
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._values = Values()

    def __call__(self) -> Values:
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                if self._is_sound():
                    self._values = Settings(self._path).values
                self._stamp = stamp
            return self._values

    def _is_sound(self) -> bool:
        """A damaged file is repaired, and told of, by the window alone."""
        try:
            return isinstance(json.loads(self._path.read_text(encoding="utf-8")), dict)
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False

    def _look(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size)
