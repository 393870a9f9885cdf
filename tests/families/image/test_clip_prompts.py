"""Prompts as embeddings: the same as diffusers' own where that reads all, and more where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.core.jobs import Task
from studio.families.diffusion import clip, clip_prompts
from studio.families.diffusion.painter import Words
from tests.fakes.tiny_pictures import build_stable_diffusion, build_stable_diffusion_xl, build_sticker
from tests.families.image.drawing import Loaded, load


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def small(folder: Path) -> Loaded:
    return load(build_stable_diffusion(folder / "sd"))


@pytest.fixture(scope="module")
def xl(folder: Path) -> Loaded:
    return load(build_stable_diffusion_xl(folder / "xl"))


def encoded(loaded: Loaded, prompt: str, negative: str = "", **options: Any) -> dict[str, Any]:
    pipeline = loaded.model.pipeline(Task.TEXT_TO_IMAGE)
    with torch.no_grad():
        return dict(loaded.model.manner.encode(pipeline, Words(prompt, negative, **options)).arguments)


@pytest.mark.parametrize(("prompt", "negative"), [("a red apple", ""), ("", "blurred"), ("red, red", "a, b")])
def test_a_short_prompt_is_what_diffusers_makes_of_it(small: Loaded, xl: Loaded, prompt: str, negative: str) -> None:
    own = small.model.base.encode_prompt(prompt, "cpu", 1, True, negative)
    made = encoded(small, prompt, negative)
    assert torch.equal(made["prompt_embeds"], own[0])
    assert torch.equal(made["negative_prompt_embeds"], own[1])
    own = xl.model.base.encode_prompt(
        prompt, device="cpu", do_classifier_free_guidance=True, negative_prompt=negative or None
    )
    made = encoded(xl, prompt, negative)
    names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    for name, expected in zip(names, own, strict=True):
        assert torch.equal(made[name], expected), name


def test_layers_are_left_out_before_the_last_norm(small: Loaded) -> None:
    encoder, tokenizer = small.model.base.text_encoder, small.model.base.tokenizer
    with torch.no_grad():
        tokens = torch.tensor([clip.chunks(tokenizer, "a red apple")[0][0].tokens])
        own = encoder(tokens, output_hidden_states=True).hidden_states[-2]
        normed = encoder.final_layer_norm(own)
    assert torch.equal(encoded(small, "a red apple", clip_skip=1)["prompt_embeds"], normed)


def test_a_long_prompt_is_read_to_its_end(small: Loaded, xl: Loaded) -> None:
    words = "red " * 160
    for loaded in (small, xl):
        one, other = encoded(loaded, words + "apple"), encoded(loaded, words + "dog")
        assert one["prompt_embeds"].shape[1] == 3 * 77 == one["negative_prompt_embeds"].shape[1]
        assert not torch.equal(one["prompt_embeds"], other["prompt_embeds"])


def test_chunks_end_at_commas(small: Loaded) -> None:
    tokenizer = small.model.base.tokenizer
    found, count = clip.chunks(tokenizer, "red " * 70 + ", red red red red red red red red")
    assert count == 79
    kept = [token for token in found[0].tokens[1:-1] if token not in (tokenizer.eos_token_id,)]
    assert len(kept) == 71 and len(found) == 2
    assert clip.chunks(tokenizer, "red BREAK apple")[0][1].weights == (1.0,) * 77


def test_weights_turn_the_embedding_and_keep_its_mean(small: Loaded) -> None:
    plain, more = encoded(small, "a red apple")["prompt_embeds"], encoded(small, "a (red:1.5) apple")["prompt_embeds"]
    assert not torch.equal(plain, more)
    assert torch.equal(encoded(small, "a (red:1.0) apple")["prompt_embeds"], plain)
    lifted = torch.ones(1, 4, 2) + 1.0
    made = clip._weighted(lifted, torch.tensor([[1.0, 2.0, 1.0, 1.0]]))
    assert made.mean() == pytest.approx(2.0) and made[0, 1, 0] / made[0, 0, 0] == pytest.approx(2.0)


def test_an_encoder_without_weights_says_so(folder: Path) -> None:
    loaded = load(build_sticker(folder / "sticker"))
    pipeline = loaded.model.pipeline(Task.TEXT_TO_IMAGE)
    with torch.no_grad():
        made = loaded.model.manner.encode(pipeline, Words("a (red:1.3) apple"))
        own = pipeline.encode_prompt("a red apple", "cpu", 1, True, "")
        assert torch.equal(made.arguments["prompt_embeds"], own[0])
        assert made.notes == (clip_prompts.WEIGHTS_IGNORED,)
        assert loaded.model.manner.encode(pipeline, Words("red " * 40)).notes == (clip_prompts.CUT_OFF,)


def test_the_memory_of_prompts_is_bounded(small: Loaded) -> None:
    pipeline = small.model.pipeline(Task.TEXT_TO_IMAGE)
    for index in range(70):
        small.model.encode(pipeline, Words(f"apple {index}"))
    before = small.model.encodings
    small.model.encode(pipeline, Words("apple 69"))
    assert small.model.encodings == before
    small.model.encode(pipeline, Words("apple 0"))
    small.model.encode(pipeline, Words("apple 69", clip_skip=1))
    assert small.model.encodings == before + 2
