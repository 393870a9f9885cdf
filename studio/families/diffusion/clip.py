"""Prompts as CLIP's text encoders see them: in chunks of 75 tokens, weighted, none of it cut off.

A chunk is what the encoder reads at once, between its own beginning and end. A prompt of one chunk without weights
gives exactly what diffusers' own `encode_prompt` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.families.prompting import Piece, pieces

_LOOK_BACK = 20  # tokens: a chunk rather ends at a comma than within a phrase
_RESTORED = (0.5, 2.0)


@dataclass(frozen=True)
class Chunk:
    """Tokens of one reading with the weight of each, as long as the encoder takes."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]


def chunks(tokenizer: Any, prompt: str) -> tuple[list[Chunk], int]:
    """The chunks of a resolved prompt, at least one, and how many tokens its words are."""
    length = tokenizer.model_max_length - 2
    comma = set(tokenizer("a,", add_special_tokens=False).input_ids[-1:])
    told: list[list[tuple[int, float]]] = [[]]
    count = 0
    for piece in pieces(prompt):
        if piece.breaks and told[-1]:
            told.append([])
        for token in _tokens(tokenizer, piece):
            count += 1
            if len(told[-1]) == length:
                told.append(_carried(told[-1], comma) if token not in comma else [])
            told[-1].append((token, piece.weight))
    return [_whole(tokenizer, each, length) for each in told], count


def padded(found: Sequence[Chunk], tokenizer: Any, count: int) -> list[Chunk]:
    """`found` with as many empty chunks behind it as `count` asks for."""
    empty = _whole(tokenizer, [], tokenizer.model_max_length - 2)
    return [*found, *[empty] * (count - len(found))]


def encode(encoder: Any, found: Sequence[Chunk], device: Any, skip: int, *, normalise: bool = True) -> tuple[Any, Any]:
    """The embeddings of the chunks one behind another, of shape (1, tokens, width), and the encoder's own output, of
    the chunks, for what else is in it. `skip` leaves out that many layers at the end; `normalise`: what comes out of
    an earlier layer passes through the encoder's last norm."""
    import torch

    tokens = torch.tensor([chunk.tokens for chunk in found], device=device)
    output = encoder(tokens, output_hidden_states=True)
    if skip == 0 and normalise:
        hidden = output.last_hidden_state
    else:
        hidden = output.hidden_states[-(skip + 1)]
        if normalise:
            hidden = getattr(encoder, "text_model", encoder).final_layer_norm(hidden)
    if any(weight != 1.0 for chunk in found for weight in chunk.weights):
        hidden = _weighted(hidden, torch.tensor([chunk.weights for chunk in found], device=hidden.device))
    return hidden.reshape(1, -1, hidden.shape[-1]), output


def _weighted(hidden: Any, weights: Any) -> Any:
    """Each token's embedding times its weight, the mean of the whole restored as other studios do. Where the mean is so
    near to zero that it says nothing, it is left alone."""
    before = hidden.float()
    after = before * weights.unsqueeze(-1)
    ratio = float(before.mean() / after.mean()) if float(after.mean()) else 1.0
    if _RESTORED[0] <= ratio <= _RESTORED[1]:
        after = after * ratio
    return after.to(hidden.dtype)


def _tokens(tokenizer: Any, piece: Piece) -> list[int]:
    return tokenizer(piece.text, add_special_tokens=False, verbose=False).input_ids if piece.text.strip() else []


def _carried(full: list[tuple[int, float]], comma: set[int]) -> list[tuple[int, float]]:
    """What goes over into the next chunk: the phrase behind the last comma, if that is near."""
    behind = next((index for index in range(1, _LOOK_BACK + 1) if full[-index][0] in comma), 0)
    if behind < 2:
        return []
    carried = full[len(full) - behind + 1 :]
    del full[len(full) - behind + 1 :]
    return carried


def _whole(tokenizer: Any, told: Sequence[tuple[int, float]], length: int) -> Chunk:
    ids, weights = [token for token, _weight in told], [weight for _token, weight in told]
    rest = length - len(ids)
    # The first sign behind the words is the end, and what fills up may be another one.
    tokens = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id, *[tokenizer.pad_token_id] * rest]
    return Chunk(tuple(tokens), (1.0, *weights, 1.0, *[1.0] * rest))
