"""Pictures from disk for the screen, read in the background: whole ones for the stage, small ones for lists."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QColorSpace, QImage, QImageReader, QPixmap

from studio.core.errors import AtelierError
from studio.ui.services import Services
from studio.ui.widgets.picture_view import halves

THUMBNAIL = 164  # px: twice a tile
KEPT = 600
_MEGABYTES = 1024


@dataclass(frozen=True)
class Loaded:
    """A picture in the colours of the screen, with smaller copies for a quick view."""

    image: QImage
    smaller: tuple[QImage, ...] = ()


def read_image(path: Path, side: int = 0) -> QImage:
    """The picture at `path` in sRGB, turned as its EXIF says; with `side` at most that large. For any thread. Raises
    `AtelierError` in words."""
    from studio.media import pictures

    width, height = pictures.size(path)
    pictures.check_size(width, height, path)
    reader = QImageReader(str(path))
    reader.setAllocationLimit(_MEGABYTES)
    reader.setAutoTransform(True)
    if side and max(width, height) > side:
        reader.setScaledSize(QSize(width, height).scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    if image.isNull():
        raise AtelierError("picture-damaged", {"path": str(path)}, details=reader.errorString())
    space = image.colorSpace()
    if space.isValid() and space != QColorSpace(QColorSpace.NamedColorSpace.SRgb):
        image = image.convertedToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    alpha = image.hasAlphaChannel()
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied if alpha else QImage.Format.Format_RGB32)


class Loader(QObject):
    """Reads whole pictures; of several asked for in a row only the last one is delivered."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._asked = 0

    def load(self, path: Path, done: Callable[[Loaded], None], failed: Callable[[AtelierError], None]) -> None:
        self._asked += 1
        number = self._asked

        def read() -> Loaded:
            image = read_image(path)
            return Loaded(image, tuple(halves(image)))

        def success(loaded: Loaded) -> None:
            if number == self._asked:
                done(loaded)

        self._services.bridge.work(read, success, failed, owner=self)

    def drop(self) -> None:
        """What is on its way is not wanted any more."""
        self._asked += 1


class Thumbs(QObject):
    """Small pictures of files; `loaded` carries the path of one that is there now."""

    loaded = Signal(object)

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._kept: OrderedDict[Path, QPixmap | None] = OrderedDict()
        self._asked: set[Path] = set()

    def get(self, path: Path) -> QPixmap | None:
        """None while it is not there (`loaded` follows) and for a file that cannot be read."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if path not in self._asked:
            self._asked.add(path)
            work = self._services.bridge.work
            work(
                lambda: read_image(path, THUMBNAIL),
                lambda image: self._keep(path, image),
                lambda _error: self._keep(path, None),
                owner=self,
            )
        return None

    def _keep(self, path: Path, image: QImage | None) -> None:
        self._asked.discard(path)
        self._kept[path] = QPixmap.fromImage(image) if image is not None else None
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.loaded.emit(path)
