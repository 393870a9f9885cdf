"""Tiny repositories of diffusers' real classes: random weights, pictures of coloured noise, a second or less each."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import families
from studio.core.protocols import ModelFiles

_WORDS = ("a", "the", "red", "green", "blue", "apple", "cat", "dog", "(", ")", ",", ".", "soft", "light", "1", "2")


def build_stable_diffusion(folder: Path, **parts: Any) -> ModelFiles:
    """Stable Diffusion 1 in small; pictures of 64 px are natural. `parts` replace what is built here."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        built: dict[str, Any] = {
            "vae": _vae(),
            "text_encoder": _clip(folder)[0],
            "tokenizer": _clip(folder)[1],
            "unet": _unet(cross_attention_dim=32),
            "scheduler": _diffusers().DDIMScheduler(
                beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
            ),
        }
        made = _diffusers().StableDiffusionPipeline(
            **{**built, **parts}, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
        made.save_pretrained(folder)
    return files_of(folder)


def build_inpainting(folder: Path) -> ModelFiles:
    """As Stable Diffusion's inpainting model: the UNet sees the picture and the mask too."""
    return build_stable_diffusion(folder, unet=_unet(cross_attention_dim=32, in_channels=9))


def build_sticker(folder: Path) -> ModelFiles:
    """The manner of the built-in model: a BERT of 32 tokens that looks at its mask, a tiny VAE, zero-terminal SNR."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    words = folder / "words.txt"
    words.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_WORDS]), encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(words), model_max_length=32)
    words.unlink()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    config.use_attention_mask = True  # type: ignore[attr-defined]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_stable_diffusion(
            folder,
            text_encoder=BertModel(config),
            tokenizer=tokenizer,
            vae=_diffusers().AutoencoderTiny(
                encoder_block_out_channels=(16, 16, 16, 16),
                decoder_block_out_channels=(16, 16, 16, 16),
                num_encoder_blocks=(1, 1, 1, 1),
                num_decoder_blocks=(1, 1, 1, 1),
            ),
            scheduler=_diffusers().DDIMScheduler(
                beta_schedule="scaled_linear",
                prediction_type="v_prediction",
                rescale_betas_zero_snr=True,
                timestep_spacing="trailing",
                clip_sample=False,
            ),
        )


def build_stable_diffusion_xl(folder: Path, **parts: Any) -> ModelFiles:
    """Stable Diffusion XL in small: two encoders, one of them with a vector for the whole prompt."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, tokenizer = _clip(folder)
        second, tokenizer_2 = _clip(folder, projected=True)
        built: dict[str, Any] = {
            "vae": _vae(scaling_factor=0.13025),
            "text_encoder": first,
            "text_encoder_2": second,
            "tokenizer": tokenizer,
            "tokenizer_2": tokenizer_2,
            "unet": _unet(
                cross_attention_dim=64,
                addition_embed_type="text_time",
                addition_time_embed_dim=8,
                projection_class_embeddings_input_dim=6 * 8 + 32,
                transformer_layers_per_block=1,
            ),
            "scheduler": _diffusers().EulerDiscreteScheduler(
                beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading"
            ),
        }
        _diffusers().StableDiffusionXLPipeline(**{**built, **parts}, add_watermarker=False).save_pretrained(folder)
    return files_of(folder)


# The families that draw, each with its tiny repositories.
BUILDERS: dict[str, Callable[[Path], ModelFiles]] = {
    "stable-diffusion": build_stable_diffusion,
    "stable-diffusion/inpainting": build_inpainting,
    "stable-diffusion/sticker": build_sticker,
    "stable-diffusion-xl": build_stable_diffusion_xl,
}


def _diffusers() -> Any:
    """Untyped: what its classes say they take is narrower than what they take."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own
    return importlib.import_module("diffusers")


def files_of(folder: Path) -> ModelFiles:
    """A repository as the catalogue gives it, with nested names."""
    config = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return ModelFiles(folder.name, families.recognise(config) or "", folder, paths, config, title="Tiny")


def _unet(**options: Any) -> Any:

    settings: dict[str, Any] = {
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": 8,
        "norm_num_groups": 8,
    }
    return _diffusers().UNet2DConditionModel(**{**settings, **options})


def _vae(**options: Any) -> Any:

    return _diffusers().AutoencoderKL(
        block_out_channels=(8, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=64,
        **options,
    )


def _clip(folder: Path, width: int = 32, projected: bool = False) -> tuple[Any, Any]:
    """A CLIP text encoder and its tokenizer, which knows letters and a few words."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokenizer = clip_tokenizer(folder)
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=37,
        num_hidden_layers=3,
        num_attention_heads=4,
        projection_dim=width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config), tokenizer


