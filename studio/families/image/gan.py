"""GAN generators: a picture from nothing but a latent vector, drawn by a seed. Near latents give near pictures, so that
one picture can be walked into another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from studio.core.errors import AtelierError
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import SEED_MAX, Integer, Number, Seed
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import picturing_params as fields

SPEC = Family(
    id="gan",
    version=1,
    medium=Medium.IMAGE,
    title=N_("GAN generator"),
    tasks=(Task.TEXT_TO_IMAGE,),
    params=(
        fields.NUM_IMAGES,
        Number(
            id="truncation",
            label=N_("Truncation"),
            help=N_("Low keeps to what is typical, high dares more. 0 is the one most typical picture."),
            default=1.0,
            maximum=2.0,
        ),
        Integer(
            id="walk_frames",
            label=N_("Walk: pictures"),
            help=N_("As many pictures on the way from this seed to the walk’s seed. 0 makes no walk."),
            maximum=240,
            advanced=True,
        ),
        Seed(id="walk_seed", label=N_("Walk: seed"), help=N_("Where the walk ends."), default=0),
        Seed(),
    ),
    formats=(".png",),
    libraries=("torch", "safetensors"),
)


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is a config.json with the sizes that `nets.generator.Shape` names."""
    return config.get("model_type") == "dcgan"


class Painter:
    """A loaded generator."""

    def __init__(self, network: Any, device: Device) -> None:
        self.shape = network.shape
        self._network, self._device = network, device

    def latent(self, seed: int, truncation: float) -> Any:
        """The latent vector of a seed, the same on every device: normally distributed, shortened by `truncation`."""
        import torch

        drawn = torch.randn(self.shape.latent_size, generator=torch.Generator().manual_seed(seed))
        return drawn * truncation

    def draw(self, latent: Any) -> Any:
        """The picture of a latent vector, of Pillow's."""
        import numpy as np
        import torch
        from PIL import Image

        with torch.inference_mode():
            made = self._network(latent[None].to(self._device.id))[0].float().cpu().numpy()
        pixels = np.rint((made.transpose(1, 2, 0) + 1) * 127.5).clip(0, 255).astype(np.uint8)
        return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def load(files: ModelFiles, device: Device) -> Painter:
    import torch
    from safetensors.torch import load_file

    from studio.nets.generator import Generator, Shape

    if device.kind == "cpu":
        torch.set_num_threads(max(1, device.threads))
    try:
        network = Generator(Shape.of(files.config))
        network.load_state_dict(load_file(files.only(".safetensors")))
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details=repr(error)) from error
    return Painter(network.float().eval().to(torch.device(device.id)), device)


def run(model: Painter, request: Request, ctx: Context) -> list[Artifact]:
    from studio.media import pictures

    params = SPEC.check(request).params
    seed = params["seed"] or 0
    frames = params["walk_frames"]
    if frames:
        first, last = (model.latent(each, params["truncation"]) for each in (seed, params["walk_seed"] or 0))
        latents = [(seed, latent) for latent in walk(first, last, frames)]
    else:
        seeds = [(seed + index) % (SEED_MAX + 1) for index in range(params["num_images"])]
        latents = [(each, model.latent(each, params["truncation"])) for each in seeds]
    artifacts = []
    for number, (its_seed, latent) in enumerate(latents, 1):
        ctx.check_cancel()
        picture = pictures.Picture.of(model.draw(latent))
        side = model.shape.image_size
        shown: dict[str, Any] = {"width": side, "height": side, "seed": its_seed}
        if frames:
            shown |= {"walk_seed": params["walk_seed"] or 0, "frame": number}
        name = "image.png" if len(latents) == 1 else f"image-{number:03}.png"
        artifacts.append(ctx.write(name, pictures.encode(picture), "image/png", shown))
        ctx.preview(pictures.preview(picture), "image/jpeg")
        ctx.progress(number, len(latents))
    return artifacts


def walk(first: Any, last: Any, frames: int) -> list[Any]:
    """`frames` latents from `first` to `last`, both included, on the arc between them: on the straight line they would
    become shorter than any that the generator was trained on."""
    import torch

    lengths = first.norm(), last.norm()
    angle = torch.arccos(((first * last).sum() / (lengths[0] * lengths[1])).clamp(-1, 1))
    shares = [step / max(1, frames - 1) for step in range(frames)]
    if not torch.sin(angle) > 1e-4:  # the same direction, opposite ones or none
        return [first + (last - first) * share for share in shares]
    return [
        (torch.sin((1 - share) * angle) * first / lengths[0] + torch.sin(share * angle) * last / lengths[1])
        / torch.sin(angle)
        * (lengths[0] + (lengths[1] - lengths[0]) * share)
        for share in shares
    ]


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: its weights as float32, and working space."""
    return expected(sum(path.stat().st_size for path in files.paths.values()), 0, device)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`."""
    weights = size or 4 * parameters
    return 2 * weights + (128 << 20) if weights else 0


def wanted(names: Collection[str]) -> tuple[str, ...]:
    """The configuration and the one file of weights; () where one of them is missing."""
    weights = [name for name in names if name.endswith(".safetensors")]
    if "config.json" not in names or len(weights) != 1:
        return ()
    return ("config.json", *weights, *(name for name in ("LICENSE", "README.md") if name in names))
