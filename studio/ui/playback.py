"""Hearing sound while it is still being made: a player that pulls from a source, gapless, on any device or on none.

A `Source` gives samples when it is asked and says which place of the work they belong to; where its sound is not there
yet, the player waits in silence and goes on with the first sample. Without a sound device a clock takes its place: what
is shown moves on as if it were heard.

QtMultimedia is imported when something is first played, never before.
"""

from __future__ import annotations

import logging
import weakref
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal
from shiboken6 import isValid

from studio.ui.sound_output import TICK_MS, Output, Samples, SilentOutput, SinkOutput, load_devices

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioDevice

PLAYING, PAUSED, STOPPED = "playing", "paused", "stopped"
STALL_SECONDS = 3.0  # without being asked for samples: a device that went away without a word

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mark:
    """A place in a work: `frame` of the part `key` (of the whole, where it has no parts)."""

    key: str = ""
    frame: int = 0


@dataclass(frozen=True)
class Chunk:
    """Samples of shape (frames, channels) that begin at `mark`; without any, the sound is not there yet."""

    samples: Samples
    mark: Mark


class Source(ABC):
    """Sound that is read from front to back; it keeps its own place. Used in the window's thread."""

    sample_rate: int = 24000
    channels: int = 1

    @abstractmethod
    def read(self, frames: int) -> Chunk | None:
        """At most `frames` more; an empty chunk while the sound is still being made, None at the end."""

    @abstractmethod
    def seek(self, mark: Mark) -> None:
        """Go on from there."""


class Stream(Source):
    """A sound that grows: `append` what arrives, `finish` when nothing more will. All of it can be heard again."""

    def __init__(self, sample_rate: int, channels: int = 1) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self.frames = 0
        self.finished = False
        self._pieces: list[Samples] = []
        self._starts: list[int] = []
        self._at = 0

    def append(self, payload: bytes | Samples) -> None:
        """Interleaved float32 samples."""
        samples = np.frombuffer(payload, np.float32) if isinstance(payload, bytes) else payload
        if samples.size:
            self._starts.append(self.frames)
            self._pieces.append(samples.reshape(-1, self.channels))
            self.frames += len(self._pieces[-1])

    def finish(self) -> None:
        self.finished = True

    def part(self, start: int, end: int) -> Samples:
        """The frames from `start` to `end`, as far as they are there."""
        low, high = max(0, bisect_right(self._starts, start) - 1), bisect_left(self._starts, end)
        found = [
            self._pieces[number][max(0, start - self._starts[number]) : max(0, end - self._starts[number])]
            for number in range(low, high)
        ]
        return np.concatenate(found) if found else np.zeros((0, self.channels), np.float32)

    def forget(self, before: int) -> None:
        """Let go of what lies before the frame `before`."""
        gone = 0
        while gone < len(self._pieces) and self._starts[gone] + len(self._pieces[gone]) <= before:
            gone += 1
        del self._pieces[:gone], self._starts[:gone]

    def read(self, frames: int) -> Chunk | None:
        samples = self.part(self._at, self._at + frames)
        if not len(samples) and self.finished:
            return None
        chunk = Chunk(samples, Mark("", self._at))
        self._at += len(samples)
        return chunk

    def seek(self, mark: Mark) -> None:
        self._at = min(max(mark.frame, 0), self.frames)


