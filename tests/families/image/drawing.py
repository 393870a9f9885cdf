"""What tests of families that draw need: a context with pictures in it, and a loaded tiny model of each kind."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from studio import families
from studio.core.jobs import Artifact, Blob, Request, Task
from studio.core.protocols import Device, FamilyModule, ModelFiles
from tests.families.recorder import Recorder

DEVICE = Device("cpu", 0, 1, 4 << 30)
SIDE = 64  # px
PROMPT = "a red apple"


class Easel(Recorder):
    """A context with inputs; keeps previews. `cancel_at`: the number of progress reports after which the job is
    cancelled."""

    def __init__(
        self,
        folder: Path,
        inputs: dict[str, bytes] | None = None,
        cancel_at: int = -1,
        models: tuple[ModelFiles, ...] = (),
    ) -> None:
        super().__init__(folder)
        self._models = {files.id: files for files in models}
        self.previews: list[bytes] = []
        self._cancel_at = cancel_at
        self._inputs = folder / "inputs"
        self._inputs.mkdir(exist_ok=True)
        for role, data in (inputs or {}).items():
            (self._inputs / role).write_bytes(data)

    def check_cancel(self) -> None:
        self.cancelled = float(0 <= self._cancel_at <= len(self.steps))
        super().check_cancel()

    def preview(self, data: bytes, media_type: str) -> None:
        assert media_type in ("image/jpeg", "image/png")
        self.previews.append(data)

    def files(self, model: str) -> ModelFiles:
        return self._models[model]

    def input(self, role: str) -> Path:
        return self._inputs / role

    def picture(self, index: int = 0) -> Image.Image:
        """A picture that was made, in memory."""
        return Image.open(io.BytesIO((self.folder / self.artifacts[index].name).read_bytes())).convert("RGB")


@dataclass(frozen=True)
class Loaded:
    family: FamilyModule
    files: ModelFiles
    model: Any
    own: dict[str, Any] = field(default_factory=dict)  # params that this model needs to be tiny

    def request(self, task: Task, inputs: dict[str, bytes] | None = None, **params: Any) -> Request:
        spec = self.family.SPEC
        known = {param.id for param in spec.params_for(task)}
        small = {"width": SIDE, "height": SIDE, "num_inference_steps": 2, "seed": 11, "prompt": PROMPT, **self.own}
        values = {**{name: value for name, value in small.items() if name in known}, **params}
        blobs = {role: Blob(hashlib.sha256(data).hexdigest(), len(data)) for role, data in (inputs or {}).items()}
        return Request(spec.medium, spec.id, self.files.id, task, values, blobs)

    def draw(
        self, folder: Path, task: Task = Task.TEXT_TO_IMAGE, inputs: dict[str, bytes] | None = None, **params: Any
    ) -> tuple[Easel, list[Artifact]]:
        given = needed(task) if inputs is None else inputs
        ctx = Easel(folder, given)
        return ctx, self.family.run(self.model, self.request(task, given, **params), ctx)


def load(files: ModelFiles, device: Device = DEVICE, **own: Any) -> Loaded:
    family = families.get(files.family)
    return Loaded(family, files, family.load(files, device), own)


def needed(task: Task, side: int = SIDE) -> dict[str, bytes]:
    """The inputs that a task asks for."""
    given: dict[str, bytes] = {}
    if task in (Task.IMAGE_TO_IMAGE, Task.INPAINT):
        given["image"] = as_png(gradient(side, side))
    if task == Task.INPAINT:
        given["mask"] = as_png(half_mask(side, side))
    return given


def gradient(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), np.full_like(x, 90)], -1)
    return Image.fromarray(pixels.astype(np.uint8))


def half_mask(width: int, height: int) -> Image.Image:
    """White on the right half."""
    mask = Image.new("L", (width, height), 0)
    mask.paste(255, (width // 2, 0, width, height))
    return mask


def as_png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
