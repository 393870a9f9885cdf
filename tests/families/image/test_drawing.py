"""Drawing beyond the common ground: schedulers, seamless tiles, a second pass, previews, compiled code, precision."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.core import paths
from studio.core.errors import InvalidInput
from studio.core.jobs import Task
from studio.families import picturing
from studio.families.diffusion import inputs, previews, results, schedulers
from studio.families.diffusion.seamless import seamless
from studio.families.image import stable_diffusion
from tests.fakes import tiny_pictures
from tests.families.image.drawing import SIDE, Easel, Loaded, half_mask, load, needed


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(tiny_pictures.build_stable_diffusion(tmp_path_factory.mktemp("model") / "sd"))


@pytest.fixture(scope="module")
def sticker(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(tiny_pictures.build_sticker(tmp_path_factory.mktemp("model") / "sticker"))


def test_every_scheduler_draws(loaded: Loaded, tmp_path: Path) -> None:
    made = {}
    for name in schedulers.UNET:
        ctx, (artifact,) = loaded.draw(tmp_path, scheduler=name, num_inference_steps=3)
        made[name] = artifact.blob.sha256
        assert np.asarray(ctx.picture()).std() > 0, name
        assert ctx.steps[-1][0] == ctx.steps[-1][1], name
    assert len(set(made.values())) > len(made) // 2
    own = loaded.draw(tmp_path, num_inference_steps=3)[1][0].blob.sha256
    assert own == made["DDIMScheduler"]


def test_a_scheduler_that_would_draw_wrongly_is_refused_with_those_that_do_not(sticker: Loaded, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        sticker.draw(tmp_path, scheduler="PNDMScheduler")
    assert refused.value.code == "scheduler-not-suitable"
    choices = refused.value.arguments["choices"]
    assert "DDIMScheduler" in choices and "PNDMScheduler" not in choices
    for name in choices:
        assert np.asarray(sticker.draw(tmp_path, scheduler=name)[0].picture()).std() > 0


def test_seamless_pictures_go_on_at_the_other_edge(loaded: Loaded, tmp_path: Path) -> None:
    """Rolled latents give a rolled picture only where nothing ends at the edge."""
    vae = loaded.model.base.vae
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    def rolls(axes: str, dimension: int) -> bool:
        with torch.no_grad(), seamless([vae.decoder], axes):
            middle = vae.decoder.mid_block.resnets[0]
            values = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(1))
            rolled = middle(values.roll(3, dimension), None)
            return torch.allclose(rolled, middle(values, None).roll(3, dimension), atol=1e-5)

    assert latents.shape[-1] == 8
    for axes, across, down in (("x", True, False), ("y", False, True), ("both", True, True), ("", False, False)):
        assert (rolls(axes, -1), rolls(axes, -2)) == (across, down), axes
    plain = loaded.draw(tmp_path)[1][0].blob
    tiles = {axes: loaded.draw(tmp_path, seamless=axes)[1][0].blob.sha256 for axes in ("x", "y", "both")}
    assert len({plain.sha256, *tiles.values()}) == 4
    assert loaded.draw(tmp_path)[1][0].blob == plain


def test_a_second_pass_makes_it_larger(loaded: Loaded, tmp_path: Path) -> None:
    ctx, (artifact,) = loaded.draw(tmp_path, hires=True, hires_scale=1.6, hires_strength=0.5, num_inference_steps=4)
    assert ctx.picture().size == (104, 104) == (artifact.metadata["width"], artifact.metadata["height"])
    assert [done for done, _steps in ctx.steps] == sorted(done for done, _steps in ctx.steps)
    assert ctx.steps[-1][0] <= ctx.steps[-1][1]
    ctx, _ = loaded.draw(tmp_path, Task.IMAGE_TO_IMAGE)
    assert ctx.picture().size == (SIDE, SIDE)


def test_previews_are_small_and_few(
    loaded: Loaded, sticker: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(float(tick) / 10 for tick in range(1000))  # every look at it is a tenth of a second later
    monkeypatch.setattr(previews.time, "monotonic", lambda: next(clock))
    for model in (loaded, sticker):
        ctx = Easel(tmp_path)
        request = model.request(Task.TEXT_TO_IMAGE, width=2 * SIDE, num_inference_steps=12)
        model.family.run(model.model, request, ctx)
        assert 3 <= len(ctx.previews) <= 5
        opened = Image.open(io.BytesIO(ctx.previews[-1]))
        assert opened.format == "JPEG" and opened.size == (256, 128)


def test_a_fitted_preview_has_the_colours_of_the_picture() -> None:
    class Vae(torch.nn.Module):
        """Decodes latents to a picture eight times as large by a known matrix."""

        def __init__(self) -> None:
            super().__init__()
            self.matrix = torch.nn.Parameter(torch.tensor([[0.5, -0.2, 0.1], [0.0, 0.3, 0.4]]))
            self.config: Any = type("Config", (), {"latent_channels": 2, "scaling_factor": 0.5})()

        def decode(self, latents: Any, return_dict: bool) -> Any:
            colours = torch.einsum("bchw,cr->brhw", latents, self.matrix) + 0.25
            return (torch.nn.functional.interpolate(colours, scale_factor=8.0),)

    vae = Vae()
    found = previews.fitted(vae)
    assert torch.allclose(found[:2], 2 * vae.matrix, atol=1e-4) and torch.allclose(
        found[2], torch.tensor(0.25), atol=1e-4
    )


def test_compiled_code_is_used_while_it_is_wished_for(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unet = loaded.model.denoiser
    asked: list[str] = []
    original = type(unet)._call_impl

    def compile_() -> None:
        def compiled(*values: Any, **options: Any) -> Any:
            asked.append("compiled")
            return original(unet, *values, **options)

        unet._compiled_call_impl = compiled

    monkeypatch.setattr(unet, "compile", compile_)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", f"{tempfile.gettempdir()}/torchinductor_someone")
    plain = loaded.draw(tmp_path)[1][0]
    assert loaded.draw(tmp_path, compile=True)[1][0].blob == plain.blob and len(asked) == 2
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(paths.data_dir() / "compiled")
    assert loaded.draw(tmp_path)[1][0].blob == plain.blob and len(asked) == 2


def test_a_compiler_that_fails_costs_no_picture(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unet = loaded.model.denoiser

    from torch._dynamo.exc import BackendCompilerFailed

    def broken(*values: Any, **options: Any) -> Any:
        raise BackendCompilerFailed(lambda: None, RuntimeError("no compiler"), None)

    monkeypatch.setattr(unet, "compile", lambda: setattr(unet, "_compiled_call_impl", broken))
    plain = loaded.draw(tmp_path)[1][0]
    (artifact,) = loaded.draw(tmp_path, compile=True)[1]
    assert artifact.blob == plain.blob and artifact.metadata["notes"] == [picturing.NOT_COMPILED]


def test_a_wish_to_compile_is_dropped_where_nothing_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = stable_diffusion.SPEC
    without = type(spec)(**{**vars(spec), "params": tuple(p for p in spec.params if p.id != "compile")})
    assert picturing.upgrade({"compile": True, "prompt": "a"}, without) == {"prompt": "a"}


def test_precision_is_what_was_asked_for(loaded: Loaded, tmp_path: Path) -> None:
    plain = loaded.draw(tmp_path)[1][0]
    other = loaded.draw(tmp_path, precision="bfloat16")[1][0]
    assert other.metadata["precision"] == "bfloat16" and other.blob != plain.blob
    assert loaded.model.denoiser.dtype == torch.bfloat16
    assert loaded.draw(tmp_path, precision="float32")[1][0].blob == plain.blob


def test_an_inpainting_model_draws_from_words_too(tmp_path: Path) -> None:
    painted = load(tiny_pictures.build_inpainting(tmp_path / "inpainting"))
    assert painted.model.paints_over
    ctx, _ = painted.draw(tmp_path, width=SIDE + 8)
    assert ctx.picture().size == (SIDE + 8, SIDE)


def test_a_feathered_mask_keeps_what_was_marked() -> None:
    mask = half_mask(64, 16)
    soft = np.asarray(inputs.feathered(mask, 8), int)
    assert inputs.feathered(mask, 0) is mask
    assert (soft[:, 34:] == 255).all() and (soft[:, :16] == 0).all()
    assert 0 < soft[8, 30] < 255 and (np.diff(soft[8]) >= 0).all()


def test_the_words_that_other_studios_read() -> None:
    params = {"num_inference_steps": 20, "guidance_scale": 7.5, "clip_skip": 1, "seamless": "both", "strength": 0.5}
    shown = {"prompt": "a cat, sitting", "negative_prompt": "rain", "seed": 5, "width": 64, "height": 32}
    text = results.parameters(params, shown, "My model: best, ever", "EulerAncestralDiscreteScheduler")
    assert text.splitlines() == [
        "a cat, sitting",
        "Negative prompt: rain",
        'Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 5, Size: 64x32, Model: "My model: best, ever", '
        "Denoising strength: 0.5, Clip skip: 2, Tiling: True, Version: Atelier",
    ]


def test_a_picture_of_another_size_is_cut_to_fit(loaded: Loaded, tmp_path: Path) -> None:
    given = needed(Task.INPAINT, 2 * SIDE)
    ctx, _ = loaded.draw(tmp_path, Task.INPAINT, given)
    assert ctx.picture().size == (SIDE, SIDE)
