"""Depth as a control picture, with a tiny Depth Anything of the real class."""

from __future__ import annotations

import io
import json
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
from studio.families.image import depth
from tests.families.image.drawing import Easel, Loaded, load


def build(folder: Path) -> ModelFiles:
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    sizes: dict[str, Any] = {"out_features": ["stage1", "stage2"], "reshape_hidden_states": False, "patch_size": 14}
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=28, **sizes
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=16,
        patch_size=14,
        fusion_hidden_size=8,
        neck_hidden_sizes=[8, 8],
        reassemble_factors=[2, 1],
        head_hidden_size=8,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    read = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    paths = {name: folder / name for name in ("config.json", "model.safetensors")}
    return ModelFiles("tiny/depth", "depth-anything", folder, paths, read, title="Tiny")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(build(tmp_path_factory.mktemp("model") / "tiny"), resolution=56)


def picture(width: int = 90, height: int = 60) -> bytes:
    pixels = np.random.default_rng(2).integers(0, 255, (6, 9, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(stream, "PNG")
    return stream.getvalue()


def see(loaded: Loaded, folder: Path, data: bytes, cancel_at: int = -1, **params: Any) -> tuple[Easel, Any]:
    ctx = Easel(folder, {"image": data}, cancel_at)
    request = loaded.request(Task.CONTROL_IMAGE, {"image": data}, **params)
    (artifact,) = loaded.family.run(loaded.model, request, ctx)
    with Image.open(folder / artifact.name) as image:
        image.load()
        return ctx, image


def test_depth_is_grey_over_the_whole_range(loaded: Loaded, tmp_path: Path) -> None:
    ctx, image = see(loaded, tmp_path, picture())
    assert image.size == (90, 60) and image.mode == "RGB"
    pixels = np.asarray(image)
    assert (pixels[..., 0] == pixels[..., 1]).all() and pixels.min() < 20 and pixels.max() > 235
    assert ctx.artifacts[0].metadata == {"width": 90, "height": 60, "kind": "depth"} and ctx.steps[-1] == (1, 1)
    first = (tmp_path / "image.png").read_bytes()
    see(loaded, tmp_path, picture())
    assert (tmp_path / "image.png").read_bytes() == first
    assert see(loaded, tmp_path, picture(3, 300))[1].size == (3, 300)


def test_cancel_and_bad_input(loaded: Loaded, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        see(loaded, tmp_path, picture(), cancel_at=1)
    assert not (tmp_path / "image.png").exists()
    with pytest.raises(InvalidInput):
        loaded.family.run(loaded.model, loaded.request(Task.CONTROL_IMAGE), Easel(tmp_path))
    with pytest.raises(AtelierError) as caught:
        see(loaded, tmp_path, b"words")
    assert caught.value.code == "picture-not-readable"


def test_family(loaded: Loaded, tmp_path: Path) -> None:
    assert families.recognise(loaded.files.config) == "depth-anything" and not depth.recognises({})
    assert not depth.recognises({**loaded.files.config, "depth_estimation_type": "metric"})
    assert depth.wanted(["config.json", "model.safetensors", "x.bin"]) == ("config.json", "model.safetensors")
    assert depth.wanted(["config.json", "pytorch_model.bin"]) == ()
    assert depth.expected(0, 0, Device()) == 0 < depth.estimate(loaded.files, Device())
    recipe = recipe_of(loaded.family.SPEC, loaded.family.SPEC.check(loaded.request(Task.CONTROL_IMAGE)))
    assert Recipe.loads(recipe.dumps()) == recipe and depth.upgrade({"a": 1}, 1) == {"a": 1}
    (tmp_path / "model.safetensors").write_bytes(b"words")
    with pytest.raises(AtelierError) as caught:
        depth.load(ModelFiles("x", "depth-anything", tmp_path, {}), Device())
    assert caught.value.code == "model-not-readable"
