"""What a family is, and what it is given. A family's module offers

    SPEC: Family
    def recognises(config: Mapping[str, Any]) -> bool
    def load(files: ModelFiles, device: Device) -> Any        # heavy imports in here
    def run(model: Any, request: Request, ctx: Context) -> list[Artifact]
    def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]
    def estimate(files: ModelFiles, device: Device) -> int    # bytes that a loaded model holds

and, for text, `count_tokens(model, request) -> int`; where fields that are right one by one can be wrong together or
for a model, `verify(request: Request, info: ModelInfo) -> None`, which raises `InvalidInput` before the job is written
down. For models in repositories a family may offer

    def wanted(names: Collection[str]) -> Collection[str]     # those it loads, of a repository that holds `names`
    def expected(size: int, parameters: int, device: Device) -> int   # `estimate` before the files are here

`wanted` gives nothing for a repository that it cannot load as it is (without it the transformers layout is asked for);
`size` in bytes and `parameters` are 0 where they are not known, and so is the answer. `FamilyModule` is that contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from studio.core.errors import InvalidInput
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Param, check_all


@dataclass(frozen=True)
class Family:
    """A family's one declaration. Models of a family without `tasks` do nothing alone: they are added to others (LoRAs,
    ControlNets …). `version` counts changes of the meaning of its params (see `upgrade`);
    `formats` are the suffixes it can write, the usual one first; `deterministic`: same seed, same bytes."""

    id: str
    version: int
    medium: Medium
    title: str
    tasks: tuple[Task, ...]
    params: tuple[Param, ...]
    formats: tuple[str, ...] = ()
    deterministic: bool = True
    libraries: tuple[str, ...] = field(default=())

    def params_for(self, task: Task) -> tuple[Param, ...]:
        return tuple(param for param in self.params if not param.tasks or task in param.tasks)

    def check(self, request: Request) -> Request:
        """`request` with every field checked and filled in; raises `InvalidInput` with words."""
        if request.task not in self.tasks:
            raise InvalidInput("task-unknown", {"task": str(request.task), "choices": list(self.tasks)})
        return Request(**{**vars(request), "params": check_all(self.params_for(request.task), request.params)})


@dataclass(frozen=True)
class Device:
    """Where a model is loaded: `kind` "cpu", "cuda" or "mps", `index` among its kind, `threads` for CPU work,
    `memory` in bytes that may be used."""

    kind: str = "cpu"
    index: int = 0
    threads: int = 1
    memory: int = 0

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.index}" if self.kind == "cuda" else self.kind


@dataclass(frozen=True)
class ModelFiles:
    """A verified model on this disk. `paths` maps a file's name in its repository to where it is; `config` is the
    repository's own configuration (empty where there is none); `context` in tokens if the catalogue limits it."""

    id: str
    family: str
    root: Path
    paths: Mapping[str, Path]
    config: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    title: str = ""
    context: int = 0

    def only(self, suffix: str) -> Path:
        """The single file ending in `suffix`."""
        found = [path for name, path in self.paths.items() if name.endswith(suffix)]
        if len(found) != 1:
            raise FileNotFoundError(f"{self.id}: {len(found)} files end in {suffix}")
        return found[0]


class Context(Protocol):
    """How a running family speaks. Every method is safe to call at any rate: the engine joins and drops."""

    def check_cancel(self) -> None:
        """Raises `Cancelled` if the user stopped the job. Call at every step."""
        ...

    def progress(self, step: int, steps: int) -> None:
        """Step `step` of `steps` is done (steps 0: unknown). Also a sign of life."""
        ...

    def text(self, piece: str) -> None:
        """Newly written text, in order."""
        ...

    def usage(self, **counts: float) -> None:
        """Figures for the status line: prompt_tokens, written_tokens, context_tokens, tokens_per_second …"""
        ...

    def preview(self, data: bytes, media_type: str) -> None:
        """A picture of the work so far; only the newest is kept."""
        ...

    def audio(self, samples: bytes, sample_rate: int, channels: int) -> None:
        """Newly made sound: interleaved float32 little-endian; none is ever dropped."""
        ...

    def segment(self, index: int, start: float, end: float, text: str) -> None:
        """Part `index` of the work is finished: it lies at `start` to `end`, in s, of the sound given to `audio`."""
        ...

    def input(self, role: str) -> Path:
        """Where the input blob of this role is on this machine."""
        ...

    def files(self, model: str) -> ModelFiles:
        """The files of another installed model that works together with the job's own (a LoRA, a ControlNet …). Raises
        `AtelierError` in words for one that is not there."""
        ...

    def write(self, name: str, data: bytes, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        """Keep `data` as a result called `name`, on disk when this returns."""
        ...

    def path(self, name: str) -> Path:
        """Where a result too large for the memory is written piece by piece; `keep` makes it a result."""
        ...

    def keep(self, name: str, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        """Make the file written at `path(name)` a result, on disk when this returns."""
        ...


class FamilyModule(Protocol):
    SPEC: Family

    def recognises(self, config: Mapping[str, Any]) -> bool: ...
    def load(self, files: ModelFiles, device: Device) -> Any: ...
    def run(self, model: Any, request: Request, ctx: Context) -> list[Artifact]: ...
    def upgrade(self, params: dict[str, Any], from_version: int) -> dict[str, Any]: ...
    def estimate(self, files: ModelFiles, device: Device) -> int: ...
