"""The user's settings: typed, declared here once, kept as JSON; fields of other releases survive a round trip."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from studio.core import paths
from studio.core.errors import AtelierError
from studio.core.files import sync_file, write_json

VERSION = 1


@dataclass(frozen=True)
class Values:
    """Every setting with its default. `theme`: "system", "dark" or "light"; `language`: "system" or a key of
    `i18n.LANGUAGES`; `reduce_motion`: "system", "on" or "off"; `memory_limit` in bytes (0: what the engine finds);
    `window` is the saved geometry in base64; `last` holds what tabs remember between starts. `offline`: nothing may
    reach for the network; `hub_endpoint` is a mirror (empty: the hub itself), `hub_proxy` a proxy's address (empty:
    the system's own); `download_limit` in bytes per s and `models_limit`, the disk space for models, in bytes (0:
    none); `model_folders` are folders of other studios, used in place."""

    results_dir: str = ""
    language: str = "system"
    theme: str = "system"
    reduce_motion: str = "system"
    notify: bool = True
    keep_awake: bool = True
    memory_limit: int = 0
    project: str = ""
    welcomed: bool = False
    window: str = ""
    last: dict[str, Any] | None = None
    offline: bool = False
    hub_endpoint: str = ""
    hub_proxy: str = ""
    download_limit: int = 0
    models_limit: int = 0
    model_folders: tuple[str, ...] = ()

    @property
    def results(self) -> Path:
        return Path(self.results_dir).expanduser() if self.results_dir else paths.default_results_dir()


class Settings:
    """The settings file. Reading never fails: a damaged file is put aside and `problem` says so in words.

    `update` writes at once (atomically); listeners are told on the thread that changed it. A disk that cannot be
    written raises `AtelierError`, and the change holds for this run all the same.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or paths.config_dir() / "settings.json"
        self.problem: AtelierError | None = None
        self._lock = threading.RLock()
        self._listeners: list[Callable[[Values], None]] = []
        self._unknown: dict[str, Any] = {}
        self.values = self._read()

    def update(self, **changes: Any) -> Values:
        return self._change(changes, sync=True)

    def remember(self, **items: Any) -> None:
        """Merge into `last`. The disk is waited for elsewhere: tabs remember things between two frames."""
        with self._lock:
            self._change({"last": {**(self.values.last or {}), **items}}, sync=False)
        threading.Thread(target=self._sync, name="settings-sync", daemon=True).start()

    def _change(self, changes: dict[str, Any], sync: bool) -> Values:
        with self._lock:
            self.values = replace(self.values, **changes)
            for listener in list(self._listeners):
                listener(self.values)
            paths.ensure(self.path.parent)
            write_json(self.path, {**self._unknown, **vars(self.values), "version": VERSION}, sync=sync)
            return self.values

    def _sync(self) -> None:
        with contextlib.suppress(AtelierError):  # it is written; only a power cut could still take it
            sync_file(self.path)

    def subscribe(self, listener: Callable[[Values], None]) -> Callable[[], None]:
        """Call `listener` after each change; returns a function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _read(self) -> Values:
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(data, dict):
                raise ValueError("not an object")
        except FileNotFoundError:
            return Values()
        except (OSError, ValueError) as error:
            self._put_aside(repr(error))
            return Values()
        known = {item.name: item for item in fields(Values)}
        defaults = Values()
        accepted: dict[str, Any] = {}
        for name, value in data.items():
            if name not in known:
                if name != "version":
                    self._unknown[name] = value
            elif _same_kind(value, getattr(defaults, name)):
                accepted[name] = tuple(value) if isinstance(value, list) else value
        return Values(**accepted)

    def _put_aside(self, details: str) -> None:
        kept = self.path.with_name(self.path.name + ".damaged")
        try:
            os.replace(self.path, kept)
        except OSError:
            kept = self.path
        self.problem = AtelierError("settings-damaged", {"path": str(kept)}, details=details)


def _same_kind(value: Any, default: Any) -> bool:
    if default is None:
        return value is None or isinstance(value, dict)
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return type(value) is type(default)
