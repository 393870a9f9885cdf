"""The Image tab, put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.core.jobs import Medium
from studio.core.recipe import Recipe
from studio.library import Item
from studio.ui.drops import PICTURE_SUFFIXES, local_files
from studio.ui.files import export_folder
from studio.ui.model_picker import ModelPicker
from studio.ui.services import Services
from studio.ui.tabs.base import Command, Payload, Shell, Tab
from studio.ui.tabs.image.asking import MASK, PICTURE, TAB, TEXT, draws
from studio.ui.tabs.image.batch import Batch
from studio.ui.tabs.image.count_field import CountField
from studio.ui.tabs.image.desk import Desk, Run
from studio.ui.tabs.image.details import open_details
from studio.ui.tabs.image.guides import GuideRow
from studio.ui.tabs.image.history import HistoryList
from studio.ui.tabs.image.loading import Thumbs
from studio.ui.tabs.image.outgoing import Outgoing
from studio.ui.tabs.image.panel import ImagePanel
from studio.ui.tabs.image.room import ImageRoom
from studio.ui.tabs.image.samples import samples
from studio.ui.tabs.image.shelf import Shelf
from studio.ui.tabs.image.stage import ImageStage
from studio.ui.tabs.inspector import Inspector
from studio.ui.tabs.text.memory import Memory
from studio.ui.widgets.buttons import GenerateButton, IconButton
from studio.ui.widgets.choices import SegmentedControl
from studio.ui.widgets.fields import TextField
from studio.ui.widgets.rooms import HeaderBar, Sample, Surface


class ImageTab(Tab):
    """See `Tab`. Targets: "image.picture" (a result to start from)."""

    id: ClassVar[str] = TAB
    medium: ClassVar[Medium | None] = Medium.IMAGE

    def __init__(self, services: Services, shell: Shell) -> None:
        super().__init__(services, shell)
        memory = Memory(services.settings, TAB)
        self.desk = Desk(services, self)
        self.thumbs = Thumbs(services, self)
        self.picker = ModelPicker(services, Medium.IMAGE, fits=draws)
        self.modes = SegmentedControl(
            ((TEXT, _("From text")), (PICTURE, _("From image")), (MASK, _("Repaint"))), TEXT, _("What to start from")
        )
        self.panel = ImagePanel(memory)
        self.image_stage = ImageStage()
        self.count = CountField()
        self.generate_button = GenerateButton(_("Generate"))
        self.pictures = HistoryList(self.thumbs)
        self.room = ImageRoom(
            services,
            shell,
            memory,
            self.desk,
            self.picker,
            self.modes,
            self.panel,
            self.image_stage,
            self.count,
            self.generate_button,
            self,
        )
        self.showing = self.room.showing
        self.shelf = Shelf(services, shell, self.desk, self.pictures)
        self.outgoing = Outgoing(services, shell, self.image_stage, self)
        self.batch = Batch(services, shell, self.desk, self.room, self.image_stage.grid, self)
        self.header = self.image_stage.header
        self.inspector = self._make_inspector()
        self.stage = self.image_stage
        self.history = self._make_history()
        self.history_button = self.header.history_button
        self._samples = samples()
        self.image_stage.empty.set_samples([Sample(sample.title, sample.icon) for sample in self._samples])
        self._connect()
        self.shelf.read()
        self._show_header()

    # -- the columns ------------------------------------------------------------------------------------------

    def _make_inspector(self) -> QWidget:
        head = HeaderBar()
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 4, 0)
        row.addWidget(self.modes)
        head.layout().addWidget(box)  # type: ignore[union-attr]
        head.layout().setStretch(head.layout().count() - 1, 100)  # type: ignore[union-attr, call-arg]
        foot = QWidget()
        row = QHBoxLayout(foot)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.count)
        row.addWidget(self.generate_button, 1)
        inspector = Inspector(head, self.picker, [self.panel], foot)
        inspector.escape_pressed.connect(self.room.stop)
        return inspector

    def _make_history(self) -> QWidget:
        history = Surface("surface.panel", "left")
        head = HeaderBar(_("History"))
        self._new = IconButton("plus", _("New piece of work"))
        self._hearts = IconButton("heart", _("Show favourites only"), checkable=True)
        self._filter = IconButton("funnel-simple", _("Find pictures"), checkable=True)
        for button in (self._new, self._hearts, self._filter):
            head.add_end(button)
        self._words = TextField("", _("Find pictures"), _("Find pictures"), "sm")
        self._words_row = QWidget()
        row = QHBoxLayout(self._words_row)
        row.setContentsMargins(12, 10, 12, 0)
        row.addWidget(self._words)
        self._words_row.hide()
        column = QVBoxLayout(history)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self._words_row)
        column.addWidget(self.pictures, 1)
        return history

    def _connect(self) -> None:
        header, shelf, room = self.header, self.shelf, self.room
        header.zoom_chosen.connect(self._on_zoom)
        header.heart_wanted.connect(lambda: self._with(shelf.toggle_favourite))
        header.compare_wanted.connect(self.toggle_compare)
        header.info_wanted.connect(self.show_details)
        header.export_wanted.connect(self.export)
        header.send_menu_wanted.connect(lambda menu: self._with(lambda item: shelf.fill_send(menu, item)))
        shelf.chosen.connect(self._on_chosen)
        shelf.watched.connect(self.showing.watch)
        shelf.compare_wanted.connect(self.showing.compare)
        shelf.settings_wanted.connect(self.use_settings)
        shelf.source_wanted.connect(room.incoming.work_with)
        shelf.work_wanted.connect(room.work_on)
        shelf.export_wanted.connect(self.outgoing.export)
        shelf.edit_wanted.connect(self.edit)
        shelf.gone.connect(self._on_gone)
        room.refreshed.connect(self._show_header)
        room.incoming.guide_wanted.connect(self._on_guide)
        self.panel.open_wanted.connect(self.ask_picture)
        self.image_stage.picture_dropped.connect(lambda image: room.incoming.paste_picture(image, _("Dropped picture")))
        self.image_stage.empty.sample_chosen.connect(self._on_sample)
        self.image_stage.compare.closed.connect(self.showing.end_compare)
        self.image_stage.grid.closed.connect(self.batch.close)
        self.services.bridge.library_changed.connect(self._on_library)
        self._new.clicked.connect(self.new)
        self._hearts.toggled.connect(shelf.set_favourites)
        self._filter.toggled.connect(self._on_filter)
        self._words.textChanged.connect(shelf.set_words)

    def _with(self, do: Any) -> None:
        if self.showing.item is not None:
            do(self.showing.item)

    def _show_header(self) -> None:
        showing, run = self.showing, self.showing.run
        item, source = showing.item, showing.source
        if run is not None:
            making = _("Making {number} of {count}").format(number=run.done + 1, count=run.count)
            self.header.set_title(run.request.title or _("Picture"), making)
        elif source is not None:
            size = _("{width} × {height}").format(width=source.width, height=source.height)
            place = self._place(item) if item is not None else ""
            self.header.set_title(source.name, " · ".join(part for part in (place, size) if part))
        else:
            self.header.set_title(self.room.document.name if self.room.document else _("New picture"))
        self.header.set_tools(
            shown=source is not None and run is None,
            filed=item is not None and run is None,
            favourite=item is not None and item.favourite,
            comparable=run is None and (showing.other is not None or self._counterpart() is not None),
            comparing=showing.other is not None,
        )
        targets = [target for target in self.shell.targets(Medium.IMAGE) if not target.id.startswith(f"{TAB}.")]
        self.header.send.setVisible(bool(targets))
        other = showing.other.id if showing.other is not None else ""
        shown = f"{run.job} {run.done}" if run is not None else item.id if item is not None else ""
        self.pictures.set_shown(shown, other)

    def _place(self, item: Item) -> str:
        """ "1 of 4" among the pictures of its job."""
        ids = [each.id for each in self.shelf.siblings(item)]
        if len(ids) < 2 or item.id not in ids:
            return ""
        return _("{number} of {count}").format(number=ids.index(item.id) + 1, count=len(ids))

    # -- what can be done -------------------------------------------------------------------------------------

    def new(self) -> None:
        self.room.leave()
        self.panel.prompt.setFocus()

    def _on_chosen(self, item: Item) -> None:
        self.showing.show_item(item)

    def _on_gone(self, id: str) -> None:
        if self.showing.item is not None and self.showing.item.id == id:
            self.showing.clear()

    def _on_library(self, _change: object) -> None:
        item = self.showing.item
        now = self.services.library.item(item.id) if item is not None else None
        if now is not None and now != item:
            self.showing.item = now
            self._show_header()

    def _on_filter(self, on: bool) -> None:
        self._words_row.setVisible(on)
        if on:
            self._words.setFocus()
        else:
            self._words.clear()

    def _on_zoom(self, percent: int) -> None:
        self.image_stage.view.set_zoom(percent / 100) if percent else self.image_stage.view.fit()

    def _counterpart(self) -> Item | None:
        """What the shown picture is compared with: what it was made from, or else another one of its job."""
        item = self.showing.item
        if item is None:
            return None
        for parent in item.parents:
            if (found := self.services.library.item(parent)) is not None and not found.missing:
                return found
        others = [each for each in self.shelf.siblings(item) if each.id != item.id and not each.missing]
        return others[0] if others else None

    def toggle_compare(self) -> None:
        if self.showing.other is not None:
            self.showing.end_compare()
        elif (other := self._counterpart()) is not None:
            self.showing.compare(other)

    def show_details(self) -> None:
        self._with(lambda item: open_details(self.services, self.header.info, item))

    def export(self) -> None:
        source, document = self.showing.source, self.room.document
        canvas = document.canvas if document is not None and self.showing.is_shown(document.canvas.source) else None
        if self.showing.item is not None:
            self.outgoing.export(self.showing.item, canvas)
        elif source is not None and document is not None:
            self.outgoing.export_file(document.part_path(source.part), source.name, document, canvas)

    def edit(self, item: Item) -> None:
        """Crop, turn and set the levels of a picture; what comes of it is worked on."""
        self.outgoing.edit(item, self.room.incoming.paste_picture)

    def ask_picture(self) -> None:
        """Choose a picture to work on."""
        if (path := self._choose_file()) is not None:
            self.room.incoming.open_picture(path)

    def _on_guide(self, row: GuideRow) -> None:
        if (path := self._choose_file()) is not None:
            self.room.incoming.take_guide(row, path)

    def _choose_file(self) -> Path | None:
        start = str(export_folder(self.services, self.shell.project))
        names = " ".join(f"*{suffix}" for suffix in PICTURE_SUFFIXES)
        chosen, _filter = QFileDialog.getOpenFileName(
            self.stage.window(), _("Open a picture"), start, _("Pictures ({patterns})").format(patterns=names)
        )
        return Path(chosen) if chosen else None

    def paste(self) -> None:
        """Work on the picture that the clipboard holds."""
        data = QGuiApplication.clipboard().mimeData()
        files = local_files(data)
        if files:
            self.room.incoming.open_picture(files[0])
        elif data.hasImage() and isinstance(image := data.imageData(), QImage):
            self.room.incoming.paste_picture(image)
        else:
            self.shell.toast(_("There is no picture in the clipboard."), kind="info")

    def use_settings(self, item: Item) -> None:
        work = self.services.bridge.work
        work(lambda: self.services.library.recipe(item.id), self.restore, self.shell.show_error, owner=self)

    def _on_sample(self, number: int) -> None:
        self.panel.prompt.set_text(self._samples[number].prompt)
        self.room.generate()

    # -- what the window asks ---------------------------------------------------------------------------------

    def activate(self) -> None:
        self.panel.prompt.setFocus(Qt.FocusReason.OtherFocusReason)

    def project_changed(self, project: str) -> None:
        self.room.leave()
        self.shelf.read()

    def commands(self) -> list[Command]:
        shown, filed = self.showing.source is not None, self.showing.item is not None
        room, view = self.room, self.image_stage.view
        rows = [
            Command("image-new", _("New piece of work"), self.new, "Ctrl+N", "plus"),
            Command("image-open", _("Open a picture…"), self.ask_picture, "Ctrl+O", "folder-open"),
            Command("image-paste", _("Paste a picture"), self.paste, "Ctrl+Shift+V", "clipboard"),
            Command("image-stop", _("Stop"), room.stop, "Ctrl+.", "stop"),
            Command("image-more", _("Add another to the queue"), room.generate, "Ctrl+Shift+Return", "queue"),
            Command("image-grid", _("Grid over two settings…"), lambda: self.batch.ask(), "Ctrl+G", "squares-four"),
            Command("image-undo", _("Undo"), room.undo, "Ctrl+Z", "arrow-u-up-left"),
            Command("image-redo", _("Redo"), room.redo, "Ctrl+Shift+Z", "arrow-u-up-right"),
            Command("image-compare", _("Compare before and after"), self.toggle_compare, "Ctrl+D", "circle-half"),
            Command("image-repaint", _("Repaint the mask"), room.repaint, "", "paint-brush", enabled=shown),
            Command("image-fit", _("Fit the picture"), view.fit, "Ctrl+0", "arrows-in", enabled=shown),
            Command("image-details", _("How it was made"), self.show_details, "Ctrl+I", "info", enabled=filed),
            Command("image-save", _("Export…"), self.export, "Ctrl+S", "export", enabled=shown),
            Command("image-model", _("Choose a model"), self.picker.open_list, "Ctrl+M", "cube"),
            Command("image-pictures", _("Go to the pictures"), self.pictures.setFocus, "Ctrl+E", "image"),
        ]
        return [Command(c.id, c.title, c.run, c.shortcut, c.icon, _("Image"), c.enabled) for c in rows]

    def open_item(self, item: Item) -> None:
        self.showing.show_item(item)

    def restore(self, recipe: Recipe) -> None:
        """Recipes of other studios name their model by a file: one of that name is looked for."""
        model = recipe.model
        if not recipe.family and model:
            name = model.casefold()
            models = (info for info in self.picker.models() if name in (info.title.casefold(), _stem(info.id)))
            model = next((info.id for info in models), "")
        self.room.use_settings(recipe.params, model, recipe.task)

    def accept(self, target: str, payload: Payload) -> None:
        item = self.services.library.item(payload.items[0]) if payload.items else None
        if item is not None:
            self.room.incoming.work_with(item)

    def open_picture(self, path: Path) -> None:
        """A picture without a recipe was dropped."""
        self.room.incoming.open_picture(path)

    def use_model(self, model: str) -> None:
        self.picker.choose(model)

    def first_sample(self) -> None:
        if not self.panel.prompt.text().strip():
            self.panel.prompt.set_text(self._samples[0].prompt)
        self.generate_button.setFocus()

    def show_job(self, origin: dict[str, str]) -> None:
        if document := origin.get("document"):
            self.room.open(document, quiet=True)
        run: Run | None = next(iter(self.desk.runs_of(document or "")), None)
        if run is not None:
            self.showing.watch(run)

    def state(self) -> dict[str, Any]:
        document, item = self.room.document, self.showing.item
        return {"document": document.id if document else "", "shown": item.id if item else ""}

    def set_state(self, state: dict[str, Any]) -> None:
        if document := state.get("document"):
            self.room.open(str(document), quiet=True)
        item = self.services.library.item(str(state["shown"])) if state.get("shown") else None
        if item is not None and not item.missing:
            self.showing.show_item(item)

    def close_ok(self) -> bool:
        document = self.room.document
        if document is not None and not document.read_only:
            self.services.documents.save(document)
            if document.problem is not None:
                text = str(document.problem)
                return self.shell.confirm(_("This piece of work could not be saved."), text, _("Close anyway"))
        return True


def _stem(id: str) -> str:
    return id.rpartition("/")[2].removesuffix(".safetensors").casefold()