class Player(QObject):
    """Plays one source at a time; where another player sounds, that one pauses.

    `state_changed` carries "playing", "paused" or "stopped"; `source_changed`: something else is played; `moved` tells
    what is heard, about 30 times a second; `ended` the end of the source; `waiting_changed` whether it waits for sound
    that is still being made; `silent_changed` whether there is no device to hear it on; `devices_changed` a change of
    the devices there are. `volume` is 0 to 1. `silent`: never look for a device.
    """

    state_changed = Signal(str)
    source_changed = Signal()
    moved = Signal(object)
    ended = Signal()
    waiting_changed = Signal(bool)
    silent_changed = Signal(bool)
    devices_changed = Signal()
    _last: ClassVar[weakref.ref[Player] | None] = None  # who began to play last

    def __init__(self, parent: QObject | None = None, *, silent: bool = False) -> None:
        super().__init__(parent)
        self.state = STOPPED
        self.source: Source | None = None
        self._always_silent = silent
        self._silent: bool | None = None
        self._waiting = False
        self._wanted = ""
        self._volume = 1.0
        self._output: Output | None = None
        self._media: Any = None
        self._heard: deque[tuple[int, int, Mark]] = deque()
        self._pulled = 0
        self._mark = Mark()
        self._drained = False
        self._deaf = False  # the device takes no samples any more; another one may come
        self._asked = QElapsedTimer()
        self._ticker = QTimer(self)
        self._ticker.setInterval(TICK_MS)
        self._ticker.timeout.connect(self._tick)

    # -- what is played ---------------------------------------------------------------------------------------

    @property
    def is_playing(self) -> bool:
        return self.state == PLAYING

    @property
    def mark(self) -> Mark:
        """What is heard now, or where it will go on."""
        return self._mark

    @property
    def is_waiting(self) -> bool:
        return self._waiting

    def play(self, source: Source, mark: Mark | None = None) -> None:
        """Play `source` from `mark` (or from where it stands)."""
        self._hush_other()
        self._close()
        new, self.source = source is not self.source, source
        if mark is not None:
            source.seek(mark)
            self._mark = mark
        self._open()
        self._set_state(PLAYING)
        if new:
            self.source_changed.emit()

    def pause(self) -> None:
        """Hold; what was pulled but not heard is heard when it goes on."""
        if self.state == PLAYING:
            self._follow()
            self._close()
            if self.source is not None:
                self.source.seek(self._mark)
            self._set_state(PAUSED)

    def resume(self) -> None:
        if self.state == PAUSED and self.source is not None:
            self.play(self.source, self._mark)

    def stop(self) -> None:
        self._close()
        self.source = None
        self._set_state(STOPPED)

    def seek(self, mark: Mark) -> None:
        """Go on from another place, playing or not."""
        self._mark = mark
        if self.source is None:
            return
        self.source.seek(mark)
        if self.state == PLAYING:
            self._close()
            self._open()
        self.moved.emit(mark)

    # -- where it is heard ------------------------------------------------------------------------------------

    @property
    def is_silent(self) -> bool:
        """Whether nothing can be heard for want of a device; known once something was played."""
        return bool(self._silent)

    @property
    def volume(self) -> float:
        return self._volume

    def set_volume(self, volume: float) -> None:
        """0 to 1 as the ear takes it."""
        self._volume = min(max(volume, 0.0), 1.0)
        if self._output is not None:
            self._output.set_volume(self._volume**3)

    def devices(self) -> list[tuple[str, str]]:
        """(id, name) of the devices there are, the system's own choice first as ("", …)."""
        if self._always_silent:
            return []
        found = self._devices().audioOutputs()
        return [(device.id().data().decode("utf-8", "replace"), device.description()) for device in found]

    @property
    def device(self) -> str:
        """The id of the chosen device; "": the system's own choice."""
        return self._wanted

    def set_device(self, id: str) -> None:
        if id != self._wanted:
            self._wanted, self._deaf = id, False
            self._reopen()

    def prepare(self) -> None:
        """Load the system's sound, which holds the window for a moment: better now than at the first sound."""
        if not self._always_silent:
            self._devices()

    def _devices(self) -> Any:
        if self._media is None:
            self._media = load_devices(self)
            self._media.audioOutputsChanged.connect(self._on_devices)
        return self._media

    def _chosen(self) -> QAudioDevice | None:
        if self._always_silent or self._deaf:
            return None
        media = self._devices()
        for device in media.audioOutputs():
            if self._wanted and device.id().data().decode("utf-8", "replace") == self._wanted:
                return device
        default = media.defaultAudioOutput()
        return None if default.isNull() else default

    def _on_devices(self) -> None:
        self._deaf = False
        self.devices_changed.emit()
        self._reopen()

    def _reopen(self) -> None:
        """Go on at the same place on what there is now."""
        if self.state == PLAYING and self.source is not None:
            self._follow()
            self._close()
            self.source.seek(self._mark)
            self._open()

    # -- inside -----------------------------------------------------------------------------------------------

    def _hush_other(self) -> None:
        other = Player._last() if Player._last is not None else None
        Player._last = weakref.ref(self)
        if other is not None and other is not self and isValid(other):
            other.pause()

    def _open(self) -> None:
        source = self.source
        assert source is not None
        self._heard.clear()
        self._pulled = 0
        self._drained = False
        self._asked.start()
        device = self._chosen()
        output: Output | None = None
        if device is not None:
            output = SinkOutput(device, self._pull, source.sample_rate, source.channels, self)
            output.set_volume(self._volume**3)
            self._output = output
            if not output.start():
                _log.warning("the sound device %s cannot be used", device.description())
                output.stop()
                output = None
        if output is None:
            output = self._output = SilentOutput(self._pull, source.sample_rate, self)
            output.start()
        self._set_silent(isinstance(output, SilentOutput))
        self._ticker.start()

    def _close(self) -> None:
        self._ticker.stop()
        if self._output is not None:
            output, self._output = self._output, None
            output.stop()
        self._set_waiting(False)

    def _pull(self, frames: int) -> Samples:
        """The next `frames`, with silence where there is nothing to hear yet or any more."""
        self._asked.start()
        source = self.source
        channels = source.channels if source else 1
        parts: list[Samples] = []
        left = frames
        while left > 0 and source is not None and not self._drained:
            chunk = source.read(left)
            if chunk is None:
                self._drained = True
                break
            if not len(chunk.samples):
                break
            self._heard.append((self._pulled, len(chunk.samples), chunk.mark))
            self._pulled += len(chunk.samples)
            parts.append(chunk.samples)
            left -= len(chunk.samples)
        if left:
            parts.append(np.zeros((left, channels), np.float32))
            self._pulled += left
        return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else np.zeros((0, channels), np.float32)

    def _follow(self) -> bool:
        """Find what is heard now; False while that is silence."""
        if self._output is None:
            return False
        now = self._pulled - self._output.waiting()
        while len(self._heard) > 1 and self._heard[1][0] <= now:
            self._heard.popleft()
        if not self._heard:
            return False
        start, count, mark = self._heard[0]
        self._mark = Mark(mark.key, mark.frame + min(max(now - start, 0), count))
        return now <= start + count

    def _tick(self) -> None:
        heard = self._follow()
        if isinstance(self._output, SinkOutput):
            self._deaf = self._asked.elapsed() > 1000 * STALL_SECONDS
            if self._deaf or self._output.failed():
                _log.warning("the sound device went away")
                self._reopen()
                return
        if self._drained and not heard:
            self._close()
            self.source = None
            self._set_state(STOPPED)
            self.ended.emit()
            return
        self._set_waiting(not heard)
        if heard:
            self.moved.emit(self._mark)

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)

    def _set_waiting(self, waiting: bool) -> None:
        if waiting != self._waiting:
            self._waiting = waiting
            self.waiting_changed.emit(waiting)

    def _set_silent(self, silent: bool) -> None:
        if silent != self._silent:
            self._silent = silent
            self.silent_changed.emit(silent)
