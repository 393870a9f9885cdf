"""What is asked for and what comes back: requests, jobs, blobs and artefacts. All frozen, all plain JSON inside."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any


class Medium(StrEnum):
    IMAGE = "image"
    TEXT = "text"
    MUSIC = "music"
    SPEECH = "speech"
    ANIMATION = "animation"


class Task(StrEnum):
    """What a family can be asked to do. Text: `CONTINUE` goes on from a raw prompt, `INSTRUCT` follows one
    instruction, `CHAT` answers a conversation. Speech: `SPEAK` reads a text aloud. Images: `TEXT_TO_IMAGE` from words,
    `IMAGE_TO_IMAGE` from a picture, `INPAINT` inside a mask (an outpainting is that on a larger canvas), `UPSCALE`
    enlarges, `CUT_OUT` makes the background transparent, `CONTROL_IMAGE` draws what a ControlNet follows (edges …)."""

    CONTINUE = "continue"
    INSTRUCT = "instruct"
    CHAT = "chat"
    SPEAK = "speak"
    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_IMAGE = "image-to-image"
    INPAINT = "inpaint"
    UPSCALE = "upscale"
    CUT_OUT = "cut-out"
    CONTROL_IMAGE = "control-image"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The roles of the inputs that a request for it must have."""
        if self is Task.INPAINT:
            return ("image", "mask")
        made_of_a_picture = (Task.IMAGE_TO_IMAGE, Task.UPSCALE, Task.CUT_OUT, Task.CONTROL_IMAGE)
        return ("image",) if self in made_of_a_picture else ()


class JobState(StrEnum):
    """queued → running → produced → filed, or one of failed, cancelled, interrupted (its owner went away)."""

    QUEUED = "queued"
    RUNNING = "running"
    PRODUCED = "produced"
    FILED = "filed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        return self in (JobState.FILED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Blob:
    """Bytes known by their content: `sha256` in hex, `size` in bytes, `media_type` as in MIME."""

    sha256: str
    size: int
    media_type: str = "application/octet-stream"

    @classmethod
    def of(cls, path: Path, media_type: str = "application/octet-stream") -> Blob:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
        return cls(digest.hexdigest(), path.stat().st_size, media_type)


@dataclass(frozen=True)
class Request:
    """Everything the engine needs for one job, frozen when the user clicks.

    `params` are the family's fields by their ids; `inputs` are blobs by role ("image", "mask", …); `parents` are ids
    of results that this one is made from. `origin` routes the result back ("tab", "document", "part" …): the engine
    passes it through and never reads it. `keep` False asks for no file in the library (a rework of a few words, say):
    the answer is only in the events and in the ending.
    """

    medium: Medium
    family: str
    model: str
    task: Task
    params: Mapping[str, Any]
    inputs: Mapping[str, Blob] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    project: str = ""
    title: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)
    keep: bool = True

    def with_params(self, **params: Any) -> Request:
        return replace(self, params={**self.params, **params})

    def to_json(self) -> dict[str, Any]:
        return {
            "medium": str(self.medium),
            "family": self.family,
            "model": self.model,
            "task": str(self.task),
            "params": dict(self.params),
            "inputs": {role: vars(blob) for role, blob in self.inputs.items()},
            "parents": list(self.parents),
            "project": self.project,
            "title": self.title,
            "origin": dict(self.origin),
            "keep": self.keep,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Request:
        return cls(
            medium=Medium(data["medium"]),
            family=data["family"],
            model=data["model"],
            task=Task(data["task"]),
            params=dict(data["params"]),
            inputs={role: Blob(**blob) for role, blob in data.get("inputs", {}).items()},
            parents=tuple(data.get("parents", ())),
            project=data.get("project", ""),
            title=data.get("title", ""),
            origin=dict(data.get("origin", {})),
            keep=data.get("keep", True),
        )


@dataclass(frozen=True)
class Artifact:
    """One file that a job made. `name` is relative to the job's staging folder; `metadata` is shown in the gallery
    (words, tokens, width, seconds …)."""

    name: str
    blob: Blob
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "blob": vars(self.blob), "metadata": dict(self.metadata)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Artifact:
        return cls(data["name"], Blob(**data["blob"]), dict(data.get("metadata", {})))


@dataclass(frozen=True)
class Failure:
    """A code of `core.errors.MESSAGES` with its arguments; `details` for the fold-out and the log."""

    code: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    details: str = ""


@dataclass(frozen=True)
class Job:
    """A row of the queue. `created` in seconds since the epoch; `position` orders waiting jobs (smaller first)."""

    id: str
    request: Request
    state: JobState = JobState.QUEUED
    created: float = 0.0
    position: float = 0.0
    failure: Failure | None = None
    artifacts: tuple[Artifact, ...] = ()
    seconds: float = 0.0


def new_id() -> str:
    """A fresh id, sortable only by chance: 32 hex digits."""
    return uuid.uuid4().hex
