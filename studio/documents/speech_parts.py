"""What a reading is made of, what it tells its listeners, and how its parts are kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from studio.documents.base import Change, from_json, to_json

MADE, EDITED, WAITING = "made", "edited", "waiting"
State = Literal["made", "edited", "waiting"]


@dataclass(frozen=True)
class Delivery:
    """How everything is read that says nothing of its own. `voice` belongs to `model` ("" its first one, "a:0.6+b:0.4"
    a blend); `language` "auto" or a code; `pause` and `paragraph_pause` in s; `lexicon` maps a word to how it is said;
    `params` are the family's other parameters that the user changed. Of the finished sound alone are `trim` (without
    the silence at both ends) and `fade_in` and `fade_out`, in s."""

    model: str = ""
    voice: str = ""
    language: str = "auto"
    speed: float = 1.0
    pause: float = 0.3
    paragraph_pause: float = 0.8
    trim: bool = False
    fade_in: float = 0.0
    fade_out: float = 0.0
    lexicon: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sentence:
    """`opens`: it begins a paragraph. `voice` (with its `model`), `language`, `speed` and `pause` are its own, or "", 0
    and −1: as the reading has it. `take` is the sound it has (of `document.takes`), `seconds` long, made as the digest
    `manner` says."""

    id: str
    text: str = ""
    opens: bool = False
    model: str = ""
    voice: str = ""
    language: str = ""
    speed: float = 0.0
    pause: float = -1.0
    take: str = ""
    manner: str = ""
    seconds: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where sentence number `index` lies in the sound, in s; estimated while it is not made. `pause` follows it."""

    id: str
    index: int
    start: float
    end: float
    pause: float
    state: State


@dataclass(frozen=True)
class Reading:
    """How the whole was read before it was all read anew. `number` counts from 1; `label` names the voice."""

    id: str
    number: int
    created: float = 0.0
    label: str = ""
    seconds: float = 0.0
    favourite: bool = False
    peaks: str = ""
    sentences: tuple[Sentence, ...] = ()
    delivery: Delivery = field(default_factory=Delivery)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SentencesChanged(Change):
    """`removed` sentences at `start` gave way to `inserted` others."""

    start: int
    removed: int
    inserted: int


@dataclass(frozen=True)
class SentenceChanged(Change):
    """The sentences with these ids say something else; `sound`: only their sounds are others."""

    ids: tuple[str, ...]
    sound: bool = False


@dataclass(frozen=True)
class DeliveryChanged(Change):
    """How the whole is read; any sentence may be in another state now."""


@dataclass(frozen=True)
class ReadingsChanged(Change):
    """An earlier reading came, went or changed its mark."""


_DEFAULTS = {item.name: item.default for item in fields(Sentence) if item.name not in ("id", "extra")}


def compact(sentence: Sentence) -> dict[str, Any]:
    own = {name: getattr(sentence, name) for name, usual in _DEFAULTS.items() if getattr(sentence, name) != usual}
    return {**sentence.extra, "id": sentence.id, **own}


def reading_json(reading: Reading) -> dict[str, Any]:
    sentences, delivery = [compact(item) for item in reading.sentences], to_json(reading.delivery)
    return {**to_json(replace(reading, sentences=())), "sentences": sentences, "delivery": delivery}


def reading_of(data: Mapping[str, Any]) -> Reading:
    sentences = tuple(from_json(Sentence, item) for item in data["sentences"])
    return replace(
        from_json(Reading, {**data, "sentences": ()}),
        sentences=sentences,
        delivery=from_json(Delivery, data["delivery"]),
    )
