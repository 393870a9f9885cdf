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
from studio.core.seeking import address
from studio.families import gguf_file, repositories
from studio.model_manager import catalogue
from studio.model_manager.catalogue import entries
from studio.model_manager.downloads import plan
from studio.model_manager.downloads.ledger import Source
from studio.model_manager.hub.api import Hub, RemoteFile, RemoteModel

_CONFIG_LIMIT = 4 << 20
_HEADER = 256 << 10  # bytes of a GGUF file: enough for what says whether it can be used


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
    """What `model` (a catalogue id, "owner/name", "owner/name@revision", "owner/name/file.gguf" or the address of a
    page on the hub) stands for. Raises `InvalidInput("hub-missing")`."""
    model = address(model) if "://" in model else model
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
        chosen = self._names(hub, model, source, remote, stop)
        if not self._closed:
            _check_gguf(hub, remote, chosen, stop)
        return chosen

    def _names(
        self, hub: Hub, model: str, source: Source, remote: RemoteModel, stop: threading.Event | None
    ) -> Sequence[str]:
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


def _check_gguf(hub: Hub, remote: RemoteModel, names: Sequence[str], stop: threading.Event | None) -> None:
    """Raises "hub-not-usable" where the beginning of the GGUF file among `names` says that no family can load it."""
    first = next((file for file in remote.files if file.name in names and file.name.endswith(".gguf")), None)
    if first is None:
        return
    data = hub.start(remote.repository, remote.commit, first.name, _HEADER, stop=stop)
    try:
        metadata, whole = gguf_file.beginning(data)
    except gguf_file.Malformed as error:
        raise AtelierError("hub-not-usable", {"model": first.name}, f"GGUF: {error}") from error
    if (whole or first.size <= len(data)) and families.recognise(metadata) is None:
        details = f"GGUF of {metadata.get('general.architecture')} without tokenizer or context"
        raise AtelierError("hub-not-usable", {"model": first.name}, details)


def gguf_choice(remote: RemoteModel, files: Sequence[RemoteFile]) -> tuple[str, list[dict[str, Any]]]:
    """The GGUF file among `files`, "" if none is, and the other models of its repository with their ids and sizes."""
    taken = next((file.name for file in files if file.name.endswith(".gguf")), "")
    sizes = {file.name: file.size for file in remote.files}
    others = [parts for parts in repositories.gguf_models(sizes) if taken and taken not in parts]
    return taken, [
        {"model": f"{remote.repository}/{parts[0]}", "size": sum(sizes[part] for part in parts)} for parts in others
    ]


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
    names = [file.name for file in remote.files] or remote.names
    if "gguf" in remote.tags or remote.library == "gguf":
        fits = remote.pipeline in ("", "text-generation") and (not names or repositories.gguf_files(names))
        return "gguf" if fits else None
    family_id = families.recognise(config) if config else None
    if family_id and names and not entries.of_family(family_id, names):
        return None  # its weights are of a kind that can run code, or something is missing
    return family_id


def recognise(hub: Hub, remote: RemoteModel) -> str:
    """The family that can load a repository, by its own configuration. Raises "hub-not-usable" where none can."""
    family_id = family_of(remote) or families.recognise(read_config(hub, remote))
    if family_id is None:
        raise AtelierError("hub-not-usable", {"model": remote.repository})
    return family_id


def info_of(remote: RemoteModel, family_id: str, size: int = 0) -> ModelInfo:
    """A model of the hub that is not in the catalogue, as it is shown before it is here: of several GGUF files the one
    that is taken, so that it has one id and title all along."""
    names = [file.name for file in remote.files] or remote.names
    file = next(iter(repositories.gguf_files(names)), "") if family_id == "gguf" else ""
    model_id = f"{remote.repository}/{file}" if file else remote.repository
    known = entries.about(family_id, remote.repository)
    info = entries.info_of(
        None,
        family_id,
        known or {"title": model_id.rpartition("/")[2], "license": remote.license},
        model_id,
        state=ModelState.NOT_INSTALLED,
        origin="hub",
        size=size,
        repository=remote.repository,
    )
    return ModelInfo.from_json({**info.to_json(), "gated": remote.gated})
