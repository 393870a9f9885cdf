"""The small language of prompts for pictures, as other studios know it.

`(word)` weighs 1.1 times, `[word]` 1.1 times less, `(word:1.3)` as much as is said; they nest. `{a|b|c}` takes one of
several, `__name__` a line of a list of that name, both by the seed. A backslash before one of these signs means the
sign itself. BREAK between two parts keeps them apart for the encoder.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.core import paths
from studio.core.errors import InvalidInput

STEP = 1.1
_SIGNS = "()[]{}|_\\"
_TOKEN = re.compile(
    r"\\(?P<escaped>[()\[\]{}|_\\])|(?P<open>[(\[])|:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)|(?P<close>[)\]])"
    r"|(?P<text>[^\\()\[\]:]+|[\\:])"
)
_WILDCARD = re.compile(r"__([^\s_](?:[^\s]*?[^\s_])?)__")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_DEEPEST = 32  # choices within choices and lists within lists
_LARGEST = 100_000  # characters that choices may grow to
_LIST_LIMIT = 4 << 20  # bytes of a list


@dataclass(frozen=True)
class Piece:
    """A part of a prompt with its weight; `breaks`: the encoder begins anew before it."""

    text: str
    weight: float = 1.0
    breaks: bool = False


def resolve(prompt: str, seed: int, lines: Callable[[str], Sequence[str]] | None = None) -> str:
    """`prompt` with its choices made by `seed`. `lines` gives the lines of the list of a name and raises
    `InvalidInput` for one that is unknown; without it, the user's own lists are read."""
    chance = random.Random(f"prompt {seed}")
    return _resolve(prompt, chance, lines or user_list, 0)


def pieces(prompt: str) -> list[Piece]:
    """The parts of a resolved prompt, each with its weight; neighbours of one weight are one part."""
    parts: list[tuple[str, float]] = []
    round_: list[int] = []
    square: list[int] = []

    def weigh(start: int, factor: float) -> None:
        parts[start:] = [(text, weight * factor) for text, weight in parts[start:]]

    for match in _TOKEN.finditer(prompt):
        if match["escaped"]:
            parts.append((match["escaped"], 1.0))
        elif match["open"]:
            (round_ if match["open"] == "(" else square).append(len(parts))
        elif match["weight"] and round_:
            weigh(round_.pop(), float(match["weight"]))
        elif match["close"] == ")" and round_:
            weigh(round_.pop(), STEP)
        elif match["close"] == "]" and square:
            weigh(square.pop(), 1 / STEP)
        else:
            parts.append((match[0], 1.0))
    for start in round_:  # what is never closed counts up to the end
        weigh(start, STEP)
    for start in square:
        weigh(start, 1 / STEP)
    return _joined(parts)


def plain(prompt: str) -> str:
    """The words of a resolved prompt without the signs, for encoders that know no weights."""
    return "".join((" " if piece.breaks else "") + piece.text for piece in pieces(prompt))


def is_weighted(prompt: str) -> bool:
    return any(piece.weight != 1.0 for piece in pieces(prompt))


def lists() -> list[str]:
    """The names of the lists that there are."""
    found: set[str] = set()
    for folder in _folders():
        if folder.is_dir():
            found |= {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.txt")}
    return sorted(found)


def user_list(name: str) -> list[str]:
    """The lines of `<data>/wildcards/<name>.txt`, or of the list of that name that comes with the program. Lines that
    are empty or begin with # do not count."""
    known = lists()
    if name not in known:
        raise InvalidInput("wildcard-unknown", {"parameter": "prompt", "name": name, "choices": known})
    path = next(path for folder in _folders() if (path := folder / f"{name}.txt").is_file())
    with path.open("rb") as stream:
        text = stream.read(_LIST_LIMIT).decode("utf-8", errors="replace").removeprefix("\ufeff")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def _folders() -> tuple[Path, ...]:
    return (paths.data_dir() / "wildcards", paths.asset("wildcards"))


def _resolve(text: str, chance: random.Random, lines: Callable[[str], Sequence[str]], depth: int) -> str:
    if depth > _DEEPEST or len(text) > _LARGEST:
        raise InvalidInput("prompt-too-deep", {"parameter": "prompt"})
    made, position = [], 0
    while position < len(text):
        sign = text[position]
        if sign == "\\" and text[position + 1 : position + 2] in tuple(_SIGNS):
            made.append(text[position : position + 2])
            position += 2
        elif sign == "{" and (options := _options(text, position)):
            made.append(_resolve(_one(options[0], chance), chance, lines, depth + 1))
            position = options[1]
        elif sign == "_" and (match := _WILDCARD.match(text, position)):
            found = lines(match[1])
            made.append(_resolve(_one(found, chance), chance, lines, depth + 1) if found else "")
            position = match.end()
        else:
            made.append(sign)
            position += 1
    return "".join(made)


def _options(text: str, start: int) -> tuple[list[str], int] | None:
    """What stands between the brace at `start` and its partner, parted at its own bars, and the position behind it."""
    depth, begin, options = 0, start + 1, []
    position = start
    while position < len(text):
        sign = text[position]
        if sign == "\\":
            position += 1
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return [*options, text[begin:position]], position + 1
        elif sign == "|" and depth == 1:
            options.append(text[begin:position])
            begin = position + 1
        position += 1
    return None


def _one(options: Sequence[str], chance: random.Random) -> str:
    return options[int(chance.random() * len(options))]


def _joined(parts: Sequence[tuple[str, float]]) -> list[Piece]:
    joined: list[Piece] = []
    for text, weight in parts:
        for index, part in enumerate(_BREAK.split(text)):
            breaks = index > 0
            if joined and not breaks and joined[-1].weight == weight:
                joined[-1] = Piece(joined[-1].text + part, weight, joined[-1].breaks)
            elif part or breaks:
                joined.append(Piece(part, weight, breaks))
    return joined or [Piece("")]
