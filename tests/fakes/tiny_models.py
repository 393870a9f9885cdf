"""Tiny random-weight models of the real classes, built on the spot: real files, real loading, noise for results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import families
from studio.core.protocols import ModelFiles

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CORPUS = [
    "The keeper found a letter in the old lamp room, and the sea was quiet.",
    "Once upon a time a small red fox lived at the edge of the forest.",
    "Write a short story about a lighthouse. Write a poem about the sea.",
    "从前有一座山，山里有一座庙。灯塔的看守人找到一封信。",
]
CONTEXT = 512


def trained_tokenizer() -> Any:
    """A byte-level BPE tokenizer (`tokenizers.Tokenizer`) trained on `CORPUS`; some characters take several tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def build_llama(folder: Path, chat_template: str = CHAT_TEMPLATE) -> ModelFiles:
    """A Llama repository with a chat template."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=384,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=2,
        tie_word_embeddings=True,
    )
    return _save(folder, LlamaForCausalLM, config, chat_template)


def build_gpt2(folder: Path) -> ModelFiles:
    """A GPT-2 repository: an older class, and no chat template."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=384, n_embd=64, n_layer=2, n_head=4, n_positions=CONTEXT, bos_token_id=0, eos_token_id=0
    )
    return _save(folder, GPT2LMHeadModel, config, "")


def build_gguf(folder: Path, chat_template: str = CHAT_TEMPLATE) -> ModelFiles:
    """A Llama in a GGUF file."""
    import numpy as np
    from gguf import GGUFWriter

    width, inner, layers, heads, kv_heads, vocabulary = 64, 128, 2, 4, 2, 384
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_name("Tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    tokenizer = json.loads(trained_tokenizer().to_str())["model"]
    tokens = sorted(tokenizer["vocab"], key=tokenizer["vocab"].get)
    tokens += [f"[unused{number}]" for number in range(vocabulary - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in SPECIAL else 5 if token.startswith("[unused") else 1 for token in tokens])
    merges = tokenizer["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    if chat_template:
        writer.add_chat_template(chat_template)
    random = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        ones = name.endswith("norm.weight")
        values = np.ones(shape) if ones else random.normal(0, 0.3, shape)
        writer.add_tensor(name, values.astype(np.float32))

    kv_width = width // heads * kv_heads
    add("token_embd.weight", vocabulary, width)
    add("output_norm.weight", width)
    for layer in range(layers):
        block = f"blk.{layer}"
        add(f"{block}.attn_norm.weight", width)
        add(f"{block}.attn_q.weight", width, width)
        add(f"{block}.attn_k.weight", kv_width, width)
        add(f"{block}.attn_v.weight", kv_width, width)
        add(f"{block}.attn_output.weight", width, width)
        add(f"{block}.ffn_norm.weight", width)
        add(f"{block}.ffn_gate.weight", inner, width)
        add(f"{block}.ffn_up.weight", inner, width)
        add(f"{block}.ffn_down.weight", width, inner)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    from studio.families import gguf_file

    return ModelFiles("tiny", "gguf", folder, {path.name: path}, gguf_file.read(path).metadata, title="Tiny")


# One or more builders for every family: the conformance tests run with each.
BUILDERS: dict[str, tuple[Callable[[Path], ModelFiles], ...]] = {
    "gguf": (build_gguf,),
    "causal-lm": (build_llama, build_gpt2),
}


def _save(folder: Path, network_class: Any, config: Any, chat_template: str) -> ModelFiles:
    import torch
    from transformers import PreTrainedTokenizerFast

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_class(config)
        for weight in network.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, 0, 0.3)
    network.save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained_tokenizer(), eos_token=SPECIAL[2 if chat_template else 0], pad_token=SPECIAL[0]
    )
    if chat_template:
        tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)
    paths = {path.name: path for path in sorted(folder.iterdir())}
    loaded = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return ModelFiles(folder.name, families.recognise(loaded) or "", folder, paths, loaded, title="Tiny")
