"""The Chat mode at work: conversations, their branches, and answers that are being written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QFileDialog

from studio.core.errors import AtelierError, InvalidInput, explain
from studio.core.i18n import _, language
from studio.core.jobs import Request
from studio.core.params import SEED_MAX
from studio.core.recipe import Recipe
from studio.documents import ChatDocument, SavedChanged
from studio.documents.base import Change
from studio.documents.chat import USER, Message, MessageGrew, PathChanged
from studio.documents.templates import Persona
from studio.media.text import read_text, text_language
from studio.ui.tabs.clean import clean_paste
from studio.ui.tabs.text.asking import Order, chat_request, expected_tokens
from studio.ui.tabs.text.chat_panel import ChatPanel
from studio.ui.tabs.text.chat_stage import ChatStage
from studio.ui.tabs.text.context import Context
from studio.ui.tabs.text.desk import CHAT, Run, origin
from studio.ui.tabs.text.document_room import DocumentRoom
from studio.ui.tabs.text.hints import empty_words, language_hint, samples
from studio.ui.tabs.text.lists import Row, RowList
from studio.ui.tabs.text.paragraphs import Shown
from studio.ui.tabs.text.status import Tokens, show_tokens
from studio.ui.tabs.words import clock, day_clock, left, short_title
from studio.ui.widgets.meters import ContextMeter
from studio.ui.widgets.rooms import Sample

if TYPE_CHECKING:
    from studio.ui.tabs.speech.read_aloud import ReadAloud

PAUSE = 30 * 60  # seconds after which a line says when the next message was
ATTACH_LIMIT = 200_000
LISTED = 100


class ChatRoom(DocumentRoom[ChatDocument]):
    """The room of a conversation. `text_wanted` carries (title, text) for the Write mode."""

    text_wanted = Signal(str, str)

    def __init__(
        self, context: Context, panel: ChatPanel, stage: ChatStage, conversations: RowList, meter: ContextMeter
    ) -> None:
        super().__init__(context, stage, conversations, ChatDocument, (CHAT,))
        self._panel, self._stage, self._meter = panel, stage, meter
        self._editing = ""
        self._reader: ReadAloud | None = None
        self._samples: list[tuple[Persona, str, str]] = []
        panel.changed.connect(self._on_form)
        stage.view.action.connect(self._on_action)
        stage.composer.sent.connect(self.send)
        stage.composer.stop_requested.connect(self.stop)
        stage.composer.text_changed.connect(lambda text: self._count())
        stage.composer.attach_requested.connect(self.attach)
        stage.composer.editing_ended.connect(self._on_editing_ended)
        stage.follow_up.connect(self.send)
        stage.sample_chosen.connect(self._on_sample)
        stage.escape_pressed.connect(self.stop)
        stage.escape_pressed.connect(self.hush)
        stage.left.connect(self.hush)
        conversations.chosen.connect(self.open)
        self.refresh_model()

    # -- the conversation -------------------------------------------------------------------------------------

    def _leave(self) -> None:
        super()._leave()
        self.hush()
        self._stage.composer.end_editing()

    def _show_form(self, document: ChatDocument) -> None:
        setup = document.setup
        self._panel.blockSignals(True)
        self._panel.show_persona(setup.system)
        self._panel.show_settings(setup.tone, setup.words, setup.params)
        self._panel.blockSignals(False)
        if setup.model:
            self._context.picker.choose(setup.model)

    def _begin(self, document: ChatDocument) -> None:
        self._save_form()

    def new(self) -> None:
        """An empty conversation with the same persona; it comes into being with the first message."""
        self.show(None)
        self._stage.composer.setFocus()

    def restore(self, recipe: Recipe) -> None:
        """A new conversation with the persona and the settings of `recipe`; its question waits to be sent."""
        self.new()
        said = [message for message in recipe.params["messages"] if isinstance(message, dict)]
        system = next((m.get("content", "") for m in said if m.get("role") == "system"), "")
        last = next((m.get("content", "") for m in reversed(said) if m.get("role") == USER), "")
        self._panel.show_persona(str(system))
        self._panel.show_settings("", 0, dict(recipe.params))
        self._stage.composer.set_text(str(last))

    def begin_with(self, title: str, text: str) -> None:
        """A new conversation about `text`, which is attached to the first message."""
        self.new()
        self._stage.composer.attach(title or _("Text"), text)

    # -- talking ----------------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Say `text` (or put it in the place of the message that is being edited) and have it answered."""
        if self.run() is not None or not text.strip():
            return
        if self._context.picker.current is None:
            self._stage.composer.set_error(explain("starter-missing").text)
            return
        text = clean_paste(text)[0]
        document = self.ensure()
        if document is None:
            return
        editing, self._editing = self._editing, ""
        try:
            if not document.title:
                document.set_title(short_title(text))
            said = document.edit(editing, text) if editing else document.say(text)
            if not self._ask(document, said.id):
                document.undo()  # nothing was asked: the words stay in the field
                self._editing = editing
                return
        except AtelierError as error:
            self._editing = editing
            self._context.shell.show_error(error)
            return
        self._stage.composer.clear()
        self._context.memory.note_prompt(text)
        self.list_documents()

    def regenerate(self, message_id: str = "") -> None:
        """Another answer beside `message_id` (or the last one)."""
        document = self._document
        if document is None or self.run() is not None or not document.path:
            return
        message = document.message(message_id) if message_id else document.path[-1]
        after = message.id if message.role == USER else message.parent
        if after:
            self._ask(document, after)

    def _ask(self, document: ChatDocument, after: str) -> bool:
        request = self.request(document, after, seed=True)
        if request is None:
            return False
        try:
            self._context.desk.answer(document, request, after)
        except InvalidInput as error:
            if not self._panel.show_error(error.parameter, str(error)):
                self._stage.composer.set_error(str(error))
            return False
        except AtelierError as error:
            self._context.shell.show_error(error)
            return False
        self.refresh()
        return True

    def request(
        self, document: ChatDocument | None, after: str | None, *, draft: str = "", seed: bool = False
    ) -> Request | None:
        """The request for an answer to the message `after`; `draft` stands for a message that is not sent yet."""
        model = self._context.picker.current
        if model is None:
            return None
        messages = document.messages_for_model(after) if document else []
        messages = [message for message in messages if message["role"] != "system"]
        if draft:
            messages.append({"role": USER, "content": draft})
        system = self._system(messages[-1]["content"] if messages else "")
        if system:
            messages.insert(0, {"role": "system", "content": system})
        params = self._panel.params()
        if seed and (number := self._panel.form.next_seed()) is not None:
            params["seed"] = min(number, SEED_MAX)
        where = origin(document.id, CHAT, after=after or "") if document else {}
        order = Order(model, document.project if document else "", document.title if document else "", where)
        words = expected_tokens(self._panel.max_words(), system or draft)
        return chat_request(order, messages, params, words)

    def _system(self, said: str) -> str:
        """The persona with the tone's sentence, in the language of what was said."""
        tone = self._panel.chosen_tone()
        code = text_language(said) if said.strip() else language()
        parts = [self._panel.persona.text().strip(), tone.instruction.in_language(code) if tone else ""]
        return "\n".join(part for part in parts if part)

    # -- what a message's buttons do --------------------------------------------------------------------------

    def _on_action(self, name: str, message_id: str) -> None:
        document = self._document
        if document is None or not message_id:
            return
        try:
            message = document.message(message_id)
        except KeyError:
            return
        if name == "copy":
            QApplication.clipboard().setText(message.content)
            self._context.shell.toast(_("Copied."), kind="info")
        elif name == "regenerate":
            self.regenerate(message_id)
        elif name == "edit":
            self._editing = message_id
            self._stage.composer.begin_editing(message.content)
        elif name in ("previous", "next"):
            self.turn(message_id, -1 if name == "previous" else 1)
        elif name == "branch":
            self.branch(message_id)
        elif name == "read":
            self.reader.toggle(message_id, message.content)
        elif name == "send":
            self.text_wanted.emit(document.title, message.content)

    @property
    def reader(self) -> ReadAloud:
        """Reads answers aloud; made when it is first wanted, as it brings the player along."""
        if self._reader is None:
            from studio.ui.tabs.speech.read_aloud import ReadAloud

            self.use_reader(ReadAloud(self._context.services, self._context.shell, self))
            assert self._reader is not None
        return self._reader

    def use_reader(self, reader: ReadAloud) -> None:
        self._reader = reader
        reader.changed.connect(lambda key, state: self._stage.view.set_reading(key if state else ""))

    def hush(self) -> None:
        """Stop reading aloud."""
        if self._reader is not None:
            self._reader.stop()

    def turn(self, message_id: str, by: int) -> None:
        """Show the branch beside a message."""
        document = self._document
        if document is None:
            return
        siblings = [message.id for message in document.siblings(message_id)]
        place = siblings.index(message_id) + by
        if 0 <= place < len(siblings):
            document.select(siblings[place])

    def branch(self, message_id: str) -> None:
        """A new conversation that begins with this one up to a message."""
        old = self._document
        if old is None:
            return
        line: list[Message] = []
        for message in old.path:
            line.append(message)
            if message.id == message_id:
                break
        self._save_form()
        try:
            document = self._context.services.documents.create("chat", old.project)
            assert isinstance(document, ChatDocument)
            title = old.title or _("Conversation")
            if not title.endswith(_("{title} (branch)").format(title="").strip()):
                title = _("{title} (branch)").format(title=title)
            document.set_title(title)
            document.set_setup(**{name: value for name, value in vars(old.setup).items() if name != "extra"})
            for message in line:
                if message.role == USER:
                    document.say(message.content)
                elif message.content:
                    answer = document.begin_answer()
                    document.finish(answer.id, text=message.content)
        except AtelierError as error:
            self._context.shell.show_error(error)
            return
        self.show(document)
        self._stage.composer.setFocus()

    def edit_last(self) -> None:
        """Edit the last message by the user."""
        said = [message for message in (self._document.path if self._document else []) if message.role == USER]
        if said:
            self._on_action("edit", said[-1].id)

    def attach(self, path: Path | None) -> None:
        """Attach a text file to the next message; None asks which."""
        if path is None:
            chosen, _filter = QFileDialog.getOpenFileName(
                self._stage, _("Attach a text file"), "", _("Texts") + " (*.txt *.md *.markdown *.text)"
            )
            if not chosen:
                return
            path = Path(chosen)
        file = path

        def done(text: str) -> None:
            text, _count = clean_paste(text)
            if not text.strip():
                self._stage.composer.set_error(_("{name} holds no text.").format(name=file.name))
                return
            self._stage.composer.attach(file.name, text)
            self._count()

        work = self._context.services.bridge.work
        work(lambda: read_text(file, ATTACH_LIMIT), done, self._context.shell.show_error, owner=self)

    def _on_editing_ended(self) -> None:
        self._editing = ""

    # -- changes ----------------------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if isinstance(change, SavedChanged):
            return
        if isinstance(change, MessageGrew):
            shown = self._stage.view.messages
            if shown and shown[-1].id == change.message:
                self._stage.view.append(change.piece)
            return
        if isinstance(change, PathChanged):
            self._show_page()
            self._count()
        self.refreshed.emit()

    def _show_page(self) -> None:
        document = self._document
        shown: list[Shown] = []
        before = 0.0
        path = document.path if document else []
        for message in path:
            assert document is not None
            if message.created - before > PAUSE:
                shown.append(Shown(f"time-{message.id}", "time", day_clock(message.created)))
            before = message.created
            siblings = document.siblings(message.id)
            place = next(i for i, other in enumerate(siblings, 1) if other.id == message.id)
            shown.append(Shown(message.id, message.role, message.content, place, len(siblings)))
        self._stage.view.set_messages(shown)
        self._stage.view.set_writing(bool(path) and path[-1].state == "writing")
        self._stage.set_empty(not path)
        self._stage.set_follow_ups(bool(path) and path[-1].role != USER and path[-1].state != "writing")

    def _on_run(self, run: Run) -> None:
        if self._document is None or run.document != self._document.id:
            return
        self._context.picker.set_loading(run.phase == "load")
        if run.counts:
            self._counts[run.document] = dict(run.counts)
        self._show_state()

    def _on_ended(self, run: Run) -> None:
        if run.kind != CHAT:
            return
        self.list_documents()
        if self._document is not None and run.document == self._document.id:
            self._on_run(run)
            self._count()
            self.refresh()

    def _on_form(self) -> None:
        self._saver.start()
        self._count()

    def _save_form(self) -> None:
        self._saver.stop()
        document, model = self._document, self._context.picker.current
        if document is None or document.read_only:
            return
        tone = self._panel.chosen_tone()
        changes = {
            "system": self._panel.persona.text(),
            "tone": tone.id if tone else "",
            "words": self._panel.max_words(),
            "model": model.id if model else "",
            "params": self._panel.params(),
        }
        if any(getattr(document.setup, name) != value for name, value in changes.items()):
            document.set_setup(**changes)

    # -- what is shown ----------------------------------------------------------------------------------------

    def refresh_model(self) -> None:
        model = self._context.picker.current
        self._panel.set_model(model)
        title, line = _("Start a conversation"), _("Ask something, or begin with one of these.")
        title, line = empty_words(model, self._context.picker.known, title, line)
        personas = self._context.templates.personas
        self._samples = samples(personas, model)
        shown = [Sample(title, persona.icon.removeprefix("ph.")) for persona, title, _prompt in self._samples]
        first = personas[0].system if personas else None
        if first and self._document is None and self._panel.persona.text() in ("", first.en, first.zh_cn):
            code = "en" if language_hint(model) else language()
            self._panel.use_persona(first.in_language(code), personas[0].params)
        self._stage.set_empty_words(title, line, shown if model is not None else ())
        self._count()
        self.refresh()

    def _on_sample(self, number: int) -> None:
        persona, _title, prompt = self._samples[number]
        self._panel.use_persona(persona.system.in_language(text_language(prompt)), persona.params)
        self.send(prompt)

    def refresh(self) -> None:
        self._show_state()
        self._show_rows()
        self.refreshed.emit()

    def _show_state(self) -> None:
        run = self.run()
        words = ""
        if run is not None:
            words = {"wait": _("Waiting"), "load": _("Loading the model")}.get(run.phase, "")
            if not words:
                time_left = left(run.seconds_left)
                words = _("Writing, {time_left}").format(time_left=time_left) if time_left else _("Writing")
        self._stage.composer.set_busy(run is not None, words)
        empty = self._document is None or not self._document.path
        self._stage.composer.set_placeholder(_("Ask, or say what to write") if empty else _("Go on, or ask otherwise"))
        self._show_meter(run)

    def _show_meter(self, run: Run | None) -> None:
        model = self._context.picker.current
        counts = self._counts.get(run.document, {}) if run is not None else {}
        total = int(counts.get("context_tokens", 0)) or (model.context if model else 0)
        prompt = int(counts["prompt_tokens"]) if "prompt_tokens" in counts else self._prompt_tokens
        if prompt < 0:
            show_tokens(self._meter, Tokens(total=total, counted=False))
            return
        path = self._document.path if self._document else []
        said = sum(len(message.content) for message in path if message.role == USER)
        said += len(self._stage.composer.message())
        answered = sum(len(message.content) for message in path if message.role != USER and message.state != "writing")
        system = len(self._system(""))
        whole = max(1, said + answered + system)
        instructions, brief = round(prompt * system / whole), round(prompt * said / whole)
        written = prompt - instructions - brief + int(counts.get("written_tokens", 0))
        show_tokens(self._meter, Tokens(instructions, brief, written, total))

    def _count(self) -> None:
        draft = self._stage.composer.message()
        if self._context.picker.current is None or not (draft or (self._document and self._document.path)):
            self._prompt_tokens = -1
            self._show_meter(None)
            return
        self._counter.ask(lambda: self.request(self._document, None, draft=self._stage.composer.message()))

    def _on_counted(self, prompt: int, context: int) -> None:
        self._prompt_tokens = prompt
        self._show_meter(self.run())

    # -- the list ---------------------------------------------------------------------------------------------

    def list_documents(self) -> None:
        project = self._context.shell.project
        found = self._context.services.documents.list(project or None, "chat")
        rows = [
            Row(
                item.id,
                "version",
                item.title or _("Conversation"),
                clock(item.modified),
                str(item.problem) if item.problem else item.excerpt,
            )
            for item in found[:LISTED]
            if item.id not in self.late_trash
        ]
        document = self._document
        if document is not None and document.path and all(row.id != document.id for row in rows):
            title = document.title or _("Conversation")
            rows.insert(0, Row(document.id, "version", title, clock(time.time()), document.text[:300]))
        self._others = tuple(rows)
        self._show_rows()

    def _show_rows(self) -> None:
        self._list.set_rows(self._others, self._document.id if self._document else "")
