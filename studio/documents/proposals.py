"""New words for a part of a text, kept with it until the user takes or leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BEFORE = 40


@dataclass(frozen=True)
class Proposal:
    """`text` waits in the version `version`, in place of `old`, which lies at the characters `start` to `end` behind
    `before`; with `append` nothing is replaced. What was asked for: ids of an action and a tone, the user's `words`,
    the family's parameters."""

    version: str
    start: int
    end: int
    text: str
    old: str = ""
    before: str = ""
    append: bool = False
    action: str = ""
    tone: str = ""
    words: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def place(self, text: str) -> tuple[int, int] | None:
        """Where its words belong in `text` as it is now; None if that place is gone."""
        whole = self.before + self.old
        for needle in (whole, self.old):
            found = _nearest(text, needle, self.start - (len(needle) - len(self.old)))
            if found is not None:
                end = found + len(needle)
                return end - len(self.old), end
        return (0, 0) if not whole and self.start == 0 else None


def context(text: str, start: int, end: int) -> tuple[str, str]:
    """(`old`, `before`) of a proposal for the characters `start` to `end`."""
    return text[start:end], text[max(0, start - _BEFORE) : start]


def _nearest(text: str, needle: str, start: int) -> int | None:
    """Where `needle` lies in `text`, as near to `start` as can be."""
    if not needle:
        return None
    before = text.rfind(needle, 0, max(0, start) + len(needle))
    after = text.find(needle, max(0, start))
    found = [place for place in (before, after) if place >= 0]
    return min(found, key=lambda place: abs(place - start), default=None)
