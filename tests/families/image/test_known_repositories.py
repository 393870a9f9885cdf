"""What is fetched of the repositories of known models, as they are laid out."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.families.diffusion import headers
from studio.model_manager.catalogue import entries
from studio.model_manager.downloads.plan import choose

T5 = ("text_encoder_3", "tokenizer_3")
PARTS = ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "transformer", "vae", "scheduler")


def whole(folder: str, stem: str, shards: int = 1, variant: str = "") -> list[str]:
    kind = f".{variant}" if variant else ""
    if shards == 1:
        return [f"{folder}/config.json", f"{folder}/{stem}{kind}.safetensors"]
    parts = [f"{folder}/{stem}{kind}-{index:05}-of-{shards:05}.safetensors" for index in range(1, shards + 1)]
    return [f"{folder}/config.json", *parts, f"{folder}/{stem}.safetensors.index{kind}.json"]


def tokenizers(*folders: str) -> list[str]:
    return [f"{folder}/{name}" for folder in folders for name in ("tokenizer_config.json", "vocab.json", "merges.txt")]


STABLE_DIFFUSION_3 = [
    *("model_index.json", "LICENSE.md", "README.md", "sd3.5_medium.safetensors", "scheduler/scheduler_config.json"),
    *(name for variant in ("", "fp16") for name in whole("text_encoder", "model", 1, variant)),
    *(name for variant in ("", "fp16") for name in whole("text_encoder_2", "model", 1, variant)),
    *(name for variant in ("", "fp16") for name in whole("text_encoder_3", "model", 2, variant)),
    *("text_encoders/t5xxl_fp16.safetensors", "text_encoders/clip_l.safetensors"),
    *tokenizers("tokenizer", "tokenizer_2"),
    *("tokenizer_3/spiece.model", "tokenizer_3/tokenizer.json", "tokenizer_3/tokenizer_config.json"),
    *whole("transformer", "diffusion_pytorch_model"),
    *whole("vae", "diffusion_pytorch_model"),
]
FLUX = [
    *("model_index.json", "README.md", "ae.safetensors", "flux1-schnell.safetensors", "schnell_grid.jpeg"),
    "scheduler/scheduler_config.json",
    *whole("text_encoder", "model"),
    *whole("text_encoder_2", "model", 2),
    *tokenizers("tokenizer"),
    *("tokenizer_2/spiece.model", "tokenizer_2/tokenizer.json", "tokenizer_2/tokenizer_config.json"),
    *whole("transformer", "diffusion_pytorch_model", 3),
    *whole("vae", "diffusion_pytorch_model"),
]


def paths(names: list[str]) -> dict[str, Path]:
    return {name: Path(name) for name in names}


@pytest.mark.parametrize("with_t5", [True, False])
def test_stable_diffusion_3_with_and_without_t5(with_t5: bool) -> None:
    known = entries.entry("stabilityai/stable-diffusion-3.5-medium" + ("" if with_t5 else "/without-t5"))
    assert known
    names = entries.wanted_files(STABLE_DIFFUSION_3, {}, known[1])
    parts = {name.partition("/")[0] for name in names if "/" in name}
    assert parts == {*PARTS, *(T5 if with_t5 else ())}
    weights = [name for name in names if name.endswith(".safetensors")]
    assert len(weights) == (6 if with_t5 else 4) and not [name for name in names if "fp16" in name]
    assert headers.variant(names) is None and headers.weights(names) == sorted(weights)
    assert not entries.wanted_files([name for name in STABLE_DIFFUSION_3 if "transformer/" not in name], {}, known[1])


def test_of_a_repository_with_the_makers_own_files_the_pipeline_is_fetched() -> None:
    components = {part: ["diffusers", "Any"] for part in PARTS}
    names = choose(FLUX, "black-forest-labs/FLUX.1-schnell", components=components)
    left = {"README.md", "ae.safetensors", "flux1-schnell.safetensors", "schnell_grid.jpeg"}
    assert set(FLUX) - set(names) == left


def test_parts_in_half_precision_are_counted_once() -> None:
    both = [*whole("text_encoder", "model", 2), *whole("text_encoder", "model", 2, "fp16")]
    assert headers.weights(both) == [f"text_encoder/model-0000{index}-of-00002.safetensors" for index in (1, 2)]
    half = [*whole("text_encoder", "model", 2, "fp16"), *whole("vae", "diffusion_pytorch_model")]
    assert headers.variant(half) == "fp16" and len(headers.weights(half)) == 3
