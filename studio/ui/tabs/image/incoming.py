"""Pictures that come from elsewhere: opened, dropped, pasted, or sent from another tab; and those that are followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.documents.picture import PictureDocument
from studio.documents.picture_parts import Source
from studio.library import Item
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.image.asking import PICTURE, TEXT
from studio.ui.tabs.image.guides import GuideRow
from studio.ui.tabs.image.loading import read_image
from studio.ui.tabs.image.panel import ImagePanel
from studio.ui.tabs.image.showing import Showing


class Incoming(QObject):
    """`ensure` gives the piece of work that takes a picture (None: that failed, and was said), `set_mode` shows another
    mode. `guide_wanted` carries a row that needs a picture from a file."""

    guide_wanted = Signal(object)

    def __init__(
        self,
        services: Services,
        shell: Shell,
        panel: ImagePanel,
        showing: Showing,
        ensure: Callable[[], PictureDocument | None],
        set_mode: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._services, self._shell, self._panel, self._showing = services, shell, panel, showing
        self._ensure, self._set_mode = ensure, set_mode
        panel.guides.picture_wanted.connect(self.ask_guide)

    def open_picture(self, path: Path) -> None:
        """Work on the picture in a file of the user's. Said in words where it is none."""

        def read() -> tuple[bytes, int, int, str]:
            from studio.media import pictures

            picture = pictures.read(path)
            return pictures.encode(picture), picture.width, picture.height, picture.remark

        self._services.bridge.work(
            read, lambda made: self._take_picture(path.stem, *made), self._shell.show_error, owner=self
        )

    def paste_picture(self, image: QImage, name: str = "") -> None:
        """Work on a picture from the clipboard or from another program."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")  # type: ignore
        self._take_picture(name or _("Pasted picture"), bytes(data.data()), image.width(), image.height(), "")

    def _take_picture(self, name: str, data: bytes, width: int, height: int, remark: str) -> None:
        document = self._ensure()
        if document is None:
            return
        try:
            part = document.write_part(data)
            document.set_source(Source(part=part, name=name, width=width, height=height))
        except AtelierError as error:
            self._shell.show_error(error)
            return
        if self._panel.mode == TEXT:
            self._set_mode(PICTURE)
        if remark:
            self._shell.toast(remark, kind="info")

    def work_with(self, item: Item) -> None:
        """Start from a result."""
        self._showing.show_item(item)
        if self._panel.mode == TEXT:
            self._set_mode(PICTURE)

    def ask_guide(self, row: GuideRow, at: QWidget) -> None:
        """Ask which picture is followed: the one shown, or one from a file."""
        menu = QMenu(at)
        shown, document = self._showing.source, self._ensure()
        action = menu.addAction(_("The picture that is shown"))
        action.setEnabled(shown is not None)
        if self._showing.item is not None:
            path = self._showing.item.path
            action.triggered.connect(lambda _checked=False: self.take_guide(row, path))
        elif shown is not None and document is not None:
            path = document.part_path(shown.part)
            action.triggered.connect(lambda _checked=False: self.take_guide(row, path))
        menu.addAction(_("Open…"), lambda: self.guide_wanted.emit(row))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at.mapToGlobal(at.rect().bottomLeft()))

    def show_guides(self, document: PictureDocument) -> None:
        """The pictures of the rows that the document brought along."""
        for row in self._panel.guides.rows:
            path = document.part_path(row.part)
            show = lambda image, row=row: row.show_picture(QPixmap.fromImage(image))  # noqa: E731
            self._services.bridge.work(lambda path=path: read_image(path, 96), show, owner=row)

    def take_guide(self, row: GuideRow, path: Path) -> None:
        """Let `row` follow the picture in a file."""
        document = self._ensure()
        if document is None:
            return

        def read() -> tuple[str, QImage]:
            from studio.media import pictures

            picture = pictures.read(path)
            return document.write_part(pictures.encode(picture)), QImage.fromData(pictures.preview(picture, 96))

        def done(made: tuple[str, QImage]) -> None:
            row.set_picture(made[0], QPixmap.fromImage(made[1]))

        self._services.bridge.work(read, done, self._shell.show_error, owner=row)
