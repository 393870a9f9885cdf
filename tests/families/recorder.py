"""A context that keeps what a family says, and can stop it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import Cancelled
from studio.core.jobs import Artifact, Blob
from studio.core.protocols import ModelFiles


class Recorder:
    """Implements `core.protocols.Context`. `cancel_after`: pieces of text after which the job is cancelled;
    `cancel_at_look`: the how-manieth look at the flag finds it set. `cancelled` is when, on the monotonic clock."""

    def __init__(self, folder: Path, cancel_after: int = -1, cancel_at_look: int = -1) -> None:
        self.folder = folder
        self.pieces: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.counts: dict[str, float] = {}
        self.cancelled = 0.0
        self.artifacts: list[Artifact] = []
        self.looks = 0
        self._after, self._look = cancel_after, cancel_at_look

    @property
    def text_so_far(self) -> str:
        return "".join(self.pieces)

    def check_cancel(self) -> None:
        self.looks += 1
        if self.looks == self._look or 0 <= self._after <= len(self.pieces):
            self.cancelled = self.cancelled or time.monotonic()
        if self.cancelled:
            raise Cancelled

    def progress(self, step: int, steps: int) -> None:
        self.steps.append((step, steps))

    def text(self, piece: str) -> None:
        self.pieces.append(piece)

    def usage(self, **counts: float) -> None:
        self.counts.update(counts)

    def preview(self, data: bytes, media_type: str) -> None:
        raise AssertionError("no pictures here")

    def audio(self, samples: bytes, sample_rate: int, channels: int) -> None:
        raise AssertionError("no sound here")

    def segment(self, index: int, start: float, end: float, text: str) -> None:
        raise AssertionError("no sound here")

    def input(self, role: str) -> Path:
        raise AssertionError("no inputs here")

    def files(self, model: str) -> ModelFiles:
        raise AssertionError("no other models here")

    def write(self, name: str, data: bytes, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        (self.folder / name).write_bytes(data)
        self.artifacts.append(Artifact(name, Blob(hashlib.sha256(data).hexdigest(), len(data), media_type), metadata))
        return self.artifacts[-1]

    def path(self, name: str) -> Path:
        return self.folder / name

    def keep(self, name: str, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        return self.write(name, self.path(name).read_bytes(), media_type, metadata)
