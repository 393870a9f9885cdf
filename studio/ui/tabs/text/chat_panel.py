"""The inspector of the Chat mode: who answers, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from studio.core.i18n import _, language
from studio.core.jobs import Task
from studio.core.models import ModelInfo
from studio.documents.templates import TemplateSet, Tone
from studio.ui.form import ParamForm, section
from studio.ui.names import ask_name
from studio.ui.tabs.text.asking import advanced_params, param, usual
from studio.ui.tabs.text.freedom import freedom_row
from studio.ui.tabs.text.hints import Hint, language_hint
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.words import short_title
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import ChipRow
from studio.ui.widgets.paint import Label, Separator
from studio.ui.widgets.prompt import PromptEdit
from studio.ui.widgets.sliders import SliderRow

WORDS = (20, 1000, 200)  # least, most, usual length of an answer


class ChatPanel(QWidget):
    """`changed` follows every change of the form, `persona_changed` those of the system text (by the user)."""

    changed = Signal()
    persona_changed = Signal(str)

    def __init__(self, templates: TemplateSet, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set, self._memory = templates, memory
        self._model: ModelInfo | None = None
        self._quiet = False
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(Label(_("Persona"), "label"))
        head.addStretch(1)
        self.personas = Button(_("Personas"), "link", size="sm")
        self.personas.setAccessibleName(_("Choose a persona"))
        self.personas.clicked.connect(self.open_personas)
        head.addWidget(self.personas)
        self.persona = PromptEdit(
            placeholder=_("You are a patient editor."),
            name=_("Persona"),
            max_lines=9,
        )
        self.hint = Hint()
        self.tone = ChipRow([(tone.id, str(tone.title)) for tone in templates.tones], name=_("Tone"), optional=True)
        self.freedom = freedom_row(0.7)
        self.words = SliderRow(
            _("At most"), *WORDS[:2], WORDS[2], step=10, tooltip=_("About how many words an answer may have.")
        )
        self.form = ParamForm()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addSpacing(8)
        column.addWidget(self.persona)
        column.addWidget(self.hint)
        column.addSpacing(20)
        column.addWidget(section(_("Tone"), self.tone))
        column.addSpacing(16)
        column.addWidget(self.freedom)
        column.addSpacing(4)
        column.addWidget(self.words)
        column.addSpacing(16)
        column.addWidget(Separator())
        column.addSpacing(8)
        column.addWidget(self.form)
        column.addStretch(1)
        self.persona.text_changed.connect(self._on_persona)
        for signal in (self.tone.changed, self.freedom.value_changed, self.words.value_changed, self.form.changed):
            signal.connect(self._on_changed)

    # -- what it says -----------------------------------------------------------------------------------------

    def params(self) -> dict[str, Any]:
        return {**self.form.values(), "temperature": self.freedom.value()}

    def max_words(self) -> int:
        return int(self.words.value())

    def chosen_tone(self) -> Tone | None:
        return self._set.tone(str(self.tone.current())) if self.tone.current() else None

    def show_persona(self, system: str) -> None:
        """Show the system text of another conversation."""
        self._quiet = True
        self.persona.set_text(system)
        self._quiet = False

    def show_settings(self, tone: str, words: int, params: Mapping[str, Any]) -> None:
        self.tone.set_current(tone if self._set.tone(tone) else None)
        if words:
            self.words.set_value(words)
        if isinstance(params.get("temperature"), int | float):
            self.freedom.set_value(params["temperature"])
        self.form.set_values(params)

    def set_model(self, model: ModelInfo | None) -> None:
        self._model = model
        if model is not None:
            self.form.set_params(advanced_params(model, Task.CHAT), model.defaults)
            self.freedom.setVisible(param(model, Task.CHAT, "temperature") is not None)
            self.freedom.set_default(usual(model, Task.CHAT, "temperature") or 0.7)
        self.hint.set_text(language_hint(model))

    def show_error(self, parameter: str, sentence: str) -> bool:
        return self.form.show_error(parameter, sentence)

    # -- personas ---------------------------------------------------------------------------------------------

    def persona_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for persona in self._set.personas:
            action = menu.addAction(str(persona.title))
            action.setToolTip(str(persona.description))
            action.triggered.connect(
                lambda _checked=False, item=persona: self.use_persona(item.system.in_language(language()), item.params)
            )
        own = self._memory.personas()
        if own:
            menu.addSection(_("Your own"))
        for name, system in own:
            action = menu.addAction(name.replace("&", "&&"))
            action.setToolTip(system[:600])
            action.triggered.connect(lambda _checked=False, system=system: self.use_persona(system, {}))
        menu.addSeparator()
        text = self.persona.text().strip()
        mine = next((name for name, system in own if system.strip() == text), "")
        if mine:
            menu.addAction(_("Forget “{name}”").format(name=mine), lambda: self._memory.drop_persona(mine))
        else:
            menu.addAction(_("Save this persona"), self.save_persona).setEnabled(bool(text))
        return menu

    def open_personas(self) -> None:
        menu = self.persona_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.personas.mapToGlobal(QPoint(0, self.personas.height() + 4)))

    def save_persona(self) -> None:
        """Ask for a name and keep the system text under it."""
        text = self.persona.text().strip()

        def save(name: str) -> None:
            if name and text:
                self._memory.save_persona(name[:60], text)

        ask_name(self.window(), _("Save this persona"), _("Save"), short_title(text, 24), save)

    def use_persona(self, system: str, params: Mapping[str, Any]) -> None:
        """Take on a persona with its own settings."""
        self.persona.set_text(system)
        if isinstance(params.get("temperature"), int | float):
            self.freedom.set_value(params["temperature"])

    def _on_persona(self, text: str) -> None:
        if not self._quiet:
            self.persona_changed.emit(text)
            self.changed.emit()

    def _on_changed(self, *_values: object) -> None:
        self.changed.emit()
