"""ViTPose: how a person stands, as the coloured skeleton that a pose ControlNet follows.

One person for each picture: whoever fills it, or is inside the mask. Finding several people by themselves takes a
detector beside it, which is another model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Number
from studio.core.protocols import Context, Device, Family, ModelFiles

SPEC = Family(
    id="vitpose",
    version=1,
    medium=Medium.IMAGE,
    title=N_("ViTPose"),
    tasks=(Task.CONTROL_IMAGE,),
    params=(
        Number(
            id="threshold",
            label=N_("Certainty"),
            help=N_("Joints that are seen less surely than this are left out."),
            default=0.3,
            minimum=0.01,
            advanced=True,
        ),
    ),
    formats=(".png",),
    libraries=("transformers", "torch"),
)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WIDTH, _HEIGHT = 192, 256  # px that the network sees
_MARGIN = 1.25  # times the person, as it was trained
_JOINTS = 17  # of COCO: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles
# What OpenPose draws: from one of COCO's joints to another; 17 is the neck, between the shoulders. Each limb has the
# colour of its place in this list, each joint that of the limb that ends there.
_LIMBS = (
    *((17, 6), (17, 5), (6, 8), (8, 10), (5, 7), (7, 9), (17, 12), (12, 14), (14, 16), (17, 11), (11, 13), (13, 15)),
    *((17, 0), (0, 2), (2, 4), (0, 1), (1, 3)),
)
_COLOURS = (
    *((255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0)),
    *((0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255)),
    *((170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85)),
)
# OpenPose numbers its joints otherwise, and colours them by that.
_ORDER = (0, 17, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)


def recognises(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") == "vitpose" and config.get("architectures") == ["VitPoseForPoseEstimation"]


class Viewer:
    """A loaded model."""

    def __init__(self, network: Any, device: Device) -> None:
        self._network, self._device = network, device
        self._experts = int(getattr(network.config.backbone_config, "num_experts", 1))

    def joints(self, picture: Any, box: tuple[int, int, int, int], ctx: Context) -> Any:
        """Shape (17, 3): x and y in px of the picture and how sure, from 0 to 1. `box`: left, top, right, bottom."""
        import numpy as np
        import torch
        from PIL import Image

        from studio.families.torch_voice import inference

        left, top, right, bottom = box
        scale = min(_WIDTH / (right - left), _HEIGHT / (bottom - top)) / _MARGIN
        x0, y0 = (left + right) / 2 - _WIDTH / 2 / scale, (top + bottom) / 2 - _HEIGHT / 2 / scale
        seen = picture.over((255, 255, 255)).image.transform(
            (_WIDTH, _HEIGHT), Image.Transform.AFFINE, (1 / scale, 0, x0, 0, 1 / scale, y0), Image.Resampling.BILINEAR
        )
        values = (np.asarray(seen, np.float32) / 255 - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
        pixels = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32))
        given: dict[str, Any] = {"pixel_values": pixels.to(self._device.id)}
        if self._experts > 1:  # the first of them knows the joints of COCO
            given["dataset_index"] = torch.zeros(1, dtype=torch.long, device=self._device.id)
        with inference(self._network, self._device, 0, ctx.check_cancel):
            maps = self._network(**given).heatmaps[0].float().cpu().numpy()
        found = np.array([_peak(each) for each in maps[:_JOINTS]])
        found[:, 0] = (found[:, 0] + 0.5) * _WIDTH / maps.shape[2] / scale + x0
        found[:, 1] = (found[:, 1] + 0.5) * _HEIGHT / maps.shape[1] / scale + y0
        return found


def load(files: ModelFiles, device: Device) -> Viewer:
    from transformers import VitPoseForPoseEstimation

    from studio.families import torch_voice

    torch_voice.use_threads(device)
    try:
        network = VitPoseForPoseEstimation.from_pretrained(files.root, local_files_only=True, use_safetensors=True)
        if network.config.num_labels != _JOINTS:
            raise ValueError("not the joints of COCO")
        network.to(device.id)  # type: ignore[arg-type]
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details=repr(error)) from error
    return Viewer(network.eval(), device)


def run(model: Viewer, request: Request, ctx: Context) -> list[Artifact]:
    from studio.media import masks, pictures

    request = SPEC.check(request)
    if "image" not in request.inputs:
        raise InvalidInput("input-missing", {"parameter": "image", "role": "image"})
    picture = pictures.read(ctx.input("image"))
    box = (0, 0, picture.width, picture.height)
    if "mask" in request.inputs:
        mask = masks.read(ctx.input("mask"))
        masks.check(mask, picture)
        marked = mask.nonzero()
        box = (int(marked[1].min()), int(marked[0].min()), int(marked[1].max()) + 1, int(marked[0].max()) + 1)
    ctx.check_cancel()
    ctx.progress(0, 1)
    joints = model.joints(picture, box, ctx)
    sure = joints[:, 2] >= request.params["threshold"]
    made = pictures.Picture.of(skeleton(joints, sure, picture.width, picture.height))
    shown = {"width": made.width, "height": made.height, "kind": "pose", "joints": int(sure.sum())}
    artifact = ctx.write("image.png", pictures.encode(made), "image/png", shown)
    ctx.progress(1, 1)
    return [artifact]


def skeleton(joints: Any, sure: Any, width: int, height: int) -> Any:
    """The joints that are `sure` as OpenPose draws them on black, of Pillow's."""
    import numpy as np
    from PIL import Image, ImageDraw

    places = [tuple(joint[:2]) if known else None for joint, known in zip(joints, sure, strict=True)]
    shoulders = [place for place in (places[5], places[6]) if place]
    places.append(tuple(np.mean(shoulders, axis=0)) if len(shoulders) == 2 else None)
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    thick = max(2, round(min(width, height) / 128))
    for (first, last), colour in zip(_LIMBS, _COLOURS, strict=False):
        begin, end = places[first], places[last]
        if begin and end:
            draw.line((*begin, *end), fill=tuple(int(value * 0.6) for value in colour), width=2 * thick)
    for joint, colour in zip(_ORDER, _COLOURS, strict=True):
        if place := places[joint]:
            x, y = place
            draw.ellipse((x - thick, y - thick, x + thick, y + thick), fill=colour)
    return image


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: its weights, and working space for one picture."""
    return expected(sum(path.stat().st_size for path in files.paths.values()), 0, device)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`; weights of four bytes."""
    weights = size or 4 * parameters
    return weights + (512 << 20) if weights else 0


def wanted(names: Collection[str]) -> tuple[str, ...]:
    """The configuration and the weights in one file; () where one of them is missing."""
    needed = ("config.json", "model.safetensors")
    if not all(name in names for name in needed):
        return ()
    return (*needed, *(name for name in ("preprocessor_config.json", "LICENSE", "README.md") if name in names))


def _peak(heat: Any) -> tuple[float, float, float]:
    """x and y of the highest place of a map, moved a quarter towards its higher neighbour, and its height."""
    import numpy as np

    y, x = (int(index) for index in np.unravel_index(heat.argmax(), heat.shape))
    padded = np.pad(heat, 1, mode="edge")
    across = np.sign(padded[y + 1, x + 2] - padded[y + 1, x])
    down = np.sign(padded[y + 2, x + 1] - padded[y, x + 1])
    return x + 0.25 * float(across), y + 0.25 * float(down), float(np.clip(heat[y, x], 0, 1))
