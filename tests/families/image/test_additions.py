"""LoRAs, ControlNets and IP-Adapters: they act while they are asked for, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio import families
from studio.core.errors import InvalidInput
from studio.core.jobs import Blob, Task
from studio.core.protocols import Device, ModelFiles
from tests.fakes import tiny_pictures
from tests.families.image.drawing import SIDE, Easel, Loaded, as_png, gradient, load, needed

PICTURE = as_png(gradient(SIDE, SIDE))
TASKS = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT)


class Bench:
    """A tiny model with everything that can be added to it."""

    def __init__(self, folder: Path, build: Callable[[Path], ModelFiles]) -> None:
        self.files = build(folder / "model")
        self.loaded: Loaded = load(self.files)
        self.loras = [tiny_pictures.build_lora(folder / name, "", self.files) for name in ("Ink", "Gold")]
        self.control = tiny_pictures.build_controlnet(folder / "Edges", self.files)
        self.adapter = tiny_pictures.build_ip_adapter(folder / "Look", self.files)

    @property
    def models(self) -> tuple[ModelFiles, ...]:
        return (*self.loras, self.control, self.adapter)

    def draw(
        self, folder: Path, task: Task = Task.TEXT_TO_IMAGE, more: tuple[ModelFiles, ...] = (), **params: Any
    ) -> Blob:
        given = {**needed(task), "control0": PICTURE, "control1": PICTURE, "reference0": PICTURE}
        ctx = Easel(folder, given, models=(*self.models, *more))
        (artifact,) = self.loaded.family.run(self.loaded.model, self.loaded.request(task, given, **params), ctx)
        return artifact.blob


@pytest.fixture(scope="module", params=["stable-diffusion", "stable-diffusion-xl"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("models"), tiny_pictures.BUILDERS[request.param])


def test_what_they_are_is_recognised(bench: Bench) -> None:
    for files, family in zip(bench.models, ("lora", "lora", "controlnet", "ip-adapter"), strict=True):
        assert families.recognise(files.config) == family
        module: Any = families.get(family)
        assert module.SPEC.tasks == () and module.describe(files) == {"base": ""}
        assert module.estimate(files, Device("cuda")) > 0
        with pytest.raises(InvalidInput) as refused:
            module.load(files, Device())
        assert refused.value.code == "addition-alone"
    wanted = families.get("controlnet").wanted  # type: ignore[attr-defined]
    assert wanted(bench.control.paths) == ("config.json", "diffusion_pytorch_model.safetensors")
    assert wanted(["config.json"]) == ()


def test_loras_act_together_by_their_weights_and_leave_nothing_behind(bench: Bench, tmp_path: Path) -> None:
    ink, gold = ({"model": files.id} for files in bench.loras)
    plain = bench.draw(tmp_path)
    with_ink = bench.draw(tmp_path, loras=[ink])
    half = bench.draw(tmp_path, loras=[{**ink, "weight": 0.5}])
    both = bench.draw(tmp_path, loras=[ink, gold])
    assert len({blob.sha256 for blob in (plain, with_ink, half, both)}) == 4
    assert bench.draw(tmp_path, loras=[{**ink, "weight": 0.0}]) == plain
    assert bench.draw(tmp_path, loras=[ink]) == with_ink
    assert bench.draw(tmp_path) == plain


def test_a_lora_of_another_architecture_is_refused_naming_both(bench: Bench, tmp_path: Path) -> None:
    plain = bench.draw(tmp_path)
    other = replace(bench.loras[0], id="imported/flux", config={"lora": "flux-1"}, title="Rain")
    with pytest.raises(InvalidInput) as refused:
        bench.draw(tmp_path, more=(other,), loras=[{"model": other.id}])
    assert refused.value.code == "addition-not-suitable" and refused.value.parameter == "loras"
    assert all(word in str(refused.value) for word in ("Rain", "FLUX.1", "Tiny"))
    assert bench.draw(tmp_path) == plain


def test_a_lora_that_does_not_fit_is_refused_in_words(bench: Bench, tmp_path: Path) -> None:
    plain = bench.draw(tmp_path)
    path = tmp_path / "other.safetensors"
    path.write_bytes((bench.control.root / "diffusion_pytorch_model.safetensors").read_bytes())
    broken = replace(bench.loras[0], id="imported/broken", root=path, paths={path.name: path})
    with pytest.raises(InvalidInput) as refused:
        bench.draw(tmp_path, more=(broken,), loras=[{"model": broken.id}])
    assert refused.value.code == "addition-unreadable" and str(refused.value)
    assert bench.draw(tmp_path) == plain


@pytest.mark.parametrize("task", TASKS)
def test_a_controlnet_acts_by_its_weight_in_every_task(bench: Bench, tmp_path: Path, task: Task) -> None:
    row = {"model": bench.control.id, "kind": "canny"}
    plain = bench.draw(tmp_path, task)
    held = bench.draw(tmp_path, task, controls=[row])
    assert held != plain and held == bench.draw(tmp_path, task, controls=[row])
    assert bench.draw(tmp_path, task, controls=[{**row, "weight": 0.2}]) not in (held, plain)
    assert bench.draw(tmp_path, task, controls=[row, {**row, "weight": 0.5}]) not in (held, plain)
    assert bench.draw(tmp_path, task) == plain


def test_a_controlnet_needs_a_picture_and_a_beginning_before_its_end(bench: Bench, tmp_path: Path) -> None:
    row = {"model": bench.control.id}
    for rows, code in (([row] * 3, "input-missing"), ([{**row, "start": 0.9, "end": 0.1}], "value-out-of-range")):
        with pytest.raises(InvalidInput) as refused:
            bench.draw(tmp_path, controls=rows)
        assert refused.value.code == code and str(refused.value)
    other = replace(bench.control, id="sdxl", config={"cross_attention_dim": 2048})
    with pytest.raises(InvalidInput) as refused:
        bench.draw(tmp_path, more=(other,), controls=[{"model": "sdxl"}])
    assert refused.value.code == "addition-not-suitable" and "Stable Diffusion XL" in str(refused.value)


def test_a_reference_acts_by_its_weight_and_leaves_nothing_behind(bench: Bench, tmp_path: Path) -> None:
    row = {"model": bench.adapter.id}
    for task in TASKS:
        plain = bench.draw(tmp_path, task)
        like = bench.draw(tmp_path, task, references=[row])
        assert like != plain and like == bench.draw(tmp_path, task, references=[row])
        assert bench.draw(tmp_path, task, references=[{**row, "weight": 0.1}]) not in (like, plain)
        assert bench.draw(tmp_path, task) == plain


def test_all_together_with_a_second_pass(bench: Bench, tmp_path: Path) -> None:
    params: dict[str, Any] = {
        "loras": [{"model": bench.loras[0].id}],
        "controls": [{"model": bench.control.id}],
        "references": [{"model": bench.adapter.id}],
    }
    plain = bench.draw(tmp_path)
    once = bench.draw(tmp_path, **params)
    twice = bench.draw(tmp_path, hires=True, hires_scale=1.5, **params)
    assert len({blob.sha256 for blob in (plain, once, twice)}) == 3
    assert bench.draw(tmp_path) == plain
