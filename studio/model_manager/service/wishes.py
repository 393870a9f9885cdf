"""From the name of a model to what has to be fetched for it: which repositories, and which files of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio import families
from studio.core.errors import AtelierError
from studio.core.models import ModelInfo, ModelState
from studio.model_manager import catalogue
from studio.model_manager.catalogue import entries
from studio.model_manager.downloads import plan
from studio.model_manager.downloads.ledger import Source
from studio.model_manager.hub.api import Hub, RemoteModel

_CONFIG_LIMIT = 4 << 20


@dataclass(frozen=True)
class Wish:
    """A model to get. The last of `sources` is its own repository, those before it are what it needs besides."""

    model: str
    title: str
    medium: str
    sources: tuple[Source, ...]
    starter: bool = False

    @property
    def main(self) -> Source:
        return self.sources[-1]


def wish(model: str) -> Wish:
    """What `model` (a catalogue id, "owner/name", "owner/name@revision" or "owner/name/file.gguf") stands for. Raises
    `InvalidInput("hub-missing")`."""
    known_id, _at, revision = model.partition("@")
    if found := catalogue.entry(known_id):
        family_id, known = found
        needs = [plan.source_of(need)[0] for need in known.get("needs", ())]
        main = Source(known["repository"], revision or known.get("revision", "main"))
        medium = str(families.get(family_id).SPEC.medium)
        return Wish(known["id"], known["title"], medium, (*needs, main), "starter" in known)
    source, file = plan.source_of(model)
    return Wish(model, (file or source.repository).rpartition("/")[2], "", (source,))


class HubChooser:
    """Chooses files by the catalogue's entry, else by what the family that recognises the repository wants. With
    `closed` the hub's own short configuration is enough: nothing in a gated repository can be read before its terms
    are accepted."""

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed

    def names(
        self, hub: Hub, model: str, source: Source, remote: RemoteModel, stop: threading.Event | None = None
    ) -> Sequence[str]:
        """See `downloads.job.Chooser`. Raises "hub-not-usable" where no family can load it."""
        names = [file.name for file in remote.files]
        asked = wish(model)
        if source.repository != asked.main.repository:
            return plan.choose(names, source.repository)
        found = catalogue.entry(asked.model)
        file = "" if found else plan.source_of(model)[1]
        if file:
            return plan.choose(names, asked.title, file=file)
        config = remote.config if self._closed else read_config(hub, remote, stop)
        wanted = catalogue.wanted_files(names, config, found[1] if found else None)
        if wanted:
            return plan.choose(names, asked.title, wanted=wanted)
        if not found and families.recognise(config) is None:
            raise AtelierError("hub-not-usable", {"model": asked.title})
        raise AtelierError("hub-no-weights", {"model": asked.title})

    def installed(self, model: str, source: Source) -> str:
        """A GGUF file of a repository that is not in the catalogue is a model of its own."""
        if catalogue.entry(wish(model).model):
            return wish(model).model
        first = next((name for name in source.names if name.endswith(".gguf")), "")
        return f"{source.repository}/{first}" if first else source.repository


def read_config(hub: Hub, remote: RemoteModel, stop: threading.Event | None = None) -> Mapping[str, Any]:
    """The repository's own configuration; {} where it has none that can be read."""
    if not any(file.name == "config.json" for file in remote.files):
        return {}
    try:
        data = json.loads(hub.read(remote.repository, remote.commit, "config.json", _CONFIG_LIMIT, stop=stop))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def family_of(remote: RemoteModel) -> str | None:
    """The family that can probably load a repository, by what a search tells of it."""
    config = remote.config
    if "gguf" in remote.tags or remote.library == "gguf":
        return "gguf" if remote.pipeline in ("", "text-generation") else None
    return families.recognise(config) if config else None


def recognise(hub: Hub, remote: RemoteModel) -> str:
    """The family that can load a repository, by its own configuration. Raises "hub-not-usable" where none can."""
    family_id = family_of(remote) or families.recognise(read_config(hub, remote))
    if family_id is None:
        raise AtelierError("hub-not-usable", {"model": remote.repository})
    return family_id


def info_of(remote: RemoteModel, family_id: str, size: int = 0) -> ModelInfo:
    """A model of the hub that is not in the catalogue, as it is shown before it is here."""
    known = entries.about(family_id, remote.repository)
    info = entries.info_of(
        None,
        family_id,
        known or {"title": remote.repository.rpartition("/")[2], "license": remote.license},
        remote.repository,
        state=ModelState.NOT_INSTALLED,
        origin="hub",
        size=size,
        repository=remote.repository,
    )
    return ModelInfo.from_json({**info.to_json(), "gated": remote.gated})
