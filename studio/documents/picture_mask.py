"""Strokes as pixels: the mask of a picture, uint8 of shape (height, width), 255 where it is repainted.

The stage and the request use the same drawing, so what is seen is what is sent. Strokes are stamped point by point into
the smallest rectangle around them: that is quick at any size of picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from studio.documents.picture_parts import INVERT, LASSO, Margins, Stroke

Mask = NDArray[np.uint8]
Rect = tuple[int, int, int, int]  # left, top, right, bottom; empty where right <= left
NOTHING: Rect = (0, 0, 0, 0)
KEPT_BYTES = 96 * 1024 * 1024


@dataclass(frozen=True)
class _Done:
    """A stroke that is in the mask, and what was there before it (None: too long ago to be kept)."""

    stroke: Stroke
    rect: Rect
    before: Mask | None


class MaskRaster:
    """The mask of a picture `width` × `height` px as its strokes come and go. `pixels` is changed in place; every
    method returns the rectangle in which it is different now."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.pixels: Mask = np.zeros((height, width), np.uint8)
        self._done: list[_Done] = []
        self._kept = 0
        self._live: Stroke | None = None
        self._settled: Mask = np.zeros((height, width), np.uint8)  # without the stroke on its way
        self._last: tuple[float, float, float] | None = None
        self._touched = NOTHING

    def follow(self, strokes: Sequence[Stroke]) -> Rect:
        """Show `strokes`: what is there already stays, the rest is undone and drawn."""
        changed = self.drop()
        common = 0
        while common < min(len(strokes), len(self._done)) and self._done[common].stroke == strokes[common]:
            common += 1
        if any(done.before is None for done in self._done[common:]):
            self.pixels[:] = 0
            self._done, self._kept, common = [], 0, 0
            changed = (0, 0, self.width, self.height)
        while len(self._done) > common:
            done = self._done.pop()
            self._restore(done.rect, done.before)
            self._kept -= 0 if done.before is None else done.before.nbytes
            changed = joined(changed, done.rect)
        for stroke in strokes[common:]:
            changed = joined(changed, self._add(stroke))
        _cut(self._settled, changed)[:] = _cut(self.pixels, changed)
        return changed

    # -- a stroke on its way ----------------------------------------------------------------------------------

    def begin(self, stroke: Stroke) -> None:
        """A brush stroke begins: its points follow by `extend`."""
        self.drop()
        self._live, self._last, self._touched = stroke, None, NOTHING

    def extend(self, x: float, y: float, pressure: float) -> Rect:
        if self._live is None:
            return NOTHING
        rect = _stamp(self.pixels, self._live, self._last or (x, y, pressure), (x, y, pressure))
        self._last = (x, y, pressure)
        self._touched = joined(self._touched, rect)
        return rect

    def keep(self, stroke: Stroke) -> None:
        """The stroke on its way is whole, and is `stroke` from now on."""
        if self._live is not None:
            before = _cut(self._settled, self._touched)
            self._remember(stroke, self._touched, before.copy())
            before[:] = _cut(self.pixels, self._touched)
        self._live = None

    def drop(self) -> Rect:
        """Take the stroke on its way back."""
        rect = NOTHING
        if self._live is not None:
            rect = self._touched
            _cut(self.pixels, rect)[:] = _cut(self._settled, rect)
        self._live = None
        return rect

    # -- inside -----------------------------------------------------------------------------------------------

    def _add(self, stroke: Stroke) -> Rect:
        if stroke.tool == INVERT:
            rect = (0, 0, self.width, self.height)
            np.subtract(255, self.pixels, out=self.pixels)
            self._remember(stroke, rect, np.zeros((0, 0), np.uint8))
            return rect
        rect = _bounds(stroke, self.width, self.height)
        before = _cut(self.pixels, rect).copy()
        if stroke.tool == LASSO:
            _fill(self.pixels, stroke, rect)
        else:
            points = list(zip(*[iter(stroke.points)] * 3, strict=True))
            for number, point in enumerate(points):
                _stamp(self.pixels, stroke, points[max(0, number - 1)], point)
        self._remember(stroke, rect, before)
        return rect

    def _remember(self, stroke: Stroke, rect: Rect, before: Mask) -> None:
        self._done.append(_Done(stroke, rect, before))
        self._kept += before.nbytes
        number = 0
        while self._kept > KEPT_BYTES and number < len(self._done) - 1:
            done = self._done[number]
            if done.before is not None and done.before.size:
                self._kept -= done.before.nbytes
                self._done[number] = _Done(done.stroke, done.rect, None)
            number += 1

    def _restore(self, rect: Rect, before: Mask | None) -> None:
        if before is not None and not before.size and rect == (0, 0, self.width, self.height):
            np.subtract(255, self.pixels, out=self.pixels)
        elif before is not None:
            _cut(self.pixels, rect)[:] = before


