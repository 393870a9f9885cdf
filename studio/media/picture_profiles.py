"""Colour profiles: what pictures are converted from and to. Made here byte by byte, so that they hold no clock time.

Profiles follow ICC.1:2022 (version 4, matrix and tone curve). Colorants are the usual ones, adapted to D50.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageCms

_D50 = (0.9642, 1.0, 0.8249)
# Bradford adaptation from D65, as profiles of version 4 must state it
_ADAPTATION = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1; Display P3 has the same
_PRIMARIES = {
    "sRGB": ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
    "Display P3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
}
_LARGEST = 4 << 20  # bytes; print profiles have about 2 MB
_DATE = (2000, 1, 1, 0, 0, 0)


@cache
def profile(name: str) -> bytes:
    """The profile called "sRGB" or "Display P3"."""
    red, green, blue = (_xyz(colorant) for colorant in _PRIMARIES[name])
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(_CURVE)
    tags = [
        (b"desc", _text(name)),
        (b"cprt", _text("CC0-1.0")),
        (b"wtpt", _xyz(_D50)),
        (b"chad", b"sf32" + bytes(4) + _fixed(_ADAPTATION)),
        (b"rXYZ", red),
        (b"gXYZ", green),
        (b"bXYZ", blue),
        (b"rTRC", curve),
        (b"gTRC", curve),
        (b"bTRC", curve),
    ]
    table, body, place = b"", b"", 128 + 4 + 12 * len(tags)
    known: dict[bytes, int] = {}
    for tag, data in tags:
        if data not in known:
            known[data] = place + len(body)
            body += data + bytes(-len(data) % 4)
        table += tag + struct.pack(">II", known[data], len(data))
    size = place + len(body)
    header = struct.pack(">I4sI4s4s4s6H4s", size, bytes(4), 0x04300000, b"mntr", b"RGB ", b"XYZ ", *_DATE, b"acsp")
    header += bytes(28) + _fixed(_D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def is_rgb(data: bytes) -> bool:
    """Whether `data` is a profile of RGB colours that can be read."""
    return _opened(data) is not None and data[16:20] == b"RGB "


def to_srgb(image: Image.Image, data: bytes) -> Image.Image | None:
    """`image` (without alpha) in sRGB, mode "RGB", by its embedded profile; None where that is damaged or of other
    colours than the picture's."""
    return _converted(image, data, profile("sRGB"))


def from_srgb(image: Image.Image, data: bytes) -> Image.Image:
    """`image`, sRGB of mode "RGB", in the RGB colours of the profile `data`. Raises ValueError for another one."""
    converted = _converted(image, profile("sRGB"), data)
    if converted is None:
        raise ValueError("no profile of RGB colours")
    return converted


def _converted(image: Image.Image, source: bytes, target: bytes) -> Image.Image | None:
    if source == target:
        return image
    first, second = _opened(source), _opened(target)
    if first is None or second is None:
        return None
    try:
        return ImageCms.profileToProfile(
            image, first, second, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, ValueError, OSError):
        return None


def _opened(data: bytes) -> ImageCms.ImageCmsProfile | None:
    if not 128 < len(data) <= _LARGEST:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    except (OSError, ValueError, TypeError):
        return None


def _fixed(numbers: Sequence[float]) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def _xyz(numbers: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(numbers)


def _text(words: str) -> bytes:
    data = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data
