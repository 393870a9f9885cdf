"""The second stage: a UNet that learns to take noise out of latents, led by words.

Zero terminal signal-to-noise, so that a ground can be quite white; v-prediction. Words reach the net twice: as tokens
by cross-attention where the picture is small, and as one pooled vector in every block (`addition_embed_type="text"`),
which the plain Stable Diffusion pipeline serves without being told.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import nn

from studio.training.device import Place
from studio.training.examples import Examples
from studio.training.loop import Batch
from studio.training.recipe import DenoiserShape, Recipe

# Above this ratio of signal to noise a step counts less: what it could teach is noise.
_MOST_SIGNAL = 5.0


def build(shape: DenoiserShape, latent_channels: int, latent_size: int, text_width: int) -> UNet2DConditionModel:
    down = tuple("CrossAttnDownBlock2D" if reads else "DownBlock2D" for reads in shape.attention)
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=shape.channels,
        down_block_types=down,  # type: ignore[arg-type]
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),  # type: ignore[arg-type]
        layers_per_block=shape.blocks,
        attention_head_dim=shape.heads,  # which this class reads as the number of heads
        cross_attention_dim=text_width,
        addition_embed_type="text",
        addition_embed_type_num_heads=shape.heads,
        resnet_time_scale_shift="scale_shift",
    )


def scheduler() -> DDIMScheduler:
    """The noise that the denoiser learns on, and the way the pipeline takes it out again."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        set_alpha_to_one=True,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


class DenoiserLearner:
    """Learns from `latents` (examples × channels × height × width) and `words` (captions × tokens × width)."""

    name = "denoiser"

    def __init__(
        self,
        net: UNet2DConditionModel,
        examples: Examples,
        latents: torch.Tensor,
        words: np.ndarray,
        recipe: Recipe,
        place: Place,
    ) -> None:
        self._net = net.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if place.device.type == "cpu":
            # On so few tokens the fused attention's way back is 20 times slower than plain matrix products.
            self._net.set_attn_processor(AttnProcessor())
        self.nets = nn.ModuleDict({"net": net})
        self._examples, self._latents, self._words = examples, latents, words
        self._dropout, self._place = recipe.dropout, place
        self._painted = recipe.painted if len(examples.examples) > examples.plain else 0.0
        self._signal = place.put(scheduler().alphas_cumprod)

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        """Latents, noise, times and words."""
        chosen, captions = self._choose(count, generator)
        latents = self._latents[chosen]
        noise = torch.randn(latents.shape, generator=generator)
        # One time from each of `count` equal parts, steadier than independent ones, in any order.
        share = torch.rand(count, generator=generator) + torch.randperm(count, generator=generator)
        times = (share / count * len(self._signal)).long().clamp(max=len(self._signal) - 1)
        return latents, noise, times, torch.from_numpy(self._words[captions])

    def loss(self, batch: Batch) -> tuple[torch.Tensor, Mapping[str, float]]:
        latents, noise, times, words = map(self._place.put, batch)
        signal = self._signal[times][:, None, None, None]
        noisy = signal.sqrt() * latents + (1 - signal).sqrt() * noise
        wanted = signal.sqrt() * noise - (1 - signal).sqrt() * latents
        weight = (_MOST_SIGNAL * (1 - signal)).clamp(max=1.0)
        with self._place.autocast():
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            found = self._net(noisy, times, words.float(), return_dict=False)[0]
        error = (found.float() - wanted).pow(2)
        return (weight * error).mean(), {"plain": float(error.detach().mean())}

    def _choose(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, np.ndarray]:
        """Examples, ordinary and painted ones in their shares, and a caption of each or the empty one."""
        plain, total = self._examples.plain, len(self._examples.examples)
        chosen = torch.randint(plain, (count,), generator=generator)
        painted = torch.randint(plain, max(total, plain + 1), (count,), generator=generator)
        is_painted = torch.rand(count, generator=generator) < self._painted
        chosen = torch.where(is_painted, painted, chosen)
        which = torch.rand(count, generator=generator)
        empty = torch.rand(count, generator=generator) < self._dropout
        captions = [
            0 if nothing else self._examples.examples[index].captions[int(part * len(own))]
            for index, part, nothing in zip(chosen.tolist(), which.tolist(), empty.tolist(), strict=True)
            for own in [self._examples.examples[index].captions]
        ]
        return chosen, np.array(captions)
