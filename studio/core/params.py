"""Field specifications: one declaration gives the form, the command-line flag, validation and the recipe's field.

`check` returns the value in its canonical type or raises `InvalidInput` with words; it never changes meaning silently.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.i18n import N_

SEED_MAX = 2**32 - 2  # llama.cpp keeps 2**32 - 1 for "choose one for me"; every library takes this range
TEXT_LIMIT = 200_000


@dataclass(frozen=True, kw_only=True)
class Param:
    """One field. `id` is the library's own name; `label` and `help` are marked with `N_` and translated when shown.

    `tasks` limits the field to some tasks (empty: all of the family's). `advanced` folds it away in the form.
    """

    id: str
    label: str
    help: str = ""
    tasks: tuple[str, ...] = ()
    advanced: bool = False
    default: Any = None

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def wrong_kind(self, value: Any) -> InvalidInput:
        return InvalidInput("value-wrong-kind", {"parameter": self.id, "label": self.label, "value": _short(value)})


@dataclass(frozen=True, kw_only=True)
class Text(Param):
    """Words. `limit` in characters; `required` refuses text of nothing but white space."""

    default: str = ""
    limit: int = TEXT_LIMIT
    required: bool = False
    multiline: bool = True

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.wrong_kind(value)
        text = clean_text(value, parameter=self.id)
        if self.required and not text.strip():
            raise InvalidInput("prompt-empty", {"parameter": self.id})
        if len(text) > self.limit:
            raise InvalidInput("text-too-long", {"parameter": self.id, "count": len(text), "limit": self.limit})
        return text


@dataclass(frozen=True, kw_only=True)
class Integer(Param):
    """A whole number in [minimum, maximum]."""

    default: int = 0
    minimum: int = 0
    maximum: int = 100
    step: int = 1
    unit: str = ""

    def check(self, value: Any) -> int:
        number = _number(self, value)
        if number != int(number):
            raise _out_of_range(self, value)
        if not self.minimum <= int(number) <= self.maximum:
            raise _out_of_range(self, value)
        return int(number)


@dataclass(frozen=True, kw_only=True)
class Number(Param):
    """A real number in [minimum, maximum]; `decimals` is how many are shown."""

    default: float = 0.0
    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 0.05
    decimals: int = 2
    unit: str = ""

    def check(self, value: Any) -> float:
        number = _number(self, value)
        if not self.minimum <= number <= self.maximum:
            raise _out_of_range(self, value)
        return float(number)


@dataclass(frozen=True, kw_only=True)
class Flag(Param):
    """On or off."""

    default: bool = False

    def check(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"true", "yes", "on", "1", "false", "no", "off", "0"}:
            return value.lower() in {"true", "yes", "on", "1"}
        raise self.wrong_kind(value)


@dataclass(frozen=True, kw_only=True)
class Choice(Param):
    """One of `choices`: pairs of (value, label)."""

    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""

    def check(self, value: Any) -> str:
        values = [name for name, _label in self.choices]
        if value not in values:
            raise InvalidInput(
                "value-not-choice",
                {"parameter": self.id, "label": self.label, "value": _short(value), "choices": values},
            )
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Seed(Integer):
    """The seed of the random numbers. None asks for a fresh one; the queue fills it in before the job is written."""

    id: str = "seed"
    label: str = N_("Seed")
    help: str = N_("The same seed with the same settings gives the same result.")
    default: int | None = None  # type: ignore[assignment]
    maximum: int = SEED_MAX
    advanced: bool = True

    def check(self, value: Any) -> int | None:  # type: ignore[override]
        return None if value is None else super().check(value)


ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, kw_only=True)
class Messages(Param):
    """A conversation: a list of {"role": "system" | "user" | "assistant", "content": str}.

    A last message by the assistant is a beginning that the model goes on from.
    """

    id: str = "messages"
    label: str = N_("Conversation")
    limit: int = TEXT_LIMIT

    def check(self, value: Any) -> list[dict[str, str]]:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise self.wrong_kind(value)
        messages = []
        for item in value:
            if not isinstance(item, Mapping) or item.get("role") not in ROLES:
                raise self.wrong_kind(item)
            content = item.get("content")
            if not isinstance(content, str):
                raise self.wrong_kind(item)
            messages.append({"role": item["role"], "content": clean_text(content, parameter=self.id)})
        total = sum(len(message["content"]) for message in messages)
        if total > self.limit:
            raise InvalidInput("text-too-long", {"parameter": self.id, "count": total, "limit": self.limit})
        if not any(m["role"] != "system" and m["content"].strip() for m in messages):
            raise InvalidInput("prompt-empty", {"parameter": self.id})
        return messages


@dataclass(frozen=True, kw_only=True)
class Rows(Param):
    """A list of rows, each a mapping of some of `fields` by their ids (the lines of a script, say). What a row leaves
    out stays out; a field that is `required` must be in each. `limit` is the number of rows."""

    fields: tuple[Param, ...] = ()
    limit: int = 50_000
    default: list[dict[str, Any]] = field(default_factory=list)

    def check(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise self.wrong_kind(value)
        if len(value) > self.limit:
            raise InvalidInput("rows-too-many", {"parameter": self.id, "count": len(value), "limit": self.limit})
        return [self._row(row) for row in value]

    def _row(self, row: Any) -> dict[str, Any]:
        if not isinstance(row, Mapping):
            raise self.wrong_kind(row)
        specs = {spec.id: spec for spec in self.fields}
        for name in row:
            if name not in specs:
                raise InvalidInput("parameter-unknown", {"parameter": str(name), "choices": sorted(specs)})
        for spec in self.fields:
            if spec.id not in row and getattr(spec, "required", False):
                raise self.wrong_kind(row)
        return {name: specs[name].check(value) for name, value in row.items()}


@dataclass(frozen=True, kw_only=True)
class Pairs(Param):
    """Words and what stands for each: {word: text}, both without white space at their ends and not empty."""

    limit: int = 10_000
    longest: int = 500
    default: dict[str, str] = field(default_factory=dict)

    def check(self, value: Any) -> dict[str, str]:
        if not isinstance(value, Mapping) or not all(isinstance(word, str) for pair in value.items() for word in pair):
            raise self.wrong_kind(value)
        if len(value) > self.limit:
            raise InvalidInput("rows-too-many", {"parameter": self.id, "count": len(value), "limit": self.limit})
        pairs = {}
        for pair in value.items():
            word, text = (clean_text(part, parameter=self.id).strip() for part in pair)
            if not word or not text:
                raise self.wrong_kind(f"{pair[0]}: {pair[1]}")
            if len(word) > self.longest or len(text) > self.longest:
                arguments = {"parameter": self.id, "count": max(len(word), len(text)), "limit": self.longest}
                raise InvalidInput("text-too-long", arguments)
            pairs[word] = text
        return pairs


def clean_text(text: str, parameter: str = "") -> str:
    """`text` with Unix line ends, composed to NFC. Lone surrogates and control characters other than tab and new line
    raise `InvalidInput("text-not-clean")` with the 1-based position of the first."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    for position, character in enumerate(text, 1):
        if (
            character < " "
            and character not in "\n\t"
            or "\x7f" <= character <= "\x9f"
            or "\ud800" <= character <= "\udfff"
        ):
            raise InvalidInput("text-not-clean", {"parameter": parameter, "position": position})
    return unicodedata.normalize("NFC", text)


def check_all(specs: Iterable[Param], values: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of `specs`, checked, with defaults for those that `values` lacks; an unknown name is refused."""
    specs = list(specs)
    known = {spec.id for spec in specs}
    for name in values:
        if name not in known:
            raise InvalidInput("parameter-unknown", {"parameter": name, "choices": sorted(known)})
    return {spec.id: spec.check(values.get(spec.id, spec.default)) for spec in specs}


def _number(spec: Integer | Number, value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value) if not isinstance(spec, Integer) else int(value)
        except ValueError:
            value = value if value else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput("value-not-number", _range_arguments(spec, value))
    return value


def _out_of_range(spec: Integer | Number, value: Any) -> InvalidInput:
    return InvalidInput("value-out-of-range", _range_arguments(spec, value))


def _range_arguments(spec: Integer | Number, value: Any) -> dict[str, Any]:
    return {
        "parameter": spec.id,
        "label": spec.label,
        "value": _short(value),
        "minimum": spec.minimum,
        "maximum": spec.maximum,
    }


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
