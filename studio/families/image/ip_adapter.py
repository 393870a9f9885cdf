"""IP-Adapters: a style or a face taken from another picture. Weights, and the encoder that looks at the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.i18n import N_
from studio.core.jobs import Medium
from studio.core.protocols import Family, ModelFiles
from studio.families.adding import estimate, expected, load, run, upgrade
from studio.families.diffusion import additions

__all__ = ["SPEC", "describe", "estimate", "expected", "load", "recognises", "run", "upgrade"]

SPEC = Family(id="ip-adapter", version=1, medium=Medium.IMAGE, title=N_("IP-Adapter"), tasks=(), params=())


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is that of a known model, as their repositories say nothing of themselves."""
    return "ip_adapter" in config


def describe(files: ModelFiles) -> dict[str, Any]:
    return {"base": additions.adapter_base(additions.adapter_file(files))}
