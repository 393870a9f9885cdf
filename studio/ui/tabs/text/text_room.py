"""The Write mode at work: from the form to a version, and the versions beside the page."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from studio.core.errors import AtelierError, InvalidInput, explain
from studio.core.i18n import _, language
from studio.core.jobs import Request
from studio.core.params import SEED_MAX
from studio.documents import SavedChanged, TextDocument
from studio.documents.base import Change
from studio.documents.templates import Template
from studio.documents.text import Version
from studio.ui.tabs.text.asking import Order, expected_seconds, expected_tokens, write_request
from studio.ui.tabs.text.context import Context
from studio.ui.tabs.text.desk import CONTINUE, REWORK, WRITE, Run, TokenCounter, failure_words, origin
from studio.ui.tabs.text.hints import about, language_hint, left
from studio.ui.tabs.text.lists import Row, RowList, clock, version_note
from studio.ui.tabs.text.memory import short_title
from studio.ui.tabs.text.status import Tokens
from studio.ui.tabs.text.text_stage import TextStage
from studio.ui.tabs.text.write_panel import WritePanel
from studio.ui.widgets.buttons import GenerateButton
from studio.ui.widgets.rooms import Sample

EARLIER = 60
SAMPLES = 3
REFRESH_MS = 200


class TextRoom(QObject):
    """Holds the text document that is shown. `document_changed` follows another document, `refreshed` every change of
    what can be done."""

    document_changed = Signal()
    refreshed = Signal()

    def __init__(
        self, context: Context, panel: WritePanel, stage: TextStage, versions: RowList, button: GenerateButton
    ) -> None:
        super().__init__(stage)
        self._context = context
        self._panel, self._stage, self._list, self._button = panel, stage, versions, button
        self._document: TextDocument | None = None
        self._unsubscribe = lambda: None
        self._seconds: dict[str, float] = {}
        self._failed: dict[str, str] = {}
        self._counts: dict[str, dict[str, float]] = {}
        self._prompt_tokens = -1
        self._doomed: dict[str, QTimer] = {}
        self._samples: list[tuple[Template, str, str]] = []
        self._counter = TokenCounter(context.services, self)
        self._refresher = QTimer(self)
        self._refresher.setSingleShot(True)
        self._refresher.setInterval(REFRESH_MS)
        self._refresher.timeout.connect(self.refresh)
        self._saver = QTimer(self)
        self._saver.setSingleShot(True)
        self._saver.setInterval(500)
        self._saver.timeout.connect(self._save_brief)
        self._counter.counted.connect(self._on_counted)
        context.desk.changed.connect(self._on_run)
        context.desk.ended.connect(self._on_ended)
        panel.changed.connect(self._on_form)
        button.requested.connect(self.generate)
        button.stop_requested.connect(self.stop)
        stage.edited.connect(self._later)
        stage.version_shown.connect(self.refresh)
        stage.empty.sample_chosen.connect(self._on_sample)
        stage.refused.connect(lambda code: context.shell.show_error(AtelierError(code, {"title": stage.title.text()})))
        versions.chosen.connect(self.open_row)
        self.refresh_model()

    # -- the document -----------------------------------------------------------------------------------------

    @property
    def document(self) -> TextDocument | None:
        return self._document

    def show(self, document: TextDocument | None) -> None:
        """Show another document with its brief."""
        if document is not None and document is self._document:
            return
        self._save_brief()
        self._unsubscribe()
        self._save_left(self._document)
        self._document = document
        self._unsubscribe = document.subscribe(self._on_change) if document else lambda: None
        if document is not None:
            brief = document.brief
            if brief.template or brief.prompt:
                self._panel.blockSignals(True)
                self._panel.show_brief(brief.template, brief.prompt, brief.tone, brief.words, brief.params)
                self._panel.blockSignals(False)
            if brief.model:
                self._context.picker.choose(brief.model)
        self._stage.show_document(document)
        self.document_changed.emit()
        self.refresh()
        self.list_documents()

    def _save_left(self, document: TextDocument | None) -> None:
        """Save the document that is left, in the background, so that the list knows it."""
        if document is not None and document.dirty:
            context = self._context
            context.services.bridge.work(
                lambda: context.services.documents.save(document), lambda _none: self.list_documents(), owner=self
            )

    def open(self, document_id: str) -> bool:
        """Show the document with this id; False, with words, if it cannot be opened."""
        try:
            document = self._context.services.documents.open(document_id)
        except AtelierError as error:
            self._context.shell.show_error(error)
            return False
        if not isinstance(document, TextDocument):
            return False
        self.show(document)
        return True

    def new(self) -> None:
        """An empty page; the form stays. The document comes into being with the first word."""
        self.show(None)
        self._panel.prompt.setFocus()

    def ensure(self) -> TextDocument | None:
        """The document that is shown, or a new one; None, with words, if the disk refuses."""
        if self._document is None:
            try:
                document = self._context.services.documents.create("text", self._context.shell.project)
            except AtelierError as error:
                self._context.shell.show_error(error)
                return None
            assert isinstance(document, TextDocument)
            self._document = document
            self._unsubscribe = document.subscribe(self._on_change)
            self._stage.show_document(document)
            self.document_changed.emit()
        return self._document

    def open_with(self, title: str, text: str) -> None:
        """A new document that holds `text`."""
        self.show(None)
        document = self.ensure()
        if document is not None:
            document.set_title(title)
            document.replace_range(0, 0, text, _("Open"))

    # -- writing ----------------------------------------------------------------------------------------------

    def request(self, document: TextDocument | None, *, seed: bool = False) -> Request | None:
        """What the form asks for; `seed` takes one for a run. None without a model."""
        model = self._context.picker.current
        if model is None:
            return None
        brief = self._panel.brief()
        params = dict(brief.params)
        if seed and (number := self._panel.form.next_seed()) is not None:
            params["seed"] = min(number, SEED_MAX)
        title = document.title if document else ""
        where = origin(document.id, WRITE) if document else {}
        order = Order(model, document.project if document else "", title, where)
        return write_request(order, brief.template, brief.prompt, brief.tone, brief.words, params)

    def generate(self) -> None:
        """Write a new version from the form."""
        brief = self._panel.brief()
        if self.run() is not None:
            return
        if self._context.picker.current is None:
            wait = _("The models are still being looked for. Try again in a moment.")
            self._panel.show_error("", explain("starter-missing").text if self._context.picker.known else wait)
            return
        if not brief.prompt.strip():
            self._panel.show_error("prompt", explain("prompt-empty", {}).text)
            return
        document = self.ensure()
        if document is None:
            return
        named = document.title
        try:
            if not named:
                document.set_title(short_title(brief.prompt))
            request = self.request(document, seed=True)
            assert request is not None
            run = self._context.desk.write(document, request)
        except AtelierError as error:
            if document.title != named:  # what was refused names nothing
                document.set_title(named)
            if not (isinstance(error, InvalidInput) and self._panel.show_error(error.parameter, str(error))):
                self._context.shell.show_error(error)
            return
        self._failed.pop(document.id, None)
        self._context.memory.note_prompt(brief.prompt)
        self._save_brief()
        self._stage.close_diff()
        self._on_run(run)
        self.list_documents()

    def stop(self) -> None:
        self._context.desk.stop(self.run())

    def run(self) -> Run | None:
        """The run that writes a version of the document that is shown."""
        return self._context.desk.run_of(self._document.id, WRITE, CONTINUE) if self._document else None

    def _on_form(self) -> None:
        self._failed.pop(self._document.id if self._document else "", None)
        self._saver.start()
        self._count()
        self._show_button()

    def _save_brief(self) -> None:
        """Keep the form with the document."""
        self._saver.stop()
        document, model = self._document, self._context.picker.current
        if document is None or document.read_only:
            return
        brief = self._panel.brief()
        changes = {
            "template": brief.template.id,
            "prompt": brief.prompt,
            "tone": brief.tone.id if brief.tone else "",
            "words": brief.words,
            "model": model.id if model else "",
            "task": str(brief.template.task),
            "params": dict(brief.params),
        }
        old = document.brief
        if any(getattr(old, name) != value for name, value in changes.items()):
            document.set_brief(**changes)

    def _on_run(self, run: Run) -> None:
        if self._document is None or run.document != self._document.id or run.kind not in (WRITE, CONTINUE):
            return
        self._context.picker.set_loading(run.phase == "load")
        if run.counts:
            self._counts[run.part] = dict(run.counts)
        if not self._refresher.isActive():
            self._refresher.start()
        if run.ended or run.phase != "run" or not run.counts:
            self.refresh()

    def _on_ended(self, run: Run) -> None:
        if run.kind == REWORK:
            return
        self._seconds[run.part] = time.monotonic() - run.began
        if run.state == "failed":
            self._failed[run.document] = failure_words(run)[0]
        if self._prompt_tokens < 0:  # the model could not count before it was loaded
            self._count()
        self._on_run(run)

    def _on_change(self, change: Change) -> None:
        if not isinstance(change, SavedChanged):  # which comes on the saver's thread; the stage tells of it
            self._later()

    def _later(self) -> None:
        if not self._refresher.isActive():
            self._refresher.start()

    # -- what is shown ----------------------------------------------------------------------------------------

    def refresh_model(self) -> None:
        """Another model, or none: the form's fields, the empty page's words."""
        model = self._context.picker.current
        self._panel.set_model(model)
        title, line = _("Begin with a sentence"), _("Say what it should be about, or start from one of these.")
        if model is None and self._context.picker.known:
            title, line = _("No text model yet"), explain("starter-missing").text
        elif hint := language_hint(model):
            line = hint
        self._samples = self._find_samples()
        samples = [Sample(name, template.icon.removeprefix("ph.")) for template, name, _prompt in self._samples]
        self._stage.set_empty_words(title, line, samples if model is not None else ())
        self._count()
        self.refresh()

    def _find_samples(self) -> list[tuple[Template, str, str]]:
        """(template, title, brief): the first examples, in a language that the model writes."""
        model = self._context.picker.current
        code = "en" if language_hint(model) else language()
        return [
            (template, example.title.in_language(code), example.prompt.in_language(code))
            for template in self._context.templates.templates
            for example in template.examples[:1]
        ][:SAMPLES]

    def _on_sample(self, number: int) -> None:
        template, _title, prompt = self._samples[number]
        self._panel.show_brief(template.id, prompt, "", template.words)
        self.generate()

    def fill_sample(self) -> None:
        """Put the first sample into the form, without running it."""
        if self._samples and not self._panel.prompt.text().strip():
            template, _title, prompt = self._samples[0]
            self._panel.show_brief(template.id, prompt, "", template.words)

    def refresh(self) -> None:
        """Everything that tells of the document: button, foot, header, list."""
        run = self.run()
        self._show_button()
        self._show_status(run)
        self._show_rows(run)
        self.refreshed.emit()

    def _show_button(self) -> None:
        run = self.run()
        if run is not None:
            words = {"wait": _("waiting"), "load": _("loading")}.get(run.phase) or left(run.seconds_left)
            self._button.set_running(True, _("Stop writing"), words)
            return
        self._button.set_running(False)
        model, brief = self._context.picker.current, self._panel.brief()
        speed = self._context.memory.speed(model.id) if model else 0.0
        tokens = expected_tokens(brief.words or 150, brief.prompt)
        self._button.set_estimate(about(expected_seconds(tokens, speed)))
        known = self._context.picker.known
        self._button.setEnabled(model is not None or known)

    def _show_status(self, run: Run | None) -> None:
        status, document = self._stage.status, self._document
        version = document.current if document else None
        writes_here = run is not None and version is not None and run.part == version.id
        goal = self._panel.brief().words if writes_here else 0
        self._stage.set_goal(goal)
        counts = self._counts.get(version.id, {}) if version else {}
        status.set_speed(counts.get("tokens_per_second", 0.0))
        if writes_here and run is not None:
            words = {"wait": _("Waiting"), "load": _("Loading the model"), "save": _("Saving")}.get(run.phase)
            status.set_state("writing" if words is None else "waiting", words or _("Writing"))
        elif document is not None and document.read_only:
            status.set_state("waiting", _("Open in another window"))
        elif self._stage.save_problem is not None:
            status.set_state("failed", _("Not saved"))
        elif document is not None and document.id in self._failed:
            status.set_state("failed", _("Failed"))
        elif version is not None and version.state == "stopped":
            status.set_state("stopped", _("Stopped"))
        elif version is not None and version.job:
            status.set_state("done", _("Done"))
        else:
            status.set_state("", "")
        if self._panel.isVisible():
            self._show_tokens(counts, writes_here)

    def _show_tokens(self, counts: dict[str, float], writing: bool) -> None:
        model = self._context.picker.current
        total = int(counts.get("context_tokens", 0)) or (model.context if model else 0)
        prompt = int(counts.get("prompt_tokens", 0)) if writing else self._prompt_tokens
        written = int(counts.get("written_tokens", 0)) if writing else 0
        if prompt < 0:
            self._stage.status.set_tokens(Tokens(total=total, counted=False))
            return
        request = self.request(None)
        system = len(str(request.params.get("system", ""))) if request else 0
        asked = len(str(request.params.get("prompt", ""))) if request else 1
        brief = len(self._panel.brief().prompt)
        rest = max(0, system + asked - brief)
        instructions = round(prompt * rest / max(1, system + asked))
        self._stage.status.set_tokens(Tokens(instructions, prompt - instructions, written, total))

    def _count(self) -> None:
        model = self._context.picker.current
        if model is not None and self._panel.brief().prompt.strip():
            self._counter.ask(lambda: self.request(None))
        elif self._prompt_tokens != -1:
            self._prompt_tokens = -1
            self._later()

    def _on_counted(self, prompt: int, context: int) -> None:
        self._prompt_tokens = prompt
        self._show_status(self.run())

    # -- versions and documents -------------------------------------------------------------------------------

    def _row(self, version: Version, run: Run | None) -> Row:
        writing = run is not None and run.part == version.id
        return Row(
            version.id,
            "version",
            _("Version {number}").format(number=version.number),
            _("now") if writing else clock(version.created),
            version.text[:300],
            version_note(version.words, version.state, self._seconds.get(version.id, 0.0)) if not writing else "",
            version.favourite,
            (run.fraction or 0.0) if writing and run is not None else None,
        )

    def _show_rows(self, run: Run | None) -> None:
        document = self._document
        versions = list(reversed(document.versions)) if document else []
        rows = [self._row(version, run) for version in versions]
        others = [row for row in self._others if document is None or row.id != document.id]
        if others:
            rows += [Row("", "heading", _("Earlier") if rows else _("Texts")), *others]
        self._list.set_rows(rows, document.current.id if document and document.current else "")

    _others: tuple[Row, ...] = ()

    def list_documents(self) -> None:
        """Read the list of other texts again."""
        project = self._context.shell.project
        found = self._context.services.documents.list(project or None, "text")
        self._others = tuple(
            Row(
                item.id,
                "entry",
                item.title or _("Untitled text"),
                excerpt=str(item.problem) if item.problem else item.excerpt or _("Empty"),
                icon="warning-circle" if item.problem else "article",
            )
            for item in found[:EARLIER]
            if item.id not in self._doomed
        )
        self._show_rows(self.run())

    def open_row(self, id: str) -> None:
        """A version of this document, or another document."""
        if self._document is not None and any(version.id == id for version in self._document.versions):
            self._document.select(id)
        elif id:
            self.open(id)

    def set_favourite(self, id: str) -> None:
        """Turn a version's heart on or off, for its result in the library, too."""
        document = self._document
        if document is None or not any(version.id == id for version in document.versions):
            return
        version = document.version(id)
        try:
            document.set_favourite(id, not version.favourite)
            if version.item:
                self._context.services.library.set_favourite(version.item, not version.favourite)
        except AtelierError as error:
            self._context.shell.show_error(error)

    def delete_version(self, id: str) -> None:
        document = self._document
        if document is None or not any(version.id == id for version in document.versions):
            return
        number = document.version(id).number
        if (run := self._context.desk.run_of(document.id)) is not None and run.part == id:
            self._context.desk.stop(run)
            return
        document.delete_version(id)
        self._context.shell.toast(
            _("Version {number} is deleted.").format(number=number), actions=((_("Undo"), document.undo),)
        )

    def compare_with_before(self, id: str = "") -> None:
        """Show what changed from the version before `id` (or the one that is shown)."""
        document = self._document
        if document is None:
            return
        versions = document.versions
        shown = id or (document.current.id if document.current else "")
        place = next((number for number, version in enumerate(versions) if version.id == shown), 0)
        if len(versions) > 1:
            place = max(1, place)
            self.compare(versions[place - 1].id, versions[place].id)

    def compare(self, old: str, new: str) -> None:
        document = self._document
        if document is None:
            return
        first, second = document.version(old), document.version(new)
        title = _("From version {old} to version {new}").format(old=first.number, new=second.number)
        self._stage.compare(title, old, new)

    def use_settings(self, id: str) -> None:
        """Put what a version was made with into the form, with its seed locked."""
        if self._document is None:
            return
        params = dict(self._document.version(id).params)
        self._panel.form.set_values(params)
        if isinstance(params.get("temperature"), int | float):
            self._panel.freedom.set_value(params["temperature"])

    def trash(self, document_id: str) -> None:
        """Move a document to the trash, a moment later, so that it can be taken back."""
        title = next((row.title for row in self._others if row.id == document_id), "")
        if self._document is not None and self._document.id == document_id:
            title = self._document.title or _("Untitled text")
            if (run := self._context.desk.run_of(document_id)) is not None:
                self._context.desk.stop(run)
            self.show(None)
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(6000)
        timer.timeout.connect(lambda: self._trash_now(document_id))
        timer.start()
        self._doomed[document_id] = timer
        self.list_documents()
        self._context.shell.toast(
            _("{title} is moved to the trash.").format(title=title or _("Untitled text")),
            actions=((_("Undo"), lambda: self._keep(document_id)),),
        )

    def _keep(self, document_id: str) -> None:
        if (timer := self._doomed.pop(document_id, None)) is not None:
            timer.stop()
            self.list_documents()

    def _trash_now(self, document_id: str) -> None:
        if self._doomed.pop(document_id, None) is None:
            return
        try:
            self._context.services.documents.trash(document_id)
        except AtelierError as error:
            self._context.shell.show_error(error)
        self.list_documents()

    def settle(self) -> None:
        """Before the program ends: keep the form, and do what was put off."""
        self._stage.leave_title()
        self._save_brief()
        for document_id in list(self._doomed):
            self._trash_now(document_id)
