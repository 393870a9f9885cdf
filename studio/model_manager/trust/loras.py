"""Which base model a LoRA belongs to, by the names it changes and the shapes it changes them with.

Three manners of naming are read: kohya's ("lora_unet_…"), diffusers' and PEFT's ("unet.…lora_A.weight"), and the
original models' own names behind "diffusion_model.".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from studio.model_manager.trust.safetensors_file import Tensor

# How wide the text is that cross-attention looks at, the size that tells the UNets apart.
BY_WIDTH = {
    768: "stable-diffusion-1",
    1024: "stable-diffusion-2",
    2048: "stable-diffusion-xl",
    1280: "stable-diffusion-xl-refiner",
}
_DOWN = re.compile(r"(.*?)\.(lora_down\.weight|lora_A\.(default\.)?weight|lora\.down\.weight|hada_w1_b|lokr_w1(_b)?)$")
_MARKS = ("lora_down", "lora_up", "lora_A.", "lora_B.", "lora.down", "lora.up", "hada_w1", "lokr_w", "_lora.down")
_CROSS = re.compile(r".*attn2[._]to_[kv]$|.*attn2[._]processor[._]to_[kv]_lora$")


def base_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str | None:
    """The architecture that the LoRA changes, "" for an unknown one, None when this is no LoRA."""
    marked = sum(any(mark in name for mark in _MARKS) for name in tensors)
    if marked * 2 < len(tensors) or not marked:  # checkpoints have none; scales ("alpha") and offsets go with each
        return None
    downs = {match[1]: tensor for name, tensor in tensors.items() if (match := _DOWN.match(name))}
    return _by_shape(downs) or _by_words(metadata) or ""


def _by_shape(downs: Mapping[str, Tensor]) -> str:
    names = " ".join(downs)
    for name, tensor in downs.items():
        if _CROSS.match(name) and len(tensor.shape) >= 2 and tensor.shape[1] in BY_WIDTH:
            return BY_WIDTH[tensor.shape[1]]
    widths = {tensor.shape[1] for tensor in downs.values() if len(tensor.shape) >= 2}
    if re.search(r"single_transformer_blocks[._]\d|(double|single)_blocks[._]\d", names):
        # FLUX.1 is 3072 wide; FLUX.2 has other widths.
        return "flux-1" if 3072 in widths else "flux-2" if widths & {4096, 6144} else ""
    if re.search(r"joint_blocks[._]\d", names):
        return "stable-diffusion-3"
    if re.search(r"transformer_blocks[._]\d+[._](attn[._]|img_mlp|txt_mlp|img_mod|txt_mod)", names):
        return _joint(names, widths)
    if re.search(r"layers[._]\d+[._](attention|feed_forward|adaLN_modulation)", names):
        return "z-image" if 3840 in widths else ""
    if re.search(r"(self_attn|mlp)[._](q_proj|k_proj|v_proj|gate_proj)", names) and not re.search(
        r"lora_te|text_enc", names
    ):
        return "text-model"
    return ""


def _joint(names: str, widths: set[int]) -> str:
    """Transformers that treat picture and text in the same blocks, in diffusers' names."""
    if widths & {1536, 2432}:
        return "stable-diffusion-3"
    if 3072 not in widths:
        return ""
    if re.search(r"(img|txt)_(mlp|mod)", names):
        return "qwen-image"
    if re.search(r"[._]ff(_context)?[._]net", names):
        return "flux-1"
    # Both are as wide; FLUX.1 has 19 such blocks, Qwen-Image 60.
    highest = max(map(int, re.findall(r"transformer_blocks[._](\d{1,4})[._]", names)), default=0)
    return "qwen-image" if highest >= 19 else ""


def _by_words(metadata: Mapping[str, str]) -> str:
    """What the trainer wrote down, where the shapes do not say it (a LoRA of the text encoder alone)."""
    told = f"{metadata.get('modelspec.architecture', '')} {metadata.get('ss_base_model_version', '')}".lower()
    words = (
        *(("stable-diffusion-xl", "stable-diffusion-xl"), ("sdxl", "stable-diffusion-xl")),
        *(("stable-diffusion-v1", "stable-diffusion-1"), ("sd_v1", "stable-diffusion-1")),
        *(("stable-diffusion-v2", "stable-diffusion-2"), ("sd_v2", "stable-diffusion-2")),
        *(("stable-diffusion-3", "stable-diffusion-3"), ("sd3", "stable-diffusion-3")),
        *(("flux-1", "flux-1"), ("flux1", "flux-1")),
    )
    return next((base for word, base in words if word in told), "")
