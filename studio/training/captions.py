"""What a picture is said to be: the English sentences a model learns it by."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence

from studio.training.colours import COLOURS

_WORDS = {*COLOURS, "grey"}
_TAGS = 3
_MOST_SHARED = 6


def noun(label: str) -> str:
    """`label` without its colour words: what can be asked for in another colour."""
    words = [word for word in label.split() if word.lower() not in _WORDS]
    return " ".join(words) or label


def telling_tags(all_tags: Sequence[Sequence[str]]) -> list[list[str]]:
    """For each thing those of its tags that few others share, so that the tag alone says what it is."""
    counts = Counter(tag.lower() for tags in all_tags for tag in set(tags))
    return [[tag for tag in tags if _is_word(tag) and counts[tag.lower()] <= _MOST_SHARED] for tags in all_tags]


def captions(label: str, tags: Sequence[str], telling: Sequence[str], colour: str | None, seed: str) -> list[str]:
    """The captions of an ordinary picture; one that stands twice is used twice as often."""
    chance = random.Random(f"captions {seed}")
    useful = [tag for tag in tags if tag.lower() not in label.lower() and _is_word(tag)]
    written = [label, label, with_article(label)]
    for _ in range(2):
        if useful:
            written.append(", ".join([label, *chance.sample(useful, min(chance.randint(1, _TAGS), len(useful)))]))
    if len(useful) >= _TAGS:
        written.append(" ".join(chance.sample(useful, _TAGS)))
    alone = [tag for tag in telling if tag in useful]
    written += [with_article(tag) for tag in chance.sample(alone, min(2, len(alone)))]
    if colour and colour not in label.lower():
        written.append(with_article(f"{colour} {noun(label)}"))
    return written


def colour_captions(label: str, telling: Sequence[str], colour: str, seed: str) -> list[str]:
    """The caption of a picture that was painted in `colour`, in one of the ways people write it."""
    chance = random.Random(f"colour {seed} {colour}")
    name = f"{colour} {noun(label)}"
    ways = [name, with_article(name)]
    if telling:
        ways.append(with_article(f"{colour} {noun(chance.choice(telling))}"))
    return [chance.choice(ways)]


def with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _is_word(tag: str) -> bool:
    return re.search("[a-z]{2}", tag.lower()) is not None
