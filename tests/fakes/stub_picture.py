"""A painter without weights, as a family for the real engine child and as a play for the fake one: a sticker whose
shape, colours and turn follow from prompt and seed. `SECONDS` in the environment is how long a step takes.
"""

from __future__ import annotations

import colorsys
import io
import json
import math
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from studio.core.errors import AtelierError
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo, ModelState
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import picturing_params as fields

MODULE = "tests.fakes.stub_picture"
MODEL = "imported/sticker"
SECONDS = "STUB_PICTURE_SECONDS"
SHAPES = ("rocket", "star", "planet", "apple")
DRAWING = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT)

SPEC = Family(
    id="stub-picture",
    version=1,
    medium=Medium.IMAGE,
    title="Sticker",
    tasks=(*DRAWING, Task.UPSCALE, Task.CUT_OUT),
    params=tuple(
        param if param.tasks else replace(param, tasks=DRAWING)
        for param in (
            fields.PROMPT,
            fields.NEGATIVE_PROMPT,
            *fields.sides(512, 512, 64),
            fields.steps(28),
            fields.guidance(6.5),
            fields.SEED,
            fields.NUM_IMAGES,
            fields.STRENGTH,
            fields.MASK_FEATHER,
            fields.LORAS,
            fields.CONTROLS,
            fields.REFERENCES,
            fields.scheduler(("EulerDiscreteScheduler", "DDIMScheduler")),
            fields.SEAMLESS,
            *fields.HIRES,
            fields.PRECISION,
        )
    ),
    formats=(".png",),
)


def info(model: str = MODEL, title: str = "Atelier Sticker", origin: str = "starter") -> ModelInfo:
    return ModelInfo(model, SPEC.id, Medium.IMAGE, title, DRAWING, ModelState.INSTALLED, origin, size=98_000_000)


UPSCALER = ModelInfo("stub-upscaler", SPEC.id, Medium.IMAGE, "Sharp ×4", (Task.UPSCALE,), ModelState.INSTALLED)
CUTTER = ModelInfo("stub-cutter", SPEC.id, Medium.IMAGE, "Cut out", (Task.CUT_OUT,), ModelState.INSTALLED)
LORAS = (
    ModelInfo("lora/clay", "lora", Medium.IMAGE, "Soft clay", (), ModelState.INSTALLED, "imported"),
    ModelInfo("lora/paper", "lora", Medium.IMAGE, "Paper cut", (), ModelState.INSTALLED, "imported"),
)
GUIDES = (
    ModelInfo("control/canny", "controlnet", Medium.IMAGE, "Canny edges", (), ModelState.INSTALLED, "hub"),
    ModelInfo("adapter/style", "ip-adapter", Medium.IMAGE, "Style", (), ModelState.INSTALLED, "hub"),
)
MODELS = (info(), info("imported/sketch", "Sketchbook", "imported"), UPSCALER, CUTTER, *LORAS, *GUIDES)


@dataclass
class Painting:
    """A play. `seconds` a step; `pause_at`: stands still after so many steps until `FakeEngine.release`; `fail`: the
    code of an error instead of the second picture."""

    seconds: float = 0.0
    pause_at: int | None = None
    fail: str = ""

    def __call__(self, request: Request, ctx: Any) -> list[Artifact]:
        params = {**{param.id: param.default for param in SPEC.params}, **request.params}
        return paint(params, request, ctx, self)


def paint(params: Mapping[str, Any], request: Request, ctx: Any, play: Painting) -> list[Artifact]:
    if request.task in (Task.UPSCALE, Task.CUT_OUT):
        return [_worked_on(request, ctx)]
    count, steps, made = params["num_images"], params["num_inference_steps"], []
    for number in range(count):
        if number and play.fail:
            raise AtelierError(play.fail, {"device": "CPU"})
        seed = int(params["seed"] or 0) + number
        picture = draw(params["prompt"], seed, params["width"], params["height"])
        if request.task is not Task.TEXT_TO_IMAGE:
            picture = _over(picture, request, ctx, params)
        for step in range(1, steps + 1):
            ctx.check_cancel()
            if play.seconds:
                ctx.sleep(play.seconds)
            ctx.preview(_noisy(picture, step / steps, seed), "image/jpeg")
            ctx.progress(number * steps + step, count * steps)
            if play.pause_at == number * steps + step:
                ctx.wait()
        facts = {"width": picture.width, "height": picture.height, "seed": seed, "prompt": params["prompt"]}
        made.append(ctx.write(f"image-{number + 1}.png", _png(picture), "image/png", facts))
    return made


