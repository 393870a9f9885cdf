"""Checkpoints that are one file of weights: their shapes and tokenizers come with the program.

What such a file is was found out when it was imported; its `config` says {"single_file": architecture, "part":
"pipeline", and perhaps "prediction" and "in_channels"}.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from studio.core import paths
from studio.core.protocols import ModelFiles

_INPAINTING = "-inpainting"
_PADDING = {("stable-diffusion-2", "tokenizer"): "!", ("stable-diffusion-xl", "tokenizer_2"): "!"}
_END = "<|endoftext|>"
_ZERO_SNR = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}


def is_pipeline(config: Mapping[str, Any], architectures: Collection[str]) -> bool:
    """Whether this is a whole pipeline of one of these architectures, or their inpainting model."""
    base = str(config.get("single_file") or "").removesuffix(_INPAINTING)
    return config.get("part") == "pipeline" and base in architectures


def config(files: ModelFiles, part: str) -> Mapping[str, Any]:
    """The configuration of a part, {} where there is none."""
    path = _shapes(files) / part / "config.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def load(files: ModelFiles, kind: Any, **options: Any) -> Any:
    """The pipeline of class `kind` of diffusers with the weights of the file. `options` go to diffusers."""
    source = _shapes(files)
    index = json.loads((source / "model_index.json").read_text(encoding="utf-8"))
    own = {name: tokenizer(_PADDING.get((source.name, name), _END)) for name in index if name.startswith("tokenizer")}
    with tempfile.TemporaryDirectory() as folder:
        shapes = Path(folder) / source.name
        shutil.copytree(source, shapes)
        _adapt(shapes, files.config)
        return kind.from_single_file(
            str(files.only(".safetensors")), config=str(shapes), local_files_only=True, **own, **options
        )


def tokenizer(padding: str = _END) -> Any:
    """CLIP's tokenizer; `padding` is what fills up a prompt."""
    from transformers import CLIPTokenizer

    lines = gzip.decompress(paths.asset("pipelines", "clip-merges.txt.gz").read_bytes()).decode("utf-8").splitlines()
    merges = [(first, second) for first, second in (line.split() for line in lines)]
    letters = list(_letters())
    signs = [*letters, *(letter + "</w>" for letter in letters), *("".join(merge) for merge in merges)]
    vocabulary = {sign: number for number, sign in enumerate([*signs, "<|startoftext|>", _END])}
    kind: Any = CLIPTokenizer  # its own types are narrower than what it takes
    return kind(vocab=vocabulary, merges=merges, pad_token=padding, model_max_length=77)


def _letters() -> str:
    """A letter for each byte, those that can be seen first, as CLIP and GPT-2 count them."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return "".join(map(chr, seen)) + "".join(chr(256 + index) for index in range(256 - len(seen)))


def _shapes(files: ModelFiles) -> Path:
    return paths.asset("pipelines", str(files.config["single_file"]).removesuffix(_INPAINTING))


def _adapt(shapes: Path, told: Mapping[str, Any]) -> None:
    """What the file itself says of how it differs from the usual model of its architecture."""
    if told.get("in_channels"):
        _change(shapes / "unet" / "config.json", {"in_channels": int(told["in_channels"])})
    if told.get("prediction"):
        settings = {"prediction_type": str(told["prediction"])}
        # Models of XL that predict v are trained down to pure noise.
        zero = shapes.name == "stable-diffusion-xl" and told["prediction"] == "v_prediction"
        _change(shapes / "scheduler" / "scheduler_config.json", {**settings, **(_ZERO_SNR if zero else {})})


def _change(path: Path, values: Mapping[str, Any]) -> None:
    known = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**known, **values}), encoding="utf-8")
