"""Control pictures that need no model."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.core.errors import InvalidInput
from studio.media import control_images
from studio.media.pictures import Picture


def drawing() -> Picture:
    image = Image.new("RGB", (80, 60), (240, 240, 240))
    ImageDraw.Draw(image).rectangle((20, 15, 59, 44), fill=(30, 30, 120))
    return Picture(np.asarray(image))


def test_canny_draws_outlines_one_px_wide() -> None:
    made = control_images.make(drawing(), "canny")
    assert made.pixels.shape == (60, 80, 3) and set(np.unique(made.pixels)) == {0, 255}
    line = made.pixels[..., 0] > 0
    rows, columns = line[30], line[:, 40]
    assert rows.sum() == 2 and columns.sum() == 2
    assert np.flatnonzero(rows).tolist() in ([19, 59], [20, 60], [19, 60], [20, 59])
    assert np.flatnonzero(columns).tolist() in ([14, 44], [15, 45], [14, 45], [15, 44])
    assert 120 <= line.sum() <= 150


def test_canny_keeps_weak_edges_only_beside_strong_ones() -> None:
    ramp = np.full((40, 60, 3), 100, np.uint8)
    ramp[:, 30:] = 100 + np.linspace(0, 120, 40).astype(np.uint8)[:, None, None]
    made = control_images.make(Picture(ramp), "canny", low=40, high=300).pixels[..., 0]
    rows = np.flatnonzero(made.any(axis=1))
    alone = control_images.make(Picture(ramp[:20]), "canny", low=40, high=300).pixels
    assert rows.min() < 12 and rows.max() >= 38 and not alone.any()
    assert not control_images.make(Picture(ramp), "canny", low=1000, high=1020).pixels.any()
    flat = Picture(np.full((5, 5, 3), 9, np.uint8))
    assert not control_images.make(flat, "canny").pixels.any()


def test_scribble_follows_dark_lines() -> None:
    image = Image.new("RGB", (80, 60), "white")
    ImageDraw.Draw(image).line((10, 10, 70, 50), fill="black", width=2)
    lines = control_images.make(Picture(np.asarray(image)), "scribble").pixels[..., 0]
    assert lines[30, 40] == 255 and lines[5, 70] == 0 and lines[55, 10] == 0
    fewer = control_images.make(Picture(np.asarray(image)), "scribble", threshold=250).pixels[..., 0]
    assert 0 < (fewer > 0).sum() <= (lines > 0).sum()


def test_previews_are_small_and_kinds_are_known(tmp_path: Path) -> None:
    large = Picture(np.zeros((1000, 500, 4), np.uint8))
    for kind in control_images.KINDS:
        with Image.open(io.BytesIO(control_images.preview(large, kind))) as image:
            assert image.size == (256, 512)
    with pytest.raises(InvalidInput):
        control_images.make(large, "depth")
