"""`atelier generate image`: from words, a picture or inside a mask; which model does it, what the file carries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from studio import families
from studio.core.models import ModelInfo, ModelState
from studio.media import carriers
from studio.model_manager.catalogue import Catalogue
from tests.cli.conftest import Shell
from tests.fakes import stub_picture as stub

IMAGE = ("generate", "image")


def have(monkeypatch: pytest.MonkeyPatch, *models: ModelInfo) -> None:
    monkeypatch.setattr(Catalogue, "list", lambda _self: list(models))


@pytest.fixture
def images(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """An upscaler that comes along, before a model that draws: what is asked for decides which one works."""
    families.register_module(stub.MODULE)
    have(monkeypatch, replace(stub.UPSCALER, origin="starter"), stub.info())
    shell.play = stub.Painting(seconds=0)
    return shell


def picture(path: Path, size: tuple[int, int], colour: object = "white", mode: str = "RGB") -> Path:
    Image.new(mode, size, colour).save(path)  # type: ignore[arg-type]
    return path


def test_a_picture_from_words_carries_its_recipe(images: Shell, tmp_path: Path) -> None:
    path = tmp_path / "红苹果.png"
    done = images(
        *IMAGE, "--prompt", "a red apple", "--seed", "1", "--width", "256", "--height", "128", "-o", str(path)
    )
    assert (done.code, done.out, done.err) == (0, f"{path}\n", "")
    with Image.open(path) as image:
        assert image.size == (256, 128)
    recipe = carriers.extract(path)
    assert (recipe.model, recipe.params["prompt"], recipe.params["seed"]) == (stub.MODEL, "a red apple", 1)


def test_several_pictures_are_numbered(images: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    done = images(*IMAGE, "--prompt", "a star", "--num-images", "3", "--width", "64", "--height", "64", "-o", str(path))
    made = [tmp_path / name for name in ("a.png", "a-2.png", "a-3.png")]
    assert (done.code, done.out) == (0, "".join(f"{each}\n" for each in made))
    assert len({each.read_bytes() for each in made}) == 3


def test_the_inputs_say_what_is_to_be_done(images: Shell, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", (64, 64), "red")
    mask = picture(tmp_path / "mask.png", (64, 64), 255, "L")
    common = ("--prompt", "a star", "--width", "64", "--height", "64", "--image", str(source))
    for more, task in (((), "image-to-image"), (("--mask", str(mask)), "inpaint")):
        path = tmp_path / f"{task}.png"
        assert images(*IMAGE, *common, *more, "-o", str(path)).code == 0
        assert carriers.extract(path).task == task


def test_a_task_finds_its_model(images: Shell, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png", (32, 16), "red")
    path = tmp_path / "out.png"
    assert images(*IMAGE, "--task", "upscale", "--image", str(source), "-o", str(path)).code == 0
    assert carriers.extract(path).model == stub.UPSCALER.id


def test_what_is_missing_is_said(images: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, nowhere = str(tmp_path / "a.png"), str(tmp_path / "nowhere.png")
    bare = images(*IMAGE, "--task", "upscale", "-o", path)
    assert (bare.code, bare.err) == (2, "--image is missing: The picture to work from: a file.\n")
    lost = images(*IMAGE, "--task", "upscale", "--image", nowhere, "-o", path)
    assert (lost.code, lost.err) == (2, f"This file does not exist: {nowhere}.\n")
    own = picture(tmp_path / "own.png", (8, 8))
    same = images(*IMAGE, "--task", "upscale", "--image", str(own), "-o", str(own))
    assert same.code == 2 and "written over what it is made from" in same.err
    unknown = images(*IMAGE, "--task", "sing", "-o", path)
    assert unknown.code == 2 and "sing" in unknown.err and "text-to-image" in unknown.err
    have(monkeypatch, stub.UPSCALER, replace(stub.info(origin=""), state=ModelState.NOT_INSTALLED))
    none = images(*IMAGE, "--prompt", "a star", "-o", path)
    assert none.code == 1 and none.err.startswith("No model on this computer can do this: text-to-image.")
    assert not Path(path).exists()
