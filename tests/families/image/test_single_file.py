"""Checkpoints that are one file: the same pictures as of the repository that they were made from."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from studio import families
from studio.core.errors import AtelierError
from studio.core.jobs import Task
from studio.core.protocols import Device, ModelFiles
from studio.families.diffusion import headers, loading, single_file
from tests.fakes.tiny_pictures import build_stable_diffusion
from tests.families.image.drawing import DEVICE, load

_RESNET = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
_TOP = (
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("conv_in", "input_blocks.0.0"),
    ("conv_norm_out", "out.0"),
    ("conv_out", "out.2"),
)


def unet_name(name: str) -> str:
    """A tensor of diffusers' UNet with one layer a block, as its first authors called it."""
    for ours, theirs in _TOP:
        if name.startswith(ours + "."):
            return theirs + name.removeprefix(ours)
    if match := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", name):
        place = f"middle_block.{2 * int(match[2]) if match[1] == 'resnets' else 1}"
        rest = match[3]
    elif match := re.match(r"(down|up)_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.*)", name):
        first = 1 + 2 * int(match[2]) if match[1] == "down" else 2 * int(match[2])
        side = "input" if match[1] == "down" else "output"
        place = f"{side}_blocks.{first + int(match[4])}.{0 if match[3] == 'resnets' else 1}"
        rest = match[5]
    elif match := re.match(r"down_blocks\.(\d)\.downsamplers\.0\.conv\.(.*)", name):
        return f"input_blocks.{2 + 2 * int(match[1])}.0.op.{match[2]}"
    else:
        match = re.match(r"up_blocks\.(\d)\.upsamplers\.0\.conv\.(.*)", name)
        assert match, name
        return f"output_blocks.{2 * int(match[1]) + 1}.{2 if match[1] == '0' else 1}.conv.{match[2]}"
    for ours, theirs in _RESNET:
        rest = re.sub(rf"^{ours}\.", theirs + ".", rest)
    return f"{place}.{rest}"


def vae_name(name: str) -> str:
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets", lambda match: f"up.{3 - int(match[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda match: f"up.{3 - int(match[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda match: f"mid.block_{int(match[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0", "mid.attn_1").replace("conv_norm_out", "norm_out")
    name = name.replace("conv_shortcut", "nin_shortcut").replace("group_norm", "norm").replace("to_out.0", "proj_out")
    return re.sub(r"\.to_([qkv])\.", r".\1.", name)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    return build_stable_diffusion(tmp_path_factory.mktemp("model") / "sd")


@pytest.fixture
def checkpoint(repository: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelFiles:
    """The repository as one file, whose shapes and tokenizer are given as those of Stable Diffusion 1 are."""
    base = load(repository).model.base
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in base.unet.state_dict().items():
        tensors["model.diffusion_model." + unet_name(name)] = tensor
    for name, tensor in base.vae.state_dict().items():
        as_convolution = "attentions" in name and "weight" in name and "norm" not in name
        tensors["first_stage_model." + vae_name(name)] = tensor[..., None, None] if as_convolution else tensor
    for name, tensor in base.text_encoder.state_dict().items():
        tensors["cond_stage_model.transformer.text_model." + name] = tensor
    path = tmp_path / "dream.safetensors"
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
    shapes = tmp_path / "shapes" / "stable-diffusion-1"
    shutil.copytree(repository.root, shapes, ignore=shutil.ignore_patterns("*.safetensors", "tokenizer"))
    monkeypatch.setattr(single_file, "_shapes", lambda files: shapes)
    monkeypatch.setattr(single_file, "tokenizer", lambda padding="": base.tokenizer)
    config = {"single_file": "stable-diffusion-1", "part": "pipeline", "in_channels": 4}
    return ModelFiles(
        "imported/dream", families.recognise(config) or "", path, {path.name: path}, config, title="Dream"
    )


def test_it_draws_what_the_repository_draws(repository: ModelFiles, checkpoint: ModelFiles, tmp_path: Path) -> None:
    assert checkpoint.family == "stable-diffusion"
    for task in (Task.TEXT_TO_IMAGE, Task.INPAINT):
        expected = load(repository).draw(tmp_path, task)[0].picture()
        assert load(checkpoint).draw(tmp_path, task)[0].picture().tobytes() == expected.tobytes()


def test_what_the_file_says_of_itself_counts(checkpoint: ModelFiles) -> None:
    told = replace(checkpoint, config={**checkpoint.config, "prediction": "v_prediction"})
    assert load(told).model.scheduler.config.prediction_type == "v_prediction"
    assert load(checkpoint).model.scheduler.config.prediction_type == "epsilon"


def test_its_need_is_read_from_its_header(repository: ModelFiles, checkpoint: ModelFiles) -> None:
    assert headers.numbers(checkpoint.paths) == headers.numbers(repository.paths)
    family: Any = families.get("stable-diffusion")
    assert family.estimate(checkpoint, Device()) == family.estimate(repository, Device())
    assert family.describe(checkpoint) == family.describe(repository)


def test_a_damaged_file_is_refused_in_words(checkpoint: ModelFiles) -> None:
    path = checkpoint.root
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(AtelierError) as refused:
        families.get("stable-diffusion").load(checkpoint, DEVICE)
    assert refused.value.code == "model-not-readable"


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({"single_file": "stable-diffusion-1", "part": "pipeline"}, "stable-diffusion"),
        ({"single_file": "stable-diffusion-2-inpainting", "part": "pipeline"}, "stable-diffusion"),
        ({"single_file": "stable-diffusion-xl", "part": "pipeline"}, "stable-diffusion-xl"),
        ({"single_file": "stable-diffusion-1", "part": "unet"}, None),
        ({"single_file": "stable-diffusion-xl-refiner", "part": "pipeline"}, None),
        ({"single_file": "autoencoder-kl", "part": "vae"}, None),
    ],
)
def test_which_files_are_whole_models(config: dict[str, str], family: str | None) -> None:
    assert families.recognise(config) == family


def test_the_shapes_that_come_with_the_program_are_those_of_the_models() -> None:
    """The numbers of parameters as the models' makers count them."""
    from accelerate import init_empty_weights
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    counts = {"1": 859_520_964, "2": 865_910_724, "xl": 2_567_463_684}
    for name, count in counts.items():
        files = ModelFiles("", "", Path(), {}, {"single_file": f"stable-diffusion-{name}-inpainting"})
        with init_empty_weights():
            unet: Any = UNet2DConditionModel.from_config(dict(single_file.config(files, "unet")))
        assert sum(weight.numel() for weight in unet.parameters()) == count
        assert single_file.config(files, "vae")["scaling_factor"] == (0.13025 if name == "xl" else 0.18215)
        assert loading.natural_size(files) == {"1": 512, "2": 768, "xl": 1024}[name]


def test_the_tokenizer_is_clips() -> None:
    made = single_file.tokenizer()
    known = [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 49407]
    assert made("a photo of an astronaut riding a horse").input_ids == known
    assert (len(made), made.pad_token_id, made.model_max_length) == (49408, 49407, 77)
    assert single_file.tokenizer("!").pad_token_id == 0
    assert made.decode([320, 1125]).split() == ["a", "photo"]
