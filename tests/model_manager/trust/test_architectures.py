"""Recognising models by names and shapes: against diffusers' own judgement, and against its own classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import diffusers
import pytest
import torch
from diffusers.loaders.single_file_utils import CHECKPOINT_KEY_NAMES as KEYS
from diffusers.loaders.single_file_utils import infer_diffusers_model_type
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from studio.model_manager.trust.architectures import recognise
from studio.model_manager.trust.safetensors_file import Tensor

LDM = "model.diffusion_model."
IN = f"{LDM}input_blocks.0.0.weight"
CROSS = f"{LDM}input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
CROSS_XL = f"{LDM}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"
VAE = "first_stage_model.decoder.conv_in.weight"

# (shapes by name, our id, part, what diffusers takes it for)
CHECKPOINTS: tuple[tuple[Mapping[str, tuple[int, ...]], str, str, str], ...] = (
    ({IN: (320, 4, 3, 3), CROSS: (320, 768), VAE: (512, 4, 3, 3)}, "stable-diffusion-1", "pipeline", "v1"),
    ({IN: (320, 4, 3, 3), CROSS: (320, 768)}, "stable-diffusion-1", "unet", "v1"),
    ({IN: (320, 9, 3, 3), CROSS: (320, 768)}, "stable-diffusion-1-inpainting", "unet", "inpainting"),
    ({IN: (320, 8, 3, 3), CROSS: (320, 768)}, "stable-diffusion-1-instruct-pix2pix", "unet", "instruct-pix2pix"),
    ({IN: (320, 4, 3, 3), CROSS: (320, 1024)}, "stable-diffusion-2", "unet", "v2"),
    ({IN: (320, 9, 3, 3), CROSS: (320, 1024)}, "stable-diffusion-2-inpainting", "unet", "inpainting_v2"),
    (
        {IN: (320, 4, 3, 3), CROSS_XL: (640, 2048), KEYS["xl_base"]: (1280,)},
        "stable-diffusion-xl",
        "pipeline",
        "xl_base",
    ),
    (
        {IN: (320, 9, 3, 3), CROSS_XL: (640, 2048), KEYS["xl_base"]: (1280,)},
        "stable-diffusion-xl-inpainting",
        "pipeline",
        "xl_inpaint",
    ),
    (
        {IN: (384, 4, 3, 3), CROSS_XL: (768, 1280), KEYS["xl_refiner"]: (1280,)},
        "stable-diffusion-xl-refiner",
        "pipeline",
        "xl_refiner",
    ),
    (
        {IN: (320, 4, 3, 3), CROSS_XL: (640, 2048), KEYS["playground-v2-5"]: (), KEYS["xl_base"]: (1280,)},
        "playground-2.5",
        "pipeline",
        "playground-v2-5",
    ),
    (
        {KEYS["sd3"][1]: (9216,), f"{LDM}pos_embed": (1, 36864, 1536)},
        "stable-diffusion-3",
        "transformer",
        "sd3",
    ),
    (
        {KEYS["sd3"][0]: (9216,), "pos_embed": (1, 147456, 1536)},
        "stable-diffusion-3.5-medium",
        "transformer",
        "sd35_medium",
    ),
    (
        {KEYS["sd3"][0]: (14592,), KEYS["sd35_large"][0]: (9728, 2432)},
        "stable-diffusion-3.5-large",
        "transformer",
        "sd35_large",
    ),
    ({KEYS["flux"][0]: (128,), "img_in.weight": (3072, 64)}, "flux-1-schnell", "transformer", "flux-schnell"),
    (
        {KEYS["flux"][0]: (128,), "img_in.weight": (3072, 64), "guidance_in.in_layer.bias": (3072,)},
        "flux-1-dev",
        "transformer",
        "flux-dev",
    ),
    (
        {KEYS["flux"][1]: (128,), f"{LDM}img_in.weight": (3072, 384), f"{LDM}guidance_in.in_layer.bias": (3072,)},
        "flux-1-fill",
        "transformer",
        "flux-fill",
    ),
    ({KEYS["flux"][0]: (128,), KEYS["chroma"][1]: (5120,)}, "chroma", "transformer", "chroma"),
    ({KEYS["flux"][0]: (128,), KEYS["flux2"][1]: (1, 1)}, "flux-2", "transformer", "flux-2-dev"),
    ({KEYS["z-image-turbo"][0]: (15360, 256)}, "z-image", "transformer", "z-image-turbo"),
    ({KEYS["lumina2"][1]: (2304,)}, "lumina-2", "transformer", "lumina2"),
    ({KEYS["qwen-image-2.1"][1]: (3584,)}, "qwen-image-2.1", "transformer", "qwen-image-2.1"),
    ({KEYS["controlnet"][0]: (1280, 320)}, "controlnet-stable-diffusion-1", "controlnet", "controlnet"),
    (
        {KEYS["controlnet"][1]: (16, 3, 3, 3), KEYS["controlnet_xl"]: (1280, 2816)},
        "controlnet-stable-diffusion-xl",
        "controlnet",
        "controlnet_xl_small",
    ),
)


@pytest.mark.parametrize(("shapes", "id", "part", "theirs"), CHECKPOINTS, ids=[row[1] + row[2] for row in CHECKPOINTS])
def test_agrees_with_diffusers(shapes: Mapping[str, tuple[int, ...]], id: str, part: str, theirs: str) -> None:
    assert (
        infer_diffusers_model_type({name: torch.empty(shape, device="meta") for name, shape in shapes.items()})
        == theirs
    )
    found = recognise({name: Tensor("F16", shape) for name, shape in shapes.items()}, {})
    assert (found.kind, found.id, found.part) == ("checkpoint", id, part)


def of_class(name: str, **arguments: Any) -> dict[str, Tensor]:
    """The names and shapes of diffusers' own class, without any memory for its numbers."""
    with torch.device("meta"):
        return shapes_of(getattr(diffusers, name)(**arguments))


