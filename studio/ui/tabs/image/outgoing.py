"""Pictures on their way out: the export sheet, and the sheet that crops, turns and sets levels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.documents.picture import PictureDocument
from studio.documents.picture_parts import Canvas
from studio.library import Item
from studio.ui.files import ask_path, open_path
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.image.adjust_sheet import AdjustSheet
from studio.ui.tabs.image.export_sheet import LAYERED, ExportSheet, Wish


class Outgoing(QObject):
    """`sheet` is the one that is open, for tests."""

    def __init__(self, services: Services, shell: Shell, stage: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._services, self._shell, self._stage = services, shell, stage
        self.sheet: ExportSheet | AdjustSheet | None = None

    def export(self, item: Item, canvas: Canvas | None = None) -> None:
        """`canvas`: the mask and what lies behind the picture, for files with layers."""
        self._open(item.path, item.title or item.path.stem, item.project, canvas)

    def export_file(self, path: Path, name: str, document: PictureDocument, canvas: Canvas | None) -> None:
        self._open(path, name, document.project, canvas)

    def _open(self, path: Path, name: str, project: str, canvas: Canvas | None) -> None:
        def read() -> tuple[int, int]:
            from studio.media import pictures

            return pictures.size(path)

        def done(size: tuple[int, int]) -> None:
            sheet = self.sheet = ExportSheet(self._stage.window(), name, *size)
            sheet.wanted.connect(lambda wish: self._ask(sheet, path, name, project, wish, canvas))
            sheet.open(sheet.format)

        self._services.bridge.work(read, done, self._shell.show_error, owner=self)

    def _ask(self, sheet: ExportSheet, path: Path, name: str, project: str, wish: Wish, canvas: Canvas | None) -> None:
        target = ask_path(self._stage.window(), self._services, project, name, wish.suffix)
        if target is None:
            return
        sheet.save.set_busy(True, _("Saving"))

        def done(_result: Any) -> None:
            sheet.close_sheet()
            actions = ((_("Show in folder"), lambda: open_path(target.parent)),)
            self._shell.toast(_("Saved {name}.").format(name=target.name), actions=actions)

        def failed(error: AtelierError) -> None:
            sheet.save.set_busy(False)
            sheet.show_error(str(error))

        self._services.bridge.work(lambda: write(path, target, wish, canvas), done, failed, owner=self)

    def edit(self, item: Item, take: Callable[[QImage, str], None]) -> None:
        """Open the sheet for `item`; `take` gets what came of it, with its name."""

        def read() -> Any:
            from studio.media import pictures

            return pictures.read(item.path)

        def done(picture: Any) -> None:
            sheet = self.sheet = AdjustSheet(self._stage.window(), picture)
            name = item.title or item.path.stem
            sheet.finished.connect(lambda image: take(image, name))
            sheet.open(sheet.left)

        self._services.bridge.work(read, done, self._shell.show_error, owner=self)


def write(source: Path, target: Path, wish: Wish, canvas: Canvas | None = None) -> None:
    """The picture `source` as the file `target`, with its recipe. For a thread; raises `AtelierError` in words."""
    from studio.media import carriers, pictures

    if not target.parent.is_dir():
        raise AtelierError("folder-missing", {"path": str(target.parent)})
    picture = pictures.read(source)
    if wish.suffix == LAYERED:
        _write_layers(target, picture, wish, canvas or Canvas())
        return
    export = pictures.Export(wish.width, wish.height, wish.quality, wish.profile)
    pictures.write(target, picture, export)
    if wish.recipe:
        try:
            recipe = carriers.extract(source)
        except AtelierError:
            return  # a picture that came from elsewhere has none
        carriers.embed(target, recipe)


def _write_layers(target: Path, picture: Any, wish: Wish, canvas: Canvas) -> None:
    """A background, the picture, and the masked part of it by itself."""
    import numpy as np

    from studio.documents.picture_mask import rasterise
    from studio.media import picture_edit, psd
    from studio.media.pictures import Picture

    width, height = wish.width or picture.width, wish.height or picture.height
    layers = []
    if canvas.background:
        value = int(canvas.background.lstrip("#"), 16)
        colour = np.asarray([value >> 16, value >> 8 & 255, value & 255], np.uint8)
        layers.append(psd.Layer(_("Background"), Picture(np.broadcast_to(colour, (height, width, 3)).copy())))
    whole = picture_edit.resize(picture, width, height)
    layers.append(psd.Layer(_("Picture"), whole))
    if canvas.strokes and canvas.source is not None:
        mask = rasterise(canvas.strokes, canvas.source.width, canvas.source.height)
        grey = picture_edit.resize(Picture(np.repeat(mask[..., None], 3, axis=2)), width, height)
        layers.append(psd.Layer(_("Masked part"), whole, mask=grey.pixels[..., 0].copy()))
    psd.write(target, width, height, layers)
