"""The Rework mode at work: a change of the selection that waits on the page until it is kept or undone."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from studio.core.errors import AtelierError, InvalidInput, explain
from studio.core.i18n import _
from studio.core.jobs import Request, Task
from studio.core.params import SEED_MAX
from studio.documents import TextDocument
from studio.media.text import count_words
from studio.ui.tabs.text.asking import Order, expected_seconds, expected_tokens, rework_request
from studio.ui.tabs.text.context import Context
from studio.ui.tabs.text.desk import REWORK, Run, TokenCounter, origin
from studio.ui.tabs.text.pending import Pending, kept
from studio.ui.tabs.text.rework_panel import OWN_WORDS, ReworkPanel, Wish
from studio.ui.tabs.text.status import Tokens
from studio.ui.tabs.text.text_stage import TextStage
from studio.ui.tabs.words import about, left
from studio.ui.widgets.buttons import GenerateButton

BEFORE = 3000  # characters that a continuation looks back on


class ReworkRoom(QObject):
    """`refreshed` follows every change of what can be done."""

    refreshed = Signal()

    def __init__(self, context: Context, panel: ReworkPanel, stage: TextStage, button: GenerateButton) -> None:
        super().__init__(stage)
        self._context = context
        self._panel, self._stage, self._button = panel, stage, button
        self._pending: dict[tuple[str, str], Pending] = {}
        self._shown: Pending | None = None
        self._selection = (0, 0)
        self._prompt_tokens = -1
        self._counter = TokenCounter(context.services, self)
        self._counter.counted.connect(self._on_counted)
        bar = stage.pending
        bar.kept.connect(self.keep)
        bar.again.connect(self.again)
        bar.undone.connect(self.undo)
        bar.stopped.connect(self.stop)
        button.requested.connect(self.rework)
        button.stop_requested.connect(self.stop)
        panel.changed.connect(self.refresh)
        stage.selection_changed.connect(self._on_selection)
        stage.editor.edited.connect(lambda *_values: self._on_selection())
        stage.version_left.connect(self._on_version_left)
        stage.version_shown.connect(self._on_version_shown)
        stage.editor.refused.connect(self._on_refused)
        context.desk.grew.connect(self._on_grew)
        context.desk.changed.connect(self._on_run)
        context.desk.ended.connect(self._on_ended)
        self.refresh()

    # -- asking -----------------------------------------------------------------------------------------------

    @property
    def pending(self) -> Pending | None:
        """The change that waits on the page."""
        return self._shown

    def scope(self) -> tuple[int, int, bool]:
        """(start, end, whole): what a waiting change replaces, or the selection without white space at its ends, or
        else the whole text."""
        text = self._stage.editor.text
        place = self._stage.editor.pending_range()
        if place is not None and place[1] > place[0]:
            return *place, False
        start, end = self._stage.editor.selected()
        chosen = text[start:end]
        if not chosen.strip():
            return len(text) - len(text.lstrip()), len(text.rstrip()), True
        start += len(chosen) - len(chosen.lstrip())
        return start, start + len(chosen.strip()), False

    def rework(self) -> None:
        """Do what the form says with the selection."""
        document = self._stage.document
        if document is None or document.current is None or self._shown is not None:
            return
        if self._context.picker.current is None:
            self._context.shell.show_error(AtelierError("starter-missing"))
            return
        wish = self._panel.wish()
        if wish.action is OWN_WORDS and not wish.words.strip():
            self._panel.show_error("prompt", explain("prompt-empty").text)
            return
        start, end, whole = self.scope()
        if wish.action.append and whole:
            end = self._stage.editor.selected()[1] or len(self._stage.editor.text)
        if not self._stage.editor.text[start:end].strip():
            self.refresh()
            return
        append = wish.action.append
        pending = Pending(
            document, self._stage.version, end if append else start, end, wish, append, str(wish.action.title)
        )
        self._ask(pending, start, end)

    def again(self) -> None:
        """Ask for other words for the same place."""
        pending = self._shown
        if pending is None or pending.run is not None:
            return
        self._remember_place()
        start = max(0, pending.start - BEFORE) if pending.append else pending.start
        self._ask(pending, start, pending.end)

    def _ask(self, pending: Pending, start: int, end: int) -> None:
        document = pending.document
        text = document.version(pending.version).text
        if pending.append:
            start = max(start, end - BEFORE)
        try:
            run = self._context.desk.rework(document, self._request(document, text, start, end, pending.wish))
        except InvalidInput as error:
            if not self._panel.show_error(error.parameter, str(error)):
                self._context.shell.show_error(error)
            return
        except AtelierError as error:
            self._context.shell.show_error(error)
            return
        if pending.wish.words:
            self._context.memory.note_prompt(pending.wish.words)
        pending.run, pending.text = run, ""
        self._pending[pending.key] = pending
        pending.forget()
        self._show(pending)

    def _request(
        self, document: TextDocument, text: str, start: int, end: int, wish: Wish, *, seed: bool = True
    ) -> Request:
        model = self._context.picker.current
        assert model is not None
        params = dict(wish.params)
        if seed and (number := self._panel.form.next_seed()) is not None:
            params["seed"] = min(number, SEED_MAX)
        order = Order(model, document.project, document.title, origin(document.id, REWORK))
        return rework_request(order, wish.action, text, start, end, params, tone=wish.tone, wish=wish.words)

    # -- the user's word --------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Put the new words into the text, as one step that Undo takes back."""
        pending = self._shown
        if pending is None or pending.run is not None or not pending.text.strip():
            return
        self._remember_place()
        self._drop(pending)
        text = pending.text if pending.append else pending.text.strip()
        pending.document.replace_range(pending.start, pending.end, text.rstrip(), pending.title)
        self._stage.editor.select(pending.start, pending.start + len(text.rstrip()))
        self._stage.editor.setFocus()
        self.refresh()

    def undo(self) -> None:
        """Leave the text as it is."""
        pending = self._shown
        if pending is None:
            return
        run = pending.run
        self._remember_place()
        self._drop(pending)
        self._context.desk.stop(run)
        if not pending.append:
            self._stage.editor.select(pending.start, pending.end)
        self._stage.editor.setFocus()
        self.refresh()

    def stop(self) -> None:
        if self._shown is not None:
            self._context.desk.stop(self._shown.run)

    def _drop(self, pending: Pending) -> None:
        self._pending.pop(pending.key, None)
        pending.forget()
        self._shown = None
        self._stage.editor.drop_pending()
        self._stage.editor.set_writing(False)
        self._stage.pending.hide()

    # -- words that arrive ------------------------------------------------------------------------------------

    def _on_grew(self, run: Run, piece: str) -> None:
        pending = self._of(run)
        if pending is None:
            return
        if not pending.text:
            piece = piece.lstrip() if not pending.append else _joined(self._before(pending), piece)
        pending.text += piece
        if pending is self._shown:
            self._stage.editor.extend_pending(piece)

    def _before(self, pending: Pending) -> str:
        text = pending.body
        place = self._stage.editor.pending_range() if pending is self._shown else None
        end = place[1] if place else pending.end
        return text[max(0, end - 2) : end]

    def _on_run(self, run: Run) -> None:
        pending = self._of(run)
        if pending is not None and pending is self._shown:
            self._context.picker.set_loading(run.phase == "load")
            self._show_bar(pending)
            self.refresh()

    def _on_ended(self, run: Run) -> None:
        pending = self._of(run)
        if pending is None:
            return
        pending.run = None
        if not pending.text.strip():
            if pending is self._shown:
                self._remember_place()
                self._drop(pending)
            self._pending.pop(pending.key, None)
        else:
            if pending is self._shown:
                self._remember_place()
                self._stage.editor.set_writing(False)
                self._show_bar(pending)
            pending.keep()
        self.refresh()

    def _of(self, run: Run) -> Pending | None:
        return next((pending for pending in self._pending.values() if pending.run is run), None)

    # -- what is shown ----------------------------------------------------------------------------------------

    def _on_version_left(self) -> None:
        if self._shown is not None:
            self._remember_place()
            self._shown.keep()

    def _on_version_shown(self) -> None:
        """Another version or document is on the page: bring its waiting change, if it has one."""
        self._shown = None
        self._stage.pending.hide()
        document, version = self._stage.document, self._stage.version
        if document is not None and version:
            pending = self._pending.get((document.id, version))
            if pending is None or pending.run is None:  # its text may be another one by now
                pending = kept(document, version, self._panel)
            if pending is not None:
                self._pending[pending.key] = pending
                self._show(pending)
        self._on_selection()

    def _remember_place(self) -> None:
        pending = self._shown
        if pending is not None and (place := self._stage.editor.pending_range()) is not None:
            pending.start, pending.end = place

    def settle(self) -> None:
        """Keep the change with its document, as it is."""
        self._remember_place()
        for pending in self._pending.values():
            pending.keep()

    def _show(self, pending: Pending) -> None:
        self._shown = pending
        length = len(self._stage.editor.text)
        self._stage.editor.show_pending(min(pending.start, length), min(pending.end, length), pending.text)
        self._stage.editor.set_writing(pending.run is not None)
        self._show_bar(pending)
        self.show_scope()

    def _show_bar(self, pending: Pending) -> None:
        if pending.run is not None:
            phase = {"wait": _("Waiting"), "load": _("Loading the model")}.get(pending.run.phase)
            state = left(pending.run.seconds_left) or _("writing")
            words = phase or _("{title}: {state}").format(title=pending.title, state=state)
        else:
            old = 0 if pending.append else count_words(self._old(pending))
            new = count_words(pending.text)
            words = _("{title}: {new} words").format(title=pending.title, new=new)
            if not pending.append:
                words = _("{title}: {old} → {new} words").format(title=pending.title, old=old, new=new)
        self._stage.pending.show_change(words, writing=pending.run is not None, empty=not pending.text.strip())

    def _old(self, pending: Pending) -> str:
        place = self._stage.editor.pending_range() or (pending.start, pending.end)
        return self._stage.editor.text[place[0] : place[1]]

    def _on_refused(self) -> None:
        self._context.shell.toast(_("Keep or undo the change first; then you can edit here."), kind="info")

    def _on_selection(self) -> None:
        selection = self._stage.editor.selected()
        if selection == self._selection and self._stage.editor.text:
            return
        self._selection = selection
        if self._panel.isVisible():
            self.show_scope()

    def show_scope(self) -> None:
        """Say in the form what will be reworked."""
        start, end, whole = self.scope()
        self._panel.show_selection(self._stage.editor.text[start:end], whole=whole)
        self._count()
        self.refresh()

    def refresh_model(self) -> None:
        self._panel.set_model(self._context.picker.current)
        self.refresh()

    def show_tokens(self) -> None:
        """How much of the model's context the change takes."""
        run = self._shown.run if self._shown else None
        counts = run.counts if run else {}
        model = self._context.picker.current
        total = int(counts.get("context_tokens", 0)) or (model.context if model else 0)
        prompt = int(counts.get("prompt_tokens", self._prompt_tokens))
        start, end, _whole = self.scope()
        if prompt < 0 or start >= end:
            self._stage.status.set_tokens(Tokens(total=total, counted=False))
            return
        wish = self._panel.wish()
        built = wish.action.build(self._stage.editor.text[start:end], wish.tone)
        length = sum(len(str(built.params.get(name, ""))) for name in ("system", "prompt")) + len(wish.words)
        brief = round(prompt * min(1.0, (end - start) / max(1, length)))
        self._stage.status.set_tokens(Tokens(prompt - brief, brief, int(counts.get("written_tokens", 0)), total))

    def _count(self) -> None:
        def make() -> Request | None:
            document = self._stage.document
            start, end, _whole = self.scope()
            if document is None or self._context.picker.current is None or start >= end:
                return None
            return self._request(document, self._stage.editor.text, start, end, self._panel.wish(), seed=False)

        self._counter.ask(make)

    def _on_counted(self, prompt: int, context: int) -> None:
        self._prompt_tokens = prompt
        if self._panel.isVisible():
            self.show_tokens()

    def refresh(self) -> None:
        """Button and menus."""
        pending = self._shown
        run = pending.run if pending else None
        document = self._stage.document
        start, end, _whole = self.scope()
        append = self._panel.action.append
        self._button.set_text(_("Write on") if append else _("Rework"))
        if run is not None:
            self._button.set_running(True, _("Stop"), left(run.seconds_left))
        else:
            self._button.set_running(False)
            self._button.set_estimate(self._estimate(start, end))
        writing = document is not None and document.current is not None and document.current.state == "writing"
        why = ""
        if start >= end:
            why = _("There is no text to rework yet")
        elif writing:
            why = _("This version is still being written")
        elif document is not None and document.read_only:
            why = _("This text is open in another window")
        elif pending is not None and run is None:
            why = _("Keep or undo the change on the page first")
        if why and self._button.hasFocus() and pending is not None:
            self._stage.pending.take_focus()
        self._button.setEnabled(not why)
        self._button.setToolTip(why)
        if self._panel.isVisible():
            self.show_tokens()
        self.refreshed.emit()

    def _estimate(self, start: int, end: int) -> str:
        model = self._context.picker.current
        if model is None or end - start > 20_000:
            return ""
        text = self._stage.editor.text[start:end]
        length = self._panel.action.length
        words = max(20, round(count_words(text) * length)) if self._panel.action.task is Task.INSTRUCT else 120
        return about(expected_seconds(expected_tokens(words, text), self._context.memory.speed(model.id)))


def _joined(before: str, piece: str) -> str:
    """`piece` as it stands behind `before`: with a space where two words would run together."""
    if before and piece and before[-1].isascii() and before[-1].isalnum() and piece[0].isascii() and piece[0].isalnum():
        return f" {piece}"
    if before[-1:] in ".!?," and piece[:1].isalnum():
        return f" {piece}"
    return piece