def shapes_of(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: Tensor("F32", tuple(tensor.shape)) for name, tensor in model.state_dict().items()}


CLASSES: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("UNet2DConditionModel", {"cross_attention_dim": 768}, "stable-diffusion-1", "unet"),
    ("UNet2DConditionModel", {"cross_attention_dim": 1024, "in_channels": 9}, "stable-diffusion-2-inpainting", "unet"),
    (
        "UNet2DConditionModel",
        {
            "cross_attention_dim": 2048,
            "block_out_channels": (32, 64, 64),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        },
        "stable-diffusion-xl",
        "unet",
    ),
    ("ControlNetModel", {"cross_attention_dim": 1024}, "controlnet-stable-diffusion-2", "controlnet"),
    ("FluxTransformer2DModel", {"num_layers": 1, "num_single_layers": 1}, "flux-1-schnell", "transformer"),
    (
        "FluxTransformer2DModel",
        {"num_layers": 1, "num_single_layers": 1, "guidance_embeds": True},
        "flux-1-dev",
        "transformer",
    ),
    ("FluxControlNetModel", {"num_layers": 1, "num_single_layers": 0}, "controlnet-flux-1", "controlnet"),
    (
        "SD3Transformer2DModel",
        {"num_layers": 1, "num_attention_heads": 24, "pos_embed_max_size": 192, "sample_size": 128},
        "stable-diffusion-3",
        "transformer",
    ),
    ("PixArtTransformer2DModel", {"num_layers": 1, "caption_channels": 4096}, "pixart-alpha", "transformer"),
    (
        "PixArtTransformer2DModel",
        {"num_layers": 1, "caption_channels": 4096, "use_additional_conditions": False},
        "pixart",
        "transformer",
    ),
    ("QwenImageTransformer2DModel", {"num_layers": 1}, "qwen-image", "transformer"),
    ("ZImageTransformer2DModel", {"n_layers": 1, "n_refiner_layers": 1}, "z-image", "transformer"),
    ("AutoencoderKL", {}, "autoencoder-kl", "vae"),
    ("AutoencoderTiny", {}, "autoencoder-tiny", "vae"),
)


@pytest.mark.parametrize(("name", "arguments", "id", "part"), CLASSES, ids=[f"{row[0]}-{row[2]}" for row in CLASSES])
def test_recognises_diffusers_own_classes(name: str, arguments: dict[str, Any], id: str, part: str) -> None:
    found = recognise(of_class(name, **arguments), {})
    assert (found.id, found.part) == (id, part)


@pytest.mark.parametrize(
    ("config", "id"), [("LlamaConfig", "text-model"), ("GPT2Config", "text-model"), ("Qwen3Config", "text-model")]
)
def test_recognises_text_models(config: str, id: str) -> None:
    import transformers

    small = {"num_hidden_layers": 1, "n_layer": 1, "vocab_size": 100}
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, config)(**small))
    assert recognise(shapes_of(model), {}).part == id


@pytest.mark.parametrize(("channels", "scale"), [(3, 4), (12, 2)])
def test_recognises_real_esrgan(channels: int, scale: int) -> None:
    blocks = {f"body.{block}.rdb1.conv1.weight": (32, 64, 3, 3) for block in range(23)}
    shapes = {"conv_first.weight": (64, channels, 3, 3), "conv_last.weight": (3, 64, 3, 3), **blocks}
    found = recognise({name: Tensor("F32", shape) for name, shape in shapes.items()}, {})
    assert (found.id, found.part, found.hints) == (f"real-esrgan-x{scale}", "upscaler", {"scale": scale, "blocks": 23})


