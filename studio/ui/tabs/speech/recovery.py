"""Sounds that were filed for sentences which still lack them: the tab was not there when they were made."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject

from studio.core.errors import AtelierError
from studio.documents.speech import SpeechDocument
from studio.documents.takes import Take
from studio.media.audio import Sound
from studio.ui.services import Services

SILENCE = 0.02  # s, for a sentence in which the model found nothing to say

_log = logging.getLogger(__name__)


class Recovery(QObject):
    """Looks at each job once."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._recovered: set[str] = set()

    def recover(self, document: SpeechDocument) -> None:
        """Take sounds over that were filed for sentences which still lack them, when the tab was not there."""
        missing = set(document.unmade())
        if not missing or document.read_only:
            return
        for job in self._services.queue.jobs():
            origin = job.request.origin
            if origin.get("document") != document.id or job.id in self._recovered or not job.state.ended:
                continue
            self._recovered.add(job.id)
            ids = origin.get("sentences", "").split(",")
            rows = job.request.params.get("script", ())
            fits = [
                (index, id)
                for index, (id, row) in enumerate(zip(ids, rows, strict=False))
                if id in missing and document.sentence(id).text == row.get("text")
            ]
            for item in self._services.library.job_items(job.id) if fits else ():
                self._take_from(document, item, fits)

    def _take_from(self, document: SpeechDocument, item: Any, fits: list[tuple[int, str]]) -> None:
        parts = {int(part["index"]): part for part in item.metadata.get("sentences", ())}
        wanted = [(id, document.manner_of(document.sentence(id)), parts[n]) for n, id in fits if n in parts]

        def cut() -> list[Take]:
            return [document.takes.write(id, manner, part_of(item.path, part)) for id, manner, part in wanted]

        def success(takes: list[Take]) -> None:
            for take in takes:
                if document.has(take.sentence) and document.manner_of(document.sentence(take.sentence)) == take.manner:
                    document.set_take(take.sentence, take)

        def failure(error: AtelierError) -> None:
            _log.warning("a filed reading could not be taken over: %s %s", error.code, error.details)

        if wanted:
            self._services.bridge.work(cut, success, failure, owner=self)


def part_of(path: Any, part: Mapping[str, Any]) -> Sound:
    """The sentence `part` (of a result's metadata) out of the file at `path`. Raises `AtelierError` in words."""
    import numpy as np
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            file.seek(min(round(float(part["start"]) * rate), file.frames))
            samples = file.read(
                max(1, round((float(part["end"]) - float(part["start"])) * rate)), dtype="float32", always_2d=True
            )
    except (OSError, RuntimeError) as error:
        raise AtelierError("sound-unreadable", {"path": str(path)}, details=str(error)) from error
    return Sound(np.asarray(samples[:, :1], np.float32), rate) if len(samples) else Sound.silence(SILENCE, rate)
