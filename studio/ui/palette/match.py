"""Fuzzy matching: which entries a few typed letters mean, best first. No widgets."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")

_WORD_START = 12
_RUN = 8
_GAP = 1


@dataclass(frozen=True)
class Match:
    """`score` orders matches (greater is better); `positions` are the characters of the text that were meant."""

    score: int
    positions: tuple[int, ...]


def match(query: str, text: str) -> Match | None:
    """The best way in which the letters of `query` occur in `text` in their order, or None. Case and accents do not
    count, nor do spaces in `query`; beginnings of words and unbroken runs are worth more."""
    wanted = [character for character in _fold(query) if not character.isspace()]
    if not wanted:
        return Match(0, ())
    shown = _fold(text)
    best: Match | None = None
    for start, character in enumerate(shown):
        if character == wanted[0]:
            found = _from(wanted, shown, start, leap=True) or _from(wanted, shown, start, leap=False)
            if found is not None and (best is None or found.score > best.score):
                best = found
    return best


def rank(query: str, entries: Iterable[_T], texts: Sequence[str]) -> list[tuple[_T, Match]]:
    """The entries whose text matches, best first; equals keep their order."""
    found = [(entry, hit) for entry, text in zip(entries, texts, strict=True) if (hit := match(query, text))]
    return sorted(found, key=lambda pair: -pair[1].score)


def _from(wanted: Sequence[str], shown: str, start: int, *, leap: bool) -> Match | None:
    """From `start`; with `leap` the beginning of a later word is preferred to a letter in between."""
    positions: list[int] = []
    score, at = 0, start
    for number, character in enumerate(wanted):
        found = shown.find(character, at)
        if found < 0:
            return None
        if leap and number and found > at:
            later = next((i for i in range(found, len(shown)) if shown[i] == character and _starts(shown, i)), None)
            found = later if later is not None and not _starts(shown, found) else found
        if _starts(shown, found):
            score += _WORD_START
        if number:
            score += _RUN if found == positions[-1] + 1 else -_GAP * min(found - positions[-1], 8)
        positions.append(found)
        at = found + 1
    return Match(score - min(positions[0], 8) - len(shown) // 16, tuple(positions))


def _starts(text: str, index: int) -> bool:
    return index == 0 or not text[index - 1].isalnum() or ord(text[index]) > 0x2E7F


def _fold(text: str) -> str:
    """Lower case without accents, one character for each of `text`."""
    return "".join((unicodedata.normalize("NFD", character)[0]).lower()[:1] or character for character in text)
