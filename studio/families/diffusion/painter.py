"""A loaded image model: one set of parts, shared by the pipelines of every task."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.core import paths
from studio.core.jobs import Task
from studio.core.protocols import Device, ModelFiles
from studio.families.diffusion import headers, loading, previews, schedulers
from studio.families.diffusion.additions import Additions
from studio.families.diffusion.ladder import Need, Placement

_REMEMBERED = 64  # prompts
_BUILT = "TORCHINDUCTOR_CACHE_DIR"


@dataclass(frozen=True)
class Encoded:
    """A prompt as the pipeline's arguments; `tokens` of its words; `notes` are messages, marked with `N_`, of what the
    encoder could not follow."""

    arguments: Mapping[str, Any]
    tokens: int = 0
    notes: tuple[str, ...] = ()

    def on(self, pipeline: Any) -> Encoded:
        """The same where, and in the precision in which, the pipeline draws now."""
        import torch

        def put(value: Any) -> Any:
            if isinstance(value, list):
                return [put(each) for each in value]
            if not isinstance(value, torch.Tensor):
                return value
            return value.to(pipeline._execution_device, pipeline.dtype if value.is_floating_point() else value.dtype)

        return replace(self, arguments={name: put(value) for name, value in self.arguments.items()})


@dataclass(frozen=True)
class Words:
    """A resolved prompt with what its embeddings depend on besides the model. `additions` names what changes the
    encoders for this job (LoRAs with their weights)."""

    prompt: str
    negative: str = ""
    clip_skip: int = 0
    guided: bool = True
    additions: tuple[Any, ...] = ()


Encode = Callable[[Any, Words], Encoded]


@dataclass(frozen=True)
class Manner:
    """How a family draws with diffusers. `pipelines` are class names, `controlled` those with ControlNets; `encode` is
    given a pipeline and words; `denoiser` is the name of the part that draws; parts in `leave_out` are never loaded;
    `settings` go to the pipelines' constructors. `factors` maps a VAE's scaling factor to what previews are made with;
    for others they are fitted. `arguments` are given to every call. `bases` are the names of architectures that LoRAs
    and ControlNets of this family are made for, by the width of the text that the denoiser looks at (0: not told).
    `guidance` is the parameter that weighs the prompt against the negative one, above `unguided` it does; `passed` are
    the parameters of guidance that the pipelines take. Parts in `optional` may be missing in the model's files. `wide`:
    some of its numbers are larger than float16 holds."""

    pipelines: Mapping[Task, str]
    encode: Encode
    controlled: Mapping[Task, str] = field(default_factory=dict)
    denoiser: str = "unet"
    leave_out: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    factors: Mapping[float, previews.Factors] = field(default_factory=dict)
    schedulers: tuple[str, ...] = schedulers.UNET
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bases: Mapping[int, str] = field(default_factory=dict)
    guidance: str = "guidance_scale"
    unguided: float = 1.0
    passed: tuple[str, ...] = ("guidance_scale",)
    optional: tuple[str, ...] = ()
    wide: bool = False
    step: int = 8  # px that a side is a multiple of
    working: float = 1.0  # how much more than a UNet of Stable Diffusion 1 drawing takes


class Painter:
    """What `load` of a family gives and its `run` draws with. `memory` asks how many bytes the device has for this
    model (0: unlimited)."""

    def __init__(self, files: ModelFiles, device: Device, manner: Manner) -> None:
        import torch

        self.files, self.device, self.manner = files, device, manner
        if device.kind == "cpu":
            torch.set_num_threads(max(1, device.threads))
        self._encoded: OrderedDict[Words, Encoded] = OrderedDict()
        self.additions = Additions(self)
        self.encodings = 0  # how often text encoders were run
        self._load("auto")

    def _load(self, wanted: str) -> None:
        import torch

        first = next(iter(self.manner.pipelines.values()))
        self.precision = self._precision(wanted)
        here = {name.partition("/")[0] for name in self.files.paths}
        absent = (*self.manner.leave_out, *(part for part in self.manner.optional if part not in here))
        self.base = loading.load(self.files, first, self.precision, absent, self.manner.settings)
        for part in (self.denoiser, getattr(self.base, "vae", None)):
            if part is not None and {weight.ndim for weight in part.parameters()} & {4, 5} == {4}:
                part.to(memory_format=torch.channels_last)
        self.scheduler = self.base.scheduler
        self.placement = Placement(self.device, getattr(torch, self.precision))
        self._pipelines: dict[tuple[Any, ...], Any] = {(first,): self.base}
        self._factors: Any = None
        self._encoded.clear()

    def use(self, precision: str) -> None:
        """Keep the weights in this precision ("auto": what suits the device), loading them again if need be."""
        if self._precision(precision) != self.precision:
            self.placement.clear()
            self.additions = Additions(self)
            del self.base, self._pipelines, self.scheduler
            self._load(precision)

    def _precision(self, wanted: str) -> str:
        found = loading.precision(self.device, wanted)
        return "bfloat16" if self.manner.wide and (wanted, found) == ("auto", "float16") else found

    @property
    def compiled(self) -> bool:
        return getattr(self.denoiser, "_compiled_call_impl", None) is not None

    def compile(self, wanted: bool) -> None:
        """Draw with code that is built for this model when it first draws, or as usual. What was built is kept on disk
        and found again by the next session."""
        if wanted and not self.compiled:
            # torch names a folder for passing files itself as soon as it is imported; one that the user chose stays.
            if Path(os.environ.get(_BUILT) or tempfile.gettempdir()).is_relative_to(tempfile.gettempdir()):
                os.environ[_BUILT] = str(paths.data_dir() / "compiled")
            self.denoiser.compile()
        elif not wanted and self.compiled:
            self.denoiser._compiled_call_impl = None

    @property
    def denoiser(self) -> Any:
        return getattr(self.base, self.manner.denoiser)

    @property
    def paints_over(self) -> bool:
        """Whether the model sees the picture and the mask beside the noise, so that it always inpaints."""
        vae = getattr(self.base, "vae", None)
        wanted = getattr(self.denoiser.config, "in_channels", 0)
        return self.manner.denoiser == "unet" and vae is not None and wanted == 2 * vae.config.latent_channels + 1

    @property
    def architecture(self) -> str:
        """The name of the base that additions must be made for; "" where it is not known."""
        return self.manner.bases.get(int(getattr(self.denoiser.config, "cross_attention_dim", 0) or 0), "")

    def pipeline(self, task: Task, controls: Sequence[Any] = ()) -> Any:
        """The pipeline of this task with all parts of the model, and with these ControlNets."""
        name = (self.manner.controlled if controls else self.manner.pipelines)[task]
        key = (name, *map(id, controls))
        if key in self._pipelines:
            return self._pipelines[key]
        import diffusers

        kind = getattr(diffusers, name)
        accepted = inspect.signature(kind.__init__).parameters
        parts = {**self.base.config, **self.base.components, **self.manner.settings}
        chosen = {key: value for key, value in parts.items() if key in accepted}
        made = kind(**chosen, **({"controlnet": list(controls)} if controls else {}))
        if controls:  # only the newest: it would keep its ControlNets in memory
            self._pipelines = {old: kept for old, kept in self._pipelines.items() if len(old) == 1}
        self._pipelines[key] = made
        return made

    def encode(self, pipeline: Any, words: Words) -> Encoded:
        """The embeddings of `words`; those of a prompt that was used lately are taken from memory."""
        import torch

        if words in self._encoded:
            self._encoded.move_to_end(words)
            return self._encoded[words].on(pipeline)
        with torch.no_grad():
            made = self.manner.encode(pipeline, words)
        self.encodings += 1
        self._encoded[words] = made
        while len(self._encoded) > _REMEMBERED:
            self._encoded.popitem(last=False)
        return made

    def factors(self) -> Any:
        """What previews are made with, see `previews`; None where the latents are no small picture."""
        vae = getattr(self.base, "vae", None)
        if self._factors is None and vae is not None:
            known = self.manner.factors.get(round(float(getattr(vae.config, "scaling_factor", 0.0)), 5))
            self._factors = known if known is not None else previews.fitted(vae)
        return self._factors

    def need(self, width: int, height: int, guided: bool = True, added: Sequence[ModelFiles] = ()) -> Need:
        """What a picture of this size takes, in bytes, with these additions."""
        width_of = loading.bytes_of(self.precision)
        alone = need(self.files, self.manner, width_of, width, height, guided)
        beside = {files.id: sum(headers.numbers(files.paths).values()) * width_of for files in added}
        return replace(alone, weights={**alone.weights, **beside})


def need(files: ModelFiles, manner: Manner, width_of: int, width: int, height: int, guided: bool = True) -> Need:
    """What the model takes with numbers of `width_of` bytes, drawing `width` × `height` px. The factors were measured
    on Stable Diffusion 1.5 (256 px: the UNet 154 MiB, the VAE 273 MiB in float32; 512 px: the VAE 1,031 MiB)."""
    numbers = headers.numbers(files.paths)
    weights = {part: count * width_of for part, count in numbers.items() if part not in manner.leave_out}
    tile = min(width, 512) * min(height, 512)
    draw = int((2 if guided else 1) * width * height * width_of * 300 * manner.working)
    decode = [pixels * 256 * width_of * 9 // 2 for pixels in (width * height, tile)]
    return Need(weights, draw, decode[0], decode[1] + width * height * 16)
