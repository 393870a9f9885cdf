"""What families of additions share: they are never run alone, and are loaded by the model that they are added to."""

from __future__ import annotations

from typing import Any

from studio.core.errors import InvalidInput
from studio.core.jobs import Artifact, Request
from studio.core.protocols import Context, Device, ModelFiles


def load(files: ModelFiles, device: Device) -> Any:
    raise InvalidInput("addition-alone", {"parameter": "model", "name": files.title or files.id})


def run(model: Any, request: Request, ctx: Context) -> list[Artifact]:
    raise InvalidInput("addition-alone", {"parameter": "model", "name": request.model})


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that it adds to a model, in the precision that suits the device."""
    stored = sum(path.stat().st_size for name, path in files.paths.items() if name.endswith(".safetensors"))
    return stored * (2 if device.kind == "cpu" else 1)


def expected(size: int, parameters: int, device: Device) -> int:
    return (size or 2 * parameters) * (2 if device.kind == "cpu" else 1)