def rasterise(strokes: Sequence[Stroke], width: int, height: int, margins: Margins = Margins()) -> Mask:  # noqa: B008
    """The mask of a picture `width` × `height` px, with its margins, which are wholly repainted."""
    raster = MaskRaster(width, height)
    raster.follow(strokes)
    sides = ((margins.top, margins.bottom), (margins.left, margins.right))
    return np.pad(raster.pixels, sides, constant_values=255)


def joined(one: Rect, other: Rect) -> Rect:
    """The rectangle around both."""
    if other[2] <= other[0] or other[3] <= other[1]:
        return one
    if one[2] <= one[0] or one[3] <= one[1]:
        return other
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))


def _cut(pixels: Mask, rect: Rect) -> Mask:
    return pixels[rect[1] : rect[3], rect[0] : rect[2]]


def _clipped(left: float, top: float, right: float, bottom: float, width: int, height: int) -> Rect:
    rect = (
        max(0, math.floor(left)),
        max(0, math.floor(top)),
        min(width, math.ceil(right)),
        min(height, math.ceil(bottom)),
    )
    return rect if rect[2] > rect[0] and rect[3] > rect[1] else NOTHING


def _bounds(stroke: Stroke, width: int, height: int) -> Rect:
    if not stroke.points:
        return NOTHING
    xs, ys = stroke.points[0::3], stroke.points[1::3]
    edge = 1.0 if stroke.tool == LASSO else stroke.size / 2 + 2
    return _clipped(min(xs) - edge, min(ys) - edge, max(xs) + edge, max(ys) + edge, width, height)


def _fill(pixels: Mask, stroke: Stroke, rect: Rect) -> None:
    """The polygon of a lasso, drawn at twice the size and brought down for smooth edges."""
    if rect == NOTHING or len(stroke.points) < 9:
        return
    width, height = rect[2] - rect[0], rect[3] - rect[1]
    corners = [
        (2 * (x - rect[0]), 2 * (y - rect[1])) for x, y in zip(stroke.points[0::3], stroke.points[1::3], strict=True)
    ]
    image = Image.new("L", (2 * width, 2 * height))
    ImageDraw.Draw(image).polygon(corners, fill=255)
    _blend(_cut(pixels, rect), np.asarray(image.reduce(2), np.uint8), stroke.erase)


def _stamp(pixels: Mask, stroke: Stroke, start: tuple[float, float, float], end: tuple[float, float, float]) -> Rect:
    """Draw from `start` to `end` (x, y, pressure): a capsule whose radius follows the pressure."""
    height, width = pixels.shape
    first, last = (max(0.5, stroke.size / 2 * max(0.05, point[2])) for point in (start, end))
    reach = max(first, last) + 1.5
    rect = _clipped(
        min(start[0], end[0]) - reach,
        min(start[1], end[1]) - reach,
        max(start[0], end[0]) + reach,
        max(start[1], end[1]) + reach,
        width,
        height,
    )
    if rect == NOTHING:
        return rect
    x = np.arange(rect[0], rect[2], dtype=np.float32)[None, :] + 0.5 - np.float32(start[0])
    y = np.arange(rect[1], rect[3], dtype=np.float32)[:, None] + 0.5 - np.float32(start[1])
    along, down = end[0] - start[0], end[1] - start[1]
    length = along * along + down * down
    if length > 1e-6:
        share = np.clip((x * np.float32(along) + y * np.float32(down)) / np.float32(length), 0, 1)
        distance = np.hypot(x - share * np.float32(along), y - share * np.float32(down))
        radius = np.float32(first) + share * np.float32(last - first)
    else:
        distance, radius = np.hypot(x, y), np.float32(last)
    soft = np.maximum(radius * np.float32(1 - stroke.hardness), 1.0)
    cover = np.clip((radius + np.float32(0.5) - distance) / soft, 0, 1) * 255
    _blend(_cut(pixels, rect), cover.astype(np.uint8), stroke.erase)
    return rect


def _blend(into: Mask, cover: Mask, erase: bool) -> None:
    """Strokes over one another do not add up: what is covered most counts."""
    if erase:
        np.minimum(into, 255 - cover, out=into)
    else:
        np.maximum(into, cover, out=into)
