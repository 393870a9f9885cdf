"""The fields that families of images share. Their ids are diffusers' own; what they mean is the same everywhere."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.i18n import N_
from studio.core.jobs import Task
from studio.core.params import Choice, Flag, Integer, Number, Rows, Seed, Text

ON_PICTURES = (Task.IMAGE_TO_IMAGE, Task.INPAINT)
SMALLEST, LARGEST = 64, 4096  # px


@dataclass(frozen=True, kw_only=True)
class Side(Integer):
    """A side of a picture in px, a multiple of `step`; what is no multiple is refused with the nearest that are."""

    minimum: int = SMALLEST
    maximum: int = LARGEST
    step: int = 8
    unit: str = N_("px")

    def check(self, value: Any) -> int:
        side = super().check(value)
        if below := side % self.step:
            nearest = {"lower": side - below, "upper": side - below + self.step}
            arguments = {"parameter": self.id, "label": self.label, "value": side, "step": self.step, **nearest}
            raise InvalidInput("size-not-multiple", arguments)
        return side


def sides(width: int, height: int, step: int = 8) -> tuple[Side, Side]:
    """The size of a picture that a family makes by default, in px."""
    return (
        Side(id="width", label=N_("Width"), help=N_("Width of the picture."), default=width, step=step),
        Side(id="height", label=N_("Height"), help=N_("Height of the picture."), default=height, step=step),
    )


def steps(default: int) -> Integer:
    return Integer(
        id="num_inference_steps",
        label=N_("Steps"),
        help=N_("How often the noise is reduced. More takes longer and shows finer detail, up to a point."),
        default=default,
        minimum=1,
        maximum=150,
    )


def guidance(default: float) -> Number:
    return Number(
        id="guidance_scale",
        label=N_("Guidance"),
        help=N_("How closely the picture follows the words. Low is free, high is literal and harsh."),
        default=default,
        maximum=30.0,
        step=0.1,
        decimals=1,
    )


def true_guidance(default: float) -> Number:
    return Number(
        id="true_cfg_scale",
        label=N_("True guidance"),
        help=N_(
            "How far the picture moves from the negative prompt to the prompt. Above 1, each step takes twice as long."
        ),
        default=default,
        minimum=1.0,
        maximum=30.0,
        step=0.1,
        decimals=1,
    )


def scheduler(names: Sequence[str]) -> Choice:
    """`names` are classes of diffusers."""
    return Choice(
        id="scheduler",
        label=N_("Scheduler"),
        help=N_("The way from noise to picture. Each needs its own number of steps."),
        choices=(("", N_("The model’s own")), *((name, name.removesuffix("Scheduler")) for name in names)),
        advanced=True,
    )


PROMPT = Text(
    id="prompt",
    label=N_("Prompt"),
    help=N_("What the picture shows. (word:1.2) weighs a word more, {red|blue} takes one of them by the seed."),
    required=True,
    limit=20_000,
)
NEGATIVE_PROMPT = Text(
    id="negative_prompt", label=N_("Negative prompt"), help=N_("What the picture should not show."), limit=20_000
)
SEED = Seed()
NUM_IMAGES = Integer(
    id="num_images",
    label=N_("Pictures"),
    help=N_("How many pictures; their seeds follow one another."),
    default=1,
    minimum=1,
    maximum=16,
)
STRENGTH = Number(
    id="strength",
    label=N_("Strength"),
    help=N_("How much of the picture may change. 1 leaves nothing of it."),
    default=0.6,
    minimum=0.01,
    tasks=ON_PICTURES,
)
MASK_FEATHER = Integer(
    id="mask_feather",
    label=N_("Feather"),
    help=N_("How softly the edge of the mask passes into the picture."),
    default=8,
    maximum=256,
    unit=N_("px"),
    tasks=(Task.INPAINT,),
)
CLIP_SKIP = Integer(
    id="clip_skip",
    label=N_("CLIP skip"),
    help=N_("Layers of the text encoder that are left out at its end. Some models were trained with 1."),
    maximum=11,
    advanced=True,
)
SEAMLESS = Choice(
    id="seamless",
    label=N_("Seamless"),
    help=N_("The picture continues at its opposite edge, so that it can be laid as tiles."),
    choices=(("", N_("Off")), ("x", N_("Left to right")), ("y", N_("Top to bottom")), ("both", N_("Both ways"))),
    advanced=True,
)
HIRES = (
    Flag(
        id="hires",
        label=N_("Second pass"),
        help=N_("Enlarges the picture and draws it again, which keeps large pictures coherent."),
        tasks=(Task.TEXT_TO_IMAGE,),
        advanced=True,
    ),
    Number(
        id="hires_scale",
        label=N_("Second pass: scale"),
        help=N_("How much larger the second pass is."),
        default=2.0,
        minimum=1.0,
        maximum=4.0,
        tasks=(Task.TEXT_TO_IMAGE,),
        advanced=True,
    ),
    Number(
        id="hires_strength",
        label=N_("Second pass: strength"),
        help=N_("How much the second pass may change."),
        default=0.5,
        minimum=0.01,
        tasks=(Task.TEXT_TO_IMAGE,),
        advanced=True,
    ),
)
PRECISION = Choice(
    id="precision",
    label=N_("Precision"),
    help=N_("How numbers are kept while drawing. Automatic is what suits the device."),
    choices=(("auto", N_("Automatic")), ("float32", "float32"), ("bfloat16", "bfloat16"), ("float16", "float16")),
    default="auto",
    advanced=True,
)
_COMPILE = Flag(
    id="compile",
    label=N_("Compile"),
    help=N_("Builds faster code for this size. The first picture then takes minutes longer."),
    advanced=True,
)
# Offered where there is a compiler for it.
COMPILE = (_COMPILE,) if any(map(shutil.which, ("c++", "g++", "clang++", "cl"))) else ()
_MODEL = Text(id="model", label=N_("Model"), required=True, limit=500, multiline=False)
LORAS = Rows(
    id="loras",
    label=N_("LoRAs"),
    help=N_("Small additions to the model: a style, a person, a thing."),
    fields=(_MODEL, Number(id="weight", label=N_("Weight"), default=1.0, minimum=-4.0, maximum=4.0)),
    limit=16,
    advanced=True,
)
CONTROL_KINDS = (
    *(("canny", N_("Edges")), ("depth", N_("Depth")), ("pose", N_("Pose")), ("scribble", N_("Scribble"))),
    *(("lineart", N_("Line art")), ("tile", N_("Detail")), ("other", N_("Other"))),
)
CONTROLS = Rows(
    id="controls",
    label=N_("Control"),
    help=N_("ControlNets that hold the picture to edges, depth or a pose; each has a control picture."),
    fields=(
        _MODEL,
        Choice(id="kind", label=N_("Kind"), choices=CONTROL_KINDS, default="other"),
        Number(id="weight", label=N_("Weight"), default=1.0, maximum=2.0),
        Number(id="start", label=N_("Start"), help=N_("The share of the steps before it begins."), default=0.0),
        Number(id="end", label=N_("End"), help=N_("The share of the steps after which it ends."), default=1.0),
    ),
    limit=4,
    advanced=True,
)
REFERENCES = Rows(
    id="references",
    label=N_("References"),
    help=N_("IP-Adapters that take a style or a face from another picture; each has a reference picture."),
    fields=(_MODEL, Number(id="weight", label=N_("Weight"), default=0.6, maximum=2.0)),
    limit=4,
    advanced=True,
)
