"""The inspector of the Image tab: what the picture shows, how large it is, how it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.errors import InvalidInput
from studio.core.i18n import _
from studio.core.models import ModelInfo
from studio.core.params import Integer, Number, Param
from studio.ui.form import ParamForm
from studio.ui.tabs.image.asking import MASK, MODES, TEXT, params_of
from studio.ui.tabs.image.guides import Guides
from studio.ui.tabs.image.lora_rows import LoraRows
from studio.ui.tabs.image.size_fields import SizeFields
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.text.prompt_menus import add_prompt_menus
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.fields import SeedField
from studio.ui.widgets.folds import FoldSection
from studio.ui.widgets.paint import ElidedLabel, Label, Separator
from studio.ui.widgets.prompt import PromptEdit
from studio.ui.widgets.sliders import SliderRow

# What this panel shows by itself; everything else of a family is under "Advanced".
OWN = {
    *("prompt", "negative_prompt", "width", "height", "num_inference_steps", "guidance_scale", "seed", "num_images"),
    *("strength", "loras", "mask_feather", "controls", "references"),
}


class SourceRow(QWidget):
    """The picture that is worked on: what it is, and another one."""

    open_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._thumb = Label()
        self._thumb.setFixedSize(36, 36)
        self._thumb.setScaledContents(True)
        self.name = ElidedLabel("", "body")
        self.note = Label("", "small", "tertiary")
        self.button = Button(_("Open…"), "secondary", "folder-open", "sm")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.name)
        words.addWidget(self.note)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._thumb)
        row.addLayout(words, 1)
        row.addWidget(self.button)
        self.button.clicked.connect(self.open_wanted)
        self.show_picture("", "", None)

    def show_picture(self, name: str, note: str, picture: QPixmap | None) -> None:
        self.name.setText(name or _("No picture yet"))
        self.note.setText(note or _("Open, drop or paste one."))
        self._thumb.setVisible(picture is not None)
        if picture is not None:
            self._thumb.setPixmap(picture)


class ImagePanel(QWidget):
    """`changed` follows every change by the user. `values()` are the family's params; `form()` and `show_form` what
    the document keeps of the panel."""

    changed = Signal()
    open_wanted = Signal()

    def __init__(self, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode, self._model = TEXT, None
        self._quiet = False
        self._specs: dict[str, Param] = {}
        self.count = 1
        self.source = SourceRow()
        self.prompt = PromptEdit(_("Prompt"), _("What should the picture show?"), min_lines=2, max_lines=8)
        add_prompt_menus(self.prompt, memory)
        self.negative = PromptEdit("", _("What it should not show"), min_lines=2, name=_("Negative prompt"))
        self.negative_fold = FoldSection(_("Negative prompt"))
        self.negative_fold.body.addWidget(self.negative)
        self.strength = _slider(_("Strength"), 0.01, 1.0, 0.6, 0.01, 2)
        self.strength.setToolTip(_("How much of the picture may change. 1 leaves nothing of it."))
        self.sizes = SizeFields()
        self.steps = _slider(_("Steps"), 1, 150, 28, 1, 0)
        self.guidance = _slider(_("Guidance"), 0.0, 30.0, 6.5, 0.1, 1)
        self.seed = SeedField()
        self.seed.roll()
        self._seed_row = _labelled(_("Seed"), self.seed)
        self.loras = LoraRows()
        self._lora_line = Separator()
        self.guides = Guides()
        self.form_fold = ParamForm()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.source)
        column.addWidget(self.prompt)
        column.addWidget(self.negative_fold)
        column.addSpacing(8)
        column.addWidget(self.sizes)
        column.addSpacing(12)
        for row in (self.strength, self.steps, self.guidance, self._seed_row):
            column.addWidget(row)
            column.addSpacing(4)
        column.addSpacing(8)
        column.addWidget(self._lora_line)
        column.addSpacing(8)
        column.addWidget(self.loras)
        column.addSpacing(8)
        column.addWidget(Separator())
        column.addSpacing(4)
        column.addWidget(self.guides)
        column.addWidget(self.form_fold)
        column.addStretch(1)
        self.source.open_wanted.connect(self.open_wanted)
        self.source.setContentsMargins(0, 0, 0, 16)
        for signal in (
            self.prompt.text_changed,
            self.negative.text_changed,
            self.strength.value_changed,
            self.sizes.changed,
            self.steps.value_changed,
            self.guidance.value_changed,
            self.seed.value_changed,
            self.seed.lock_changed,
            self.loras.changed,
            self.guides.changed,
            self.form_fold.changed,
        ):
            signal.connect(self._on_changed)
        self._show_parts()

    # -- model and mode ---------------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        if mode != self._mode:
            self._mode = mode
            self._show_parts()
            self._on_changed()

    def set_model(self, model: ModelInfo | None) -> None:
        """Fields, ranges and usual values of its family. What was typed stays where it is allowed."""
        fresh = model is not None and (self._model is None or self._model.id != model.id)
        before = {name: self._usual(name) for name in OWN}
        self._model = model
        self._show_parts()
        if model is None or not fresh:
            return
        self._quiet = True
        width, height = self._specs.get("width"), self._specs.get("height")
        if isinstance(width, Integer) and isinstance(height, Integer):
            usual = int(self._usual("width")), int(self._usual("height"))
            self.sizes.set_limits(*usual, width.step, width.minimum, width.maximum)
            if before["width"] is None or self.sizes.chosen() == (before["width"], before["height"]):
                self.sizes.set_size(*usual)
        for name, row in (
            ("num_inference_steps", self.steps),
            ("guidance_scale", self.guidance),
            ("strength", self.strength),
        ):
            spec = self._specs.get(name)
            if isinstance(spec, Integer | Number):
                row.set_range(spec.minimum, spec.maximum)
                row.set_default(self._usual(name))
                if before[name] is None or row.value() == before[name]:
                    row.set_value(self._usual(name))
        self._quiet = False
        self._on_changed()

    def set_additions(self, loras: Sequence[ModelInfo], models: Sequence[ModelInfo]) -> None:
        """Styles, and what can follow other pictures (among `models`)."""
        self.loras.set_models(loras)
        self.guides.set_models(models)
        self._show_parts()

    def _usual(self, name: str) -> Any:
        spec = self._specs.get(name)
        if spec is None:
            return None
        return self._model.defaults.get(name, spec.default) if self._model is not None else spec.default

    def _show_parts(self) -> None:
        model = self._model
        specs = params_of(model, MODES[self._mode]) if model is not None else ()
        self._specs = {spec.id: spec for spec in specs}
        known = self._specs.keys()
        self.source.setVisible(self._mode != TEXT)
        self.negative_fold.setVisible("negative_prompt" in known)
        self.sizes.setVisible("width" in known and self._mode != MASK)
        self.strength.setVisible("strength" in known)
        self.steps.setVisible("num_inference_steps" in known)
        self.guidance.setVisible("guidance_scale" in known)
        self._seed_row.setVisible("seed" in known)
        styles = "loras" in known and self.loras.offers
        self.loras.setVisible(styles)
        self._lora_line.setVisible(styles)
        self.guides.set_known(list(known))
        was, self._quiet = self._quiet, True
        self.form_fold.set_params([spec for spec in specs if spec.id not in OWN], model.defaults if model else {})
        self._quiet = was

    # -- values -----------------------------------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        """What the family is asked for; the seed as it is shown."""
        values: dict[str, Any] = {
            **self.form_fold.values(),
            "prompt": self.prompt.text(),
            "negative_prompt": self.negative.text(),
            **self.sizes.values(),
            "num_inference_steps": int(self.steps.value()),
            "guidance_scale": round(float(self.guidance.value()), 2),
            "strength": round(float(self.strength.value()), 3),
            "seed": self.seed.value(),
            "num_images": self.count,
            "loras": self.loras.values(),
        }
        return {name: value for name, value in values.items() if name in self._specs}

    def next_seed(self) -> None:
        """After a run: another seed, unless it is locked."""
        if not self.seed.is_locked():
            self.seed.roll()

    def form(self) -> dict[str, Any]:
        """Everything that is typed here, also what the model in use has no field for."""
        kept = {
            "prompt": self.prompt.text(),
            "negative_prompt": self.negative.text(),
            "strength": float(self.strength.value()),
            "loras": self.loras.values(),
        }
        return {
            "mode": self._mode,
            "model": self._model.id if self._model else "",
            "params": {**kept, **self.values()},
            "guides": self.guides.values(),
            "seed_locked": self.seed.is_locked(),
        }

    def show_form(self, form: Mapping[str, Any]) -> None:
        """Show what `form()` gave; saying nothing."""
        self._quiet = True
        if form.get("mode") in MODES:
            self._mode = str(form["mode"])
            self._show_parts()
        self.show_values(form.get("params", {}))
        self.guides.set_values([row for row in form.get("guides", ()) if isinstance(row, dict)])
        self.seed.set_locked(bool(form.get("seed_locked")))
        self._quiet = False

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Set the fields that `values` names; what is no value for its field is left out."""
        was, self._quiet = self._quiet, True
        for name, value in values.items():
            try:
                self._show_value(name, value)
            except (TypeError, ValueError, AttributeError):
                continue
        width, height = self.sizes.chosen()
        self.sizes.set_size(int(values.get("width", width)), int(values.get("height", height)))
        self.form_fold.set_values({name: value for name, value in values.items() if name not in OWN})
        self._quiet = was
        self._summarise()

    def _show_value(self, name: str, value: Any) -> None:
        if value is None:
            return
        if name == "prompt":
            self.prompt.set_text(str(value))
        elif name == "negative_prompt":
            self.negative.set_text(str(value))
        elif name == "seed":
            self.seed.set_value(int(value))
        elif name == "num_images":
            self.count = int(value)
        elif name == "loras":
            self.loras.set_values(list(value))
            self._show_parts()
        elif name in ("num_inference_steps", "guidance_scale", "strength"):
            rows = {"num_inference_steps": self.steps, "guidance_scale": self.guidance, "strength": self.strength}
            rows[name].set_value(value)

    def _on_changed(self, *_values: object) -> None:
        if not self._quiet:
            self._summarise()
            self.changed.emit()

    def _summarise(self) -> None:
        self.negative_fold.set_summary(" ".join(self.negative.text().split()) or _("None"))

    # -- what is wrong ----------------------------------------------------------------------------------------

    def show_error(self, error: InvalidInput) -> bool:
        """Say it where it is wrong; False if that is not here."""
        name, sentence = error.parameter, str(error)
        if name == "prompt":
            self.prompt.set_error(sentence)
            self.prompt.setFocus()
        elif name == "negative_prompt":
            self.negative_fold.set_expanded(True)
            self.negative.set_error(sentence)
        elif name in ("width", "height") and not self.sizes.isHidden():
            self.sizes.show_error(sentence)
        else:
            return self.form_fold.show_error(name, sentence)
        return True


def _slider(label: str, low: float, high: float, value: float, step: float, decimals: int) -> SliderRow:
    return SliderRow(label, low, high, value, step=step, decimals=decimals, default=value)


def _labelled(label: str, field: QWidget) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(12)
    name = ElidedLabel(label, "body", "secondary")
    name.setFixedWidth(64)
    row.addWidget(name)
    row.addWidget(field, 1)
    return box
