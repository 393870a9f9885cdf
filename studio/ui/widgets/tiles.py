"""Grids of tiles, one of them chosen: templates with an icon, and shapes of a picture in their true proportion."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QRadioButton, QSizePolicy, QWidget

from studio.ui.icons import paint_icon
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.paint import line_text, paint_box, painter_for, text_width

SHAPE_AREA = 600  # square pixels of every outline, so that none looks larger than another


class _Tile(QRadioButton):
    """A radio button that looks like a tile; `_paint_face` draws what is on it."""

    rest: tuple[str, str] = ("surface.raised", "border.default")  # fill, border

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        fill, border = self.rest
        ink, weight = "text.secondary", 400
        if not self.isEnabled():
            fill, border, ink = "", "border.subtle" if border else "", "text.disabled"
        elif self.isChecked():
            fill, border, ink, weight = "accent.tint", "accent.fill", "accent.tintText", 600
        elif self.isDown():
            fill = "surface.pressed"
        elif self.underMouse():
            fill = "surface.hover"
        with painter_for(self) as painter:
            paint_box(
                painter,
                self.rect(),
                theme.color(fill) if fill else None,
                theme.color(border) if border else None,
                theme.metric("radius.md"),
            )
            self._paint_face(painter, theme, ink, weight)

    def _paint_face(self, painter: QPainter, theme: Theme, ink: str, weight: int) -> None:
        raise NotImplementedError


class TemplateTile(_Tile):
    """Icon above a word; 60 high, as wide as its column."""

    def __init__(self, text: str, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._icon = icon
        self.setFixedHeight(60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(text_width(self.text(), theme_of(self).font("caption", 600)) + 12, 60)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _paint_face(self, painter: QPainter, theme: Theme, ink: str, weight: int) -> None:
        color = theme.color(ink)
        paint_icon(painter, QRect((self.width() - 18) // 2, 12, 18, 18), self._icon, color)
        words = QRect(4, 32, self.width() - 8, 18)
        font = theme.font("caption", weight)
        line_text(painter, words, self.text(), font, color, Qt.AlignmentFlag.AlignHCenter)


@dataclass(frozen=True)
class Template:
    """A tile of `TemplateTiles`."""

    value: Hashable
    text: str
    icon: str


class _TileGroup(QWidget):
    """Keeps one tile of many chosen. `changed` carries its value."""

    changed = Signal(object)

    def __init__(self, name: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self._values: list[Hashable] = []
        self._group.idToggled.connect(self._on_toggled)

    def _add(self, value: Hashable, tile: _Tile) -> None:
        self._group.addButton(tile, len(self._values))
        self._values.append(value)

    def current(self) -> Hashable:
        """The chosen value, or None."""
        number = self._group.checkedId()
        return self._values[number] if number >= 0 else None

    def set_current(self, value: Hashable) -> None:
        """Choose `value`; None, or a value that has no tile, leaves nothing chosen."""
        if value in self._values:
            self._group.button(self._values.index(value)).setChecked(True)
            return
        self._group.setExclusive(False)
        for button in self._group.buttons():
            button.setChecked(False)
        self._group.setExclusive(True)

    def tile(self, value: Hashable) -> QWidget:
        return self._group.button(self._values.index(value))

    def _on_toggled(self, number: int, checked: bool) -> None:
        if checked:
            self.changed.emit(self._values[number])


class TemplateTiles(_TileGroup):
    """Templates in `columns` of equal width, 8 pixels apart."""

    def __init__(
        self,
        templates: Sequence[Template],
        current: Hashable = None,
        *,
        columns: int = 3,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(name, parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for number, template in enumerate(templates):
            tile = TemplateTile(template.text, template.icon)
            self._add(template.value, tile)
            grid.addWidget(tile, number // columns, number % columns)
        for column in range(columns):
            grid.setColumnStretch(column, 1)
        if current is not None:
            self.set_current(current)


class ShapeTile(_Tile):
    """The outline of a picture `width` × `height` (any unit), 54 × 64."""

    rest = ("", "")

    def __init__(self, text: str, width: float, height: float, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        scale = math.sqrt(SHAPE_AREA / (width * height))
        self._shape = QSize(round(width * scale), round(height * scale))
        self.setFixedSize(54, 64)
        self.setProperty("focusRing", False)

    def sizeHint(self) -> QSize:
        return QSize(54, 64)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _paint_face(self, painter: QPainter, theme: Theme, ink: str, weight: int) -> None:
        if self.hasFocus():
            paint_box(painter, self.rect(), None, theme.color("focus.ring"), theme.metric("radius.md"), 2)
        ink = "accent.tintText" if self.isChecked() and self.isEnabled() else ink
        pen = QPen(theme.color(ink), 1)
        box = QRectF(0, 0, self._shape.width() - 1, self._shape.height() - 1)
        box.moveCenter(QRectF(0, 0, self.width(), 46).center())
        box.moveTo(math.floor(box.x()) + 0.5, math.floor(box.y()) + 0.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if not self.isEnabled():
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(box, 2, 2)
        font = theme.font("caption")
        words = QRect(0, 42, self.width(), 18)
        line_text(painter, words, self.text(), font, theme.color(ink), Qt.AlignmentFlag.AlignHCenter)


@dataclass(frozen=True)
class Shape:
    """A proportion to choose: `text` such as "4:5", and the sides in any unit."""

    value: Hashable
    text: str
    width: float
    height: float


class SizeShapes(_TileGroup):
    """Proportions side by side."""

    def __init__(
        self, shapes: Sequence[Shape], current: Hashable = None, *, name: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(name, parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for shape in shapes:
            tile = ShapeTile(shape.text, shape.width, shape.height)
            self._add(shape.value, tile)
            row.addWidget(tile)
        row.addStretch(1)
        if current is not None:
            self.set_current(current)
