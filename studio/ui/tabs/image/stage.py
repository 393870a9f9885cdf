"""The middle of the Image tab: the picture with its bar, two compared, a grid, or what to start from."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.drops import local_files
from studio.ui.tabs.image.grid import GridView
from studio.ui.tabs.image.header import StageHeader
from studio.ui.theme import theme_of
from studio.ui.widgets.brush_bar import BrushBar
from studio.ui.widgets.compare import CompareView
from studio.ui.widgets.picture_view import PictureView
from studio.ui.widgets.rooms import EmptyState

FLOAT = 16


class _Room(QStackedWidget):
    """Says when it was resized, so that what floats over it can follow."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


class ImageStage(QWidget):
    """`picture_dropped` carries a QImage that was dropped (files go to the window)."""

    picture_dropped = Signal(QImage)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = StageHeader()
        self.empty = EmptyState(
            "image-square",
            _("Make your first picture"),
            _("Describe it, or start from one of these."),
            medium="image",
        )
        self.view = PictureView()
        self.compare = CompareView()
        self.grid = GridView()
        self.room = _Room()
        for page in (self.empty, self.view, self.compare, self.grid):
            self.room.addWidget(page)
        self.bar = BrushBar(self.room)
        self.bar.hide()
        self.view.set_foot(theme_of(self).metric("layout.floatingBar") + FLOAT)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.room, 1)
        self.room.resized.connect(self._place_bar)
        self.setAcceptDrops(True)

    def show_page(self, page: QWidget) -> None:
        self.room.setCurrentWidget(page)
        self.show_bar(self._bar_wanted)

    _bar_wanted = False

    def show_bar(self, on: bool) -> None:
        """Let the bar float over the picture; never over the other pages."""
        self._bar_wanted = on
        shown = on and self.room.currentWidget() is self.view
        self.bar.setVisible(shown)
        if shown:
            self._place_bar()
            self.bar.raise_()

    def _place_bar(self) -> None:
        room = self.room.width()
        self.bar.set_room(room)
        width = min(self.bar.sizeHint().width(), room - 2 * 8)
        self.bar.resize(width, self.bar.height())
        self.bar.move((room - width) // 2, self.room.height() - self.bar.height() - FLOAT)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        if data.hasImage() and not local_files(data):
            event.acceptProposedAction()
        else:
            event.ignore()  # the window takes files

    def dropEvent(self, event: QDropEvent) -> None:
        image = event.mimeData().imageData()
        if isinstance(image, QImage):
            event.acceptProposedAction()
            self.picture_dropped.emit(image)
