"""The events of one job, numbered and kept, so that a client that lost its connection can ask for what it missed."""

from __future__ import annotations

from dataclasses import replace

from studio.core.messages import AudioDelta, JobEvent, Preview, Progress, TextDelta, Usage

# Of these only the newest says anything.
NEWEST = (Preview, Progress, Usage)
# Sound kept for a replay, in bytes: three minutes of 44.1 kHz stereo. The job's file has all of it.
AUDIO_LIMIT = 64 * 1024 * 1024


class Backlog:
    """Numbers events from 1. Text is bounded by what a model can write, sound by `AUDIO_LIMIT`."""

    def __init__(self) -> None:
        self.seq = 0
        self._events: list[JobEvent] = []
        self._newest: dict[type[JobEvent], JobEvent] = {}
        self._audio = 0

    def add(self, event: JobEvent) -> JobEvent:
        """`event` with its number."""
        self.seq += 1
        event = replace(event, seq=self.seq)
        if isinstance(event, NEWEST):
            self._newest[type(event)] = event
            return event
        self._events.append(event)
        if isinstance(event, AudioDelta):
            self._audio += len(event.payload)
            self._forget_audio()
        return event

    def since(self, seq: int) -> list[JobEvent]:
        """What came after number `seq`, in order, with text joined."""
        events: list[JobEvent] = []
        for event in sorted((*self._events, *self._newest.values()), key=lambda event: event.seq):
            if event.seq <= seq:
                continue
            last = events[-1] if events else None
            if isinstance(event, TextDelta) and isinstance(last, TextDelta):
                events[-1] = replace(event, text=last.text + event.text)
            else:
                events.append(event)
        return events

    def _forget_audio(self) -> None:
        while self._audio > AUDIO_LIMIT:
            index = next(i for i, event in enumerate(self._events) if isinstance(event, AudioDelta))
            event = self._events.pop(index)
            self._audio -= len(event.payload) if isinstance(event, AudioDelta) else 0
