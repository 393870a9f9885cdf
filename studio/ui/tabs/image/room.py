"""The Image tab at work: one piece of work, what is asked for in it, and the mask that is painted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import _
from studio.core.jobs import JobState, Medium, Task
from studio.core.models import ModelInfo
from studio.documents.base import Change, UndoChanged
from studio.documents.picture import PictureDocument
from studio.documents.picture_parts import CanvasChanged, Margins, Source, Stroke
from studio.library import Item
from studio.ui.listening import listen
from studio.ui.model_picker import ModelPicker
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.image.asking import MASK, MODES, TEXT, Order, is_lora, request_of, work_request
from studio.ui.tabs.image.count_field import CountField
from studio.ui.tabs.image.desk import Desk, Run, expected
from studio.ui.tabs.image.incoming import Incoming
from studio.ui.tabs.image.panel import ImagePanel
from studio.ui.tabs.image.showing import Showing
from studio.ui.tabs.image.stage import ImageStage
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.words import about, left, short_title
from studio.ui.widgets.buttons import GenerateButton
from studio.ui.widgets.choices import SegmentedControl

TOKENS_MS = 500


class ImageRoom(QObject):
    """`document` is the piece of work; it is made when something is asked for, typed or painted. `refreshed` after
    everything that changes what the header says; `began` carries a run that was asked for here."""

    refreshed = Signal()
    began = Signal(object)

    def __init__(
        self,
        services: Services,
        shell: Shell,
        memory: Memory,
        desk: Desk,
        picker: ModelPicker,
        modes: SegmentedControl,
        panel: ImagePanel,
        stage: ImageStage,
        count: CountField,
        button: GenerateButton,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._services, self._shell, self._memory, self._desk = services, shell, memory, desk
        self._picker, self._modes, self._panel, self._stage = picker, modes, panel, stage
        self._count, self._button = count, button
        self.document: PictureDocument | None = None
        self._end: Callable[[], None] = lambda: None
        self._asking = False
        self._quiet = False
        self.showing = Showing(services, stage, self)
        self.incoming = Incoming(services, shell, panel, self.showing, self.ensure, self.set_mode, self)
        self._tokens = QTimer(self)
        self._tokens.setSingleShot(True)
        self._tokens.setInterval(TOKENS_MS)
        self._tokens.timeout.connect(self._count_tokens)
        self._connect()
        self._on_models()
        self._on_model(picker.current)
        self.refresh()

    def _connect(self) -> None:
        view, bar = self._stage.view, self._stage.bar
        self._picker.changed.connect(self._on_model)
        self._services.bridge.models_changed.connect(lambda _models: self._on_models())
        self._modes.changed.connect(self._on_mode)
        self._panel.changed.connect(self._on_form)
        self._count.changed.connect(self._on_count)
        self._button.requested.connect(self.generate)
        self._button.stop_requested.connect(self.stop)
        self._desk.began.connect(lambda _run: self.refresh())
        self._desk.changed.connect(self._on_run)
        self._desk.filed.connect(self._on_filed)
        self._desk.ended.connect(self._on_ended)
        self._desk.paced.connect(self._memory.note_speed)
        self.showing.changed.connect(self._on_shown)
        self.showing.failed.connect(self._shell.show_error)
        view.stroke_made.connect(self._on_stroke)
        view.margins_made.connect(self._on_margins)
        view.tool_wanted.connect(self.set_tool)
        view.size_wanted.connect(bar.scale_brush)
        view.zoomed.connect(self._show_zoom)
        bar.tool_chosen.connect(self.set_tool)
        bar.brush_changed.connect(view.set_brush)
        bar.feather_changed.connect(lambda _feather: self._on_form())
        bar.invert_wanted.connect(lambda: self._edit(PictureDocument.invert_mask))
        bar.clear_wanted.connect(lambda: self._edit(PictureDocument.clear_mask))
        bar.undo_wanted.connect(self.undo)
        bar.repaint_wanted.connect(self.repaint)
        view.set_brush(*bar.brush())

    @property
    def model(self) -> ModelInfo | None:
        return self._picker.current

    @property
    def mode(self) -> str:
        return self._panel.mode

    @property
    def prompt(self) -> str:
        return self._panel.prompt.text()

    @property
    def seed(self) -> int:
        return self._panel.seed.value()

    def show_grid(self) -> None:
        """The table of a batch in the place of the picture."""
        self.showing.leave_run()
        self._stage.show_page(self._stage.grid)
        self._stage.grid.setFocus()

    # -- the document -----------------------------------------------------------------------------------------

    def ensure(self) -> PictureDocument | None:
        """The piece of work, made now if there is none. None if that failed, which was said."""
        if self.document is None:
            try:
                document = self._services.documents.create("picture", self._shell.project)
            except AtelierError as error:
                self._shell.show_error(error)
                return None
            self._take(document)
        return self.document

    def open(self, id: str, *, quiet: bool = False) -> bool:
        """Go on with an earlier piece of work."""
        if self.document is not None and self.document.id == id:
            return True
        try:
            document = self._services.documents.open(id)
        except AtelierError as error:
            if not quiet:
                self._shell.show_error(error)
            return False
        if not isinstance(document, PictureDocument):
            return False
        self._take(document)
        self._quiet = True
        form = document.form
        self._picker.choose(str(form.get("model", "")) or (self._picker.current.id if self._picker.current else ""))
        self._panel.show_form(form)
        if form.get("mode") in MODES:
            self._modes.set_current(form["mode"])
        self._count.set_value(self._panel.count)
        self._stage.bar.set_feather(int(form.get("params", {}).get("mask_feather", self._stage.bar.feather()) or 0))
        self._quiet = False
        self.incoming.show_guides(document)
        if document.canvas.source is not None:
            self.showing.show_source(document.canvas.source)
        elif document.pictures and (item := self._services.library.item(document.pictures[-1])) is not None:
            self.showing.show_item(item)
        self.refresh()
        return True

    def leave(self) -> None:
        """Begin a new piece of work; what is typed stays."""
        self._let_go()
        self.showing.set_document(None)
        self.showing.clear()
        self.refresh()

    def _take(self, document: PictureDocument) -> None:
        self._let_go()
        self.document = document
        self._end = listen(document, self._on_change, self)
        self.showing.set_document(document)

    def _let_go(self) -> None:
        document, self.document = self.document, None
        self._end()
        if document is not None:
            try:
                self._services.documents.close(document)
            except AtelierError as error:
                self._shell.show_error(error)

    def _on_change(self, change: Change) -> None:
        if isinstance(change, CanvasChanged) and self.document is not None:
            source = self.document.canvas.source
            if not change.painted and source is not None and not self.showing.is_shown(source):
                self.showing.show_source(source)
            else:
                self.showing.sync_mask()
        if isinstance(change, CanvasChanged | UndoChanged):
            self.refresh()

    def _edit(self, do: Callable[[PictureDocument], None]) -> None:
        """Change the mask of what is shown."""
        if self._adopt() and self.document is not None:
            try:
                do(self.document)
            except AtelierError as error:
                self._shell.show_error(error)
                self.showing.sync_mask()

    def _adopt(self) -> bool:
        """Let the document work on what is shown. False if nothing is."""
        source = self.showing.source
        document = self.ensure() if source is not None else None
        if document is None or source is None:
            return False
        if not self.showing.is_shown(document.canvas.source):
            try:
                document.set_source(source)
            except AtelierError as error:
                self._shell.show_error(error)
                return False
        return True

    def undo(self) -> None:
        if self.document is not None:
            self.document.undo()

    def redo(self) -> None:
        if self.document is not None:
            self.document.redo()

    # -- panel ------------------------------------------------------------------------------------------------

    def _on_models(self) -> None:
        models = self._services.bridge.models
        self._panel.set_additions([model for model in models if is_lora(model)], models)

    def _on_model(self, model: ModelInfo | None) -> None:
        for mode, task in MODES.items():
            on = model is None or task in model.tasks
            self._modes.set_item_enabled(mode, on, _("This model cannot do that. Choose another one."))
        if model is not None and MODES[self._panel.mode] not in model.tasks:
            self._modes.set_current(next(mode for mode, task in MODES.items() if task in model.tasks))
        self._panel.set_model(model)
        self.refresh()

    def _on_mode(self, mode: Any) -> None:
        self._panel.set_mode(mode)
        if mode == MASK and self._stage.view.tool == "hand" and not self._quiet:
            self.set_tool("brush")
        self.refresh()

    def set_mode(self, mode: str) -> None:
        self._modes.set_current(mode)

    def _on_count(self, count: int) -> None:
        self._panel.count = count
        self._on_form()

    def _on_form(self) -> None:
        if not self._quiet:
            if self.document is None and not self._panel.prompt.text().strip():
                self.refresh()
                return
            document = self.ensure()
            if document is not None and not document.read_only:
                document.set_form(self._form())
        self.refresh()
        self._tokens.start()

    def _form(self) -> dict[str, Any]:
        form = self._panel.form()
        return {**form, "params": {**form["params"], "mask_feather": self._stage.bar.feather()}}

    def _count_tokens(self) -> None:
        """How much of the prompt the model can read; nothing while it is not loaded."""
        model, text = self._picker.current, self._panel.prompt.text()
        if model is None or not model.usable or not text.strip():
            self._panel.prompt.set_counter("")
            return
        from studio.core.jobs import Request

        request = Request(Medium.IMAGE, model.family, model.id, MODES[self._panel.mode], {"prompt": text})

        def told(answer: Mapping[str, Any]) -> None:
            count, limit = answer.get("prompt"), answer.get("context")
            words = _("{count} / {limit} tokens").format(count=count, limit=limit) if count and limit else ""
            self._panel.prompt.set_counter(words)

        future = self._services.client.query("tokens", request=request.to_json())
        self._services.bridge.ask(future, told, lambda _error: self._panel.prompt.set_counter(""), owner=self)

    def use_settings(self, params: Mapping[str, Any], model: str, task: Task) -> None:
        """Set the form as it was for a result; pictures are left alone."""
        mode = next((mode for mode, known in MODES.items() if known == task), TEXT)
        if model:
            self._picker.choose(model)
        self._quiet = True
        self._modes.set_current(mode)
        self._panel.show_values(params)
        self._panel.seed.set_locked(params.get("seed") is not None)
        self._count.set_value(self._panel.count)
        if isinstance(feather := params.get("mask_feather"), int):
            self._stage.bar.set_feather(feather)
        self._quiet = False
        self._on_form()

    # -- asking -----------------------------------------------------------------------------------------------

    def generate(self) -> None:
        """Ask for what the form says."""
        order = self.order()
        if order is not None:
            self.ask(lambda: request_of(order))
            self._memory.note_prompt(self._panel.prompt.text())

    def order(self, origin: Mapping[str, str] | None = None, **params: Any) -> Order | None:
        """What the form asks for, with some `params` other than shown; None if something is missing, which was said."""
        model, mode = self._picker.current, self._panel.mode
        if model is None:
            self._shell.toast(_("There is no model for pictures yet."), kind="info", detail=_("Choose one first."))
            self._picker.open_list()
            return None
        if mode != TEXT and not self._adopt():
            self._shell.toast(_("There is no picture to start from."), kind="info", detail=_("Open or drop one first."))
            return None
        document = self.ensure()
        if document is None:
            return None
        if mode == MASK and not document.canvas.strokes and not document.canvas.margins:
            words = _("Paint over what should change, or pull an edge outwards.")
            self._shell.toast(_("Nothing is masked yet."), kind="info", detail=words)
            self.set_tool("brush")
            return None
        prompt = self._panel.prompt.text()
        if not document.title and prompt.strip():
            document.set_title(short_title(prompt))
        source = document.canvas.source
        item = self._services.library.item(source.item) if mode != TEXT and source is not None and source.item else None
        values = {**self._panel.values(), "mask_feather": self._stage.bar.feather(), **params}
        return Order(
            document,
            document.canvas,
            item.path if item is not None else None,
            model,
            MODES[mode],
            values,
            short_title(prompt) or document.name,
            origin or {},
            self._panel.guides.wanted(),
        )

    def ask(self, make: Callable[[], tuple[Any, Mapping[str, Path]]]) -> None:
        if self._asking:
            return
        self._asking = True

        def refused(error: AtelierError) -> None:
            self._asking = False
            if not (isinstance(error, InvalidInput) and self._panel.show_error(error)):
                self._shell.show_error(error)
            self.refresh()

        def done(run: Run) -> None:
            self._asking = False
            self._panel.next_seed()
            self.showing.watch(run)
            self.began.emit(run)
            self.refresh()

        self._desk.prepare(make, refused, done)

    def repaint(self) -> None:
        """Paint the mask anew, whatever mode is shown."""
        self.set_mode(MASK)
        self.generate()

    def work_on(self, item: Item, task: Task, model: ModelInfo) -> None:
        """Enlarge a picture, cut it out, or make a control picture of it."""
        document = self.ensure()
        if document is not None:
            title = item.title or item.path.stem
            self.ask(lambda: work_request(document, model, task, item.path, item.id, title))

    def stop(self) -> None:
        """Stop what this piece of work waits for."""
        for run in self._runs():
            try:
                self._desk.stop(run)
            except AtelierError as error:
                self._shell.show_error(error)

    def _runs(self) -> list[Run]:
        return self._desk.runs_of(self.document.id) if self.document is not None else []

    def _on_run(self, run: Run) -> None:
        if self.showing.run is run:
            self.showing.show_run()
        self._picker.set_loading(any(each.phase == "load" for each in self._desk.runs))
        self._show_button()
        if self.showing.run is run:
            self.refreshed.emit()

    def _on_filed(self, run: Run, items: tuple[Item, ...]) -> None:
        if self.document is not None and run.document == self.document.id and not self.document.read_only:
            self.document.add_pictures([item.id for item in items])
        if self.showing.run is not run or not items or "batch" in run.request.origin:
            return
        item, document = items[0], self.document
        size = item.metadata.get("width"), item.metadata.get("height")
        sized = isinstance(size[0], int) and isinstance(size[1], int)
        self.showing.show_item(item)
        if run.request.task is Task.INPAINT and document is not None and not document.canvas.margins and sized:
            source = Source(item=item.id, name=item.title, width=int(size[0] or 0), height=int(size[1] or 0))
            document.set_source(source, keep_mask=True)

    def _on_ended(self, run: Run, state: JobState) -> None:
        if self.showing.run is run and state is not JobState.FILED:
            self.showing.unwatch()
        self._picker.set_loading(any(each.phase == "load" for each in self._desk.runs))
        self.refresh()

    # -- the mask ---------------------------------------------------------------------------------------------

    def set_tool(self, tool: str) -> None:
        self._stage.bar.set_tool(tool)
        self._stage.view.set_tool(tool)

    def _on_stroke(self, stroke: Stroke) -> None:
        self._edit(lambda document: document.add_stroke(stroke))

    def _on_margins(self, margins: Margins) -> None:
        self._edit(lambda document: document.set_margins(margins))

    # -- what is shown ----------------------------------------------------------------------------------------

    def _on_shown(self) -> None:
        source, image = self.showing.source, self._stage.view.image
        thumb = (
            QPixmap.fromImage(image.scaled(72, 72, Qt.AspectRatioMode.KeepAspectRatioByExpanding)) if image else None
        )
        note = _("{width} × {height}").format(width=source.width, height=source.height) if source is not None else ""
        self._panel.source.show_picture(source.name if source is not None else "", note, thumb)
        self.refresh()

    def _show_zoom(self) -> None:
        view = self._stage.view
        self._stage.header.set_zoom(round(100 * view.zoom), view.fitted)

    def _show_button(self) -> None:
        runs = self._runs()
        if runs:
            run = runs[0]
            words = left(run.seconds_left) if run.phase == "run" else ""
            self._button.set_running(True, _("Stop"), words)
            return
        self._button.set_running(False)
        model = self._picker.current
        seconds = expected(self._memory.speed(model.id), self._panel.values()) if model is not None else -1.0
        self._button.set_estimate(about(seconds) if seconds > 0 else "")
        self._button.setEnabled(not self._asking)

    def refresh(self) -> None:
        """Button, bar and header as things are now."""
        self._show_button()
        document, model, view = self.document, self._picker.current, self._stage.view
        can = model is not None and Task.INPAINT in model.tasks
        has = self.showing.source is not None and self.showing.run is None
        canvas = document.canvas if document is not None and self.showing.is_shown(document.canvas.source) else None
        masked = canvas is not None and bool(canvas.strokes or canvas.margins)
        undo = document.undo_label or "" if document is not None and document.can_undo else None
        why = "" if can else _("This model cannot repaint. Choose another one.")
        self._stage.bar.set_state(masked=masked, undo=undo, can_repaint=masked and can, why=why)
        self._stage.show_bar(has and can)
        view.set_edges(has and can and self._panel.mode == MASK)
        if not (has and can):
            view.set_tool("hand")
        elif view.tool != self._stage.bar.tool():
            view.set_tool(self._stage.bar.tool())
        self.refreshed.emit()
