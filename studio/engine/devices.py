"""The device an engine works on: its name, its memory, and what its faults look like."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from studio.core.protocols import Device

# Kept free when room is made for a model, in bytes: for the work itself and for other programs.
HEADROOM = 512 * 1024 * 1024


class Meter(ABC):
    """One device. Memory in bytes. `limit` (0: none) is what the user allows the engine to hold."""

    def __init__(self, device: Device, limit: int = 0) -> None:
        self.device = device
        self.limit = limit

    @abstractmethod
    def name(self) -> str:
        """As its maker calls it."""

    @abstractmethod
    def memory(self) -> tuple[int, int]:
        """Total and free. Free is what may still be taken without hurting anyone."""

    def held(self) -> int:
        """What loaded models hold now, where the device can tell it; otherwise 0."""
        return 0

    def release(self) -> None:
        """Give back what is no longer used."""
        gc.collect()


class CpuMeter(Meter):
    """The processor and the machine's memory, or what a container leaves of it."""

    def name(self) -> str:
        return _processor()

    def memory(self) -> tuple[int, int]:
        machine = psutil.virtual_memory()
        total, free = machine.total, machine.available
        if limits := _container_memory():
            total, free = min(total, limits[0]), min(free, limits[1])
        return total, free


class CudaMeter(Meter):
    """A CUDA device. Imports torch when it is first asked."""

    def name(self) -> str:
        return _torch().cuda.get_device_name(self.device.index)

    def memory(self) -> tuple[int, int]:
        torch = _torch()
        free, total = torch.cuda.mem_get_info(self.device.index)
        spare = torch.cuda.memory_reserved(self.device.index) - torch.cuda.memory_allocated(self.device.index)
        return total, free + spare

    def held(self) -> int:
        return _torch().cuda.memory_allocated(self.device.index)

    def release(self) -> None:
        super().release()
        _torch().cuda.empty_cache()


class MpsMeter(CpuMeter):
    """Apple's GPU, which shares the machine's memory."""

    def held(self) -> int:
        return _torch().mps.current_allocated_memory()

    def release(self) -> None:
        super().release()
        _torch().mps.empty_cache()


def meter(name: str, limit: int = 0) -> Meter:
    """The meter of "cpu", "cuda:N" or "mps"; `ValueError` for anything else."""
    kind, _colon, index = name.partition(":")
    kinds: dict[str, type[Meter]] = {"cpu": CpuMeter, "cuda": CudaMeter, "mps": MpsMeter}
    if kind not in kinds:
        raise ValueError(f"no device is called {name}")
    return kinds[kind](Device(kind=kind, index=int(index or 0), threads=threads()), limit)


def threads() -> int:
    """Threads for work on the CPU: the physical cores that this process may use."""
    logical = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(logical, psutil.cpu_count(logical=False) or logical))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` is a library's way of saying that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in text for phrase in _OUT_OF_MEMORY)


def is_poisoned(error: BaseException) -> bool:
    """Whether `error` leaves the device useless for the rest of the process."""
    return isinstance(error, RuntimeError) and "cuda error" in str(error).lower() and not is_out_of_memory(error)


_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


def _torch() -> Any:
    import torch

    return torch


@cache
def _processor() -> str:
    try:
        if sys.platform == "linux":
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return platform.processor() or platform.machine()


def _container_memory() -> tuple[int, int] | None:
    """Total and free bytes of this process's control group, if it limits memory."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        cache = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    return int(limit), max(0, int(limit) - used + int(cache.get("inactive_file", 0)))
