"""Which files of a model repository are needed, by their names alone: the layouts that several families share.

Names are as the hub has them, folders separated by "/". Pickled weights are never wanted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from studio.families import gguf_file

TOKENIZERS = (
    ("tokenizer.json",),
    ("tokenizer.model",),
    ("vocab.json", "merges.txt"),
    ("vocab.json", "tokenizer_config.json"),
    ("spm_char.model",),
)
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_BESIDE = (
    *("config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "spm_char.model", "sentencepiece.bpe.model", "chat_template.json"),
    *("chat_template.jinja", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE", "USE_POLICY.md"),
)
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d{5}-of-(\d{5})\.safetensors")
# Quantisations in the order in which one is chosen: four bits lose little and fit most computers.
_QUANTISATIONS = (
    *("Q4_K_M", "Q4_K_S", "Q5_K_M", "Q5_K_S", "Q4_K_L", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "Q6_K", "Q8_0"),
    *("Q3_K_L", "Q3_K_M", "Q5_1", "Q5_0", "BF16", "F16", "Q3_K_S", "IQ3_M", "Q2_K"),
)


def transformers_files(names: Collection[str]) -> tuple[str, ...]:
    """A configuration, a tokenizer and safetensors weights, whole or in parts; () where one of these is missing."""
    if "config.json" not in names or not any(all(name in names for name in names_) for names_ in TOKENIZERS):
        return ()
    weights = [_WEIGHTS] if _WEIGHTS in names else []
    if not weights and _INDEX in names:
        shards = [name for name in names if _SHARD.fullmatch(name)]
        counts = {match[1] for name in shards if (match := _SHARD.fullmatch(name))}
        if any(
            len([name for name in shards if name.endswith(f"-{count}.safetensors")]) >= int(count) for count in counts
        ):
            weights = [_INDEX, *sorted(shards)]
    return (*(name for name in _BESIDE if name in names), *weights) if weights else ()


def gguf_models(names: Collection[str]) -> list[list[str]]:
    """The files of each GGUF model that is whole; none of those for pictures."""
    return [parts for name in sorted(names) if (parts := _parts(name, names))]


def gguf_files(names: Collection[str]) -> tuple[str, ...]:
    """The GGUF model to choose among several: one usual quantisation with all its parts, none of those for pictures."""
    whole = gguf_models(names)
    if not whole:
        return ()
    chosen = min(whole, key=lambda parts: _rank(parts[0]))
    return (*chosen, *(name for name in ("LICENSE", "LICENSE.txt", "NOTICE") if name in names))


def is_pickled_only(names: Iterable[str]) -> bool:
    """Whether a repository has weights, and all of them in a format that can run code."""
    weights = [name for name in names if name.endswith((*PICKLED, ".safetensors", ".gguf", ".onnx"))]
    weights = [name for name in weights if name.rpartition("/")[2] not in ("training_args.bin", "optimizer.pt")]
    return bool(weights) and all(name.endswith(PICKLED) for name in weights)


def _parts(name: str, names: Collection[str]) -> list[str]:
    """All parts of the model that begins with the file called `name`; none where it begins none or one is missing."""
    file = name.rpartition("/")[2]
    if not file.endswith(".gguf") or file.casefold().startswith(("mmproj", "imatrix")):
        return []
    folder = name[: len(name) - len(file)]
    parts = [folder + part for part in gguf_file.part_names(file)]
    return parts if parts[0] == name and all(part in names for part in parts) else []


def _rank(name: str) -> tuple[int, str]:
    words = re.split(r"[-./]", name.upper())
    return next((rank for rank, kind in enumerate(_QUANTISATIONS) if kind in words), len(_QUANTISATIONS)), name
