"""The Write mode at work: from the form to a version, and the versions beside the page."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from studio.core.errors import AtelierError, InvalidInput, explain
from studio.core.i18n import _
from studio.core.jobs import Request
from studio.core.params import SEED_MAX
from studio.core.recipe import Recipe
from studio.documents import SavedChanged, TextDocument
from studio.documents.base import Change
from studio.documents.templates import Template
from studio.documents.text import Version
from studio.ui.tabs.text.asking import Order, expected_seconds, expected_tokens, write_request
from studio.ui.tabs.text.context import Context
from studio.ui.tabs.text.desk import REWORK, WRITE, Run, failure_words, origin
from studio.ui.tabs.text.document_room import DocumentRoom
from studio.ui.tabs.text.hints import empty_words, samples
from studio.ui.tabs.text.lists import Row, RowList, version_note
from studio.ui.tabs.text.status import Tokens
from studio.ui.tabs.text.text_stage import TextStage
from studio.ui.tabs.text.write_panel import WritePanel
from studio.ui.tabs.words import about, clock, left, short_title
from studio.ui.widgets.buttons import GenerateButton
from studio.ui.widgets.rooms import Sample

EARLIER = 60
REFRESH_MS = 200


class TextRoom(DocumentRoom[TextDocument]):
    """The room of a text: its versions come from the form, and the others can be opened."""

    def __init__(
        self, context: Context, panel: WritePanel, stage: TextStage, versions: RowList, button: GenerateButton
    ) -> None:
        super().__init__(context, stage, versions, TextDocument, (WRITE,))
        self._panel, self._stage, self._button = panel, stage, button
        self._seconds: dict[str, float] = {}
        self._failed: dict[str, str] = {}
        self._samples: list[tuple[Template, str, str]] = []
        self._refresher = QTimer(self)
        self._refresher.setSingleShot(True)
        self._refresher.setInterval(REFRESH_MS)
        self._refresher.timeout.connect(self.refresh)
        # One click changes the document, its versions and the run: they are shown together.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        panel.changed.connect(self._on_form)
        button.requested.connect(self.generate)
        button.stop_requested.connect(self.stop)
        stage.edited.connect(self._later)
        stage.version_shown.connect(self._soon.start)
        stage.empty.sample_chosen.connect(self._on_sample)
        stage.refused.connect(lambda code: context.shell.show_error(AtelierError(code, {"title": stage.title.text()})))
        versions.chosen.connect(self.open_row)
        self.refresh_model()

    # -- the document -----------------------------------------------------------------------------------------

    def _show_form(self, document: TextDocument) -> None:
        brief = document.brief
        if brief.template or brief.prompt:
            self._panel.blockSignals(True)
            self._panel.show_brief(brief.template, brief.prompt, brief.tone, brief.words, brief.params)
            self._panel.blockSignals(False)
        if brief.model:
            self._context.picker.choose(brief.model)

    def _show_page(self) -> None:
        self._stage.show_document(self._document)

    def _begin(self, document: TextDocument) -> None:
        self._stage.show_document(document)

    def new(self) -> None:
        """An empty page; the form stays. The document comes into being with the first word."""
        self.show(None)
        self._panel.prompt.setFocus()

    def restore(self, recipe: Recipe) -> None:
        """An empty page with the form as it was for `recipe`."""
        self.show(None)
        found = self._context.templates
        fitting = [item for item in (found.template("blank"), *found.templates) if item and item.task == recipe.task]
        prompt = str(recipe.params.get("prompt", ""))
        self._panel.show_brief(fitting[0].id if fitting else "", prompt, "", 0, dict(recipe.params))

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
        self._save_form()
        self._stage.close_diff()
        self._on_run(run)
        self.list_documents()

    def _on_form(self) -> None:
        self._failed.pop(self._document.id if self._document else "", None)
        self._saver.start()
        self._count()
        self._show_button()

    def _save_form(self) -> None:
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
        if self._document is None or run.document != self._document.id or run.kind != WRITE:
            return
        self._context.picker.set_loading(run.phase == "load")
        if run.counts:
            self._counts[run.part] = dict(run.counts)
        if not self._refresher.isActive():
            self._refresher.start()
        if run.ended:
            self.refresh()
        elif run.phase != "run" or not run.counts:
            self._soon.start()

    def _on_ended(self, run: Run) -> None:
        if run.kind == REWORK:
            return
        self._seconds[run.part] = run.seconds
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
        title, line = empty_words(model, self._context.picker.known, title, line)
        self._samples = samples(self._context.templates.templates, model)
        shown = [Sample(name, template.icon.removeprefix("ph.")) for template, name, _prompt in self._samples]
        self._stage.set_empty_words(title, line, shown if model is not None else ())
        self._count()
        self.refresh()

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
        self._soon.stop()
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

    def list_documents(self) -> None:
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
            if item.id not in self.late_trash
        )
        self._show_rows(self.run())

    def has_version(self, id: str) -> bool:
        """Whether the text that is shown has this version."""
        return self._document is not None and any(version.id == id for version in self._document.versions)

    def open_row(self, id: str) -> None:
        """A version of this document, or another document."""
        if self._document is not None and self.has_version(id):
            self._document.select(id)
        elif id:
            self.open(id)

    def set_favourite(self, id: str) -> None:
        """Turn a version's heart on or off, for its result in the library, too."""
        document = self._document
        if document is None or not self.has_version(id):
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
        if document is None or not self.has_version(id):
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

    def settle(self) -> None:
        self._stage.leave_title()
        super().settle()
