"""The sounds of a reading: one FLAC file for each take of a sentence, whole or not there, in a folder of its document.

A take is named `<sentence>-<manner>-<number>`: the sentence's id, the digest of what it says and how, and a number of
its own. So a take that was finished just before the program was killed is found again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import AtelierError
from studio.core.files import write_bytes
from studio.core.paths import ensure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studio.media.audio import Sound

PEAKS_PER_SECOND = 100
_SOUND, _PEAKS = ".flac", ".peaks"


@dataclass(frozen=True)
class Take:
    """A finished sound: its `name` in the folder and how long it is."""

    name: str
    seconds: float

    @property
    def sentence(self) -> str:
        return self.name.split("-")[0]

    @property
    def manner(self) -> str:
        return self.name.split("-")[1]


class Takes:
    """The takes in `folder`, which is made with the first one. Everything but `sweep` may be called on any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, sentence: str, manner: str, sound: Sound) -> Take:
        """Keep `sound` as a new take; it is on disk when this returns. Raises `AtelierError` in words."""
        from studio.media import audio

        ensure(self.folder.parent)
        ensure(self.folder)
        name = f"{sentence}-{manner}-{secrets.token_hex(3)}"
        audio.write(self.folder / (name + _SOUND), sound)
        with suppress(AtelierError):  # they can be counted again
            write_bytes(self.folder / (name + _PEAKS), peaks_of(sound).tobytes())
        return Take(name, sound.seconds)

    def path(self, name: str) -> Path:
        return self.folder / (name + _SOUND)

    def has(self, name: str) -> bool:
        return self.path(name).is_file()

    def read(self, name: str) -> Sound:
        """Raises `AtelierError`: "file-missing", "sound-unreadable" …"""
        from studio.media import audio

        return audio.read(self.path(name))

    def peaks(self, name: str) -> NDArray[Any]:
        """The largest magnitude, 0 to 255, in each hundredth of a second; empty for a take that cannot be read."""
        import numpy as np

        try:
            return np.frombuffer((self.folder / (name + _PEAKS)).read_bytes(), np.uint8)
        except OSError:
            try:
                return peaks_of(self.read(name))
            except AtelierError:
                return np.zeros(0, np.uint8)

    def names(self) -> Iterator[str]:
        with suppress(OSError):
            for entry in os.scandir(self.folder):
                if entry.name.endswith(_SOUND) and entry.name.count("-") == 2 and not entry.name.startswith("."):
                    yield entry.name.removesuffix(_SOUND)

    def found(self, name: str) -> Take | None:
        """The take of this name, if its file is a sound."""
        import soundfile

        try:
            info = soundfile.info(self.path(name))
        except (OSError, RuntimeError):
            return None
        return Take(name, info.frames / info.samplerate) if info.frames else None

    def sweep(self, keep: Iterable[str]) -> None:
        """Remove the takes that nothing refers to any more, and what a killed program left half-written."""
        kept = set(keep)
        with suppress(OSError):
            for entry in list(os.scandir(self.folder)):
                if entry.name.rpartition(".")[0] not in kept:
                    with suppress(OSError):
                        os.unlink(entry.path)


def peaks_of(sound: Sound) -> NDArray[Any]:
    """What `Takes.peaks` gives, counted from the samples."""
    import numpy as np

    width = max(1, sound.sample_rate // PEAKS_PER_SECOND)
    mono = np.abs(sound.samples).max(axis=1, initial=0.0)
    padded = np.pad(mono, (0, -len(mono) % width)).reshape(-1, width)
    return np.minimum(255, np.round(padded.max(axis=1, initial=0.0) * 255)).astype(np.uint8)
