"""Words in the user's language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.core import i18n
from studio.core.errors import explain


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    i18n.set_language("en")


def test_sentences_stand_apart_only_where_the_script_wants_it() -> None:
    assert i18n.sentences("One.", "", " Two. ") == "One. Two."
    assert i18n.sentences("第一句。", "第二句。") == "第一句。第二句。"
    assert i18n.sentences("") == ""


def test_an_error_in_chinese_has_no_spaces_between_its_sentences() -> None:
    assert i18n.set_language("zh_CN") == "zh_CN"
    text = explain("model-unknown", {"model": "x", "choices": ["a", "b"]}).text
    assert text.startswith("没有名为 x 的模型。") and "。 " not in text and "a、b" in text
