"""Subtitles as players read them."""

from __future__ import annotations

from studio.media import subtitles
from studio.media.subtitles import Cue

SENTENCES = [
    {"index": 0, "start": 0.0, "end": 1.2345, "text": "Hello <there> & you.", "voice": "heart"},
    {"index": 1, "start": 1.5, "end": 1.5, "text": "…", "voice": "heart"},
    {"index": 2, "start": 3723.5, "end": 3725.0, "text": "第二行\n\n第三行", "voice": "heart"},
]


def test_silent_sentences_have_no_cue() -> None:
    cues = subtitles.cues(SENTENCES)
    assert [cue.text for cue in cues] == ["Hello <there> & you.", "第二行\n\n第三行"]
    assert cues[0] == Cue(0.0, 1.2345, "Hello <there> & you.")


def test_subrip() -> None:
    assert subtitles.srt(subtitles.cues(SENTENCES)) == (
        "1\n00:00:00,000 --> 00:00:01,234\nHello <there> & you.\n\n2\n01:02:03,500 --> 01:02:05,000\n第二行\n第三行\n"
    )


def test_webvtt() -> None:
    assert subtitles.vtt(subtitles.cues(SENTENCES)) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.234\nHello &lt;there&gt; &amp; you.\n\n"
        "01:02:03.500 --> 01:02:05.000\n第二行\n第三行\n"
    )


def test_nothing_said_is_an_empty_file() -> None:
    assert subtitles.srt([]) == ""
    assert subtitles.vtt([]) == "WEBVTT\n"
