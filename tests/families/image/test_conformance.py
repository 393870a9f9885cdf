"""What every family that draws from noise must do, with tiny repositories of diffusers' real classes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio import families
from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.jobs import Medium, Task
from studio.core.protocols import Device
from studio.core.recipe import Recipe
from studio.engine.manifest import recipe_of
from tests.fakes import tiny_pictures, tiny_transformers_pictures
from tests.families.image.drawing import SIDE, Easel, Loaded, as_png, gradient, half_mask, load, needed

BUILDERS = {**tiny_pictures.BUILDERS, **tiny_transformers_pictures.BUILDERS}
DRAWS = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT)


@pytest.fixture(scope="module", params=list(BUILDERS))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    name = request.param
    files = BUILDERS[name](tmp_path_factory.mktemp("model") / name.replace("/", "-"))
    return load(files)


def tasks(loaded: Loaded) -> list[Task]:
    return [task for task in DRAWS if task in loaded.family.SPEC.tasks]


def test_every_family_that_draws_from_words_has_a_builder() -> None:
    shipped = {
        name
        for name, family in families.all().items()
        if str(getattr(family, "__name__", "")).startswith("studio.")  # other tests bring families of their own
        and Task.TEXT_TO_IMAGE in family.SPEC.tasks
        and "prompt" in {param.id for param in family.SPEC.params}
        and "num_inference_steps" in {param.id for param in family.SPEC.params}
    }
    assert {name.partition("/")[0] for name in BUILDERS} == shipped


def test_its_own_files_are_recognised(loaded: Loaded) -> None:
    assert families.recognise(loaded.files.config) == loaded.family.SPEC.id
    assert loaded.family.SPEC.medium == Medium.IMAGE
    assert not loaded.family.recognises({})
    own = {**loaded.files.config, "scheduler": ["my_code", "MyScheduler"]}
    assert not loaded.family.recognises(own)


def test_every_task_gives_a_picture_of_the_size_that_was_asked_for(loaded: Loaded, tmp_path: Path) -> None:
    for task in tasks(loaded):
        ctx, (artifact,) = loaded.draw(tmp_path, task, width=SIDE + 32, height=SIDE)
        assert artifact.blob.media_type == "image/png"
        assert ctx.picture().size == (SIDE + 32, SIDE) == (artifact.metadata["width"], artifact.metadata["height"])
        assert artifact.metadata["seed"] == 11 and artifact.metadata["prompt"] == "a red apple"
        assert ctx.steps and ctx.steps[-1][0] == ctx.steps[-1][1]
        assert [step for step, _steps in ctx.steps] == sorted(step for step, _steps in ctx.steps)
        assert np.asarray(ctx.picture()).std() > 0


def test_same_seed_same_bytes(loaded: Loaded, tmp_path: Path) -> None:
    for task in tasks(loaded):
        _, (first,) = loaded.draw(tmp_path, task)
        _, (other,) = loaded.draw(tmp_path, task, seed=12)
        _, (again,) = loaded.draw(tmp_path, task)
        assert first.blob == again.blob != other.blob


def test_each_picture_of_a_batch_can_be_made_alone(loaded: Loaded, tmp_path: Path) -> None:
    ctx, several = loaded.draw(tmp_path, num_images=3, prompt="a {red|green|blue} apple")
    assert len({artifact.name for artifact in several}) == 3
    assert [artifact.metadata["seed"] for artifact in several] == [11, 12, 13]
    assert ctx.steps[-1][0] == ctx.steps[-1][1]
    for artifact in several[1:]:
        _, (alone,) = loaded.draw(tmp_path, prompt="a {red|green|blue} apple", seed=artifact.metadata["seed"])
        assert alone.blob == artifact.blob and alone.metadata["prompt"] == artifact.metadata["prompt"]


def test_cancel_takes_one_step_and_the_next_job_is_as_ever(loaded: Loaded, tmp_path: Path) -> None:
    _, (before,) = loaded.draw(tmp_path)
    for task in tasks(loaded):
        given = needed(task)
        ctx = Easel(tmp_path, given, cancel_at=1)
        with pytest.raises(Cancelled):
            loaded.family.run(loaded.model, loaded.request(task, given, num_inference_steps=6, num_images=2), ctx)
        assert len(ctx.steps) == 1 and not ctx.artifacts
    assert loaded.draw(tmp_path)[1][0].blob == before.blob


def test_finished_pictures_survive_a_cancel(loaded: Loaded, tmp_path: Path) -> None:
    ctx = Easel(tmp_path, cancel_at=3)
    with pytest.raises(Cancelled):
        loaded.family.run(loaded.model, loaded.request(Task.TEXT_TO_IMAGE, num_images=3), ctx)
    assert [artifact.metadata["seed"] for artifact in ctx.artifacts] == [11]


def test_the_file_says_srgb_and_its_settings_and_a_recipe_makes_it_again(loaded: Loaded, tmp_path: Path) -> None:
    spec = loaded.family.SPEC
    request = spec.check(loaded.request(Task.TEXT_TO_IMAGE))
    (artifact,) = loaded.family.run(loaded.model, request, Easel(tmp_path))
    opened = Image.open(io.BytesIO((tmp_path / artifact.name).read_bytes()))
    opened.load()
    assert "srgb" in opened.info
    told = str(opened.info["parameters"])
    assert told.startswith("a red apple") and "Seed: 11" in told and f"Size: {SIDE}x{SIDE}" in told

    recipe = Recipe.loads(recipe_of(spec, request, device_kind="cpu").dumps())
    params = loaded.family.upgrade(dict(recipe.params), recipe.family_version)
    again = loaded.request(recipe.task, **params)
    assert loaded.family.run(loaded.model, again, Easel(tmp_path))[0].blob == artifact.blob


def test_recipes_of_every_version_pass_through_upgrade(loaded: Loaded) -> None:
    """`tests/fixtures/recipes/<family>-<version>.json` is a recipe as that version wrote it."""
    spec = loaded.family.SPEC
    for version in range(1, spec.version + 1):
        path = Path(__file__).parents[2] / "fixtures" / "recipes" / f"{spec.id}-{version}.json"
        recipe = Recipe.loads(path.read_text(encoding="utf-8"))
        assert recipe.family_version == version
        spec.check(loaded.request(recipe.task, **loaded.family.upgrade(dict(recipe.params), version)))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"prompt": ""}, "prompt-empty"),
        ({"prompt": " \n"}, "prompt-empty"),
        ({"prompt": "a __nothing__"}, "wildcard-unknown"),
        ({"width": 0}, "value-out-of-range"),
        ({"width": 7}, "value-out-of-range"),
        ({"height": 100_000}, "value-out-of-range"),
        ({"width": 129}, "size-not-multiple"),
        ({"width": "wide"}, "value-not-number"),
        ({"num_inference_steps": 0}, "value-out-of-range"),
        ({"num_images": 17}, "value-out-of-range"),
        ({"scheduler": "os.system"}, "value-not-choice"),
        ({"sampler": "Euler"}, "parameter-unknown"),
    ],
)
def test_bad_settings_are_refused_in_words(loaded: Loaded, tmp_path: Path, wrong: dict[str, Any], code: str) -> None:
    ctx = Easel(tmp_path)
    if not set(wrong) <= {param.id for param in loaded.family.SPEC.params}:
        code = "parameter-unknown"
    with pytest.raises(InvalidInput) as refused:
        loaded.family.run(loaded.model, loaded.request(Task.TEXT_TO_IMAGE, **wrong), ctx)
    assert refused.value.code == code and str(refused.value)
    assert not ctx.artifacts and not ctx.steps


def test_bad_pictures_are_refused_in_words(loaded: Loaded, tmp_path: Path) -> None:
    whole = as_png(gradient(SIDE, SIDE))
    cases: list[tuple[dict[str, bytes], str]] = [
        ({}, "input-missing"),
        ({"image": whole}, "input-missing"),
        ({"image": whole, "mask": as_png(half_mask(SIDE, SIDE + 8))}, "mask-size"),
        ({"image": whole, "mask": as_png(Image.new("L", (SIDE, SIDE), 0))}, "mask-empty"),
        ({"image": b"a text", "mask": as_png(half_mask(SIDE, SIDE))}, "picture-not-readable"),
    ]
    for given, code in cases if Task.INPAINT in loaded.family.SPEC.tasks else ():
        with pytest.raises(AtelierError) as refused:
            loaded.draw(tmp_path, Task.INPAINT, given)
        assert refused.value.code == code and str(refused.value)


def test_inpainting_keeps_every_pixel_outside_the_mask(loaded: Loaded, tmp_path: Path) -> None:
    if Task.INPAINT not in loaded.family.SPEC.tasks:
        return
    ctx, _ = loaded.draw(tmp_path, Task.INPAINT, mask_feather=4, strength=1.0)
    made, picture = np.asarray(ctx.picture(), int), np.asarray(gradient(SIDE, SIDE), int)
    assert np.array_equal(made[:, : SIDE // 2 - 8], picture[:, : SIDE // 2 - 8])
    assert np.abs(made[:, SIDE // 2 + 2 :] - picture[:, SIDE // 2 + 2 :]).mean() > 2


def test_strength_says_how_much_changes(loaded: Loaded, tmp_path: Path) -> None:
    if Task.IMAGE_TO_IMAGE not in loaded.family.SPEC.tasks:
        return
    for strength in (0.01, 1.0):
        ctx, _ = loaded.draw(tmp_path, Task.IMAGE_TO_IMAGE, strength=strength, num_inference_steps=4)
        assert ctx.steps


def test_the_same_prompt_again_runs_no_text_encoder(loaded: Loaded, tmp_path: Path) -> None:
    loaded.draw(tmp_path, prompt="a soft light")
    before = loaded.model.encodings
    for seed in (1, 2):
        loaded.draw(tmp_path, prompt="a soft light", seed=seed)
    assert loaded.model.encodings == before
    loaded.draw(tmp_path, prompt="a hard light")
    assert loaded.model.encodings == before + 1


def test_its_need_is_told_before_and_after_it_is_here(loaded: Loaded) -> None:
    family: Any = loaded.family
    size = sum(path.stat().st_size for path in loaded.files.paths.values())
    for device in (Device(), Device("cuda")):
        assert family.estimate(loaded.files, device) > 1 << 20
        assert family.expected(size, 0, device) > size // 4
        assert family.expected(0, 0, device) == 0
    assert family.estimate(loaded.files, Device("cuda")) < family.estimate(loaded.files, Device())