def clip_tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    signs = [*letters, *(letter + "</w>" for letter in letters), "re", "red</w>", "ap", "app"]
    signs += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = folder / "vocab.tmp", folder / "merges.tmp"
    vocabulary.write_text(json.dumps({sign: index for index, sign in enumerate(signs)}), encoding="utf-8")
    merges.write_text("#version: 0.2\nr e\nre d</w>\na p\nap p\n", encoding="utf-8")
    made = CLIPTokenizer(str(vocabulary), str(merges), model_max_length=77)
    vocabulary.unlink()
    merges.unlink()
    return made


def build_lora(folder: Path, base: str, model: ModelFiles) -> ModelFiles:
    """A LoRA of rank 2 for the denoiser of `model`, as it lies after an import that found `base` in it."""
    import torch
    from safetensors.torch import save_file

    unet = _diffusers().UNet2DConditionModel.from_pretrained(model.root / "unet")
    folder.mkdir(parents=True)
    tensors = {}
    with torch.random.fork_rng():
        torch.manual_seed(len(folder.name))
        for name, module in unet.named_modules():
            if name.endswith(("to_q", "to_v")):
                tensors[f"unet.{name}.lora_A.weight"] = torch.randn(2, module.in_features)
                tensors[f"unet.{name}.lora_B.weight"] = torch.randn(module.out_features, 2)
    path = folder / "style.safetensors"
    save_file(tensors, path)
    return ModelFiles(f"imported/{folder.name}", "lora", path, {path.name: path}, {"lora": base}, title=folder.name)


def build_controlnet(folder: Path, model: ModelFiles) -> ModelFiles:
    """A ControlNet for the UNet of `model`, whose connections are not zero as in a fresh one."""
    import torch

    unet = _diffusers().UNet2DConditionModel.from_pretrained(model.root / "unet")
    with torch.random.fork_rng():
        torch.manual_seed(2)
        made = _diffusers().ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 16, 16, 16))
        for weight in (*made.controlnet_down_blocks.parameters(), *made.controlnet_mid_block.parameters()):
            torch.nn.init.normal_(weight, 0, 0.5)
        torch.nn.init.normal_(made.controlnet_cond_embedding.conv_out.weight, 0, 0.5)
    made.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    paths = {path.name: path for path in sorted(folder.iterdir())}
    return ModelFiles(folder.name, "controlnet", folder, paths, config, title=folder.name)


def build_ip_adapter(folder: Path, model: ModelFiles) -> ModelFiles:
    """An IP-Adapter of the plain kind (four tokens from one vector) for the UNet of `model`, with its encoder."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    unet = _diffusers().UNet2DConditionModel.from_pretrained(model.root / "unet")
    width, seen = unet.config.cross_attention_dim, 16
    with torch.random.fork_rng():
        torch.manual_seed(3)
        tensors = {
            "image_proj.proj.weight": torch.randn(4 * width, seen),
            "image_proj.proj.bias": torch.zeros(4 * width),
            "image_proj.norm.weight": torch.ones(width),
            "image_proj.norm.bias": torch.zeros(width),
        }
        for index, name in enumerate(name for name in unet.attn_processors if "attn2" in name):
            out = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            for kind in ("k", "v"):
                tensors[f"ip_adapter.{2 * index + 1}.to_{kind}_ip.weight"] = torch.randn(out, width)
        encoder = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=32,
                patch_size=16,
                projection_dim=seen,
            )
        )
    encoder.save_pretrained(folder / "models" / "image_encoder")
    save_file(tensors, folder / "models" / "ip-adapter.safetensors")
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return ModelFiles(folder.name, "ip-adapter", folder, paths, {"ip_adapter": ""}, title=folder.name)
