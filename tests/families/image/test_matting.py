"""Background removal by an ONNX network, with a tiny one that takes bright for the subject."""

from __future__ import annotations

import io
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
from studio.families.image import matting
from studio.model_manager.catalogue.entries import known_models
from tests.fakes.tiny_voices import _FLOAT, _Graph, _number, _whole
from tests.families.image.drawing import Easel, Loaded, load

SIDE = 64


def build(folder: Path) -> ModelFiles:
    folder.mkdir(parents=True)
    node = _Graph()
    green = node("Gather", "input_image", _whole([1]), axis=1)
    node("Mul", green, _number(20.0), to_name="output_image")
    inputs = {"input_image": (_FLOAT, [1, 3, SIDE, SIDE])}
    (folder / "model.onnx").write_bytes(node.model(inputs, {"output_image": (_FLOAT, [1, 1, SIDE, SIDE])}))
    config = {"model_type": "matting-onnx", "logits": True, "side": SIDE}
    return ModelFiles("tiny/matte", "matting", folder, {"onnx/model.onnx": folder / "model.onnx"}, config, title="Tiny")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(build(tmp_path_factory.mktemp("model") / "tiny"))


def picture() -> bytes:
    image = Image.new("RGB", (100, 80), (10, 60, 10))
    image.paste((250, 240, 230), (30, 20, 70, 60))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def cut(loaded: Loaded, folder: Path, data: bytes, cancel_at: int = -1, **params: Any) -> tuple[Easel, Any]:
    ctx = Easel(folder, {"image": data}, cancel_at)
    (artifact,) = loaded.family.run(loaded.model, loaded.request(Task.CUT_OUT, {"image": data}, **params), ctx)
    with Image.open(folder / artifact.name) as image:
        image.load()
        return ctx, image


def test_the_background_becomes_transparent(loaded: Loaded, tmp_path: Path) -> None:
    ctx, image = cut(loaded, tmp_path, picture())
    assert image.mode == "RGBA" and image.size == (100, 80)
    pixels = np.asarray(image)
    assert pixels[40, 50].tolist() == [250, 240, 230, 255] and pixels[5, 5, 3] == 0
    assert ctx.steps == [(0, 2), (1, 2), (2, 2)] and ctx.artifacts[0].metadata == {"width": 100, "height": 80}
    first = (tmp_path / "image.png").read_bytes()
    cut(loaded, tmp_path, picture())
    assert (tmp_path / "image.png").read_bytes() == first
    _ctx, plain = cut(loaded, tmp_path, picture(), clean_edges=False)
    assert np.asarray(plain)[5, 5, :3].tolist() == [10, 60, 10]


def test_cancel_and_bad_input(loaded: Loaded, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        cut(loaded, tmp_path, picture(), cancel_at=1)
    assert not (tmp_path / "image.png").exists()
    with pytest.raises(InvalidInput) as caught:
        loaded.family.run(loaded.model, loaded.request(Task.CUT_OUT), Easel(tmp_path))
    assert caught.value.code == "input-missing"
    with pytest.raises(AtelierError) as failed:
        cut(loaded, tmp_path, b"words")
    assert failed.value.code == "picture-not-readable"


def test_family_and_catalogue(loaded: Loaded, tmp_path: Path) -> None:
    assert families.recognise(loaded.files.config) == "matting" and not matting.recognises({})
    assert matting.wanted(["a.onnx", "b.onnx", "c.bin"]) == ("a.onnx",)
    assert matting.expected(0, 0, Device()) == 0 < matting.estimate(loaded.files, Device())
    recipe = recipe_of(loaded.family.SPEC, loaded.family.SPEC.check(loaded.request(Task.CUT_OUT)))
    assert Recipe.loads(recipe.dumps()) == recipe and matting.upgrade({"a": 1}, 1) == {"a": 1}
    assert [known["config"]["model_type"] for family, known in known_models() if family == "matting"]
    (tmp_path / "a.onnx").write_bytes(b"words")
    damaged = ModelFiles("x", "matting", tmp_path, {"a.onnx": tmp_path / "a.onnx"}, loaded.files.config)
    with pytest.raises(AtelierError) as caught:
        matting.load(damaged, Device())
    assert caught.value.code == "model-not-readable"
