"""Where a model lies while it draws: the ladder of memory.

What a job needs is estimated from the weights' headers and from the size of the picture. The highest rung on which it
fits is taken: everything on the device; one part at a time ("model-offload"); a few layers at a time, fetched by a
stream of their own ("group-offload"); and at last the processor. Where only the decoding of the picture is too large,
it is done in tiles on the same rung ("… +tiles"). When memory runs out all the same, the next rung is taken.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.core.protocols import Device

TILE = 512  # px; what a VAE decodes at once in tiles
_SPARE = 256 << 20  # bytes for the libraries' own buffers
_GROUP = 0.12  # the share of a part's weights that group offload keeps on the device
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


@dataclass(frozen=True)
class Rung:
    """`placement` is "device", "model-offload", "group-offload" or "cpu"; `tiled`: pictures are decoded in tiles."""

    placement: str
    tiled: bool = False

    @property
    def name(self) -> str:
        return self.placement + (" +tiles" if self.tiled else "")


DEVICE = Rung("device")
CPU = Rung("cpu")
_BOTH = (False, True)
_ACCELERATED = tuple(Rung(place, tiled) for place in ("device", "model-offload", "group-offload") for tiled in _BOTH)


@dataclass(frozen=True)
class Need:
    """Bytes: `weights` of each part as they are loaded; what drawing, decoding and decoding in tiles take beside."""

    weights: Mapping[str, int]
    draw: int
    decode: int
    decode_tiled: int

    def on(self, rung: Rung) -> int:
        """What the device must hold at once."""
        decode = self.decode_tiled if rung.tiled else self.decode
        total = sum(self.weights.values())
        vae = self.weights.get("vae", 0)
        largest = max(self.weights.values(), default=0)
        if rung.placement in ("device", "cpu"):
            return total + max(self.draw, decode) + _SPARE
        held = largest if rung.placement == "model-offload" else int(largest * _GROUP)
        return max(held + self.draw, vae + decode) + _SPARE


def rungs(device: Device) -> tuple[Rung, ...]:
    """From the fastest to the most modest."""
    if device.kind == "cpu":
        return (DEVICE, Rung("device", True))
    if device.kind == "mps":  # shares the machine's memory: to move parts away frees nothing
        return (DEVICE, Rung("device", True), Rung("cpu", True))
    return (*_ACCELERATED, Rung("cpu", True))


def choose(need: Need, memory: int, device: Device) -> Rung:
    """The first rung on which the job fits into `memory` bytes (0: unlimited); the last one if none does."""
    steps = rungs(device)
    if not memory:
        return steps[0]
    fitting = (rung for rung in steps if rung.placement == "cpu" or need.on(rung) <= memory)
    return next(fitting, steps[-1])


def below(rung: Rung, device: Device) -> Rung | None:
    """The next rung down; None at the foot of the ladder."""
    steps = rungs(device)
    index = steps.index(rung) if rung in steps else len(steps)
    return steps[index + 1] if index + 1 < len(steps) else None


def target(device: Device) -> Any:
    """The device as torch names it."""
    import torch

    return torch.device(device.id)


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in text for phrase in _OUT_OF_MEMORY)


def release(device: Device) -> None:
    """Give back what is no longer used."""
    import torch

    gc.collect()
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()


class Placement:
    """Where the parts of one model are now. `dtype` is how they are kept on the device."""

    def __init__(self, device: Device, dtype: Any) -> None:
        self.device, self.dtype = device, dtype
        self.rung: Rung | None = None
        self._pipeline: Any = None

    def put(self, pipeline: Any, rung: Rung) -> None:
        """Make `pipeline` ready to draw on `rung`; its parts may be shared with the pipeline before."""
        moved = self.rung is None or self.rung.placement != rung.placement
        if moved or (pipeline is not self._pipeline and rung.placement != "device"):
            self.clear()
        self._tile(pipeline, rung.tiled)
        if rung.placement == "device":
            pipeline.to(target(self.device))
        elif rung.placement == "cpu":
            import torch

            # Parts that were in half precision for a graphics card are slow or unknown to the processor.
            pipeline.to("cpu", dtype=torch.float32)
        elif self._pipeline is not pipeline or moved:
            self._offload(pipeline, rung)
        self.rung, self._pipeline = rung, pipeline

    def clear(self) -> None:
        """Take away what an offloading rung has hung on the parts; they lie in the machine's memory then."""
        import torch
        from diffusers.hooks import group_offloading
        from diffusers.hooks.hooks import HookRegistry

        pipeline, rung = self._pipeline, self.rung
        self._pipeline = self.rung = None
        if pipeline is None or rung is None or rung.placement == "device":
            return
        if rung.placement == "cpu":
            pipeline.to(dtype=self.dtype)
            return
        pipeline.remove_all_hooks()
        for part in pipeline.components.values():
            for module in part.modules() if isinstance(part, torch.nn.Module) else ():
                if hasattr(module, "_diffusers_hook"):
                    registry = HookRegistry.check_if_exists_or_initialize(module)
                    for name in _group_hooks(group_offloading):
                        registry.remove_hook(name, recurse=False)
        pipeline.to("cpu")

    def free(self) -> None:
        """After a job that ended early: parts that were fetched go back."""
        if self._pipeline is not None and self.rung is not None and self.rung.placement == "model-offload":
            self._pipeline.maybe_free_model_hooks()

    def _offload(self, pipeline: Any, rung: Rung) -> None:
        device = target(self.device)
        if rung.placement == "model-offload":
            pipeline.enable_model_cpu_offload(device=device)
            return
        streams = device.type == "cuda"
        pipeline.enable_group_offload(
            onload_device=device, offload_type="leaf_level", use_stream=streams, low_cpu_mem_usage=streams
        )

    @staticmethod
    def _tile(pipeline: Any, tiled: bool) -> None:
        vae = getattr(pipeline, "vae", None)
        for name in ("tiling", "slicing"):
            switch = getattr(vae, f"{'enable' if tiled else 'disable'}_{name}", None)
            if switch is not None:
                switch()


def _group_hooks(module: Any) -> tuple[str, ...]:
    return (module._GROUP_OFFLOADING, module._LAYER_EXECUTION_TRACKER, module._LAZY_PREFETCH_GROUP_OFFLOADING)
