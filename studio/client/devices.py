"""Which device an engine is started on, found without importing anything heavy."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import platform
import re
import shutil
import sys
from pathlib import Path


def default_device() -> str:
    """ "cuda:0", "mps" or "cpu": the best that this computer and the installed libraries can use. `ATELIER_DEVICE`
    overrides it."""
    if chosen := os.environ.get("ATELIER_DEVICE"):
        return chosen
    if has_nvidia_gpu() and torch_cuda():
        return "cuda:0"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    return "cpu"


def has_nvidia_gpu() -> bool:
    """Whether the driver of an NVIDIA GPU is at work."""
    if sys.platform == "linux":
        return any(Path("/proc/driver/nvidia/gpus").glob("*")) or Path("/dev/nvidia0").exists()
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None or shutil.which("nvidia-smi") is not None
    return False


def torch_cuda() -> str:
    """The CUDA version that the installed torch was built for; "" if it cannot use one."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.origin:
        return ""
    try:
        source = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"^cuda\b[^=]*=\s*['\"]([^'\"]+)['\"]", source, re.MULTILINE)
    return found[1] if found else ""
