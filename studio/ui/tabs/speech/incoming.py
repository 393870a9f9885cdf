"""Text from files as it can be read aloud: without the marks of Markdown and the times of subtitles. Free of Qt."""

from __future__ import annotations

import re
from collections.abc import Iterator

BLOCK = 20_000  # characters that are looked through at a time

_TIMES = re.compile(r"^\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->.*$", re.MULTILINE)
_FENCE = re.compile(r"^\s*(?:```|~~~).*$", re.MULTILINE)
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)
_RULE = re.compile(r"^\s{0,3}(?:[-*_]\s*){3,}$", re.MULTILINE)
_ITEM = re.compile(r"^\s{0,6}(?:[-*+]|\d{1,3}[.)])\s+", re.MULTILINE)
_QUOTE = re.compile(r"^\s{0,3}>\s?", re.MULTILINE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_STRONG = re.compile(r"(\*\*\*|\*\*|__|\*|~~|`)(?=\S)(.+?)(?<=\S)\1")
_TAG = re.compile(r"</?[a-zA-Z][^>\n]{0,200}>")


def readable(text: str) -> str:
    """What is to be read of the text of a file. Headings become paragraphs of their own."""
    return _without_times(text) if _TIMES.search(text) else "".join(map(_without_marks, _blocks(text)))


def _blocks(text: str) -> Iterator[str]:
    """`text` in parts that end with a line, or else a word: one search through all of it would hold up every other
    thread."""
    start = 0
    while start < len(text):
        limit = start + BLOCK
        end = text.rfind("\n", start, limit) + 1 or text.rfind(" ", start, limit) + 1 or limit
        end = end if limit < len(text) else len(text)
        yield text[start:end]
        start = end


def _without_times(text: str) -> str:
    """The words of SubRip or WebVTT; a cue that ends no sentence goes on in the next one."""
    words: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().splitlines()
        place = next((number for number, line in enumerate(lines) if _TIMES.match(line)), None)
        if place is None:
            continue
        words += [_TAG.sub("", line).strip() for line in lines[place + 1 :]]
    return " ".join(word for word in words if word)


def _without_marks(text: str) -> str:
    text = _FENCE.sub("", text)
    text = _RULE.sub("", text)
    text = _HEADING.sub(r"\n\1\n", text)
    text = _QUOTE.sub("", text)
    text = _ITEM.sub("", text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    for _pass in range(2):
        text = _STRONG.sub(r"\2", text)
    return text
