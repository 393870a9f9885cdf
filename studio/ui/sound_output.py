"""Where sound goes: a device, or a clock that takes its place. QtMultimedia is imported when a device is looked for."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QIODevice, QObject, QTimer, qInstallMessageHandler

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioDevice

Samples = NDArray[np.float32]
BUFFER_SECONDS = 0.2
TICK_MS = 33

_log = logging.getLogger(__name__)


class Output(Protocol):
    """Where sound goes. `waiting()` is how many frames were pulled and not heard yet."""

    def start(self) -> bool: ...
    def stop(self) -> None: ...
    def set_volume(self, volume: float) -> None: ...
    def waiting(self) -> int: ...


Pull = Callable[[int], Samples]


class SilentOutput:
    """Takes samples as fast as they would be heard, and throws them away."""

    def __init__(self, pull: Pull, sample_rate: int, parent: QObject) -> None:
        self._pull, self._rate = pull, sample_rate
        self._clock = QElapsedTimer()
        self._taken = 0
        self._timer = QTimer(parent)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._take)

    def start(self) -> bool:
        self._clock.start()
        self._timer.start()
        return True

    def stop(self) -> None:
        self._timer.stop()
        self._timer.deleteLater()

    def set_volume(self, volume: float) -> None:
        return

    def waiting(self) -> int:
        return 0

    def _take(self) -> None:
        due = self._clock.elapsed() * self._rate // 1000
        if due > self._taken:
            self._pull(due - self._taken)
            self._taken = due


class _Pulled(QIODevice):
    """What a sink reads from: it never ends, the player does."""

    def __init__(self, give: Callable[[int], bytes], parent: QObject) -> None:
        super().__init__(parent)
        self._give = give
        self.open(QIODevice.OpenModeFlag.ReadOnly | QIODevice.OpenModeFlag.Unbuffered)

    def readData(self, maxlen: int) -> bytes:  # type: ignore[override]
        return self._give(maxlen) if maxlen > 0 else b""

    def writeData(self, data: Any, maxlen: int = 0) -> int:  # type: ignore[override]
        return -1

    def bytesAvailable(self) -> int:
        return 1 << 20

    def isSequential(self) -> bool:
        return True


class SinkOutput:
    """A sound device. What it cannot play as it is (its rate, its channels, its kind of samples) is converted."""

    def __init__(self, device: QAudioDevice, pull: Pull, sample_rate: int, channels: int, parent: QObject) -> None:
        from PySide6.QtMultimedia import QAudioFormat, QAudioSink

        wanted = QAudioFormat()
        wanted.setSampleRate(sample_rate)
        wanted.setChannelCount(channels)
        wanted.setSampleFormat(QAudioFormat.SampleFormat.Float)
        self._format = wanted if device.isFormatSupported(wanted) else device.preferredFormat()
        self._whole = self._format.sampleFormat() == QAudioFormat.SampleFormat.Int16
        self._pull, self._rate, self._channels = pull, sample_rate, channels
        self._phase, self._last = 0.0, np.zeros((1, channels), np.float32)
        self._sink = QAudioSink(device, self._format, parent)
        self._sink.setBufferSize(self._format.bytesForDuration(int(BUFFER_SECONDS * 1_000_000)))
        self._device = _Pulled(self._give, parent)

    def start(self) -> bool:
        from PySide6.QtMultimedia import QtAudio

        self._sink.start(self._device)
        return self._sink.error() == QtAudio.Error.NoError

    def stop(self) -> None:
        self._sink.stop()
        self._sink.deleteLater()
        self._device.deleteLater()

    def set_volume(self, volume: float) -> None:
        self._sink.setVolume(volume)

    def waiting(self) -> int:
        held = self._sink.bufferSize() - self._sink.bytesFree()
        seconds = self._format.durationForBytes(max(0, held)) / 1_000_000
        return round(seconds * self._rate)

    def failed(self) -> bool:
        """Whether the device has gone away."""
        from PySide6.QtMultimedia import QtAudio

        return self._sink.error() in (QtAudio.Error.FatalError, QtAudio.Error.IOError)

    def _give(self, count: int) -> bytes:
        frames = count // max(1, self._format.bytesPerFrame())
        alike = self._format.sampleRate() == self._rate
        samples = self._pull(frames) if alike else self._resampled(frames)
        if self._format.channelCount() != self._channels:
            samples = np.repeat(samples.mean(axis=1, keepdims=True), self._format.channelCount(), axis=1)
        if self._whole:
            return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        return samples.astype("<f4", copy=False).tobytes()

    def _resampled(self, frames: int) -> Samples:
        """`frames` at the device's rate, each on the line between the two samples around it."""
        step = self._rate / self._format.sampleRate()
        places = self._phase + step * np.arange(1, frames + 1)
        needed = int(places[-1]) if frames else 0
        known = np.concatenate([self._last, self._pull(needed)]) if needed else self._last
        index = np.minimum(places.astype(int), len(known) - 1)
        after = np.minimum(index + 1, len(known) - 1)
        part = (places - index)[:, None].astype(np.float32)
        result = known[index] * (1 - part) + known[after] * part
        self._phase, self._last = (places[-1] - needed if frames else self._phase), known[-1:]
        return result.astype(np.float32)


def load_devices(parent: QObject) -> Any:
    """The devices, with what QtMultimedia and the system's libraries print while they are loaded in the log.

    Python's message handler must stand aside meanwhile: a message from inside the loading of a library waits for the
    interpreter, which may be held by a thread that waits to load a library itself.
    """
    handler = qInstallMessageHandler(None)
    try:
        with _noise_to_log():
            from PySide6.QtMultimedia import QMediaDevices

            devices = QMediaDevices(parent)
            devices.audioOutputs()
    finally:
        qInstallMessageHandler(handler)
    return devices


@contextmanager
def _noise_to_log() -> Iterator[None]:
    """Catch what native code writes to the error stream, for a moment."""
    try:
        kept = os.dup(2)
    except OSError:  # a windowed program has none
        yield
        return
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            noise.seek(0)
            for line in noise.read(8192).decode("utf-8", "replace").splitlines():
                _log.info("multimedia: %s", line)
