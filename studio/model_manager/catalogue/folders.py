"""Models in folders that belong to other studios, used in place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from studio import families
from studio.core.errors import AtelierError
from studio.model_manager.catalogue import places, recognising
from studio.model_manager.catalogue.recognising import Found, Place
from studio.model_manager.trust import folders as reader
from studio.model_manager.trust.folders import FolderModel

_FRESH = 60.0  # s for which a walk through a whole folder is believed when nothing is seen to have changed


class Folders:
    """Remembers what it found: a walk through another studio's folder can take long. For one thread at a time."""

    def __init__(self) -> None:
        self._walks: dict[Path, tuple[float, tuple[object, ...], list[FolderModel]]] = {}

    def places(self, roots: Iterable[Path]) -> Iterator[Place]:
        names: set[str] = set()
        for root in roots:
            name, number = root.name or "folder", 1
            while (shown := name if number == 1 else f"{name} {number}") in names:
                number += 1
            names.add(shown)
            for model in self._models(root):
                stamps = tuple((file, places.stamp(path)) for file, path in model.files.items())
                yield ("folder", root, model.name, stamps), _search(f"folder/{shown}/{model.name}", model)

    def _models(self, root: Path) -> list[FolderModel]:
        since, stamps, models = self._walks.get(root, (0.0, (), []))
        if since and time.monotonic() - since < _FRESH and stamps == _stamps(root, models):
            return models
        try:
            models = reader.find(root)
        except (AtelierError, OSError):
            models = []
        self._walks[root] = (time.monotonic(), _stamps(root, models), models)
        return models


def _search(model_id: str, model: FolderModel) -> Callable[[], list[Found]]:
    def search() -> list[Found]:
        if not model.files:
            return []
        fields = {"title": model.name.rpartition("/")[2], "folder": model_id.split("/")[1]}
        files = list(model.files.values())
        path = files[0] if len(files) == 1 else Path(os.path.commonpath([file.parent for file in files]))
        # A single file of tensors says nothing of itself in words; everything else is read here in full.
        known = {"config": model.config} if path.suffix == ".safetensors" and path in files else None
        found = None
        if model.family in families.all():
            found = recognising.whole(model_id, path, model.files, "folder", known=known)
        if found is None or found.files is None:
            useless = recognising.useless(model_id, model.files, "folder", kind=model.kind)
            return [replace(useless, info=replace(useless.info, **fields))] if useless else []
        return [Found(replace(found.info, **fields), replace(found.files, title=fields["title"]))]

    return search


def _stamps(root: Path, models: Iterable[FolderModel]) -> tuple[object, ...]:
    """Changes when something is added to or removed from a folder that holds models, or one above it."""
    inside = {root}
    for model in models:
        for path in model.files.values():
            inside.update(parent for parent in path.parents if root in parent.parents)
    return tuple((path, places.stamp(path)) for path in sorted(inside))
