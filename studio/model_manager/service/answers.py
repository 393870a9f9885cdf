"""The answers to the questions of `client.models.ModelsClient`, all in plain JSON."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core import paths
from studio.core.activities import Activity, ActivityKind
from studio.core.errors import AtelierError
from studio.core.models import ModelInfo, ModelState
from studio.core.seeking import address
from studio.model_manager import disk, starter
from studio.model_manager.catalogue import Catalogue, default_hub_cache
from studio.model_manager.downloads.manager import Downloads
from studio.model_manager.downloads.store import Store
from studio.model_manager.hub.api import Hub, RemoteModel
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.secrets import Secrets
from studio.model_manager.service import wishes
from studio.model_manager.service.remembered import Remembered
from studio.model_manager.service.settings import LiveSettings
from studio.model_manager.service.works import Progress, Run, Works
from studio.model_manager.trust import folders
from studio.model_manager.trust.importing import import_file
from studio.model_manager.trust.inspection import inspect

_SEARCHED = 100  # rows of the hub for each that is shown: most are of no kind that can be loaded
_FILTERS = {"text": "text-generation", "speech": "text-to-speech", "image": "text-to-image", "music": "text-to-audio"}
_CLOSED = ("hub-gated", "hub-private", "hub-missing", "hub-forbidden", "hub-token", "hub-unsafe-name")

_log = logging.getLogger(__name__)


class Answers:
    """`tell` hears every change of an activity, `changed` that something was installed or removed."""

    def __init__(self, tell: Callable[[Activity], None], changed: Callable[[], None]) -> None:
        self._tell, self._changed = tell, changed
        self._settings = LiveSettings()
        self._secrets = Secrets(os.environ)
        self._catalogue = Catalogue()
        self._store = Store(default_hub_cache(), paths.models_dir())
        self._works = Works(tell, changed)
        self._remembered = Remembered(self._store.models)
        self._lock = threading.Lock()
        self._downloads: Downloads | None = None

    def close(self) -> None:
        with self._lock:
            if self._downloads:
                self._downloads.close()

    def reply(self, name: str, arguments: dict[str, Any]) -> Any:
        """The answer to the question `name`. Raises `AtelierError`."""
        answer = getattr(self, f"_on_{name}", None)
        if answer is None:
            raise AtelierError("internal", details=f"no question is called {name}")
        return answer(**arguments)

    # -- what there is ----------------------------------------------------------------------------------------

    def _on_list(self) -> list[dict[str, Any]]:
        return [self._as_told(info).to_json() for info in self._catalogue.list()]

    def _on_search(self, text: str, medium: str = "", limit: int = 30) -> list[dict[str, Any]]:
        filters = [_FILTERS[medium]] if medium in _FILTERS else []
        everything = {info.id: info for info in self._catalogue.list()}
        here = {info.repository: info for info in reversed(everything.values()) if info.repository}
        found = []
        for remote in self._found(text, filters):
            family_id = wishes.family_of(remote)
            shown = wishes.info_of(remote, family_id) if family_id else None
            known = everything.get(shown.id if shown else "") or here.get(remote.repository)
            if info := known or shown:
                found.append(self._as_told(info))
        return [info.to_json() for info in found if medium in ("", info.medium)][:limit]

    def _found(self, text: str, filters: list[str]) -> list[RemoteModel]:
        """What the hub has for `text`: of an address that was copied from it, the repository there."""
        hub = self._hub()
        name = "/".join(address(text).split("/")[:2])
        if name:
            try:
                remote = hub.model(name)
                return [replace(remote, config=remote.config or wishes.read_config(hub, remote))]
            except AtelierError as error:
                if error.code not in _CLOSED:
                    raise
        return hub.search(name or text, filters=filters, limit=_SEARCHED)

    def _on_details(self, model: str) -> dict[str, Any]:
        wish, hub = wishes.wish(model), self._hub()
        everything = {info.id: info for info in self._catalogue.list()}
        info = everything.get(wish.model)
        rows: list[dict[str, Any]] = []
        taken, others = "", []
        coming = known_size = 0
        access: bool | None = None
        for source in wish.sources:
            try:
                begun = self._store.begun(source.repository, source.revision)
                remote = hub.model(source.repository, begun.commit if begun else source.revision)
                access = hub.access(source.repository) if remote.gated else True
                chooser = wishes.HubChooser(closed=access is False)
                names = set(chooser.names(hub, wish.model, source, remote))
            except AtelierError as error:
                if info is None:
                    raise
                _log.info("the hub tells nothing of %s: %s %s", source.repository, error.code, error.details)
                access = False if error.code in _CLOSED else None
                continue
            files = [file for file in remote.files if file.name in names]
            rows += [{"name": file.name, "size": file.size} for file in files]
            coming += sum(self._store.missing(source.repository, remote.commit, file) for file in files)
            if source == wish.main:
                size = sum(file.size for file in files)
                taken, others = wishes.gguf_choice(remote, files)
                if info is None:
                    info = wishes.info_of(remote, wishes.recognise(hub, remote), size)
                    info = everything.get(info.id, info)
                elif info.state is ModelState.NOT_INSTALLED and not info.problem:
                    info = replace(info, gated=remote.gated, license=info.license or remote.license)
                known_size = sum(row["size"] for row in rows)
        assert info is not None
        if known_size:
            self._remembered.keep(sizes={info.id: known_size})
        page = hub.page(wish.main.repository)
        return {
            "info": self._as_told(info).to_json(),
            "files": rows,
            "file": taken,
            "others": others,
            "download": coming,
            "url": page,
            "accept_url": page,
            "access": access,
        }

    def _on_updates(self) -> list[str]:
        hub, newer = self._hub(), []
        asked: dict[tuple[str, str], str] = {}
        for info in self._catalogue.list():
            if info.origin != "hub" or not info.usable or not info.repository:
                continue
            wish = wishes.wish(info.id)
            key = (wish.main.repository, wish.main.revision)
            if key not in asked:
                asked[key] = self._newest(hub, *key)
            self._remembered.keep(updates={info.id: asked[key]})
            if asked[key] not in ("", info.revision):
                newer.append(info.id)
        if newer:
            self._changed()
        return newer

    def _newest(self, hub: Hub, repository: str, revision: str) -> str:
        """The commit that the hub has; "" of what it does not show any more."""
        try:
            return hub.model(repository, revision).commit
        except AtelierError as error:
            if error.code not in _CLOSED:
                raise
            return ""

    def _as_told(self, info: ModelInfo) -> ModelInfo:
        """`info` with what the hub said of it: how large it is, and what is newer."""
        if info.state is ModelState.NOT_INSTALLED and not info.problem:
            return replace(info, size=self._remembered.size(info.id) or info.size)
        newest = self._remembered.newest(info.id)
        return replace(info, update=newest) if newest and info.usable and newest != info.revision else info

    # -- downloads --------------------------------------------------------------------------------------------

    def _on_activities(self, go_on: bool = False, token: str = "", known: Sequence[str] = ()) -> list[dict[str, Any]]:
        """All that is known; `go_on`: take over what programs that are gone left. `token` is one that a child before
        this one kept for the session, `known` are the ids of what that told."""
        if token:
            self._secrets.set_token(self._hub().endpoint.host, token)
        if go_on:
            self._manager().go_on(known)
        downloads = self._downloads.activities() if self._downloads else []
        return [activity.to_json() for activity in (*downloads, *self._works.activities())]

    def _on_download(self, model: str) -> str:
        wish = wishes.wish(model)
        if wish.starter:
            return self._on_restore()
        return self._manager().download(wish.model, wish.title, wish.medium, wish.sources)

    def _on_pause(self, activity: str) -> None:
        self._manager().pause(activity)

    def _on_resume(self, activity: str) -> None:
        self._manager().resume(activity)

    def _on_cancel(self, activity: str) -> None:
        if self._works.owns(activity):
            self._works.cancel(activity)
        else:
            self._manager().cancel(activity)

    def _manager(self) -> Downloads:
        with self._lock:
            if self._downloads is None:
                self._downloads = Downloads(
                    self._store,
                    hub=self._hub,
                    chooser=wishes.HubChooser(),
                    settings=self._settings,
                    tell=self._tell,
                    changed=self._changed,
                    used=self._used,
                )
            return self._downloads

    # -- files ------------------------------------------------------------------------------------------------

    def _on_inspect(self, path: str) -> dict[str, Any]:
        """Under the name that it will have here: what a file says of itself can be anything."""
        found, place = inspect(Path(path)), Path(path)
        told = {**found.to_json(), "title": place.name if place.is_dir() else place.stem}
        if found.kind == "folder":
            told["usable"] = sum(model.family is not None and model.kind != "pickle" for model in folders.find(place))
        return told

    def _on_import(self, path: str, convert: bool = False) -> str:
        def run(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            place = import_file(
                Path(path),
                self._store.models,
                convert=convert,
                progress=lambda done, total: progress(done, total, ""),
                stop=stop,
            )
            return {"model": f"{place.parent.name}/{place.stem if place.is_file() else place.name}"}

        kind = ActivityKind.CONVERT if convert else ActivityKind.IMPORT
        return self._works.start(kind, Path(path).name, run)

    def _on_add_folder(self, path: str) -> int:
        """Looks only: that the folder is used is in the settings, which whoever asks this writes."""
        return len(folders.find(Path(path)))

    def _on_remove_folder(self, path: str) -> None:
        self._changed()

    # -- disk -------------------------------------------------------------------------------------------------

    def _on_disk(self) -> dict[str, Any]:
        return disk.usage(self._catalogue, self._settings().models_limit)

    def _on_removal(self, models: list[str]) -> dict[str, Any]:
        return disk.removal(self._catalogue, models)

    def _on_remove(self, models: list[str]) -> str:
        def run(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            self._manager().give_up(models)
            return disk.remove(self._catalogue, models, progress=progress, stop=stop)

        return self._work(ActivityKind.REMOVE, models, run)

    def _on_verify(self, models: list[str]) -> str:
        def run(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            return disk.verify(self._catalogue, models, progress=progress, stop=stop)

        return self._work(ActivityKind.VERIFY, models, run)

    def _on_restore(self) -> str:
        """One at a time: it puts back everything that is missing."""
        under_way = [told for told in self._works.activities() if told.kind is ActivityKind.RESTORE and not told.ended]
        if under_way:
            return under_way[0].id

        def run(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            return {"restored": starter.restore(self._store.models, progress=progress, stop=stop)}

        return self._work(ActivityKind.RESTORE, [], run)

    def _work(self, kind: ActivityKind, models: list[str], run: Run) -> str:
        """Named by its model, where it is about one only."""
        known = {info.id: info for info in self._catalogue.list()}
        info = known.get(models[0]) if len(models) == 1 else None
        if info is None:
            return self._works.start(kind, "", run)
        return self._works.start(kind, info.title, run, model=info.id, medium=str(info.medium))

    # -- access -----------------------------------------------------------------------------------------------

    def _on_token_state(self) -> dict[str, Any]:
        hub = self._hub()
        state, user = self._secrets.state(hub.endpoint.host), ""
        if state.known and not hub.endpoint.offline:
            try:
                user = hub.whoami()
            except AtelierError as error:
                _log.info("the hub does not say whose token it is: %s", error.code)
        return {"host": state.host, "known": state.known, "kept": state.kept, "user": user}

    def _on_set_token(self, token: str) -> dict[str, Any]:
        endpoint = self._hub().endpoint
        host = endpoint.host
        if token:
            endpoint.check_token()
            self._try_token(endpoint, token.strip())
            self._secrets.set_token(host, token)
        else:
            self._secrets.forget(host)
        return self._on_token_state()

    def _try_token(self, endpoint: Endpoint, token: str) -> None:
        """Raises "hub-token" for one that the hub refuses. Where the hub cannot be asked, it is taken as it is."""
        if endpoint.offline or not Secrets.is_token(token):
            return
        try:
            Hub(endpoint, lambda _host: token).whoami()
        except AtelierError as error:
            if error.code == "hub-token":
                raise
            _log.info("the hub does not say whether the token is good: %s", error.code)

    def _used(self) -> int:
        """Bytes that models take, for the user's limit."""
        return disk.usage(self._catalogue)["used"]

    def _hub(self) -> Hub:
        return Hub(Endpoint.of(self._settings(), os.environ), self._secrets.token)
