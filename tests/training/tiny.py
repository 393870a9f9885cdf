"""A recipe, a text encoder and eight pictures that train in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from tqdm import tqdm
from transformers import BertConfig, BertModel, BertTokenizer

tqdm.monitor_interval = 0  # its thread would outlive the test in which the first model is written
THINGS = ("apple", "boat", "cup", "drum", "egg", "fish", "gem", "hat")
PAINTS = ("red", "orange", "gold", "green", "blue", "purple", "hotpink", "saddlebrown")

RECIPE = """
kind = "pictures"
title = "Tiny"
size = 32
seed = 3
text_encoder = "tiny"
tokens = 8
hold_out = 0.2
painted = 0.2

[autoencoder]
crop = 16
schedule = { steps = 60, batch = 8, learning_rate = 5e-3, warm_up = 5 }
[autoencoder.shape]
latent_channels = 4
encoder_channels = 8
encoder_blocks = [0, 1, 1]
decoder_channels = 8
decoder_blocks = [1, 1, 0]

[denoiser]
shape = { channels = [32, 32], attention = [false, true], blocks = 1, heads = 2 }
schedule = { steps = 40, batch = 8, learning_rate = 2e-3, warm_up = 5, ema = 0.9 }

[decoder]
crop = 32
schedule = { steps = 4, batch = 4, learning_rate = 1e-3, decay = 1.0 }

[[sources]]
name = "Eight shapes"
what = "drawn for this test"
licence = "Apache-2.0"
"""


def write_recipe(folder: Path, **changes: str) -> Path:
    text = RECIPE
    for old, new in changes.items():
        text = text.replace(old, new)
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


def write_pictures(folder: Path) -> Path:
    """Eight PNG with a transparent ground and, as text files, what they show."""
    data = folder / "data"
    data.mkdir()
    for index, (thing, paint) in enumerate(zip(THINGS, PAINTS, strict=True)):
        image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
        box = (4 + index, 4, 30, 36 - index)
        ImageDraw.Draw(image).__getattribute__("ellipse" if index % 2 else "rectangle")(box, fill=paint)
        image.save(data / f"{index}.png")
        (data / f"{index}.txt").write_text(thing, encoding="utf-8")
    return data


def write_text_encoder(folder: Path) -> Path:
    encoder = folder / "encoder"
    encoder.mkdir()
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "an", "red", "blue", *THINGS)
    (encoder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizer(vocab={word: index for index, word in enumerate(words)}).save_pretrained(encoder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(encoder)
    return encoder


def write_list(data: Path) -> None:
    """Name the pictures by code points and describe them in an emoji list, as emojibase does."""
    entries = []
    for index, thing in enumerate(THINGS):
        code = f"1F60{index}-FE0F"
        (data / f"{index}.png").rename(data / f"{code.lower().replace('-fe0f', '')}.png")
        entries.append({"hexcode": code, "label": thing, "tags": ["thing", "toy", thing], "group": 4, "subgroup": 42})
    entries[3] |= {"group": 9, "subgroup": 98}
    (data / "data.json").write_text(json.dumps(entries), encoding="utf-8")
