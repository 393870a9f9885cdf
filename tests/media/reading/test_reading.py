"""What is written and how it is read: the tables beside this file, sentence borders, languages."""

from __future__ import annotations

import itertools
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.media.reading import chinese, english, japanese, language_of, spans, split


def table(name: str, least: int = 60) -> list[tuple[str, str]]:
    lines = (Path(__file__).with_name(name)).read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line and not line.startswith("#")]
    assert len(rows) >= least
    return [(written, read) for written, read in rows]


@cache
def phonemes_of():
    from hibari.g2p import G2P

    return G2P()


def sounds(text: str) -> str:
    """Phonemes without stress and pauses."""
    return re.sub(r"[ˈˌ\s.,;]", "", phonemes_of()(english.spoken(text)))


@pytest.mark.parametrize(("written", "read"), table("english.txt"))
def test_english_sounds_like_the_words_beside_it(written, read):
    assert sounds(written) == sounds(read)


@pytest.mark.parametrize(("written", "read"), table("japanese.txt", 40))
def test_japanese_is_read_as_it_stands_beside_it(written, read):
    assert japanese.reading(written) == read


@pytest.mark.parametrize(("written", "read"), table("chinese.txt"))
def test_chinese_is_put_into_the_words_beside_it(written, read):
    assert chinese.spoken(written).rstrip("。") == read.rstrip("。")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith came. He left.", ["Dr. Smith came.", "He left."]),
        ("Pi is 3.14 or so. Good.", ["Pi is 3.14 or so.", "Good."]),
        ("“Go!” she said. Then she went.", ["“Go!” she said.", "Then she went."]),
        ("J. K. Rowling wrote it.", ["J. K. Rowling wrote it."]),
        ("你好。今天好吗？很好！", ["你好。", "今天好吗？", "很好！"]),
        ("他说：“走吧！”然后走了。", ["他说：“走吧！”", "然后走了。"]),
        ("one\ntwo\n\nthree", ["one", "two", "three"]),
        ("Wait... What?! Yes.", ["Wait...", "What?!", "Yes."]),
        ("", []),
        ("?!… — 😀 。", []),
    ],
)
def test_sentences_end_where_a_reader_pauses(text, expected):
    assert [sentence.text for sentence in split(text)] == expected


@given(st.text(alphabet='ab C.!?。！，,\n 你好1"”😀', max_size=300), st.integers(5, 50))
def test_every_letter_is_in_exactly_one_sentence_at_its_place(text, longest):
    found = split(text, longest)
    for sentence in found:
        assert text[sentence.start : sentence.end] == sentence.text
        assert 0 < len(sentence.text) <= longest
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    covered = "".join(sentence.text for sentence in found)
    assert sum(c.isalnum() for c in covered) == sum(c.isalnum() for c in text)


def test_a_megabyte_is_split_in_a_moment():
    text = "The quick brown fox jumps over the lazy dog, and then it rests. " * 16_000
    assert len(split(text)) == 16_000


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello there", "en"),
        ("今天用 GPU 画图", "zh"),
        ("こんにちは、世界", "ja"),
        ("東京タワーは高い", "ja"),
        ("مرحبا بالعالم", ""),
        ("Привет", ""),
        ("123", "en"),
        ("Visit 北京 and Shanghai with me next summer", "en"),
    ],
)
def test_languages_are_told_by_their_script(text, language):
    assert language_of(text) == language


@given(st.text(alphabet="我用Photoshop 画图，AI2.0。'-", max_size=80))
def test_spans_put_together_are_the_text(text):
    assert "".join(span.text for span in spans(text, "zh")) == text


def test_latin_words_in_a_chinese_sentence_are_read_as_english():
    found = [(span.text, span.language) for span in spans("我用Adobe Illustrator画图，很好。", "zh")]
    assert found == [("我用", "zh"), ("Adobe Illustrator", "en"), ("画图，很好。", "zh")]
