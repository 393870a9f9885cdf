"""The ladder of memory: what fits where, and what happens when it does not fit all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.core.errors import Cancelled
from studio.core.jobs import Task
from studio.core.protocols import Device
from studio.families import picturing
from studio.families.diffusion import headers, ladder
from studio.families.diffusion.ladder import DEVICE, Need, Rung
from tests.fakes.tiny_pictures import build_stable_diffusion, build_stable_diffusion_xl
from tests.families.image.drawing import Easel, Loaded, load

GIB = 1 << 30
CARD = Device("cuda", 0, 1, 0)
OFFLOADED, GROUPED = Rung("model-offload"), Rung("group-offload")
# About what Stable Diffusion XL needs at 1024 px in half precision.
XL = Need(
    {"unet": 5 * GIB, "text_encoder": GIB // 4, "text_encoder_2": 3 * GIB // 2, "vae": GIB // 6}, GIB, 3 * GIB, GIB
)


@pytest.mark.parametrize(
    ("memory", "rung"),
    [
        (0, "device"),
        (24, "device"),
        (9, "device +tiles"),
        (7, "model-offload"),
        (4, "group-offload"),
        (2, "group-offload +tiles"),
        (1, "cpu +tiles"),
    ],
)
def test_the_highest_rung_that_fits(memory: int, rung: str) -> None:
    assert ladder.choose(XL, memory * GIB, CARD).name == rung


def test_each_rung_needs_no_more_than_the_one_above_it() -> None:
    for tiled in (False, True):
        needs = [XL.on(Rung(place, tiled)) for place in ("device", "model-offload", "group-offload")]
        assert needs == sorted(needs, reverse=True)
    assert XL.on(Rung("device", True)) < XL.on(DEVICE)


def test_the_processor_has_a_short_ladder() -> None:
    device = Device("cpu", 0, 1, GIB)
    assert [rung.name for rung in ladder.rungs(device)] == ["device", "device +tiles"]
    assert ladder.choose(XL, GIB, device).name == "device +tiles"
    assert ladder.below(Rung("device", True), device) is None


def test_an_estimate_is_what_the_rung_holds(tmp_path: Path) -> None:
    files = build_stable_diffusion(tmp_path / "sd")
    numbers = headers.numbers(files.paths)
    loaded = load(files)
    for part in ("unet", "vae", "text_encoder"):
        assert numbers[part] == sum(weight.numel() for weight in getattr(loaded.model.base, part).parameters())
    family: Any = loaded.family
    free = family.estimate(files, replace(CARD, memory=64 * GIB))
    assert family.estimate(files, replace(CARD, memory=free)) == free
    assert family.estimate(files, replace(CARD, memory=free - (1 << 20))) < free
    assert family.estimate(files, replace(CARD, memory=1 << 20)) == 0  # on the processor, nothing of the card's


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_of_memory(error: Exception, expected: bool) -> None:
    assert ladder.is_out_of_memory(error) is expected


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    build_stable_diffusion(folder / "sd")
    build_stable_diffusion_xl(folder / "xl")
    return folder


class Card:
    """Stands for a graphics card on a machine without one: parts are moved as on a card, but stay where they are, and
    drawing on a rung above `holds` runs out of memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, holds: str = "device") -> None:
        self.holds = holds
        self.tried: list[str] = []
        monkeypatch.setattr(ladder, "target", lambda device: torch.device("cpu:0"))
        monkeypatch.setattr(ladder, "release", lambda device: None)
        monkeypatch.setattr("diffusers.pipelines.pipeline_utils.empty_device_cache", lambda *_: None)
        monkeypatch.setattr("studio.families.diffusion.loading.precision", lambda device, wanted="auto": "float32")

    def watch(self, loaded: Loaded) -> None:
        names = [rung.name for rung in ladder.rungs(loaded.model.device)]
        model, forward = loaded.model, loaded.model.denoiser.forward

        def limited(*values: Any, **options: Any) -> Any:
            name = model.placement.rung.name
            self.tried.append(name)
            if names.index(name) < names.index(self.holds):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return forward(*values, **options)

        model.denoiser.forward = limited