def test_recognises_old_esrgan() -> None:
    ends = {f"model.{number}.weight": (64, 64, 3, 3) for number in (3, 6, 8, 10)}
    shapes = {"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3), **ends}
    assert recognise({name: Tensor("F32", shape) for name, shape in shapes.items()}, {}).id == "real-esrgan-x4"


def test_says_what_a_model_predicts_only_where_the_file_does() -> None:
    shapes = {IN: Tensor("F16", (320, 4, 3, 3)), CROSS: Tensor("F16", (320, 1024))}
    assert "prediction" not in recognise(shapes, {}).hints
    assert recognise(shapes, {"modelspec.prediction_type": "v"}).hints["prediction"] == "v_prediction"
    assert recognise(shapes, {}, {"global_step": 875_000}).hints["prediction"] == "epsilon"
    assert recognise(shapes, {}, {"global_step": 140_000}).hints["prediction"] == "v_prediction"
    marked = {**shapes, "v_pred": Tensor("F32", (0,))}
    assert recognise(marked, {}).hints["prediction"] == "v_prediction"


def test_does_not_guess() -> None:
    assert recognise({"weight": Tensor("F32", (4, 4))}, {}).id == ""
    odd = {IN: Tensor("F16", (320, 7, 3, 3)), CROSS: Tensor("F16", (320, 768))}
    assert recognise(odd, {}).id == ""


def lora(*modules: str, width: int, downs: str = "lora_down.weight", ups: str = "lora_up.weight") -> dict[str, Tensor]:
    pairs = [(f"{module}.{downs}", (8, width)) for module in modules] + [
        (f"{module}.{ups}", (640, 8)) for module in modules
    ]
    return {name: Tensor("F16", shape) for name, shape in pairs}


PEFT = {"downs": "lora_A.weight", "ups": "lora_B.weight"}
KOHYA = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
KOHYA_XL = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
OURS = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
JOINT = "transformer.transformer_blocks.{}.attn.add_q_proj"

LORAS: tuple[tuple[dict[str, Tensor], str], ...] = (
    (lora(KOHYA, width=768), "stable-diffusion-1"),
    (lora(KOHYA, width=1024), "stable-diffusion-2"),
    (lora(KOHYA_XL, "lora_te1_text_model_encoder_layers_0_mlp_fc1", width=2048), "stable-diffusion-xl"),
    (lora(OURS, width=2048, **PEFT), "stable-diffusion-xl"),
    (lora(OURS, width=768, downs="lora.down.weight", ups="lora.up.weight"), "stable-diffusion-1"),
    (lora("lora_unet_double_blocks_0_img_attn_proj", width=3072), "flux-1"),
    (lora("transformer.single_transformer_blocks.0.attn.to_q", width=3072, **PEFT), "flux-1"),
    (lora("transformer.transformer_blocks.0.ff.net.0.proj", JOINT.format(1), width=3072, **PEFT), "flux-1"),
    (lora(JOINT.format(0), JOINT.format(59), width=3072, **PEFT), "qwen-image"),
    (lora(JOINT.format(0), width=3072, **PEFT), ""),
    (lora(JOINT.format(0), width=1536, **PEFT), "stable-diffusion-3"),
    (lora("diffusion_model.layers.0.attention.to_q", width=3840, **PEFT), "z-image"),
    (lora("base_model.model.model.layers.0.self_attn.q_proj", width=4096, **PEFT), "text-model"),
)


@pytest.mark.parametrize(("tensors", "base"), LORAS)
def test_recognises_loras(tensors: dict[str, Tensor], base: str) -> None:
    found = recognise(tensors, {})
    assert (found.kind, found.id) == ("lora", base)


def test_recognises_a_lora_that_peft_writes() -> None:
    """A real one: diffusers' UNet with PEFT's adapter, saved the way pipelines save it."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, block_out_channels=(32, 64, 64, 64))
        unet.add_adapter(LoraConfig(r=4, target_modules=["to_k", "to_q"]))
    tensors = {
        f"unet.{name}": Tensor("F32", tuple(value.shape)) for name, value in get_peft_model_state_dict(unet).items()
    }
    assert recognise(tensors, {}).id == "stable-diffusion-1"


def test_takes_a_trainers_word_where_shapes_are_silent() -> None:
    tensors = lora("lora_te1_text_model_encoder_layers_0_mlp_fc1", width=768)
    assert recognise(tensors, {}).id == ""
    assert recognise(tensors, {"ss_base_model_version": "sdxl_base_v1-0"}).id == "stable-diffusion-xl"
