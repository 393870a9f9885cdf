"""Masks: which part of a picture is drawn anew. uint8, shape (height, width): 255 is drawn anew, 0 stays.

Soft masks lie between. What `composite` gives is byte for byte the first picture wherever the mask is 0.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from studio.core.errors import InvalidInput
from studio.media import pictures
from studio.media.pictures import Picture, check_size

Mask = NDArray[np.uint8]
_MAX_REACH = 1024  # px that a mask grows, shrinks or is feathered at most


@dataclass(frozen=True)
class Canvas:
    """A picture on a larger canvas, the mask of what is new, and where the picture lies on it, in px."""

    picture: Picture
    mask: Mask
    left: int
    top: int


def read(path: Path) -> Mask:
    """The mask in a picture file: its brightness, transparent parts counted as 0. Raises `AtelierError` in words."""
    return of_picture(pictures.read(path))


def encode(mask: Mask) -> bytes:
    """A grey PNG of 8 bits."""
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def of_picture(picture: Picture) -> Mask:
    """Brightness (Rec. 601), transparent parts counted as 0."""
    return np.asarray(picture.over((0, 0, 0)).image.convert("L"), np.uint8)


def of_alpha(picture: Picture) -> Mask:
    """Where `picture` is transparent: the part that has to be made up. Empty without alpha."""
    if not picture.has_alpha:
        return np.zeros(picture.pixels.shape[:2], np.uint8)
    return 255 - picture.pixels[..., 3]


def check(mask: Mask, picture: Picture) -> None:
    """Raises `InvalidInput` in words for a mask of another size than the picture, or one that marks nothing."""
    if mask.shape != picture.pixels.shape[:2]:
        sizes = {"mask": f"{mask.shape[1]} × {mask.shape[0]}", "picture": f"{picture.width} × {picture.height}"}
        raise InvalidInput("mask-size", sizes)
    if not mask.any():
        raise InvalidInput("mask-empty")


def hard(mask: Mask, threshold: int = 128) -> Mask:
    """255 from `threshold` on, else 0."""
    return np.where(mask >= threshold, 255, 0).astype(np.uint8)


def invert(mask: Mask) -> Mask:
    return 255 - mask


def grow(mask: Mask, px: int) -> Mask:
    """Wider by `px` in every direction (round), or narrower where it is negative."""
    marked = mask >= 128
    if not px or marked.all() or not marked.any():
        return mask if not px else hard(mask)
    from scipy.ndimage import distance_transform_edt

    distance = np.asarray(distance_transform_edt(marked if px < 0 else ~marked))
    reach = min(abs(px), _MAX_REACH)
    result = distance > reach if px < 0 else distance <= reach
    return np.where(result, 255, 0).astype(np.uint8)


def feather(mask: Mask, px: int) -> Mask:
    """With an edge that passes over `px` on each side; further out than that it stays exactly 0."""
    px = max(0, min(px, _MAX_REACH))
    image = Image.fromarray(mask)
    for turn in range(3):  # three boxes are close to a Gaussian, and end where a Gaussian never does
        image = image.filter(ImageFilter.BoxBlur((px + turn) // 3))
    return np.asarray(image, np.uint8)


def outpaint(picture: Picture, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0) -> Canvas:
    """`picture` on a canvas that is larger by so many px on each side. What is new is filled with the nearest edge and
    marked by the mask, and so is what was transparent. Raises `AtelierError` in words for a size too large."""
    sides = (left, top, right, bottom)
    for side in sides:
        if not 0 <= side <= pictures.MAX_SIDE:
            arguments = {"label": "px", "value": side, "minimum": 0, "maximum": pictures.MAX_SIDE}
            raise InvalidInput("value-out-of-range", arguments)
    check_size(picture.width + left + right, picture.height + top + bottom)
    mask = np.pad(of_alpha(picture), ((top, bottom), (left, right)), constant_values=255)
    flat = picture.over((127, 127, 127))
    pixels = np.pad(flat.pixels, ((top, bottom), (left, right), (0, 0)), mode="edge")
    return Canvas(flat.with_pixels(pixels), mask, left, top)


def composite(first: Picture, second: Picture, mask: Mask) -> Picture:
    """`first` with `second` laid over it by `mask`; both and the mask have one size. Alpha of either is blended too.
    Raises `InvalidInput` in words."""
    if second.pixels.shape[:2] != first.pixels.shape[:2]:
        sizes = {"mask": f"{second.width} × {second.height}", "picture": f"{first.width} × {first.height}"}
        raise InvalidInput("mask-size", sizes)
    check(mask, first)
    before, after = _channels(first, second)
    share = mask.astype(np.float32)[..., None] / 255
    mixed = np.rint(before + (after.astype(np.float32) - before) * share).astype(np.uint8)
    return first.with_pixels(np.where(mask[..., None] == 0, before, mixed))


def _channels(first: Picture, second: Picture) -> tuple[pictures.Pixels, pictures.Pixels]:
    if first.has_alpha == second.has_alpha:
        return first.pixels, second.pixels
    full = np.full((*first.pixels.shape[:2], 1), 255, np.uint8)
    before, after = (
        each.pixels if each.has_alpha else np.concatenate([each.pixels, full], axis=2) for each in (first, second)
    )
    return before, after
