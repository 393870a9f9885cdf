"""A generator draws by its seed, the same each time, and walks from one seed to another."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from studio import families
from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.jobs import Request, Task
from studio.core.params import SEED_MAX
from studio.core.protocols import Device, ModelFiles
from studio.core.recipe import Recipe
from studio.engine.manifest import recipe_of
from studio.families.image import gan
from studio.nets.generator import Generator, Shape
from tests.families.image.drawing import Easel, Loaded, load


def build(folder: Path, channels: int = 3) -> ModelFiles:
    folder.mkdir(parents=True)
    shape = Shape(8, 16, channels, 8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        save_file(Generator(shape).state_dict(), folder / "model.safetensors")
    paths = {"model.safetensors": folder / "model.safetensors"}
    return ModelFiles("tiny/gan", "gan", folder, paths, shape.to_config(), title="Tiny")


@pytest.fixture(scope="module", params=[1, 3, 4])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(build(tmp_path_factory.mktemp("model") / "tiny", request.param))


def draw(loaded: Loaded, folder: Path, cancel_at: int = -1, **params: Any) -> tuple[Easel, list[bytes]]:
    folder.mkdir(exist_ok=True)
    ctx = Easel(folder, cancel_at=cancel_at)
    spec = loaded.family.SPEC
    request = Request(spec.medium, spec.id, "tiny", Task.TEXT_TO_IMAGE, {"seed": 3, **params})
    artifacts = loaded.family.run(loaded.model, request, ctx)
    return ctx, [(folder / artifact.name).read_bytes() for artifact in artifacts]


def test_same_seed_same_bytes(loaded: Loaded, tmp_path: Path) -> None:
    ctx, (first,) = draw(loaded, tmp_path / "a")
    with Image.open(tmp_path / "a" / "image.png") as image:
        assert image.size == (16, 16) and image.mode == ("RGBA" if loaded.model.shape.channels == 4 else "RGB")
    assert ctx.artifacts[0].metadata == {"width": 16, "height": 16, "seed": 3}
    assert len(ctx.previews) == 1 and ctx.steps == [(1, 1)]
    _ctx, several = draw(loaded, tmp_path / "b", seed=2, num_images=3)
    assert several[1] == first and len(set(several)) == 3
    ctx, _files = draw(loaded, tmp_path / "c", seed=SEED_MAX, num_images=2)
    assert [artifact.metadata["seed"] for artifact in ctx.artifacts] == [SEED_MAX, 0]


def test_truncation_leads_to_the_typical_picture(loaded: Loaded, tmp_path: Path) -> None:
    _ctx, (one,) = draw(loaded, tmp_path / "a", truncation=0.0)
    _ctx, (other,) = draw(loaded, tmp_path / "b", truncation=0.0, seed=99)
    assert one == other
    assert draw(loaded, tmp_path / "c", truncation=0.5)[1] != draw(loaded, tmp_path / "d", truncation=1.5)[1]


def test_a_walk_goes_from_seed_to_seed(loaded: Loaded, tmp_path: Path) -> None:
    ctx, frames = draw(loaded, tmp_path / "a", walk_frames=6, walk_seed=4)
    assert frames[0] == draw(loaded, tmp_path / "b")[1][0]
    steps = [np.asarray(ctx.picture(index)).astype(int) for index in range(6)]
    end = np.asarray(draw(loaded, tmp_path / "c", seed=4)[0].picture()).astype(int)
    assert np.abs(steps[-1] - end).max() <= 1
    apart = np.abs(steps[0] - steps[-1]).mean()
    assert all(np.abs(a - b).mean() < apart for a, b in itertools.pairwise(steps))
    assert [each.metadata["frame"] for each in ctx.artifacts] == [1, 2, 3, 4, 5, 6]
    assert len(draw(loaded, tmp_path / "d", walk_frames=1)[1]) == 1
    still: list[dict[str, Any]] = [{"walk_seed": 3}, {"truncation": 0.0}]
    for params in still:
        assert len(set(draw(loaded, tmp_path / "e", walk_frames=3, **params)[1])) == 1


def test_latents_of_a_walk_keep_their_length() -> None:
    ends = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    lengths = [float(latent.norm()) for latent in gan.walk(ends[0], ends[1], 9)]
    low, high = sorted((float(ends[0].norm()), float(ends[1].norm())))
    assert min(lengths) > low - 1e-3 and max(lengths) < high + 1e-3
    opposite = gan.walk(ends[0], -ends[0], 3)
    assert torch.isfinite(torch.stack(opposite)).all()


def test_cancel_between_pictures(loaded: Loaded, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        draw(loaded, tmp_path, cancel_at=2, num_images=4)
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_family(loaded: Loaded, tmp_path: Path) -> None:
    assert families.recognise(loaded.files.config) == "gan" and not gan.recognises({})
    assert gan.wanted(["config.json", "model.safetensors", "a.bin"]) == ("config.json", "model.safetensors")
    assert gan.wanted(["model.safetensors"]) == () == gan.wanted(["config.json", "a.safetensors", "b.safetensors"])
    assert gan.expected(0, 0, Device()) == 0 < gan.estimate(loaded.files, Device())
    request = Request(gan.SPEC.medium, "gan", "tiny", Task.TEXT_TO_IMAGE, {"seed": 3})
    recipe = recipe_of(gan.SPEC, gan.SPEC.check(request))
    assert Recipe.loads(recipe.dumps()) == recipe and gan.upgrade(dict(recipe.params), 1) == recipe.params
    wrong: list[dict[str, Any]] = [{"truncation": 3}, {"walk_frames": -1}, {"num_images": 0}, {"prompt": "a"}]
    for params in wrong:
        with pytest.raises(InvalidInput):
            draw(loaded, tmp_path, **params)


@pytest.mark.parametrize(
    "change",
    [
        *({"image_size": 24}, {"image_size": 4}, {"image_size": 1 << 20}, {"channels": 2}, {"latent_size": 0}),
        *({"latent_size": "8"}, {"width": 1 << 30}, {"width": 16}, {"image_size": True}),
    ],
)
def test_wrong_sizes_are_said_in_words(tmp_path: Path, change: dict[str, Any]) -> None:
    files = build(tmp_path / "tiny")
    wrong = ModelFiles("x", "gan", files.root, files.paths, {**files.config, **change})
    with pytest.raises(AtelierError) as caught:
        gan.load(wrong, Device())
    assert caught.value.code == "model-not-readable"
