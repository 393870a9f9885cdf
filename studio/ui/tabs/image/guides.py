"""Other pictures that a picture follows: control pictures (edges, depth, a pose), references of a style or a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from studio.core.i18n import N_, _, n_
from studio.core.models import ModelInfo
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.fields import ComboField, NumberField
from studio.ui.widgets.folds import FoldSection
from studio.ui.widgets.paint import ElidedLabel
from studio.ui.widgets.sliders import SlimSlider

CONTROL, REFERENCE = "controls", "references"  # ids of the families' params
FAMILIES = {"controlnet": CONTROL, "ip-adapter": REFERENCE}
KINDS = (
    *(("canny", N_("Edges")), ("scribble", N_("Scribble")), ("depth", N_("Depth")), ("pose", N_("Pose"))),
    *(("lineart", N_("Line art")), ("tile", N_("Detail")), ("other", N_("As it is"))),
)
MOST = 4
PICTURE = 48


class GuideRow(QWidget):
    """One picture, who follows it, and how closely. `part` is the document's file of the picture."""

    changed = Signal()
    picture_wanted = Signal()
    remove_wanted = Signal()

    def __init__(self, param: str, model: str, title: str, weight: float, kind: str = "canny", part: str = "") -> None:
        super().__init__()
        self.param, self.model, self.part = param, model, part
        self.picture = QToolButton()
        self.picture.setFixedSize(PICTURE, PICTURE)
        self.picture.setIconSize(QSize(PICTURE - 4, PICTURE - 4))
        self.picture.setText("…")
        self.picture.setAccessibleName(_("Choose the picture for {name}").format(name=title))
        self.picture.setToolTip(_("Choose the picture that is followed"))
        self.kind = ComboField([(value, _(label)) for value, label in KINDS], kind, _("Kind"), "sm")
        self.kind.setVisible(param == CONTROL)
        self.slider = SlimSlider(weight, 0.0, 2.0, step=0.05, decimals=2, default=weight, name=title)
        self.field = NumberField(weight, 0.0, 2.0, step=0.05, decimals=2, name=_("Weight of {name}").format(name=title))
        self.field.setFixedWidth(52)
        remove = IconButton("x", _("Remove {name}").format(name=title))
        top, bottom = QHBoxLayout(), QHBoxLayout()
        for row in (top, bottom):
            row.setSpacing(8)
        top.addWidget(ElidedLabel(title, "body"), 1)
        top.addWidget(self.kind)
        top.addWidget(remove)
        bottom.addWidget(self.slider, 1)
        bottom.addWidget(self.field)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addLayout(top)
        words.addLayout(bottom)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(words, 1)
        self.picture.clicked.connect(self.picture_wanted)
        self.kind.changed.connect(lambda _kind: self.changed.emit())
        self.slider.value_changed.connect(self._on_slider)
        self.field.value_changed.connect(self._on_field)
        remove.clicked.connect(self.remove_wanted)

    def value(self) -> dict[str, Any]:
        """What the document keeps: `param`, `part` and the row of the request."""
        row = {"param": self.param, "part": self.part, "model": self.model, "weight": round(self.field.value(), 3)}
        return {**row, "kind": str(self.kind.current())} if self.param == CONTROL else row

    def set_picture(self, part: str, picture: QPixmap) -> None:
        self.part = part
        self.show_picture(picture)
        self.changed.emit()

    def show_picture(self, picture: QPixmap) -> None:
        self.picture.setIcon(QIcon(picture))

    def _on_slider(self, value: float) -> None:
        if abs(value - self.field.value()) > 0.001:
            self.field.set_value(value)
            self.changed.emit()

    def _on_field(self, value: float) -> None:
        self.slider.set_number(value)
        self.changed.emit()


class Guides(FoldSection):
    """`changed` follows every change; `picture_wanted` carries a row that needs a picture and where to ask for it."""

    changed = Signal()
    picture_wanted = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_("Follow a picture"), parent=parent)
        self._models: list[ModelInfo] = []
        self._known: frozenset[str] = frozenset()
        self.rows: list[GuideRow] = []
        self.add = Button(_("Add a picture to follow"), "secondary", "plus", "sm")
        self.body.addWidget(self.add)
        self.add.clicked.connect(self._open)
        self._summarise()

    def set_models(self, models: Sequence[ModelInfo]) -> None:
        """What can follow a picture: ControlNets and IP-Adapters that are here."""
        self._models = [model for model in models if model.family in FAMILIES and model.usable]

    def set_known(self, params: Sequence[str]) -> None:
        """Which of the two the model in use understands."""
        self._known = frozenset(params) & {CONTROL, REFERENCE}
        self.setVisible(bool(self._known) and bool(self._offered() or self.rows))

    def values(self) -> list[dict[str, Any]]:
        return [row.value() for row in self.rows]

    def wanted(self) -> list[dict[str, Any]]:
        """Those that the model in use understands and that have a picture."""
        return [value for value in self.values() if value["param"] in self._known and value["part"]]

    def set_values(self, values: Sequence[Mapping[str, Any]]) -> None:
        for row in self.rows:
            row.hide()
            row.deleteLater()
        self.rows = []
        for value in values[: 2 * MOST]:
            param = CONTROL if value.get("param") == CONTROL else REFERENCE
            self._append(
                param,
                str(value.get("model", "")),
                float(value.get("weight", 1.0)),
                str(value.get("kind", "canny")),
                str(value.get("part", "")),
            )
        self._summarise()

    def _append(self, param: str, id: str, weight: float, kind: str = "canny", part: str = "") -> GuideRow:
        model = next((model for model in self._models if model.id == id), None)
        row = GuideRow(param, id, model.title if model else id.rpartition("/")[2], weight, kind, part)
        row.changed.connect(self._on_changed)
        row.picture_wanted.connect(lambda: self.picture_wanted.emit(row, row.picture))
        row.remove_wanted.connect(lambda: self._remove(row))
        self.rows.append(row)
        self.body.insertWidget(self.body.count() - 1, row)
        return row

    def _offered(self) -> list[ModelInfo]:
        return [model for model in self._models if FAMILIES[model.family] in self._known]

    def _remove(self, row: GuideRow) -> None:
        self.rows.remove(row)
        row.hide()
        row.deleteLater()
        self.add.setFocus()
        self._on_changed()

    def _on_changed(self) -> None:
        self._summarise()
        self.changed.emit()

    def _summarise(self) -> None:
        count = len(self.rows)
        self.set_summary(n_("{count} picture", "{count} pictures", count).format(count=count) if count else _("Off"))

    def _open(self) -> None:
        menu = QMenu(self)
        for model in self._offered():
            param = FAMILIES[model.family]
            action = menu.addAction(model.title)
            action.setToolTip(model.base)
            action.setEnabled(sum(row.param == param for row in self.rows) < MOST)
            action.triggered.connect(lambda _checked=False, model=model: self.choose(model))
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.add.mapToGlobal(QPoint(0, self.add.height() + 4)))

    def choose(self, model: ModelInfo) -> GuideRow:
        """Add a row for `model`; its picture is asked for."""
        param = FAMILIES[model.family]
        row = self._append(param, model.id, 1.0 if param == CONTROL else 0.6)
        self._on_changed()
        return row
