"""ControlNets of the UNet models, as diffusers keeps them: a config.json and one file of weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from studio.core.i18n import N_
from studio.core.jobs import Medium
from studio.core.protocols import Family, ModelFiles
from studio.families.adding import estimate, expected, load, run, upgrade
from studio.families.diffusion import additions

__all__ = ["SPEC", "describe", "estimate", "expected", "load", "recognises", "run", "upgrade", "wanted"]

SPEC = Family(id="controlnet", version=1, medium=Medium.IMAGE, title=N_("ControlNet"), tasks=(), params=())
_WEIGHTS = ("diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.safetensors")


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is a config.json."""
    return config.get("_class_name") == "ControlNetModel"


def describe(files: ModelFiles) -> dict[str, Any]:
    return {"base": additions.control_base(files.config)}


def wanted(names: Collection[str]) -> tuple[str, ...]:
    weights = [name for name in _WEIGHTS if name in names]
    return ("config.json", weights[0]) if weights and "config.json" in names else ()
