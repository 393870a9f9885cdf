"""Words as the pipeline will see them: a BERT encoder's hidden states, made once for every caption."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from transformers import BertModel, BertTokenizer

from studio.core.errors import AtelierError, from_os_error

_AT_ONCE = 64


def load_text_encoder(folder: Path, tokens: int) -> tuple[BertModel, BertTokenizer]:
    """The encoder in `folder`, set up to read up to `tokens` tokens and to leave padding out."""
    try:
        encoder = BertModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False)
        tokenizer = BertTokenizer.from_pretrained(folder, model_max_length=tokens)
    except (OSError, ValueError) as error:
        raise AtelierError("training-no-text-encoder", {"path": str(folder)}, details=repr(error)) from error
    encoder.config.use_attention_mask = True
    return encoder.eval().requires_grad_(False), tokenizer


def embed(
    captions: Sequence[str],
    encoder: BertModel,
    tokenizer: BertTokenizer,
    folder: Path,
    check: Callable[[], None],
) -> np.ndarray:
    """The pipeline's own embedding of each caption, float16: captions × tokens × width. Kept in `folder`, from
    where it is only mapped, since it may be larger than the memory."""
    file = folder / f"words-{zlib.crc32(json.dumps(captions).encode()):08x}.npy"
    shape = (len(captions), tokenizer.model_max_length, encoder.config.hidden_size)
    if file.is_file():
        return np.load(file, mmap_mode="r")
    # Only the words' part of the pipeline: it needs neither a denoiser nor an autoencoder.
    pipeline = StableDiffusionPipeline(
        vae=None,  # type: ignore[arg-type]
        text_encoder=encoder,  # type: ignore[arg-type]
        tokenizer=tokenizer,  # type: ignore[arg-type]
        unet=None,  # type: ignore[arg-type]
        scheduler=None,  # type: ignore[arg-type]
        safety_checker=None,  # type: ignore[arg-type]
        feature_extractor=None,  # type: ignore[arg-type]
        requires_safety_checker=False,
    )
    part = file.with_suffix(".part")
    try:
        array = np.lib.format.open_memmap(part, "w+", np.float16, shape)
        with torch.inference_mode():
            for start in range(0, len(captions), _AT_ONCE):
                check()
                some = list(captions[start : start + _AT_ONCE])
                embeddings, _negative = pipeline.encode_prompt(some, encoder.device, 1, False)
                array[start : start + len(some)] = embeddings.cpu().numpy()
        array.flush()
        del array
        part.replace(file)
    except OSError as error:
        raise from_os_error(error, file) from error
    return np.load(file, mmap_mode="r")
