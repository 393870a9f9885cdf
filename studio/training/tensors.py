"""Tensors and arrays in files, written in one step."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from studio.core.errors import from_os_error
from studio.core.files import sync_file


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Replace `path`, so that a kill leaves the old file or the new one. Raises `AtelierError` in words."""
    part = path.with_suffix(".part")
    try:
        save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, part, dict(metadata))
        sync_file(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise from_os_error(error, path) from error
    except SafetensorError as error:
        part.unlink(missing_ok=True)
        number = re.search(r"os error (\d+)", str(error))
        raise from_os_error(OSError(int(number.group(1)) if number else 0, str(error)), path) from error


def write_array(path: Path, array: np.ndarray) -> None:
    """Replace `path` by a NumPy file. Raises `AtelierError` in words."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as stream:
            np.save(stream, array)
        sync_file(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise from_os_error(error, path) from error
