"""How a picture is saved: format, size, quality, colours."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import N_, _
from studio.ui.sheet import Sheet
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import CheckBox, SegmentedControl
from studio.ui.widgets.fields import ComboField, FieldMessage, NumberField
from studio.ui.widgets.paint import ElidedLabel, Label
from studio.ui.widgets.sliders import SliderRow

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".webp": "WebP", ".psd": "PSD"}
LAYERED = ".psd"
PROFILES = {
    "sRGB": N_("sRGB, right everywhere"),
    "Display P3": N_("Display P3, for wide-gamut screens"),
    "original": N_("As in the file"),
}
LARGEST = 16_384
LABEL = 92


@dataclass(frozen=True)
class Wish:
    """`width` and `height` in px; `quality` 1 to 100; `recipe`: the file tells how it was made."""

    suffix: str
    width: int
    height: int
    quality: int
    profile: str
    recipe: bool


class ExportSheet(Sheet):
    """`wanted` carries a `Wish`."""

    wanted = Signal(object)

    def __init__(self, host: QWidget, name: str, width: int, height: int) -> None:
        super().__init__(host, _("Export"), QSize(460, 452))
        self._ratio = width / max(1, height)
        self._quiet = False
        column = QVBoxLayout(self.pane)
        column.setContentsMargins(0, 0, 0, 20)
        column.setSpacing(0)
        self.add_header(column, _("Export"))
        body = QVBoxLayout()
        body.setContentsMargins(24, 0, 24, 0)
        body.setSpacing(12)
        column.addLayout(body, 1)
        body.addWidget(ElidedLabel(name, "small", "secondary"))
        self.format = SegmentedControl(list(FORMATS.items()), ".png", _("Format"))
        body.addWidget(self.format)
        self.width_field = NumberField(width, 1, LARGEST, suffix=" " + _("px"), name=_("Width"))
        self.height_field = NumberField(height, 1, LARGEST, suffix=" " + _("px"), name=_("Height"))
        body.addLayout(_row(_("Size"), self.width_field, Label("×", "body", "tertiary"), self.height_field))
        scales = QHBoxLayout()
        scales.setSpacing(8)
        scales.addSpacing(LABEL + 12)
        for words, factor in ((_("Half"), 0.5), (_("As it is"), 1.0), (_("Double"), 2.0)):
            button = Button(words, "secondary", size="sm")
            size = (round(width * factor), round(height * factor))
            button.clicked.connect(lambda _checked=False, size=size: self._set_size(*size))
            scales.addWidget(button)
        scales.addStretch(1)
        body.addLayout(scales)
        self.quality = SliderRow(
            _("Quality"),
            1,
            100,
            90,
            label_width=LABEL,
            tooltip=_("Higher is larger and truer. WebP loses nothing at 100."),
        )
        body.addWidget(self.quality)
        self.profile = ComboField([(value, _(label)) for value, label in PROFILES.items()], "sRGB", _("Colour profile"))
        body.addLayout(_row(_("Colour profile"), self.profile))
        self.recipe = CheckBox(_("Keep the settings in the file, so that they can be used again"), True)
        body.addWidget(self.recipe)
        self.note = Label("", "small", "tertiary", wrap=True)
        body.addWidget(self.note)
        self.message = FieldMessage()
        body.addWidget(self.message)
        body.addStretch(1)
        foot = QHBoxLayout()
        foot.setContentsMargins(24, 0, 24, 0)
        foot.setSpacing(8)
        cancel = Button(_("Cancel"))
        self.save = Button(_("Save…"), "primary")
        foot.addStretch(1)
        foot.addWidget(cancel)
        foot.addWidget(self.save)
        column.addLayout(foot)
        cancel.clicked.connect(self.close_sheet)
        self.save.clicked.connect(lambda: self.wanted.emit(self.wish()))
        self.format.changed.connect(self._show_parts)
        self.width_field.value_changed.connect(lambda value: self._follow(self.height_field, value / self._ratio))
        self.height_field.value_changed.connect(lambda value: self._follow(self.width_field, value * self._ratio))
        self._show_parts()

    def wish(self) -> Wish:
        return Wish(
            str(self.format.current()),
            int(self.width_field.value()),
            int(self.height_field.value()),
            int(self.quality.value()),
            str(self.profile.current()),
            self.recipe.isChecked(),
        )

    def show_error(self, sentence: str) -> None:
        self.message.set_text(sentence)

    def _show_parts(self, *_value: object) -> None:
        layered = self.format.current() == LAYERED
        self.quality.setEnabled(self.format.current() not in (".png", LAYERED))
        self.profile.setEnabled(not layered)
        self.recipe.setEnabled(not layered)
        clear = _("JPEG has no transparency: what is clear becomes white.")
        layers = _("Background, picture and mask become layers, for Photoshop and what reads its files.")
        self.note.setText({".jpg": clear, LAYERED: layers}.get(str(self.format.current()), ""))

    def _set_size(self, width: int, height: int) -> None:
        self._quiet = True
        self.width_field.set_value(width)
        self.height_field.set_value(height)
        self._quiet = False

    def _follow(self, field: NumberField, value: float) -> None:
        """The other side keeps the proportion."""
        if not self._quiet:
            self._quiet = True
            field.set_value(max(1, round(value)))
            self._quiet = False


def _row(label: str, *widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    name = ElidedLabel(label, "body", "secondary")
    name.setFixedWidth(LABEL)
    row.addWidget(name)
    row.addSpacing(4)
    for widget in widgets:
        row.addWidget(widget, 0 if isinstance(widget, Label) else 1)
    return row
