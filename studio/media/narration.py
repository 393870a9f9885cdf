"""A long sound made piece by piece: written as it comes, and brought to its loudness at the end, in flat memory.

The pieces, whose true peaks the caller keeps under the ceiling, go into a FLAC file that is whole whenever it is
closed. The loudness measured while it was written (ITU-R BS.1770-4) gives the gain with which `finish` writes it once
more, block by block, with a look-ahead limiter; a sound that is as loud as asked already stays as it is.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from studio.core.errors import AtelierError, from_os_error
from studio.media.audio import Samples, limit

CEILING = -1.0  # dBTP
_BLOCK = 1 << 18  # frames
_MARGIN = 1024  # frames on both sides of a block that the limiter and its oversampling look at
_RESERVE = 4 << 20  # bytes left free on the disk, so that what was made can still be closed and kept
_CLOSE = 0.1  # LU that the limiter may leave
_AS_IT_IS = 0.4  # LU: what was written this close is left so


class Meter:
    """Integrated loudness of a sound that comes in pieces of any length, shape (frames,)."""

    def __init__(self, sample_rate: int) -> None:
        import pyloudnorm

        # pyloudnorm's own K-weighting, so that its figure for the whole and this one agree.
        weighting = getattr(pyloudnorm.Meter(sample_rate), "_filters").values()  # noqa: B009
        self._stages = np.array([np.r_[stage.b * stage.passband_gain, stage.a] for stage in weighting])
        self._state = np.zeros((len(self._stages), 2))
        self._step = round(sample_rate / 10)  # a block is four of these, so that blocks overlap by 75 %
        self._rest = np.zeros(0)
        self._energies: list[float] = []

    def add(self, samples: Samples) -> None:
        from scipy.signal import sosfilt

        weighted, self._state = sosfilt(self._stages, samples, zi=self._state)
        weighted = np.concatenate([self._rest, weighted])
        count = len(weighted) // self._step
        whole = weighted[: count * self._step].reshape(count, self._step)
        self._energies += (whole**2).mean(axis=1).tolist()
        self._rest = weighted[count * self._step :]

    @property
    def loudness(self) -> float:
        """LUFS so far; -inf for silence. A sound under 0.4 s is measured by what there is."""
        energies = np.array(self._energies)
        if len(energies) < 4:
            parts = [*self._energies, *([float((self._rest**2).mean())] if len(self._rest) else [])]
            blocks = np.array([np.mean(parts)]) if parts else np.zeros(0)
        else:
            blocks = np.convolve(energies, np.full(4, 0.25), "valid")
        blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
        if not len(blocks):
            return -math.inf
        gated = blocks[blocks > blocks.mean() / 10]  # the relative gate is 10 LU under the mean
        return float(-0.691 + 10 * math.log10(gated.mean()))


class Narration:
    """A mono FLAC file of 24 bits at `path`, written piece by piece. `room` bytes are kept in its comment field, so
    that a recipe can be put in without writing the file again. Raises `AtelierError("disk-full")` while what was
    written can still be kept."""

    def __init__(self, path: Path, sample_rate: int, room: int = 0) -> None:
        self.path, self.sample_rate = path, sample_rate
        self.frames = 0
        self._peak = 0.0
        self._room = room
        self._meter = Meter(sample_rate)
        self._file = self._open(path)

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate

    @property
    def loudness(self) -> float:
        return self._meter.loudness

    def add(self, samples: Samples) -> None:
        """Write float32 samples of shape (frames,)."""
        for start in range(0, len(samples), _BLOCK):
            piece = samples[start : start + _BLOCK]
            self._write(self._file, piece)
            self._meter.add(piece)
            self._peak = max(self._peak, float(np.abs(piece).max()))
            self.frames += len(piece)

    def close(self) -> None:
        """Leave the file as it is: a sound of everything that was added, at the level it came in."""
        self._file.close()

    def finish(self, target: float, ceiling: float = CEILING) -> float:
        """Bring the whole to `target` LUFS with true peaks at most `ceiling` dBTP; returns the gain in dB that it took.
        Where this raises, the file is as `close` leaves it."""
        self.close()
        gain = target - self.loudness
        if not math.isfinite(gain) or abs(gain) < _AS_IT_IS and self._peak <= 10 ** (ceiling / 20):
            return 0.0
        aside = self.path.with_name(f".{self.path.stem}.part{self.path.suffix}")
        try:
            for _attempt in range(10):
                reached = self._apply(aside, gain, ceiling)
                if abs(reached - target) < _CLOSE:
                    break
                gain += target - reached  # the limiter takes a little loudness away
            os.replace(aside, self.path)
        except OSError as error:
            raise from_os_error(error, self.path) from error
        finally:
            aside.unlink(missing_ok=True)
        return gain

    def _apply(self, target: Path, gain: float, ceiling: float) -> float:
        meter = Meter(self.sample_rate)
        factor = np.float32(10 ** (gain / 20))
        with self._open(target) as out:
            for before, block, after in _windows(self.path):
                raised = np.concatenate([before, block, after]) * factor
                limited = limit(raised.reshape(-1, 1), self.sample_rate, ceiling)[:, 0]
                piece = limited[len(before) : len(before) + len(block)]
                self._write(out, piece)
                meter.add(piece)
        return meter.loudness

    def _open(self, path: Path) -> soundfile.SoundFile:
        try:
            file = soundfile.SoundFile(path, "w", self.sample_rate, 1, format="FLAC", subtype="PCM_24")
            if self._room:
                file.comment = " " * self._room
        except soundfile.SoundFileError as error:
            raise _told(error, path) from error
        return file

    def _write(self, file: soundfile.SoundFile, piece: Samples) -> None:
        # A FLAC file whose last write failed cannot be closed properly: stop before that.
        if shutil.disk_usage(self.path.parent).free < _RESERVE + self._room + 4 * len(piece):
            raise AtelierError("disk-full", {"path": str(self.path.parent)})
        try:
            file.write(piece)
        except soundfile.SoundFileError as error:
            raise _told(error, self.path) from error


def _windows(path: Path) -> Iterator[tuple[Samples, Samples, Samples]]:
    """The sound in blocks, each with what stands before and after it."""
    with soundfile.SoundFile(path) as file:
        before = np.zeros(0, np.float32)
        block = np.asarray(file.read(_BLOCK, dtype="float32"), np.float32)
        while len(block):
            following = np.asarray(file.read(_BLOCK, dtype="float32"), np.float32)
            yield before, block, following[:_MARGIN]
            before, block = block[-_MARGIN:], following


def _told(error: soundfile.SoundFileError, path: Path) -> AtelierError:
    return AtelierError("sound-not-written", {"path": str(path)}, details=str(error))