def draw(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    """The sticker of `prompt` and `seed`: the same ones, the same bytes."""
    chance = np.random.default_rng([zlib.crc32(prompt.encode()), seed])
    words = np.random.default_rng(zlib.crc32(prompt.encode()))
    named = next((number for number, name in enumerate(SHAPES) if name in prompt.lower()), None)
    hue = (words.uniform() + chance.uniform() * 0.9) % 1
    light, deep = _colour(hue, 0.18, 1.0), _colour(hue, 0.38, 0.95)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = np.hypot(x / width - 0.45, y / height - 0.4)[..., None]
    ground = np.asarray(light) * (1 - far) + np.asarray(deep) * far
    side = min(width, height)
    board = Image.new("RGBA", (2 * side, 2 * side))
    kind = int(words.integers(4)) if named is None else named
    _shape(ImageDraw.Draw(board), kind, side, float(words.uniform()), chance)
    board = board.rotate(float(chance.uniform(-35, 35)), Image.Resampling.BICUBIC)
    board = board.resize((side, side), Image.Resampling.LANCZOS)
    edge = board.getchannel("A").filter(ImageFilter.MaxFilter(2 * max(1, side // 64) + 1))
    shadow = edge.filter(ImageFilter.GaussianBlur(side / 40)).point([value // 4 for value in range(256)])
    picture = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    place = ((width - side) // 2, (height - side) // 2)
    picture.paste((70, 40, 50), (place[0], place[1] + side // 50), shadow)
    picture.paste((255, 255, 255), place, edge)
    picture.paste(board, place, board)
    return picture


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _shape(pen: ImageDraw.ImageDraw, kind: int, side: int, hue: float, chance: np.random.Generator) -> None:
    """One of four things, about as large as two thirds of the board, which is 2 × `side` px."""
    body, dark = _colour(hue, 0.75, 0.95), _colour(hue, 0.85, 0.6)
    other = _colour((hue + 0.45) % 1, 0.6, 1.0)
    middle, size = side, side * float(chance.uniform(0.6, 0.72))
    if kind == 0:  # a rocket
        pen.polygon(_points([(-0.45, 0.4), (-0.75, 0.95), (0.75, 0.95), (0.45, 0.4)], middle, size), dark)
        pen.ellipse(_box(-0.45, -1.0, 0.45, 0.85, middle, size), (238, 238, 244))
        pen.pieslice(_box(-0.45, -1.0, 0.45, 0.85, middle, size), 235, 305, body)
        pen.ellipse(_box(-0.2, -0.35, 0.2, 0.05, middle, size), other)
    elif kind == 1:  # a star
        angles = [math.pi / 5 * number - math.pi / 2 for number in range(10)]
        ring = [(math.cos(a) * (1, 0.45)[n % 2], math.sin(a) * (1, 0.45)[n % 2]) for n, a in enumerate(angles)]
        pen.polygon(_points(ring, middle, size), body)
    elif kind == 2:  # a planet
        pen.ellipse(_box(-0.7, -0.7, 0.7, 0.7, middle, size), body)
        pen.ellipse(_box(-0.4, -0.45, -0.05, -0.1, middle, size), other)
        pen.line(_points([(-1.0, 0.3), (1.0, -0.3)], middle, size), dark, round(size / 6))
    else:  # an apple
        pen.ellipse(_box(-0.75, -0.5, 0.15, 0.85, middle, size), body)
        pen.ellipse(_box(-0.15, -0.5, 0.75, 0.85, middle, size), body)
        pen.line(_points([(0, -0.4), (0.12, -0.85)], middle, size), (90, 60, 40), round(size / 14))
        pen.ellipse(_box(0.1, -0.95, 0.6, -0.65, middle, size), _colour(0.33, 0.7, 0.7))


def _points(points: list[tuple[float, float]], middle: float, size: float) -> list[tuple[float, float]]:
    return [(middle + x * size, middle + y * size) for x, y in points]


def _box(left: float, top: float, right: float, bottom: float, middle: float, size: float) -> list[float]:
    return [middle + value * size for value in (left, top, right, bottom)]


def _over(picture: Image.Image, request: Request, ctx: Any, params: Mapping[str, Any]) -> Image.Image:
    with Image.open(ctx.input("image")) as opened:
        before = opened.convert("RGB").resize(picture.size)
    if request.task is Task.IMAGE_TO_IMAGE:
        return Image.blend(before, picture, params["strength"])
    with Image.open(ctx.input("mask")) as opened:
        mask = opened.convert("L").resize(picture.size)
    return Image.composite(picture, before, mask.filter(ImageFilter.GaussianBlur(params["mask_feather"] / 2)))


def _worked_on(request: Request, ctx: Any) -> Artifact:
    with Image.open(ctx.input("image")) as opened:
        picture = opened.convert("RGBA")
    if request.task is Task.UPSCALE:
        picture = picture.convert("RGB").resize((2 * picture.width, 2 * picture.height))
    else:
        alpha = Image.new("L", picture.size)
        edge = picture.width // 6
        ImageDraw.Draw(alpha).ellipse((edge, edge, picture.width - edge, picture.height - edge), 255)
        picture.putalpha(alpha)
    ctx.progress(1, 1)
    return ctx.write("image.png", _png(picture), "image/png", {"width": picture.width, "height": picture.height})


def _noisy(picture: Image.Image, share: float, seed: int) -> bytes:
    """What is seen at `share` of the way."""
    small = picture.copy()
    small.thumbnail((128, 128))
    noise = np.random.default_rng(seed).integers(0, 256, (small.height, small.width, 3), np.uint8)
    stream = io.BytesIO()
    Image.blend(Image.fromarray(noise), small, min(1.0, 0.2 + 0.8 * share)).save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


# -- the family -----------------------------------------------------------------------------------------------


class _Patient:
    """A context that can wait, as the fake one does."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._ctx.check_cancel()
            time.sleep(0.01)


def install(models_dir: Path) -> str:
    folder = models_dir / "imported" / "sticker"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "atelier-sticker"}), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    return MODEL


def recognises(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") == "atelier-sticker"


def estimate(files: ModelFiles, device: Device) -> int:
    return 1000


def load(files: ModelFiles, device: Device) -> object:
    return object()


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    return params


def run(model: object, request: Request, ctx: Context) -> list[Artifact]:
    checked = SPEC.check(request)
    return paint(checked.params, checked, _Patient(ctx), Painting(float(os.environ.get(SECONDS, "0"))))
