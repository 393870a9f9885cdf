"""What the palette offers while the Text tab is shown, and its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.core.i18n import _
from studio.ui.tabs.base import Command

if TYPE_CHECKING:
    from studio.ui.tabs.text.tab import TextTab


def text_commands(tab: TextTab) -> list[Command]:
    """As things stand now."""
    group = _("Text")
    text, chat = tab.mode != "chat", tab.mode == "chat"
    has = tab.script() is not None
    pending = tab.rework.pending
    ready = pending is not None and pending.run is None
    rows = [
        Command("text-write", _("Write mode"), lambda: tab.set_mode("write"), "Alt+1", "article"),
        Command("text-rework", _("Rework mode"), lambda: tab.set_mode("rework"), "Alt+2", "pencil-line"),
        Command("text-chat", _("Chat mode"), lambda: tab.set_mode("chat"), "Alt+3", "chats"),
        Command("text-new", _("New conversation") if chat else _("New text"), tab.new, "Ctrl+N", "plus"),
        Command("text-stop", _("Stop writing"), tab.stop, "Ctrl+.", "stop"),
        Command("text-find", _("Find in the text"), tab.find, "Ctrl+F", "magnifying-glass", enabled=text),
        Command("text-undo", _("Undo"), tab.undo, "Ctrl+Z", "arrow-u-up-left"),
        Command("text-redo", _("Redo"), tab.redo, "Ctrl+Shift+Z", "arrow-u-up-right"),
        Command("text-copy", _("Copy as Markdown"), tab.copy, "Ctrl+Shift+C", "copy", enabled=has),
        Command("text-save", _("Save as a Word document"), lambda: tab.export(".docx"), "Ctrl+S", "export"),
        Command("text-save-md", _("Save as Markdown"), lambda: tab.export(".md"), "", "export", enabled=has),
        Command("text-save-txt", _("Save as plain text"), lambda: tab.export(".txt"), "", "export", enabled=has),
        Command("text-save-html", _("Save as a web page"), lambda: tab.export(".html"), "", "export", enabled=has),
        Command("text-model", _("Choose a model"), tab.picker.open_list, "Ctrl+M", "cube"),
        Command("text-page", _("Go to the page"), tab.focus_stage, "Ctrl+E", "article"),
        Command("text-brief", _("Go to the brief"), tab.focus_inspector, "Ctrl+B", "pencil-simple"),
        Command("text-keep", _("Keep the change"), tab.rework.keep, "Ctrl+Shift+K", "check", enabled=ready),
        Command("text-drop", _("Undo the change"), tab.rework.undo, "Ctrl+Shift+U", "x", enabled=ready),
        Command("text-again", _("Try the change again"), tab.rework.again, "", "arrows-clockwise", enabled=ready),
        Command("text-compare", _("Compare with the version before"), tab.text.compare_with_before, "Ctrl+D"),
    ]
    if chat:
        answers = bool(tab.chat.document and tab.chat.document.path)
        rows += [
            Command("chat-again", _("Answer again"), tab.chat.regenerate, "Ctrl+R", enabled=answers),
            Command("chat-edit", _("Edit my last message"), tab.chat.edit_last, "Ctrl+Up", enabled=answers),
        ]
    return [Command(c.id, c.title, c.run, c.shortcut, c.icon, group, c.enabled) for c in rows]
