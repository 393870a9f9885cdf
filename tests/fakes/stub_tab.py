"""A tab that remembers what the window asks of it."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout

from studio.core.jobs import Medium
from studio.core.recipe import Recipe
from studio.library import Item
from studio.ui.services import Services
from studio.ui.tabs import TabSpec
from studio.ui.tabs.base import Command, Payload, Shell, Tab, Target
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.rooms import HeaderBar, Surface


class StubTab(Tab):
    id = "text"
    medium = Medium.TEXT

    def __init__(self, services: Services, shell: Shell) -> None:
        super().__init__(services, shell)
        self.calls: list[tuple[str, Any]] = []
        self.remembered: dict[str, Any] = {}
        self.may_close = True
        self.inspector = _column(HeaderBar("Write"), "surface.panel", "right")
        head = HeaderBar("The Lamp at Gull Point", "Version 4", "window")
        self.history_button = Button("History", icon="clock-counter-clockwise", size="sm")
        head.add_end(self.history_button)
        self.stage = _column(head, "surface.field")
        self.editor = QPlainTextEdit()
        self.editor.setAccessibleName("Text")
        layout = self.stage.layout()
        assert layout is not None
        layout.addWidget(self.editor)
        self.history = _column(HeaderBar("Versions"), "surface.panel", "left")

    def activate(self) -> None:
        self.editor.setFocus()

    def commands(self) -> list[Command]:
        return [Command("export", "Export as Markdown", lambda: self._note("export"), "Ctrl+Shift+E", "export")]

    def project_changed(self, project: str) -> None:
        self._note("project", project)

    def open_item(self, item: Item) -> None:
        self._note("item", item)

    def restore(self, recipe: Recipe) -> None:
        self._note("restore", recipe)

    def open_text(self, title: str, text: str) -> None:
        self._note("text", (title, text))

    def accept(self, target: str, payload: Payload) -> None:
        self._note("accept", (target, payload))

    def use_model(self, model: str) -> None:
        self._note("model", model)

    def first_sample(self) -> None:
        self._note("sample")

    def show_job(self, origin: dict[str, str]) -> None:
        self._note("job", origin)

    def state(self) -> dict[str, Any]:
        return {"body": self.editor.toPlainText()}

    def set_state(self, state: dict[str, Any]) -> None:
        self.remembered = state
        self.editor.setPlainText(state.get("body", ""))

    def close_ok(self) -> bool:
        return self.may_close

    def told(self, name: str) -> list[Any]:
        """What came with each call of this name."""
        return [value for call, value in self.calls if call == name]

    def _note(self, name: str, value: Any = None) -> None:
        self.calls.append((name, value))


STUB = TabSpec(
    "text", Medium.TEXT, "Text", "article", StubTab, (Target("text.write", "New text", "article", (Medium.TEXT,)),)
)


def _column(head: HeaderBar, surface: str, edges: str = "") -> Surface:
    column = Surface(surface, edges)
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(head)
    layout.addStretch(1)
    return column
