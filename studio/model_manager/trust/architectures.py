"""Which model a set of tensors is, judged by the names and shapes that tell it from every other.

The names are the ones by which diffusers tells its single files apart (diffusers.loaders.single_file_utils), in the
order in which it asks; Real-ESRGAN's are those of basicsr's RRDBNet, and those of ESRGAN before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from studio.model_manager.trust import loras
from studio.model_manager.trust.safetensors_file import Tensor

Shapes = Mapping[str, Tensor]

_LDM = "model.diffusion_model."
_PREFIXES = (_LDM, "", "net.")


@dataclass(frozen=True)
class Architecture:
    """`kind` "checkpoint" or "lora"; `id` of the architecture; `part` "pipeline" (with its text encoders and VAE) or
    the one part that a file holds: "unet", "transformer", "vae", "controlnet", "adapter", "upscaler", "text-encoder",
    "embedding", "text-model"; `hints` that a loader may want: prediction, scale, in_channels …"""

    kind: str
    id: str
    part: str
    hints: Mapping[str, str | int] = field(default_factory=dict)


def recognise(tensors: Shapes, metadata: Mapping[str, str], numbers: Mapping[str, int] | None = None) -> Architecture:
    """The architecture of `tensors`; its `id` is empty for one that is not known. `metadata` is a safetensors file's,
    `numbers` what a trainer's checkpoint says beside its weights."""
    base = loras.base_of(tensors, metadata)
    if base is not None:
        return Architecture("lora", base, "lora")
    for rule in _RULES:
        if found := rule(_Names(tensors)):
            hints = {**found.hints, **_prediction(found.id, tensors, metadata, numbers or {})}
            return Architecture(found.kind, found.id, found.part, hints)
    return Architecture("checkpoint", "", "")


class _Names:
    """Looks names up with and without the prefixes that bundles put before a part's own names."""

    def __init__(self, tensors: Shapes) -> None:
        self.tensors = tensors

    def has(self, *names: str) -> bool:
        """Whether every one of the names is there, as it is."""
        return all(name in self.tensors for name in names)

    def some(self, name: str) -> tuple[int, ...] | None:
        """The shape of the part's tensor `name`, whatever prefix the file uses."""
        found = (self.tensors.get(prefix + name) for prefix in _PREFIXES)
        return next((tensor.shape for tensor in found if tensor), None)

    def size(self, name: str, axis: int) -> int:
        """One side of the tensor `name`, exactly as named; 0 where there is none."""
        tensor = self.tensors.get(name)
        return tensor.shape[axis] if tensor and -len(tensor.shape) <= axis < len(tensor.shape) else 0

    def any_of(self, pattern: str) -> re.Match[str] | None:
        find = re.compile(pattern).match
        return next((match for match in map(find, self.tensors) if match), None)

    def highest(self, pattern: str) -> int:
        """The largest number that `pattern` catches, -1 for none."""
        find = re.compile(pattern).match
        return max((int(match[1]) for match in map(find, self.tensors) if match and len(match[1]) < 6), default=-1)

    def part(self, alone: str) -> str:
        """ "pipeline" where the file brings a VAE or text encoders too, otherwise `alone`."""
        beside = r"(first_stage_model|cond_stage_model|conditioner|vae|text_encoders|text_encoder)\."
        return "pipeline" if self.any_of(beside) else alone


def _found(id: str, part: str, **hints: str | int) -> Architecture:
    return Architecture("checkpoint", id, part, hints)


def _control(names: _Names) -> Architecture | None:
    if names.has("control_model.time_embed.0.weight"):
        width = names.size("control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", -1)
        return _found(f"controlnet-{loras.BY_WIDTH.get(width, 'stable-diffusion-1')}", "controlnet")
    if names.has("controlnet_cond_embedding.conv_in.weight"):
        if names.has("add_embedding.linear_1.weight"):
            return _found("controlnet-stable-diffusion-xl", "controlnet")
        width = names.size("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", -1)
        return _found(f"controlnet-{loras.BY_WIDTH.get(width, 'stable-diffusion-1')}", "controlnet")
    if names.has("controlnet_x_embedder.weight", "transformer_blocks.0.attn.add_q_proj.weight"):
        return _found("controlnet-flux-1", "controlnet")
    if names.has("control_all_x_embedder.2-1.weight"):
        return _found("controlnet-z-image", "controlnet")
    return None


def _adapter(names: _Names) -> Architecture | None:
    if names.any_of(r"image_proj\.") and names.any_of(r"ip_adapter\."):
        match = names.any_of(r"ip_adapter\.\d+\.to_k_ip\.weight")
        width = names.size(match[0], -1) if match else 0
        return _found(f"ip-adapter-{loras.BY_WIDTH.get(width, 'unknown')}", "adapter")
    return None


