"""Qwen-Image, which writes well, in Chinese too."""

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
    id="qwen-image",
    version=1,
    medium=Medium.IMAGE,
    title=N_("Qwen-Image"),
    tasks=(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT),
    params=(
        fields.PROMPT,
        fields.NEGATIVE_PROMPT,
        *fields.sides(1328, 1328, 16),
        fields.steps(50),
        fields.true_guidance(4.0),
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
_READ = 1024  # tokens, with those that end the conversation about them
_FRAME = 5


def _encode(pipeline: Any, words: Words) -> Encoded:
    reading = plain_prompts.read(pipeline.tokenizer, words, _READ - _FRAME)
    told, seen = _told(pipeline, reading.prompt)
    arguments = {"prompt_embeds": told, "prompt_embeds_mask": seen}
    if words.guided:
        # The model was made with a space where nothing is to be avoided.
        told, seen = _told(pipeline, reading.negative or " ")
        arguments |= {"negative_prompt_embeds": told, "negative_prompt_embeds_mask": seen}
    return reading.encoded(arguments)


def _told(pipeline: Any, prompt: str) -> tuple[Any, Any]:
    """The embeddings, and a mask even where all of them count: the pipeline complains of prompts without one."""
    import torch

    told, seen = pipeline.encode_prompt(prompt, max_sequence_length=_READ)
    return told, torch.ones(told.shape[:2], dtype=torch.long, device=told.device) if seen is None else seen


MANNER = Manner(
    pipelines={
        Task.TEXT_TO_IMAGE: "QwenImagePipeline",
        Task.IMAGE_TO_IMAGE: "QwenImageImg2ImgPipeline",
        Task.INPAINT: "QwenImageInpaintPipeline",
    },
    encode=_encode,
    denoiser="transformer",
    guidance="true_cfg_scale",
    passed=("true_cfg_scale",),
    arguments={"max_sequence_length": _READ},
    bases={0: "qwen-image"},
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
    return picturing.estimate(files, device, MANNER, 1328)


def expected(size: int, parameters: int, device: Device) -> int:
    return picturing.expected(size, parameters, device)
