"""Counting, reading and exporting written text."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.media.text import (
    FORMATS,
    Script,
    count_characters,
    count_words,
    export,
    parse_blocks,
    read_text,
    render,
    split_words,
    text_language,
)

STORY = "# The lamp\n\nLine one\nline *two*, **bold**.\n\n- first\n- second\n\n1. one\n2. two\n\nEnd < & >."


@pytest.mark.parametrize(
    ("text", "words", "characters"),
    [
        ("", 0, 0),
        (" \n\t", 0, 0),
        ("Don't stop, well-known keeper.", 4, 27),
        ("你好，世界", 4, 5),
        ("写一个 story 关于 3.14 的灯。", 9, 17),
        ("ひらがな カナ", 6, 6),
        ("café naïve", 2, 9),
    ],
)
def test_words_and_characters_are_counted_as_readers_count(text: str, words: int, characters: int) -> None:
    assert count_words(text) == words
    assert count_characters(text) == characters


@settings(deadline=None)
@given(st.text())
def test_split_words_loses_nothing(text: str) -> None:
    assert "".join(split_words(text)) == text


@pytest.mark.parametrize(
    ("text", "language"),
    [("Write a story", "en"), ("写一个关于灯的故事", "zh_CN"), ("写一句 slogan", "zh_CN"), ("123", "en")],
)
def test_language_follows_the_words(text: str, language: str) -> None:
    assert text_language(text) == language


def test_plain_text_and_markdown_keep_the_words() -> None:
    script = Script("The lamp", "Roses are red\nviolets are blue\n\nEnd.")
    assert render(script, ".txt").decode() == "The lamp\n\nRoses are red\nviolets are blue\n\nEnd.\n"
    assert render(script, ".MD").decode() == "# The lamp\n\nRoses are red  \nviolets are blue\n\nEnd.\n"


def test_markdown_lists_get_no_hard_breaks() -> None:
    assert render(Script(body="- a\n- b"), ".md").decode() == "- a\n- b\n"


def test_a_conversation_names_its_speakers() -> None:
    script = Script("Talk", turns=(("You", "你好"), ("Ada", "Hello\nthere")))
    assert render(script, ".txt").decode() == "Talk\n\nYou:\n你好\n\nAda:\nHello\nthere\n"
    assert "**Ada**\n\nHello  \nthere" in render(script, ".md").decode()


def test_html_is_escaped_and_structured() -> None:
    page = render(Script("<Lamp>", STORY), ".html").decode()
    assert "<title>&lt;Lamp&gt;</title>" in page
    assert "Line one<br>\nline <em>two</em>, <strong>bold</strong>." in page
    assert '<ul>\n<li>first</li>\n<li>second</li>\n</ul>\n<ol>\n<li value="1">one</li>' in page
    assert "End &lt; &amp; &gt;." in page
    assert '<html lang="zh-CN">' in render(Script("", "灯会"), ".html").decode()


def test_docx_opens_again_with_its_structure() -> None:
    document = docx.Document(io.BytesIO(render(Script("灯会", STORY), ".docx")))
    shown = [(paragraph.style.name if paragraph.style else "", paragraph.text) for paragraph in document.paragraphs]
    assert shown == [
        ("Title", "灯会"),
        ("Heading 1", "The lamp"),
        ("Normal", "Line one\nline two, bold."),
        ("List Bullet", "first"),
        ("List Bullet", "second"),
        ("Normal", "1. one"),
        ("Normal", "2. two"),
        ("Normal", "End < & >."),
    ]
    assert [run.text for run in document.paragraphs[2].runs if run.bold] == ["bold"]


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=40))
def test_any_text_exports_in_every_format(text: str) -> None:
    for suffix in FORMATS:
        data = render(Script(text, text, ()), suffix)
        assert zipfile.is_zipfile(io.BytesIO(data)) if suffix == ".docx" else data.decode("utf-8")


@settings(deadline=None)
@given(st.text(alphabet="ab *_#-1.\n"))
def test_blocks_keep_every_letter(text: str) -> None:
    blocks = "".join(block.text for block in parse_blocks(text))
    assert blocks.count("a") == text.count("a")


def test_export_writes_the_suffix_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "灯会.txt"
    export(Script(body="你好"), path)
    assert path.read_text(encoding="utf-8") == "你好\n"
    with pytest.raises(AtelierError) as caught:
        export(Script(body="x"), tmp_path / "x.pdf")
    assert caught.value.code == "format-unknown"
    assert ".docx" in str(caught.value)


def test_reading_survives_wrong_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo \xff")
    assert read_text(tmp_path / "a.txt") == "one\ntwo \ufffd"
    with pytest.raises(AtelierError) as caught:
        read_text(tmp_path / "none.txt")
    assert caught.value.code == "file-missing"
