"""The pictures that a job is given: read with limits, and fitted to the size that is drawn."""

from __future__ import annotations

from typing import Any

from studio.core.errors import InvalidInput
from studio.core.jobs import Request
from studio.core.protocols import Context


def picture(request: Request, ctx: Context, role: str = "image") -> Any:
    """The input of this role as an RGB picture of Pillow's; what is transparent becomes white."""
    return _open(request, ctx, role)


def mask(request: Request, ctx: Context, like: Any) -> Any:
    """The mask of the picture `like`, grey of 8 bits, white where it is drawn anew."""
    found = _open(request, ctx, "mask").convert("L")
    if found.size != like.size:
        sizes = {"mask": _size(found), "picture": _size(like)}
        raise InvalidInput("mask-size", {"parameter": "mask", **sizes})
    if found.getextrema()[1] < 128:
        raise InvalidInput("mask-empty", {"parameter": "mask"})
    return found


def fitted(image: Any, width: int, height: int) -> Any:
    """`image` scaled to cover `width` × `height` px and cut to it about its middle."""
    from PIL import Image, ImageOps

    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def feathered(mask: Any, radius: int) -> Any:
    """The mask with an edge that falls off over about `radius` px to its outside."""
    from PIL import ImageFilter

    if radius <= 0:
        return mask
    return mask.filter(ImageFilter.GaussianBlur(radius / 2)).point(lambda value: min(255, value * 2))


def _open(request: Request, ctx: Context, role: str) -> Any:
    from studio.media import pictures

    if role not in request.inputs:
        raise InvalidInput("input-missing", {"parameter": role, "role": role})
    return pictures.read(ctx.input(role)).over((255, 255, 255)).image


def _size(image: Any) -> str:
    return f"{image.width} × {image.height}"
