"""Prompts for encoders that know no weights: language models and T5, which read sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.families.diffusion.clip_prompts import CUT_OFF, WEIGHTS_IGNORED
from studio.families.diffusion.painter import Encoded, Words
from studio.families.prompting import is_weighted, plain


@dataclass(frozen=True)
class Reading:
    """Both prompts without the signs of weights; `tokens` of the prompt; `notes` as in `Encoded`."""

    prompt: str
    negative: str
    tokens: int
    notes: tuple[str, ...]

    def encoded(self, arguments: Mapping[str, Any]) -> Encoded:
        """With what the pipeline made of it; what is None was not made."""
        return Encoded({name: value for name, value in arguments.items() if value is not None}, self.tokens, self.notes)


def read(tokenizer: Any, words: Words, limit: int) -> Reading:
    """`limit`: how many tokens of the words the encoder reads."""
    prompt, negative = plain(words.prompt), plain(words.negative)
    tokens = len(tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids)
    notes = [WEIGHTS_IGNORED] if is_weighted(words.prompt) or is_weighted(words.negative) else []
    if tokens > limit:
        notes.append(CUT_OFF)
    return Reading(prompt, negative, tokens, tuple(notes))
