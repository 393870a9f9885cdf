"""Which files of a repository are fetched, and which names are refused."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.model_manager.downloads.ledger import Source
from studio.model_manager.downloads.plan import check_names, choose, source_of

TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
SHARDS = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
INDEX = "model.safetensors.index.json"


@pytest.mark.parametrize(
    ("weights", "others"),
    [
        (["model.safetensors"], ["pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "model.fp16.safetensors"]),
        (
            [*SHARDS, INDEX],
            ["consolidated.safetensors", "original/consolidated.00.pth", "pytorch_model.bin.index.json"],
        ),
        (["model.safetensors"], [*SHARDS, INDEX, "onnx/model.onnx", "onnx/config.json"]),
        (["model.bf16.safetensors"], ["model.fp32.safetensors", "training_args.bin"]),
        (["adapter_model.safetensors"], ["adapter_model.bin", "optimizer.pt"]),
        (["something.safetensors"], ["something.ckpt", "something.fp16.safetensors"]),
    ],
)
def test_one_set_of_weights_with_what_belongs_to_it(weights: list[str], others: list[str]) -> None:
    around = ["config.json", "generation_config.json", *TOKENIZER, "LICENSE.md"]
    names = sorted([*around, *weights, *others, "README.md", ".gitattributes", "picture.png"])
    assert choose(names, "m") == sorted([*around, *weights])


def test_the_components_of_a_diffusers_repository_in_the_variant_that_is_wanted() -> None:
    components = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "safety_checker": [None, None],
    }
    unet = "unet/diffusion_pytorch_model"
    parts = [f"{unet}.fp16-0000{number}-of-00002.safetensors" for number in (1, 2)]
    names = [
        *("model_index.json", "README.md", "v1-5-pruned.safetensors", "v1-5-pruned.ckpt", "config.json"),
        *("tokenizer/vocab.json", "tokenizer/merges.txt", "vae/config.json", "vae/diffusion_pytorch_model.safetensors"),
        *("unet/config.json", f"{unet}.safetensors", f"{unet}.bin", f"{unet}.safetensors.index.fp16.json", *parts),
        *("safety_checker/model.safetensors", "safety_checker/config.json"),
    ]
    usual = {
        *("model_index.json", "tokenizer/vocab.json", "tokenizer/merges.txt", "vae/config.json", "unet/config.json"),
        "vae/diffusion_pytorch_model.safetensors",
    }
    assert set(choose(names, "m", components=components)) == {*usual, f"{unet}.safetensors"}
    small = choose(names, "m", components=components, variant="fp16")
    assert set(small) == {*usual, f"{unet}.safetensors.index.fp16.json", *parts}


def test_one_gguf_file_or_all_of_its_parts() -> None:
    parts = [f"big/q8-0000{number}-of-00002.gguf" for number in (1, 2)]
    names = ["q4.gguf", *parts, "README.md"]
    assert choose(names, "m", file="q4.gguf") == ["q4.gguf"]
    assert choose(names, "m", file=parts[1]) == parts
    with pytest.raises(AtelierError) as raised:
        choose([names[0], names[1]], "m", file=parts[0])
    assert (raised.value.code, raised.value.arguments["files"]) == ("hub-file-missing", [parts[1]])


def test_what_is_wanted_by_name_wins() -> None:
    names = ["config.json", "kokoro.pth", "voices/af.pt", "model.safetensors"]
    assert choose(names, "m", wanted=("kokoro.pth", "config.json")) == ["config.json", "kokoro.pth"]


def test_a_repository_without_safe_weights_is_refused() -> None:
    with pytest.raises(AtelierError) as raised:
        choose(["config.json", *TOKENIZER, "pytorch_model.bin"], "m")
    assert raised.value.code == "hub-no-weights"


@pytest.mark.parametrize(
    "names",
    [
        *(["../x"], ["a/../../x"], ["/etc/x"], ["C:/x"], ["a\\..\\x"], [""], ["a//b"], ["."], ["a/./b"]),
        *(["nul"], ["Con.txt"], ["a/LPT1.json"], ["a."], ["a "], ["a\x00b"], ["a\nb"], ["\u202egnp.exe"], ["\ud800"]),
        *(["x" * 201], ["/".join("x" * 17)], ["a?b"], ["a:b"], ["model.safetensors", "Model.safetensors"]),
        *(["caf\u00e9", "cafe\u0301"], ["a", "a/b"], ["A/b", "a"]),
    ],
)
def test_names_that_cannot_be_paths_everywhere_are_refused(names: list[str]) -> None:
    with pytest.raises(AtelierError) as raised:
        check_names(names, "m")
    assert raised.value.code == "hub-unsafe-name"
    assert str(raised.value).isprintable()


@given(st.lists(st.text(max_size=40), max_size=4))
@example(["\u7070\u4e2d/\u6a21\u578b.safetensors"])
def test_what_is_accepted_stays_in_its_folder_on_every_system(names: list[str]) -> None:
    try:
        check_names(names, "m")
    except AtelierError:
        return
    for name in names:
        for kind in (PurePosixPath, PureWindowsPath):
            path = kind(name)
            assert not path.is_absolute()
            assert not path.drive
            assert ".." not in path.parts
            assert "/".join(path.parts) == name


def test_the_ways_to_name_a_repository() -> None:
    assert source_of("ada/tiny") == (Source("ada/tiny"), "")
    assert source_of("ada/tiny@refs/pr/28") == (Source("ada/tiny", "refs/pr/28"), "")
    assert source_of("ada/tiny/deep/q4.gguf") == (Source("ada/tiny"), "deep/q4.gguf")
    for text in (
        "tiny",
        "ada/",
        "../x",
        "ada/..",
        "a--b/c",
        "ada/tiny@",
        "ada/tiny@../x",
        "ada/tiny/x.bin",
        "ada/t/../q.gguf",
    ):
        with pytest.raises(AtelierError) as raised:
            source_of(text)
        assert raised.value.code == "hub-missing"
