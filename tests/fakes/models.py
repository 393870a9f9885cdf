"""The client of the models without a child, a network or a disk: everything is in memory and answers as the real one.

    models = FakeModels()                    # a small catalogue; downloads take `step_seconds` × `steps`
    models.holding = True                    # downloads stand still after their first step, for pictures
    models.failures["sdxl"] = Failure("hub-unreachable")
    models.offline = True

Times are scripted, not measured. `put(activity)` shows any activity; `change(model)` any model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.client.models import ModelsClient
from studio.core.activities import Activity, ActivityKind, ActivityState, FileProgress
from studio.core.errors import AtelierError
from studio.core.jobs import Failure
from studio.core.messages import ActivityChanged, ModelsChanged
from studio.core.models import ModelInfo, ModelState
from tests.fakes.fake_context import Clock
from tests.fakes.model_shelf import CATALOGUE, FILES, FREE, HUB, LAST_USED, TOTAL

State, Kind = ActivityState, ActivityKind


class FakeModels(ModelsClient):
    """`asked` are the questions so far. `accepted` names the gated models whose terms were accepted, `inspections` and
    `refusals` answer `inspect` by file name, `damaged` names files that `verify` finds, by model, `newer` the models
    for which there is an update; `users` are names by token, `bad_tokens` what the hub refuses, `loaded` what an engine
    holds in its memory."""

    def __init__(
        self,
        models: Iterable[ModelInfo] = CATALOGUE,
        hub: Iterable[ModelInfo] = HUB,
        *,
        steps: int = 4,
        step_seconds: float = 0.0,
        limit: int = 0,
    ) -> None:
        super().__init__()
        self.steps, self.step_seconds, self.limit = steps, step_seconds, limit
        self.holding = self.offline = False
        self.accepted: set[str] = set()
        self.newer: set[str] = set()
        self.failures: dict[str, Failure] = {}
        self.refusals: dict[str, AtelierError] = {}
        self.inspections: dict[str, Mapping[str, Any]] = {}
        self.damaged: dict[str, list[str]] = {}
        self.token = ""
        self.users: dict[str, str] = {}
        self.bad_tokens: set[str] = set()
        self.loaded: set[str] = set()
        self.folders: list[str] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._models = {info.id: info for info in models}
        self._hub = {info.id: info for info in hub}
        self._done: dict[str, int] = {}
        self._guard = threading.RLock()
        self._clock: Clock | None = None
        self._stopped = False
        self._count = 0

    # -- the client -------------------------------------------------------------------------------------------

    def ask(self, name: str, **arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        plain = json.loads(json.dumps(arguments))
        self.asked.append((name, plain))

        def answer() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                method: Callable[..., Any] = getattr(self, f"_{name}")
                future.set_result(json.loads(json.dumps(method(**plain))))
            except AtelierError as error:
                future.set_exception(error)

        self._later(0.0, answer)
        return future

    def stop(self) -> None:
        with self._guard:
            clock, self._clock, self._stopped = self._clock, None, True
        if clock is not None:
            clock.stop()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        with self._guard:
            if self._stopped:
                return
            if self._clock is None:
                self._clock = Clock()
                self._clock.start()
            self._clock.later(seconds, call)

    # -- scripting --------------------------------------------------------------------------------------------

    def put(self, activity: Activity) -> None:
        """Tell of `activity` as if work on it went on."""
        self._later(0.0, lambda: self._deliver(ActivityChanged(activity.to_json())))

    def change(self, *models: ModelInfo) -> None:
        """Take `models` into the catalogue, or change them there, and tell so."""

        def tell() -> None:
            self._models.update({info.id: info for info in models})
            self._deliver(ModelsChanged())

        self._later(0.0, tell)

    def settled(self) -> None:
        """Wait until everything that was asked for by now is told."""
        done = threading.Event()
        self._later(0.0, done.set)
        done.wait(5)

    # -- what there is ----------------------------------------------------------------------------------------

    def _list(self) -> list[Any]:
        return [info.to_json() for info in self._models.values()]

    def _activities(self) -> list[Any]:
        return [activity.to_json() for activity in self.activities.values()]

    def _search(self, text: str, medium: str = "", limit: int = 30) -> list[Any]:
        self._reach()
        words = text.casefold()
        found = [
            info
            for info in self._hub.values()
            if words in f"{info.id} {info.title}".casefold() and (not medium or info.medium == medium)
        ]
        return [info.to_json() for info in found[:limit]]

    def _details(self, model: str) -> Mapping[str, Any]:
        info = self._info(model)
        access = None if self.offline else not info.gated or info.id in self.accepted
        return {
            "info": info.to_json(),
            "files": [{"name": file.name, "size": file.size} for file in _files(info)],
            "download": 0 if info.usable else info.size - self._done.get(info.id, 0),
            "url": f"https://huggingface.co/{info.repository}" if info.repository else "",
            "accept_url": f"https://huggingface.co/{info.repository}" if info.gated else "",
            "access": access,
        }

    def _updates(self) -> list[str]:
        self._reach()
        for id in self.newer & self._models.keys():
            self._models[id] = replace(self._models[id], update="f" * 40)
        self._deliver(ModelsChanged())
        return sorted(self.newer)

    # -- downloads --------------------------------------------------------------------------------------------

    def _download(self, model: str) -> str:
        info = self._info(model)
        going = next((a for a in self.activities.values() if a.model == info.id and not a.ended), None)
        if going is not None:
            return going.id
        activity = self._begin(Kind.DOWNLOAD, info.title, info.id, str(info.medium), info.size, _files(info))
        if self.offline:
            self._fail(activity, Failure("hub-offline", {}))
        elif info.gated and info.id not in self.accepted:
            self._fail(activity, Failure("hub-gated", {"model": info.title}))
        else:
            done = self._done.get(info.id, 0)
            self._tell(replace(activity, done=done))
            self._run(activity.id, self._on_downloaded)
        return activity.id

    def _on_downloaded(self, activity: Activity) -> None:
        info = self._models.get(activity.model) or self._hub[activity.model]
        self._done.pop(info.id, None)
        origin = "starter" if info.origin == "starter" else "hub"
        self._models[info.id] = replace(info, state=ModelState.INSTALLED, origin=origin, update="")

    def _pause(self, activity: str) -> None:
        going = self._activity(activity)
        if going.state in (State.QUEUED, State.RUNNING, State.WAITING):
            self._tell(replace(going, state=State.PAUSED, speed=0.0, seconds_left=-1.0))

    def _resume(self, activity: str) -> None:
        paused = self._activity(activity)
        if paused.state in (State.PAUSED, State.FAILED, State.CANCELLED):
            if self.offline:
                self._fail(paused, Failure("hub-offline", {}))
                return
            self._tell(replace(paused, state=State.RUNNING, failure=None))
            self._run(activity, self._on_downloaded)

    def _cancel(self, activity: str) -> None:
        going = self._activity(activity)
        if going.state is State.DONE or going.state is State.CANCELLED:
            return
        self._tell(replace(going, state=State.CANCELLED, speed=0.0, seconds_left=-1.0))
        self._keep_part(going)

    def _keep_part(self, activity: Activity) -> None:
        info = self._models.get(activity.model) or self._hub.get(activity.model)
        if activity.kind is Kind.DOWNLOAD and info is not None and activity.done and not info.usable:
            self._done[info.id] = activity.done
            self._models[info.id] = replace(info, state=ModelState.PARTIAL)
            self._deliver(ModelsChanged())

    # -- files ------------------------------------------------------------------------------------------------

    def _inspect(self, path: str) -> Mapping[str, Any]:
        name = Path(path).name
        if name in self.refusals:
            raise self.refusals[name]
        if name in self.inspections:
            return self.inspections[name]
        if not Path(path).exists():
            raise AtelierError("file-missing", {"path": path})
        kinds = {".safetensors": "checkpoint", ".gguf": "gguf", ".sf2": "soundfont", ".sf3": "soundfont"}
        kind = kinds.get(Path(path).suffix.lower(), "pickle")
        return inspection(kind, Path(path).stem, family="gguf" if kind == "gguf" else None)

    def _import(self, path: str, convert: bool = False) -> str:
        seen = self._inspect(path)
        kind = Kind.CONVERT if convert else Kind.IMPORT
        activity = self._begin(kind, seen["title"] or Path(path).stem, "", "text", seen["size"], ())
        id = f"imported/{Path(path).stem}"

        def imported(_activity: Activity) -> dict[str, Any]:
            like = next(iter(self._models.values()))
            title = seen["title"] or Path(path).stem
            self._models[id] = replace(like, id=id, title=title, origin="imported", state=ModelState.INSTALLED)
            return {"model": id}

        self._run(activity.id, imported)
        return activity.id

    def _add_folder(self, path: str) -> int:
        if not Path(path).is_dir():
            raise AtelierError("folder-missing", {"path": path})
        self.folders.append(path)
        self._deliver(ModelsChanged())
        return int(self.inspections.get(Path(path).name, {}).get("models", 0))

    def _remove_folder(self, path: str) -> None:
        self.folders = [folder for folder in self.folders if folder != path]
        self._deliver(ModelsChanged())

    # -- disk -------------------------------------------------------------------------------------------------

    def _held(self, info: ModelInfo) -> int:
        return info.size if info.usable else self._done.get(info.id, 0)

    def _disk(self) -> Mapping[str, Any]:
        here = [info for info in self._models.values() if self._held(info)]
        media: dict[str, int] = {}
        for info in here:
            media[info.medium] = media.get(info.medium, 0) + self._held(info)
        rows = [
            {
                "id": info.id,
                "title": info.title,
                "medium": info.medium,
                "size": self._held(info),
                "frees": self._held(info) if info.origin != "folder" else 0,
                "last_used": LAST_USED.get(info.id, 0),
                "removable": info.origin != "folder",
                "why": "model-not-ours" if info.origin == "folder" else "",
            }
            for info in here
        ]
        return {
            "free": FREE,
            "total": TOTAL,
            "used": sum(media.values()),
            "limit": self.limit,
            "media": media,
            "models": rows,
            "parts": sum(self._done.values()),
        }

    def _removal(self, models: list[str]) -> Mapping[str, Any]:
        rows = [self._info(model) for model in models]
        kept = [{"id": info.id, "why": "model-not-ours"} for info in rows if info.origin == "folder"]
        kept += [{"id": info.id, "why": "model-in-use"} for info in rows if info.id in self.loaded]
        gone = [info for info in rows if info.origin != "folder" and info.id not in self.loaded]
        return {
            "frees": sum(self._held(info) for info in gone),
            "paths": [f"models/{info.id}" for info in gone],
            "kept": kept,
        }

    def _remove(self, models: list[str]) -> str:
        rows = [self._info(model) for model in models]
        title = rows[0].title if len(rows) == 1 else ""
        activity = self._begin(Kind.REMOVE, title, rows[0].id if len(rows) == 1 else "", "", 0, ())

        def removed(_activity: Activity) -> dict[str, Any]:
            freed = 0
            for info in rows:
                if info.origin == "folder":
                    continue
                freed += self._held(info)
                self._done.pop(info.id, None)
                if info.origin == "imported":
                    self._models.pop(info.id)
                else:
                    origin = info.origin if info.origin == "starter" else ""
                    self._models[info.id] = replace(info, state=ModelState.NOT_INSTALLED, origin=origin)
            return {"freed": freed}

        self._run(activity.id, removed)
        return activity.id

    def _verify(self, models: list[str]) -> str:
        rows = [self._info(model) for model in models] or [info for info in self._models.values() if info.usable]
        size = sum(info.size for info in rows)
        one = rows[0] if len(models) == 1 else None
        activity = self._begin(Kind.VERIFY, one.title if one else "", one.id if one else "", "", size, ())

        def verified(_activity: Activity) -> dict[str, Any]:
            damaged = {info.id: self.damaged[info.id] for info in rows if info.id in self.damaged}
            for id in damaged:
                self._models[id] = replace(self._models[id], state=ModelState.DAMAGED)
            whole = [info.id for info in rows if info.id not in damaged and info.origin != "folder"]
            unknown = [info.id for info in rows if info.origin == "folder"]
            return {"whole": whole, "damaged": damaged, "unknown": unknown}

        self._run(activity.id, verified)
        return activity.id

    def _restore(self) -> str:
        missing = [info for info in self._models.values() if info.origin == "starter" and not info.usable]
        activity = self._begin(Kind.RESTORE, "", "", "", sum(info.size for info in missing), ())

        def restored(_activity: Activity) -> None:
            for info in missing:
                self._models[info.id] = replace(info, state=ModelState.INSTALLED)

        self._run(activity.id, restored)
        return activity.id

    # -- access -----------------------------------------------------------------------------------------------

    def _token_state(self) -> Mapping[str, Any]:
        kept = "keyring" if self.token else ""
        user = self.users.get(self.token, "")
        return {"host": "huggingface.co", "known": bool(self.token), "kept": kept, "user": user}

    def _set_token(self, token: str) -> Mapping[str, Any]:
        if token in self.bad_tokens:
            raise AtelierError("hub-token", {"host": "huggingface.co"})
        self.token = token
        return self._token_state()

    # -- activities -------------------------------------------------------------------------------------------

    def _reach(self) -> None:
        if self.offline:
            raise AtelierError("hub-offline")

    def _info(self, model: str) -> ModelInfo:
        name = model.partition("@")[0]
        for info in (*self._models.values(), *self._hub.values()):
            if name in (info.id, info.repository):
                return info
        raise AtelierError("model-unknown", {"model": model, "choices": sorted(self._models)})

    def _activity(self, id: str) -> Activity:
        if id not in self.activities:
            raise AtelierError("activity-unknown", {"activity": id})
        return self.activities[id]

    def _begin(
        self, kind: ActivityKind, title: str, model: str, medium: str, total: int, files: tuple[FileProgress, ...]
    ) -> Activity:
        self._count += 1
        activity = Activity(f"a{self._count}", kind, State.QUEUED, title, model, medium, total=total, files=files)
        self._tell(activity)
        return activity

    def _tell(self, activity: Activity) -> None:
        self._deliver(ActivityChanged(activity.to_json()))

    def _fail(self, activity: Activity, failure: Failure) -> None:
        self._tell(replace(activity, state=State.FAILED, failure=failure, speed=0.0, seconds_left=-1.0))

    def _run(self, id: str, ending: Callable[[Activity], dict[str, Any] | None]) -> None:
        """A step of the work now and the others later, until it is whole, paused or ended."""

        def step() -> None:
            going = self.activities[id]
            if going.ended or going.state is State.PAUSED:
                return
            failure = self.failures.get(going.model) if going.kind is Kind.DOWNLOAD else None
            if failure is not None and going.done * 2 >= going.total:
                self.failures.pop(going.model)
                self._fail(going, failure)
                self._keep_part(going)
                return
            if going.state is not State.QUEUED and going.done >= going.total:
                self._tell(replace(going, state=State.CHECKING, speed=0.0, seconds_left=-1.0))
                result = ending(going) or {}
                files = tuple(replace(file, done=file.size, state=State.DONE) for file in going.files)
                self._tell(replace(going, state=State.DONE, result=result, files=files, speed=0.0, seconds_left=0.0))
                self._deliver(ModelsChanged())
                return
            queued = going.state is State.QUEUED
            going = replace(going, state=State.RUNNING) if queued else self._further(going)
            self._tell(going)
            if not (self.holding and going.done):
                self._later(self.step_seconds, step)

        self._later(self.step_seconds, step)

    def _further(self, going: Activity) -> Activity:
        piece = -(-going.total // self.steps)
        done = min(going.total, going.done + piece)
        speed = piece / self.step_seconds if self.step_seconds else 38_000_000.0
        left, files = done, []
        for file in going.files:
            got = min(file.size, left)
            left -= got
            state = State.DONE if got == file.size else State.RUNNING if got else State.QUEUED
            files.append(replace(file, done=got, state=state))
        return replace(going, done=done, speed=speed, seconds_left=(going.total - done) / speed, files=tuple(files))


def _files(info: ModelInfo) -> tuple[FileProgress, ...]:
    """Made up from the size: small files first, the weights last."""
    names = FILES.get(info.family, ("config.json", "model.safetensors"))
    small = min(4096, info.size // 100)
    sizes = [small * (n + 1) for n in range(len(names) - 1)]
    return tuple(FileProgress(name, size) for name, size in zip(names, [*sizes, info.size - sum(sizes)], strict=True))


def inspection(kind: str, title: str = "", **more: Any) -> dict[str, Any]:
    """An answer of `inspect` with every field."""
    usual = {"kind": kind, "title": title, "architecture": "", "family": None, "size": 1_000_000}
    return {**usual, "convertible": False, "found": [], "models": 0, **more}
