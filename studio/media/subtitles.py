"""Subtitles of a reading: SubRip (.srt) and WebVTT (.vtt), in UTF-8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cue:
    """`text` is shown from `start` to `end`, in s."""

    start: float
    end: float
    text: str


def cues(sentences: Iterable[Mapping[str, Any]]) -> list[Cue]:
    """The cues of a speech result's `sentences`; those that are silent have none."""
    found = [Cue(float(item["start"]), float(item["end"]), str(item["text"])) for item in sentences]
    return [cue for cue in found if cue.end > cue.start and cue.text.strip()]


def srt(items: Sequence[Cue]) -> str:
    blocks = [
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_lines(cue.text)}\n"
        for number, cue in enumerate(items, 1)
    ]
    return "\n".join(blocks)


def vtt(items: Sequence[Cue]) -> str:
    blocks = [f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_escaped(_lines(cue.text))}\n" for cue in items]
    return "\n".join(["WEBVTT\n", *blocks])


FORMATS = {".srt": srt, ".vtt": vtt}


def _time(seconds: float, point: str) -> str:
    whole = round(seconds * 1000)
    minutes, rest = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def _lines(text: str) -> str:
    """A blank line would end the cue."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
