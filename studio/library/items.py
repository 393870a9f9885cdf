"""What the library holds, and what it tells its listeners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.jobs import Medium


@dataclass(frozen=True)
class Item:
    """One result. `created` in seconds since the epoch, `size` in bytes; `metadata` are the family's figures (words,
    tokens, width …); `parents` are ids of items it was made from. `missing`: the file is not where it was."""

    id: str
    job: str
    project: str
    medium: Medium
    title: str
    path: Path
    created: float
    favourite: bool = False
    media_type: str = ""
    size: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    model: str = ""
    family: str = ""
    missing: bool = False


@dataclass(frozen=True)
class Project:
    """A folder of results. `id` is the folder's name and never changes; `name` is what the user calls it. `modified`
    is when the newest result was made (or the project itself), `count` how many results it has."""

    id: str
    name: str
    folder: Path
    created: float
    modified: float
    count: int = 0


@dataclass(frozen=True)
class ItemsAdded:
    items: tuple[Item, ...]


@dataclass(frozen=True)
class ItemsChanged:
    items: tuple[Item, ...]


@dataclass(frozen=True)
class ItemsRemoved:
    ids: tuple[str, ...]


@dataclass(frozen=True)
class ProjectsChanged:
    """A project was created or renamed; ask `Library.projects`."""


Event = ItemsAdded | ItemsChanged | ItemsRemoved | ProjectsChanged
