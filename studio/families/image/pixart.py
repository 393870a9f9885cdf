"""PixArt-Σ: small for what it draws, with T5 as its encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import picturing
from studio.families import picturing_params as fields
from studio.families.diffusion import loading, plain_prompts, previews, schedulers
from studio.families.diffusion.painter import Encoded, Manner, Painter, Words

SPEC = Family(
    id="pixart",
    version=1,
    medium=Medium.IMAGE,
    title=N_("PixArt-Σ"),
    tasks=(Task.TEXT_TO_IMAGE,),
    params=(
        fields.PROMPT,
        fields.NEGATIVE_PROMPT,
        *fields.sides(1024, 1024, 16),
        fields.steps(20),
        fields.guidance(4.5),
        fields.NUM_IMAGES,
        fields.scheduler(schedulers.UNET),
        *fields.COMPILE,
        fields.PRECISION,
        fields.SEED,
    ),
    formats=(".png",),
    libraries=("diffusers", "transformers", "torch"),
)
_READ = 300  # tokens


def _encode(pipeline: Any, words: Words) -> Encoded:
    reading = plain_prompts.read(pipeline.tokenizer, words, _READ - 1)
    made = pipeline.encode_prompt(
        reading.prompt, words.guided, negative_prompt=reading.negative, max_sequence_length=_READ
    )
    names = ("prompt_embeds", "prompt_attention_mask", "negative_prompt_embeds", "negative_prompt_attention_mask")
    return reading.encoded(dict(zip(names, made, strict=True)))


MANNER = Manner(
    pipelines={Task.TEXT_TO_IMAGE: "PixArtSigmaPipeline"},
    encode=_encode,
    denoiser="transformer",
    factors={0.13025: previews.STABLE_DIFFUSION_XL},
    arguments={"negative_prompt": None, "use_resolution_binning": False},
    step=16,
    wide=True,
)


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is a model_index.json."""
    return loading.is_pipeline(config, MANNER.pipelines.values())


def load(files: ModelFiles, device: Device) -> Painter:
    return Painter(files, device, MANNER)


def run(model: Painter, request: Request, ctx: Context) -> list[Artifact]:
    return picturing.draw(model, SPEC.check(request), ctx)


def verify(request: Request, info: ModelInfo) -> None:
    picturing.verify(request, info)


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return picturing.upgrade(params, SPEC)


def estimate(files: ModelFiles, device: Device) -> int:
    return picturing.estimate(files, device, MANNER, loading.natural_size(files, MANNER.denoiser) or 1024)


def expected(size: int, parameters: int, device: Device) -> int:
    return picturing.expected(size, parameters, device)


def describe(files: ModelFiles) -> dict[str, Any]:
    return picturing.describe(files, MANNER.denoiser)
