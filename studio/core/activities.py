"""What is being done to models: downloads, checks, imports, conversions, removals. One shape for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from studio.core.jobs import Failure


class ActivityKind(StrEnum):
    DOWNLOAD = "download"
    VERIFY = "verify"
    IMPORT = "import"
    CONVERT = "convert"
    RESTORE = "restore"
    REMOVE = "remove"


class ActivityState(StrEnum):
    """`WAITING`: it goes on by itself, after `retry_in` s or when another program has finished the same work.
    `PAUSED`: until the user says so. `FAILED`: `failure` says why; what arrived is kept and `resume` goes on."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    CHECKING = "checking"
    PAUSED = "paused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DONE = "done"


ENDED = (ActivityState.FAILED, ActivityState.CANCELLED, ActivityState.DONE)


@dataclass(frozen=True)
class FileProgress:
    """A file of an activity by its name in the repository; sizes in bytes (`size` 0: unknown)."""

    name: str
    size: int = 0
    done: int = 0
    state: ActivityState = ActivityState.QUEUED


@dataclass(frozen=True)
class Activity:
    """Work on one model, or on several (`model` empty). `done` of `total` bytes (0: unknown), `speed` in bytes per s,
    `seconds_left` and `retry_in` negative while they cannot be told. `note` is a code of `errors.MESSAGES` for a wait
    that needs words. `result` holds what the work found (plain JSON, see `client.models`)."""

    id: str
    kind: ActivityKind
    state: ActivityState
    title: str
    model: str = ""
    medium: str = ""
    done: int = 0
    total: int = 0
    speed: float = 0.0
    seconds_left: float = -1.0
    retry_in: float = -1.0
    note: str = ""
    files: tuple[FileProgress, ...] = ()
    failure: Failure | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Activity:
        values = dict(data)
        values["kind"] = ActivityKind(values["kind"])
        values["state"] = ActivityState(values["state"])
        values["files"] = tuple(
            FileProgress(**{**file, "state": ActivityState(file["state"])}) for file in values.get("files", ())
        )
        if values.get("failure") is not None:
            values["failure"] = Failure(**values["failure"])
        return cls(**values)
