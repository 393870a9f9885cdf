"""Layered files for Photoshop and what reads its format (PSD): a background, the picture, a mask.

Written after Adobe's public specification: 8 bits, RGB, rows packed by PackBits, the merged picture at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from studio.core.errors import InvalidInput
from studio.core.files import write_bytes
from studio.media import picture_profiles
from studio.media.masks import Mask
from studio.media.pictures import MAX_PIXELS, Picture

MAX_SIDE = 30_000  # px, what the format holds
_ALPHA, _MASK = -1, -2
_ICC = 1039
_HIDDEN = 2
_RUN = 128  # bytes that one packet of PackBits holds


@dataclass(frozen=True)
class Layer:
    """`picture` with its upper left corner at `left`, `top` of the canvas; `mask`, of the picture's size, shows it
    where it is 255 and hides it where it is 0."""

    name: str
    picture: Picture
    left: int = 0
    top: int = 0
    mask: Mask | None = None
    visible: bool = True


def write(path: Path, width: int, height: int, layers: Sequence[Layer]) -> None:
    """Write `layers`, the lowest first, on a canvas of that size, in one step. Raises `AtelierError` in words."""
    write_bytes(path, encode(width, height, layers))


def encode(width: int, height: int, layers: Sequence[Layer]) -> bytes:
    """The bytes of the file. Same layers, same bytes. Raises `InvalidInput` in words for a size that it cannot hold."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or width * height > MAX_PIXELS:
        arguments = {"width": width, "height": height, "limit": MAX_PIXELS // 1_000_000, "side": MAX_SIDE}
        raise InvalidInput("picture-too-large", {"path": ".psd", **arguments})
    records, planes = b"", []
    for layer in layers:
        packed = [(channel, _packed([plane])) for channel, plane in _channels(layer)]
        records += _record(layer, [(channel, len(data)) for channel, data in packed])
        planes += [data for _channel, data in packed]
    body = struct.pack(">h", len(layers)) + records + b"".join(planes)
    body += bytes(-len(body) % 4)
    profile = picture_profiles.profile("sRGB")
    resource = b"8BIM" + struct.pack(">HHI", _ICC, 0, len(profile)) + profile + bytes(len(profile) % 2)
    merged = np.asarray(flatten(width, height, layers), np.uint8)
    return b"".join(
        (
            b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3),
            struct.pack(">I", 0),
            struct.pack(">I", len(resource)) + resource,
            struct.pack(">II", len(body) + 8, len(body)) + body + struct.pack(">I", 0),
            _packed([merged[..., channel] for channel in range(3)]),
        )
    )


def flatten(width: int, height: int, layers: Sequence[Layer]) -> Image.Image:
    """The layers that are visible, one over the other on white: mode "RGB"."""
    flat = Image.new("RGBA", (width, height), (255, 255, 255, 255))
    for layer in layers:
        if not layer.visible:
            continue
        shown = layer.picture.image.convert("RGBA")
        if layer.mask is not None:
            alpha = np.asarray(shown.getchannel("A")).astype(np.uint16) * layer.mask // 255
            shown.putalpha(Image.fromarray(alpha.astype(np.uint8)))
        canvas = Image.new("RGBA", (width, height))
        canvas.paste(shown, (layer.left, layer.top))
        flat.alpha_composite(canvas)
    return flat.convert("RGB")


def _channels(layer: Layer) -> list[tuple[int, np.ndarray]]:
    pixels = layer.picture.pixels
    found = [(channel, pixels[..., channel]) for channel in range(3)]
    if layer.picture.has_alpha:
        found.insert(0, (_ALPHA, pixels[..., 3]))
    if layer.mask is not None:
        found.append((_MASK, layer.mask))
    return found


def _record(layer: Layer, channels: Iterable[tuple[int, int]]) -> bytes:
    """What the file says of a layer: `channels` are (id, bytes)."""
    sizes = [struct.pack(">hI", *channel) for channel in channels]
    place = (layer.top, layer.left, layer.top + layer.picture.height, layer.left + layer.picture.width)
    mask = struct.pack(">I4iBBxx", 20, *place, 0, 0) if layer.mask is not None else struct.pack(">I", 0)
    short = layer.name.encode("ascii", "replace")[:31]
    short = bytes([len(short)]) + short
    words = layer.name.encode("utf-16-be")[:510]
    words = struct.pack(">I", len(words) // 2) + words
    words += bytes(-len(words) % 4)
    extra = mask + struct.pack(">I", 0) + short + bytes(-len(short) % 4)
    extra += b"8BIMluni" + struct.pack(">I", len(words)) + words
    flags = 0 if layer.visible else _HIDDEN
    head = struct.pack(">4iH", *place, len(sizes)) + b"".join(sizes)
    return head + b"8BIMnorm" + struct.pack(">BBBBI", 255, 0, flags, 0, len(extra)) + extra


def _packed(planes: Sequence[np.ndarray]) -> bytes:
    """Planes of one size as the file keeps them: the kind of packing, the bytes of each row, the rows."""
    rows = [_row(row) for plane in planes for row in plane]
    return struct.pack(">H", 1) + struct.pack(f">{len(rows)}H", *map(len, rows)) + b"".join(rows)


def _row(row: np.ndarray) -> bytes:
    """PackBits with packets of a fixed length: one value repeated, or bytes as they are."""
    data = row.tobytes()
    packets = []
    for start in range(0, len(data), _RUN):
        part = data[start : start + _RUN]
        if len(part) > 1 and part.count(part[0]) == len(part):
            packets.append(bytes([257 - len(part), part[0]]))
        else:
            packets.append(bytes([len(part) - 1]) + part)
    return b"".join(packets)
