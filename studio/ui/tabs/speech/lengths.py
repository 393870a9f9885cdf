"""How long every sentence of a reading is, and what state it is in, as arrays: quick also for a text of many hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from studio.documents.speech import SpeechDocument
from studio.ui.widgets.waveform import EDITED, MADE, MAKING, WAITING, Parts

_STATES = {"made": MADE, "edited": EDITED, "waiting": WAITING}


class Lengths:
    """`take` looks at a whole document, `update` at some of its sentences again."""

    def __init__(self) -> None:
        self.take(None)

    def take(self, document: SpeechDocument | None) -> None:
        self._document = document
        if document is None:
            self._seconds, self._states, self._pauses = np.zeros(0), np.zeros(0, np.int8), np.zeros(0)
            return
        sentences, state_of = document.sentences, document.state_of
        count = len(sentences)
        expected = document.expected_seconds
        lengths = (sentence.seconds if sentence.take else expected(sentence) for sentence in sentences)
        self._seconds = np.fromiter(lengths, np.float64, count)
        self._states = np.fromiter((_STATES[state_of(sentence)] for sentence in sentences), np.int8, count)
        self._pauses = np.fromiter(map(document.pause_after, range(count)), np.float64, count)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Of each sentence: how long it is, or will be."""
        return self._seconds

    @property
    def states(self) -> NDArray[np.int8]:
        """Of each sentence: MADE, EDITED or WAITING."""
        return self._states

    def update(self, ids: Sequence[str]) -> None:
        """These sentences have another sound, or say something else."""
        document = self._document
        if document is None or len(document.sentences) != len(self._seconds):
            self.take(document)
            return
        for id in ids:
            if document.has(id):
                row = document.index(id)
                self._look(row)
                for near in range(max(0, row - 1), row + 1):  # a paragraph may begin or end here
                    self._pauses[near] = document.pause_after(near)

    def parts(self, live: Mapping[int, tuple[float, bool]]) -> Parts:
        """Where the sentences lie. `live`: sounds that are not filed yet, by row: how long, in s, and whether whole."""
        seconds, states = self._seconds, self._states
        if live:
            seconds, states = seconds.copy(), states.copy()
            for row, (length, whole) in live.items():
                if row < len(seconds):
                    seconds[row] = length if whole else max(length, seconds[row])
                    states[row] = MADE if whole else MAKING
        ends = np.cumsum(seconds + self._pauses) - self._pauses
        return Parts(ends - seconds, ends, states)

    def _look(self, row: int) -> None:
        document = self._document
        assert document is not None
        sentence = document.sentences[row]
        self._seconds[row] = sentence.seconds if sentence.take else document.expected_seconds(sentence)
        self._states[row] = _STATES[document.state_of(sentence)]
