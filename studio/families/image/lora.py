"""LoRAs: small changes of a model, one safetensors file each. Their base is told when they are imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.i18n import N_
from studio.core.jobs import Medium
from studio.core.protocols import Family, ModelFiles
from studio.families.adding import estimate, expected, load, run, upgrade

__all__ = ["SPEC", "describe", "estimate", "expected", "load", "recognises", "run", "upgrade"]

SPEC = Family(id="lora", version=1, medium=Medium.IMAGE, title=N_("LoRA"), tasks=(), params=())


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is what was written beside the file when it was imported."""
    return isinstance(config.get("lora"), str)


def describe(files: ModelFiles) -> dict[str, Any]:
    return {"base": str(files.config["lora"])}
