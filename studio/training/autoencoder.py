"""The first stage: a small autoencoder between pictures and latents.

Latents are held at mean 0 and deviation 1 per channel while it learns, so that the pipeline's one scaling factor is 1,
and are blurred a little with noise, so that the decoder forgives a denoiser's small errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import nn

from studio.training.device import Place
from studio.training.loop import Batch
from studio.training.recipe import AutoencoderShape

# The share of pictures that are shown in turned colours.
_TURNED = 0.5


def build(shape: AutoencoderShape) -> AutoencoderTiny:
    levels = len(shape.encoder_blocks)
    return AutoencoderTiny(
        latent_channels=shape.latent_channels,
        encoder_block_out_channels=(shape.encoder_channels,) * levels,
        num_encoder_blocks=shape.encoder_blocks,
        decoder_block_out_channels=(shape.decoder_channels,) * levels,
        num_decoder_blocks=shape.decoder_blocks,
    )


class AutoencoderLearner:
    """Learns to give back `pictures` (uint8, count × size × size × 3) through latents, looking at parts of `crop`
    pixels a side (many small parts teach more than few whole pictures). With `only_decoder` the encoder, and so every
    latent already made, stays as it is."""

    def __init__(
        self,
        net: AutoencoderTiny,
        pictures: torch.Tensor,
        crop: int,
        noise: float,
        place: Place,
        only_decoder: bool = False,
    ) -> None:
        self.name = "decoder" if only_decoder else "autoencoder"
        self._net = net.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.nets = nn.ModuleDict({"decoder": net.decoder} if only_decoder else {"net": net})
        self._pictures, self._noise, self._place = pictures, noise, place
        self._crop, self._only_decoder = crop, only_decoder

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        """Square parts of random pictures (uint8), angles to turn their hues by, and noise for their latents."""
        total, size = self._pictures.shape[:2]
        chosen = torch.randint(total, (count,), generator=generator).tolist()
        corners = torch.randint(size - self._crop + 1, (count, 2), generator=generator).tolist()
        parts = [
            self._pictures[index, top : top + self._crop, left : left + self._crop]
            for index, (top, left) in zip(chosen, corners, strict=True)
        ]
        angles = torch.rand(count, generator=generator) * torch.pi * 2
        angles = torch.where(torch.rand(count, generator=generator) < _TURNED, angles, 0.0)
        noise = torch.randn(count, *self._latent(self._crop), generator=generator)
        return torch.stack(parts), angles, noise

    def loss(self, batch: Batch) -> tuple[torch.Tensor, Mapping[str, float]]:
        parts, angles, noise = map(self._place.put, batch)
        pictures = turn_hues(to_unit(parts), angles).contiguous(memory_format=torch.channels_last)
        with self._place.autocast():
            with torch.set_grad_enabled(not self._only_decoder):
                latents = self._net.encoder(pictures)
            again = self._net.decoder(latents + self._noise * noise)
        again, latents = again.float(), latents.float()
        absolute = (again - pictures).abs().mean()
        loss = absolute + coarse(again, pictures) + edges(again, pictures)
        if not self._only_decoder:
            loss = loss + 0.02 * spread(latents)
        error = (again.detach().clamp(-1, 1) - pictures).pow(2).mean() / 4
        return loss, {"psnr": float(-10 * torch.log10(error))}

    def _latent(self, side: int) -> tuple[int, int, int]:
        config = self._net.config
        small = side // 2 ** (len(config["block_out_channels"]) - 1)
        return config["latent_channels"], small, small


def reconstruction(net: AutoencoderTiny, pictures: torch.Tensor, place: Place, check: Callable[[], None]) -> float:
    """The mean PSNR, in dB, of `pictures` through latents and back."""
    ratios = []
    with torch.inference_mode():
        for some in pictures.split(32):
            check()
            inputs = place.put(to_unit(some)).contiguous(memory_format=torch.channels_last)
            again = net.decoder(net.encoder(inputs)).clamp(-1, 1)
            ratios.append(-10 * torch.log10((again - inputs).pow(2).mean((1, 2, 3)) / 4 + 1e-10))
    return float(torch.cat(ratios).mean())


def to_unit(pictures: torch.Tensor) -> torch.Tensor:
    """uint8, count × height × width × 3 → float from −1 to 1, count × 3 × height × width."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1.0


def coarse(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The difference of both pictures seen from afar: at a half, a quarter and an eighth of their size."""
    difference, total = one - other, torch.zeros((), device=one.device)
    for _level in range(3):
        difference = F.avg_pool2d(difference, 2)
        total = total + difference.abs().mean() / 3
    return total


def edges(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The difference of both pictures' slopes."""
    difference = one - other
    across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    return across + down


def spread(latents: torch.Tensor) -> torch.Tensor:
    """How far latents are from mean 0 and deviation 1 per channel, and from staying below 3."""
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    return mean.pow(2).mean() + (deviation - 1).pow(2).mean() + F.relu(latents.abs() - 3).pow(2).mean()


def turn_hues(pictures: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn the colours of each picture (from −1 to 1) round the gray axis by its angle in radians."""
    cosine, sine = angles.cos(), angles.sin()
    plain = (1 - cosine) / 3
    side = sine / 3**0.5
    same, after, before = plain + cosine, plain - side, plain + side
    rows = torch.stack([same, after, before, before, same, after, after, before, same], 1).view(-1, 3, 3)
    return torch.einsum("nij,njhw->nihw", rows, pictures).clamp(-1, 1)
