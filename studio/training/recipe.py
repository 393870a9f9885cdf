"""Recipes: what a training makes, from TOML files in `assets/training/` or the user's own."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core import paths
from studio.core.errors import InvalidInput

_SIDES = (32, 512)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage learns: `steps` of `batch` samples; the learning rate climbs for `warm_up` steps,
    stays, and falls to zero over the last `decay` share of them. `ema` is the decay of the averaged weights per step
    (0: none are kept)."""

    steps: int
    batch: int
    learning_rate: float
    warm_up: int = 100
    decay: float = 0.2
    weight_decay: float = 0.0
    ema: float = 0.0

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        left = (self.steps - step) / max(1.0, self.steps * self.decay)
        return self.learning_rate * min(1.0, (step + 1) / max(1, self.warm_up), left)


@dataclass(frozen=True)
class AutoencoderShape:
    """Channels and blocks per level, from the picture's side inwards (the encoder) and outwards (the decoder)."""

    latent_channels: int
    encoder_channels: int
    encoder_blocks: tuple[int, ...]
    decoder_channels: int
    decoder_blocks: tuple[int, ...]


@dataclass(frozen=True)
class DenoiserShape:
    """Channels per level, which levels read the words token by token, blocks per level and attention heads."""

    channels: tuple[int, ...]
    attention: tuple[bool, ...]
    blocks: int
    heads: int


@dataclass(frozen=True)
class AutoencoderPart:
    """The first stage, which looks at parts of `crop` pixels a side. `noise` (in units of the latents' deviation) is
    what the decoder learns to forgive."""

    shape: AutoencoderShape
    schedule: Schedule
    crop: int
    noise: float = 0.1


@dataclass(frozen=True)
class DenoiserPart:
    """The second stage."""

    shape: DenoiserShape
    schedule: Schedule


@dataclass(frozen=True)
class DecoderPart:
    """The last stage: the decoder alone, on latents that stay as they are."""

    schedule: Schedule
    crop: int
    noise: float = 0.1


@dataclass(frozen=True)
class Source:
    """Something that the model is made from, for its card."""

    name: str
    what: str
    licence: str


@dataclass(frozen=True)
class Recipe:
    """A training of pictures of `size` pixels a side: its stages and how words and colours are used. Shares
    (`hold_out`, `painted`, `dropout`) go from 0 to 1."""

    kind: str
    title: str
    size: int
    seed: int
    text_encoder: str
    tokens: int
    autoencoder: AutoencoderPart
    denoiser: DenoiserPart
    decoder: DecoderPart
    sources: tuple[Source, ...] = ()
    colours: bool = True
    hold_out: float = 0.0
    painted: float = 0.0
    dropout: float = 0.1


def names() -> list[str]:
    """The recipes that come with the program."""
    return sorted(path.stem for path in paths.asset("training").glob("*.toml"))


def load(name: str) -> Recipe:
    """The recipe called `name`, or the one in the TOML file of this path. Raises `InvalidInput`."""
    path = Path(name).expanduser() if name.endswith(".toml") else paths.asset("training", f"{name}.toml")
    if not name.endswith(".toml") and name not in names():
        raise InvalidInput("training-recipe-unknown", {"name": name, "choices": names(), "parameter": "recipe"})
    try:
        recipe = _made(Recipe, tomllib.loads(path.read_text(encoding="utf-8")), "")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("file-unreadable", {"path": str(path), "parameter": "recipe"}, str(error)) from error
    except (tomllib.TOMLDecodeError, _Wrong) as error:
        raise InvalidInput(
            "training-recipe-wrong", {"path": str(path), "reason": str(error), "parameter": "recipe"}
        ) from error
    levels = 2 ** (len(recipe.autoencoder.shape.encoder_blocks) + len(recipe.denoiser.shape.channels) - 2)
    if not _SIDES[0] <= recipe.size <= _SIDES[1] or recipe.size % levels:
        raise InvalidInput("training-recipe-wrong", {"path": str(path), "reason": "size", "parameter": "recipe"})
    return recipe


class _Wrong(Exception):
    """A value that a recipe cannot have; the message names it."""


def _made(kind: type[Any], entry: Any, where: str) -> Any:
    """`entry` of a TOML file as the dataclass `kind`."""
    if not isinstance(entry, Mapping):
        raise _Wrong(where)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = [name for name in entry if name not in fields]
    missing = [name for name, field in fields.items() if name not in entry and field.default is dataclasses.MISSING]
    if unknown or missing:
        raise _Wrong(f"{where}{(unknown or missing)[0]}")
    return kind(**{name: _value(hints[name], value, f"{where}{name}") for name, value in entry.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        assert isinstance(kind, type)
        return _made(kind, value, f"{where}.")
    if isinstance(kind, types.GenericAlias):
        if not isinstance(value, list) or not value and kind.__args__[0] is not Source:
            raise _Wrong(where)
        return tuple(_value(kind.__args__[0], item, where) for item in value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number and value >= 0:
        return float(value)
    if type(value) is not kind or kind is int and value < 0:
        raise _Wrong(where)
    return value
