"""Pictures that continue at their opposite edge: convolutions that look around the edge while they are drawn."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def seamless(parts: list[Any], axes: str) -> Iterator[None]:
    """Inside the block every convolution of `parts` that pads does so around the edge, along "x", "y" or "both"; ""
    changes nothing. All is as before when the block is left."""
    changed = [module for part in parts for module in part.modules() if axes and _pads(module)]
    for module in changed:
        module._conv_forward = _around(module, axes)
    try:
        yield
    finally:
        for module in changed:
            del module._conv_forward  # the class's own shows again


def _pads(module: Any) -> bool:
    import torch

    return isinstance(module, torch.nn.Conv2d) and not isinstance(module.padding, str) and any(module.padding)


def _around(module: Any, axes: str) -> Any:
    from torch.nn import functional

    down, across = module.padding
    x, y = axes in ("x", "both"), axes in ("y", "both")

    def forward(values: Any, weight: Any, bias: Any) -> Any:
        if x:
            values = functional.pad(values, (across, across, 0, 0), mode="circular")
        if y:
            values = functional.pad(values, (0, 0, down, down), mode="circular")
        zeros = (0 if y else down, 0 if x else across)
        return functional.conv2d(values, weight, bias, module.stride, zeros, module.dilation, module.groups)

    return forward
