"""Real-ESRGAN: enlarges pictures two or four times and draws the detail that belongs there.

Two forms of the same networks: ncnn's (.param and .bin), which run on the processor, and safetensors of an RRDBNet,
which run through torch on any device.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Choice, Integer
from studio.core.protocols import Context, Device, Family, ModelFiles

if TYPE_CHECKING:
    from studio.families.tiling import Floats
    from studio.media.pictures import Picture

SPEC = Family(
    id="real-esrgan",
    version=1,
    medium=Medium.IMAGE,
    title=N_("Real-ESRGAN"),
    tasks=(Task.UPSCALE,),
    params=(
        Choice(
            id="outscale",
            label=N_("Enlarge"),
            help=N_("How many times as wide and as high the picture becomes."),
            choices=(("2", "×2"), ("4", "×4")),
            default="4",
        ),
        Integer(
            id="tile",
            label=N_("Tile"),
            help=N_("The picture is worked on in tiles of this size. Smaller ones need less memory. 0 chooses one."),
            maximum=2048,
            step=32,
            unit=N_("px"),
            advanced=True,
        ),
    ),
    formats=(".png",),
    libraries=("ncnn", "torch"),
)
_LARGE = 4 << 20  # bytes of a network that works at the full size
_SMALLEST = 32  # px
_PHASE = 4  # px; networks that shrink first must be shown every tile in the same phase
_OVERLAP = 32  # px on each side; further away than that a pixel has no visible influence
_PARAM = re.compile(r"(.*?[-_]?x([234])(?:plus)?(?:[-_].*)?)\.param")


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is that of the known models, or what was written beside an imported RRDBNet."""
    return config.get("model_type") == "real-esrgan" or str(config.get("single_file", "")).startswith("real-esrgan-x")


class Network(Protocol):
    """One network: `scale` is how many times larger what it makes is; `tile` in px is what suits its hunger for
    memory."""

    scale: int
    tile: int

    def __call__(self, pixels: Floats) -> Floats:
        """Colours from 0 to 1, shape (height, width, 3), enlarged."""
        ...


class NcnnNetwork:
    """A network in ncnn's form, on the processor."""

    def __init__(self, param: Path, weights: Path, scale: int, threads: int) -> None:
        import ncnn

        self._ncnn: Any = ncnn  # its types are not all told
        self.scale = scale
        self.tile = 192 if weights.stat().st_size < _LARGE else 96
        self._net = self._ncnn.Net()
        self._net.opt.num_threads = max(1, threads)
        self._net.opt.use_vulkan_compute = False
        if self._net.load_param(str(param)) or self._net.load_model(str(weights)):
            raise ValueError(f"ncnn cannot read {param.name}")
        self._input, self._output = self._net.input_names()[0], self._net.output_names()[0]

    def __call__(self, pixels: Floats) -> Floats:
        import numpy as np

        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
        extractor = self._net.create_extractor()
        # The Mat only borrows the array's memory, so a copy is given away.
        extractor.input(self._input, self._ncnn.Mat(planes).clone())
        code, made = extractor.extract(self._output)
        if code:
            raise MemoryError("ncnn could not make this tile")
        return np.array(made, np.float32).transpose(1, 2, 0)


class TorchNetwork:
    """An RRDBNet in safetensors, on any device."""

    def __init__(self, weights: Path, device: Device) -> None:
        import torch
        from safetensors.torch import load_file

        from studio.nets.upscaler import from_tensors

        if device.kind == "cpu":
            torch.set_num_threads(max(1, device.threads))
        self._device = device
        self.tile = 96 if device.kind == "cpu" else 256
        self._net = from_tensors(load_file(weights)).to(device.id)
        self.scale = self._net.scale

    def __call__(self, pixels: Floats) -> Floats:
        import numpy as np
        import torch

        with torch.inference_mode():
            planes = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32))
            made = self._net(planes[None].to(self._device.id))
            return made[0].cpu().numpy().transpose(1, 2, 0)


