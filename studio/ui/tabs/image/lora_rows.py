"""The styles that are added to the model, each with its weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPoint, QRect, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.core.models import ModelInfo
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.fields import NumberField
from studio.ui.widgets.paint import ElidedLabel, Label, painter_for
from studio.ui.widgets.previews import paint_preview
from studio.ui.widgets.sliders import SlimSlider

MOST = 16
USUAL = 0.8


class _Mark(QWidget):
    """A small picture that tells styles apart."""

    def __init__(self, id: str) -> None:
        super().__init__()
        self._id = id
        self.setFixedSize(24, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        with painter_for(self) as painter:
            paint_preview(painter, QRect(0, 0, 24, 24), theme_of(self), "image", self._id)


class LoraRow(QWidget):
    changed = Signal()
    remove_wanted = Signal()

    def __init__(self, id: str, title: str, weight: float, missing: bool) -> None:
        super().__init__()
        self.id = id
        self.name = ElidedLabel(title, "body", "danger" if missing else "primary")
        self.name.setFixedWidth(78)
        self.slider = SlimSlider(weight, 0.0, 2.0, step=0.05, decimals=2, default=USUAL, name=title)
        self.field = NumberField(
            weight, -4.0, 4.0, step=0.05, decimals=2, name=_("Weight of {name}").format(name=title)
        )
        self.field.setFixedWidth(52)
        remove = IconButton("x", _("Remove {name}").format(name=title))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(_Mark(id))
        row.addWidget(self.name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        row.addWidget(remove)
        self.slider.value_changed.connect(self._on_slider)
        self.field.value_changed.connect(self._on_field)
        remove.clicked.connect(self.remove_wanted)

    def _on_slider(self, value: float) -> None:
        if abs(value - self.field.value()) > 0.001 and 0 <= self.field.value() <= 2:
            self.field.set_value(value)
            self.changed.emit()

    def _on_field(self, value: float) -> None:
        self.slider.set_number(min(max(value, 0.0), 2.0))
        self.changed.emit()


class LoraRows(QWidget):
    """`changed` follows every change. A style that is not installed keeps its row and says so."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models: list[ModelInfo] = []
        self._rows: list[LoraRow] = []
        self.add = IconButton("plus", _("Add a style"))
        head = QHBoxLayout()
        head.addWidget(Label(_("LoRA styles"), "label"))
        head.addStretch(1)
        head.addWidget(self.add)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addLayout(head)
        self.add.clicked.connect(self._open)

    def set_models(self, models: Sequence[ModelInfo]) -> None:
        """Those that there are to choose from."""
        if [model.id for model in models] != [model.id for model in self._models]:
            self._models = list(models)
            self.set_values(self.values())

    @property
    def offers(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._models or self._rows)

    def values(self) -> list[dict[str, Any]]:
        return [{"model": row.id, "weight": round(row.field.value(), 3)} for row in self._rows]

    def set_values(self, values: Sequence[dict[str, Any]]) -> None:
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = []
        for value in values:
            self._append(str(value.get("model", "")), float(value.get("weight", USUAL)))

    def _append(self, id: str, weight: float) -> None:
        model = next((model for model in self._models if model.id == id), None)
        row = LoraRow(id, model.title if model else id.rpartition("/")[2], weight, model is None)
        if model is None:
            row.setToolTip(_("This style is not installed."))
        row.changed.connect(self.changed)
        row.remove_wanted.connect(lambda: self._remove(row))
        self._rows.append(row)
        self._column.addWidget(row)

    def _remove(self, row: LoraRow) -> None:
        self._rows.remove(row)
        row.hide()
        row.deleteLater()
        self.add.setFocus()
        self.changed.emit()

    def _open(self) -> None:
        menu = QMenu(self)
        used = {row.id for row in self._rows}
        for model in self._models:
            action = menu.addAction(model.title)
            action.setEnabled(model.id not in used and len(self._rows) < MOST)
            action.triggered.connect(lambda _checked=False, id=model.id: self._choose(id))
        if not self._models:
            menu.addAction(_("No style is installed yet.")).setEnabled(False)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.add.mapToGlobal(QPoint(0, self.add.height() + 4)))

    def _choose(self, id: str) -> None:
        self._append(id, USUAL)
        self.changed.emit()
