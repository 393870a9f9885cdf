"""Words as the arguments of the UNet pipelines: Stable Diffusion with one CLIP encoder, XL with two.

A model whose text encoder is no CLIP is given the words as its own pipeline would read them.
"""

from __future__ import annotations

from typing import Any

from studio.core.i18n import N_
from studio.families.diffusion import clip
from studio.families.diffusion.painter import Encoded, Words
from studio.families.prompting import is_weighted, plain

WEIGHTS_IGNORED = N_("This model’s text encoder knows no weights; the words count alike.")
CUT_OFF = N_("The prompt is longer than this model reads; its end was left out.")


def one_encoder(pipeline: Any, words: Words) -> Encoded:
    """The arguments of a `StableDiffusionPipeline`."""
    if not type(pipeline.text_encoder).__name__.startswith("CLIP"):
        return _plain(pipeline, words)
    positive, negative, count = _matching(pipeline.tokenizer, words)
    encoder, device = pipeline.text_encoder, pipeline._execution_device
    arguments = {"prompt_embeds": clip.encode(encoder, positive, device, words.clip_skip)[0]}
    if words.guided:
        # diffusers leaves out no layers for the negative prompt; other studios do, and models are made with them.
        arguments["negative_prompt_embeds"] = clip.encode(encoder, negative, device, words.clip_skip)[0]
    return Encoded(arguments, count)


def two_encoders(pipeline: Any, words: Words) -> Encoded:
    """The arguments of a `StableDiffusionXLPipeline`: both encoders' last layer but one, side by side, and the second
    encoder's one vector for the whole prompt, of its first chunk."""
    import torch

    device = pipeline._execution_device
    sides: list[list[Any]] = [[], []]
    pooled: list[Any] = [None, None]
    count = 0
    pairs = [(pipeline.tokenizer, pipeline.text_encoder), (pipeline.tokenizer_2, pipeline.text_encoder_2)]
    for tokenizer, encoder in pairs:
        if encoder is None:
            continue
        positive, negative, told = _matching(tokenizer, words)
        count = max(count, told)
        for index, found in enumerate((positive, negative) if words.guided else (positive,)):
            hidden, output = clip.encode(encoder, found, device, words.clip_skip + 1, normalise=False)
            sides[index].append(hidden)
            if hasattr(output, "text_embeds"):
                pooled[index] = output.text_embeds[:1]
    arguments = {"prompt_embeds": torch.cat(sides[0], -1), "pooled_prompt_embeds": pooled[0]}
    if words.guided:
        negative, negative_pooled = torch.cat(sides[1], -1), pooled[1]
        if not words.negative and pipeline.config.force_zeros_for_empty_prompt:
            negative, negative_pooled = torch.zeros_like(negative), torch.zeros_like(negative_pooled)
        arguments |= {"negative_prompt_embeds": negative, "negative_pooled_prompt_embeds": negative_pooled}
    return Encoded(arguments, count)


def _matching(tokenizer: Any, words: Words) -> tuple[list[clip.Chunk], list[clip.Chunk], int]:
    """The chunks of both prompts, as many of the one as of the other, and the tokens of the prompt."""
    positive, count = clip.chunks(tokenizer, words.prompt)
    negative, _count = clip.chunks(tokenizer, words.negative)
    most = max(len(positive), len(negative)) if words.guided else len(positive)
    return clip.padded(positive, tokenizer, most), clip.padded(negative, tokenizer, most), count


def _plain(pipeline: Any, words: Words) -> Encoded:
    tokenizer = pipeline.tokenizer
    prompt, negative = plain(words.prompt), plain(words.negative)
    made = pipeline.encode_prompt(prompt, pipeline._execution_device, 1, words.guided, negative)
    count = len(tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids)
    notes = [WEIGHTS_IGNORED] if is_weighted(words.prompt) or is_weighted(words.negative) else []
    if count > tokenizer.model_max_length - 2:
        notes.append(CUT_OFF)
    return Encoded({"prompt_embeds": made[0], "negative_prompt_embeds": made[1]}, count, tuple(notes))
