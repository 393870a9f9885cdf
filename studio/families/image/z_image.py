"""Z-Image, with Turbo, which is made for eight or nine steps without guidance."""

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
    id="z-image",
    version=1,
    medium=Medium.IMAGE,
    title=N_("Z-Image"),
    tasks=(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT),
    params=(
        fields.PROMPT,
        fields.NEGATIVE_PROMPT,
        *fields.sides(1024, 1024, 16),
        fields.steps(9),
        fields.guidance(0.0),
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
_READ = 512  # tokens, with the frame of a conversation about them


def _encode(pipeline: Any, words: Words) -> Encoded:
    tokenizer = pipeline.tokenizer
    frame = tokenizer.apply_chat_template(
        [{"role": "user", "content": ""}], tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    reading = plain_prompts.read(tokenizer, words, _READ - len(tokenizer(frame).input_ids))
    told, against = pipeline.encode_prompt(
        reading.prompt,
        do_classifier_free_guidance=words.guided,
        negative_prompt=reading.negative,
        max_sequence_length=_READ,
    )
    return reading.encoded({"prompt_embeds": told, "negative_prompt_embeds": against})


MANNER = Manner(
    pipelines={
        Task.TEXT_TO_IMAGE: "ZImagePipeline",
        Task.IMAGE_TO_IMAGE: "ZImageImg2ImgPipeline",
        Task.INPAINT: "ZImageInpaintPipeline",
    },
    encode=_encode,
    denoiser="transformer",
    unguided=0.0,
    bases={0: "z-image"},
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
