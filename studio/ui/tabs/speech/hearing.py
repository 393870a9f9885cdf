"""What is heard of a reading: player, waveform and transport, kept in step with the document and its run."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from studio.core.errors import AtelierError
from studio.documents.base import Change
from studio.documents.speech import THUMBNAIL, DeliveryChanged, SentenceChanged, SentencesChanged, SpeechDocument
from studio.documents.takes import PEAKS_PER_SECOND, peaks_of
from studio.media.audio import Sound
from studio.ui.playback import PAUSED, PLAYING, STOPPED, Mark, Player
from studio.ui.services import Services
from studio.ui.tabs.speech.desk import Desk, Run
from studio.ui.tabs.speech.lengths import Lengths
from studio.ui.tabs.speech.memory import Memory
from studio.ui.tabs.speech.script_source import Live, ScriptSource
from studio.ui.tabs.speech.stage import SpeechStage
from studio.ui.widgets.waveform import MOST, WAITING, Parts, parts_of

REFRESH_MS = 80
THINNED = 1 << 19  # peaks that a small picture is counted from, about


class Hearing(QObject):
    """`moved` follows the sentence that is heard ("" for none), `drawn` a waveform that has its peaks; `failed` a sound
    that cannot be read."""

    moved = Signal(str)
    drawn = Signal()
    failed = Signal(object)

    def __init__(self, services: Services, desk: Desk, player: Player, stage: SpeechStage, memory: Memory) -> None:
        super().__init__(stage)
        self._services, self._desk, self._player, self._stage, self._memory = services, desk, player, stage, memory
        self._document: SpeechDocument | None = None
        self._source: ScriptSource | None = None
        self._lengths = Lengths()
        self._parts = parts_of()
        self._peaks: dict[str, NDArray[np.uint8]] = {}
        self._asked: set[str] = set()
        self._fresh: dict[str, NDArray[np.uint8]] = {}  # of sentences whose take is not filed yet
        self._mark = Mark()
        self._unreadable = False
        self._begin = ""  # where the next start begins, if the user chose a sentence meanwhile
        self._refresher = QTimer(self)
        self._refresher.setSingleShot(True)
        self._refresher.setInterval(REFRESH_MS)
        self._refresher.timeout.connect(self.refresh)
        self._saver = QTimer(self)
        self._saver.setSingleShot(True)
        self._saver.setInterval(400)
        self._saver.timeout.connect(lambda: memory.note_volume(player.volume))
        player.set_volume(memory.volume())
        player.set_device(memory.device())
        self._connect()

    def _connect(self) -> None:
        player, transport, wave = self._player, self._stage.transport, self._stage.waveform
        player.moved.connect(self._on_moved)
        player.state_changed.connect(self._show_state)
        player.source_changed.connect(self._show_state)
        player.ended.connect(self._on_ended)
        player.silent_changed.connect(transport.set_silent)
        player.devices_changed.connect(self._show_devices)
        transport.set_volume(player.volume)
        transport.play_clicked.connect(self.toggle)
        transport.previous_clicked.connect(lambda: self.step(-1))
        transport.next_clicked.connect(lambda: self.step(1))
        transport.loop_changed.connect(self._on_loop)
        transport.volume_changed.connect(self._on_volume)
        transport.zoom_changed.connect(lambda zoom: wave.set_zoom(self._pixels(zoom)))
        transport.devices_wanted.connect(self._show_devices)
        transport.device_chosen.connect(self._on_device)
        wave.chosen.connect(self.seek)
        wave.zoom_changed.connect(lambda _zoom: transport.set_zoom(self._share()))
        self._desk.grew.connect(self._on_grew)
        self._desk.changed.connect(self._on_run)
        self._desk.spoken.connect(self._on_spoken)

    # -- the document -----------------------------------------------------------------------------------------

    @property
    def document(self) -> SpeechDocument | None:
        return self._document

    @property
    def lengths(self) -> Lengths:
        return self._lengths

    @property
    def source(self) -> ScriptSource | None:
        return self._source

    @property
    def is_playing(self) -> bool:
        return self._player.is_playing and self._player.source is self._source

    @property
    def current(self) -> str:
        """The sentence that is heard, or was heard last."""
        return self._mark.key

    def show(self, document: SpeechDocument | None) -> None:
        if self._source is not None and self._player.source is self._source:
            self._player.stop()
        self._document = document
        self._source = ScriptSource(document, self._on_unreadable) if document else None
        if self._source is not None:
            self._source.loop = self._stage.transport.loop.isChecked()
        self._peaks.clear()
        self._asked.clear()
        self._fresh.clear()
        self._lengths.take(document)
        self._begin = ""
        self._unreadable = False
        first = document.sentences[0].id if document and document.sentences else ""
        self._mark = Mark(first, 0)
        self._follow_run()
        self.refresh()
        self._stage.waveform.horizontalScrollBar().setValue(0)
        self._stage.transport.set_zoom(self._share())

    def on_change(self, change: Change) -> None:
        """The document changed: show it soon."""
        if isinstance(change, SentenceChanged):
            self._lengths.update(change.ids)
        elif isinstance(change, SentencesChanged | DeliveryChanged):
            self._lengths.take(self._document)
        else:
            return
        self.later()

    def later(self) -> None:
        """Show it anew, a moment from now."""
        if not self._refresher.isActive():
            self._refresher.start()

    # -- playing ----------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Play or pause."""
        if self._source is None or self._document is None or not self._document.sentences:
            return
        if self.is_playing:
            self._player.pause()
        elif self._player.state == PAUSED and self._player.source is self._source and not self._begin:
            self._player.resume()
        else:
            self.play_from(self._begin or self._mark.key, 0 if self._begin else self._mark.frame)

    def play_from(self, id: str, frame: int = 0, *, last: str = "") -> None:
        """Hear the reading from a sentence on, up to the end of the sentence `last`."""
        document, source = self._document, self._source
        if document is None or source is None or not document.sentences:
            return
        if not document.has(id):
            id, frame = document.sentences[0].id, 0
        source.last, self._begin = last, ""
        self._use_rate(source)
        self._mark = Mark(id, frame)
        self._player.play(source, self._mark)
        self._show_state()
        self._show_place(follow=True)

    def play_row(self, row: int) -> None:
        """Hear a sentence; pause if it is the one that is heard."""
        document = self._document
        if document is None or not 0 <= row < len(document.sentences):
            return
        id = document.sentences[row].id
        if id == self._mark.key and (self.is_playing or self._player.state == PAUSED):
            self.toggle()
        else:
            self.play_from(id)

    def begin_at(self, row: int) -> None:
        """The user chose a sentence: the next start begins there."""
        document = self._document
        if document is not None and 0 <= row < len(document.sentences) and not self.is_playing:
            id = document.sentences[row].id
            self._begin = id if id != self._mark.key else ""

    def step(self, by: int) -> None:
        """To the next sentence, or back: to this one's beginning first."""
        document = self._document
        if document is None or not document.sentences:
            return
        row = document.index(self._mark.key) if document.has(self._mark.key) else 0
        back_to_start = by < 0 and self._mark.frame > self._rate()
        row = min(max(row if back_to_start else row + by, 0), len(document.sentences) - 1)
        self._go(Mark(document.sentences[row].id, 0))

    def seek(self, seconds: float) -> None:
        """Hear from there, or put the next start there while nothing can be heard yet."""
        document = self._document
        if document is None or not len(self._parts):
            return
        row = min(self._parts.at(seconds), len(document.sentences) - 1)
        mark = Mark(document.sentences[row].id, round((seconds - float(self._parts.starts[row])) * self._rate()))
        if self.is_playing or self._parts.states[row] == WAITING:
            self._go(mark)
        else:
            self.play_from(mark.key, mark.frame)

    def _go(self, mark: Mark) -> None:
        self._begin = ""
        self._mark = mark
        if self._source is not None:
            self._source.last = ""
        if self._player.source is self._source and self._player.state != STOPPED:
            self._player.seek(mark)
        self._show_place(follow=True)

    def stop(self) -> None:
        if self._player.source is self._source:
            self._player.pause()

    def _rate(self) -> int:
        return self._source.sample_rate if self._source else 24000

    def _use_rate(self, source: ScriptSource) -> None:
        """Play at the rate of what there is, so that as little as possible is converted."""
        run = self._desk.run_of(self._document)
        if run is not None and run.stream is not None:
            source.sample_rate = run.stream.sample_rate

    # -- what the player and the run tell ---------------------------------------------------------------------

    def _on_moved(self, mark: Mark) -> None:
        if self._player.source is self._source and self._source is not None:
            self._mark = mark
            self._show_place(follow=True)

    def _on_ended(self) -> None:
        document = self._document
        if document is None or self._source is None or not document.sentences:
            return
        if self._source.last:
            self._mark = Mark(self._source.last, 0)
        elif document.has(self._mark.key) and document.index(self._mark.key) == len(document.sentences) - 1:
            self._mark = Mark(document.sentences[0].id, 0)
        self._source.last = ""
        self._show_place(follow=True)

    def _on_grew(self, run: Run, id: str) -> None:
        """The first sound of a run is heard at once, unless something else is."""
        if run.document is not self._document or self._source is None:
            return
        self._follow_run()
        first = run.number == 0 and run.said == 0 and run.jobs[0] and run.jobs[0][0] == id
        if first and not self._player.is_playing and not run.heard:
            run.heard = True
            self.play_from(id, last=id if run.count == 1 else "")
        self.later()

    def _on_run(self, run: Run) -> None:
        if run.document is self._document:
            self._follow_run()
            self.later()

    def _on_spoken(self, run: Run, id: str) -> None:
        live = run.live.get(id)
        if run.document is self._document and live is not None and live.end is not None:
            self._fresh[id] = peaks_of(Sound(live.stream.part(live.start, live.end), live.stream.sample_rate))
        self._on_run(run)

    def _follow_run(self) -> None:
        run = self._desk.run_of(self._document)
        if self._source is not None:
            self._source.live = run.live if run else {}
            self._source.pending = run.pending if run else frozenset()

    def _on_unreadable(self, error: AtelierError) -> None:
        """Once is enough: where one file is gone, all may be."""
        if not self._unreadable:
            self._unreadable = True
            self.failed.emit(error)

    def _on_loop(self, on: bool) -> None:
        if self._source is not None:
            self._source.loop = on

    def _on_volume(self, volume: float) -> None:
        self._player.set_volume(volume)
        self._saver.start()

    def _on_device(self, device: str) -> None:
        self._player.set_device(device)
        self._memory.note_device(device)

    def _show_devices(self) -> None:
        self._stage.transport.set_devices(self._player.devices(), self._player.device)

    # -- what is shown ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Lay the sounds out anew and show them."""
        began = time.perf_counter()
        self._refresher.stop()
        document = self._document
        self._parts = self._lay_out()
        self._stage.waveform.set_sound(self._parts, self._all_peaks())
        if document is not None and document.sentences and not document.has(self._mark.key):
            self._mark = Mark(document.sentences[0].id, 0)
        self._show_place()
        self._show_state()
        # A reading of many hours is laid out less often, so that the window stays quick.
        self._refresher.setInterval(max(REFRESH_MS, round(20_000 * (time.perf_counter() - began))))

    def _lay_out(self) -> Parts:
        run = self._desk.run_of(self._document)
        live = {}
        for id, sound in (run.live if run else {}).items():
            if self._document is not None and self._document.has(id):
                live[self._document.index(id)] = (sound.frames / sound.stream.sample_rate, sound.end is not None)
        return self._lengths.parts(live)

    def _all_peaks(self) -> NDArray[np.uint8]:
        document = self._document
        if document is None or not len(self._parts):
            return np.zeros(0, np.uint8)
        run = self._desk.run_of(document)
        live = run.live if run else {}
        total = np.zeros(math.ceil(self._parts.seconds * PEAKS_PER_SECOND) + 1, np.uint8)
        places = np.round(self._parts.starts * PEAKS_PER_SECOND).astype(np.int64)
        missing = []
        for row in np.flatnonzero(self._parts.states != WAITING).tolist():
            sentence, at = document.sentences[row], int(places[row])
            part = self._peaks.get(sentence.take)
            if sentence.id in live:
                part = self._live_peaks(sentence.id, live[sentence.id])
            elif part is None and sentence.take:
                if sentence.id in self._fresh:
                    part = self._peaks[sentence.take] = self._fresh.pop(sentence.id)
                elif sentence.take not in self._asked:
                    missing.append(sentence.take)
            if part is not None:
                total[at : at + len(part)] = part[: len(total) - at]
        if missing:
            self._ask_peaks(document, missing)
        return total

    def _live_peaks(self, id: str, live: Live) -> NDArray[np.uint8]:
        if live.end is not None and id in self._fresh:
            return self._fresh[id]
        return peaks_of(Sound(live.stream.part(live.start, live.start + live.frames), live.stream.sample_rate))

    def _ask_peaks(self, document: SpeechDocument, names: list[str]) -> None:
        self._asked.update(names)
        takes = document.takes

        def read() -> dict[str, NDArray[np.uint8]]:
            return {name: takes.peaks(name) for name in names}

        def success(found: dict[str, NDArray[np.uint8]]) -> None:
            if document is self._document:
                self._peaks.update(found)
                self.later()
                self.drawn.emit()

        self._services.bridge.work(read, success, owner=self)

    def thumbnail(self) -> str:
        """The whole as a few digits, for lists; "" until all of it can be drawn."""
        document = self._document
        takes = {sentence.take for sentence in document.sentences if sentence.take} if document else set()
        if document is None or not takes or not takes <= self._peaks.keys():
            return ""
        self._parts = self._lay_out()
        total = self._all_peaks()
        total = total[:: len(total) // THINNED + 1]
        edges = np.linspace(0, len(total), THUMBNAIL + 1).astype(int)[:-1]
        starts = np.minimum(edges, len(total) - 1)
        mean = np.add.reduceat(total, starts, dtype=np.float64) / np.maximum(np.diff([*starts, len(total)]), 1)
        most = max(float(mean.max()), 1.0)
        return "".join(str(min(9, round(9 * (float(value) / most) ** 1.4))) for value in mean)

    def _show_place(self, *, follow: bool = False) -> None:
        document, transport = self._document, self._stage.transport
        seconds, row, fraction = 0.0, -1, 0.0
        if document is not None and document.has(self._mark.key):
            row = document.index(self._mark.key)
            if row < len(self._parts):
                start, end = float(self._parts.starts[row]), float(self._parts.ends[row])
                at = self._mark.frame / self._rate()
                seconds = start + at
                fraction = at / max(end - start, 0.01)
        total = self._parts.seconds
        shown = min(seconds, total)
        transport.set_time(shown, total)
        self._stage.waveform.set_position(shown, row, follow=follow)
        active = self._player.source is self._source and self._player.state != STOPPED and self._source is not None
        id = self._mark.key if active else ""
        self._stage.list.rows.set_heard(id, min(fraction, 1.0), self.is_playing)
        if id != self._told:
            self._told = id
            self.moved.emit(id)

    _told = ""

    def _show_state(self, _state: str = "") -> None:
        self._stage.transport.set_playing(self.is_playing and self._player.state == PLAYING)
        self._show_place()

    # -- zoom -------------------------------------------------------------------------------------------------

    def _pixels(self, share: float) -> float:
        least = min(self._stage.waveform.least(), MOST / 2)
        return least * (MOST / least) ** share

    def _share(self) -> float:
        if not len(self._parts):
            return 0.0
        least = min(self._stage.waveform.least(), MOST / 2)
        return math.log(max(self._stage.waveform.zoom() / least, 1.0)) / math.log(MOST / least)
