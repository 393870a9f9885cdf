"""The ends of a sound that comes in pieces: silence trimmed off, faded in and out, in flat memory.

Pieces are float32 of shape (frames,) or (frames, channels); all of one sound have the same shape and rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.media.audio import Samples

SILENT = -50.0  # dBFS
KEPT = 0.03  # s of silence that trimming leaves before and after what is heard, so that no onset is cut
LONGEST_FADE = 10.0  # s


@dataclass(frozen=True)
class Ends:
    """How a sound begins and ends. `trim`: without the silence there; `fade_in` and `fade_out`: 0 to 10 s."""

    trim: bool = False
    fade_in: float = 0.0
    fade_out: float = 0.0


@dataclass(frozen=True)
class Span:
    """The frames [first, last) of a sound that stay."""

    first: int
    last: int

    @property
    def frames(self) -> int:
        return self.last - self.first


def span(
    frames: int,
    sample_rate: int,
    ends: Ends,
    forwards: Callable[[], Iterable[Samples]],
    backwards: Callable[[], Iterable[Samples]],
) -> Span:
    """What stays of a sound of `frames` frames. `forwards` gives its pieces from the front, `backwards` from the back
    (each piece the right way round); only as many are taken as silence needs. A wholly silent sound stays whole."""
    if not ends.trim:
        return Span(0, frames)
    first = _silence(forwards(), sample_rate)
    last = frames - _silence((piece[::-1] for piece in backwards()), sample_rate)
    return Span(first, last) if first < last else Span(0, frames)


def shaped(pieces: Iterable[Samples], sample_rate: int, kept: Span, ends: Ends) -> Iterator[Samples]:
    """The part `kept` of the sound, with raised-cosine fades of at most its whole length."""
    rise = min(kept.frames, round(min(ends.fade_in, LONGEST_FADE) * sample_rate))
    fall = min(kept.frames, round(min(ends.fade_out, LONGEST_FADE) * sample_rate))
    at = 0
    for piece in pieces:
        begin, end = max(kept.first - at, 0), min(kept.last - at, len(piece))
        start = at + begin - kept.first
        at += len(piece)
        if begin >= end:
            continue
        part = piece[begin:end]
        places = np.arange(start, start + len(part))
        if start < rise:
            part = _scaled(part, places / rise)
        if start + len(part) > kept.frames - fall:
            part = _scaled(part, (kept.frames - 1 - places) / fall)
        yield part


def _silence(pieces: Iterable[Samples], sample_rate: int) -> int:
    """Frames to leave out before the first one that is heard."""
    count, kept = 0, round(KEPT * sample_rate)
    for piece in pieces:
        magnitudes = np.abs(piece) if piece.ndim == 1 else np.abs(piece).max(axis=1, initial=0.0)
        heard = np.flatnonzero(magnitudes > 10 ** (SILENT / 20))
        if len(heard):
            return max(0, count + int(heard[0]) - kept)
        count += len(piece)
    return count


def _scaled(part: Samples, places: NDArray[np.float64]) -> Samples:
    gain = (0.5 - 0.5 * np.cos(np.pi * np.clip(places, 0.0, 1.0))).astype(np.float32)
    return part * (gain if part.ndim == 1 else gain[:, None])
