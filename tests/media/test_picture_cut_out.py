"""A subject on a plain background is cut out with a soft, clean edge."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.core.errors import InvalidInput
from studio.media import cut_out
from studio.media.pictures import Picture

SIDE = 96


def disc(subject: tuple[int, ...], background: tuple[int, ...], radius: float = 30) -> tuple[Picture, np.ndarray]:
    """An antialiased disc on a plain background with a little noise, and its true alpha."""
    y, x = np.mgrid[0 : SIDE * 8, 0 : SIDE * 8] / 8
    inside = ((x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2 < radius**2).astype(np.float32)
    alpha = inside.reshape(SIDE, 8, SIDE, 8).mean(axis=(1, 3))[..., None]
    pixels = np.array(subject) * alpha + np.array(background) * (1 - alpha)
    noise = np.random.default_rng(0).normal(0, 1, pixels.shape)
    return Picture(np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)), alpha[..., 0]


@pytest.mark.parametrize(
    ("subject", "background"),
    [((200, 40, 40), (255, 255, 255)), ((250, 220, 60), (255, 255, 255)), ((20, 90, 200), (30, 180, 60))],
)
def test_a_disc(subject: tuple[int, ...], background: tuple[int, ...]) -> None:
    picture, truth = disc(subject, background)
    cut = cut_out.on_plain(picture)
    alpha = cut.pixels[..., 3] / 255
    assert np.abs(alpha - truth).mean() < 0.01
    assert alpha[truth == 0].max() < 0.2 and alpha[truth == 1].min() > 0.8
    assert len(np.unique(cut.pixels[..., 3])) > 8  # soft
    black = cut.over((0, 0, 0)).pixels.astype(float)
    expected = np.array(subject) * truth[..., None]
    assert np.abs(black - expected).mean() < 3  # nothing of the background shines through


def test_what_is_enclosed_stays_unless_holes_are_asked_for() -> None:
    pixels = np.full((SIDE, SIDE, 3), 255, np.uint8)
    pixels[20:76, 20:76] = (30, 30, 160)
    pixels[40:56, 40:56] = 255
    assert cut_out.on_plain(Picture(pixels)).pixels[48, 48, 3] == 255
    assert cut_out.on_plain(Picture(pixels), holes=True).pixels[48, 48, 3] == 0


def test_pictures_that_are_not_on_a_plain_background_are_refused() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    for pixels in (noise, np.full((SIDE, SIDE, 3), 200, np.uint8)):
        with pytest.raises(InvalidInput) as caught:
            cut_out.on_plain(Picture(pixels))
        assert caught.value.code == "background-not-plain" and "one colour" in str(caught.value)


def test_alpha_that_is_there_counts() -> None:
    picture, _truth = disc((200, 40, 40), (255, 255, 255))
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    alpha[:, 48:] = 0
    cut = cut_out.on_plain(Picture(np.dstack([picture.pixels, alpha])))
    assert cut.pixels[:, 48:, 3].max() == 0 and cut.pixels[48, 40, 3] == 255
    clear = Picture(np.zeros((9, 9, 4), np.uint8))
    assert cut_out.on_plain(clear) is clear


def test_lab_is_the_known_one() -> None:
    colours = np.array([[[255, 255, 255], [255, 0, 0], [0, 0, 0], [0, 0, 255]]], np.uint8)
    expected = [[100, 0, 0], [53.24, 80.09, 67.20], [0, 0, 0], [32.30, 79.19, -107.86]]
    assert np.abs(cut_out.to_lab(colours)[0] - expected).max() < 0.2


def test_colours_of_a_given_alpha_are_cleaned() -> None:
    picture, truth = disc((200, 40, 40), (0, 255, 0))
    cut = cut_out.by_alpha(picture, truth.astype(np.float32))
    rim = (truth > 0.1) & (truth < 0.9)
    assert cut.pixels[rim][:, 1].max() < picture.pixels[rim][:, 1].max() - 50
    assert np.array_equal(
        cut_out.by_alpha(picture, truth.astype(np.float32), clean=False).pixels[..., :3], picture.pixels
    )
    assert Image.fromarray(cut.pixels).mode == "RGBA"


def test_thin_lines_keep_their_own_colour() -> None:
    image = Image.new("RGB", (SIDE * 4, SIDE * 4), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((80, 80, 250, 250), fill=(210, 40, 50))
    draw.line((20, 300, 360, 330), fill=(60, 60, 60), width=9)
    cut = cut_out.on_plain(Picture(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))))
    line = cut.pixels[66:, 8:88]
    opaque = line[line[..., 3] > 100][:, :3].astype(int)
    assert len(opaque) > 150 and np.abs(opaque - 60).max() < 40
