"""The abstract client of the child that looks after models: it searches, downloads, checks, imports and removes.

Everything slow or dangerous about models (the network, untrusted files, large folders) happens in that child. It is
started with the first question and can be killed at any moment: downloads go on from the byte they had. The window
and the command line speak to this; a test double and the local client pass one suite.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from studio.client.base import then
from studio.core.activities import Activity
from studio.core.messages import ActivityChanged, Message, ModelsChanged
from studio.core.models import ModelInfo

_log = logging.getLogger(__name__)

Listener = Callable[[Message], None]


class ModelsClient(ABC):
    """Futures fail with `AtelierError`. Listeners get `ActivityChanged` and `ModelsChanged` on one thread of the
    client, in order; they must not block. `activities` (by id, as last told) may be read from any thread.

    Models are named by their catalogue id, or by their repository on the hub ("owner/name", optionally with
    "@revision" behind it).
    """

    def __init__(self) -> None:
        self.activities: dict[str, Activity] = {}
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    @abstractmethod
    def ask(self, name: str, **arguments: Any) -> Future[Any]:
        """A question with a plain JSON answer."""

    @abstractmethod
    def stop(self) -> None:
        """End the child; downloads are kept and go on at the next start."""

    # -- what there is ----------------------------------------------------------------------------------------

    def models(self) -> Future[list[ModelInfo]]:
        """The catalogue and everything on this computer, without touching the network."""
        return then(self.ask("list"), _models)

    def search(self, text: str, medium: str = "", limit: int = 30) -> Future[list[ModelInfo]]:
        """What the hub has beyond the catalogue that some family can load."""
        return then(self.ask("search", text=text, medium=medium, limit=limit), _models)

    def details(self, model: str) -> Future[Mapping[str, Any]]:
        """{"info": ModelInfo JSON, "files": [{"name", "size"}], "file": the one of several GGUF files that is
        taken ("" else), "others": [{"model": id, "size"}], "download": bytes still to come, "url": its page on
        the hub, "accept_url": where a gated one is accepted, "access": true, false or null (not known)}; asks the hub
        where it can be reached."""
        return self.ask("details", model=model)

    def check_updates(self) -> Future[list[str]]:
        """Ask the hub for newer commits of what is installed; the ids of models that have one."""
        return self.ask("updates")

    # -- downloads --------------------------------------------------------------------------------------------

    def download(self, model: str) -> Future[str]:
        """Get `model`; the activity's id. One that is already under way is joined."""
        return self.ask("download", model=model)

    def pause(self, activity: str) -> Future[None]:
        return self.ask("pause", activity=activity)

    def resume(self, activity: str) -> Future[None]:
        """Go on with a paused or failed download."""
        return self.ask("resume", activity=activity)

    def cancel(self, activity: str) -> Future[None]:
        """Stop it. What arrived of a download is kept, and shown as part-downloaded, until it is removed."""
        return self.ask("cancel", activity=activity)

    # -- files ------------------------------------------------------------------------------------------------

    def inspect(self, path: Path) -> Future[Mapping[str, Any]]:
        """What a file or folder is, read in a child with limits: {"kind": "checkpoint" | "lora" | "gguf" |
        "soundfont" | "repository" | "pickle" | "folder" (of another studio), "title", "architecture", "family": id or
        null, "size", "convertible": bool, "found": [names of what is not plain tensors], "models": count in a
        folder, and "usable" how many of them can be used}. Fails with the sentence why it is refused."""
        return self.ask("inspect", path=str(path))

    def import_file(self, path: Path, *, convert: bool = False) -> Future[str]:
        """Copy a model file into the models folder (`convert`: through the restricted reader); the activity's id,
        whose result is {"model": id}."""
        return self.ask("import", path=str(path), convert=convert)

    def add_folder(self, path: Path) -> Future[int]:
        """Use the models in another studio's folder in place; how many were found."""
        return self.ask("add_folder", path=str(path))

    def remove_folder(self, path: Path) -> Future[None]:
        """Forget that folder; nothing in it is touched."""
        return self.ask("remove_folder", path=str(path))

    # -- disk -------------------------------------------------------------------------------------------------

    def disk(self) -> Future[Mapping[str, Any]]:
        """{"free", "total" (of the file system), "used" (by models), "limit" (0: none), "media": {medium: bytes},
        "models": [{"id", "title", "medium", "size", "frees" (bytes that removing it alone frees), "last_used" (unix
        time, 0: never), "removable": bool, "why": code of the reason or ""}], "parts": bytes of unfinished
        downloads}."""
        return self.ask("disk")

    def removal(self, models: Sequence[str]) -> Future[Mapping[str, Any]]:
        """What removing them would do: {"frees": bytes, "paths": [...], "kept": [{"id", "why"}]}."""
        return self.ask("removal", models=list(models))

    def remove(self, models: Sequence[str]) -> Future[str]:
        """Remove installed or part-downloaded models; the activity's id."""
        return self.ask("remove", models=list(models))

    def verify(self, models: Sequence[str] = ()) -> Future[str]:
        """Check every file's content (empty: of all models); the activity's id, whose result is {"whole": [ids],
        "damaged": {id: [names]}, "unknown": [ids without known hashes], "files": [{"name", "models": [ids]}]}, the last
        with one row for each damaged file on the disk, which several models can share. Damaged files are put aside;
        `download` fetches just those."""
        return self.ask("verify", models=list(models))

    def restore_starter(self) -> Future[str]:
        """Put missing or damaged built-in models back; the activity's id."""
        return self.ask("restore")

    # -- access -----------------------------------------------------------------------------------------------

    def token_state(self) -> Future[Mapping[str, Any]]:
        """{"host", "known": bool, "kept": "keyring" | "session" | "environment" | "", "user": name or ""}."""
        return self.ask("token_state")

    def set_token(self, token: str) -> Future[Mapping[str, Any]]:
        """Keep the hub's token in the system's keyring ("" forgets it); answers as `token_state`. Fails with
        "hub-token" where the hub can be asked and refuses it; nothing changes then."""
        return self.ask("set_token", token=token)

    # -- listeners --------------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every `ActivityChanged` and `ModelsChanged`; returns a function that ends it."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def _deliver(self, message: ActivityChanged | ModelsChanged) -> None:
        if isinstance(message, ActivityChanged):
            activity = Activity.from_json(message.activity)
            self.activities = {**self.activities, activity.id: activity}
        for listener in list(self._listeners):
            try:
                listener(message)
            except Exception:
                _log.exception("a listener of the models failed")


def _models(rows: Sequence[Mapping[str, Any]]) -> list[ModelInfo]:
    return [ModelInfo.from_json(row) for row in rows]
