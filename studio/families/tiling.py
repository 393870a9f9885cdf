"""Work on a picture in tiles that overlap, put together without seams, in memory for one row of tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Work = Callable[[Floats], Floats]


def count(height: int, width: int, tile: int) -> int:
    """How many tiles of `tile` px a side a picture has."""
    return -(-height // tile) * -(-width // tile)


def apply(source: NDArray[np.uint8], work: Work, scale: int, tile: int, overlap: int) -> NDArray[np.uint8]:
    """`work` makes `scale` times as many px a side of float32 colours from 0 to 1, shape (height, width, channels). It
    is given tiles of `tile` px with `overlap` px more on each side; within half of that, neighbours pass gradually into
    one another."""
    height, width, channels = source.shape
    ramp = overlap // 2
    result = np.empty((height * scale, width * scale, channels), np.uint8)
    carried: Any = None
    for top in range(0, height, tile):
        first, last = max(0, top - ramp), min(height, top + tile + ramp)
        band = np.zeros(((last - first) * scale, width * scale, channels), np.float32)
        for left in range(0, width, tile):
            begin, end = max(0, left - ramp), min(width, left + tile + ramp)
            y0, y1 = max(0, top - overlap), min(height, top + tile + overlap)
            x0, x1 = max(0, left - overlap), min(width, left + tile + overlap)
            made = work(source[y0:y1, x0:x1].astype(np.float32) / np.float32(255))
            rows = slice((first - y0) * scale, (last - y0) * scale)
            columns = slice((begin - x0) * scale, (end - x0) * scale)
            down = _weights(height, top, tile, ramp, scale)[:, None, None]
            across = _weights(width, left, tile, ramp, scale)[None, :, None]
            band[:, begin * scale : end * scale] += np.clip(made[rows, columns], 0, 1) * down * across
        if carried is not None:
            band[: len(carried)] += carried
        final = height if top + tile >= height else top + tile - ramp
        done = (final - first) * scale
        result[first * scale : final * scale] = np.rint(band[:done] * 255)
        carried = band[done:]
    return result


def _weights(length: int, start: int, tile: int, ramp: int, scale: int) -> Floats:
    """How much a tile counts along one side, from where its ramp begins to where it ends: with its neighbours' always
    one in all."""
    first, last = max(0, start - ramp), min(length, start + tile + ramp)
    places = (np.arange(first * scale, last * scale) + 0.5) / scale
    weights = np.ones(len(places))
    if start and ramp:
        weights = np.minimum(weights, (places - (start - ramp)) / (2 * ramp))
    if start + tile < length and ramp:
        weights = np.minimum(weights, (start + tile + ramp - places) / (2 * ramp))
    return np.clip(weights, 0, 1).astype(np.float32)
