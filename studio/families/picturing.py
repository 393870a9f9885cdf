"""Drawing: what every family of diffusion models does with a request, picture by picture.

Each picture of a job has its own seed and its own random numbers, so that it can be made again alone. A picture that
does not fit into memory is drawn once more on the next rung of the ladder (`diffusion.ladder`).
"""

from __future__ import annotations

import inspect
import logging
import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Request, Task
from studio.core.models import ModelInfo
from studio.core.params import SEED_MAX
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import prompting
from studio.families.diffusion import inputs, ladder, loading, results, schedulers
from studio.families.diffusion.painter import Encoded, Manner, Painter, Words, need
from studio.families.diffusion.previews import Previews
from studio.families.diffusion.seamless import seamless

_log = logging.getLogger(__name__)
_VARYING = {"width", "height", "callback", "callback_on_step_end"}  # arguments that not every pipeline takes
NOT_COMPILED = N_("The faster code could not be built on this computer; it was drawn as usual.")
LESS_MEMORY = N_("Memory ran out once, so it was drawn in a way that needs less and takes longer.")


def draw(painter: Painter, request: Request, ctx: Context) -> list[Artifact]:
    """`run` of a family; `request` is checked. Pictures are kept one by one: those that were finished before a cancel
    or a failure stay."""
    return _Drawing(painter, request, ctx).run()


def verify(request: Request, info: ModelInfo | None = None) -> None:
    """`verify` of a family: what can be known to be wrong before anything is loaded. Raises `InvalidInput`."""
    params = request.params
    for name in ("prompt", "negative_prompt"):
        prompting.resolve(params.get(name, ""), params.get("seed") or 0)
    roles = [f"control{index}" for index, _row in enumerate(params.get("controls", ()))]
    roles += [f"reference{index}" for index, _row in enumerate(params.get("references", ()))]
    roles += ["image"] if request.task in (Task.IMAGE_TO_IMAGE, Task.INPAINT) else []
    roles += ["mask"] if request.task == Task.INPAINT else []
    for role in roles:
        if role not in request.inputs:
            raise InvalidInput("input-missing", {"parameter": role, "role": role})
    for row in params.get("controls", ()):
        if row.get("start", 0.0) >= (end := row.get("end", 1.0)):
            told = {"label": N_("End"), "value": end, "minimum": row.get("start", 0.0), "maximum": 1.0}
            raise InvalidInput("value-out-of-range", {"parameter": "controls", **told})


def estimate(files: ModelFiles, device: Device, manner: Manner, side: int) -> int:
    """`estimate` of a family: bytes on the device for a square of `side` px, on the rung that fits."""
    needed = need(files, manner, loading.expected_bytes(device), side, side)
    rung = ladder.choose(needed, device.memory, device)
    return 0 if rung.placement == "cpu" else needed.on(rung)


def expected(size: int, parameters: int, device: Device, stored: int = 2) -> int:
    """`expected` of a family: as `estimate`, where a repository's weights have numbers of `stored` bytes."""
    numbers = parameters or size // stored
    return numbers * loading.expected_bytes(device) + (1 << 30) if numbers else 0


def describe(files: ModelFiles, denoiser: str = "unet") -> dict[str, Any]:
    """Fields of `ModelInfo` that a repository tells: the size that the model was trained on."""
    side = loading.natural_size(files, denoiser)
    return {"defaults": {"width": side, "height": side}} if 64 <= side <= 4096 else {}


def upgrade(params: dict[str, Any], spec: Family) -> dict[str, Any]:
    """`upgrade` of a family whose params are as they were: a wish to compile, made where there was a compiler, is
    dropped where there is none."""
    offered = any(param.id == "compile" for param in spec.params)
    return {name: value for name, value in params.items() if offered or name != "compile"}


