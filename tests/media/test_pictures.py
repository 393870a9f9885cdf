"""Pictures of every kind are read as sRGB or refused in words, edited, and written the same each time."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from studio.core.errors import AtelierError, InvalidInput
from studio.media import picture_edit, picture_profiles, pictures
from studio.media.picture_edit import Box, Levels
from studio.media.pictures import Export, Picture


def gradient(width: int = 24, height: int = 16, channels: int = 3) -> Picture:
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 / (width - 1), y * 255 / (height - 1), (x + y) * 4 % 256, 255 - x * 6]
    return Picture(np.dstack(planes[:channels]).astype(np.uint8))


def png(width: int, height: int, chunks: bytes = b"") -> bytes:
    """A PNG of that size whose pixels never come."""
    header = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND")


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def refused(path: Path) -> AtelierError:
    with pytest.raises(AtelierError) as caught:
        pictures.read(path)
    assert str(path.name) in str(caught.value) or caught.value.code == "picture-too-large"
    return caught.value


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
@pytest.mark.parametrize("channels", [3, 4])
def test_write_and_read(tmp_path: Path, suffix: str, channels: int) -> None:
    picture = gradient(channels=channels)
    path, again = tmp_path / f"灯{suffix}", tmp_path / f"again{suffix}"
    export = Export(quality=100)
    pictures.write(path, picture, export)
    pictures.write(again, picture, export)
    assert path.read_bytes() == again.read_bytes()
    found = pictures.read(path)
    if suffix == ".jpg":
        assert not found.has_alpha
        expected = picture.over((255, 255, 255)).pixels.astype(int)
        assert np.abs(found.pixels - expected).mean() < 3
    else:
        assert np.array_equal(found.pixels, picture.pixels)


def test_a_plain_png_has_no_profile_and_no_clock(tmp_path: Path) -> None:
    data = pictures.encode(gradient())
    names = [data[i + 4 : i + 8] for i in _chunk_places(data)]
    assert names == [b"IHDR", b"IDAT", b"IEND"]


def _chunk_places(data: bytes) -> list[int]:
    places, at = [], 8
    while at < len(data):
        places.append(at)
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return places


def test_size_quality_and_background(tmp_path: Path) -> None:
    picture = gradient(40, 20, 4)
    pictures.write(tmp_path / "small.jpg", picture, Export(width=20, quality=20, background=(255, 0, 0)))
    pictures.write(tmp_path / "fine.jpg", picture, Export(width=20, quality=95))
    small = pictures.read(tmp_path / "small.jpg")
    assert (small.width, small.height) == (20, 10)
    assert small.pixels[:, -1, 0].mean() > 200
    assert (tmp_path / "fine.jpg").stat().st_size > (tmp_path / "small.jpg").stat().st_size
    for suffix in (".bmp", "", ".exe"):
        with pytest.raises(AtelierError) as caught:
            pictures.encode(picture, suffix)
        assert caught.value.code == "format-unknown"
    with pytest.raises(InvalidInput):
        pictures.encode(Picture(np.zeros((1, 20_000, 3), np.uint8)), ".webp")


def test_our_profiles_are_the_known_ones() -> None:
    known = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = gradient(64, 64).image
    for source, target in ((known, picture_profiles.profile("sRGB")), (picture_profiles.profile("sRGB"), known)):
        there = ImageCms.profileToProfile(
            image,
            *(ImageCms.ImageCmsProfile(io.BytesIO(data)) for data in (source, target)),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
        assert there is not None
        assert np.abs(np.asarray(there).astype(int) - np.asarray(image)).max() <= 1
    wide = picture_profiles.from_srgb(Image.new("RGB", (1, 1), (255, 0, 0)), picture_profiles.profile("Display P3"))
    assert wide.getpixel((0, 0)) == pytest.approx((234, 51, 35), abs=2)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(picture_profiles.profile("Display P3")))
    assert ImageCms.getProfileDescription(opened).strip() == "Display P3"


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_profiles_in_and_out(tmp_path: Path, suffix: str) -> None:
    picture = gradient(channels=4 if suffix != ".jpg" else 3)
    path, back = tmp_path / f"wide{suffix}", tmp_path / f"back{suffix}"
    pictures.write(path, picture, Export(quality=100, profile="Display P3"))
    found = pictures.read(path)
    assert found.profile == picture_profiles.profile("Display P3")
    assert np.abs(found.pixels.astype(int) - picture.pixels).mean() < 3
    pictures.write(back, found, Export(quality=100, profile="original"))
    with Image.open(back) as image:
        assert image.info["icc_profile"] == picture_profiles.profile("Display P3")
    if picture.has_alpha:
        assert np.array_equal(found.pixels[..., 3], picture.pixels[..., 3])
    with pytest.raises(InvalidInput):
        pictures.encode(picture, suffix, Export(profile="Adobe"))


@pytest.mark.parametrize("profile", [b"no profile", b"x" * 3000])
def test_a_damaged_profile_is_left_out(tmp_path: Path, profile: bytes) -> None:
    gradient().image.save(tmp_path / "a.png", icc_profile=profile)
    found = pictures.read(tmp_path / "a.png")
    assert found.profile == b""
    assert np.array_equal(found.pixels, gradient().pixels)


def test_exif_turns_are_done(tmp_path: Path) -> None:
    picture = gradient()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.image.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(pictures.read(tmp_path / "turned.png").pixels, picture_edit.rotate(picture, 90).pixels)


@pytest.mark.parametrize(
    ("mode", "name", "channels"),
    [
        *(("CMYK", "a.jpg", 3), ("CMYK", "a.tif", 3), ("L", "a.png", 3), ("LA", "a.png", 4), ("P", "a.png", 3)),
        *(("P", "a.gif", 3), ("1", "a.png", 3), ("YCbCr", "a.jpg", 3), ("LAB", "a.tif", 3), ("RGBA", "a.webp", 3)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str, name: str, channels: int) -> None:
    source = gradient().image
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(source, *profiles, outputMode="LAB")
        assert image is not None
    else:
        image = source.convert(mode)
    image.save(tmp_path / name)
    found = pictures.read(tmp_path / name)
    assert found.pixels.dtype == np.uint8 and found.pixels.shape == (16, 24, channels)
    grey = mode in ("L", "LA", "1", "P")
    if not grey:
        assert np.abs(found.pixels[..., :3].astype(int) - np.asarray(source)).mean() < 12


def test_sixteen_bits_and_floats(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    Image.fromarray((ramp / 65_535).astype(np.float32)).save(tmp_path / "float.tif")
    expected = np.rint(ramp / 257).astype(np.uint8)
    for name in ("deep.png", "float.tif"):
        assert np.abs(pictures.read(tmp_path / name).pixels[..., 0].astype(int) - expected).max() <= 1
    rgb16 = b"".join(b"\0" + bytes([x * 16, 255]) * 3 for x in range(4))
    header = struct.pack(">II5B", 1, 4, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rgb16)) + chunk(b"IEND")
    (tmp_path / "rgb16.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert pictures.read(tmp_path / "rgb16.png").pixels[:, 0, 0].tolist() == [0, 16, 32, 48]


def test_an_animation_is_its_first_frame_and_says_so(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        found = pictures.read(tmp_path / name)
        assert found.frames == 3 and found.pixels[0, 0, :3].tolist() == [255, 0, 0]
        assert "2 more" in found.remark
    assert gradient().remark == ""


def test_transparency_of_palettes_and_keys(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 1)
    image.save(tmp_path / "a.png", transparency=0)
    found = pictures.read(tmp_path / "a.png")
    assert found.pixels[0, 0].tolist() == [0, 0, 255, 255] and found.pixels[1, 1, 3] == 0


def test_bad_files_are_said_in_words(tmp_path: Path) -> None:
    whole = pictures.encode(gradient(200, 200))
    cases = {
        "text.png": (b"just words", "picture-not-readable"),
        "nothing.png": (b"", "picture-not-readable"),
        "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "picture-not-readable"),
        "half.png": (whole[: len(whole) // 2], "picture-damaged"),
        "empty.png": (png(0, 5), "picture-not-readable"),
        "none.png": (png(5, 5), "picture-damaged"),
    }
    for name, (data, code) in cases.items():
        (tmp_path / name).write_bytes(data)
        assert refused(tmp_path / name).code in (code, "picture-damaged"), name
    stream = io.BytesIO()
    gradient(300, 300).image.save(stream, "JPEG")
    (tmp_path / "half.jpg").write_bytes(stream.getvalue()[:900])
    assert refused(tmp_path / "half.jpg").code == "picture-damaged"
    assert refused(tmp_path / "gone.png").code == "file-missing"
    assert refused(tmp_path).code == "is-a-folder"


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (2_000_000, 2), (10_001, 10_000)])
def test_a_huge_picture_is_refused_with_its_size(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "huge.png").write_bytes(png(width, height))
    error = refused(tmp_path / "huge.png")
    assert error.code == "picture-too-large" and f"{width:,}" in str(error)
    assert pictures.size(tmp_path / "huge.png") == (width, height)


def test_crop_turn_and_mirror() -> None:
    picture = gradient(24, 16, 4)
    part = picture_edit.crop(picture, Box(-5, 4, 15, 100))
    assert np.array_equal(part.pixels, picture.pixels[4:, :10])
    with pytest.raises(InvalidInput):
        picture_edit.crop(picture, Box(24, 0, 5, 5))
    turned = picture
    for _quarter in range(4):
        turned = picture_edit.rotate(turned, 90)
    assert np.array_equal(turned.pixels, picture.pixels)
    assert np.array_equal(picture_edit.rotate(picture, 90).pixels[0, -1], picture.pixels[0, 0])
    assert picture_edit.rotate(picture, -90).pixels.shape == (24, 16, 4)
    free = picture_edit.rotate(gradient(), 45)
    assert free.has_alpha and free.width > 24 and free.pixels[0, 0, 3] == 0
    assert picture_edit.rotate(gradient(), 10, keep_size=True).pixels.shape == (16, 24, 4)
    assert np.array_equal(picture_edit.mirror(picture).pixels, picture.pixels[:, ::-1])
    assert np.array_equal(picture_edit.mirror(picture, vertical=True).pixels, picture.pixels[::-1])


def test_levels() -> None:
    picture = gradient(channels=4)
    assert np.array_equal(picture_edit.levels(picture, {"rgb": Levels()}).pixels, picture.pixels)
    lighter = picture_edit.levels(picture, {"rgb": Levels(gamma=2.0), "blue": Levels(low=255, high=0)})
    assert lighter.pixels[..., 0].mean() > picture.pixels[..., 0].mean()
    assert np.array_equal(lighter.pixels[..., 3], picture.pixels[..., 3])
    dull = Picture((picture.pixels[..., :3] // 4 + 90).astype(np.uint8))
    spread = picture_edit.levels(dull, picture_edit.auto_levels(dull))
    assert spread.pixels.min() <= 2 and spread.pixels.max() >= 253
    assert picture_edit.auto_levels(Picture(np.full((4, 4, 3), 7, np.uint8))) == {}
    for wrong in (Levels(200, 100), Levels(-1, 5), Levels(gamma=0), Levels(high=300)):
        with pytest.raises(InvalidInput):
            picture_edit.levels(picture, {"red": wrong})


def test_resize_and_fit() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2:6, 2:6] = (200, 10, 10, 255)
    pixels[pixels[..., 3] == 0, :3] = (0, 255, 0)
    small = picture_edit.resize(Picture(pixels), 5, 5)
    assert small.pixels[small.pixels[..., 3] > 20][:, 1].max() <= 12
    assert picture_edit.resize(small, 5, 5) is small
    assert picture_edit.fit(gradient(40, 10), 16, 16).pixels.shape == (16, 16, 3)
    for width, height in ((0, 5), (5, -1), (100_000, 100_000)):
        with pytest.raises(AtelierError):
            picture_edit.resize(gradient(), width, height)


def test_previews_are_small() -> None:
    with Image.open(io.BytesIO(pictures.preview(gradient(400, 100, 4)))) as image:
        assert image.format == "JPEG" and image.size == (256, 64)
