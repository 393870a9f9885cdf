"""The Speech tab, put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _, language, n_
from studio.core.jobs import Medium
from studio.core.recipe import Recipe
from studio.documents.speech import Delivery, SpeechDocument
from studio.library import Item
from studio.media.audio import FORMATS
from studio.ui.files import ask_path, open_path
from studio.ui.model_picker import ModelPicker
from studio.ui.playback import Player
from studio.ui.services import Services
from studio.ui.tabs.base import Command, Payload, Shell, Tab
from studio.ui.tabs.inspector import Inspector
from studio.ui.tabs.speech import export
from studio.ui.tabs.speech.asking import TAB
from studio.ui.tabs.speech.desk import Desk
from studio.ui.tabs.speech.hearing import Hearing
from studio.ui.tabs.speech.history import CURRENT, Card, HistoryList
from studio.ui.tabs.speech.memory import Memory
from studio.ui.tabs.speech.opening import document_of
from studio.ui.tabs.speech.outgoing import Outgoing
from studio.ui.tabs.speech.panel import SpeechPanel
from studio.ui.tabs.speech.room import SpeechRoom
from studio.ui.tabs.speech.sampler import Sampler
from studio.ui.tabs.speech.samples import samples
from studio.ui.tabs.speech.shelf import Shelf
from studio.ui.tabs.speech.stage import SpeechStage
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import GenerateButton, IconButton
from studio.ui.widgets.rooms import HeaderBar, Sample, Surface

TEXT_LIMIT = 2_000_000  # characters: more than a day of speech
_REST_MS = 400  # after the tab was shown


class SpeechTab(Tab):
    """See `Tab`. Targets: "speech.read" (a text that is read aloud). `player` may be given by tests."""

    id: ClassVar[str] = TAB
    medium: ClassVar[Medium | None] = Medium.SPEECH
    text_limit: ClassVar[int] = TEXT_LIMIT

    def __init__(self, services: Services, shell: Shell, player: Player | None = None) -> None:
        super().__init__(services, shell)
        memory = Memory(services.settings)
        self._memory = memory
        self.player = player or Player()
        self.player.setParent(self)
        self.desk = Desk(services, self)
        self.picker = ModelPicker(services, Medium.SPEECH)
        self.panel = SpeechPanel()
        self.speech_stage = SpeechStage()
        self.readings = HistoryList()
        self.generate_button = GenerateButton(_("Speak"))
        self.sampler = Sampler(services, self.player, self)
        self.hearing = Hearing(services, self.desk, self.player, self.speech_stage, memory)
        self.room = SpeechRoom(
            services,
            shell,
            memory,
            self.desk,
            self.picker,
            self.panel,
            self.speech_stage,
            self.hearing,
            self.sampler,
            self.generate_button,
        )
        self.shelf = Shelf(services, shell, self.desk, self.readings)
        self.outgoing = Outgoing(services, shell, self)
        self.header = self.speech_stage.header
        self.header.set_format(memory.format())
        self.inspector = self._make_inspector()
        self.stage = self.speech_stage
        self.history = self._make_history()
        self.history_button = self.header.history_button
        self._samples = samples(language())
        self.speech_stage.empty.set_samples([Sample(sample.title, sample.icon) for sample in self._samples])
        self._connect()
        self.shelf.list_documents()
        self._show_header()

    # -- the columns ------------------------------------------------------------------------------------------

    def _make_inspector(self) -> QWidget:
        inspector = Inspector(HeaderBar(_("Speak")), self.picker, [self.panel], self.generate_button)
        inspector.escape_pressed.connect(self.room.stop)
        return inspector

    def _make_history(self) -> QWidget:
        history = Surface("surface.panel", "left")
        head = HeaderBar(_("History"))
        self._new = IconButton("plus", _("New reading"))
        self._hearts = IconButton("heart", _("Show favourites only"), checkable=True)
        head.add_end(self._new)
        head.add_end(self._hearts)
        column = QVBoxLayout(history)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.readings, 1)
        return history

    def _connect(self) -> None:
        header = self.header
        header.undo.clicked.connect(self.room.writing.undo)
        header.redo.clicked.connect(self.room.writing.redo)
        header.rename_wanted.connect(self.rename)
        header.more_menu_wanted.connect(self._fill_more)
        header.send_menu_wanted.connect(self._fill_send)
        header.export_wanted.connect(lambda: self.export(header.format()))
        header.format_chosen.connect(self.export)
        header.dragged.connect(self._drag)
        self.shelf.carried.connect(lambda name, document: self._carry(name, document, ""))
        header.times_toggled.connect(self.speech_stage.list.show_times)
        self.room.document_changed.connect(lambda: self.shelf.show(self.room.document))
        self.room.document_changed.connect(self.state_changed)
        self.room.left.connect(self.shelf.list_documents)
        self.room.refreshed.connect(self._show_header)
        self.room.refreshed.connect(self.shelf.refresh)
        self.desk.ended.connect(self.shelf.list_documents)
        self.shelf.open_wanted.connect(self.room.open)
        self.shelf.closed.connect(lambda _id: self.room.show(None))
        self.speech_stage.empty.sample_chosen.connect(self._on_sample)
        self._new.clicked.connect(self.room.new)
        self._hearts.toggled.connect(self.shelf.set_favourites)

    def _show_header(self) -> None:
        document = self.room.document
        count = len(document.sentences) if document else 0
        words = n_("{count} sentence", "{count} sentences", count).format(count=f"{count:,}") if count else ""
        self.header.set_title(document.name if document else _("New reading"), words)
        self.header.set_tools(
            has_text=bool(count),
            has_sound=bool(document and any(sentence.take for sentence in document.sentences)),
            undo=_(document.undo_label) if document and document.can_undo else None,
            redo=_(document.redo_label) if document and document.can_redo else None,
        )
        self.header.send.setVisible(bool(self.shell.targets(Medium.TEXT)))

    # -- what can be done -------------------------------------------------------------------------------------

    def rename(self) -> None:
        if (document := self.room.document) is not None:
            self.shelf.rename(Card(document.id, CURRENT, document.name))

    def export(self, suffix: str) -> None:
        """Ask where, and write the reading there in the background."""
        document = self.room.document
        if document is None or suffix not in export.FORMATS:
            return
        self.room.settle()
        if suffix in FORMATS:  # subtitles are asked for now and then, the button goes on saving the sound
            self.header.set_format(suffix)
            self._memory.note_format(suffix)
        wish = export.order(document, self.room.models())
        if not wish.pieces:
            self.shell.toast(_("Nothing has been spoken yet."), kind="info", detail=_("Press Speak first."))
            return
        path = ask_path(self.stage.window(), self.services, self.shell.project, document.name, suffix)
        if path is not None:
            self.write(wish, path)

    def write(self, wish: export.Order, path: Path) -> None:
        self.header.export.main.set_busy(True, _("Saving"))

        def done() -> None:
            self.header.export.main.set_busy(False)

        def success(_path: Path) -> None:
            done()
            detail = ""
            if wish.left_out:
                words = n_(
                    "{count} sentence has no sound yet and is not in it.",
                    "{count} sentences have no sound yet and are not in it.",
                    wish.left_out,
                )
                detail = words.format(count=wish.left_out)
            saved = _("Saved {name}.").format(name=path.name)
            actions = ((_("Show in folder"), lambda: open_path(path.parent)),)
            self.shell.toast(saved, kind="warning" if detail else "success", detail=detail, actions=actions)

        def failure(error: AtelierError) -> None:
            done()
            self.shell.show_error(error, actions=((_("Choose another place"), lambda: self.export(path.suffix)),))

        self.services.bridge.work(lambda: export.export(wish, path), success, failure, owner=self)

    def _drag(self) -> None:
        if (document := self.room.document) is not None:
            self.room.settle()
            self._carry(document.name, document, self.header.format())

    def _carry(self, name: str, document: SpeechDocument, suffix: str) -> None:
        """Drag a reading out as a file; without a `suffix`, from the history, always as a sound."""
        kind = suffix or (self.header.format() if self.header.format() in FORMATS else ".wav")
        widget = self.header.export if suffix else self.readings
        self.outgoing.carry(widget, name, kind, export.order(document, self.room.models()))

    def _fill_more(self, menu: QMenu) -> None:
        menu.addAction(theme_of(self).icon("plus"), _("New reading"), self.room.new)
        rename = menu.addAction(theme_of(self).icon("pencil-simple"), _("Rename…"), self.rename)
        rename.setEnabled(self.room.document is not None)

    def _fill_send(self, menu: QMenu) -> None:
        for target in self.shell.targets(Medium.TEXT):
            if not target.id.startswith(f"{TAB}."):
                action = menu.addAction(theme_of(self).icon(target.icon), _(target.title))
                action.triggered.connect(lambda _checked=False, id=target.id: self._send(id))

    def _send(self, target: str) -> None:
        if (document := self.room.document) is not None:
            self.shell.send(target, Payload(Medium.TEXT, document.title, document.text))

    def _on_sample(self, number: int) -> None:
        sample = self._samples[number]
        self.room.writing.add(-1, sample.text, title=sample.title)
        self.room.speak()

    # -- what the window asks ---------------------------------------------------------------------------------

    def activate(self) -> None:
        self.speech_stage.list.setFocus(Qt.FocusReason.OtherFocusReason)
        QTimer.singleShot(_REST_MS, self, self.player.prepare)

    def project_changed(self, project: str) -> None:
        self.room.show(None)
        self.shelf.list_documents()

    def commands(self) -> list[Command]:
        group = _("Speech")
        document = self.room.document
        has = bool(document and document.sentences)
        rows = [
            Command("speech-play", _("Play or pause"), self.hearing.toggle, "Ctrl+Space", "play", enabled=has),
            Command("speech-next", _("Next sentence"), lambda: self.hearing.step(1), "Ctrl+Down", "skip-forward"),
            Command("speech-back", _("Previous sentence"), lambda: self.hearing.step(-1), "Ctrl+Up", "skip-back"),
            Command(
                "speech-again", _("Speak everything again"), self.speak_all, "Ctrl+R", "arrows-clockwise", enabled=has
            ),
            Command("speech-stop", _("Stop"), self.room.stop, "Ctrl+.", "stop"),
            Command("speech-new", _("New reading"), self.room.new, "Ctrl+N", "plus"),
            Command(
                "speech-rename", _("Rename reading"), self.rename, "", "pencil-simple", enabled=document is not None
            ),
            Command("speech-undo", _("Undo"), self.room.writing.undo, "Ctrl+Z", "arrow-u-up-left"),
            Command("speech-redo", _("Redo"), self.room.writing.redo, "Ctrl+Shift+Z", "arrow-u-up-right"),
            Command("speech-copy", _("Copy the text"), self.room.writing.copy, "Ctrl+Shift+C", "copy", enabled=has),
            Command("speech-save", _("Export"), lambda: self.export(self.header.format()), "Ctrl+S", "export"),
            Command("speech-model", _("Choose a model"), self.picker.open_list, "Ctrl+M", "cube"),
            Command("speech-list", _("Go to the sentences"), self._focus_list, "Ctrl+E", "list-numbers"),
            Command("speech-voices", _("Go to the voices"), self._focus_voices, "Ctrl+B", "microphone"),
        ]
        return [Command(c.id, c.title, c.run, c.shortcut, c.icon, group, c.enabled) for c in rows]

    def speak_all(self) -> None:
        """Everything anew; the reading that is there becomes an earlier take."""
        document = self.room.document
        if document is not None:
            mute = {document.sentences[row].id for row in self.speech_stage.list.rows.mute()}
            self.room.speak_ids([sentence.id for sentence in document.sentences if sentence.id not in mute])

    def _focus_list(self) -> None:
        self.speech_stage.list.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _focus_voices(self) -> None:
        cards = self.panel.voices.cards()
        chosen = next((card for card in cards if card.isChecked()), cards[0] if cards else self.picker.button)
        chosen.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def use_model(self, model: str) -> None:
        self.picker.choose(model)

    def first_sample(self) -> None:
        if self.speech_stage.is_empty:
            self.room.writing.add(-1, self._samples[0].text, title=self._samples[0].title)
        self.generate_button.setFocus()

    def open_text(self, title: str, text: str) -> None:
        """A text file was dropped: its sentences follow those that are there."""
        empty = self.speech_stage.is_empty
        self.room.writing.add(-1, text, title=title, tell=not empty, marks=True)

    def open_item(self, item: Item) -> None:
        """The reading that the result belongs to, or else a new one made from its file."""
        job = self.services.queue.job(item.job) if item.job else None
        where = dict(job.request.origin) if job else {}
        if where.get("document") and self.room.open(where["document"], quiet=True):
            return
        self.room.show(None)
        document_of(item, self.services, self.room.show, self.shell.show_error, owner=self)

    def restore(self, recipe: Recipe) -> None:
        params = dict(recipe.params)
        self.room.show(None)
        own = {"text", "script", "voice", "language", "speed", "pause", "paragraph_pause", "lexicon", "seed"}
        ends = found if isinstance(found := recipe.extra.get(export.ENDS), dict) else {}
        delivery = Delivery(
            recipe.model,
            str(params.get("voice", "")),
            str(params.get("language", "auto")),
            _number(params.get("speed"), 1.0),
            _number(params.get("pause"), 0.3),
            _number(params.get("paragraph_pause"), 0.8),
            ends.get("trim") is True,
            _number(ends.get("fade_in"), 0.0),
            _number(ends.get("fade_out"), 0.0),
            dict(params.get("lexicon") or {}),
            {name: value for name, value in params.items() if name not in own},
        )
        document = self.room.ensure()
        if document is None:
            return
        document.set_delivery(**vars(delivery))
        script = [row for row in params.get("script") or () if isinstance(row, dict)]
        if script:
            document.set_script(script)
        else:
            document.insert(0, str(params.get("text", "")))
        document.set_title(recipe.title)

    def accept(self, target: str, payload: Payload) -> None:
        """A text to read: a reading of its own."""
        self.room.show(None)
        self.room.writing.add(-1, payload.text, title=payload.title, marks=True)

    def show_job(self, origin: dict[str, str]) -> None:
        if origin.get("document"):
            self.room.open(origin["document"])

    def state(self) -> dict[str, Any]:
        document = self.room.document
        return {
            "document": document.id if document else "",
            "zoom": self.speech_stage.waveform.zoom(),
            "advanced": self.panel.form.is_expanded(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        if isinstance(zoom := state.get("zoom"), int | float) and zoom > 0:
            self.speech_stage.waveform.set_zoom(zoom)
        if document := state.get("document"):
            self.room.open(str(document), quiet=True)
        self.panel.form.set_expanded(bool(state.get("advanced")))

    def close_ok(self) -> bool:
        self.room.settle()
        self.shelf.late_trash.settle()
        self.player.stop()
        return True

    @property
    def document(self) -> SpeechDocument | None:
        return self.room.document


def _number(value: Any, usual: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else usual
