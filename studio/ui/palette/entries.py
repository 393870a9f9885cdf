"""What the palette lists, and the order in which it lists it. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.core.i18n import _
from studio.core.jobs import Medium
from studio.core.models import ModelInfo
from studio.ui.palette.match import rank
from studio.ui.queue.words import MEDIUM_ICONS
from studio.ui.tabs.base import Command

if TYPE_CHECKING:
    from studio.documents import Summary
    from studio.library import Item

RESULTS_SHOWN = 8
RECENT_SHOWN = 5


@dataclass(frozen=True)
class Entry:
    """One line. `bold` are the positions of the letters that were meant; a heading has no `run`."""

    title: str
    run: Callable[[], Any] | None = None
    detail: str = ""
    icon: str = ""
    color: str = "text.secondary"
    shortcut: str = ""
    bold: tuple[int, ...] = field(default=())

    @property
    def heading(self) -> bool:
        return self.run is None


def command_entries(commands: Iterable[Command], query: str) -> list[Entry]:
    usable = [command for command in commands if command.enabled]
    texts = [f"{command.title} {command.group}".strip() for command in usable]
    return [
        Entry(
            command.title,
            command.run,
            command.group,
            command.icon or "caret-right",
            shortcut=command.shortcut,
            bold=tuple(position for position in hit.positions if position < len(command.title)),
        )
        for command, hit in rank(query, usable, texts)
    ]


def result_entries(items: Sequence[Item], projects: Mapping[str, str], open_item: Callable[[Item], Any]) -> list[Entry]:
    """`projects` are names by id."""
    return [
        Entry(
            item.title or item.path.name,
            lambda item=item: open_item(item),
            projects.get(item.project, item.project),
            MEDIUM_ICONS[item.medium],
            f"mediumText.{item.medium}",
        )
        for item in items
    ]


def chat_entries(
    chats: Iterable[Summary], query: str, projects: Mapping[str, str], open_chat: Callable[[Summary], Any]
) -> list[Entry]:
    """Conversations whose title or first words fit."""
    usable = [chat for chat in chats if chat.problem is None]
    titles = {chat.id: chat.title or _("Conversation") for chat in usable}
    return [
        Entry(
            titles[chat.id],
            lambda chat=chat: open_chat(chat),
            projects.get(chat.project, chat.project),
            "chats",
            f"mediumText.{Medium.TEXT}",
            bold=tuple(position for position in hit.positions if position < len(titles[chat.id])),
        )
        for chat, hit in rank(query, usable, [f"{titles[chat.id]} {chat.excerpt}".strip() for chat in usable])
    ]


def model_entries(
    models: Iterable[ModelInfo],
    query: str,
    use: Callable[[ModelInfo], Any],
    show: Callable[[ModelInfo], Any],
) -> list[Entry]:
    """Models that are here are used, others are shown on the Models tab."""
    found = list(models)
    return [
        Entry(
            model.title,
            lambda model=model: use(model) if model.usable else show(model),
            _("Use this model") if model.usable else _("Show this model"),
            "cube",
            bold=hit.positions,
        )
        for model, hit in rank(query, found, [model.title for model in found])
    ]


def grouped(*groups: tuple[str, Sequence[Entry]]) -> list[Entry]:
    """All groups that are not empty, each under its heading."""
    lines: list[Entry] = []
    for title, entries in groups:
        if entries:
            lines += [Entry(title), *entries]
    return lines
