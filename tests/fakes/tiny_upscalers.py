"""Tiny networks that enlarge pictures, of both forms that the Real-ESRGAN family loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.core.protocols import ModelFiles

CONFIG = {"model_type": "real-esrgan"}


def ncnn_model(folder: Path, scales: tuple[int, ...] = (2, 4)) -> ModelFiles:
    """For each scale a convolution and a shuffle: each pixel becomes itself, with a little of its neighbours."""
    folder.mkdir(parents=True)
    paths = {}
    for scale in scales:
        channels = 3 * scale * scale
        name = f"tiny-x{scale}plus"
        lines = [
            "7767517",
            "3 3",
            "Input            in      0 1 data",
            f"Convolution      conv    1 1 data c 0={channels} 1=3 4=1 5=1 6={channels * 27}",
            f"PixelShuffle     shuffle 1 1 c output 0={scale}",
        ]
        weights = np.random.default_rng(scale).normal(0, 0.02, (channels, 3, 3, 3))
        weights -= weights.mean(axis=(1, 2, 3), keepdims=True)
        for channel in range(channels):
            weights[channel, channel // scale**2, 1, 1] += 1
        (folder / f"{name}.param").write_text("\n".join(lines) + "\n")
        data = bytes(4) + weights.astype("<f4").tobytes() + np.zeros(channels, "<f4").tobytes()
        (folder / f"{name}.bin").write_bytes(data)
        paths |= {path.name: path for path in (folder / f"{name}.param", folder / f"{name}.bin")}
    return ModelFiles("tiny/ncnn", "real-esrgan", folder, paths, CONFIG, title="Tiny")


def torch_model(folder: Path, scale: int = 4, old_names: bool = False) -> ModelFiles:
    """A random RRDBNet of two blocks, as basicsr or, with `old_names`, as ESRGAN wrote it."""
    import torch
    from safetensors.torch import save_file

    from studio.nets.upscaler import RRDBNet

    folder.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        state = RRDBNet(scale, 2, 8, 4).state_dict()
    if old_names:
        layers = {"conv_first": 0, "conv_up1": 3, "conv_up2": 6, "conv_hr": 8, "conv_last": 10}
        renamed = {}
        for name, tensor in state.items():
            layer, _dot, rest = name.partition(".")
            if layer == "body":
                block, dense, conv, kind = rest.split(".")
                new = f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{kind}"
            else:
                new = f"model.1.sub.2.{rest}" if layer == "conv_body" else f"model.{layers[layer]}.{rest}"
            renamed[new] = tensor
        state = renamed
    path = folder / "tiny.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    config = {"single_file": f"real-esrgan-x{scale}", "scale": scale}
    return ModelFiles("tiny/torch", "real-esrgan", folder, {path.name: path}, config, title="Tiny")
