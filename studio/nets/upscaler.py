"""RRDBNet, the network of ESRGAN and Real-ESRGAN (Wang et al. 2018, 2021), with basicsr's names of tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

_OLD_NAMES = (
    (r"^model\.0\.", "conv_first."),
    (r"^model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.", r"body.\1.rdb\2.conv\3."),
    (r"^model\.1\.sub\.\d+\.(weight|bias)$", r"conv_body.\1"),
    (r"^model\.3\.", "conv_up1."),
    (r"^model\.6\.", "conv_up2."),
    (r"^model\.8\.", "conv_hr."),
    (r"^model\.10\.", "conv_last."),
)


class _Dense(nn.Module):
    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for number in range(1, 6):
            out = features if number == 5 else growth
            self.add_module(f"conv{number}", nn.Conv2d(features + (number - 1) * growth, out, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        known = [x]
        for number in range(1, 5):
            made = self.get_submodule(f"conv{number}")(torch.cat(known, 1))
            known.append(functional.leaky_relu(made, 0.2))
        return self.get_submodule("conv5")(torch.cat(known, 1)) * 0.2 + x


class _Block(nn.Module):
    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = _Dense(features, growth)
        self.rdb2 = _Dense(features, growth)
        self.rdb3 = _Dense(features, growth)

    def forward(self, x: Tensor) -> Tensor:
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class RRDBNet(nn.Module):
    """Colours of shape (1, 3, height, width) from 0 to 1, enlarged by `scale` (1, 2 or 4)."""

    def __init__(self, scale: int = 4, blocks: int = 23, features: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.scale = scale
        self.shrink = 4 // scale  # smaller scales see the picture in fewer, deeper pixels
        self.conv_first = nn.Conv2d(3 * self.shrink**2, features, 3, 1, 1)
        self.body = nn.Sequential(*(_Block(features, growth) for _number in range(blocks)))
        self.conv_body = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_up1 = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_up2 = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_hr = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_last = nn.Conv2d(features, 3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        odd = (-width % self.shrink, -height % self.shrink)
        if any(odd):
            x = functional.pad(x, (0, odd[0], 0, odd[1]), mode="replicate")
        if self.shrink > 1:
            x = functional.pixel_unshuffle(x, self.shrink)
        x = self.conv_first(x)
        x = x + self.conv_body(self.body(x))
        for layer in (self.conv_up1, self.conv_up2):
            x = functional.leaky_relu(layer(functional.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        x = self.conv_last(functional.leaky_relu(self.conv_hr(x), 0.2))
        return x[..., : height * self.scale, : width * self.scale]


def from_tensors(tensors: Mapping[str, Tensor]) -> RRDBNet:
    """The network that these weights are of, with them in float32. Raises `ValueError` or `RuntimeError` for others."""
    state = {_name(name): tensor.float() for name, tensor in tensors.items()}
    first, growth = state.get("conv_first.weight"), state.get("body.0.rdb1.conv1.weight")
    if first is None or growth is None or first.ndim != 4 or first.shape[1] not in (3, 12, 48):
        raise ValueError("no RRDBNet")
    blocks = {int(match[1]) for name in state if (match := re.match(r"body\.(\d{1,3})\.rdb1\.", name))}
    net = RRDBNet({3: 4, 12: 2, 48: 1}[first.shape[1]], len(blocks), first.shape[0], growth.shape[0])
    net.load_state_dict(state)
    return net.eval()


def _name(name: str) -> str:
    for old, new in _OLD_NAMES:
        name = re.sub(old, new, name)
    return name
