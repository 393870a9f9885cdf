"""What differs between the families whose denoiser is a transformer: guidance, encoders, latents, schedulers."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.core.errors import InvalidInput
from studio.core.jobs import Task
from studio.families.diffusion import additions, ladder, loading, previews
from studio.families.diffusion.clip_prompts import CUT_OFF, WEIGHTS_IGNORED
from studio.families.diffusion.ladder import DEVICE, Rung
from studio.families.diffusion.painter import Encoded
from tests.fakes.tiny_transformers_pictures import BUILDERS, build_lora, build_stable_diffusion_3
from tests.families.image.drawing import SIDE, Easel, Loaded, load
from tests.families.image.test_memory import CARD, Card

SHOWN = 256  # px, at most
NATURAL = {"stable-diffusion-3": SIDE, "pixart": SIDE, "sana": SIDE}


@pytest.fixture(scope="module", params=list(BUILDERS))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(BUILDERS[request.param](tmp_path_factory.mktemp("model") / request.param.replace("/", "-")))


def pixels(loaded: Loaded, folder: Path, **params: Any) -> np.ndarray:
    return np.asarray(loaded.draw(folder, **params)[0].picture())


def test_it_draws_what_its_pipeline_draws(loaded: Loaded, tmp_path: Path) -> None:
    model, negative = loaded.model, "blurred"
    guided = {model.manner.guidance: 3.0}
    made = pixels(loaded, tmp_path, negative_prompt=negative, **guided)
    pipeline = model.base
    pipeline.scheduler = type(model.scheduler).from_config(model.scheduler.config)
    own = {"guidance_scale": 3.5} if "true_cfg_scale" in guided and "guidance_scale" in model.manner.passed else {}
    binned = {"use_resolution_binning": False} if "use_resolution_binning" in model.manner.arguments else {}
    schnell = loaded.files.family == "flux" and not pipeline.transformer.config.guidance_embeds
    length = {"max_sequence_length": 256} if schnell else {}
    plain = pipeline(
        prompt="a red apple",
        negative_prompt=negative,
        width=SIDE,
        height=SIDE,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(11),
        **{**guided, **own, **binned, **length},
    ).images[0]
    assert np.array_equal(made, np.asarray(plain))


def test_the_negative_prompt_counts_where_there_is_guidance(loaded: Loaded, tmp_path: Path) -> None:
    manner = loaded.model.manner
    for scale, counts in ((manner.unguided, False), (3.0, True)):
        one, other = (
            pixels(loaded, tmp_path, negative_prompt=words, **{manner.guidance: scale}) for words in ("", "a cat")
        )
        assert np.array_equal(one, other) is not counts


def test_a_lora_of_its_architecture_acts_and_leaves_nothing_behind(loaded: Loaded, tmp_path: Path) -> None:
    if "loras" not in {param.id for param in loaded.family.SPEC.params}:
        return
    base = loaded.model.architecture
    lora, other = build_lora(tmp_path / "Ink", base, loaded.files), build_lora(tmp_path / "Other", "x", loaded.files)

    def draw(**params: Any) -> Any:
        ctx = Easel(tmp_path, models=(lora, other))
        return loaded.family.run(loaded.model, loaded.request(Task.TEXT_TO_IMAGE, **params), ctx)[0].blob

    plain = draw()
    assert draw(loras=[{"model": lora.id}]) != plain
    assert draw() == plain
    with pytest.raises(InvalidInput) as refused:
        draw(loras=[{"model": other.id}])
    assert refused.value.code == "addition-not-suitable" and additions.NAMES[base] in str(refused.value)


def test_the_denoising_is_shown(loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "INTERVAL", 0.0)
    for task in loaded.family.SPEC.tasks:
        ctx, _ = loaded.draw(tmp_path, task, width=128, height=64, num_inference_steps=4)
        assert ctx.previews
        shown = Image.open(io.BytesIO(ctx.previews[-1]))
        assert (shown.format, shown.size) == ("JPEG", (SHOWN, SHOWN // 2))
        assert np.asarray(shown).std() > 0


def test_every_scheduler_that_is_offered_draws(loaded: Loaded, tmp_path: Path) -> None:
    params: dict[str, Any] = {param.id: param for param in loaded.family.SPEC.params}
    names = [name for name, _label in params["scheduler"].choices if name] if "scheduler" in params else []
    assert not names or type(loaded.model.scheduler).__name__ in names
    assert not names or tuple(names) == loaded.model.manner.schedulers
    for task in loaded.family.SPEC.tasks:
        for name in names:
            ctx, _ = loaded.draw(tmp_path, task, scheduler=name, num_inference_steps=3)
            assert np.asarray(ctx.picture()).std() > 0, name


def test_what_an_encoder_cannot_follow_is_said(loaded: Loaded, tmp_path: Path) -> None:
    _, (weighted,) = loaded.draw(tmp_path, prompt="a (red:1.3) apple")
    assert weighted.metadata["notes"] == [WEIGHTS_IGNORED]
    _, (long,) = loaded.draw(tmp_path, prompt="a red apple " * 400)
    assert long.metadata["notes"] == [CUT_OFF]
    _, (short,) = loaded.draw(tmp_path, prompt="a red apple " * 10)
    assert "notes" not in short.metadata


def test_the_size_that_it_was_made_for_is_told(loaded: Loaded) -> None:
    family: Any = loaded.family
    side = NATURAL.get(loaded.files.family, 0)
    assert loading.natural_size(loaded.files, "transformer") == side
    if side:
        assert family.describe(loaded.files) == {"defaults": {"width": side, "height": side}}


def test_every_rung_gives_the_same_picture(loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Card(monkeypatch)
    carded = load(loaded.files, CARD)
    made = {}
    for rung in (DEVICE, Rung("model-offload"), Rung("group-offload"), Rung("cpu"), DEVICE):
        monkeypatch.setattr(ladder, "choose", lambda *_, rung=rung: rung)
        _, (artifact,) = carded.draw(tmp_path, carded.family.SPEC.tasks[-1])
        assert artifact.metadata["rung"] == rung.name
        assert made.setdefault("first", artifact.blob) == artifact.blob
    assert carded.model.encodings == 1


def test_it_draws_in_half_precision(loaded: Loaded, tmp_path: Path) -> None:
    task = loaded.family.SPEC.tasks[-1]
    _, (first,) = loaded.draw(tmp_path, task, precision="bfloat16")
    ctx, (again,) = loaded.draw(tmp_path, task, precision="bfloat16")
    assert first.metadata["precision"] == "bfloat16" and first.blob == again.blob
    assert np.asarray(ctx.picture()).std() > 0


def test_what_float16_does_not_hold_is_kept_in_bfloat16(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    precision = loading.precision
    monkeypatch.setattr(loading, "precision", lambda device, wanted: "float16" if wanted == "auto" else wanted)
    model = load(loaded.files).model
    assert model.precision == ("bfloat16" if model.manner.wide else "float16")
    model.use("auto")
    assert model.precision == ("bfloat16" if model.manner.wide else "float16")
    model.use("float32")
    assert model.precision == precision(model.device, "float32") == "float32"


def test_remembered_prompts_follow_the_model() -> None:
    encoded = Encoded({"told": torch.ones(2), "several": [torch.ones(1)], "seen": torch.ones(2, dtype=torch.long)}, 2)
    pipeline = SimpleNamespace(_execution_device=torch.device("cpu"), dtype=torch.bfloat16)
    moved = encoded.on(pipeline).arguments
    assert moved["told"].dtype == moved["several"][0].dtype == torch.bfloat16
    assert moved["seen"].dtype == torch.long


def test_stable_diffusion_3_draws_without_t5(tmp_path: Path) -> None:
    whole, less = (load(build_stable_diffusion_3(tmp_path / name, with_t5=name == "all")) for name in ("all", "less"))
    assert less.model.base.text_encoder_3 is None and whole.model.base.text_encoder_3 is not None
    assert pixels(less, tmp_path).std() > 0
    assert not np.array_equal(pixels(less, tmp_path), pixels(whole, tmp_path))
    assert less.model.need(SIDE, SIDE).on(DEVICE) < whole.model.need(SIDE, SIDE).on(DEVICE)
    _, (long,) = less.draw(tmp_path, prompt="a red apple " * 40)
    assert long.metadata["notes"] == [CUT_OFF]
