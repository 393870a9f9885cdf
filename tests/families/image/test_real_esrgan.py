"""Real-ESRGAN enlarges in one piece and in tiles alike, keeps alpha, and stops between two tiles."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio import families
from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.jobs import Task
from studio.core.protocols import Device, ModelFiles
from studio.core.recipe import Recipe
from studio.engine.manifest import recipe_of
from studio.families import tiling
from studio.families.image import real_esrgan
from studio.model_manager import starter
from studio.model_manager.catalogue.entries import known_models
from tests.fakes.tiny_upscalers import ncnn_model, torch_model
from tests.families.image.drawing import Easel, Loaded, load

BUILDERS: dict[str, Callable[[Path], ModelFiles]] = {
    "ncnn": ncnn_model,
    "torch": torch_model,
    "torch-x2": lambda folder: torch_model(folder, 2),
    "esrgan": lambda folder: torch_model(folder, 4, old_names=True),
}


@pytest.fixture(scope="module", params=list(BUILDERS))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(BUILDERS[request.param](tmp_path_factory.mktemp("model") / "tiny"))


def picture(width: int = 90, height: int = 70, alpha: bool = False) -> bytes:
    small = np.random.default_rng(2).integers(0, 255, (7, 9, 3), np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    if alpha:
        y, x = np.mgrid[0:height, 0:width]
        disc = ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2) * 255
        image.putalpha(Image.fromarray(disc.astype(np.uint8)))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def enlarge(loaded: Loaded, folder: Path, data: bytes, cancel_at: int = -1, **params: Any) -> tuple[Easel, Any]:
    ctx = Easel(folder, {"image": data}, cancel_at)
    (artifact,) = loaded.family.run(loaded.model, loaded.request(Task.UPSCALE, {"image": data}, **params), ctx)
    with Image.open(folder / artifact.name) as image:
        image.load()
        return ctx, image


@pytest.mark.parametrize("scale", ["2", "4"])
def test_enlarges(loaded: Loaded, tmp_path: Path, scale: str) -> None:
    ctx, image = enlarge(loaded, tmp_path, picture(), outscale=scale)
    assert image.size == (90 * int(scale), 70 * int(scale)) and image.mode == "RGB"
    assert ctx.artifacts[0].metadata == {"width": image.width, "height": image.height, "scale": int(scale)}
    first = (tmp_path / "image.png").read_bytes()
    enlarge(loaded, tmp_path, picture(), outscale=scale)
    assert (tmp_path / "image.png").read_bytes() == first


def test_tiles_have_no_seams(loaded: Loaded, tmp_path: Path) -> None:
    whole, one = enlarge(loaded, tmp_path, picture(150, 131), tile=256)
    parts, many = enlarge(loaded, tmp_path, picture(150, 131), tile=33)
    assert len(whole.steps) == 1 and len(parts.steps) == 20
    assert parts.steps == [(step, 20) for step in range(1, 21)]
    assert np.abs(np.asarray(one).astype(int) - np.asarray(many)).max() <= 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (97, 64)])
def test_odd_sizes(loaded: Loaded, tmp_path: Path, width: int, height: int) -> None:
    _ctx, image = enlarge(loaded, tmp_path, picture(width, height), tile=32)
    assert image.size == (width * 4, height * 4)


def test_alpha_is_kept_and_its_colours_do_not_bleed(tmp_path: Path) -> None:
    loaded = load(ncnn_model(tmp_path / "tiny"))
    data = picture(alpha=True)
    _ctx, image = enlarge(loaded, tmp_path, data)
    assert image.mode == "RGBA"
    alpha = np.asarray(image)[..., 3]
    assert alpha[0].max() == 0 and alpha[140, 180] == 255
    before = np.asarray(Image.open(io.BytesIO(data)).getchannel("A").resize(image.size))
    assert np.abs(alpha.astype(int) - before).mean() < 8
    pixels = np.full((20, 20, 4), 255, np.uint8)
    pixels[10:] = (0, 0, 0, 0)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    _ctx, image = enlarge(loaded, tmp_path, stream.getvalue())
    assert np.asarray(image)[8:60, 8:-8, :3].min() > 200


def test_cancel_stops_between_tiles(loaded: Loaded, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        enlarge(loaded, tmp_path, picture(150, 131), cancel_at=2, tile=33)
    assert not (tmp_path / "image.png").exists()


def test_bad_input_is_said_in_words(loaded: Loaded, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        loaded.family.run(loaded.model, loaded.request(Task.UPSCALE), Easel(tmp_path))
    assert caught.value.code == "input-missing"
    with pytest.raises(AtelierError) as caught:
        enlarge(loaded, tmp_path, b"words")
    assert caught.value.code == "picture-not-readable"
    with pytest.raises(InvalidInput) as caught:
        enlarge(loaded, tmp_path, picture(20_000, 1))
    assert caught.value.code == "picture-too-large" and "80,000" in str(caught.value)
    wrong: list[dict[str, Any]] = [{"outscale": "3"}, {"tile": -1}, {"tile": 100_000}]
    for params in wrong:
        with pytest.raises(InvalidInput):
            enlarge(loaded, tmp_path, picture(), **params)


def test_damaged_models_are_said_in_words(tmp_path: Path) -> None:
    files = ncnn_model(tmp_path / "a")
    (tmp_path / "a" / "tiny-x2plus.param").write_text("7767517\n9 9\nInput in 0 1 data\n")
    torch_files = torch_model(tmp_path / "b")
    torch_files.paths["tiny.safetensors"].write_bytes(b"words")
    empty = ModelFiles("none", "real-esrgan", tmp_path, {})
    for damaged in (files, torch_files, empty):
        with pytest.raises(AtelierError) as caught:
            real_esrgan.load(damaged, Device())
        assert caught.value.code == "model-not-readable"


def test_family_and_catalogue(loaded: Loaded, tmp_path: Path) -> None:
    assert families.recognise(loaded.files.config) == "real-esrgan"
    assert not real_esrgan.recognises({}) and not real_esrgan.recognises({"single_file": "flux-1"})
    assert real_esrgan.estimate(loaded.files, Device()) > 1 << 20
    assert real_esrgan.expected(0, 0, Device()) == 0
    assert real_esrgan.wanted(["a.safetensors", "a.pth", "b.md"]) == ("a.safetensors",)
    assert real_esrgan.wanted(["a.safetensors", "b.safetensors"]) == ()
    request = loaded.request(Task.UPSCALE, {"image": picture()}, outscale="2")
    recipe = recipe_of(loaded.family.SPEC, loaded.family.SPEC.check(request))
    assert Recipe.loads(recipe.dumps()) == recipe
    assert real_esrgan.upgrade(dict(recipe.params), 1) == recipe.params
    folders = {known["starter"] for family, known in known_models() if family == "real-esrgan"}
    assert folders <= {item.folder for item in starter.items()}


@pytest.mark.parametrize(("tile", "overlap"), [(8, 4), (16, 0), (7, 7), (64, 8)])
def test_tiling_gives_back_what_it_is_given(tile: int, overlap: int) -> None:
    source = np.random.default_rng(1).integers(0, 255, (37, 23, 3), np.uint8)

    def larger(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return pixels.repeat(2, axis=0).repeat(2, axis=1)

    made = tiling.apply(source, larger, 2, tile, overlap)
    assert np.array_equal(made, source.repeat(2, axis=0).repeat(2, axis=1))
    assert tiling.count(37, 23, 8) == 15