def _latent_diffusion(names: _Names) -> Architecture | None:
    """The UNet models in their first authors' names."""
    channels = names.size(f"{_LDM}input_blocks.0.0.weight", 1)
    if not channels:
        return None
    part = names.part("unet")
    middle = f"{_LDM}input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
    width = names.size(middle, -1) or names.size(f"{_LDM}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight", -1)
    if names.has("edm_mean"):
        return _found("playground-2.5", part)
    if names.has("conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias") or width == 2048:
        name = "stable-diffusion-xl"
    elif names.has("conditioner.embedders.0.model.transformer.resblocks.9.mlp.c_proj.bias") or width == 1280:
        return _found("stable-diffusion-xl-refiner", part)
    elif names.has(f"{_LDM}input_blocks.10.0.skip_connection.bias"):
        return _found("stable-diffusion-x4-upscaler", part)
    elif width in (768, 1024):
        name = loras.BY_WIDTH[width]
    else:
        return None
    use = {4: "", 9: "-inpainting", 8: "-instruct-pix2pix", 5: "-depth"}.get(channels)
    return None if use is None else _found(name + use, part, in_channels=channels)


def _diffusers_unet(names: _Names) -> Architecture | None:
    """A UNet alone, in diffusers' names."""
    if not names.has("conv_in.weight", "time_embedding.linear_1.weight", "mid_block.resnets.0.conv1.weight"):
        return None
    block = 1 if names.size("down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight", -1) else 0
    width = names.size(f"down_blocks.{block}.attentions.0.transformer_blocks.0.attn2.to_k.weight", -1)
    name = loras.BY_WIDTH.get(width)
    use = {4: "", 9: "-inpainting", 8: "-instruct-pix2pix", 5: "-depth"}.get(names.size("conv_in.weight", 1))
    return _found(name + use, "unet") if name and use is not None else None


def _sd3(names: _Names) -> Architecture | None:
    if names.has("pos_embed.pos_embed", "transformer_blocks.0.norm1_context.linear.weight"):  # diffusers' names
        width, places = names.size("pos_embed.pos_embed", -1), names.size("pos_embed.pos_embed", 1)
        known = {(1536, 36864): "3", (1536, 147456): "3.5-medium", (2432, 36864): "3.5-large"}.get((width, places))
        return _found(f"stable-diffusion-{known}", "transformer") if known else None
    context = names.some("joint_blocks.0.context_block.adaLN_modulation.1.bias")
    if context is None:
        return None
    part = names.part("transformer")
    place = names.some("pos_embed") or ()
    if names.some("joint_blocks.37.x_block.mlp.fc1.weight"):
        return _found("stable-diffusion-3.5-large", part)
    if context[-1:] == (9216,) and place[1:2] == (147456,):
        return _found("stable-diffusion-3.5-medium", part)
    return _found("stable-diffusion-3", part)


def _flux(names: _Names) -> Architecture | None:
    part = names.part("transformer")
    if names.some("single_stream_modulation.lin.weight"):
        return _found("flux-2", part)
    if names.some("distilled_guidance_layer.in_proj.bias"):
        return _found("chroma", part)
    if names.some("double_blocks.0.img_attn.norm.key_norm.scale") is None:
        own = names.has(
            "single_transformer_blocks.0.proj_mlp.weight", "time_text_embed.timestep_embedder.linear_1.bias"
        )
        if not own:
            return None
        guided = names.has("time_text_embed.guidance_embedder.linear_1.weight")
        return _found("flux-1-dev" if guided else "flux-1-schnell", "transformer")
    if names.some("guidance_in.in_layer.bias") is None:
        return _found("flux-1-schnell", part)
    channels = (names.some("img_in.weight") or (0, 0))[-1]
    return _found({384: "flux-1-fill", 128: "flux-1-depth"}.get(channels, "flux-1-dev"), part, in_channels=channels)


def _transformers(names: _Names) -> Architecture | None:
    """Diffusion transformers that come as one file of their own."""
    part = names.part("transformer")
    if names.some("layers.0.adaLN_modulation.0.weight"):
        return _found("z-image", part)
    if names.some("cap_embedder.0.weight"):
        return _found("lumina-2", part)
    if names.some("txt_in.text_norm.weight"):
        return _found("qwen-image-2.1", part)
    if names.some("txt_norm.weight") and names.some("transformer_blocks.0.attn.add_q_proj.weight"):
        return _found("qwen-image", part)
    if names.some("adaln_single.linear.weight") and names.some("caption_projection.linear_1.weight"):
        sized = names.some("adaln_single.emb.resolution_embedder.linear_1.weight")
        return _found("pixart-alpha" if sized else "pixart", part)  # without it, alpha and sigma look the same
    if tokens := names.some("y_embedder.y_embedding"):
        return _found({120: "pixart-alpha", 300: "pixart-sigma"}.get(tokens[0], "pixart"), part)
    return None


