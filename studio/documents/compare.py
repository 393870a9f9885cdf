"""Two versions of a text, compared by words (by characters where a script has no spaces)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from studio.media.text import split_words

Kind = Literal["same", "removed", "added"]
# Above this many comparisons a stretch is shown as replaced: a diff of it would help nobody and take seconds.
_LIMIT = 4_000_000


@dataclass(frozen=True)
class Segment:
    """`text` is in both versions, only in the old one ("removed") or only in the new one ("added")."""

    kind: Kind
    text: str


def compare(old: str, new: str) -> list[Segment]:
    """The way from `old` to `new`: "same" and "removed" joined are `old`, "same" and "added" joined are `new`."""
    segments: list[Segment] = []

    def emit(kind: Kind, text: str) -> None:
        if not text:
            return
        if segments and segments[-1].kind == kind:
            segments[-1] = Segment(kind, segments[-1].text + text)
        else:
            segments.append(Segment(kind, text))

    def words(olds: Sequence[str], news: Sequence[str]) -> None:
        _walk(split_words("".join(olds)), split_words("".join(news)), emit, _replace(emit))

    _walk(old.splitlines(keepends=True), new.splitlines(keepends=True), emit, words)
    return segments


Emit = Callable[[Kind, str], None]


def _replace(emit: Emit) -> Callable[[Sequence[str], Sequence[str]], None]:
    def replace(olds: Sequence[str], news: Sequence[str]) -> None:
        emit("removed", "".join(olds))
        emit("added", "".join(news))

    return replace


def _walk(
    olds: Sequence[str], news: Sequence[str], emit: Emit, differ: Callable[[Sequence[str], Sequence[str]], None]
) -> None:
    """Emit what is the same; hand each stretch that is not to `differ`."""
    start = 0
    while start < min(len(olds), len(news)) and olds[start] == news[start]:
        start += 1
    end = 0
    while end < min(len(olds), len(news)) - start and olds[-1 - end] == news[-1 - end]:
        end += 1
    emit("same", "".join(olds[:start]))
    left, right = olds[start : len(olds) - end], news[start : len(news) - end]
    if len(left) * len(right) > _LIMIT:
        differ(left, right)
    else:
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            if tag == "equal":
                emit("same", "".join(left[i1:i2]))
            else:
                differ(left[i1:i2], right[j1:j2])
    emit("same", "".join(olds[len(olds) - end :]))
