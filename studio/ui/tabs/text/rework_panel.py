"""The inspector of the Rework mode: what to do with the selection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.core.i18n import _, n_
from studio.core.jobs import Task
from studio.core.models import ModelInfo
from studio.documents.templates import Action, TemplateSet, Tone, Words
from studio.media.text import count_words
from studio.ui.form import ParamForm, section
from studio.ui.tabs.text.asking import advanced_params, param, usual
from studio.ui.tabs.text.freedom import freedom_row
from studio.ui.tabs.text.hints import Hint, language_hint
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.text.prompt_menus import add_prompt_menus
from studio.ui.theme import theme_of
from studio.ui.widgets.choices import ChipRow
from studio.ui.widgets.paint import Label, Separator
from studio.ui.widgets.prompt import PromptEdit
from studio.ui.widgets.tiles import Template as Tile
from studio.ui.widgets.tiles import TemplateTiles

# The user's own words do the asking (see `asking.rework_request`).
OWN_WORDS = Action(
    id="own-words",
    icon="chat-teardrop-text",
    title=Words("Own words", "自定义"),
    task=Task.INSTRUCT,
    prompt=Words("{text}", "{text}"),
    system=Words(
        "You edit texts. Do what is asked and answer with the edited text only.",
        "你是文字编辑。按要求修改文字，只回答修改后的文字。",
    ),
)


@dataclass(frozen=True)
class Wish:
    """What the form says."""

    action: Action
    tone: Tone | None
    words: str
    params: Mapping[str, Any]


class ReworkPanel(QWidget):
    """`changed` follows every change of the form."""

    changed = Signal()

    def __init__(self, templates: TemplateSet, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set = templates
        self._actions = (*templates.actions, OWN_WORDS)
        self._model: ModelInfo | None = None
        self._text = ""
        self.scope = Label("", "body", "secondary", wrap=True)
        self.scope.setAlignment(Qt.AlignmentFlag.AlignTop)
        # Room for the longest of its sentences: what stands below keeps its place while the user selects.
        self.scope.setMinimumHeight(2 * theme_of(self).line_height("body"))
        rows = [Tile(item.id, str(item.title), item.icon.removeprefix("ph.")) for item in self._actions]
        self.tiles = TemplateTiles(rows, self._actions[0].id, name=_("What to do"))
        self.tone = ChipRow([(tone.id, str(tone.title)) for tone in templates.tones], name=_("Tone"))
        self._tone_box = section(_("Tone"), self.tone)
        self.words = PromptEdit(_("What should change?"), _("Make it sound older, in short sentences."), max_lines=8)
        add_prompt_menus(self.words, memory)
        self.hint = Hint()
        self.freedom = freedom_row(0.4)
        self.form = ParamForm()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(section(_("Selection"), self.scope, spacing=4))
        column.addSpacing(20)
        column.addWidget(section(_("What to do"), self.tiles))
        column.addSpacing(20)
        column.addWidget(self._tone_box)
        column.addWidget(self.words)
        column.addWidget(self.hint)
        column.addSpacing(16)
        column.addWidget(self.freedom)
        column.addSpacing(16)
        column.addWidget(Separator())
        column.addSpacing(8)
        column.addWidget(self.form)
        column.addStretch(1)
        self.tiles.changed.connect(lambda value: self._use_action())
        for signal in (self.tone.changed, self.words.text_changed, self.freedom.value_changed, self.form.changed):
            signal.connect(lambda *_values: self.changed.emit())
        self._use_action()
        self.show_selection("", whole=True)

    @property
    def action(self) -> Action:
        return next(item for item in self._actions if item.id == self.tiles.current())

    def choose(self, action_id: str) -> None:
        if action_id in {item.id for item in self._actions}:
            self.tiles.set_current(action_id)

    def wish(self) -> Wish:
        action = self.action
        tone = self._set.tone(str(self.tone.current())) if action.needs_tone and self.tone.current() else None
        words = self.words.text() if action is OWN_WORDS else ""
        return Wish(action, tone, words, {**self.form.values(), "temperature": self.freedom.value()})

    def wish_of(self, action: str, tone: str, words: str, params: Mapping[str, Any]) -> Wish | None:
        """What the form said once; None for an action that is not known."""
        found = next((item for item in self._actions if item.id == action), None)
        return Wish(found, self._set.tone(tone) if tone else None, words, params) if found else None

    def set_model(self, model: ModelInfo | None) -> None:
        same = model is not None and self._model is not None and model.id == self._model.id
        self._model = model
        self._use_action(keep_freedom=same)
        self.hint.set_text(language_hint(model, self._text))

    def show_selection(self, text: str, *, whole: bool) -> None:
        """`text` is what will be reworked: the selection, or the `whole` text."""
        self._text = text
        count = count_words(text)
        if not text.strip():
            self.scope.setText(_("There is no text yet. Write or paste one, then come back."))
        elif whole:
            self.scope.setText(
                n_("The whole text, {count} word", "The whole text, {count} words", count).format(count=count)
                + _(". Select a part to rework only that.")
            )
        else:
            self.scope.setText(n_("{count} word selected", "{count} words selected", count).format(count=count))
        self.hint.set_text(language_hint(self._model, text) if text.strip() else "")

    def show_error(self, parameter: str, sentence: str) -> bool:
        if parameter in ("prompt", "") and self.action is OWN_WORDS:
            self.words.set_error(sentence)
            self.words.setFocus()
            return True
        return self.form.show_error(parameter, sentence)

    def _use_action(self, *, keep_freedom: bool = False) -> None:
        action = self.action
        self._tone_box.setVisible(action.needs_tone)
        self.words.setVisible(action is OWN_WORDS)
        if self._model is not None:
            task = action.task if action.task in self._model.tasks else self._model.tasks[0]
            own = {name: value for name, value in action.params.items() if name != "temperature"}
            self.form.set_params(advanced_params(self._model, task), {**self._model.defaults, **own})
            self.freedom.setVisible(param(self._model, task, "temperature") is not None)
            freedom = action.params.get("temperature", usual(self._model, task, "temperature"))
            if freedom is not None:
                self.freedom.set_default(freedom)
                if not keep_freedom:
                    self.freedom.set_value(freedom)
        self.changed.emit()
