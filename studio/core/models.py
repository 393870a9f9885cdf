"""What the engine says of models and devices. The user interface asks the client for these, never the local machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from studio.core.jobs import Medium, Task


class ModelState(StrEnum):
    """`PARTIAL`: some of its files arrived, and a download can go on from there."""

    INSTALLED = "installed"
    LOADED = "loaded"
    NOT_INSTALLED = "not-installed"
    PARTIAL = "partial"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Voice:
    """A voice that a model speaks with. `name` is a proper name; `languages` are BCP 47 codes, its own first; `gender`
    is "female", "male" or ""; `character` is marked with `N_` and translated where it is shown."""

    id: str
    name: str
    languages: tuple[str, ...] = ()
    gender: str = ""
    character: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Voice:
        return cls(**{**data, "languages": tuple(data.get("languages", ()))})


@dataclass(frozen=True)
class ModelInfo:
    """A model as the picker shows it. Sizes in bytes (0: unknown); `context` in tokens (0: not a text model);
    `languages` are BCP 47 codes; `origin` is "starter", "hub", "imported" or "folder" (another studio's, used in
    place); `voices` has the usual one first (empty: not a speech model); `blends`: two of them can be mixed.
    `license` is an id of `licences.terms`; `gated`: its licence must be accepted on the hub first; `update` is the
    newer commit that the hub has (empty: none known). `memory_gpu` is what it needs on a graphics card (0: the same as
    `memory`). `base` is the architecture that an addition (a LoRA, a ControlNet …: a model without tasks) was made for,
    "" where that is not known. `problem` is a code of `errors.MESSAGES`: why what lies on this computer cannot be used
    as it is; `family` can be "" then. `folder` is the name of the other studio's folder that it lies in."""

    id: str
    family: str
    medium: Medium
    title: str
    tasks: tuple[Task, ...]
    state: ModelState
    origin: str = ""
    languages: tuple[str, ...] = ()
    license: str = ""
    description: str = ""
    size: int = 0
    memory: int = 0
    context: int = 0
    revision: str = ""
    repository: str = ""
    missing: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    voices: tuple[Voice, ...] = ()
    blends: bool = False
    gated: bool = False
    update: str = ""
    memory_gpu: int = 0
    problem: str = ""
    base: str = ""
    folder: str = ""

    @property
    def usable(self) -> bool:
        return self.state in (ModelState.INSTALLED, ModelState.LOADED)

    @property
    def here(self) -> bool:
        """Whether something of it takes space on this computer, so that it can be removed if it is ours."""
        left = self.state in (ModelState.PARTIAL, ModelState.DAMAGED)
        return self.usable or left or bool(self.problem and self.origin)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModelInfo:
        values = dict(data)
        values["medium"] = Medium(values["medium"])
        values["state"] = ModelState(values["state"])
        values["tasks"] = tuple(Task(task) for task in values["tasks"])
        for name in ("languages", "missing"):
            values[name] = tuple(values.get(name, ()))
        values["voices"] = tuple(Voice.from_json(voice) for voice in values.get("voices", ()))
        return cls(**values)


@dataclass(frozen=True)
class LoadedModel:
    """A model that is resident now, with the memory it holds in bytes."""

    id: str
    title: str
    medium: Medium
    memory: int


@dataclass(frozen=True)
class DeviceStatus:
    """A device of the engine: `kind` is "cpu", "cuda" or "mps"; memory in bytes. `used` counts the whole machine's
    use; `loaded` is what the engine itself keeps."""

    id: str
    kind: str
    name: str
    memory_total: int
    memory_used: int = 0
    loaded: tuple[LoadedModel, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DeviceStatus:
        values = dict(data)
        values["loaded"] = tuple(
            LoadedModel(item["id"], item["title"], Medium(item["medium"]), item["memory"])
            for item in values.get("loaded", ())
        )
        return cls(**values)