@dataclass
class _Drawing:
    """One job."""

    painter: Painter
    request: Request
    ctx: Context
    stepped_down: bool = False
    notes: list[str] = field(default_factory=list)
    unit: int = 0  # steps of one picture, as its first pass counts them

    def __post_init__(self) -> None:
        self.params: Mapping[str, Any] = self.request.params
        manner = self.painter.manner
        self.size = (self.params["width"], self.params["height"])
        self.picture = self.mask = None
        self.guided = self.params.get(manner.guidance, 0.0) > manner.unguided

    def run(self) -> list[Artifact]:
        self.ctx.check_cancel()
        verify(self.request)
        prompts = [prompting.resolve(self.params["prompt"], seed) for seed in self._seeds()]
        negatives = [prompting.resolve(self.params.get("negative_prompt", ""), seed) for seed in self._seeds()]
        self._read_inputs()
        self.painter.use(self.params.get("precision", "auto"))
        self.scheduler = self._scheduler()
        additions, rows = self.painter.additions, self.params.get("references", ())
        self.added = additions.loras(self.params.get("loras", ()), self.ctx)
        self.painter.compile(bool(self.params.get("compile")))
        self.rung = self._rung()
        artifacts = []
        with additions.references(rows, self.request, self.ctx, self.guided) as self.references:
            for index, seed in enumerate(self._seeds()):
                words = Words(
                    prompts[index], negatives[index], self.params.get("clip_skip", 0), self.guided, self.added
                )
                picture, encoded = self._with_room(index, seed, words)
                artifacts.append(self._keep(index, seed, picture, words, encoded))
        return artifacts

    def _seeds(self) -> list[int]:
        first = self.params["seed"] or 0
        return [(first + index) % (SEED_MAX + 1) for index in range(self.params["num_images"])]

    def _read_inputs(self) -> None:
        self.control_pictures = [
            inputs.picture(self.request, self.ctx, f"control{index}")
            for index, _row in enumerate(self.params.get("controls", ()))
        ]
        if self.request.task == Task.TEXT_TO_IMAGE:
            return
        self.picture = inputs.picture(self.request, self.ctx)
        if self.request.task == Task.INPAINT:
            mask = inputs.mask(self.request, self.ctx, self.picture)
            self.mask = inputs.fitted(mask, *self.size)
        self.picture = inputs.fitted(self.picture, *self.size)

    def _scheduler(self) -> Any:
        return schedulers.make(self.painter.scheduler, self.params.get("scheduler", ""), self.painter.manner.schedulers)

    def _rung(self) -> ladder.Rung:
        width, height = self._larger() if self._second_pass else self.size
        added = [self.ctx.files(row["model"]) for row in self.params.get("controls", ())]
        needed = self.painter.need(width, height, self.guided, added)
        return ladder.choose(needed, self.painter.device.memory, self.painter.device)

    def _larger(self) -> tuple[int, int]:
        """The size after the second pass, in whole steps of the model."""
        step = self.painter.manner.step
        width, height = (round(side * self.params["hires_scale"] / step) * step for side in self.size)
        return width, height

    @property
    def _second_pass(self) -> bool:
        return self.request.task == Task.TEXT_TO_IMAGE and bool(self.params.get("hires"))

    def _with_room(self, index: int, seed: int, words: Words) -> tuple[Any, Encoded]:
        """One picture, drawn once more on the next rung if memory runs out."""
        while True:
            try:
                return self._draw(index, seed, words)
            except Exception as error:
                self.painter.placement.free()
                if self.painter.compiled and _is_of_compiler(error):
                    _log.warning("no code could be built: %s", error)
                    self.painter.compile(False)
                    self.notes.append(NOT_COMPILED)
                    continue
                lower = ladder.below(self.rung, self.painter.device)
                if not ladder.is_out_of_memory(error) or self.stepped_down or lower is None:
                    raise
                _log.warning("memory ran out on %s; going on with %s", self.rung.name, lower.name)
                traceback.clear_frames(error.__traceback__)  # they hold on to what must go
            except BaseException:
                self.painter.placement.free()
                raise
            ladder.release(self.painter.device)
            self.rung, self.stepped_down = lower, True
            self.notes.append(LESS_MEMORY)
            self.ctx.usage(stepped_down=1)

    def _draw(self, index: int, seed: int, words: Words) -> tuple[Any, Encoded]:
        import torch

        painter, params = self.painter, self.params
        task = Task.INPAINT if painter.paints_over else self.request.task
        generator = torch.Generator().manual_seed(seed)
        middle = 1 / (1 + params["hires_scale"] ** 2 * params["hires_strength"]) if self._second_pass else 1.0
        pipeline = self._ready(task)
        encoded = painter.encode(pipeline, words)
        self.ctx.usage(prompt_tokens=encoded.tokens)
        picture = self._call(pipeline, encoded, self._given(task), generator, index, index + middle)
        if self._second_pass:
            from PIL import Image

            larger = picture.resize(self._larger(), Image.Resampling.LANCZOS)
            again = Task.INPAINT if painter.paints_over else Task.IMAGE_TO_IMAGE
            given = self._onto(again, larger, None, params["hires_strength"])
            picture = self._call(self._ready(again), encoded, given, generator, index + middle, index + 1)
        if self.mask is not None:
            picture = self._within_mask(picture)
        return picture, encoded

    def _ready(self, task: Task) -> Any:
        rows = self.params.get("controls", ())
        pipeline = self.painter.pipeline(task, self.painter.additions.controls(rows, self.ctx) if rows else ())
        pipeline.scheduler = self._scheduler()
        pipeline.set_progress_bar_config(disable=True)
        self.painter.placement.put(pipeline, self.rung)
        return pipeline

    def _given(self, task: Task) -> dict[str, Any]:
        """The pipeline's arguments besides prompt and numbers."""
        if self.picture is None and task == Task.TEXT_TO_IMAGE:
            return {"width": self.size[0], "height": self.size[1]}
        if self.picture is None:  # an inpainting model that paints over an empty canvas
            from PIL import Image

            return self._onto(task, Image.new("RGB", self.size, (128, 128, 128)), None, 1.0)
        return self._onto(task, self.picture, self.mask, self.params["strength"])

    def _onto(self, task: Task, picture: Any, mask: Any, strength: float) -> dict[str, Any]:
        given: dict[str, Any] = {"image": picture, "strength": strength}
        given |= {"width": picture.width, "height": picture.height}
        if task == Task.INPAINT:
            from PIL import Image

            whole = Image.new("L", picture.size, 255)
            given["mask_image"] = mask or whole
        steps = self.params["num_inference_steps"]
        return {**given, "num_inference_steps": max(steps, math.ceil(1 / strength))}

    def _call(
        self, pipeline: Any, encoded: Encoded, given: Mapping[str, Any], generator: Any, begin: float, end: float
    ) -> Any:
        pictures = self.params["num_images"]
        previews = Previews(self.ctx, self.painter.factors)

        def after_step(_pipeline: Any, step: int, _timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            self.ctx.check_cancel()
            steps = max(1, getattr(pipeline, "num_timesteps", 0) or len(pipeline.scheduler.timesteps))
            self.unit = self.unit or round(steps / (end - begin))
            self.ctx.progress(round(self.unit * (begin + (end - begin) * (step + 1) / steps)), self.unit * pictures)
            if step + 1 < steps:
                previews.show(values["latents"], pipeline, given["width"], given["height"])
            return {}

        def after_old_step(step: int, timestep: Any, latents: Any) -> None:
            after_step(pipeline, step, timestep, {"latents": latents})

        arguments = {
            **self.painter.manner.arguments,
            "num_inference_steps": self.params["num_inference_steps"],
            **{name: self.params.get(name, 1.0) for name in self.painter.manner.passed},
            "generator": generator,
            "callback_on_step_end": after_step,
            "callback": after_old_step,
            **encoded.arguments,
            **given,
            **self.references,
            **self._controlled(given),
        }
        accepted = inspect.signature(pipeline.__call__).parameters
        for name in _VARYING - set(accepted):
            arguments.pop(name, None)
        parts = [getattr(pipeline, name) for name in (self.painter.manner.denoiser, "vae")]
        with seamless(parts, self.params.get("seamless", "")):
            return pipeline(**arguments).images[0]

    def _controlled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that say how ControlNets act."""
        rows = self.params.get("controls", ())
        if not rows:
            return {}
        size = given["image"].size if "image" in given else (given["width"], given["height"])
        pictures = [inputs.fitted(picture, *size) for picture in self.control_pictures]
        return {
            "control_image" if "image" in given else "image": pictures,
            "controlnet_conditioning_scale": [row.get("weight", 1.0) for row in rows],
            "control_guidance_start": [row.get("start", 0.0) for row in rows],
            "control_guidance_end": [row.get("end", 1.0) for row in rows],
        }

    def _within_mask(self, made: Any) -> Any:
        """What was drawn, laid into the picture: outside the mask not one pixel differs."""
        from PIL import Image

        assert self.picture is not None
        mask = inputs.feathered(self.mask, self.params.get("mask_feather", 0))
        return Image.composite(made.convert("RGB").resize(self.size), self.picture, mask)

    def _keep(self, index: int, seed: int, picture: Any, words: Words, encoded: Encoded) -> Artifact:
        shown: dict[str, Any] = {
            "width": picture.width,
            "height": picture.height,
            "seed": seed,
            "prompt": words.prompt,
            "tokens": encoded.tokens,
            "rung": self.rung.name,
            "precision": self.painter.precision,
        }
        if words.negative:
            shown["negative_prompt"] = words.negative
        if notes := [*dict.fromkeys((*self.notes, *encoded.notes))]:
            shown["notes"] = notes
        title = self.painter.files.title or self.painter.files.id
        told = results.parameters(self.params, shown, title, type(self.scheduler).__name__)
        name = "image.png" if self.params["num_images"] == 1 else f"image-{index + 1}.png"
        return self.ctx.write(name, results.png(picture, told), "image/png", shown)


def _is_of_compiler(error: Exception) -> bool:
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))
