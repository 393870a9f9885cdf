"""A reading as it is heard: takes, sounds that are still being made, and the pauses between them, as one sound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from studio.core.errors import AtelierError
from studio.documents.speech import SpeechDocument
from studio.media.audio import Sound
from studio.media.resampling import resample
from studio.ui.playback import Chunk, Mark, Samples, Source, Stream

KEPT_SECONDS = 180.0  # of decoded sound
LOOP_PAUSE = 0.4
_NOTHING = np.zeros((0, 1), np.float32)


@dataclass
class Live:
    """The sound of a sentence inside what a job streams: from the frame `start` to `end` (None: it still grows)."""

    stream: Stream
    start: int
    end: int | None = None

    @property
    def frames(self) -> int:
        return max(0, (self.stream.frames if self.end is None else self.end) - self.start)


class ScriptSource(Source):
    """Plays the sentences of `document`. `live` holds those whose sound is not filed yet, `pending` those that a model
    will still say: the player waits for them. Others without a sound are left out. With `loop` one sentence repeats;
    after the sentence `last` it ends.
    """

    channels = 1

    def __init__(self, document: SpeechDocument, unreadable: Callable[[AtelierError], None]) -> None:
        self.document = document
        self.live: dict[str, Live] = {}
        self.pending: frozenset[str] = frozenset()
        self.loop = False
        self.last = ""
        self._unreadable = unreadable
        self._clips: OrderedDict[str, Samples] = OrderedDict()
        self._key, self._index, self._at = "", 0, 0

    def seek(self, mark: Mark) -> None:
        self._key, self._at = mark.key, max(0, mark.frame)
        self._index = self.document.index(mark.key) if self.document.has(mark.key) else 0

    def read(self, frames: int) -> Chunk | None:
        document = self.document
        if self._key and document.has(self._key):
            self._index = document.index(self._key)  # sentences may have come or gone before it
        while self._index < len(document.sentences):
            sentence = document.sentences[self._index]
            self._key = sentence.id
            mark = Mark(self._key, self._at)
            live = self.live.get(sentence.id)
            if live is None and sentence.id in self.pending:
                return Chunk(_NOTHING, mark)
            samples, length = self._sound(sentence.take, live, frames)
            if len(samples):
                self._at += len(samples)
                return Chunk(samples, mark)
            if live is not None and live.end is None:
                return Chunk(_NOTHING, mark)
            pause = self._pause(length)
            if self._at < length + pause:
                count = min(frames, length + pause - self._at)
                self._at += count
                return Chunk(np.zeros((count, 1), np.float32), mark)
            self._at = 0
            if self.loop and length:
                continue
            self._index += 1
            self._key = ""
            if self.last == sentence.id:
                break
        return None

    def _pause(self, length: int) -> int:
        if not length:
            return 0
        seconds = LOOP_PAUSE if self.loop else self.document.pause_after(self._index)
        return round(seconds * self.sample_rate)

    def _sound(self, take: str, live: Live | None, frames: int) -> tuple[Samples, int]:
        """What comes next of a sentence, and how long it is in frames as far as that is known."""
        if live is not None and live.stream.sample_rate != self.sample_rate:
            clip = self._converted(live)
            return clip[self._at : self._at + frames], len(clip)
        if live is not None:
            start = live.start + self._at
            end = min(start + frames, live.start + live.frames)
            return live.stream.part(start, end) if end > start else _NOTHING, live.frames
        clip = self.clip(take) if take else _NOTHING
        return clip[self._at : self._at + frames], len(clip)

    def _converted(self, live: Live) -> Samples:
        """Of another rate: it can be heard once it is finished."""
        if live.end is None:
            return _NOTHING
        name = f"live {id(live)}"
        if name not in self._clips:
            samples = live.stream.part(live.start, live.end)
            sound = Sound(samples, live.stream.sample_rate)
            self._clips[name] = resample(sound, self.sample_rate).samples
        return self._clips[name]

    def clip(self, take: str) -> Samples:
        """The whole sound of a take, at this source's rate."""
        if take in self._clips:
            self._clips.move_to_end(take)
            return self._clips[take]
        try:
            sound = self.document.takes.read(take)
            mono = Sound(sound.samples.mean(axis=1, keepdims=True), sound.sample_rate)
            samples = resample(mono, self.sample_rate).samples
        except AtelierError as error:
            self._unreadable(error)
            samples = _NOTHING
        self._clips[take] = samples
        while len(self._clips) > 1 and sum(map(len, self._clips.values())) > KEPT_SECONDS * self.sample_rate:
            self._clips.popitem(last=False)
        return samples
