"""The Speak mode at work: from what is written and chosen to sentences that are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import N_, _, n_
from studio.core.models import ModelInfo
from studio.documents import SavedChanged, SpeechDocument
from studio.documents.base import Change, Document
from studio.documents.speech import (
    Delivery,
    DeliveryChanged,
    Sentence,
    SentenceChanged,
    SentencesChanged,
)
from studio.ui.listening import listen
from studio.ui.model_picker import ModelPicker
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.speech.desk import Desk, Run
from studio.ui.tabs.speech.hearing import Hearing
from studio.ui.tabs.speech.memory import Memory
from studio.ui.tabs.speech.panel import SpeechPanel
from studio.ui.tabs.speech.sampler import Sampler, Wish, sample_of
from studio.ui.tabs.speech.speakers import Speaker, find, speakers
from studio.ui.tabs.speech.stage import SpeechStage
from studio.ui.tabs.speech.unsaid import Unsaid, Way, unsaid
from studio.ui.tabs.speech.writing import Writing
from studio.ui.tabs.words import about, left
from studio.ui.widgets.buttons import GenerateButton
from studio.ui.widgets.waveform import EDITED, MADE

DELIVERY_MS = 200


class SpeechRoom(QObject):
    """Holds the reading that is shown. `document_changed` follows another document, `left` the saving of the one
    before, `refreshed` every change of what can be done."""

    document_changed = Signal()
    left = Signal()
    refreshed = Signal()
    _saved = Signal()

    def __init__(
        self,
        services: Services,
        shell: Shell,
        memory: Memory,
        desk: Desk,
        picker: ModelPicker,
        panel: SpeechPanel,
        stage: SpeechStage,
        hearing: Hearing,
        sampler: Sampler,
        button: GenerateButton,
    ) -> None:
        super().__init__(stage)
        self._services, self._shell, self._memory, self._desk = services, shell, memory, desk
        self._picker, self._panel, self._stage, self._button = picker, panel, stage, button
        self._hearing, self._sampler = hearing, sampler
        self._document: SpeechDocument | None = None
        self._unsubscribe = lambda: None
        self._told_problem = ""
        self._delivery = memory.delivery()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(60)
        self._later.timeout.connect(self.refresh)
        self._noter = QTimer(self)
        self._noter.setSingleShot(True)
        self._noter.setInterval(DELIVERY_MS)
        self._noter.timeout.connect(self._apply_delivery)
        self._saved.connect(self._on_saved, Qt.ConnectionType.QueuedConnection)
        self.writing = Writing(services, shell, self, stage.list)
        self._connect()
        panel.show_delivery(self._delivery)
        self.set_models(services.bridge.models)

    def _connect(self) -> None:
        rows, panel, button = self._stage.list, self._panel, self._button
        self._services.bridge.models_changed.connect(self.set_models)
        self._picker.changed.connect(self._on_model)
        panel.changed.connect(self._on_delivery)
        panel.voices.sample_wanted.connect(lambda who, code: self._sampler.toggle(sample_of(who, code)))
        panel.voices.compare_wanted.connect(self._compare)
        panel.word_wanted.connect(self._hear_word)
        self._sampler.state_changed.connect(panel.voices.set_sample)
        self._sampler.failed.connect(self._shell.show_error)
        self._hearing.failed.connect(self._shell.show_error)
        self._hearing.moved.connect(self._on_heard)
        self._hearing.drawn.connect(self.later)
        button.requested.connect(self.speak)
        button.stop_requested.connect(self.stop)
        rows.play_pressed.connect(self._hearing.play_row)
        rows.toggle_pressed.connect(self._hearing.toggle)
        rows.selectionModel().currentChanged.connect(lambda index, _before: self._hearing.begin_at(index.row()))
        self._desk.changed.connect(self._on_run)
        self._desk.grew.connect(self._show_run)
        self._desk.spoken.connect(self._show_run)
        self._desk.resumed.connect(self._on_resumed)
        self._desk.ended.connect(self._on_ended)
        self._desk.refused.connect(self._on_refused)
        self._desk.paced.connect(self._memory.note_pace)

    # -- the document -----------------------------------------------------------------------------------------

    @property
    def document(self) -> SpeechDocument | None:
        return self._document

    @property
    def delivery(self) -> Delivery:
        return self._document.delivery if self._document else self._delivery

    def show(self, document: SpeechDocument | None) -> None:
        """Show another reading, or none."""
        if document is not None and document is self._document:
            return
        self.settle()
        self._unsubscribe()
        if (before := self._document) is not None and before.dirty:
            documents = self._services.documents
            self._services.bridge.work(lambda: documents.save(before), lambda _none: self.left.emit(), owner=self)
        self._document = document
        self._unsubscribe = listen(document, self._on_change, self) if document else lambda: None
        self._stage.list.rows.set_document(document)
        self._told_problem = ""
        if document is not None:
            self._desk.recover(document)
            if not document.delivery.model and not document.read_only:
                document.set_delivery(**vars(self._delivery))
            self._show_delivery(document.delivery)
        self._hearing.show(document)
        self.document_changed.emit()
        self.refresh()

    def open(self, id: str, *, quiet: bool = False) -> bool:
        """Show the reading with this id; False, with words unless `quiet`, if it cannot be opened."""
        try:
            return self._show_opened(self._services.documents.open(id))
        except AtelierError as error:
            if not quiet:
                documents, actions = self._services.documents, []
                if error.code == "document-damaged" and documents.has_earlier(id):
                    actions.append((_("Open the earlier version"), lambda: self.open_earlier(id)))
                self._shell.show_error(error, actions)
            return False

    def open_earlier(self, id: str) -> bool:
        """Show a damaged reading as it was before; the damaged file is kept beside it."""
        try:
            return self._show_opened(self._services.documents.open_earlier(id))
        except AtelierError as error:
            self._shell.show_error(error)
            return False

    def _show_opened(self, document: Document) -> bool:
        if not isinstance(document, SpeechDocument):
            return False
        self.show(document)
        if document.read_only:
            self._shell.show_error(AtelierError("document-open", {"title": document.name}))
        return True

    def new(self) -> None:
        """An empty list; how it is read stays. The document comes into being with the first sentence."""
        self.show(None)
        self._stage.list.write_at(0)

    def ensure(self) -> SpeechDocument | None:
        """The reading that is shown, or a new one; None, with words, if the disk refuses."""
        if self._document is None:
            self._apply_delivery()
            try:
                document = self._services.documents.create("speech", self._shell.project)
            except AtelierError as error:
                self._shell.show_error(error)
                return None
            self.show(document)
        return self._document

    def settle(self) -> None:
        """Take over what is being written or dragged."""
        self._stage.list.leave_edit()
        self._apply_delivery()

    # -- models and voices ------------------------------------------------------------------------------------

    def set_models(self, models: Sequence[ModelInfo]) -> None:
        if self._noter.isActive():
            self._apply_delivery()  # what was just changed would be set back
        usable = [model for model in models if model.medium == "speech" and model.usable]
        self._panel.set_speakers(speakers(usable))
        self._stage.list.rows.set_models(usable)
        self._show_delivery(self._usual(self.delivery, usable))
        if self._document is None:
            self._delivery = self._panel.delivery
        self.refresh()

    def models(self) -> list[ModelInfo]:
        return [model for model in self._services.bridge.models if model.medium == "speech" and model.usable]

    def _usual(self, delivery: Delivery, models: Sequence[ModelInfo]) -> Delivery:
        """A delivery that names a voice there is: for a first start one that speaks the window's language."""
        if not models or find(models, delivery.model, delivery.voice) is not None and delivery.voice:
            return delivery
        if self._document is not None and delivery.model:
            return delivery  # a reading keeps a voice that is missing now
        from studio.core.i18n import language

        choices = speakers(models)
        found = find(models, delivery.model, "") or next(
            (speaker for speaker in choices if language()[:2] in speaker.languages), choices[0]
        )
        return replace(delivery, model=found.model.id, voice=found.voice.id)

    def _show_delivery(self, delivery: Delivery) -> None:
        if delivery != self._panel.delivery:  # else a number that is being typed would be written over
            self._panel.show_delivery(delivery)
        if delivery.model:
            self._picker.blockSignals(True)
            self._picker.choose(delivery.model)
            self._picker.blockSignals(False)
        self._panel.set_speaker(find(self.models(), delivery.model, delivery.voice))

    def _on_model(self, model: ModelInfo | None) -> None:
        """Another model was picked: its first voice speaks."""
        if model is None or model.id == self._panel.delivery.model or not model.usable:
            self.refresh()
            return
        speaker = find([model], model.id, "")
        delivery = replace(self._panel.delivery, model=model.id, voice=speaker.voice.id if speaker else "")
        self._panel.show_delivery(delivery)
        self._panel.set_speaker(speaker)
        self._on_delivery(delivery)

    def _on_delivery(self, delivery: Delivery) -> None:
        if delivery.model != self._picker_model():
            self._picker.blockSignals(True)
            self._picker.choose(delivery.model)
            self._picker.blockSignals(False)
        self._noter.start()

    def _picker_model(self) -> str:
        return self._picker.current.id if self._picker.current else ""

    def _apply_delivery(self) -> None:
        """What the inspector says is what the reading is."""
        self._noter.stop()
        delivery, document = self._panel.delivery, self._document
        if document is not None and not document.read_only and delivery != document.delivery:
            document.set_delivery(**vars(delivery))
        if delivery != self._delivery:
            self._delivery = delivery
            self._memory.note_delivery(delivery)

    def _compare(self, shown: list[Speaker], code: str) -> None:
        if self._sampler.current:
            self._sampler.stop()
        else:
            self._sampler.play([sample_of(speaker, code) for speaker in shown])

    def _hear_word(self, word: str, way: str) -> None:
        speaker = find(self.models(), self._panel.delivery.model, self._panel.delivery.voice)
        if speaker is not None:
            lexicon = ((word, way),) if way else ()
            self._sampler.toggle(Wish(f"word:{word}:{way}", speaker, word, "", lexicon))

    # -- speaking ---------------------------------------------------------------------------------------------

    def run(self) -> Run | None:
        return self._desk.run_of(self._document)

    def wanted(self) -> NDArray[np.intp]:
        """The numbers of the sentences that the button would have said: what waits or was edited, or else everything
        again."""
        if self._document is None:
            return np.zeros(0, np.intp)
        states, model = self._hearing.lengths.states, self._stage.list.rows
        rows = np.setdiff1d(np.arange(len(states)), model.silent())
        left = rows[states[rows] != MADE]
        return np.setdiff1d(left if len(left) else rows, model.mute())

    def speak(self) -> None:
        """Have it said."""
        self.settle()
        document = self._document
        if self.writing.is_adding:
            self.writing.when_added(self.speak)
            return
        if document is None or not document.sentences:
            self._stage.list.write_at(0)
            return
        if not self.models():
            self._shell.show_error(AtelierError("starter-missing"))
            return
        rows = self.wanted()
        if not len(rows):
            notice = self._stage.notice
            notice.setVisible(bool(notice.text()))  # says why, even where it was closed
            self._shell.toast(_("There is nothing left that can be said."), kind="info")
            return
        self.speak_ids([document.sentences[row].id for row in rows])

    def speak_ids(self, ids: Sequence[str]) -> None:
        """Have these sentences said, or said again; while others are, they come after them."""
        document = self._document
        if document is None or not ids:
            return
        self._apply_delivery()
        params = {}
        if (seed := self._panel.take_seed()) is not None:
            params["seed"] = seed
        try:
            if (run := self.run()) is not None:
                self._desk.add(run, ids)
            else:
                self._sampler.stop()
                self._desk.speak(document, ids, params)
        except AtelierError as error:
            self._shell.show_error(error)
        self.refresh()

    def _on_refused(self, run: Run, error: AtelierError) -> None:
        field = error.parameter if isinstance(error, InvalidInput) else ""
        if not field or run.document is not self._document or not self._panel.show_error(field, str(error)):
            self._shell.show_error(error)
        self._show_run(run)

    def stop(self) -> None:
        self._desk.stop(self.run())

    def _on_run(self, run: Run) -> None:
        self._picker.set_loading(run.phase == "load")
        self._show_run(run)

    def _show_run(self, run: Run, _id: str = "") -> None:
        document = self._document
        if run.document is not document or document is None:
            return
        fraction = 0.0
        if (id := run.current) and id in run.live and document.has(id):
            live = run.live[id]
            seconds = live.frames / live.stream.sample_rate
            fraction = min(0.95, seconds / max(0.1, document.expected_seconds(document.sentence(id))))
        self._stage.list.rows.set_run(None if run.ended else run, fraction)
        self.later()

    def _on_resumed(self, run: Run, id: str) -> None:
        if run.document.has(id):
            words = _("{title} goes on with sentence {number}. Nothing that was spoken is lost.")
            number = run.document.index(id) + 1
            self._shell.toast(words.format(title=run.document.name, number=number), kind="info")

    def _on_ended(self, run: Run) -> None:
        self._picker.set_loading(False)
        if run.document is not self._document:
            return
        self._stage.list.rows.set_run(None)
        self._hearing.refresh()
        failure = run.failure
        if failure is not None and run.state != "failed":  # the engine was well: filing was not
            self._shell.show_error(AtelierError(failure.code, dict(failure.arguments), failure.details))
        self.refresh()

    # -- what is shown ----------------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if isinstance(change, SavedChanged):  # on the saver's thread
            self._saved.emit()
            return
        rows = self._stage.list.rows
        if isinstance(change, SentencesChanged):
            rows.on_sentences(change)
        elif isinstance(change, SentenceChanged):
            self._refresh_rows(change)
        elif isinstance(change, DeliveryChanged):
            self._show_delivery(self.delivery)
            rows.delivery_changed()
        self._hearing.on_change(change)
        self.later()

    def _refresh_rows(self, change: SentenceChanged) -> None:
        document = self._document
        if document is None:
            return
        rows = [document.index(id) for id in change.ids if document.has(id)]
        if rows:
            self._stage.list.rows.refresh(min(rows), max(rows), words=not change.sound)

    def _on_saved(self) -> None:
        """Say once that a reading cannot be saved."""
        problem = self._document.problem if self._document else None
        code = problem.code if problem else ""
        if problem is not None and code != self._told_problem:
            self._shell.show_error(problem)
        self._told_problem = code
        self.refreshed.emit()

    def later(self) -> None:
        if not self._later.isActive():
            self._later.start()

    def refresh(self) -> None:
        """Everything that tells of the reading: button, notice, header."""
        document = self._document
        self._stage.set_empty(document is None or not document.sentences)
        self._show_looks()
        self._show_notice()
        self._show_button()
        self.refreshed.emit()

    def _show_looks(self) -> None:
        document = self._document
        if document is None or document.read_only or self.run() is not None:
            return
        rows = np.flatnonzero(self._hearing.lengths.states == MADE)
        made = document.sentences[rows[0]] if len(rows) else None
        voice = made or (Sentence("") if not document.peaks else None)
        speaker = find(self.models(), *document.voice_of(voice)) if voice else None
        label = speaker.voice.name if speaker else document.label
        document.set_looks(label, self._hearing.thumbnail() or document.peaks)

    def _show_button(self) -> None:
        run, document = self.run(), self._document
        if run is not None:
            words = {"wait": _("waiting"), "load": _("loading the model")}.get(run.phase) or left(run.seconds_left)
            self._button.set_running(True, _("Stop"), words)
            return
        self._button.set_running(False)
        rows = self.wanted()
        self._button.set_text(self._verb(rows))
        pace = self._memory.pace(self.delivery.model)
        seconds = float(self._hearing.lengths.seconds[rows].sum()) if document else 0.0
        self._button.set_estimate(about(seconds / pace) if pace and len(rows) else "")
        self._button.setEnabled(bool(self.models()) or self._picker.known)

    def _verb(self, rows: NDArray[np.intp]) -> str:
        if not len(rows):
            return _("Speak")
        states = self._hearing.lengths.states
        edited = int((states[rows] == EDITED).sum())
        if (states[rows] == MADE).all():
            return _("Speak again")
        if len(rows) == len(states) or not np.isin(states, (MADE, EDITED)).any():
            return _("Speak")
        if edited == len(rows):
            words = n_("Speak the edited sentence", "Speak {count} edited sentences", edited)
            return words.format(count=edited)
        return n_("Speak the other sentence", "Speak the other {count}", len(rows)).format(count=len(rows))

    def _show_notice(self) -> None:
        """Which sentences no voice can say, and who can."""
        document, notice = self._document, self._stage.notice
        if self.writing.is_adding:
            notice.tell(_("A long text is being cut into sentences. They appear in a moment."))
            return
        told = unsaid(document, self._stage.list.rows, self.models()) if document is not None else Unsaid()
        notice.tell(told.text, [(way.words, partial(self._use, way)) for way in told.ways])

    def _use(self, way: Way) -> None:
        self.writing.change(way.rows, N_("Voice"), model=way.speaker.model.id, voice=way.speaker.voice.id)

    def _on_heard(self, id: str) -> None:
        document = self._document
        if document is not None and id and document.has(id):
            self._stage.list.show_row(document.index(id))
