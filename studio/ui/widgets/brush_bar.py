"""The bar that floats over a picture: tools that paint the mask, and what is done with it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.documents.picture_parts import BRUSH, LASSO
from studio.ui.pane import OverlayPane, Popover
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.paint import Label, Separator
from studio.ui.widgets.picture_view import ERASER, HAND
from studio.ui.widgets.sliders import SliderRow, SlimSlider

SMALLEST, LARGEST = 4, 512
ROOMY = 720


class BrushBar(OverlayPane):
    """`tool_chosen`; `brush_changed` (size in px of the picture, hardness 0 to 1); `feather_changed` in px; `invert`,
    `undo`, `clear` and `repaint` are wanted. 48 high."""

    tool_chosen = Signal(str)
    brush_changed = Signal(float, float)
    feather_changed = Signal(int)
    invert_wanted = Signal()
    undo_wanted = Signal()
    clear_wanted = Signal()
    repaint_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setAccessibleName(_("Mask"))
        self.setFixedHeight(theme_of(self).metric("layout.floatingBar"))
        self._hardness, self._feather = 0.8, 8
        self._group = QButtonGroup(self)
        self._tools: dict[str, IconButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 10, 0)
        row.setSpacing(4)
        for tool, icon, name in (
            (HAND, "hand", _("Move the picture (H, or hold Space)")),
            (BRUSH, "paint-brush", _("Brush (B)")),
            (ERASER, "eraser", _("Eraser (E)")),
            (LASSO, "polygon", _("Lasso (L)")),
        ):
            button = IconButton(icon, name, checkable=True)
            button.clicked.connect(lambda _checked=False, tool=tool: self.tool_chosen.emit(tool))
            self._group.addButton(button)
            self._tools[tool] = button
            row.addWidget(button)
        self._tools[HAND].setChecked(True)
        self._add_line(row)
        self.label = Label(_("Brush"), "small", "secondary")
        self.size_slider = SlimSlider(52, SMALLEST, LARGEST, logarithmic=True, default=52, name=_("Size of the brush"))
        self.size_slider.setFixedWidth(96)
        self.length = Label("", "small", "primary")
        self.length.setFixedWidth(46)
        self.length.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.edge = IconButton("drop-half", _("Edge of the mask"))
        for widget in (self.label, self.size_slider, self.length):
            row.addWidget(widget)
            row.addSpacing(4)
        row.addWidget(self.edge)
        self._add_line(row)
        self.invert = IconButton("selection-inverse", _("Invert the mask"))
        self.undo = IconButton("arrow-u-up-left", _("Undo"))
        self.clear = IconButton("trash", _("Clear the mask"))
        for widget in (self.invert, self.undo, self.clear):
            row.addWidget(widget)
        self._add_line(row)
        self.repaint_button = Button(_("Repaint the mask"), "tonal")
        row.addWidget(self.repaint_button)
        self.size_slider.value_changed.connect(self._on_brush)
        self.edge.clicked.connect(self._open_edge)
        self.invert.clicked.connect(self.invert_wanted)
        self.undo.clicked.connect(self.undo_wanted)
        self.clear.clicked.connect(self.clear_wanted)
        self.repaint_button.clicked.connect(self.repaint_wanted)
        self._describe()

    @staticmethod
    def _add_line(row: QHBoxLayout) -> None:
        row.addSpacing(8)
        row.addWidget(Separator(vertical=True))
        row.addSpacing(8)

    def set_tool(self, tool: str) -> None:
        self._tools[tool].setChecked(True)

    def tool(self) -> str:
        return next(tool for tool, button in self._tools.items() if button.isChecked())

    def scale_brush(self, factor: float) -> None:
        self.size_slider.set_number(min(max(self.size_slider.number() * factor, SMALLEST), LARGEST))

    def brush(self) -> tuple[float, float]:
        """(size, hardness)"""
        return float(self.size_slider.number()), self._hardness

    def feather(self) -> int:
        return self._feather

    def set_feather(self, feather: int) -> None:
        self._feather = feather

    def set_state(self, *, masked: bool, undo: str | None, can_repaint: bool, why: str = "") -> None:
        """`masked`: there is something to clear; `undo`: what would be undone, None for nothing."""
        self.clear.setEnabled(masked)
        self.undo.setEnabled(undo is not None)
        self.undo.setToolTip(_("Undo: {step}").format(step=undo) if undo else _("Undo"))
        self.repaint_button.setEnabled(can_repaint)
        self.repaint_button.setToolTip(why)

    def set_room(self, width: int) -> None:
        """Leave out words where there is little room."""
        roomy = width >= ROOMY
        self.label.setVisible(roomy)
        self.size_slider.setFixedWidth(96 if roomy else 64)

    def _on_brush(self, *_value: object) -> None:
        self._describe()
        self.brush_changed.emit(*self.brush())

    def _describe(self) -> None:
        self.length.setText(_("{count} px").format(count=round(self.size_slider.number())))

    def _open_edge(self) -> None:
        popover = Popover(self.window(), "radius.lg")
        popover.setAccessibleName(_("Edge of the mask"))
        column = QVBoxLayout(popover)
        column.setContentsMargins(16, 12, 16, 12)
        percent = round(100 * self._hardness)
        hardness = SliderRow(_("Hardness"), 0, 100, percent, suffix=" %", tooltip=_("How solid the brush is."))
        feather = SliderRow(
            _("Feather"), 0, 256, self._feather, suffix=" " + _("px"), tooltip=_("How softly the mask ends.")
        )
        column.addWidget(hardness)
        column.addWidget(feather)
        hardness.value_changed.connect(self._on_hardness)
        feather.value_changed.connect(self._on_feather)
        popover.closed.connect(popover.deleteLater)
        size = popover.sizeHint().expandedTo(column.minimumSize())
        popover.resize(max(320, size.width()), size.height())
        place = self.edge.mapTo(self.window(), QPoint(-popover.width() // 2, 0))
        popover.move(max(8, place.x()), place.y() - popover.height() - 14)
        popover.open_popover(hardness.slider)

    def _on_hardness(self, percent: float) -> None:
        self._hardness = percent / 100
        self.brush_changed.emit(*self.brush())

    def _on_feather(self, feather: float) -> None:
        self._feather = round(feather)
        self.feather_changed.emit(self._feather)