@pytest.fixture
def on_card(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Loaded, Card]]:
    def make(name: str, memory: int, holds: str = "device") -> tuple[Loaded, Card]:
        from tests.fakes.tiny_pictures import files_of

        card = Card(monkeypatch, holds)
        loaded = load(files_of(tiny / name), replace(CARD, memory=memory))
        if holds != "device":
            card.watch(loaded)
        return loaded, card

    return make


@pytest.mark.parametrize("name", ["sd", "xl"])
def test_every_rung_gives_the_same_picture(
    tmp_path: Path, on_card: Callable[..., tuple[Loaded, Card]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    loaded, _card = on_card(name, 0)
    made = {}
    for rung in (DEVICE, OFFLOADED, GROUPED, Rung("cpu", True), GROUPED, OFFLOADED, Rung("device", True), DEVICE):
        monkeypatch.setattr(ladder, "choose", lambda *_, rung=rung: rung)
        for task in (Task.TEXT_TO_IMAGE, Task.INPAINT):
            _, (artifact,) = loaded.draw(tmp_path, task)
            assert artifact.metadata["rung"] == rung.name
            assert made.setdefault(task, artifact.blob) == artifact.blob


def test_a_job_finishes_on_a_lower_rung_and_says_so(
    tmp_path: Path, on_card: Callable[..., tuple[Loaded, Card]]
) -> None:
    plenty, _card = on_card("sd", 0)
    _, (expected,) = plenty.draw(tmp_path)
    needed = plenty.model.need(64, 64)
    seen = set()
    for memory in (needed.on(DEVICE), needed.on(OFFLOADED), needed.on(GROUPED), 1):
        loaded, _card = on_card("sd", memory)
        _, (artifact,) = loaded.draw(tmp_path)
        assert artifact.metadata["rung"] == ladder.choose(needed, memory, CARD).name
        assert artifact.blob == expected.blob and "notes" not in artifact.metadata
        seen.add(artifact.metadata["rung"])
    assert len(seen) >= 3


def test_running_out_of_memory_steps_down_once_and_the_next_job_starts_anew(
    tmp_path: Path, on_card: Callable[..., tuple[Loaded, Card]]
) -> None:
    loaded, card = on_card("sd", 0, holds="device +tiles")
    ctx, artifacts = loaded.draw(tmp_path, num_images=2)
    assert card.tried[0] == "device" and set(card.tried[1:]) == {"device +tiles"}
    assert [artifact.metadata["rung"] for artifact in artifacts] == ["device +tiles"] * 2
    assert artifacts[0].metadata["notes"] == [picturing.LESS_MEMORY]
    assert ctx.counts["stepped_down"] == 1
    assert len(artifacts) == 2

    card.holds, card.tried = "device", []
    _, (artifact,) = loaded.draw(tmp_path)
    assert set(card.tried) == {"device"} and artifact.metadata["rung"] == "device"
    assert "notes" not in artifact.metadata


def test_only_one_step_is_taken_and_the_model_is_usable_afterwards(
    tmp_path: Path, on_card: Callable[..., tuple[Loaded, Card]]
) -> None:
    loaded, card = on_card("sd", 0, holds="cpu +tiles")
    with pytest.raises(torch.OutOfMemoryError):
        loaded.draw(tmp_path)
    assert card.tried == ["device", "device +tiles"]
    card.holds = "device"
    assert loaded.draw(tmp_path)[1]


def test_a_cancel_between_offloaded_parts_leaves_the_model_usable(
    tmp_path: Path, on_card: Callable[..., tuple[Loaded, Card]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, _card = on_card("sd", 0)
    for rung in (OFFLOADED, GROUPED):
        monkeypatch.setattr(ladder, "choose", lambda *_, rung=rung: rung)
        _, (before,) = loaded.draw(tmp_path)
        with pytest.raises(Cancelled):
            loaded.family.run(loaded.model, loaded.request(Task.TEXT_TO_IMAGE), Easel(tmp_path, cancel_at=1))
        assert loaded.draw(tmp_path)[1][0].blob == before.blob
