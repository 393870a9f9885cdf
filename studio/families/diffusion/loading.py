"""A pipeline of diffusers from a verified repository on this disk, in the precision that suits the device."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError
from studio.core.protocols import Device, ModelFiles
from studio.families.diffusion import headers, ladder, single_file

_LIBRARIES = ("diffusers", "transformers", "stable_diffusion")
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def is_pipeline(config: Mapping[str, Any], classes: Collection[str]) -> bool:
    """Whether a model_index.json is of one of these pipeline classes, with no part that brings its own code."""
    if config.get("_class_name") not in classes:
        return False
    parts = (value for name, value in config.items() if not name.startswith("_") and isinstance(value, list))
    return all(not part or part[0] is None or part[0] in _LIBRARIES for part in parts)


def precision(device: Device, wanted: str = "auto") -> str:
    """The name of the type that weights are kept in: half precision where the device computes with it."""
    import torch

    if wanted != "auto":
        return wanted
    if device.kind == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device.kind == "mps":
        return "float16"
    return "bfloat16" if torch.cpu._is_amx_tile_supported() else "float32"


def expected_bytes(device: Device) -> int:
    """Bytes of a number, as far as the kind of device says it without asking the device itself."""
    return 4 if device.kind == "cpu" else 2


def bytes_of(precision: str) -> int:
    return _BYTES[precision]


def load(files: ModelFiles, kind: str, precision: str, leave_out: Collection[str], settings: Mapping[str, Any]) -> Any:
    """The pipeline of class `kind` in diffusers, in the machine's memory. Parts in `leave_out` are not loaded. Raises
    `AtelierError("model-not-readable")`; running out of memory passes through."""
    import diffusers
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    diffusers.utils.logging.disable_progress_bar()
    options: dict[str, Any] = {"dtype": getattr(torch, precision), **settings}
    repository: dict[str, Any] = {
        "use_safetensors": True,
        "local_files_only": True,
        "low_cpu_mem_usage": True,
        "variant": headers.variant(files.paths),
    }
    absent = dict.fromkeys(leave_out)
    try:
        if "single_file" in files.config:
            return single_file.load(files, getattr(diffusers, kind), **options, **absent)
        return getattr(diffusers, kind).from_pretrained(folder(files), **options, **repository, **absent)
    except Exception as error:  # a library's many ways of not reading a file
        if ladder.is_out_of_memory(error):
            raise
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, repr(error)) from error


def folder(files: ModelFiles) -> Path:
    """The folder that holds the repository's files."""
    return files.root if files.root.is_dir() else files.root.parent


def config(files: ModelFiles, part: str) -> Mapping[str, Any]:
    """The configuration of a part of the repository, {} where there is none."""
    if "single_file" in files.config:
        return single_file.config(files, part)
    try:
        found = json.loads(files.paths[f"{part}/config.json"].read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def natural_size(files: ModelFiles, denoiser: str = "unet") -> int:
    """The side in px of the square that the model was trained on; 0 where its files do not say it."""
    side = config(files, denoiser).get("sample_size")
    vae = config(files, "vae")
    doublings = len(vae.get("block_out_channels") or vae.get("encoder_block_out_channels") or (1, 2, 3, 4)) - 1
    return int(side) * 2**doublings if isinstance(side, int) and 0 < side <= 1024 else 0