def _vae(names: _Names) -> Architecture | None:
    for prefix in ("", "first_stage_model.", "vae."):
        if names.has(f"{prefix}decoder.conv_in.weight", f"{prefix}decoder.conv_out.weight"):
            weight = names.tensors[f"{prefix}decoder.conv_in.weight"]
            if len(weight.shape) != 4:
                return None
            return _found("autoencoder-kl", "vae", latent_channels=weight.shape[1])
    if names.has("decoder.layers.0.weight", "encoder.layers.0.weight") or names.has("taesd_decoder.1.weight"):
        return _found("autoencoder-tiny", "vae")
    return None


def _upscaler(names: _Names) -> Architecture | None:
    """RRDBNet. The ×2 model shrinks its input to a quarter of the area first: 12 channels instead of 3."""
    if names.has("conv_first.weight", "body.0.rdb1.conv1.weight", "conv_last.weight"):
        channels, blocks = names.size("conv_first.weight", 1), names.highest(r"body\.(\d+)\.rdb1\.")
        scale = {3: 4, 12: 2, 48: 1}.get(channels)
    elif names.has("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"):
        channels, blocks = names.size("model.0.weight", 1), names.highest(r"model\.1\.sub\.(\d+)\.RDB1\.")
        ups = names.highest(r"model\.(\d+)\.weight")  # 3, 6 … are the doublings, the last two the output
        scale = {4: 1, 7: 2, 10: 4, 13: 8}.get(ups)
    else:
        return None
    return _found(f"real-esrgan-x{scale}", "upscaler", scale=scale, blocks=blocks + 1) if scale else None


def _embedding(names: _Names) -> Architecture | None:
    if names.has("string_to_param.*") or (names.has("emb_params") and len(names.tensors) <= 2):
        width = names.size("string_to_param.*", -1) or names.size("emb_params", -1)
        return _found(f"textual-inversion-{loras.BY_WIDTH.get(width, 'unknown')}", "embedding")
    if names.has("clip_l", "clip_g") and len(names.tensors) <= 4:
        return _found("textual-inversion-stable-diffusion-xl", "embedding")
    return None


def _text(names: _Names) -> Architecture | None:
    if names.any_of(r"(text_model\.)?encoder\.layers\.0\.self_attn\.k_proj\.weight") and names.any_of(
        r"text_model\.embeddings\.token_embedding\.weight"
    ):
        return _found("clip-text", "text-encoder")
    if names.has("encoder.block.0.layer.0.SelfAttention.k.weight", "shared.weight"):
        return _found("t5", "text-encoder")
    causal = (
        r"(model\.|language_model\.|model\.language_model\.|language_model\.model\.)?layers\.0\.self_attn\.q_proj\.weight",
        r"(model\.)?layers\.0\.self_attn\.qkv_proj\.weight",
        r"(transformer\.)?h\.0\.(attn|self_attention)\.",
        r"gpt_neox\.layers\.0\.",
        r"(model\.|backbone\.)layers\.0\.(mixer|attention|attn)\.",
    )
    return _found("text-model", "text-model") if any(map(names.any_of, causal)) else None


_RULES: tuple[Callable[[_Names], Architecture | None], ...] = (
    *(_control, _adapter, _latent_diffusion, _diffusers_unet, _sd3, _flux, _transformers),
    *(_vae, _upscaler, _embedding, _text),
)


def _prediction(
    id: str, tensors: Shapes, metadata: Mapping[str, str], numbers: Mapping[str, int]
) -> dict[str, str | int]:
    """What the model was trained to predict, where the file says so; shapes alone cannot tell."""
    if not id.startswith("stable-diffusion-"):
        return {}
    told = metadata.get("modelspec.prediction_type") or metadata.get("modelspec.predict_key") or ""
    if "v_pred" in tensors or told in ("v", "v_prediction"):
        return {"prediction": "v_prediction"}
    if told in ("epsilon", "eps"):
        return {"prediction": "epsilon"}
    if id == "stable-diffusion-2" and "global_step" in numbers:
        # The only known release of version 2 that predicts the noise was written at this step (as in diffusers).
        return {"prediction": "epsilon" if numbers["global_step"] == 875_000 else "v_prediction"}
    return {}
