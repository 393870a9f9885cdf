"""Stable Diffusion XL, with its fast descendants (Turbo, Lightning): those differ in their entries' defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import picturing
from studio.families import picturing_params as fields
from studio.families.diffusion import clip_prompts, loading, previews, schedulers, single_file
from studio.families.diffusion.painter import Manner, Painter

SPEC = Family(
    id="stable-diffusion-xl",
    version=1,
    medium=Medium.IMAGE,
    title=N_("Stable Diffusion XL"),
    tasks=(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT),
    params=(
        fields.PROMPT,
        fields.NEGATIVE_PROMPT,
        *fields.sides(1024, 1024),
        fields.steps(30),
        fields.guidance(5.0),
        fields.STRENGTH,
        fields.MASK_FEATHER,
        fields.NUM_IMAGES,
        fields.scheduler(schedulers.UNET),
        fields.LORAS,
        fields.CONTROLS,
        fields.REFERENCES,
        fields.CLIP_SKIP,
        fields.SEAMLESS,
        *fields.HIRES,
        *fields.COMPILE,
        fields.PRECISION,
        fields.SEED,
    ),
    formats=(".png",),
    libraries=("diffusers", "transformers", "torch", "peft"),
)
MANNER = Manner(
    pipelines={
        Task.TEXT_TO_IMAGE: "StableDiffusionXLPipeline",
        Task.IMAGE_TO_IMAGE: "StableDiffusionXLImg2ImgPipeline",
        Task.INPAINT: "StableDiffusionXLInpaintPipeline",
    },
    encode=clip_prompts.two_encoders,
    controlled={
        Task.TEXT_TO_IMAGE: "StableDiffusionXLControlNetPipeline",
        Task.IMAGE_TO_IMAGE: "StableDiffusionXLControlNetImg2ImgPipeline",
        Task.INPAINT: "StableDiffusionXLControlNetInpaintPipeline",
    },
    leave_out=("feature_extractor", "image_encoder"),
    settings={"add_watermarker": False},
    factors={0.13025: previews.STABLE_DIFFUSION_XL},
    bases={2048: "stable-diffusion-xl"},
)
_CLASSES = ("StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline")
_SINGLE = ("stable-diffusion-xl",)


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is a model_index.json, or what was found out of a single file."""
    return loading.is_pipeline(config, _CLASSES) or single_file.is_pipeline(config, _SINGLE)


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
    return picturing.estimate(files, device, MANNER, loading.natural_size(files) or 1024)


def expected(size: int, parameters: int, device: Device) -> int:
    return picturing.expected(size, parameters, device)


def describe(files: ModelFiles) -> dict[str, Any]:
    return picturing.describe(files)
