"""Recipes in pictures, and the settings that other studios leave in theirs."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from studio.core.errors import AtelierError
from studio.core.jobs import Medium, Task
from studio.core.recipe import DIGITAL_SOURCE_TYPE, Recipe
from studio.media import carriers, picture_files, picture_tags, pictures
from studio.media.pictures import Export, Picture

PIXELS = np.random.default_rng(3).integers(0, 255, (20, 30, 3), np.uint8)
PARAMS: dict[str, Any] = {
    "prompt": "一盏红灯笼 <b>&\n雪夜",
    "negative_prompt": "模糊",
    "num_inference_steps": 20,
    "guidance_scale": 7.5,
    "seed": 4_294_967_294,
    "width": 512,
    "height": 768,
    "scheduler": "EulerAncestralDiscreteScheduler",
    "clip_skip": 1,
    "loras": [{"model": "folder/灯.safetensors", "weight": 0.8}],
}
RECIPE = Recipe(Medium.IMAGE, "stable-diffusion", 1, "a/b: c", Task.TEXT_TO_IMAGE, PARAMS, parents=("a",), app="0.1")
SUFFIXES = (".png", ".jpg", ".webp")


def picture_file(path: Path, alpha: bool = False, export: Export | None = None) -> Path:
    pixels = np.dstack([PIXELS, PIXELS[..., 0]]) if alpha else PIXELS
    pictures.write(path, Picture(pixels), export)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("export", [None, Export(quality=100, profile="Display P3")])
@pytest.mark.parametrize("alpha", [False, True])
def test_round_trip(tmp_path: Path, suffix: str, export: Export | None, alpha: bool) -> None:
    path = picture_file(tmp_path / f"灯{suffix}", alpha, export)
    before = pictures.read(path)
    carriers.embed(path, replace(RECIPE, title="an older one"))
    carriers.embed(path, RECIPE)
    assert carriers.extract(path) == RECIPE
    assert carriers.companions(path) == ()
    found = pictures.read(path)
    assert np.array_equal(found.pixels, before.pixels) and found.profile == before.profile
    data = path.read_bytes()
    assert data.count(DIGITAL_SOURCE_TYPE.encode()) == 2  # the recipe and the field of XMP
    assert data.count(b"an older one") == 0
    carriers.embed(path, RECIPE)
    assert path.read_bytes() == data
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_programs_find_the_words(tmp_path: Path, suffix: str) -> None:
    path = picture_file(tmp_path / f"a{suffix}")
    carriers.embed(path, RECIPE)
    with Image.open(path) as image:
        image.load()
        if suffix == ".png":
            assert isinstance(image, PngImagePlugin.PngImageFile)
            text = str(image.text["parameters"])
            assert "Iptc4xmpExt:DigitalSourceType" in str(image.text["XML:com.adobe.xmp"])
        else:
            comment = image.getexif().get_ifd(0x8769)[0x9286]
            text = comment[8:].decode("utf-16-be")
            assert b"Iptc4xmpExt:DigitalSourceType" in image.info["xmp"]
        lines = text.split("\n")
        assert lines[:3] == ["一盏红灯笼 <b>&", "雪夜 <lora:灯:0.8>", "Negative prompt: 模糊"]
        assert lines[3].startswith(
            "Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 4294967294, Size: 512x768, Model:"
        )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_long_recipe_fits(tmp_path: Path, suffix: str) -> None:
    path = picture_file(tmp_path / f"a{suffix}")
    before = pictures.read(path).pixels
    long = replace(RECIPE, params={**PARAMS, "prompt": "灯火" * 100_000})
    carriers.embed(path, long)
    assert carriers.extract(path) == long
    assert np.array_equal(pictures.read(path).pixels, before)


def test_a_picture_without_a_prompt_has_no_parameters(tmp_path: Path) -> None:
    path = picture_file(tmp_path / "a.png")
    carriers.embed(path, replace(RECIPE, params={"scale": 4}, task=Task.UPSCALE))
    assert picture_files.read(path).foreign == {}
    assert carriers.extract(path).task == Task.UPSCALE


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parameters_that_are_there_stay(tmp_path: Path, suffix: str) -> None:
    path = picture_file(tmp_path / f"a{suffix}")
    carriers.embed(path, replace(RECIPE, params={**PARAMS, "prompt": "a resolved fox"}))
    carriers.embed(path, RECIPE)
    assert picture_files.read(path).foreign["parameters"].startswith("a resolved fox")
    assert carriers.extract(path) == RECIPE


def foreign(path: Path, **texts: str) -> Recipe:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_itxt(name, text) if name == "parameters" else info.add_text(name, text)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    return carriers.extract(path)


def test_our_own_parameters_are_read_back(tmp_path: Path) -> None:
    found = foreign(tmp_path / "a.png", parameters=picture_tags.parameters(RECIPE))
    assert dict(found.params) == {**PARAMS, "loras": [{"model": "灯", "weight": 0.8}]}
    assert (found.family, found.extra["source"], found.model) == ("", "A1111", "b: c")


def test_a1111(tmp_path: Path) -> None:
    text = (
        "masterpiece, a (red:1.2) fox\nin snow <lora:ink style:0.6>\nNegative prompt: blurry,\nlow quality\n"
        "Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 77, Size: 640x960, Model hash: 6ce0161689, "
        'Model: v1-5-pruned, Denoising strength: 0.4, Clip skip: 2, Lora hashes: "ink: 1a, b: 2", '
        "Hires upscale: 2, Hires upscaler: Latent, Version: v1.6.0"
    )
    found = foreign(tmp_path / "a.png", parameters=text)
    assert found.model == "v1-5-pruned" and found.task == Task.TEXT_TO_IMAGE
    assert found.params == {
        "prompt": "masterpiece, a (red:1.2) fox\nin snow",
        "negative_prompt": "blurry,\nlow quality",
        "num_inference_steps": 28,
        "guidance_scale": 6.5,
        "seed": 77,
        "width": 640,
        "height": 960,
        "scheduler": "DPMSolverMultistepScheduler",
        "loras": [{"model": "ink style", "weight": 0.6}],
        "hires": True,
        "hires_scale": 2.0,
        "hires_strength": 0.4,
        "clip_skip": 1,
    }
    only = foreign(tmp_path / "b.png", parameters="just words: nothing else")
    assert only.params == {"prompt": "just words: nothing else"}
    odd = foreign(
        tmp_path / "c.png", parameters="a\nSteps: 9999999, CFG scale: nan, Seed: -1, Size: 0x99999, Model: /etc/x"
    )
    assert odd.params == {"prompt": "a"} and odd.model == "x"
    again = foreign(tmp_path / "d.png", parameters="a\nSteps: 4, Denoising strength: 0.5, Tiling: True")
    assert again.task == Task.IMAGE_TO_IMAGE and again.params["strength"] == 0.5
    assert again.params["seamless"] == "both"


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
def test_a1111_in_exif(tmp_path: Path, suffix: str, order: str) -> None:
    exif = Image.Exif()
    exif[0x8769] = {0x9286: b"UNICODE\0" + "红灯笼 lantern\nSteps: 5, Seed: 3".encode(order)}
    Image.fromarray(PIXELS).save(tmp_path / f"a{suffix}", exif=exif)
    assert carriers.extract(tmp_path / f"a{suffix}").params == {
        "prompt": "红灯笼 lantern",
        "num_inference_steps": 5,
        "seed": 3,
    }


GRAPH: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42,
            "steps": 12,
            "cfg": 5.5,
            "sampler_name": "euler_ancestral",
            "scheduler": "normal",
            "denoise": 1,
            "model": ["10", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "SD1.5\\dream.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["11", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["20", 0], "vae": ["4", 2]}},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.5, "model": ["4", 0]},
    },
    "11": {"class_type": "PrimitiveString", "inputs": {"value": "一只猫"}},
    "20": {
        "class_type": "KSampler",
        "inputs": {"seed": 9, "steps": 99, "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["3", 0]},
    },
}


def test_comfyui_as_it_was_run(tmp_path: Path) -> None:
    found = foreign(tmp_path / "a.png", prompt=json.dumps(GRAPH), workflow="{}")
    assert (found.extra["source"], found.model, found.task) == ("ComfyUI", "dream", Task.TEXT_TO_IMAGE)
    assert found.params == {
        "prompt": "一只猫",
        "negative_prompt": "blurry",
        "num_inference_steps": 12,
        "guidance_scale": 5.5,
        "seed": 42,
        "width": 512,
        "height": 640,
        "scheduler": "EulerAncestralDiscreteScheduler",
        "loras": [{"model": "ink", "weight": 0.5}],
    }


def test_comfyui_with_parts_of_a_sampler(tmp_path: Path) -> None:
    graph = {
        "1": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {name: [name, 0] for name in ("noise", "guider", "sampler", "sigmas", "latent_image")},
        },
        "noise": {"class_type": "RandomNoise", "inputs": {"noise_seed": 5}},
        "guider": {"class_type": "BasicGuider", "inputs": {"model": ["m", 0], "conditioning": ["g", 0]}},
        "g": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["t", 0]}},
        "t": {"class_type": "CLIPTextEncode", "inputs": {"text": "a boat", "clip": ["c", 0]}},
        "sampler": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "sigmas": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 4, "denoise": 1}},
        "latent_image": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768}},
        "m": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-schnell.sft"}},
    }
    found = foreign(tmp_path / "a.png", prompt=json.dumps(graph))
    assert found.model == "flux1-schnell"
    assert found.params == {
        "prompt": "a boat",
        "seed": 5,
        "num_inference_steps": 4,
        "guidance_scale": 3.5,
        "width": 1024,
        "height": 768,
        "scheduler": "EulerDiscreteScheduler",
    }


def test_comfyui_as_its_editor_keeps_it(tmp_path: Path) -> None:
    nodes = [
        {
            "id": 3,
            "type": "KSampler",
            "widgets_values": [7, "randomize", 15, 6, "dpmpp_2m", "karras", 0.7],
            "inputs": [{"name": n, "link": i} for i, n in enumerate(("model", "positive", "negative", "latent_image"))],
        },
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["x.ckpt"]},
        {"id": 5, "type": "VAEEncode", "inputs": []},
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a fox"]},
        {"id": 7, "type": "CLIPTextEncode", "widgets_values": [""]},
    ]
    links = [[0, 4, 0, 3, 0, "MODEL"], [1, 6, 0, 3, 1, "C"], [2, 7, 0, 3, 2, "C"], [3, 5, 0, 3, 3, "LATENT"]]
    found = foreign(tmp_path / "a.png", workflow=json.dumps({"nodes": nodes, "links": links}))
    assert found.task == Task.IMAGE_TO_IMAGE and found.model == "x"
    assert found.params == {
        "prompt": "a fox",
        "seed": 7,
        "num_inference_steps": 15,
        "guidance_scale": 6.0,
        "strength": 0.7,
        "scheduler": "DPMSolverMultistepScheduler",
    }


def unreadable(path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        carriers.extract(path)
    assert caught.value.code == "recipe-unreadable" and path.name in str(caught.value)


def with_chunk(path: Path, name: bytes, data: bytes) -> Path:
    whole = pictures.encode(Picture(PIXELS))
    chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    path.write_bytes(whole[:33] + chunk + whole[33:])
    return path


def test_hostile_words_are_bounded(tmp_path: Path) -> None:
    tracemalloc.start()
    unreadable(with_chunk(tmp_path / "large.png", b"tEXt", b"parameters\0" + b"a" * (100 << 20)))
    tracemalloc.reset_peak()
    bomb = b"parameters\0\1\0\0\0" + zlib.compress(b"a" * (64 << 20), 9)
    found = carriers.extract(with_chunk(tmp_path / "bomb.png", b"iTXt", bomb))
    assert len(found.params["prompt"]) == 200_000
    unreadable(with_chunk(tmp_path / "deep.png", b"tEXt", b"atelier\0" + b'{"a":' * 100_000))
    unreadable(with_chunk(tmp_path / "graph.png", b"tEXt", b"prompt\0" + b"[" * 100_000))
    ring = {"a": {"class_type": "KSampler", "inputs": {"positive": ["a", 0], "model": ["a", 0], "steps": 3}}}
    assert foreign(tmp_path / "ring.png", prompt=json.dumps(ring)).params == {"num_inference_steps": 3}
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 << 20


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_and_empty_files_carry_nothing(tmp_path: Path, suffix: str) -> None:
    path = picture_file(tmp_path / f"whole{suffix}")
    unreadable(path)
    carriers.embed(path, RECIPE)
    data = path.read_bytes()
    for number, part in enumerate((b"", b"words", data[:30], data[:200], b"\xff\xd8\xff\xe1\0\0", b"RIFF\0\0\0\0WEBP")):
        (tmp_path / f"{number}{suffix}").write_bytes(part)
        unreadable(tmp_path / f"{number}{suffix}")
        with pytest.raises(ValueError):
            carriers.embed(tmp_path / f"{number}{suffix}", RECIPE)
        assert (tmp_path / f"{number}{suffix}").read_bytes() == part


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_damage_anywhere_is_said_in_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    Image.fromarray(PIXELS).save(path, kind)
    if path.suffix in (".png", ".jpeg", ".webp"):
        carriers.embed(path, RECIPE)
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    for number in range(60):
        data = bytearray(whole)
        for place in random.integers(0, min(len(data), 300), 4):
            data[place] = random.integers(0, 256)
        path.write_bytes(data if number % 2 else data[: random.integers(0, len(data))])
        for look in (pictures.read, pictures.size, carriers.extract):
            try:
                look(path)
            except AtelierError as error:
                assert path.name in str(error) or error.code == "picture-too-large"


@pytest.mark.parametrize(
    "text",
    [
        *("Steps: 1", "Negative prompt:", "\n\n", "a" * 300_000, "a, " * 100_000 + "\nSteps: 1" + ", x: " * 50_000),
        *('{"3": 4}', '{"nodes": [3, {"id": [], "type": 3, "widgets_values": 3, "inputs": [3]}], "links": [3, [3]]}'),
        '{"1": {"class_type": "KSampler", "inputs": {"positive": [[]], "seed": 1e999, "steps": "x", "cfg": []}}}',
    ],
)
def test_odd_words_never_break(text: str) -> None:
    for name in ("parameters", "prompt", "workflow"):
        try:
            found = picture_tags.from_foreign({name: text})
        except ValueError:
            continue
        assert Recipe.loads(found.dumps()) == found
