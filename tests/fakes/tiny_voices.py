"""Tiny models of every family that speaks: real files, real loading, hums and noise for speech.

The ONNX files are written field by field (onnx.proto3), so that no package is needed to build them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from studio import families
from studio.core.protocols import ModelFiles

_FLOAT, _INT64 = 1, 7
_LETTERS = " abcdefghijklmnopqrstuvwxyz'-"


def build_hibari(folder: Path) -> ModelFiles:
    """The inputs and outputs of a Hibari voice: eight frames for each sign, noise with a hum of 150 Hz."""
    folder.mkdir(parents=True)
    node = _Graph()
    frames = node("Cast", node("Mul", _length(node, "ids"), _number(8.0)), to=_INT64)
    frames = node("Cast", node("Div", node("Cast", frames, to=_FLOAT), "speed"), to=_INT64)
    shape = node("Concat", _whole([1, 601]), frames, axis=0)
    for name, value in (("lh", -6.0), ("th", 0.0), ("ln", -1.0), ("lr", -9.0), ("phi", 0.0)):
        node("Expand", _array(np.full((1, 1, 1), value)), shape, to_name=name)
    node("Expand", _array(np.full((1, 1), 150.0)), node("Concat", _whole([1]), frames, axis=0), to_name="f0")
    inputs = {"ids": (_INT64, [1, "length"]), "speed": (_FLOAT, [1])}
    outputs: dict[str, Any] = {name: (_FLOAT, [1, 601, "frames"]) for name in ("lh", "th", "ln", "lr", "phi")}
    (folder / "hibari.onnx").write_bytes(node.model(inputs, {**outputs, "f0": (_FLOAT, [1, "frames"])}))
    _vocabulary(folder / "vocab.json", wrapped=False)
    return _files(folder, "hibari", {"model_type": "hibari", "voice": "heart"})


def build_kokoro(folder: Path) -> ModelFiles:
    """The inputs and the output of Kokoro: 1,200 frames for each sign, a hum whose height is the style's mean."""
    folder.mkdir(parents=True)
    node = _Graph()
    end = node("Div", node("Mul", _length(node, "tokens"), _number(1200.0)), "speed")
    time = node("Range", _scalar(0.0), node("Squeeze", end), _scalar(1.0))
    height = node("Add", node("ReduceMean", "style", keepdims=0), _scalar(0.05))
    node("Mul", node("Sin", node("Mul", time, height)), _scalar(0.3), to_name="audio")
    inputs = {"tokens": (_INT64, [1, "length"]), "style": (_FLOAT, [1, 256]), "speed": (_FLOAT, [1])}
    (folder / "model.onnx").write_bytes(node.model(inputs, {"audio": (_FLOAT, ["frames"])}))
    _vocabulary(folder / "vocab.json", wrapped=True)
    random = np.random.default_rng(0)
    styles = {
        name: np.full((510, 1, 256), height) + random.normal(0, 1e-4, (510, 1, 256))
        for name, height in (("jm_kumo", 0.0), ("jf_alpha", 0.02))
    }
    np.savez(folder / "voices.npz", allow_pickle=False, **{name: style.astype("f4") for name, style in styles.items()})
    return _files(folder, "kokoro", {"model_type": "style_text_to_speech_2"})


def build_vits(folder: Path) -> ModelFiles:
    """A VITS repository of the kind of MMS, for English."""
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    config = VitsConfig(
        vocab_size=len(_LETTERS) + 1,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=32,
        flow_size=16,
        spectrogram_bins=9,
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        duration_predictor_num_flows=1,
        duration_predictor_filter_channels=16,
        depth_separable_num_layers=1,
        upsample_initial_channel=32,
        upsample_rates=[8, 8, 4],
        upsample_kernel_sizes=[16, 16, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        sampling_rate=16_000,
    )
    folder.mkdir(parents=True)
    signs = {sign: index for index, sign in enumerate(["_", *_LETTERS])}
    (folder / "signs.json").write_text(json.dumps(signs), encoding="utf-8")
    tokenizer = VitsTokenizer(
        str(folder / "signs.json"), pad_token="_", unk_token="_", language="eng", phonemize=False, normalize=True
    )
    (folder / "signs.json").unlink()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        VitsModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return _repository(folder)


def build_speecht5(folder: Path) -> ModelFiles:
    """A SpeechT5 repository with its vocoder and two speakers."""
    import sentencepiece
    import torch
    from transformers import (
        SpeechT5Config,
        SpeechT5ForTextToSpeech,
        SpeechT5HifiGan,
        SpeechT5HifiGanConfig,
        SpeechT5Tokenizer,
    )

    (folder / "speakers").mkdir(parents=True)
    model = folder / "signs.model"
    with model.open("wb") as writer:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([_LETTERS, _LETTERS.upper(), "The small red fox, again.", "0123456789"]),
            model_writer=writer,
            model_type="char",
            vocab_size=70,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    tokenizer = SpeechT5Tokenizer(str(model))
    config = SpeechT5Config(
        vocab_size=len(tokenizer),
        hidden_size=24,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=32,
        speech_decoder_prenet_units=32,
        speech_decoder_postnet_units=16,
        speech_decoder_postnet_layers=2,
        speaker_embedding_dim=8,
    )
    vocoder = SpeechT5HifiGanConfig(
        upsample_initial_channel=16, resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3, 5]]
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        SpeechT5ForTextToSpeech(config).save_pretrained(folder)
        sounding = SpeechT5HifiGan(vocoder)
        for weight in sounding.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, 0, 0.3)
        sounding.save_pretrained(folder / "vocoder")
    tokenizer.save_pretrained(folder)
    model.unlink()
    random = np.random.default_rng(0)
    for name in ("anna", "bert"):
        np.save(folder / "speakers" / f"{name}.npy", random.normal(size=8).astype("f4"))
    return _repository(folder)


