"""Where a training runs: the processor or a GPU, and the number types that are fast there."""

from __future__ import annotations

import contextlib
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

_MOST_LANES = 4


@dataclass(frozen=True)
class Place:
    """A device, whether bfloat16 is fast on it, and in how many lanes, each a thread of one processor, a batch is
    best worked on."""

    device: torch.device
    bfloat16: bool
    lanes: int = 1

    def autocast(self) -> AbstractContextManager[object]:
        """Matrix products in bfloat16, where that is fast."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.bfloat16 else contextlib.nullcontext()

    def put(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device, non_blocking=True)


def find(name: str = "") -> Place:
    """The device called `name`, or the best there is."""
    if not name:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cpu":
        # One thread for each product: the lanes use the processors, and sums never depend on how many there are.
        torch.set_num_threads(1)
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return Place(device, fast, max(1, min(_MOST_LANES, len(_processors()))))
    return Place(device, device.type == "cuda" and torch.cuda.is_bf16_supported())


def _processors() -> set[int] | range:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
