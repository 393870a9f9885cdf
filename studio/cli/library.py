"""`atelier library`: what was made."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from studio.cli.commands import DONE, FAILED, Desk, show_help
from studio.cli.flags import HELP, Flag, Usage, choose, describe, parse
from studio.core.errors import AtelierError
from studio.core.i18n import _, n_
from studio.core.jobs import Medium
from studio.library import Item, Library

_ACTIONS = ("list", "show", "rebuild", "trash")
_SHORT = 8


def main(arguments: Sequence[str], desk: Desk) -> int:
    flags = [
        Flag("--project", _("Only the results of this project."), "NAME"),
        Flag("--medium", _("Only the results of this medium."), "M"),
        Flag("--search", _("Only the results with these words."), "WORDS"),
        Flag("--favourites", _("Only the favourites.")),
        Flag("--limit", _("How many are listed at most."), "N"),
        Flag("--json", _("Print one JSON list.")),
        Flag(HELP, _("Show this help."), short="-h"),
    ]
    options = parse(arguments, flags)
    if options.has("help"):
        return show_help(desk, "atelier library list|show ID|rebuild|trash ID... [...]", describe(flags))
    action, *ids = options.words or ("list",)
    choose(action, _ACTIONS, _("The library has no command {word}."))
    if action in ("show", "trash") and not ids:
        raise Usage(_("Say which: give the beginning of an id from the list."))
    if action in ("list", "rebuild") and ids:
        raise Usage(_("This command takes no names."))
    library = Library(desk.settings.values.results)
    try:
        if library.problem:
            desk.console.err(str(library.problem))
        if action == "rebuild":
            library.rebuild()
            return DONE if library.results.is_dir() else FAILED
        if action == "list":
            _show(desk, _listed(library, options.values), options.has("json"))
            return DONE
        items = [_find(library, beginning) for beginning in ids]
        if action == "show":
            for item in items:
                _show_one(desk, library, item)
            return DONE
        library.trash([item.id for item in items])
        count = len(items)
        desk.console.err(
            n_("Moved {count} result to the trash.", "Moved {count} results to the trash.", count).format(count=count)
        )
        return DONE
    finally:
        library.close()


def _listed(library: Library, values: Any) -> list[Item]:
    medium, limit, project = values.get("medium"), values.get("limit", "500"), values.get("project")
    if medium is not None:
        choose(medium, [str(each) for each in Medium], _("No medium is called {word}."))
    if not limit.isascii() or not limit.isdigit():
        raise Usage(_("{option} needs a number.").format(option="--limit"))
    if project is not None:
        known = library.projects()
        project = next((each.id for each in known if project in (each.id, each.name)), None)
        if project is None:
            choose(values["project"], [each.name for each in known], _("No project is called {word}."))
    return library.items(
        project=project,
        medium=Medium(medium) if medium else None,
        search=values.get("search", ""),
        favourites=values.get("favourites") == "yes",
        limit=min(int(limit), 1_000_000),
    )


def _find(library: Library, beginning: str) -> Item:
    found = [item for item in library.items(limit=1_000_000) if item.id.startswith(beginning)]
    if len(found) != 1:
        raise Usage(_("No result, or more than one, has an id that begins with {word}.").format(word=beginning))
    return found[0]


def _show(desk: Desk, items: list[Item], as_json: bool) -> None:
    if as_json:
        desk.console.out(json.dumps([_plain(item) for item in items], ensure_ascii=False, indent=1))
        return
    if not items:
        desk.console.err(_("There are no results."))
    desk.console.table(
        [
            (
                item.id[:_SHORT],
                time.strftime("%Y-%m-%d %H:%M", time.localtime(item.created)),
                item.medium,
                item.title,
                item.path,
            )
            for item in items
        ]
    )


def _show_one(desk: Desk, library: Library, item: Item) -> None:
    data = _plain(item)
    try:
        data["recipe"] = library.recipe(item.id).to_json()
    except AtelierError as error:
        desk.console.err(str(error))
    desk.console.out(json.dumps(data, ensure_ascii=False, indent=1))


def _plain(item: Item) -> dict[str, Any]:
    return {
        **{name: value for name, value in vars(item).items() if name not in ("metadata", "parents", "path")},
        "path": str(item.path).encode("utf-8", "replace").decode(),
        "metadata": dict(item.metadata),
        "parents": list(item.parents),
    }