BUILDERS: dict[str, Callable[[Path], ModelFiles]] = {
    "hibari": build_hibari,
    "kokoro": build_kokoro,
    "vits": build_vits,
    "speecht5": build_speecht5,
}


def _vocabulary(path: Path, wrapped: bool) -> None:
    """Every sign of misaki's alphabet that a front end writes."""
    signs = ';:,.!?—…"()“” ̃ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyz'
    signs += "ɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
    numbered = {sign: index for index, sign in enumerate(signs, 1)}
    path.write_text(json.dumps({"vocab": numbered} if wrapped else numbered, ensure_ascii=False), encoding="utf-8")


def _repository(folder: Path) -> ModelFiles:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return _files(folder, families.recognise(config) or "", config)


def _files(folder: Path, family: str, config: dict[str, Any]) -> ModelFiles:
    paths = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    return ModelFiles(folder.name, family, folder, paths, config, title="Tiny")


# onnx.proto3: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3


class _Graph:
    """Nodes as they are called; a constant may stand where a name does."""

    def __init__(self) -> None:
        self._nodes = b""
        self._count = 0

    def __call__(self, op: str, *inputs: str | bytes, to_name: str = "", **attributes: int) -> str:
        names = [self._constant(item) if isinstance(item, bytes) else item for item in inputs]
        return self._add(op, names, to_name, [_attribute(name, value) for name, value in attributes.items()])

    def model(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> bytes:
        graph = self._nodes + _field(2, b"tiny")
        graph += b"".join(_field(11, _value(name, *kind)) for name, kind in inputs.items())
        graph += b"".join(_field(12, _value(name, *kind)) for name, kind in outputs.items())
        return _varint(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _varint(2, 17))

    def _constant(self, tensor: bytes) -> str:
        return self._add("Constant", [], "", [_field(1, b"value") + _field(5, tensor) + _varint(20, 4)])

    def _add(self, op: str, inputs: list[str], to_name: str, attributes: list[bytes]) -> str:
        self._count += 1
        name = to_name or f"n{self._count}"
        node = b"".join(_field(1, item.encode()) for item in inputs) + _field(2, name.encode())
        node += _field(4, op.encode()) + b"".join(_field(5, attribute) for attribute in attributes)
        self._nodes += _field(1, node)
        return name


def _length(node: _Graph, name: str) -> str:
    """The number of signs, as a float of shape (1,)."""
    return node("Cast", node("Gather", node("Shape", name), _whole([1])), to=_FLOAT)


def _attribute(name: str, value: int) -> bytes:
    return _field(1, name.encode()) + _varint(3, value) + _varint(20, 2)


def _tensor(array: np.ndarray[Any, Any], kind: int) -> bytes:
    return b"".join(_varint(1, size) for size in array.shape) + _varint(2, kind) + _field(9, array.tobytes())


def _whole(values: list[int]) -> bytes:
    return _tensor(np.array(values, "<i8"), _INT64)


def _array(values: Any) -> bytes:
    return _tensor(np.asarray(values, "<f4"), _FLOAT)


def _number(value: float) -> bytes:
    return _array([value])


def _scalar(value: float) -> bytes:
    return _array(value)


def _value(name: str, kind: int, shape: list[int | str]) -> bytes:
    sizes = b"".join(
        _field(1, _field(2, size.encode()) if isinstance(size, str) else _varint(1, size)) for size in shape
    )
    return _field(1, name.encode()) + _field(2, _field(1, _varint(1, kind) + _field(2, sizes)))


def _field(number: int, data: bytes) -> bytes:
    return _plain(number << 3 | 2) + _plain(len(data)) + data


def _varint(number: int, value: int) -> bytes:
    return _plain(number << 3) + _plain(value)


def _plain(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
