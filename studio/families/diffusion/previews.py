"""What a picture will look like, straight from its latents: a linear map from their channels to colours.

A VAE's latents are nearly a small picture whose colours a matrix can give back. For well-known VAEs the matrix is a
table (as published by those who fitted it on their decoders); for any other it is fitted on the decoder itself, once,
on patches of one latent colour each.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

from studio.core.protocols import Context

LARGEST = 256  # px
INTERVAL = 0.25  # s between two previews
_QUALITY = 80
_PATCHES = 12  # on a side
_PATCH = 32  # px

Factors = Sequence[Sequence[float]]  # one row of red, green and blue for each channel, the last row is added

STABLE_DIFFUSION: Factors = (
    (0.3512, 0.2297, 0.3227),
    (0.3250, 0.4974, 0.2350),
    (-0.2829, 0.1762, 0.2721),
    (-0.2120, -0.2616, -0.7177),
    (0.0, 0.0, 0.0),
)
STABLE_DIFFUSION_XL: Factors = (
    (0.3651, 0.4232, 0.4341),
    (-0.2533, -0.0042, 0.1068),
    (0.1076, 0.1111, -0.0362),
    (-0.3165, -0.2492, -0.2188),
    (0.1084, -0.0175, -0.0011),
)


class Previews:
    """Sends at most four pictures a second to `ctx`. `factors` is asked for the matrix when it is first needed."""

    def __init__(self, ctx: Context, factors: Callable[[], Any]) -> None:
        self._ctx, self._factors = ctx, factors
        self._next = time.monotonic() + INTERVAL

    def show(self, latents: Any, pipeline: Any = None, width: int = 0, height: int = 0) -> None:
        """`latents` of shape (1, channels, height, width), as the decoder's scaling expects them; of a film, its first
        picture. `pipeline` unpacks those that it has laid in a row, of a picture of `width` × `height` px."""
        if time.monotonic() < self._next:
            return
        if latents.ndim == 3:
            latents = pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor)
        if latents.ndim == 5:
            latents = latents[:, :, 0]
        factors = self._factors()
        if factors is not None:
            self._ctx.preview(as_jpeg(latents, factors), "image/jpeg")
        self._next = time.monotonic() + INTERVAL


def as_jpeg(latents: Any, factors: Any) -> bytes:
    import torch
    from PIL import Image

    table = torch.as_tensor(factors, dtype=torch.float32)
    with torch.no_grad():
        colours = torch.einsum("chw,cr->hwr", latents[0].detach().float().cpu(), table[:-1]) + table[-1]
        pixels = ((colours + 1) * 127.5).nan_to_num(0.0).clamp(0, 255).to(torch.uint8).numpy()
    picture = Image.fromarray(pixels, "RGB")
    scale = LARGEST / max(picture.size)
    picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def fitted(vae: Any) -> Any:
    """The matrix for this VAE, of shape (channels + 1, 3), by least squares."""
    import torch

    channels = int(getattr(vae.config, "latent_channels", 0) or vae.config.z_dim)
    parameter = next(vae.parameters())
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn((1, channels, _PATCHES, _PATCHES), generator=generator)
    repeat = max(1, _PATCH // getattr(vae, "spatial_compression_ratio", 8))
    latents = patches.repeat_interleave(repeat, -1).repeat_interleave(repeat, -2)
    scaled = _as_decoded(vae, latents).to(parameter.device, parameter.dtype)
    with torch.no_grad():
        picture = vae.decode(scaled, return_dict=False)[0].float().cpu()
    picture = picture[:, :, 0] if picture.ndim == 5 else picture
    colours = torch.nn.functional.adaptive_avg_pool2d(picture, _PATCHES)[0].flatten(1).T
    known = torch.cat([patches[0].flatten(1).T, torch.ones(_PATCHES**2, 1)], 1)
    return torch.linalg.lstsq(known, colours).solution


def _as_decoded(vae: Any, latents: Any) -> Any:
    """Latents as they are drawn, in the scale in which this decoder takes them; as a film of one picture for one that
    makes films."""
    import torch

    if deviations := getattr(vae.config, "latents_std", None):
        scale, shift = (torch.tensor(row).view(1, -1, 1, 1) for row in (deviations, vae.config.latents_mean))
        latents = latents * scale + shift
    else:
        latents = latents / vae.config.scaling_factor + (getattr(vae.config, "shift_factor", None) or 0.0)
    return latents.unsqueeze(2) if any(weight.ndim == 5 for weight in vae.parameters()) else latents
