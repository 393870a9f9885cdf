"""Tiny repositories of the pipelines whose denoiser is a transformer: the real classes, random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.core.protocols import ModelFiles
from tests.fakes.tiny_models import trained_tokenizer
from tests.fakes.tiny_pictures import _clip, _diffusers, _vae, files_of

_WIDTH = 32
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_stable_diffusion_3(folder: Path, *, with_t5: bool = True) -> ModelFiles:
    """Without T5 the files of the third encoder are missing, as where a user left them out."""

    def build() -> Any:
        first, tokenizer = _clip(folder, projected=True)
        second, tokenizer_2 = _clip(folder, projected=True)
        return _diffusers().StableDiffusion3Pipeline(
            transformer=_diffusers().SD3Transformer2DModel(
                sample_size=8,
                num_layers=1,
                attention_head_dim=8,
                num_attention_heads=4,
                joint_attention_dim=2 * _WIDTH,
                caption_projection_dim=_WIDTH,
                pooled_projection_dim=2 * _WIDTH,
                pos_embed_max_size=16,
            ),
            scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(shift=3.0),
            vae=_vae_16(scaling_factor=1.5305, shift_factor=0.0609),
            text_encoder=first,
            tokenizer=tokenizer,
            text_encoder_2=second,
            tokenizer_2=tokenizer_2,
            text_encoder_3=_t5(2 * _WIDTH),
            tokenizer_3=_t5_tokenizer(),
        )

    files = _saved(folder, build)
    if with_t5:
        return files
    for name, path in files.paths.items():
        if name.startswith(("text_encoder_3/", "tokenizer_3/")):
            path.unlink()
    return files_of(folder)


def build_flux(folder: Path, *, guided: bool = False) -> ModelFiles:
    """As schnell, or as dev where it is `guided`, which also shifts its noise by the size of the picture."""

    def build() -> Any:
        first, tokenizer = _clip(folder)
        return _diffusers().FluxPipeline(
            transformer=_diffusers().FluxTransformer2DModel(
                num_layers=1,
                num_single_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=_WIDTH,
                pooled_projection_dim=_WIDTH,
                guidance_embeds=guided,
                axes_dims_rope=(4, 4, 8),
            ),
            scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=guided),
            vae=_vae_16(scaling_factor=0.3611, shift_factor=0.1159),
            text_encoder=first,
            tokenizer=tokenizer,
            text_encoder_2=_t5(_WIDTH),
            tokenizer_2=_t5_tokenizer(),
        )

    return _saved(folder, build)


def build_flux_dev(folder: Path) -> ModelFiles:
    return build_flux(folder, guided=True)


def build_z_image(folder: Path) -> ModelFiles:
    def build() -> Any:
        from transformers import Qwen3Config, Qwen3Model

        tokenizer = _chat_tokenizer()
        return _diffusers().ZImagePipeline(
            transformer=_diffusers().ZImageTransformer2DModel(
                dim=_WIDTH,
                n_layers=1,
                n_refiner_layers=1,
                n_heads=2,
                n_kv_heads=2,
                cap_feat_dim=_WIDTH,
                axes_dims=[4, 4, 8],
                axes_lens=[1024, 64, 64],
            ),
            scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(shift=3.0),
            vae=_vae_16(scaling_factor=0.3611, shift_factor=0.1159),
            text_encoder=Qwen3Model(Qwen3Config(vocab_size=len(tokenizer), head_dim=8, **_SMALL)),
            tokenizer=tokenizer,
        )

    return _saved(folder, build)


def build_qwen_image(folder: Path) -> ModelFiles:
    def build() -> Any:
        from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

        tokenizer = _chat_tokenizer()
        text = {
            **_SMALL,
            "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e6},
        }
        seeing = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": _WIDTH}
        return _diffusers().QwenImagePipeline(
            transformer=_diffusers().QwenImageTransformer2DModel(
                num_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=_WIDTH,
                axes_dims_rope=(4, 4, 8),
            ),
            scheduler=_diffusers().FlowMatchEulerDiscreteScheduler(
                use_dynamic_shifting=True, max_shift=0.9, max_image_seq_len=8192, shift_terminal=0.02
            ),
            vae=_diffusers().AutoencoderKLQwenImage(base_dim=8, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
            text_encoder=Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=seeing)),
            tokenizer=tokenizer,
        )

    return _saved(folder, build)


def build_pixart(folder: Path) -> ModelFiles:
    def build() -> Any:
        return _diffusers().PixArtSigmaPipeline(
            transformer=_diffusers().PixArtTransformer2DModel(
                sample_size=8,
                num_layers=1,
                attention_head_dim=8,
                num_attention_heads=4,
                cross_attention_dim=_WIDTH,
                caption_channels=_WIDTH,
                use_additional_conditions=False,
            ),
            scheduler=_diffusers().DPMSolverMultistepScheduler(),
            vae=_vae(scaling_factor=0.13025),
            text_encoder=_t5(_WIDTH),
            tokenizer=_t5_tokenizer(),
        )

    return _saved(folder, build)


def build_sana(folder: Path) -> ModelFiles:
    def build() -> Any:
        from transformers import Gemma2Config, Gemma2Model

        tokenizer = _gemma_tokenizer()
        return _diffusers().SanaPipeline(
            transformer=_diffusers().SanaTransformer2DModel(
                in_channels=4,
                out_channels=4,
                num_layers=1,
                num_attention_heads=2,
                attention_head_dim=16,
                num_cross_attention_heads=2,
                cross_attention_head_dim=16,
                cross_attention_dim=_WIDTH,
                caption_channels=_WIDTH,
                sample_size=2,
            ),
            scheduler=_diffusers().DPMSolverMultistepScheduler(
                prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
            ),
            vae=_diffusers().AutoencoderDC(
                latent_channels=4,
                attention_head_dim=8,
                encoder_block_out_channels=(8,) * 6,
                decoder_block_out_channels=(8,) * 6,
                encoder_layers_per_block=(1,) * 6,
                decoder_layers_per_block=(1,) * 6,
                encoder_qkv_multiscales=((),) * 6,
                decoder_qkv_multiscales=((),) * 6,
                scaling_factor=0.41407,
            ),
            text_encoder=Gemma2Model(Gemma2Config(vocab_size=len(tokenizer), head_dim=8, **_SMALL)),
            tokenizer=tokenizer,
        )

    return _saved(folder, build)


def build_lora(folder: Path, base: str, model: ModelFiles) -> ModelFiles:
    """A LoRA of rank 2 for the attention of `model`, as it lies after an import that found `base` in it."""
    import torch
    from safetensors.torch import save_file

    kind = model.config["transformer"][1]
    transformer = getattr(_diffusers(), kind).from_pretrained(model.root / "transformer")
    folder.mkdir(parents=True)
    tensors = {}
    with torch.random.fork_rng():
        torch.manual_seed(len(folder.name))
        for name, module in transformer.named_modules():
            if name.endswith(("to_q", "to_v")):
                tensors[f"transformer.{name}.lora_A.weight"] = torch.randn(2, module.in_features)
                tensors[f"transformer.{name}.lora_B.weight"] = torch.randn(module.out_features, 2)
    path = folder / "style.safetensors"
    save_file(tensors, path)
    return ModelFiles(f"imported/{folder.name}", "lora", path, {path.name: path}, {"lora": base}, title=folder.name)


BUILDERS: dict[str, Callable[[Path], ModelFiles]] = {
    "stable-diffusion-3": build_stable_diffusion_3,
    "flux": build_flux,
    "flux/dev": build_flux_dev,
    "z-image": build_z_image,
    "qwen-image": build_qwen_image,
    "pixart": build_pixart,
    "sana": build_sana,
}

_SMALL: dict[str, Any] = {
    "hidden_size": _WIDTH,
    "intermediate_size": _WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def _saved(folder: Path, build: Callable[[], Any]) -> ModelFiles:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        build().save_pretrained(folder)
    return files_of(folder)


def _vae_16(**options: Any) -> Any:
    return _vae(latent_channels=16, use_quant_conv=False, use_post_quant_conv=False, **options)


def _t5(width: int) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=len(_t5_tokenizer()), d_model=width, d_kv=8, d_ff=width, num_layers=1, num_heads=4)
    )


def _t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    signs = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    signs += [(chr(code), -4.0) for code in range(33, 127)]
    signs += [(f"▁{word}", -1.0) for word in ("a", "red", "green", "blue", "apple", "soft", "hard", "light")]
    return T5Tokenizer(vocab=signs, extra_ids=0, model_max_length=512)


def _chat_tokenizer() -> Any:
    """As Qwen's: pieces of bytes, and the signs around what is said in a conversation."""
    from transformers import PreTrainedTokenizerFast

    made = PreTrainedTokenizerFast(
        tokenizer_object=trained_tokenizer(),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    made.chat_template = _CHAT
    return made


def _gemma_tokenizer() -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=trained_tokenizer(), bos_token="<bos>", eos_token="<eos>", pad_token="<pad>"
    )
