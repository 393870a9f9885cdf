"""The ground on which the user's words stand: the brightest surface of the window."""

from __future__ import annotations

from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.ui.theme import theme_of
from studio.ui.widgets.rooms import Surface


class Page(Surface):
    """Paper in the light theme, a step above the window in the dark one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.field", "", parent)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._color = "surface.panel" if theme_of(self).is_dark else "surface.field"
        super().paintEvent(event)
