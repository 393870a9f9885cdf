"""Speech for tests: models with voices, and a play that says sentences as the speech families do."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.errors import AtelierError
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo, ModelState, Voice
from studio.media import audio
from studio.media.audio import Sound
from studio.media.reading import split
from tests.fakes.fake_context import FakeContext

RATE = 24_000
_ALL = ("ja", "zh", "en")
KOKORO = ModelInfo(
    id="kokoro-82m",
    family="kokoro",
    medium=Medium.SPEECH,
    title="Kokoro 82M",
    tasks=(Task.SPEAK,),
    state=ModelState.INSTALLED,
    origin="starter",
    languages=("zh", "ja", "en"),
    license="Apache-2.0",
    size=92_000_000,
    memory=300_000_000,
    voices=(
        Voice("jm_kumo", "Kumo", ("en", "zh", "ja"), "male", N_("Deep, calm")),
        Voice("jf_alpha", "Alpha", _ALL, "female", N_("Bright")),
        Voice("jf_nezumi", "Nezumi", _ALL, "female", N_("Clear")),
    ),
    blends=True,
)
HIBARI = ModelInfo(
    id="hibari-heart",
    family="hibari",
    medium=Medium.SPEECH,
    title="Hibari",
    tasks=(Task.SPEAK,),
    state=ModelState.INSTALLED,
    origin="starter",
    languages=("en",),
    license="Apache-2.0",
    size=14_000_000,
    memory=60_000_000,
    voices=(Voice("heart", "Heart", ("en-US",), "female", N_("Warm, even, American")),),
)
VOICES = (KOKORO, HIBARI)


@dataclass
class Speaking:
    """A play that says each row of the script in pieces of `piece` s. `speed`: seconds of sound made in a second, 0: at
    once; `pause_at`: stands still in the middle of that sentence until `FakeEngine.release`; `fail_at`: what it does
    instead of that sentence ("crash" or a code of `core.errors`)."""

    speed: float = 0.0
    pause_at: int | None = None
    fail_at: tuple[int, str] | None = None
    piece: float = 0.25
    seconds: float | None = None

    def __call__(self, request: Request, ctx: FakeContext) -> list[Artifact]:
        rows: list[dict[str, Any]] = request.params["script"] or [
            {"text": sentence.text} for sentence in split(request.params["text"])
        ]
        whole: list[np.ndarray] = []
        sentences: list[dict[str, Any]] = []
        frames = 0

        def put(samples: np.ndarray) -> None:
            nonlocal frames
            ctx.check_cancel()
            if self.speed:
                ctx.sleep(len(samples) / RATE / self.speed)
            ctx.audio(samples.astype("<f4").tobytes(), RATE, 1)
            whole.append(samples)
            frames += len(samples)

        for index, row in enumerate(rows):
            if self.fail_at is not None and self.fail_at[0] == index:
                self._fail(ctx, request, whole, sentences)
            sound = babble(row["text"], self.seconds)
            start, step = frames, round(self.piece * RATE)
            for at in range(0, len(sound), step):
                if index == self.pause_at and at >= len(sound) // 2:
                    ctx.wait()
                put(sound[at : at + step])
            times = {"start": start / RATE, "end": frames / RATE}
            voice = row.get("voice") or request.params["voice"]
            sentences.append({"index": index, **times, "text": row["text"], "voice": voice})
            ctx.segment(index, times["start"], times["end"], row["text"])
            ctx.progress(index + 1, len(rows))
            if index + 1 < len(rows):
                put(np.zeros(round(float(row.get("pause") or 0.0) * RATE), np.float32))
        return self._keep(ctx, whole, sentences) if request.keep else []

    def _fail(self, ctx: FakeContext, request: Request, whole: list[np.ndarray], sentences: list[Any]) -> None:
        assert self.fail_at is not None
        code = self.fail_at[1]
        self.fail_at = None
        if code == "crash":
            ctx.crash()
        if request.keep and sentences:
            self._keep(ctx, whole, sentences)
        raise AtelierError(code, {"path": "/full"})

    def _keep(self, ctx: FakeContext, whole: list[np.ndarray], sentences: list[dict[str, Any]]) -> list[Artifact]:
        path: Path = ctx.path("speech.flac")
        sound = Sound.mono(np.concatenate(whole), RATE)
        audio.write(path, sound)
        facts = {"seconds": round(sound.seconds, 3), "sample_rate": RATE, "gain": 0.0, "sentences": sentences}
        return [ctx.keep("speech.flac", "audio/flac", facts)]


def babble(text: str, seconds: float | None = None) -> np.ndarray:
    """Something like speech: a burst for each syllable, the same for the same words; shape (frames,)."""
    seconds = seconds or 0.3 + 0.065 * len(text) * (3 if text and ord(text[0]) > 0x2E80 else 1)
    draw = np.random.default_rng(zlib.crc32(text.encode()))
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = np.zeros(len(time))
    at = 0.05
    while at < seconds - 0.1:
        width = draw.uniform(0.05, 0.12)
        envelope += draw.uniform(0.2, 1.0) * np.exp(-(((time - at) / (width / 2)) ** 2))
        at += width * draw.uniform(1.0, 1.9) + (0.15 if draw.random() < 0.08 else 0.0)
    tone = np.sin(2 * np.pi * 140 * time) + 0.4 * draw.standard_normal(len(time))
    sound = 0.55 * np.minimum(envelope, 1.0) * tone / 1.6
    edge = min(120, len(sound) // 2)
    sound[:edge] *= np.linspace(0, 1, edge)
    sound[-edge:] *= np.linspace(1, 0, edge)
    return sound.astype(np.float32)
