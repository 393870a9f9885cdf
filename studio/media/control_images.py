"""What a ControlNet follows, drawn from a picture without a model: white lines on black, of the picture's size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from studio.core.errors import InvalidInput
from studio.media import picture_edit, pictures
from studio.media.pictures import Picture

Grey = NDArray[np.uint8]
LOW, HIGH = 100, 200  # of the gradient's magnitude, the values that Canny's ControlNets were trained with
PREVIEW_SIDE = 512  # px
_THRESHOLD = 32


def make(picture: Picture, kind: str, **settings: float) -> Picture:
    """The control picture of `kind`, one of `KINDS`; `settings` are the arguments of the function of that name. Raises
    `InvalidInput` in words for another kind."""
    if kind not in KINDS:
        raise InvalidInput("value-not-choice", {"label": "kind", "value": kind, "choices": list(KINDS)})
    lines = KINDS[kind](picture.over((255, 255, 255)), **settings)
    return Picture(np.repeat(lines[..., None], 3, axis=2))


def preview(picture: Picture, kind: str, side: int = PREVIEW_SIDE, **settings: float) -> bytes:
    """A PNG of `make` on the picture at most `side` px a side, for looking at while settings change."""
    scale = min(1.0, side / max(picture.width, picture.height))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return pictures.encode(make(picture_edit.resize(picture, *size), kind, **settings))


def canny(picture: Picture, low: float = LOW, high: float = HIGH) -> Grey:
    """Edges one px wide (Canny 1986): those above `high`, and those above `low` that are connected with them; `low` and
    `high` from 0 to 1020, as in OpenCV."""
    from scipy.ndimage import label, sobel

    grey = np.asarray(picture.image.convert("L"), np.float32)
    across, down = (np.asarray(sobel(grey, axis=axis, mode="nearest"), np.float32) for axis in (1, 0))
    strength = np.abs(across) + np.abs(down)
    thin = strength * _highest(strength, across, down)
    low, high = min(low, high), max(low, high)
    parts = np.asarray(label(thin > low, structure=np.ones((3, 3)))[0], np.intp)  # type: ignore[index]
    strong = np.unique(parts[thin > high])
    return np.where(np.isin(parts, strong[strong > 0]), 255, 0).astype(np.uint8)


def scribble(picture: Picture, threshold: float = _THRESHOLD) -> Grey:
    """Broad strokes where the picture is darker than what surrounds it (a difference of Gaussians); a higher
    `threshold` (1 to 255) leaves fewer."""
    from scipy.ndimage import gaussian_filter

    colours = picture.pixels[..., :3].astype(np.float32)
    near, wide = (np.asarray(gaussian_filter(colours, (sigma, sigma, 0))) for sigma in (0.5, 5.0))
    darker = np.clip((wide - near).min(axis=2), 0, 255)
    return np.where(2 * darker > threshold, 255, 0).astype(np.uint8)


KINDS: Mapping[str, Callable[..., Grey]] = {"canny": canny, "scribble": scribble}


def _highest(
    strength: NDArray[np.float32], across: NDArray[np.float32], down: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Where the gradient is at its strongest on its own way, told apart in four directions."""
    angle = np.rad2deg(np.arctan2(down, across)) % 180
    padded = np.pad(strength, 1)
    height, width = strength.shape

    def moved(y: int, x: int) -> NDArray[np.float32]:
        return padded[1 + y : 1 + y + height, 1 + x : 1 + x + width]

    result = np.zeros(strength.shape, bool)
    for begin, (y, x) in ((-22.5, (0, 1)), (22.5, (1, 1)), (67.5, (1, 0)), (112.5, (1, -1))):
        here = (angle - begin) % 180 < 45
        result |= here & (strength > moved(-y, -x)) & (strength >= moved(y, x))
    return result
