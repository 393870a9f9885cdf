"""Two versions of a text as what is the same, gone and new."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.documents.compare import compare


def shown(old: str, new: str) -> list[tuple[str, str]]:
    return [(segment.kind, segment.text) for segment in compare(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "segments"),
    [
        ("", "", []),
        ("same", "same", [("same", "same")]),
        ("", "new", [("added", "new")]),
        ("The red lamp", "The blue lamp", [("same", "The "), ("removed", "red"), ("added", "blue"), ("same", " lamp")]),
        (
            "一河灯火，满城月光",
            "一河月色，满城月光",
            [("same", "一河"), ("removed", "灯火"), ("added", "月色"), ("same", "，满城月光")],
        ),
        ("One.\n\nTwo.\n", "One.\n\nNew.\n\nTwo.\n", [("same", "One.\n\n"), ("added", "New.\n\n"), ("same", "Two.\n")]),
    ],
)
def test_differences_are_by_words(old: str, new: str, segments: list[tuple[str, str]]) -> None:
    assert shown(old, new) == segments


TEXTS = st.text(alphabet="ab 灯\n.") | st.text()


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_segments_give_both_versions_back(old: str, new: str) -> None:
    segments = compare(old, new)
    assert "".join(s.text for s in segments if s.kind != "added") == old
    assert "".join(s.text for s in segments if s.kind != "removed") == new
    assert all(first.kind != second.kind for first, second in itertools.pairwise(segments))
    assert all(segment.text for segment in segments)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a b " * 3000, "b a " * 3000),
        ("灯 " * 3000, "会灯 " * 3000),
        ("word\n" * 5000, "other\nword\n" * 5000),
        (" ".join(str(n * 7919 % 900) for n in range(6000)), " ".join(str(n * 104729 % 900) for n in range(6000))),
    ],
)
def test_long_and_repetitive_texts_take_no_time(old: str, new: str) -> None:
    start = time.perf_counter()
    compare(old, new)
    assert time.perf_counter() - start < 2.0
