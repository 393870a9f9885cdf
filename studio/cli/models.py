"""`atelier models`: which models there are, and where they are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

from studio.cli.commands import DONE, Desk, show_help
from studio.cli.flags import HELP, Flag, Usage, choose, describe, parse
from studio.core import paths
from studio.core.i18n import N_, _
from studio.core.models import ModelState
from studio.model_manager.catalogue import Catalogue, default_hub_cache

_STATES = {
    ModelState.INSTALLED: N_("installed"),
    ModelState.LOADED: N_("loaded"),
    ModelState.NOT_INSTALLED: N_("not installed"),
    ModelState.DAMAGED: N_("damaged"),
}


def main(arguments: Sequence[str], desk: Desk) -> int:
    flags = [
        Flag("--medium", _("Only the models of this medium."), "M"),
        Flag("--json", _("Print one JSON list.")),
        Flag(HELP, _("Show this help."), short="-h"),
    ]
    options = parse(arguments, flags)
    if options.has("help"):
        return show_help(desk, "atelier models list|where [...]", describe(flags))
    action = options.words[0] if options.words else "list"
    choose(action, ("list", "where"), _("Models have no command {word}."))
    if len(options.words) > 1:
        raise Usage(_("This command takes no names."))
    if action == "where":
        places = {"models": str(paths.models_dir()), "hugging_face_cache": str(default_hub_cache())}
        desk.console.out(json.dumps(places) if options.has("json") else "\n".join(places.values()))
        return DONE
    wanted = options.values.get("medium")
    models = [info for info in Catalogue().list() if wanted in (None, str(info.medium))]
    if options.has("json"):
        desk.console.out(json.dumps([info.to_json() for info in models], ensure_ascii=False, indent=1))
    else:
        desk.console.table(
            [
                (info.id, info.medium, info.family, _(_STATES[info.state]), _megabytes(info.size), info.license)
                for info in models
            ]
        )
    return DONE


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size else ""
