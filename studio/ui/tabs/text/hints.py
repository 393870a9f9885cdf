"""Words that help: what to get for Chinese, and how long something takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.errors import explain
from studio.core.i18n import _, language
from studio.core.models import ModelInfo
from studio.documents.templates import Persona, Template
from studio.media.text import text_language
from studio.ui.model_picker import speaks
from studio.ui.pane import IconMark
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.paint import Label

SAMPLES = 3

WithExamples = TypeVar("WithExamples", Template, Persona)


def language_hint(model: ModelInfo | None, text: str = "") -> str:
    """What to get when `text` (or, while it is empty, the window) is in a language that the model was not made for."""
    if model is None:
        return ""
    wanted = text_language(text) if text.strip() else language()
    if wanted != "zh_CN" or speaks(model, "zh_CN"):
        return ""
    return _(
        "{model} writes English only. For Chinese, get a Qwen3 model on the Models tab, then choose it above."
    ).format(model=model.title)


def empty_words(model: ModelInfo | None, known: bool, title: str, line: str) -> tuple[str, str]:
    """The title and the line of an empty stage: those given, unless something has to be got first. `known` once the
    models have been looked for."""
    if model is None and known:
        return _("No text model yet"), explain("starter-missing").text
    return title, language_hint(model) or line


def samples(sources: Sequence[WithExamples], model: ModelInfo | None) -> list[tuple[WithExamples, str, str]]:
    """(source, title, prompt): the first examples, in a language that the model writes."""
    code = "en" if language_hint(model) else language()
    return [
        (source, example.title.in_language(code), example.prompt.in_language(code))
        for source in sources
        for example in source.examples[:1]
    ][:SAMPLES]


class Hint(QWidget):
    """A quiet sentence with a way on (`models_wanted`); hidden while there is nothing to say."""

    models_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addWidget(IconMark("info", "info.text", 16), 0, Qt.AlignmentFlag.AlignTop)
        self._label = Label("", "small", "secondary", wrap=True)
        more = Button(_("More models…"), "link", size="sm")
        more.clicked.connect(self.models_wanted)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._label)
        words.addWidget(more, 0, Qt.AlignmentFlag.AlignLeft)
        row.addLayout(words, 1)
        self.setVisible(False)

    def text(self) -> str:
        return self._label.text()

    def set_text(self, text: str) -> None:
        if text != self._label.text():
            self._label.setText(text)
        self.setVisible(bool(text))
