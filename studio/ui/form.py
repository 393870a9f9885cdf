"""The advanced section of a form, built from what a family declares: a row for each parameter, with range and help."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _, sentences
from studio.core.params import SEED_MAX, Choice, Flag, Integer, Number, Param, Seed, Text
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import Switch
from studio.ui.widgets.fields import ComboField, FieldMessage, NumberField, SeedField
from studio.ui.widgets.folds import FoldSection
from studio.ui.widgets.paint import ElidedLabel, Label
from studio.ui.widgets.prompt import PromptEdit
from studio.ui.widgets.sliders import SliderRow

LABEL, SHORT_LABEL = 124, 64
SLIDER_STEPS = 400  # a whole number with a wider range gets a field only
SUMMARY = 3


class ParamForm(FoldSection):
    """Folded by default; the quiet summary names what is inside, or how many values were changed.

    `values()` gives the family's own ids. Of the seed it gives None ("take a fresh one") unless the seed is locked.
    `changed` follows every change by the user or by `set_values`. The rows are made when they are first unfolded:
    the forms of several modes are mostly folded, and a family has many parameters.
    """

    changed = Signal()

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(title or _("Advanced"), parent=parent)
        self._params: dict[str, Param] = {}
        self._rows: dict[str, QWidget] = {}
        self._messages: dict[str, FieldMessage] = {}
        self._rowless: dict[str, Any] = {}  # the values as long as there are no rows
        self._defaults: dict[str, Any] = {}
        self._reset = Button(_("Reset to the usual values"), "link", size="sm")
        self._reset.clicked.connect(self.reset)

    # -- building ---------------------------------------------------------------------------------------------

    def set_params(self, params: Iterable[Param], defaults: Mapping[str, Any] | None = None) -> None:
        """Offer a row for each of `params`; `defaults` are a model's own, where they differ from the family's. Values
        that were there under the same id stay, as far as they are allowed."""
        params = [param for param in params if _supported(param)]
        fresh = {param.id: (defaults or {}).get(param.id, param.default) for param in params}
        if params == list(self._params.values()) and fresh == self._defaults:
            return
        kept = {name: value for name, value in self.values().items() if value != self._defaults.get(name)}
        while (item := self.body.takeAt(0)) is not None:
            if (widget := item.widget()) is not None and widget is not self._reset:
                widget.hide()
                widget.deleteLater()
        self._params = {param.id: param for param in params}
        self._defaults = fresh
        self._rows, self._messages = {}, {}
        self._rowless = {param.id: _initial(param, fresh[param.id]) for param in params}
        if self.is_expanded():
            self._make_rows()
        self.set_values(kept)
        self._summarise()

    def _make_rows(self) -> None:
        for param in self._params.values():
            row = self._make_row(param)
            row.setToolTip(_help(param))
            message = FieldMessage()
            self._rows[param.id], self._messages[param.id] = row, message
            self.body.addWidget(row)
            self.body.addWidget(message)
        self.body.addWidget(self._reset)
        values, self._rowless = self._rowless, {}
        for name, value in values.items():
            self._put(name, value)

    def _on_toggled(self, open_: bool) -> None:
        if open_ and not self._rows:
            self._make_rows()
        super()._on_toggled(open_)

    def _make_row(self, param: Param) -> QWidget:
        default = self._defaults[param.id]
        name = _(param.label)
        if isinstance(param, Seed):
            seed = SeedField(0 if default is None else default, locked=default is not None)
            if default is None:
                seed.roll()
            seed.value_changed.connect(self._on_changed)
            seed.lock_changed.connect(self._on_changed)
            return _labelled(name, seed, stretch=True, width=SHORT_LABEL)
        if isinstance(param, Number | Integer):
            return self._make_number(param, name, default)
        if isinstance(param, Choice):
            combo = ComboField([(value, _(label)) for value, label in param.choices], default, name, "sm")
            combo.changed.connect(self._on_changed)
            return _labelled(name, combo, stretch=True)
        if isinstance(param, Flag):
            switch = Switch(name, bool(default), show_text=True)
            switch.toggled.connect(self._on_changed)
            return switch
        edit = PromptEdit(name, text=str(default or ""), min_lines=2, max_lines=5)
        edit.text_changed.connect(self._on_changed)
        return edit

    def _make_number(self, param: Number | Integer, name: str, default: float) -> QWidget:
        decimals = param.decimals if isinstance(param, Number) else 0
        if (param.maximum - param.minimum) / param.step <= SLIDER_STEPS * 10 and not (
            isinstance(param, Integer) and param.maximum - param.minimum > SLIDER_STEPS
        ):
            row = SliderRow(
                name,
                param.minimum,
                param.maximum,
                default,
                step=param.step,
                decimals=max(decimals, 3) if param.minimum and abs(param.minimum) < 0.01 else decimals,
                default=default,
                label_width=LABEL,
            )
            row.value_changed.connect(self._on_changed)
            return row
        suffix = f" {_(param.unit)}" if param.unit else ""
        field = NumberField(
            default,
            param.minimum,
            param.maximum,
            step=param.step,
            decimals=decimals,
            suffix=suffix,
            name=name,
        )
        field.setFixedWidth(112)
        field.value_changed.connect(self._on_changed)
        return _labelled(name, field)

    # -- values -----------------------------------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        return {name: self._value(name) for name in self._params}

    def value(self, name: str) -> Any:
        return self._value(name)

    def _value(self, name: str) -> Any:
        if name in self._rowless:
            return self._rowless[name]
        field = _field(self._rows[name])
        if isinstance(field, SeedField):
            return field.value() if field.is_locked() else None
        if isinstance(field, ComboField):
            return field.current()
        if isinstance(field, Switch):
            return field.isChecked()
        if isinstance(field, PromptEdit):
            return field.text()
        assert isinstance(field, SliderRow | NumberField)
        return field.value()

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show `values`; ids that the family lacks and values it does not allow are left out."""
        for name, value in values.items():
            param = self._params.get(name)
            if param is None:
                continue
            try:
                value = param.check(value)
            except ValueError:
                continue
            except Exception:  # InvalidInput: another release, another family
                continue
            self._put(name, value)
        self._on_changed()

    def _put(self, name: str, value: Any) -> None:
        if name in self._rowless:
            self._rowless[name] = value
            return
        field = _field(self._rows[name])
        with QSignalBlocker(field):
            if isinstance(field, SeedField):
                field.set_locked(value is not None)
                if value is not None:
                    field.set_value(value)
            elif isinstance(field, ComboField):
                field.set_current(value)
            elif isinstance(field, Switch):
                field.setChecked(value)
            elif isinstance(field, PromptEdit):
                field.set_text(value)
            elif isinstance(field, SliderRow | NumberField):
                field.set_value(value)

    def next_seed(self) -> int | None:
        """The seed of the next run: the one that is shown. Unless it is locked, another one is shown afterwards."""
        if "seed" not in self._params:
            return None
        if "seed" in self._rowless:
            locked = self._rowless["seed"]
            return random.randint(0, SEED_MAX) if locked is None else locked
        field = _field(self._rows["seed"])
        assert isinstance(field, SeedField)
        seed = field.value()
        if not field.is_locked():
            field.roll()
        return seed

    def reset(self) -> None:
        for name, value in self._defaults.items():
            self._put(name, value)
        self._on_changed()

    # -- what is wrong ----------------------------------------------------------------------------------------

    def show_error(self, name: str, sentence: str) -> bool:
        """Say `sentence` under the parameter `name`; False if it has no row here."""
        if name not in self._params:
            return False
        self.set_expanded(True)
        self._messages[name].set_text(sentence)
        return True

    def _on_changed(self, *_values: object) -> None:
        for message in self._messages.values():
            message.set_text("")
        self._summarise()
        self.changed.emit()

    def _changes(self) -> int:
        return sum(1 for name, value in self.values().items() if value != self._defaults.get(name))

    def _summarise(self) -> None:
        count = self._changes()
        self._reset.setEnabled(bool(count))
        if count:
            self.set_summary(_("{count} changed").format(count=count))
        else:
            names = [_(param.label) for param in self._params.values()]
            last = [_(param.label) for param in self._params.values() if isinstance(param, Seed)]
            self.set_summary(_(", ").join([*names[: SUMMARY - len(last)], *last]))


