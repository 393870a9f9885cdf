"""Running a voice through transformers: the same seed gives the same bytes, a cancel stops between two layers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from studio.core.protocols import Device


@contextlib.contextmanager
def inference(network: Any, device: Device, seed: int, check: Callable[[], None]) -> Iterator[None]:
    """Inference with `seed` that calls `check`, which may raise to stop it, before every layer of `network`; the random
    state outside stays as it is."""
    import torch

    def before(_module: Any, _inputs: Any) -> None:
        check()

    lists = [module for module in network.modules() if type(module).__name__ == "ModuleList"]
    handles = [layer.register_forward_pre_hook(before) for layers in lists for layer in layers]
    devices = [device.index] if device.kind == "cuda" else []
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            yield
    finally:
        for handle in handles:
            handle.remove()


def use_threads(device: Device) -> None:
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    if device.kind == "cpu":
        torch.set_num_threads(max(1, device.threads))
