"""Masks, canvases to paint beyond the edge, and layered files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.core.errors import AtelierError, InvalidInput
from studio.media import masks, pictures, psd
from studio.media.masks import Mask
from studio.media.pictures import Picture
from studio.media.psd import Layer

RANDOM = np.random.default_rng(1)
PICTURE = Picture(RANDOM.integers(0, 255, (40, 60, 3), np.uint8))


def square(size: tuple[int, int] = (40, 60), top: int = 15, left: int = 20, side: int = 10) -> Mask:
    mask = np.zeros(size, np.uint8)
    mask[top : top + side, left : left + side] = 255
    return mask


def test_a_mask_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(masks.encode(square()))
    assert np.array_equal(masks.read(tmp_path / "m.png"), square())
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "L"
    pixels = np.full((4, 4, 4), 255, np.uint8)
    pixels[0, 0, 3] = 0
    assert masks.of_picture(Picture(pixels))[0, 0] == 0
    assert masks.of_alpha(Picture(pixels))[0, 0] == 255 and masks.of_alpha(Picture(pixels))[1:].max() == 0
    assert not masks.of_alpha(PICTURE).any()


def test_another_size_and_an_empty_mask_are_said() -> None:
    masks.check(square(), PICTURE)
    with pytest.raises(InvalidInput) as caught:
        masks.check(square((30, 60)), PICTURE)
    assert caught.value.code == "mask-size" and "60 × 30" in str(caught.value)
    with pytest.raises(InvalidInput) as caught:
        masks.check(np.zeros((40, 60), np.uint8), PICTURE)
    assert caught.value.code == "mask-empty"


def test_grow_and_shrink() -> None:
    mask = square()
    grown, shrunk = masks.grow(mask, 3), masks.grow(mask, -3)
    assert grown[12, 25] == 255 and grown[11, 25] == 0 and grown[12, 17] == 0
    assert int((shrunk > 0).sum()) == 16
    assert np.array_equal(masks.grow(mask, 0), mask)
    assert not masks.grow(np.zeros_like(mask), 5).any() and not masks.grow(mask, -50).any()
    assert masks.grow(np.full_like(mask, 255), -5).all()
    assert np.array_equal(masks.invert(masks.invert(mask)), mask)


@given(st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_a_feather_ends_where_it_says(px: int) -> None:
    mask = square((100, 120), 45, 55, 12)
    soft = masks.feather(mask, px)
    assert soft[:, : 55 - px].max(initial=0) == 0 and soft[: 45 - px].max(initial=0) == 0
    assert soft.max() > 0 and (px < 6 or len(np.unique(soft)) > 5)


def test_what_is_outside_the_mask_stays_to_the_byte() -> None:
    other = Picture(255 - PICTURE.pixels)
    soft = masks.feather(square(), 4)
    mixed = masks.composite(PICTURE, other, soft)
    assert np.array_equal(mixed.pixels[soft == 0], PICTURE.pixels[soft == 0])
    assert np.array_equal(masks.composite(PICTURE, other, square()).pixels[20, 25], other.pixels[20, 25])
    see = Picture(np.dstack([other.pixels, np.full((40, 60), 100, np.uint8)]))
    both = masks.composite(PICTURE, see, square())
    assert both.has_alpha and both.pixels[20, 25, 3] == 100 and both.pixels[0, 0, 3] == 255
    for wrong in (square((40, 59)), np.zeros((40, 60), np.uint8)):
        with pytest.raises(InvalidInput):
            masks.composite(PICTURE, other, wrong)
    with pytest.raises(InvalidInput):
        masks.composite(PICTURE, Picture(other.pixels[:10]), square())


def test_outpaint() -> None:
    canvas = masks.outpaint(PICTURE, left=8, bottom=16)
    assert canvas.picture.pixels.shape == (56, 68, 3) and canvas.mask.shape == (56, 68)
    assert np.array_equal(canvas.picture.pixels[:40, 8:], PICTURE.pixels)
    assert not canvas.mask[:40, 8:].any() and canvas.mask[40:].all() and canvas.mask[:, :8].all()
    assert (canvas.left, canvas.top) == (8, 0)
    pixels = np.dstack([PICTURE.pixels, np.full((40, 60), 255, np.uint8)])
    pixels[5, 5, 3] = 0
    assert masks.outpaint(Picture(pixels), 1, 1, 1, 1).mask[6, 6] == 255
    for sides in ((-1, 0, 0, 0), (0, 0, 0, 1_000_000), (30_000, 30_000, 0, 0)):
        with pytest.raises(AtelierError):
            masks.outpaint(PICTURE, *sides)


def layers() -> list[Layer]:
    background = Picture(np.full((40, 60, 3), (10, 200, 30), np.uint8))
    part = Picture(np.dstack([PICTURE.pixels[:20, :30], np.tile(np.arange(30, dtype=np.uint8) * 8, (20, 1))]))
    return [
        Layer("Background", background),
        Layer("灯笼", part, left=5, top=7, mask=square((20, 30), 3, 3, 12)),
        Layer("Mask", Picture(np.dstack([square()] * 3)), visible=False),
    ]


def test_psd_opens_elsewhere(tmp_path: Path) -> None:
    from psd_tools import PSDImage

    psd.write(tmp_path / "a.psd", 60, 40, layers())
    again = psd.encode(60, 40, layers())
    assert (tmp_path / "a.psd").read_bytes() == again
    opened = PSDImage.open(io.BytesIO(again))
    assert [layer.name for layer in opened] == ["Background", "灯笼", "Mask"]
    assert [layer.visible for layer in opened] == [True, True, False]
    for layer, ours in zip(opened, layers(), strict=True):
        assert layer.offset == (ours.left, ours.top)
        image = layer.topil(apply_icc=False)
        assert image is not None and np.array_equal(np.asarray(image), ours.picture.pixels)
    mask, expected = opened[1].mask, layers()[1].mask
    assert mask is not None and expected is not None
    shown = mask.topil()
    assert shown is not None and np.array_equal(np.asarray(shown), expected)
    flat = np.asarray(psd.flatten(60, 40, layers()))
    with Image.open(tmp_path / "a.psd") as image:
        assert image.size == (60, 40) and np.array_equal(np.asarray(image.convert("RGB")), flat)
    found = pictures.read(tmp_path / "a.psd")
    assert found.frames == 1 and np.abs(found.pixels.astype(int) - flat).max() <= 1
    assert flat[0, 0].tolist() == [10, 200, 30]


def test_psd_refuses_what_it_cannot_hold() -> None:
    for size in ((0, 5), (40_000, 5), (20_000, 20_000)):
        with pytest.raises(InvalidInput):
            psd.encode(*size, layers())
