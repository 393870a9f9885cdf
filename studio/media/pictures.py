"""Pictures: read with limits, write. Pixels are sRGB, uint8, shape (height, width, 3), or 4 with straight alpha.

What comes from elsewhere is brought to that: turned as its EXIF says, converted by its colour profile (CMYK, 16 bit,
palettes and grey too), the first frame of an animation.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from studio.core.errors import AtelierError, InvalidInput, from_os_error
from studio.core.files import write_bytes
from studio.core.i18n import n_
from studio.media import picture_profiles

Pixels = NDArray[np.uint8]
# suffix: (Pillow's name, media type)
FORMATS = {
    ".png": ("PNG", "image/png"),
    ".jpg": ("JPEG", "image/jpeg"),
    ".jpeg": ("JPEG", "image/jpeg"),
    ".webp": ("WEBP", "image/webp"),
}
MAX_PIXELS = 100_000_000
MAX_SIDE = 32_768
PREVIEW_SIDE = 256
PROFILES = ("sRGB", "Display P3", "original")
# Those whose readers run nothing and follow no address (not EPS, WMF, IM …)
_READERS = (
    AvifImagePlugin.AvifImageFile,
    BmpImagePlugin.BmpImageFile,
    GifImagePlugin.GifImageFile,
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    PpmImagePlugin.PpmImageFile,
    PsdImagePlugin.PsdImageFile,
    TgaImagePlugin.TgaImageFile,
    TiffImagePlugin.TiffImageFile,
    WebPImagePlugin.WebPImageFile,
)
_READABLE = tuple(str(reader.format) for reader in _READERS)
_COMPRESSION = 3  # the usual 6 takes three times as long for 3 % less
_LIMITS = {"JPEG": 65_535, "WEBP": 16_383}  # px a side that the format can hold
_BROKEN = (
    *(OSError, SyntaxError, ValueError, RuntimeError, EOFError, IndexError, KeyError, TypeError),
    *(struct.error, zlib.error),
)
# Sizes are checked here before anything is decoded, with words that name them; Pillow only warns or gives up.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Picture:
    """`pixels` as above; `profile`: the RGB colour profile that the file had, b"" for none; `frames` that it had."""

    pixels: Pixels
    profile: bytes = b""
    frames: int = 1

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def has_alpha(self) -> bool:
        return self.pixels.shape[2] == 4

    @cached_property
    def image(self) -> Image.Image:
        """For Pillow: mode "RGB" or "RGBA"."""
        return Image.fromarray(np.ascontiguousarray(self.pixels))

    @property
    def remark(self) -> str:
        """What of the file is not in the picture, in words; "" where nothing is missing."""
        if self.frames < 2:
            return ""
        text = n_(
            "Only the first picture of this file is used; {count} more follows.",
            "Only the first picture of this file is used; {count} more follow.",
            self.frames - 1,
        )
        return text.format(count=self.frames - 1)

    @classmethod
    def of(cls, image: Image.Image) -> Picture:
        """From Pillow, sRGB; alpha is kept where the picture has any."""
        return cls(np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"), np.uint8))

    def with_pixels(self, pixels: Pixels) -> Picture:
        return replace(self, pixels=pixels)

    def over(self, colour: tuple[int, int, int]) -> Picture:
        """Without alpha, laid on `colour`."""
        if not self.has_alpha:
            return self
        alpha = self.pixels[..., 3:].astype(np.float32) / 255
        mixed = self.pixels[..., :3] * alpha + np.asarray(colour, np.float32) * (1 - alpha)
        return self.with_pixels(np.rint(mixed).astype(np.uint8))


@dataclass(frozen=True)
class Export:
    """How a picture is written. `width` and `height` in px (0: as it is; one of them: the other follows). `quality` 1
    to 100, of JPEG and WebP; 100 is lossless in WebP. `profile`: one of `PROFILES`, whose colours the file has
    ("original": the one that was read, else sRGB). `background`: what JPEG, which has no alpha, lays the picture on."""

    width: int = 0
    height: int = 0
    quality: int = 90
    profile: str = "sRGB"
    background: tuple[int, int, int] = (255, 255, 255)


def read(path: Path) -> Picture:
    """The picture in a file. Raises `AtelierError` in words: "picture-too-large" before anything is decoded,
    "picture-not-readable" for what is none, "picture-damaged" for half of one, or what the disk says."""
    arguments = {"path": str(path)}
    try:
        stream = path.open("rb")
    except OSError as error:
        raise from_os_error(error, path) from error
    with stream:
        try:
            image = Image.open(stream, formats=_READABLE)
        except UnidentifiedImageError as error:
            raise AtelierError("picture-not-readable", arguments, details=str(error)) from error
        except _BROKEN as error:
            raise AtelierError("picture-damaged", arguments, details=repr(error)) from error
        with image:
            check_size(image.width, image.height, path)
            try:
                # Frames of these are layers, or the same picture for other eyes
                frames = 1 if image.format in ("PSD", "MPO") else int(getattr(image, "n_frames", 1))
                image.load()
                return replace(_normal(image), frames=frames)
            except _BROKEN as error:
                raise AtelierError("picture-damaged", arguments, details=repr(error)) from error


def size(path: Path) -> tuple[int, int]:
    """(width, height) in px as the file says, before a turn that EXIF asks for. Raises as `read`."""
    try:
        with Image.open(path, formats=_READABLE) as image:
            return image.size
    except UnidentifiedImageError as error:
        raise AtelierError("picture-not-readable", {"path": str(path)}, details=str(error)) from error
    except FileNotFoundError as error:
        raise from_os_error(error, path) from error
    except _BROKEN as error:
        raise AtelierError("picture-damaged", {"path": str(path)}, details=repr(error)) from error


def check_size(width: int, height: int, path: Path | str = "") -> None:
    """Raises `AtelierError` in words for a picture that is empty or that no memory holds."""
    if width < 1 or height < 1:
        raise AtelierError("picture-not-readable", {"path": str(path)}, details=f"{width}×{height}")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        arguments = {"width": width, "height": height, "limit": MAX_PIXELS // 1_000_000, "side": MAX_SIDE}
        raise InvalidInput("picture-too-large", {"path": str(path), **arguments})


def write(path: Path, picture: Picture, export: Export | None = None) -> None:
    """Write `picture` in the format of the suffix (see `FORMATS`), in one step. Raises `AtelierError` in words."""
    write_bytes(path, encode(picture, path.suffix, export))


def encode(picture: Picture, suffix: str = ".png", export: Export | None = None) -> bytes:
    """The bytes of a file with `suffix`. Same picture, same bytes. Without `export`: as it is, and a PNG has no
    profile, which stands for sRGB. Raises `AtelierError`: "format-unknown", "picture-too-large"."""
    if suffix.lower() not in FORMATS:
        raise AtelierError("format-unknown", {"suffix": suffix, "choices": list(FORMATS)})
    kind = FORMATS[suffix.lower()][0]
    wish = export or Export()
    picture = _sized(picture, wish)
    side = _LIMITS.get(kind, MAX_SIDE)
    if max(picture.width, picture.height) > side:
        arguments = {"width": picture.width, "height": picture.height, "side": side, "limit": MAX_PIXELS // 1_000_000}
        raise InvalidInput("picture-too-large", {"path": suffix, **arguments})
    if kind == "JPEG":
        picture = picture.over(wish.background)
    image, profile = _coloured(picture, wish.profile)
    options: dict[str, object] = {"icc_profile": profile if export or kind != "PNG" else None}
    if kind == "PNG":
        options |= {"compress_level": _COMPRESSION, "pnginfo": PngImagePlugin.PngInfo()}
    elif kind == "JPEG":
        options |= {"quality": _quality(wish), "subsampling": 0 if wish.quality >= 90 else 2, "optimize": True}
    else:
        options |= {"quality": _quality(wish), "lossless": wish.quality >= 100, "method": 4, "exact": True}
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def preview(picture: Picture, side: int = PREVIEW_SIDE) -> bytes:
    """A JPEG of at most `side` px a side, transparent parts on white."""
    image = picture.over((255, 255, 255)).image.copy()
    image.thumbnail((side, side), Image.Resampling.BOX)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _sized(picture: Picture, export: Export) -> Picture:
    from studio.media.picture_edit import resize

    width, height = export.width, export.height
    if not width and not height:
        return picture
    width = width or max(1, round(picture.width * height / picture.height))
    height = height or max(1, round(picture.height * width / picture.width))
    return resize(picture, width, height)


def _coloured(picture: Picture, name: str) -> tuple[Image.Image, bytes]:
    """The picture in the colours of the profile called `name`, and that profile."""
    if name not in PROFILES:
        raise InvalidInput("value-not-choice", {"label": "profile", "value": name, "choices": list(PROFILES)})
    data = picture.profile if name == "original" else picture_profiles.profile(name)
    data = data or picture_profiles.profile("sRGB")
    if data == picture_profiles.profile("sRGB"):
        return picture.image, data
    coloured = picture_profiles.from_srgb(picture.with_pixels(picture.pixels[..., :3]).image, data)
    if picture.has_alpha:
        coloured.putalpha(Image.fromarray(np.ascontiguousarray(picture.pixels[..., 3])))
    return coloured, data


def _quality(export: Export) -> int:
    return min(100, max(1, export.quality))


def _normal(image: Image.Image) -> Picture:
    """A loaded picture of any mode as `Picture`."""
    profile = image.info.get("icc_profile") or b""
    profile = profile if isinstance(profile, bytes) else b""
    image = ImageOps.exif_transpose(image)
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA", "La", "1") else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert(image.mode.removesuffix("A"))
    image = _eight_bits(image)
    colours = picture_profiles.to_srgb(image, profile) if profile else None
    pixels = np.asarray(colours or image.convert("RGB"), np.uint8)
    if alpha is not None:
        pixels = np.dstack([pixels, np.asarray(alpha, np.uint8)])
    return Picture(pixels, profile if picture_profiles.is_rgb(profile) else b"")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Modes that hold more than 8 bits, or an index, as one that holds 8 bits of colour."""
    if image.mode == "P" or image.mode == "1":
        return image.convert("RGB" if image.mode == "P" else "L")
    if image.mode.startswith("I;16") or image.mode == "I":
        values = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.rint(np.clip(values, 0, 65_535) / 257).astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float64))
        values = values * 255 if values.max(initial=0) <= 1 else values
        return Image.fromarray(np.rint(np.clip(values, 0, 255)).astype(np.uint8))
    return image
