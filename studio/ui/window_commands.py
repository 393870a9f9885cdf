"""What the palette offers whatever tab is shown, and the keys of the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from studio.core.i18n import _
from studio.ui.tabs import TabSpec
from studio.ui.tabs.base import Command

if TYPE_CHECKING:
    from studio.ui.main_window import MainWindow


def window_commands(window: MainWindow, specs: Mapping[str, TabSpec]) -> list[Command]:
    """As things stand now."""
    queue = _("Hold the queue") if not window.model.paused else _("Go on with the queue")
    tabs = [
        Command(f"tab-{spec.id}", _(spec.title), lambda id_=spec.id: window.open_tab(id_), f"Ctrl+{n}", spec.icon)
        for n, spec in enumerate(specs.values(), 1)
    ]
    return [
        Command("palette", _("Search"), window.open_palette, "Ctrl+K", "magnifying-glass", enabled=False),
        *(tabs if len(tabs) > 1 else []),
        Command("new-project", _("New project…"), window.projects.create, "", "folder-plus"),
        Command("rename-project", _("Rename project…"), window.projects.rename, "", "folder"),
        Command("queue", _("Show or hide the queue"), window.toggle_queue, "Ctrl+J", "queue"),
        Command("pause", queue, window.toggle_pause, "", "pause"),
        Command("inspector", _("Show or hide the inspector"), window.toggle_inspector, "Ctrl+Shift+I", "layout"),
        Command("history", _("Show or hide the history"), window.toggle_history, "Ctrl+Shift+H", "clock"),
        Command("device", _("Device and memory"), window.open_device, "", "cpu"),
        Command("settings", _("Settings"), window.open_settings, "Ctrl+,", "gear-six"),
        Command("help", _("Help"), window.open_help, "F1", "question"),
        Command("quit", _("Quit"), window.close, "Ctrl+Q", "sign-out"),
    ]
