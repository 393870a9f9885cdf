"""Depth Anything: how far everything in a picture is, as the grey picture that a depth ControlNet follows (near is
bright).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Integer
from studio.core.protocols import Context, Device, Family, ModelFiles

SPEC = Family(
    id="depth-anything",
    version=1,
    medium=Medium.IMAGE,
    title=N_("Depth Anything"),
    tasks=(Task.CONTROL_IMAGE,),
    params=(
        Integer(
            id="resolution",
            label=N_("Resolution"),
            help=N_("The shorter side at which depth is seen. More shows finer detail and takes longer."),
            default=518,
            minimum=56,
            maximum=2058,
            step=14,
            unit=N_("px"),
            advanced=True,
        ),
    ),
    formats=(".png",),
    libraries=("transformers", "torch"),
)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LONGEST = 4  # times the shorter side; what is longer is seen narrower than it is


def recognises(config: Mapping[str, Any]) -> bool:
    return (
        config.get("model_type") == "depth_anything"
        and config.get("architectures") == ["DepthAnythingForDepthEstimation"]
        and config.get("depth_estimation_type", "relative") == "relative"
    )


class Viewer:
    """A loaded model."""

    def __init__(self, network: Any, device: Device) -> None:
        self._network, self._device = network, device
        self._step = int(network.config.patch_size)

    def depth(self, picture: Any, resolution: int, ctx: Context) -> Any:
        """Grey of 8 bits and the picture's size, the nearest 255, the farthest 0."""
        import numpy as np
        import torch
        from PIL import Image

        from studio.families.torch_voice import inference

        scale = resolution / min(picture.width, picture.height)
        width, height = (self._whole(min(side * scale, resolution * _LONGEST)) for side in picture.image.size)
        seen = picture.over((255, 255, 255)).image.resize((width, height), Image.Resampling.BICUBIC)
        values = (np.asarray(seen, np.float32) / 255 - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
        pixels = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32))
        with inference(self._network, self._device, 0, ctx.check_cancel):
            made = self._network(pixel_values=pixels.to(self._device.id)).predicted_depth[0].float().cpu().numpy()
        low, high = float(made.min()), float(made.max())
        spread = (made - low) / (high - low) if high > low else np.zeros_like(made)
        sized = Image.fromarray(spread.astype(np.float32)).resize(picture.image.size, Image.Resampling.BICUBIC)
        return np.rint(np.clip(np.asarray(sized), 0, 1) * 255).astype(np.uint8)

    def _whole(self, side: float) -> int:
        return max(1, round(side / self._step)) * self._step


def load(files: ModelFiles, device: Device) -> Viewer:
    from transformers import DepthAnythingForDepthEstimation

    from studio.families import torch_voice

    torch_voice.use_threads(device)
    try:
        network = DepthAnythingForDepthEstimation.from_pretrained(
            files.root, local_files_only=True, use_safetensors=True
        )
        network.to(device.id)  # type: ignore[arg-type]
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details=repr(error)) from error
    return Viewer(network.eval(), device)


def run(model: Viewer, request: Request, ctx: Context) -> list[Artifact]:
    import numpy as np

    from studio.media import pictures

    request = SPEC.check(request)
    if "image" not in request.inputs:
        raise InvalidInput("input-missing", {"parameter": "image", "role": "image"})
    picture = pictures.read(ctx.input("image"))
    ctx.check_cancel()
    ctx.progress(0, 1)
    grey = model.depth(picture, request.params["resolution"], ctx)
    made = pictures.Picture(np.repeat(grey[..., None], 3, axis=2))
    shown = {"width": made.width, "height": made.height, "kind": "depth"}
    artifact = ctx.write("image.png", pictures.encode(made), "image/png", shown)
    ctx.progress(1, 1)
    return [artifact]


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: its weights, and working space for one picture."""
    return expected(sum(path.stat().st_size for path in files.paths.values()), 0, device)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`; weights of four bytes."""
    weights = size or 4 * parameters
    return weights + (1 << 30) if weights else 0


def wanted(names: Collection[str]) -> tuple[str, ...]:
    """The configuration and the weights in one file; () where one of them is missing."""
    needed = ("config.json", "model.safetensors")
    if not all(name in names for name in needed):
        return ()
    return (*needed, *(name for name in ("preprocessor_config.json", "LICENSE", "README.md") if name in names))
