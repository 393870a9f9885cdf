"""A voice that hums, as a family for the real engine child and as a play for the fake one: `speaking.read_aloud` with a
model that needs no files. `SECONDS` in the environment is how long a sentence takes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo, ModelState, Voice
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import speaking

MODULE = "tests.fakes.stub_voice"
MODEL = "imported/hum"
RATE = 24_000
SECONDS = "STUB_VOICE_SECONDS"
LONG = "STUB_VOICE_LONG"

SPEC = Family(
    id="stub-voice",
    version=1,
    medium=Medium.SPEECH,
    title="Hum",
    tasks=(Task.SPEAK,),
    params=speaking.PARAMS,
    formats=speaking.FORMATS,
)
VOICES = (Voice("low", "Low", ("en",), "male", "Deep"), Voice("high", "High", ("en", "zh"), "female", "Bright"))


class Speaker:
    """One second of noise on a hum for each sentence (`LONG` seconds)."""

    sample_rate = RATE
    blends = False
    workers = 1
    alphabet: Collection[str] = ()

    def __init__(self) -> None:
        self.voices: Mapping[str, Voice] = {voice.id: voice for voice in VOICES}

    def level(self, voice: str) -> float | None:
        return None

    def say(self, line: speaking.Line, text: str, seed: int, check: Any, first: bool) -> Iterator[Any]:
        end = time.monotonic() + float(os.environ.get(SECONDS, "0"))
        while time.monotonic() < end:
            check()
            time.sleep(0.01)
        count = int(RATE * float(os.environ.get(LONG, "1")) / line.speed)
        height = 110 if line.voice == "low" else 220
        hum = np.sin(2 * np.pi * height * np.arange(count) / RATE) + np.random.default_rng(seed).normal(0, 0.3, count)
        yield (0.1 * hum).astype(np.float32)


def install(models_dir: Path) -> str:
    folder = models_dir / "imported" / "hum"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "atelier-hum"}), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    return MODEL


def info(model: str = MODEL, origin: str = "starter") -> ModelInfo:
    return ModelInfo(
        model, SPEC.id, Medium.SPEECH, "Hum", SPEC.tasks, ModelState.INSTALLED, origin, ("en", "zh"), voices=VOICES
    )


def request(*texts: str, keep: bool = True, **params: Any) -> Request:
    script = [{"text": text} for text in texts]
    return Request(Medium.SPEECH, SPEC.id, MODEL, Task.SPEAK, {"script": script, "seed": 1, **params}, keep=keep)


def play(request: Request, ctx: Context) -> list[Artifact]:
    """The same for the fake engine."""
    return run(Speaker(), request, ctx)


def recognises(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") == "atelier-hum"


def estimate(files: ModelFiles, device: Device) -> int:
    return 1000


def load(files: ModelFiles, device: Device) -> Speaker:
    speaking.warm_up()
    return Speaker()


def describe(files: ModelFiles) -> dict[str, Any]:
    return {"voices": VOICES, "languages": ("en", "zh")}


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    return params


def verify(request: Request, info: ModelInfo) -> None:
    speaking.check_request(request, info)


def run(model: Speaker, request: Request, ctx: Context) -> list[Artifact]:
    return speaking.read_aloud(model, SPEC.check(request), ctx)
