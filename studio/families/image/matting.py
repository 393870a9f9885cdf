"""Matting: the background of a picture becomes transparent. BiRefNet and networks of its kind, as ONNX files, which run
no code of their own (their repositories for transformers do, and are refused).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Flag
from studio.core.protocols import Context, Device, Family, ModelFiles

SPEC = Family(
    id="matting",
    version=1,
    medium=Medium.IMAGE,
    title=N_("Background removal"),
    tasks=(Task.CUT_OUT,),
    params=(
        Flag(
            id="clean_edges",
            label=N_("Clean edges"),
            help=N_("Takes the colour of the old background out of hair and soft edges."),
            default=True,
        ),
    ),
    formats=(".png",),
    libraries=("onnxruntime",),
)
_SIDE = 1024  # px that the networks were trained on, where a file takes any
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WORKING = 3 << 30  # bytes that BiRefNet needs at 1024 px


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is that of the known models; a bare ONNX file says nothing of itself."""
    return config.get("model_type") == "matting-onnx"


class Matte:
    """A loaded network: colours in, alpha out."""

    def __init__(self, files: ModelFiles, device: Device) -> None:
        from studio.families.onnx_voice import Network

        self._network = Network(files.only(".onnx"), device)
        self._logits = bool(files.config.get("logits", True))
        self._side = int(files.config.get("side", _SIDE))

    def alpha(self, picture: Any, ctx: Context) -> Any:
        """Alpha from 0 to 1, float32 of the picture's size."""
        import numpy as np
        from PIL import Image

        small = picture.over((255, 255, 255)).image.resize((self._side, self._side), Image.Resampling.BILINEAR)
        values = (np.asarray(small, np.float32) / 255 - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
        feeds = {self._network.inputs[0]: np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)}
        made = np.asarray(self._network.run(feeds, ctx.check_cancel)[-1], np.float32).reshape(self._side, self._side)
        if self._logits:
            made = 1 / (1 + np.exp(-np.clip(made, -30, 30)))
        sized = Image.fromarray(made).resize((picture.width, picture.height), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(sized, np.float32), 0, 1)


def load(files: ModelFiles, device: Device) -> Matte:
    try:
        return Matte(files, device)
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details=repr(error)) from error


def run(model: Matte, request: Request, ctx: Context) -> list[Artifact]:
    from studio.media import cut_out, pictures

    request = SPEC.check(request)
    if "image" not in request.inputs:
        raise InvalidInput("input-missing", {"parameter": "image", "role": "image"})
    picture = pictures.read(ctx.input("image"))
    ctx.progress(0, 2)
    alpha = model.alpha(picture, ctx)
    ctx.progress(1, 2)
    ctx.check_cancel()
    made = cut_out.by_alpha(picture, alpha, clean=request.params["clean_edges"])
    artifact = ctx.write("image.png", pictures.encode(made), "image/png", {"width": made.width, "height": made.height})
    ctx.progress(2, 2)
    return [artifact]


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: the weights, and working space for one picture."""
    return expected(sum(path.stat().st_size for path in files.paths.values()), 0, device)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`."""
    return 2 * size + _WORKING if size else 0


def wanted(names: Collection[str]) -> tuple[str, ...]:
    """One network. Which of a repository's the catalogue says: a bare file does not."""
    return tuple(name for name in names if name.endswith(".onnx"))[:1]
