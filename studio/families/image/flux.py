"""FLUX.1: schnell, made for four steps without guidance, and dev, which is told the guidance as a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import picturing
from studio.families import picturing_params as fields
from studio.families.diffusion import loading, plain_prompts
from studio.families.diffusion.painter import Encoded, Manner, Painter, Words

SPEC = Family(
    id="flux",
    version=1,
    medium=Medium.IMAGE,
    title=N_("FLUX.1"),
    tasks=(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT),
    params=(
        fields.PROMPT,
        fields.NEGATIVE_PROMPT,
        *fields.sides(1024, 1024, 16),
        fields.steps(28),
        fields.guidance(3.5),
        fields.true_guidance(1.0),
        fields.STRENGTH,
        fields.MASK_FEATHER,
        fields.NUM_IMAGES,
        fields.LORAS,
        *fields.HIRES,
        *fields.COMPILE,
        fields.PRECISION,
        fields.SEED,
    ),
    formats=(".png",),
    libraries=("diffusers", "transformers", "torch", "peft"),
)


def _encode(pipeline: Any, words: Words) -> Encoded:
    # The model without guidance was made for half as many tokens.
    limit = 512 if pipeline.transformer.config.guidance_embeds else 256
    reading = plain_prompts.read(pipeline.tokenizer_2, words, limit - 1)
    told, pooled, _places = pipeline.encode_prompt(reading.prompt, max_sequence_length=limit)
    arguments = {"prompt_embeds": told, "pooled_prompt_embeds": pooled}
    if words.guided:
        told, pooled, _places = pipeline.encode_prompt(reading.negative, max_sequence_length=limit)
        arguments |= {"negative_prompt_embeds": told, "negative_pooled_prompt_embeds": pooled}
    return reading.encoded(arguments)


MANNER = Manner(
    pipelines={
        Task.TEXT_TO_IMAGE: "FluxPipeline",
        Task.IMAGE_TO_IMAGE: "FluxImg2ImgPipeline",
        Task.INPAINT: "FluxInpaintPipeline",
    },
    encode=_encode,
    denoiser="transformer",
    leave_out=("image_encoder", "feature_extractor"),
    guidance="true_cfg_scale",
    passed=("guidance_scale", "true_cfg_scale"),
    bases={0: "flux-1"},
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
    return picturing.estimate(files, device, MANNER, 1024)


def expected(size: int, parameters: int, device: Device) -> int:
    return picturing.expected(size, parameters, device)
