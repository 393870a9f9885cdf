"""Stable Diffusion 3 and 3.5. The third encoder, T5, is large and may be left out of the model's files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import picturing
from studio.families import picturing_params as fields
from studio.families.diffusion import loading, plain_prompts, schedulers
from studio.families.diffusion.painter import Encoded, Manner, Painter, Words

SPEC = Family(
    id="stable-diffusion-3",
    version=1,
    medium=Medium.IMAGE,
    title=N_("Stable Diffusion 3"),
    tasks=(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT),
    params=(
        fields.PROMPT,
        fields.NEGATIVE_PROMPT,
        *fields.sides(1024, 1024, 16),
        fields.steps(28),
        fields.guidance(4.5),
        fields.STRENGTH,
        fields.MASK_FEATHER,
        fields.NUM_IMAGES,
        fields.scheduler(schedulers.FLOW),
        fields.LORAS,
        *fields.HIRES,
        *fields.COMPILE,
        fields.PRECISION,
        fields.SEED,
    ),
    formats=(".png",),
    libraries=("diffusers", "transformers", "torch", "peft"),
)
_READ = 256  # tokens; CLIP alone reads 77


def _encode(pipeline: Any, words: Words) -> Encoded:
    whole = pipeline.text_encoder_3 is not None
    tokenizer, limit = (pipeline.tokenizer_3, _READ - 1) if whole else (pipeline.tokenizer, 75)
    reading = plain_prompts.read(tokenizer, words, limit)
    made = pipeline.encode_prompt(
        reading.prompt,
        None,
        None,
        negative_prompt=reading.negative,
        do_classifier_free_guidance=words.guided,
        max_sequence_length=_READ,
    )
    names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    return reading.encoded(dict(zip(names, made, strict=True)))


MANNER = Manner(
    pipelines={
        Task.TEXT_TO_IMAGE: "StableDiffusion3Pipeline",
        Task.IMAGE_TO_IMAGE: "StableDiffusion3Img2ImgPipeline",
        Task.INPAINT: "StableDiffusion3InpaintPipeline",
    },
    encode=_encode,
    denoiser="transformer",
    leave_out=("image_encoder", "feature_extractor"),
    optional=("text_encoder_3", "tokenizer_3"),
    schedulers=schedulers.FLOW,
    bases={0: "stable-diffusion-3"},
    step=16,
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
