"""Work on pictures without a model: crop, turn, mirror, levels, size. Same picture, same result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from studio.core.errors import InvalidInput
from studio.media.pictures import Picture, check_size

CHANNELS = ("rgb", "red", "green", "blue", "alpha")


@dataclass(frozen=True)
class Box:
    """A rectangle in px: `left` and `top` from the upper left corner, may be outside the picture."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Levels:
    """What `black` to `white` (0 to 255) of a channel becomes: `low` to `high`, bent by `gamma` (0.1 to 10; above 1 is
    lighter in the middle)."""

    black: int = 0
    white: int = 255
    gamma: float = 1.0
    low: int = 0
    high: int = 255


def crop(picture: Picture, box: Box) -> Picture:
    """The part of `picture` inside `box`. Raises `InvalidInput` in words where nothing of it is inside."""
    left, top = max(0, box.left), max(0, box.top)
    right, bottom = min(picture.width, box.left + box.width), min(picture.height, box.top + box.height)
    if right <= left or bottom <= top:
        arguments = {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
        raise InvalidInput("crop-outside", arguments)
    return picture.with_pixels(picture.pixels[top:bottom, left:right].copy())


def rotate(picture: Picture, degrees: float, *, keep_size: bool = False) -> Picture:
    """`picture` turned clockwise. Quarter turns are exact; others are drawn anew (bicubic), with transparent corners on
    a canvas that grows unless `keep_size`."""
    if degrees % 90 == 0:
        return picture.with_pixels(np.ascontiguousarray(np.rot90(picture.pixels, -int(degrees // 90))))
    turned = picture.image.convert("RGBA").rotate(-degrees, Image.Resampling.BICUBIC, expand=not keep_size)
    return picture.with_pixels(np.asarray(turned, np.uint8))


def mirror(picture: Picture, *, vertical: bool = False) -> Picture:
    """Left for right, or with `vertical` top for bottom."""
    return picture.with_pixels(np.ascontiguousarray(np.flip(picture.pixels, 0 if vertical else 1)))


def levels(picture: Picture, channels: Mapping[str, Levels]) -> Picture:
    """`channels`: "rgb" for all three colours, then "red", "green", "blue", "alpha" by themselves. Raises
    `InvalidInput` in words."""
    pixels = picture.pixels.copy()
    for name in CHANNELS:
        if name not in channels or (name == "alpha" and not picture.has_alpha):
            continue
        which = slice(0, 3) if name == "rgb" else CHANNELS.index(name) - 1
        pixels[..., which] = _table(channels[name])[pixels[..., which]]
    return picture.with_pixels(pixels)


def auto_levels(picture: Picture, cut: float = 0.001) -> dict[str, Levels]:
    """The levels that spread the colours of what is visible over the whole range, but for the share `cut` at each end;
    one for all three, so that no colour shifts."""
    visible = picture.pixels[..., :3]
    if picture.has_alpha:
        visible = visible[picture.pixels[..., 3] > 0]
    if not visible.size:
        return {}
    black, white = (round(float(value)) for value in np.quantile(visible, (cut, 1 - cut)))
    return {"rgb": Levels(black, white)} if white > black else {}


def resize(picture: Picture, width: int, height: int) -> Picture:
    """`picture` at `width` × `height` px (Lanczos; colours of transparent pixels do not bleed). Raises `AtelierError`
    in words for a size that no picture has."""
    check_size(width, height)
    if (width, height) == (picture.width, picture.height):
        return picture
    return picture.with_pixels(np.asarray(picture.image.resize((width, height), Image.Resampling.LANCZOS), np.uint8))


def fit(picture: Picture, width: int, height: int) -> Picture:
    """`picture` filling `width` × `height` px: sized to cover them, its middle kept."""
    check_size(width, height)
    scale = max(width / picture.width, height / picture.height)
    part = min(picture.width, round(width / scale)), min(picture.height, round(height / scale))
    part = max(1, part[0]), max(1, part[1])
    box = Box((picture.width - part[0]) // 2, (picture.height - part[1]) // 2, *part)
    return resize(crop(picture, box), width, height)


def _table(wish: Levels) -> np.ndarray:
    if not (0 <= wish.black < wish.white <= 255 and 0.1 <= wish.gamma <= 10):
        raise InvalidInput("levels-wrong", {"black": wish.black, "white": wish.white})
    if not (0 <= wish.low <= 255 and 0 <= wish.high <= 255):
        raise InvalidInput("levels-wrong", {"black": wish.low, "white": wish.high})
    values = np.clip((np.arange(256) - wish.black) / (wish.white - wish.black), 0, 1) ** (1 / wish.gamma)
    return np.rint(wish.low + values * (wish.high - wish.low)).astype(np.uint8)
