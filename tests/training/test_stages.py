"""A whole training on eight pictures: it learns, it can be stopped, and what it makes is an ordinary repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img import StableDiffusionImg2ImgPipeline
from PIL import Image
from safetensors.torch import load_file

from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.training import recipe, stages
from studio.training.loop import Hands
from tests.training import tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Mapping[str, Any]]]:
    """A finished model that was stopped once in its second stage, and what was told on the way."""
    folder = tmp_path_factory.mktemp("trained")
    order = _order(folder)
    told: list[Mapping[str, Any]] = []

    def stop_while_drawing() -> None:
        drawn.extend([1] if told[-1].get("stage") == "denoiser" else [])
        if len(drawn) > 20:
            raise Cancelled

    drawn: list[int] = []
    with pytest.raises(Cancelled):
        stages.train(order, Hands(told.append, stop_while_drawing))
    assert told[-1]["event"] == "saved" and told[-1]["stage"] == "denoiser" and told[-1]["step"] == 20
    again = stages.Order(**{**order.__dict__, "resume": True})
    return stages.train(again, Hands(told.append, lambda: None)), told


def _order(folder: Path) -> stages.Order:
    path = tiny.write_recipe(folder)
    return stages.Order(
        recipe.load(str(path)),
        tiny.write_pictures(folder),
        folder / "made",
        tiny.write_text_encoder(folder),
        device="cpu",
    )


def _one(made: Any) -> Image.Image:
    return made.images[0]


def test_it_learns(trained: tuple[Path, list[Mapping[str, Any]]]) -> None:
    last = {event["stage"]: event for event in trained[1] if event["event"] == "progress"}
    assert last.keys() == {"autoencoder", "denoiser", "decoder"}
    assert last["denoiser"]["loss"] < 0.9
    measured = json.loads((trained[0] / "recipe.json").read_text(encoding="utf-8"))
    assert measured["concepts"] == 8 and measured["reconstruction_psnr"] > 8  # 2 before it learned


def test_a_stopped_training_ends_where_an_unbroken_one_does(
    trained: tuple[Path, list[Mapping[str, Any]]], tmp_path: Path
) -> None:
    whole = stages.train(_order(tmp_path), Hands(lambda _event: None, lambda: None))
    for part in ("unet", "vae"):
        one, other = (load_file(next((root / part).glob("*.safetensors"))) for root in (whole, trained[0]))
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
        assert {value.dtype for value in one.values()} == {torch.float16}


def test_the_repository_draws_from_words_and_from_pictures(trained: tuple[Path, list[Mapping[str, Any]]]) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(trained[0], dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.scheduler.config["rescale_betas_zero_snr"] and pipeline.tokenizer.model_max_length == 8
    pictures = [
        _one(pipeline("a red apple", num_inference_steps=3, generator=torch.Generator().manual_seed(seed)))
        for seed in (1, 1, 2)
    ]
    assert pictures[0].size == (32, 32)
    assert pictures[0].tobytes() == pictures[1].tobytes() != pictures[2].tobytes()
    from_picture = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    from_picture.set_progress_bar_config(disable=True)
    given = Image.new("RGB", (32, 32), "blue")
    near = _one(from_picture("a blue hat", image=given, strength=0.3, num_inference_steps=10))
    assert near.size == (32, 32)


def test_the_words_are_encoded_with_their_attention_mask(trained: tuple[Path, list[Mapping[str, Any]]]) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(trained[0], dtype=torch.float32)
    made, _none = pipeline.encode_prompt("a red apple", torch.device("cpu"), 1, False)
    tokens = pipeline.tokenizer("a red apple", padding="max_length", return_tensors="pt")
    masked = pipeline.text_encoder(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
    unmasked = pipeline.text_encoder(tokens.input_ids)[0]
    assert torch.allclose(made, masked) and not torch.allclose(made, unmasked)


def test_the_card_says_what_it_is_made_from(trained: tuple[Path, list[Mapping[str, Any]]]) -> None:
    card = (trained[0] / "README.md").read_text(encoding="utf-8")
    for words in ("Eight shapes", "Apache-2.0", "PSNR", "32 × 32", "8 things"):
        assert words in card


def test_names_that_are_taken_or_not_begun_are_said(
    trained: tuple[Path, list[Mapping[str, Any]]], tmp_path: Path
) -> None:
    plan = recipe.load(str(tiny.write_recipe(tmp_path)))
    encoder = tiny.write_text_encoder(tmp_path)
    hands = Hands(lambda _event: None, lambda: None)
    for output, resume, code in (
        (trained[0], False, "training-name-taken"),
        (tmp_path / "new", True, "training-not-begun"),
    ):
        with pytest.raises(InvalidInput) as caught:
            stages.train(stages.Order(plan, tmp_path, output, encoder, "cpu", resume), hands)
        assert caught.value.code == code
    (tmp_path / "old.training").mkdir()
    (tmp_path / "old.training" / "words.npy").touch()
    with pytest.raises(InvalidInput) as caught:
        stages.train(stages.Order(plan, tmp_path, tmp_path / "old", encoder, "cpu"), hands)
    assert caught.value.code == "training-begun"
    with pytest.raises(AtelierError) as failed:
        stages.find_text_encoder(plan, str(tmp_path / "nowhere"))
    assert failed.value.code == "training-no-text-encoder"


@pytest.mark.parametrize(
    ("old", "new"),
    [("size = 32", "size = 30"), ("steps = 60", "steps = -1"), ("tokens = 8", 'tokens = "many"'), ("seed = 3", ""),
     ("painted = 0.2", "painting = 0.2"), ("size = 32", "size ="), ("[0, 1, 1]", "[]")],
)  # fmt: skip
def test_a_wrong_recipe_is_said(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        recipe.load(str(tiny.write_recipe(tmp_path, **{old: new})))
    assert caught.value.code == "training-recipe-wrong"


def test_the_recipes_of_the_program_can_be_read(tmp_path: Path) -> None:
    assert recipe.names() == ["sticker"]
    assert recipe.load("sticker").size == 128
    with pytest.raises(InvalidInput) as caught:
        recipe.load("nonsense")
    assert caught.value.code == "training-recipe-unknown"
    with pytest.raises(InvalidInput) as caught:
        recipe.load(str(tmp_path / "none.toml"))
    assert caught.value.code == "file-unreadable"
