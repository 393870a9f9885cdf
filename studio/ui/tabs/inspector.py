"""The left column of a tab: a head, what it asks for, and the button that begins."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.ui.pane import ScrollPage
from studio.ui.theme import theme_of
from studio.ui.widgets.rooms import Surface

SIDE = 16


class Inspector(Surface):
    """`picker` and `panels` scroll between `head` and `foot`; a panel takes the height that is left.
    `escape_pressed` where nothing inside used the key."""

    escape_pressed = Signal()

    def __init__(self, head: QWidget, picker: QWidget, panels: Sequence[QWidget], foot: QWidget) -> None:
        super().__init__("surface.panel", "right")
        content = QWidget()
        inside = QVBoxLayout(content)
        inside.setContentsMargins(SIDE, SIDE, SIDE, SIDE)
        inside.setSpacing(SIDE)
        inside.addWidget(picker)
        for panel in panels:
            inside.addWidget(panel, 1)
        bottom = Surface("surface.panel", "top")
        bottom.setFixedHeight(theme_of(self).metric("layout.inspectorFooter"))
        row = QHBoxLayout(bottom)
        row.setContentsMargins(SIDE, 0, SIDE, 0)
        row.addWidget(foot)
        self.area = _Scroll(content, inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.area, 1)
        column.addWidget(bottom)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escape_pressed.emit()
        else:
            super().keyPressEvent(event)


class _Scroll(ScrollPage):
    """What is inside keeps its width when the scroll bar comes."""

    def __init__(self, content: QWidget, margins: QVBoxLayout) -> None:
        super().__init__(content)
        self._margins = margins
        self.verticalScrollBar().rangeChanged.connect(self._on_range)

    def _on_range(self, _minimum: int, maximum: int) -> None:
        bar = theme_of(self).metric("control.scrollbar") if maximum > 0 else 0
        self._margins.setContentsMargins(SIDE, SIDE, SIDE - bar, SIDE)
