"""A trained model as an ordinary Stable Diffusion repository, with its card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from transformers import BertModel, BertTokenizer

from studio.core.errors import from_os_error
from studio.core.files import write_json, write_text
from studio.training.card import card
from studio.training.denoiser import scheduler
from studio.training.recipe import Recipe

_SHARD = "16MB"


def pipeline(
    net: AutoencoderTiny, denoiser: UNet2DConditionModel, encoder: BertModel, tokenizer: BertTokenizer
) -> StableDiffusionPipeline:
    """The parts as the pipeline that will run them."""
    return StableDiffusionPipeline(
        vae=net,  # type: ignore[arg-type]
        text_encoder=encoder,  # type: ignore[arg-type]
        tokenizer=tokenizer,  # type: ignore[arg-type]
        unet=denoiser,
        scheduler=scheduler(),  # type: ignore[arg-type]
        safety_checker=None,  # type: ignore[arg-type]
        feature_extractor=None,  # type: ignore[arg-type]
        requires_safety_checker=False,
    )


def write_repository(made: StableDiffusionPipeline, recipe: Recipe, measured: Mapping[str, Any], output: Path) -> None:
    """Write `made` to `output` in float16, in shards of at most 16 MiB. The folder appears when it is whole."""
    part = output.with_name(f".{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        made.to(dtype=torch.float16).save_pretrained(part, max_shard_size=_SHARD)
        write_json(part / "recipe.json", dict(measured))
        write_text(part / "README.md", card(recipe, measured))
        if output.exists():
            shutil.rmtree(output)
        part.rename(output)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise from_os_error(error, output) from error
