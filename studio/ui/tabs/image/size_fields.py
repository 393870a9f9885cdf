"""How large the picture will be: proportions to click, both sides to type."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.fields import FieldMessage, NumberField
from studio.ui.widgets.paint import Label
from studio.ui.widgets.tiles import Shape, SizeShapes

RATIOS = {"1:1": (1, 1), "4:5": (4, 5), "3:2": (3, 2), "16:9": (16, 9), "9:16": (9, 16)}


class _Side(NumberField):
    """A side with its letter inside."""

    def __init__(self, letter: str, name: str) -> None:
        super().__init__(512, 64, 4096, step=8, name=name, size="md")
        self._letter = Label(letter, "small", "tertiary", parent=self)
        self._letter.move(QPoint(10, 0))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._letter.resize(20, self.height())

    def set_step(self, step: float) -> None:
        self._step = step


class SizeFields(QWidget):
    """`changed` follows every change. The usual size and the step come with the model."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._area, self._step, self._least, self._most = 512 * 512, 8, 64, 4096
        self._quiet = False
        shapes = [Shape(name, name, *sides) for name, sides in RATIOS.items()]
        self.shapes = SizeShapes(shapes, "1:1", name=_("Size"))
        _loosen(self.shapes)
        self.width_field = _Side(_("W"), _("Width"))
        self.height_field = _Side(_("H"), _("Height"))
        self.swap = IconButton("arrows-left-right", _("Swap width and height"))
        self.message = FieldMessage()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.width_field, 1)
        row.addWidget(self.swap)
        row.addWidget(self.height_field, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(Label(_("Size"), "label"))
        column.addWidget(self.shapes)
        column.addLayout(row)
        column.addWidget(self.message)
        self.shapes.changed.connect(self._on_shape)
        self.swap.clicked.connect(self._on_swap)
        for field in (self.width_field, self.height_field):
            field.value_changed.connect(self._on_side)
            field.error_changed.connect(self.message.set_text)
            field.clamped.connect(self.message.set_text)

    def set_limits(self, width: int, height: int, step: int, least: int, most: int) -> None:
        """The usual size of the model, of what both sides are multiples, and how far they go."""
        self._area, self._step, self._least, self._most = width * height, step, least, most
        for field in (self.width_field, self.height_field):
            field.set_range(least, most)
            field.set_step(step)

    def chosen(self) -> tuple[int, int]:
        return int(self.width_field.value()), int(self.height_field.value())

    def set_size(self, width: int, height: int) -> None:
        self._quiet = True
        self.width_field.set_value(width)
        self.height_field.set_value(height)
        self._quiet = False
        self._show_shape()

    def values(self) -> Mapping[str, int]:
        width, height = self.chosen()
        return {"width": width, "height": height}

    def show_error(self, sentence: str) -> None:
        self.message.set_text(sentence)

    def of_ratio(self, across: int, down: int) -> tuple[int, int]:
        """A size in this proportion with about the usual number of pixels."""
        width = math.sqrt(self._area * across / down)
        sides = (width, width * down / across)
        rounded = (min(max(round(side / self._step) * self._step, self._least), self._most) for side in sides)
        return tuple(rounded)  # type: ignore[return-value]

    def _show_shape(self) -> None:
        shape = next((name for name, sides in RATIOS.items() if self.of_ratio(*sides) == self.chosen()), None)
        was, self._quiet = self._quiet, True
        self.shapes.set_current(shape)
        self._quiet = was

    def _on_shape(self, name: str) -> None:
        if not self._quiet:
            self.set_size(*self.of_ratio(*RATIOS[name]))
            self.message.set_text("")
            self.changed.emit()

    def _on_side(self, *_value: object) -> None:
        if not self._quiet:
            self.message.set_text("")
            self._show_shape()
            self.changed.emit()

    def _on_swap(self) -> None:
        width, height = self.chosen()
        self.set_size(height, width)
        self.changed.emit()


def _loosen(shapes: SizeShapes) -> None:
    """Let the tiles stand closer in a narrow column."""
    row, widest = shapes.layout(), shapes.sizeHint().width()
    assert isinstance(row, QHBoxLayout)
    row.setSpacing(0)
    row.takeAt(row.count() - 1)
    for place in range(row.count() - 1, 0, -1):
        row.insertStretch(place, 1)
    shapes.setMaximumWidth(widest)
