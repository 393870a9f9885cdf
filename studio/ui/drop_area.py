"""A room that files can be dropped on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, painter_for


class DropArea(QWidget):
    """Takes files, and says what dropping does while they are held over it."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.drop_hint = DropHint(self)

    def drop_files(self, files: Sequence[Path]) -> None:
        """What is done with `files`."""
        raise NotImplementedError

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        from studio.ui import drops

        if files := drops.local_files(event.mimeData()):
            event.acceptProposedAction()
            self.drop_hint.show_words(drops.welcome_words(files))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        from studio.ui import drops

        self.drop_hint.hide()
        event.acceptProposedAction()
        self.drop_files(drops.local_files(event.mimeData()))


class DropHint(QWidget):
    """Covers its parent while a file is held over it and says what dropping does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._room, self._words = parent, ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_words(self, words: str) -> None:
        self._words = words
        self.setGeometry(self._room.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            veil = theme.color("surface.window")
            veil.setAlphaF(0.8)
            painter.fillRect(self.rect(), veil)
            frame = self.rect().adjusted(12, 12, -12, -12)
            paint_box(painter, frame, None, theme.color("accent.fill"), theme.metric("radius.xl"), 2)
            middle = self.rect().center()
            icon = QRect(middle.x() - 20, middle.y() - 44, 40, 40)
            paint_icon(painter, icon, "file-arrow-down", theme.color("accent.text"))
            words = QRect(0, middle.y() + 12, self.width(), 24)
            align = Qt.AlignmentFlag.AlignHCenter
            line_text(painter, words, self._words, theme.font("title"), theme.color("text.primary"), align)
