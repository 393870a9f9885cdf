"""What the denoiser learns from: latents of every picture, also painted in other colours, each with its captions."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

from studio.training.autoencoder import to_unit
from studio.training.captions import captions, colour_captions, noun, telling_tags
from studio.training.colours import COLOURS, paint
from studio.training.device import Place
from studio.training.pictures import Concept, Pictures
from studio.training.tensors import write_array

_AT_ONCE = 64


@dataclass(frozen=True)
class Example:
    """A picture (its concept's index), the colour it is painted in ("": its own) and its captions' indices."""

    concept: int
    colour: str
    captions: tuple[int, ...]


@dataclass(frozen=True)
class Examples:
    """`words` are all captions, the empty one first. The first `plain` examples are the pictures as they are.
    `held_out` are pairs of colour and concept that are never shown, to measure with."""

    examples: tuple[Example, ...]
    words: tuple[str, ...]
    plain: int
    held_out: tuple[tuple[str, str], ...]


def describe(concepts: Sequence[Concept], hold_out: float, colours: bool, seed: int) -> Examples:
    """Every example of `concepts`; of the painted ones a share of `hold_out` is left out, by names alone."""
    places: dict[str, int] = {"": 0}

    def indices(texts: Sequence[str]) -> tuple[int, ...]:
        return tuple(places.setdefault(text, len(places)) for text in texts)

    telling = telling_tags([each.tags for each in concepts])
    examples = []
    for index, each in enumerate(concepts):
        written = captions(each.label, each.tags, telling[index], each.colour or None, f"{seed} {each.id}")
        examples.append(Example(index, "", indices(written)))
    held_out, seen = [], set()
    for index, each in enumerate(concepts):
        name = noun(each.label)
        if not colours or not each.paintable or name in seen:
            continue
        seen.add(name)
        taken = {each.colour, *(word for word in COLOURS if f"{word} {name}" in places)}
        for colour in COLOURS:
            if colour in taken:
                continue
            chance = zlib.crc32(f"{seed} {colour} {name}".encode())
            if chance % 1000 < hold_out * 1000:
                held_out.append((colour, name))
            else:
                written = colour_captions(each.label, telling[index], colour, f"{seed} {each.id}")
                examples.append(Example(index, colour, indices(written)))
    return Examples(tuple(examples), tuple(places), len(concepts), tuple(held_out))


def make_latents(
    examples: Examples,
    pictures: Pictures,
    net: AutoencoderTiny,
    place: Place,
    folder: Path,
    check: Callable[[], None],
) -> torch.Tensor:
    """The latents of every example, float32, kept in `folder`."""
    file = folder / "latents.npy"
    if not file.is_file():
        made = []
        with torch.inference_mode():
            for start in range(0, len(examples.examples), _AT_ONCE):
                check()
                some = examples.examples[start : start + _AT_ONCE]
                shown = np.stack([_shown(example, pictures) for example in some])
                inputs = place.put(to_unit(torch.from_numpy(shown))).contiguous(memory_format=torch.channels_last)
                made.append(net.encoder(inputs).float().cpu().numpy())
        write_array(file, np.concatenate(made))
    return torch.from_numpy(np.load(file))


def _shown(example: Example, pictures: Pictures) -> np.ndarray:
    picture = pictures.array[example.concept]
    return paint(picture, pictures.concepts[example.concept].hue, example.colour) if example.colour else picture