class _Labelled(QWidget):
    def __init__(self, label: str, field: QWidget, stretch: bool, width: int) -> None:
        super().__init__()
        self.field = field
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        name = ElidedLabel(label, "body", "secondary")
        name.setFixedWidth(width)
        row.addWidget(name)
        if not stretch:
            row.addStretch(1)
        row.addWidget(field, 1 if stretch else 0)


def _labelled(label: str, field: QWidget, *, stretch: bool = False, width: int = LABEL) -> QWidget:
    return _Labelled(label, field, stretch, width)


def _field(row: QWidget) -> QWidget:
    return row.field if isinstance(row, _Labelled) else row


def _initial(param: Param, default: Any) -> Any:
    """The value of a row at rest."""
    if isinstance(param, Text):
        return str(default or "")
    return bool(default) if isinstance(param, Flag) else default


def _supported(param: Param) -> bool:
    return isinstance(param, Seed | Number | Integer | Choice | Flag | Text)


def _help(param: Param) -> str:
    words = _(param.help)
    if isinstance(param, Number | Integer) and not isinstance(param, Seed):
        limits = _("From {low} to {high}; usually {usual}.").format(
            low=_shown(param.minimum), high=_shown(param.maximum), usual=_shown(param.default)
        )
        words = sentences(words, limits)
    return f"{words}\n{param.id}"


def _shown(value: float) -> str:
    return f"{value:g}" if value < 10_000 else f"{value:,}"


def section(title: str, *widgets: QWidget, spacing: int = 8) -> QWidget:
    """A label with what belongs under it."""
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(spacing)
    column.addWidget(Label(title, "label"))
    for widget in widgets:
        column.addWidget(widget)
    return box
