"""Positions in a text: Python counts characters, Qt counts UTF-16 units (an emoji is two)."""

from __future__ import annotations


def is_plain(text: str) -> bool:
    """Whether both counts agree: no character lies beyond the first plane."""
    return text.isascii() or len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text)


def units(text: str) -> int:
    """UTF-16 units of `text`."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def to_units(text: str, position: int) -> int:
    """Qt's position of the character `position`."""
    return position if is_plain(text) else units(text[:position])


def to_characters(text: str, position: int) -> int:
    """The character at Qt's `position`; half of a pair counts as its beginning."""
    if is_plain(text):
        return min(position, len(text))
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * position]
    return len(encoded.decode("utf-16-le", "ignore"))
