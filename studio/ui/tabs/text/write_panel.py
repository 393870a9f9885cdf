"""The inspector of the Write mode: template, brief, tone, length, freedom, and the rest folded away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from studio.core.i18n import N_, _
from studio.core.jobs import Task
from studio.core.models import ModelInfo
from studio.documents.templates import Template, TemplateSet, Tone
from studio.ui.form import ParamForm, section
from studio.ui.pane import Popover
from studio.ui.tabs.text.asking import advanced_params, param, usual
from studio.ui.tabs.text.freedom import freedom_row
from studio.ui.tabs.text.hints import Hint, language_hint
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.text.prompt_menus import add_prompt_menus
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import ChipRow, SegmentedControl
from studio.ui.widgets.paint import Label, Separator
from studio.ui.widgets.prompt import PromptEdit
from studio.ui.widgets.sliders import SliderRow
from studio.ui.widgets.tiles import Template as Tile
from studio.ui.widgets.tiles import TemplateTiles

SHOWN = 6
WAYS = ((str(Task.INSTRUCT), N_("Follow the brief")), (str(Task.CONTINUE), N_("Go on from it")))


@dataclass(frozen=True)
class Brief:
    """What the form says. `words` 0: the template has no length."""

    template: Template
    prompt: str
    tone: Tone | None
    words: int
    params: Mapping[str, Any]


class WritePanel(QWidget):
    """`changed` follows every change of the form."""

    changed = Signal()

    def __init__(self, templates: TemplateSet, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set = templates
        self._template = templates.templates[0]
        self._model: ModelInfo | None = None
        self._popover: Popover | None = None
        self._tile_box = QVBoxLayout()
        self._tile_box.setContentsMargins(0, 0, 0, 0)
        self._tiles: TemplateTiles | None = None
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(Label(_("Template"), "label"))
        head.addStretch(1)
        self.all_templates = Button(_("All {count}").format(count=len(templates.templates)), "link", size="sm")
        self.all_templates.setAccessibleName(_("All templates"))
        self.all_templates.clicked.connect(self.open_templates)
        self.all_templates.setVisible(len(templates.templates) > SHOWN)
        head.addWidget(self.all_templates)
        self.prompt = PromptEdit(_("What should it say?"), max_lines=9)
        add_prompt_menus(self.prompt, memory)
        self.hint = Hint()
        self.way = SegmentedControl([(value, _(text)) for value, text in WAYS], name=_("How to write"))
        self.tone = ChipRow([(tone.id, str(tone.title)) for tone in templates.tones], name=_("Tone"), optional=True)
        self._tone_box = section(_("Tone"), self.tone)
        self.words = SliderRow(
            _("Words"), 20, 1000, 300, step=10, tooltip=_("About how long the text should be. Double-click resets.")
        )
        self.freedom = freedom_row(0.8)
        self.form = ParamForm()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addSpacing(8)
        column.addLayout(self._tile_box)
        column.addSpacing(20)
        column.addWidget(self.prompt)
        column.addWidget(self.hint)
        column.addSpacing(8)
        column.addWidget(self.way)
        column.addSpacing(20)
        column.addWidget(self._tone_box)
        column.addSpacing(16)
        column.addWidget(self.words)
        column.addSpacing(4)
        column.addWidget(self.freedom)
        column.addSpacing(16)
        column.addWidget(Separator())
        column.addSpacing(8)
        column.addWidget(self.form)
        column.addStretch(1)
        self._show_tiles()
        self._use_template(self._template)
        self.prompt.text_changed.connect(self._on_prompt)
        self.way.changed.connect(self._on_way)
        for signal in (self.tone.changed, self.words.value_changed, self.freedom.value_changed, self.form.changed):
            signal.connect(self._on_changed)

    # -- what it says -----------------------------------------------------------------------------------------

    def brief(self) -> Brief:
        tone = self._set.tone(str(self.tone.current())) if self.tone.current() and self._is_instruct() else None
        words = int(self.words.value()) if not self.words.isHidden() else 0
        params = {**self.form.values(), "temperature": self.freedom.value()}
        return Brief(self._template, self.prompt.text(), tone, words, params)

    def task(self) -> Task:
        return self._template.task

    def set_model(self, model: ModelInfo | None) -> None:
        """Show the fields of `model`'s family."""
        self._model = model
        if model is None:
            self.form.set_params(())
        else:
            self._show_params()
        self._show_hint()

    def show_brief(
        self, template: str, prompt: str, tone: str, words: int, params: Mapping[str, Any] | None = None
    ) -> None:
        """Set the form; ids that are not known leave it as it is."""
        found = self._set.template(template)
        if found is not None:
            self._use_template(found)
        self.prompt.set_text(prompt)
        self.tone.set_current(tone if self._set.tone(tone) else None)
        if words:
            self.words.set_value(words)
        params = dict(params or {})
        if isinstance(params.get("temperature"), int | float):
            self.freedom.set_value(params["temperature"])
        self.form.set_values(params)

    def show_error(self, parameter: str, sentence: str) -> bool:
        """Say what is wrong at the field `parameter`; False if it has none here."""
        if parameter in ("prompt", ""):
            self.prompt.set_error(sentence)
            self.prompt.setFocus()
            return True
        return self.form.show_error(parameter, sentence)

    # -- templates --------------------------------------------------------------------------------------------

    def choose_template(self, template_id: str) -> None:
        found = self._set.template(template_id)
        if found is not None and found != self._template:
            self._use_template(found)
            self._on_changed()

    def _use_template(self, template: Template) -> None:
        before, self._template = self._template, template
        if self._tiles is None or template.id not in self._tile_ids:
            self._show_tiles()
        assert self._tiles is not None
        self._tiles.blockSignals(True)
        self._tiles.set_current(template.id)
        self._tiles.blockSignals(False)
        self.way.blockSignals(True)
        self.way.set_current(str(template.task))
        self.way.blockSignals(False)
        self.prompt.edit.setPlaceholderText(str(template.placeholder))
        self._tone_box.setVisible(self._is_instruct() and bool(self._set.tones))
        self.words.setVisible(template.words > 0)
        if template.words:
            low, high = template.words_range
            self.words.set_range(low, high)
            self.words.set_default(template.words)
            if before.words != template.words or not low <= self.words.value() <= high:
                self.words.set_value(template.words)
        self._show_params()
        freedom = template.params.get("temperature", self._usual("temperature", 0.8))
        self.freedom.set_default(freedom)
        if template != before:
            self.freedom.set_value(freedom)

    def _show_tiles(self) -> None:
        shown = list(self._set.templates[:SHOWN])
        if self._template not in shown:
            shown[-1] = self._template
        self._tile_ids = [template.id for template in shown]
        tiles = TemplateTiles(_tiles(shown), self._template.id, name=_("Template"))
        tiles.changed.connect(self.choose_template)
        if self._tiles is not None:
            self._tiles.hide()
            self._tiles.deleteLater()
        self._tiles = tiles
        self._tile_box.addWidget(tiles)

    def open_templates(self) -> None:
        """Show all templates."""
        popover = Popover(self.window(), "radius.lg")
        popover.setAccessibleName(_("All templates"))
        tiles = TemplateTiles(_tiles(self._set.templates), self._template.id, columns=4, name=_("All templates"))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(tiles)
        area.viewport().setAutoFillBackground(False)
        tiles.setAutoFillBackground(False)
        column = QVBoxLayout(popover)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(area)
        rows = (len(self._set.templates) + 3) // 4
        place = self.all_templates.mapTo(self.window(), QPoint(0, self.all_templates.height() + 6))
        width = min(520, self.window().width() - 24)
        x = max(12, min(place.x() + self.all_templates.width() - 320, self.window().width() - width - 12))
        popover.setGeometry(x, place.y(), width, min(rows * 68 + 20, self.window().height() - place.y() - 12))
        self._popover = popover

        def choose(value: object) -> None:
            popover.close_popover()
            self.choose_template(str(value))

        tiles.changed.connect(choose)
        popover.closed.connect(popover.deleteLater)
        popover.open_popover(tiles.tile(self._template.id))

    # -- inside -----------------------------------------------------------------------------------------------

    def _is_instruct(self) -> bool:
        return self._template.task is Task.INSTRUCT

    def _usual(self, name: str, otherwise: float) -> float:
        value = usual(self._model, self._template.task, name) if self._model else None
        return otherwise if value is None else value

    def _show_params(self) -> None:
        if self._model is None:
            return
        task = self._template.task if self._template.task in self._model.tasks else self._model.tasks[0]
        own = {name: value for name, value in self._template.params.items() if name != "temperature"}
        self.form.set_params(advanced_params(self._model, task), {**self._model.defaults, **own})
        self.freedom.setVisible(param(self._model, task, "temperature") is not None)

    def _show_hint(self) -> None:
        self.hint.set_text(language_hint(self._model, self.prompt.text()))

    def _on_prompt(self) -> None:
        self._show_hint()
        self._on_changed()

    def _on_way(self, value: object) -> None:
        if str(self._template.task) == value:
            return
        found = next((item for item in self._set.templates if str(item.task) == value), None)
        if found is not None:
            self._use_template(found)
            self._on_changed()

    def _on_changed(self, *_values: object) -> None:
        self.changed.emit()


def _tiles(templates: Any) -> list[Tile]:
    return [Tile(item.id, str(item.title), item.icon.removeprefix("ph.")) for item in templates]
