"""A DCGAN generator (Radford et al. 2016): a latent vector grows into a picture, twice as large with every layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

_LATENT, _SIDE, _WIDTH = 4096, 1024, 4096  # the largest that is built


@dataclass(frozen=True)
class Shape:
    """`latent_size` numbers make a picture of `image_size` px a side (8 to 1024, a power of two) with `channels` (1, 3,
    or 4 with alpha); `width`: channels of the last hidden layer, doubled with each layer before it."""

    latent_size: int = 128
    image_size: int = 64
    channels: int = 3
    width: int = 64

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Shape:
        """From a config.json; raises `ValueError` for one that no generator has."""
        values = {name: config.get(name, default) for name, default in asdict(cls()).items()}
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values.values()):
            raise ValueError("a generator's sizes are whole numbers")
        shape = cls(**values)
        power = shape.image_size >= 8 and math.log2(shape.image_size).is_integer()
        if not power or shape.image_size > _SIDE or shape.channels not in (1, 3, 4):
            raise ValueError("no picture of this size")
        if not (0 < shape.latent_size <= _LATENT and shape.width > 0 and shape.widths[0] <= _WIDTH):
            raise ValueError("no generator of this size")
        return shape

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels after each hidden layer, the first one at 4 px a side; none above 1024 unless `width` is."""
        layers = int(math.log2(self.image_size)) - 2
        most = max(1024, self.width)
        return tuple(min(most, self.width << (layers - 1 - layer)) for layer in range(layers))

    def to_config(self) -> dict[str, Any]:
        return {"model_type": "dcgan", **asdict(self)}


class Generator(nn.Module):
    """Latents of shape (n, latent_size), normally distributed, become pictures (n, channels, side, side) from -1 to
    1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        layers: list[nn.Module] = []
        before = shape.latent_size
        for number, width in enumerate(shape.widths):
            step = (1, 0) if number == 0 else (2, 1)
            layers += [nn.ConvTranspose2d(before, width, 4, *step, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)]
            before = width
        layers.append(nn.ConvTranspose2d(before, shape.channels, 4, 2, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> Tensor:
        return torch.tanh(self.layers(latents[..., None, None]))
