"""`atelier families`: the kinds of models that can be used."""

from __future__ import annotations

import json
from collections.abc import Sequence

from studio import families
from studio.cli.commands import DONE, Desk, show_help
from studio.cli.flags import HELP, Flag, Usage, describe, parse
from studio.core.i18n import _


def main(arguments: Sequence[str], desk: Desk) -> int:
    flags = [Flag("--json", _("Print one JSON list.")), Flag(HELP, _("Show this help."), short="-h")]
    options = parse(arguments, flags)
    if options.has("help"):
        return show_help(desk, "atelier families [--json]", describe(flags))
    if options.words:
        raise Usage(_("This command takes no names."))
    specs = [family.SPEC for family in families.all().values()]
    if options.has("json"):
        rows = [
            {
                "id": spec.id,
                "medium": spec.medium,
                "title": spec.title,
                "tasks": list(spec.tasks),
                "params": [param.id for param in spec.params],
            }
            for spec in specs
        ]
        desk.console.out(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        desk.console.table([(spec.id, spec.medium, ", ".join(spec.tasks), _(spec.title)) for spec in specs])
    return DONE
