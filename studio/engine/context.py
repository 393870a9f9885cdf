"""What a running family is given: `core.protocols.Context` on top of the outbox and the job's staging folder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError, Cancelled
from studio.core.files import sync_file, write_bytes
from studio.core.jobs import Artifact, Blob
from studio.core.messages import AudioDelta, Message, Preview, Progress, Run, Segment, TextDelta, Usage
from studio.core.protocols import ModelFiles
from studio.core.recipe import Recipe
from studio.engine.pace import Pace
from studio.media import carriers


class JobContext:
    """One job's voice. `alive` is called at every sign of life; `models` finds the files of installed models. `told` is
    whether anything was said that a second try would say again."""

    def __init__(
        self,
        run: Run,
        send: Callable[[Message], None],
        alive: Callable[[], None],
        models: Callable[[str], ModelFiles] | None = None,
    ) -> None:
        self._job, self._request = run.job, run.request
        self._staging = Path(run.staging)
        self._blobs = run.blobs
        self._send = send
        self._alive = alive
        self._models = models
        self._pace = Pace()
        self._step = (0, 0)
        self._counts: dict[str, float] = {}
        self.cancelled = threading.Event()
        self.recipe: Recipe | None = None
        self.artifacts: list[Artifact] = []
        self.told = False

    def check_cancel(self) -> None:
        self._alive()
        if self.cancelled.is_set():
            raise Cancelled

    def progress(self, step: int, steps: int) -> None:
        self._alive()
        done, total = self._step
        if steps and total and step * total < done * steps:
            return  # a line that runs backwards reads as a fault
        self._step = (step, steps)
        self._send(Progress(self._job, 0, step=step, steps=steps, seconds_left=self._pace.left(step, steps)))

    def text(self, piece: str) -> None:
        self._alive()
        if piece:
            self.told = True
            self._send(TextDelta(self._job, 0, text=piece))

    def usage(self, **counts: float) -> None:
        self._alive()
        self._counts.update(counts)
        self._send(Usage(self._job, 0, counts=dict(self._counts)))

    def preview(self, data: bytes, media_type: str) -> None:
        self._alive()
        self._send(Preview(self._job, 0, payload=bytes(data), media_type=media_type))

    def audio(self, samples: bytes, sample_rate: int, channels: int) -> None:
        self._alive()
        self.told = True
        self._send(AudioDelta(self._job, 0, payload=bytes(samples), sample_rate=sample_rate, channels=channels))

    def segment(self, index: int, start: float, end: float, text: str) -> None:
        self._alive()
        self._send(Segment(self._job, 0, index=index, start=start, end=end, text=text))

    def input(self, role: str) -> Path:
        blob = self._request.inputs.get(role)
        path = Path(self._blobs.get(blob.sha256, "")) if blob else Path()
        if not blob or not path.is_file():
            raise AtelierError("file-missing", {"path": path.name or role})
        return path

    def files(self, model: str) -> ModelFiles:
        if self._models is None:
            raise AtelierError("model-not-installed", {"model": model})
        return self._models(model)

    def write(self, name: str, data: bytes, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        if not self._request.keep:
            return Artifact(name, Blob(hashlib.sha256(data).hexdigest(), len(data), media_type), dict(metadata))
        write_bytes(self.path(name), data)
        return self._kept(self.path(name), media_type, metadata)

    def path(self, name: str) -> Path:
        if Path(name).name != name or name in ("", ".", ".."):
            raise ValueError(f"not the name of a file: {name!r}")
        return self._staging / name

    def keep(self, name: str, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        sync_file(self.path(name))
        return self._kept(self.path(name), media_type, metadata)

    def _kept(self, path: Path, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        self._alive()
        if self.recipe:
            carriers.embed(path, self.recipe)
        artifact = Artifact(path.name, Blob.of(path, media_type), dict(metadata))
        self.artifacts.append(artifact)
        self.told = True
        return artifact
