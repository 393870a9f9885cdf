"""What is on the stage: a result, a picture from elsewhere, what is being made, or two results compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.core.errors import AtelierError
from studio.documents.picture import PictureDocument
from studio.documents.picture_mask import MaskRaster
from studio.documents.picture_parts import Margins, Source
from studio.library import Item
from studio.ui.services import Services
from studio.ui.tabs.image.desk import Run
from studio.ui.tabs.image.loading import Loaded, Loader
from studio.ui.tabs.image.stage import ImageStage


class Showing(QObject):
    """`changed` when another picture, or none, is shown; `failed` carries why one could not be. `source` is what is
    shown, `item` its result if it is one, `run` the job that is followed, `other` the result it is compared with."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, services: Services, stage: ImageStage, parent: QObject) -> None:
        super().__init__(parent)
        self._services, self._stage = services, stage
        self._loader, self._second = Loader(services, self), Loader(services, self)
        self._document: PictureDocument | None = None
        self._raster: MaskRaster | None = None
        self.source: Source | None = None
        self.item: Item | None = None
        self.run: Run | None = None
        self.other: Item | None = None

    def set_document(self, document: PictureDocument | None) -> None:
        """Whose mask is painted, and whose own files can be shown."""
        self._document = document
        self.sync_mask()

    # -- one picture ------------------------------------------------------------------------------------------

    def show_item(self, item: Item) -> None:
        self.item = item
        self._load(Source(item=item.id, name=item.title or item.path.stem), item.path)

    def show_source(self, source: Source) -> None:
        """A picture of the document: a result, or a file of its own."""
        if source.item:
            item = self._services.library.item(source.item)
            if item is not None:
                self.show_item(item)
                return
            self.failed.emit(AtelierError("file-missing", {"path": source.name}))
        elif self._document is not None:
            self.item = None
            self._load(source, self._document.part_path(source.part))

    def clear(self) -> None:
        self._loader.drop()
        self.source = self.item = self.run = self.other = None
        self._stage.view.set_image(None)
        self._stage.view.set_preview(None)
        self.sync_mask()
        self._stage.show_page(self._stage.empty)
        self.changed.emit()

    def _load(self, source: Source, path: Path) -> None:
        self.run = self.other = None

        def done(loaded: Loaded) -> None:
            image = loaded.image
            self.source = replace(source, width=image.width(), height=image.height())
            view = self._stage.view
            view.set_image(image, keep_view=True, smaller=loaded.smaller)
            self.sync_mask()
            self._stage.show_page(view)
            self.changed.emit()

        def failed(error: AtelierError) -> None:
            self.failed.emit(error)

        self._loader.load(path, done, failed)

    def is_shown(self, source: Source | None) -> bool:
        """Whether `source` is what is on the stage."""
        mine = self.source
        return mine is not None and source is not None and (mine.item, mine.part) == (source.item, source.part)

    # -- what is being made -----------------------------------------------------------------------------------

    def watch(self, run: Run) -> None:
        """Follow a job: its preview is shown as large as the picture will be."""
        self._loader.drop()
        self.run, self.other = run, None
        self.show_run()
        self.changed.emit()

    def show_run(self) -> None:
        run = self.run
        if run is None or run.preview is None:
            return
        width, height = run.size
        preview = run.preview
        if not width or not height:
            width, height = preview.width(), preview.height()
        view = self._stage.view
        if not view.has_image or (
            view.image is not None and (view.image.width(), view.image.height()) != (width, height)
        ):
            view.set_image(None)
        view.set_preview(preview, width, height)
        self._stage.show_page(view)

    def leave_run(self) -> None:
        """Go on without following a job."""
        self.run = None
        self.changed.emit()

    def unwatch(self) -> None:
        """The followed job is over without a picture: what was there before is shown again."""
        self.run = None
        self._stage.view.set_preview(None)
        if self.source is not None and not self._stage.view.has_image:
            self.show_source(self.source)
        elif self.source is None:
            self.clear()
        self.changed.emit()

    # -- two pictures -----------------------------------------------------------------------------------------

    def compare(self, other: Item) -> None:
        """Lay `other` (left) and what is shown (right) over one another."""
        right = self._stage.view.image
        if right is None or self.source is None:
            self.show_item(other)
            return
        names = (other.title or other.path.stem, self.source.name)
        if names[0] == names[1]:  # of one job: their seeds tell them apart
            seeds = [str(item.metadata.get("seed", "")) if item is not None else "" for item in (other, self.item)]
            names = (seeds[0] or names[0], seeds[1] or names[1])

        def done(loaded: Loaded) -> None:
            self.other = other
            self._stage.compare.set_pictures(loaded.image, right, names)
            self._stage.show_page(self._stage.compare)
            self._stage.compare.setFocus()
            self.changed.emit()

        self._second.load(other.path, done, self.failed.emit)

    def end_compare(self) -> None:
        self.other = None
        self._stage.show_page(self._stage.view if self.source is not None else self._stage.empty)
        self.changed.emit()

    # -- the mask ---------------------------------------------------------------------------------------------

    def sync_mask(self) -> None:
        """Paint the mask of the document over its own picture, and an empty one over any other."""
        view, source = self._stage.view, self.source
        if source is None:
            self._raster = None
            view.set_raster(None)
            view.set_margins(Margins())
            return
        fresh = self._raster is None or (self._raster.width, self._raster.height) != (source.width, source.height)
        if fresh or self._raster is None:
            self._raster = MaskRaster(source.width, source.height)
            view.set_raster(self._raster)
        canvas = self._document.canvas if self._document is not None else None
        own = canvas is not None and self.is_shown(canvas.source)
        view.show_changed(self._raster.follow(canvas.strokes if canvas is not None and own else ()))
        view.set_margins(canvas.margins if canvas is not None and own else Margins())
