"""Finished readings on their way out of the window: dragged into another program as files."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from studio.core import paths
from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.library.names import safe_name
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.speech import export

KEPT_DAYS = 30  # the program that a file was dropped on may go on reading it where it lies


class DragHandle(QObject):
    """Lets a widget be pulled away: `started` carries the place of the press once the pointer has left it with the
    button held. The widget sees nothing of what follows, so that letting go is no click."""

    started = Signal(QPoint)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._press: QPoint | None = None
        self._pulled = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QMouseEvent):
            return super().eventFilter(watched, event)
        place, left = event.position().toPoint(), Qt.MouseButton.LeftButton
        if event.type() == QEvent.Type.MouseButtonPress and event.button() == left:
            self._press, self._pulled = place, False
        elif event.type() == QEvent.Type.MouseButtonRelease:
            pulled, self._press, self._pulled = self._pulled, None, False
            return pulled
        elif event.type() == QEvent.Type.MouseMove and not event.buttons() & left:
            self._press, self._pulled = None, False  # a menu or a drag took the release
        elif event.type() == QEvent.Type.MouseMove and self._press is not None and not self._pulled:
            if (place - self._press).manhattanLength() > QApplication.startDragDistance():
                self._pulled = True
                self.started.emit(self._press)
        return self._pulled


class Outgoing(QObject):
    """Makes the file of a reading in the background and hangs it on the pointer, as long as its button is held; where
    that takes longer, the file waits for the next try."""

    def __init__(self, services: Services, shell: Shell, parent: QObject) -> None:
        super().__init__(parent)
        self._services, self._shell = services, shell
        self._folder = paths.data_dir() / "outgoing"
        self._swept = False
        self._busy = False

    def carry(self, widget: QWidget, name: str, suffix: str, wish: export.Order) -> None:
        """Drag `wish` out of `widget` as a file called `name`."""
        if self._busy:
            return
        if not wish.pieces:
            self._shell.toast(_("Nothing has been spoken yet."), kind="info", detail=_("Press Speak first."))
            return
        self._busy = True

        def success(path: Path) -> None:
            self._busy = False
            if self._held():
                self._drag(widget, path)
            else:
                words = _("{name} is ready to be dragged out.").format(name=path.name)
                self._shell.toast(words, kind="info")

        def failure(error: AtelierError) -> None:
            self._busy = False
            self._shell.show_error(error)

        self._services.bridge.work(lambda: self.file(name, suffix, wish), success, failure, owner=self)

    def file(self, name: str, suffix: str, wish: export.Order) -> Path:
        """The file of `wish`, made now if it is not there yet. On any thread; raises `AtelierError` in words."""
        self._sweep()
        takes = [(piece.take, piece.text, piece.pause) for piece in wish.pieces]
        said = (takes, wish.loudness, vars(wish.ends), wish.recipe.to_json(), suffix)
        key = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]
        path = self._folder / key / (safe_name(name, _("Untitled")) + suffix)
        if not path.is_file():
            paths.ensure(self._folder)
            paths.ensure(path.parent)
            export.export(wish, path)
        return path

    def _sweep(self) -> None:
        """Once: what was dragged out long ago goes."""
        if self._swept:
            return
        self._swept = True
        with suppress(OSError):
            for folder in list(self._folder.iterdir()):
                if time.time() - folder.stat().st_mtime > KEPT_DAYS * 86_400:
                    shutil.rmtree(folder, ignore_errors=True)

    def _held(self) -> bool:
        return bool(QApplication.mouseButtons() & Qt.MouseButton.LeftButton)

    def _drag(self, widget: QWidget, path: Path) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        drag = QDrag(widget)
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)
