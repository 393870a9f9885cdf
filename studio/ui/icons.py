"""Icons of the Phosphor font that QtAwesome carries, drawn in the theme's colours.

QtAwesome itself is not imported: it loads every icon font it has (0.2 s at start). Only its Phosphor files are used,
and the colour is looked up when the icon is drawn, so icons follow a change of theme.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

if TYPE_CHECKING:
    from studio.ui.theme import Theme


@cache
def _glyphs() -> dict[str, str]:
    """Character of each icon, by name."""
    charmap = json.loads((_folder() / "phosphor-charmap-1.3.0.json").read_text(encoding="utf-8"))
    return {name: chr(int(code, 16)) for name, code in charmap.items()}


def _folder() -> Path:
    spec = importlib.util.find_spec("qtawesome")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("QtAwesome, which carries the icons, is not installed.")
    return Path(spec.submodule_search_locations[0]) / "fonts"


@cache
def _family() -> str:
    number = QFontDatabase.addApplicationFont(str(_folder() / "phosphor-1.3.0.ttf"))
    return QFontDatabase.applicationFontFamilies(number)[0]


def paint_icon(painter: QPainter, rect: QRect | QRectF, name: str, color: QColor) -> None:
    """Draw the icon `name` in the square that fits into the middle of `rect`."""
    glyph = _glyphs()[name]
    side = int(min(rect.width(), rect.height()))
    font = QFont(_family())
    font.setPixelSize(side)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    painter.save()
    painter.setFont(font)
    painter.setPen(color)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, glyph)
    painter.restore()


class ThemedIconEngine(QIconEngine):
    """Draws one glyph; disabled icons take `text.disabled`."""

    def __init__(self, theme: Theme, name: str, color: str, size: int) -> None:
        super().__init__()
        _glyphs()[name]  # an unknown name fails here, not in the middle of painting
        self._theme, self._name, self._color, self._size = theme, name, color, size

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        color = "text.disabled" if mode == QIcon.Mode.Disabled else self._color
        paint_icon(painter, rect, self._name, self._theme.color(color))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def actualSize(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QSize:
        return size.boundedTo(QSize(self._size, self._size))

    def clone(self) -> QIconEngine:
        return ThemedIconEngine(self._theme, self._name, self._color, self._size)
