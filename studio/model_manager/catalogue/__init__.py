"""Which models there are: the starter pack, what the user imported, what lies in the Hugging Face cache and in other
studios' folders, and the known models that can be downloaded.

Nothing is hashed or loaded here, and what was read is kept until the files change, so that listing is cheap. A model
is offered only when its files are complete.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from studio import families
from studio.core import paths
from studio.core.errors import AtelierError, InvalidInput
from studio.core.models import ModelInfo, ModelState
from studio.core.protocols import ModelFiles
from studio.model_manager import starter
from studio.model_manager.catalogue import entries, hub, places, recognising
from studio.model_manager.catalogue.entries import Entry, entry, known_models, wanted_files
from studio.model_manager.catalogue.folders import Folders
from studio.model_manager.catalogue.places import default_hub_cache
from studio.model_manager.catalogue.recognising import Found, Place

__all__ = ["Catalogue", "default_hub_cache", "entry", "known_models", "wanted_files"]


class Catalogue:
    """The models of this computer, and those that could be. `models_dir`, `hub_cache` and `folders` (other studios')
    default to the user's own, the folders to those that are in the settings at the time. Safe from any thread."""

    def __init__(
        self, models_dir: Path | None = None, hub_cache: Path | None = None, folders: Sequence[Path] | None = None
    ) -> None:
        self.models_dir = models_dir or paths.models_dir()
        self.hub_cache = hub_cache or default_hub_cache()
        self._folders = folders
        self._studios = Folders()
        self._lock = threading.Lock()
        self._read: dict[tuple[Any, ...], list[Found]] = {}

    def list(self) -> list[ModelInfo]:
        """Every model: the starter pack first, then imported ones, other studios', the cache's, and last the known
        ones that are not on this computer."""
        return [found.info for found in self.found().values()]

    def files(self, model_id: str) -> ModelFiles:
        """Where the files of an installed model are. Raises `AtelierError`: "model-unknown" (an `InvalidInput`),
        "starter-missing", "starter-damaged", "model-not-installed", or the model's own `problem`."""
        everything = self.found()
        found = everything.get(model_id)
        if found is None:
            choices = [name for name, other in everything.items() if other.files]
            raise InvalidInput("model-unknown", {"model": model_id, "choices": choices})
        if found.files:
            return found.files
        info = found.info
        if info.origin == "starter":
            damaged = info.state is ModelState.DAMAGED
            raise (
                AtelierError("starter-damaged", {"files": [*info.missing]})
                if damaged
                else AtelierError("starter-missing")
            )
        if info.state is ModelState.DAMAGED:
            raise AtelierError("model-files-missing", {"model": info.title, "files": [*info.missing]})
        raise AtelierError(info.problem or "model-not-installed", {"model": info.title})

    def found(self) -> dict[str, Found]:
        """Every model by its id, with where it is; as `list`."""
        with self._lock:
            seen: dict[tuple[Any, ...], list[Found]] = {}
            found: dict[str, Found] = {}
            for key, search in (*self._starter(), *self._imported(), *self._other_studios(), *self._cached()):
                seen[key] = self._read[key] if key in self._read else search()
                for item in seen[key]:
                    found.setdefault(item.info.id, item)
            self._read = seen
            for item in _known():
                found.setdefault(item.info.id, item)
            return found

    def _starter(self) -> Iterator[Place]:
        items = {item.folder: item for item in starter.items()}
        for family_id, known in known_models():
            item = items.get(known.get("starter", ""))
            if item is None:
                continue
            folder = starter.folder_of(item, self.models_dir)
            stamps = tuple(places.stamp(folder / file.name) for file in item.files)
            yield ("starter", known["id"], stamps), partial(self._starter_model, family_id, known, item)

    def _starter_model(self, family_id: str, known: Entry, item: starter.StarterItem) -> list[Found]:
        folder = starter.folder_of(item, self.models_dir)
        wanted = {file.name: folder / file.name for file in item.files}
        sizes = {file.name: places.stamp(wanted[file.name])[1] for file in item.files}
        absent = [name for name, size in sizes.items() if size < 0]
        wrong = [file.name for file in item.files if 0 <= sizes[file.name] != file.size]
        if not absent and not wrong:
            found = recognising.whole(known["id"], folder, wanted, "starter", item.revision, known)
            if found and found.info.family == family_id:
                return [found]
            wrong = [*wanted]
        state = ModelState.DAMAGED if wrong else ModelState.NOT_INSTALLED
        size = sum(file.size for file in item.files)
        info = entries.info_of(None, family_id, known, known["id"], state=state, origin="starter", size=size)
        return [Found(replace(info, missing=tuple(absent + wrong)))]

    def _imported(self) -> Iterator[Place]:
        for kind in ("imported", "converted"):
            for path in places.entries(self.models_dir / kind):
                if path.suffix == ".json":
                    continue
                name = f"{kind}/{path.stem if path.is_file() else path.name}"
                beside = places.stamp(path.with_name(f"{path.stem if path.is_file() else path.name}.json"))
                yield (kind, path, places.stamps(path), beside), partial(_in_place, name, path, "imported")

    def _other_studios(self) -> Iterator[Place]:
        return self._studios.places(_chosen_folders() if self._folders is None else self._folders)

    def _cached(self) -> Iterator[Place]:
        downloads = places.downloads(self.models_dir)
        for repository, folder in places.repositories(self.hub_cache):
            ours = tuple(found for found in downloads if found.repository == repository)
            known = entries.of_repository(repository)
            shown = hub.snapshots(folder, known)
            state = tuple((path, places.stamps(path)) for path in shown.values() if path)
            key = ("hub", folder, state, places.blobs(folder), tuple(map(hub.stamp_of, ours)))
            yield key, partial(hub.models, repository, folder, shown, self.hub_cache, ours)


def _chosen_folders() -> list[Path]:
    """The other studios' folders in the settings. Read here and not through `Settings`, which repairs what it reads."""
    try:
        chosen = json.loads((paths.config_dir() / "settings.json").read_text(encoding="utf-8"))["model_folders"]
        return [Path(each) for each in chosen if isinstance(each, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _in_place(name: str, path: Path, origin: str) -> list[Found]:
    """The models of an imported file or folder, and what of it nothing here can use."""
    listed = places.files_in(path)
    beside = recognising.described(path)
    kind = str(beside.get("kind", ""))
    config = beside.get("config")
    if path.is_dir() and len(listed) == 1 and isinstance(config, dict) and kind in ("checkpoint", "lora"):
        # What was converted: one file in a folder of its own.
        (file,) = listed.values()
        converted = recognising.whole(name, file, listed, origin, known={"config": config})
        found = [converted] if converted else []
    else:
        found = recognising.models_in(name, path, listed, origin)
    groups = dict(recognising.gguf_groups(listed))
    if groups:
        named = {name if path.is_file() else f"{name}/{first}": group for first, group in groups.items()}
        ids = {each.info.id for each in found}
        found += [
            problem
            for model_id, group in named.items()
            if model_id not in ids and (problem := recognising.useless(model_id, group, origin))
        ]
    elif not found:
        problem = recognising.unusable(name, listed, origin) if path.is_dir() else None
        if problem := problem or recognising.useless(name, listed, origin, kind=kind):
            return [problem]
    return found


def _known() -> list[Found]:
    """The known models that can be downloaded, as they are before that."""
    return [
        Found(
            entries.info_of(
                None, family_id, known, known["id"], state=ModelState.NOT_INSTALLED, size=known.get("size", 0)
            )
        )
        for family_id, known in known_models()
        if "starter" not in known and family_id in families.all()
    ]