class Enlarger:
    """A loaded model: its networks by their scale."""

    def __init__(self, networks: Mapping[int, Network]) -> None:
        self._networks = networks

    def network(self, scale: int) -> Network:
        """The one made for `scale`, else the one that enlarges most."""
        return self._networks.get(scale) or self._networks[max(self._networks)]


def load(files: ModelFiles, device: Device) -> Enlarger:
    networks: dict[int, Network] = {}
    try:
        for name, path in files.paths.items():
            if match := _PARAM.fullmatch(name):
                weights = files.paths[f"{match[1]}.bin"]
                networks[int(match[2])] = NcnnNetwork(path, weights, int(match[2]), device.threads)
            elif name.endswith(".safetensors"):
                found = TorchNetwork(path, device)
                networks[found.scale] = found
        if not networks:
            raise FileNotFoundError("no .param with its .bin, and no .safetensors")
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details=repr(error)) from error
    return Enlarger(networks)


def run(model: Enlarger, request: Request, ctx: Context) -> list[Artifact]:
    from studio.media import pictures

    request = SPEC.check(request)
    if "image" not in request.inputs:
        raise InvalidInput("input-missing", {"parameter": "image", "role": "image"})
    source = pictures.read(ctx.input("image"))
    scale = int(request.params["outscale"])
    pictures.check_size(source.width * scale, source.height * scale)
    ctx.check_cancel()
    made = enlarged(source, model.network(scale), scale, request.params["tile"], ctx)
    shown = {"width": made.width, "height": made.height, "scale": scale}
    return [ctx.write("image.png", pictures.encode(made), "image/png", shown)]


def enlarged(source: Picture, network: Network, scale: int, tile: int, ctx: Context) -> Picture:
    """`source` at `scale` times its size. Alpha is enlarged by the network too, so that its edge fits the colours."""
    import numpy as np

    from studio.families import tiling
    from studio.media import picture_edit

    tile = -(-max(_SMALLEST, tile or network.tile) // _PHASE) * _PHASE
    if max(source.width, source.height) <= tile + 2 * _OVERLAP:
        tile = max(source.width, source.height)  # one piece is no more work than tiles with their overlap
    layers = [source.pixels[..., :3]]
    if source.has_alpha:
        alpha = source.pixels[..., 3]
        layers = [_bled(layers[0], alpha), np.repeat(alpha[..., None], 3, axis=2)]
    steps = len(layers) * tiling.count(source.height, source.width, tile)
    done = 0

    def work(pixels: Floats) -> Floats:
        nonlocal done
        ctx.check_cancel()
        made = network(pixels)
        done += 1
        ctx.progress(done, steps)
        return made

    parts = [tiling.apply(layer, work, network.scale, tile, _OVERLAP) for layer in layers]
    pixels = np.dstack([parts[0], _edge(parts[1][..., 1])]) if len(parts) > 1 else parts[0]
    return picture_edit.resize(source.with_pixels(pixels), source.width * scale, source.height * scale)


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: its weights as float32, and what a tile needs on its way."""
    return expected(sum(path.stat().st_size for path in files.paths.values()), 0, device)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`. Large networks do their last layers at the full size, the small ones none."""
    weights = 2 * size or 4 * parameters
    return weights + ((3 << 29) if weights > 2 * _LARGE else (256 << 20)) if weights else 0


def wanted(names: Collection[str]) -> tuple[str, ...]:
    """The safetensors of a repository that holds one network; ncnn's form only where the catalogue names it."""
    found = [name for name in names if name.endswith(".safetensors")]
    return tuple(found) if len(found) == 1 else ()


def _bled(colours: Any, alpha: Any) -> Any:
    """`colours` with those of visible pixels carried on into what is transparent, so that no edge darkens."""
    import numpy as np
    from scipy.ndimage import distance_transform_edt

    if alpha.all() or not alpha.any():
        return colours
    places = np.asarray(distance_transform_edt(alpha == 0, return_distances=False, return_indices=True))
    return colours[places[0], places[1]]


def _edge(alpha: Any) -> Any:
    """Alpha as the network made it, without the faint ringing that it leaves beside an edge."""
    import numpy as np

    return np.where(alpha < 6, 0, np.where(alpha > 249, 255, alpha)).astype(np.uint8)
