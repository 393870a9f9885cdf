"""`atelier models`: which models there are, getting and checking them, and making room."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.cli.commands import DONE, FAILED, Desk, show_help
from studio.cli.errand import Errand
from studio.cli.flags import HELP, Flag, Parsed, Usage, choose, describe, parse
from studio.core import paths
from studio.core.activities import Activity
from studio.core.amounts import size_words
from studio.core.errors import MESSAGES, AtelierError, InvalidInput, explain
from studio.core.i18n import N_, _, n_, sentences
from studio.core.jobs import Medium
from studio.core.models import ModelInfo, ModelState
from studio.core.seeking import mentions
from studio.model_manager.catalogue import Catalogue, default_hub_cache

_USAGE = (
    "atelier models list [--medium M] [--installed]",
    "atelier models search TEXT [--medium M]",
    "atelier models download MODEL...",
    "atelier models verify [MODEL...]",
    "atelier models remove MODEL... [--yes]",
    "atelier models import FILE [--convert]",
    "atelier models where",
)
_STATES = {
    ModelState.INSTALLED: N_("installed"),
    ModelState.LOADED: N_("loaded"),
    ModelState.NOT_INSTALLED: N_("not installed"),
    ModelState.PARTIAL: N_("part-downloaded"),
    ModelState.DAMAGED: N_("damaged"),
}
_FOUND = 30


def main(arguments: Sequence[str], desk: Desk) -> int:
    flags = [
        Flag("--medium", _("Only the models of this medium."), "M"),
        Flag("--installed", _("Only the models that can be used now.")),
        Flag("--yes", _("Remove without asking.")),
        Flag("--convert", _("Copy the numbers out of a format that can run code.")),
        Flag("--json", _("Print JSON: one list, or one object for each step of the work.")),
        Flag(HELP, _("Show this help."), short="-h"),
    ]
    options = parse(arguments, flags)
    if options.has("help"):
        return show_help(desk, "\n       ".join(_USAGE), describe(flags))
    action, *words = options.words or ("list",)
    choose(action, tuple(_ACTIONS), _("Models have no command {word}."))
    if action in ("list", "where") and words:
        raise Usage(_("This command takes no names."))
    if action in ("download", "remove") and not words:
        raise Usage(_("Say which: give the id of a model from the list."))
    if (medium := options.values.get("medium")) is not None:
        choose(medium, [str(each) for each in Medium], _("No medium is called {word}."))
    return _ACTIONS[action](desk, options, words)


def _list(desk: Desk, options: Parsed, _words: list[str]) -> int:
    models = [info for info in Catalogue().list() if _wanted(info, options)]
    _show(desk, models, options.has("json"))
    return DONE


def _where(desk: Desk, options: Parsed, _words: list[str]) -> int:
    places = {"models": str(paths.models_dir()), "hugging_face_cache": str(default_hub_cache())}
    desk.console.out(json.dumps(places) if options.has("json") else "\n".join(places.values()))
    return DONE


def _search(desk: Desk, options: Parsed, words: list[str]) -> int:
    if not words:
        raise Usage(_("Say what to look for."))
    text = " ".join(words)
    known = [info for info in Catalogue().list() if _wanted(info, options) and _mentions(info, text)]
    problem: AtelierError | None = None
    if not options.has("installed"):
        with Errand(desk) as errand:
            desk.console.status(_("Asking the hub…"))
            try:
                found = errand.answer(errand.client.search(text, options.values.get("medium", ""), _FOUND))
            except AtelierError as error:
                problem, found = error, []
            desk.console.clear()
        ids = {info.id for info in known} | {info.repository for info in known}
        known += [info for info in found if info.id not in ids]
    _show(desk, known, options.has("json"))
    if problem:
        desk.console.err(str(problem))
        return DONE if known else FAILED
    if not known:
        desk.console.err(_("No model was found for {text}.").format(text=text))
    return DONE


def _download(desk: Desk, options: Parsed, words: list[str]) -> int:
    later = _("What arrived is kept; the same command goes on from there.")
    with Errand(desk, as_json=options.has("json"), stopped=later) as errand:
        for model in dict.fromkeys(words):
            if not desk.console.interactive and not options.has("json"):
                desk.console.err(_("Downloading {model}…").format(model=model))
            done = errand.follow(errand.answer(errand.client.download(model)))
            if not options.has("json"):
                desk.console.err(_("{model} is ready.").format(model=done.title or model))
                desk.console.out(done.model or model)
    return DONE


def _verify(desk: Desk, options: Parsed, words: list[str]) -> int:
    with Errand(desk, as_json=options.has("json")) as errand:
        done = errand.follow(errand.answer(errand.client.verify(list(dict.fromkeys(words)))))
    if options.has("json"):
        return FAILED if done.result.get("damaged") else DONE
    return _say_verified(desk, done)


def _say_verified(desk: Desk, done: Activity) -> int:
    whole, damaged = done.result.get("whole", []), done.result.get("damaged", {})
    rows = [(model, _("whole")) for model in whole]
    rows += [(model, _("damaged: {files}").format(files=_(", ").join(names))) for model, names in damaged.items()]
    rows += [(model, _("not known what it should be")) for model in done.result.get("unknown", [])]
    desk.console.table(rows)
    if not damaged:
        return DONE
    desk.console.err(_("Damaged files were put aside. Download these models again: only those files are fetched."))
    return FAILED


def _remove(desk: Desk, options: Parsed, words: list[str]) -> int:
    words = list(dict.fromkeys(words))
    with Errand(desk, as_json=options.has("json")) as errand:
        planned = errand.answer(errand.client.removal(words))
        for kept in planned["kept"]:
            _say_kept(desk, kept)
        going = [word for word in words if word not in {kept["id"] for kept in planned["kept"]}]
        if not going:
            return FAILED
        if not options.has("yes") and not _agreed(desk, going, planned):
            return FAILED
        done = errand.follow(errand.answer(errand.client.remove(going)))
        for kept in done.result.get("kept", []):
            _say_kept(desk, kept)
    if not options.has("json"):
        freed = done.result.get("freed", planned["frees"])
        desk.console.err(_("Removed. {size} are free again.").format(size=size_words(freed)))
    return FAILED if planned["kept"] or done.result.get("kept") else DONE


def _agreed(desk: Desk, models: list[str], planned: Mapping[str, Any]) -> bool:
    names = _(", ").join(models)
    question = n_("Remove {names}? It frees {size}.", "Remove {names}? They free {size}.", len(models))
    question = question.format(names=names, size=size_words(planned["frees"]))
    answer = desk.console.ask(sentences(question, _("Type yes to go on:")))
    if answer is None:
        raise Usage(_("Nobody can be asked here. Add --yes to remove without asking."))
    return answer.strip().casefold() in ("y", "yes", _("yes").casefold())


def _say_kept(desk: Desk, kept: Mapping[str, str]) -> None:
    code = kept["why"] if kept["why"] in MESSAGES else "internal"
    desk.console.err(explain(code, {"model": kept["id"]}).text)


def _import(desk: Desk, options: Parsed, words: list[str]) -> int:
    if len(words) != 1:
        raise Usage(_("Say which file: atelier models import FILE."))
    path = Path(words[0]).expanduser().absolute()
    if not path.exists():
        raise InvalidInput("file-missing", {"path": str(path)})
    with Errand(desk, as_json=options.has("json")) as errand:
        done = errand.follow(errand.answer(errand.client.import_file(path, convert=options.has("convert"))))
    if not options.has("json"):
        desk.console.out(str(done.result["model"]))
    return DONE


_ACTIONS = {
    "list": _list,
    "search": _search,
    "download": _download,
    "verify": _verify,
    "remove": _remove,
    "import": _import,
    "where": _where,
}


def _wanted(info: ModelInfo, options: Parsed) -> bool:
    if options.has("installed") and not info.usable:
        return False
    return options.values.get("medium") in (None, str(info.medium))


def _mentions(info: ModelInfo, text: str) -> bool:
    """Whether every word of `text` is in what is shown of the model, or it is the address of its page."""
    return mentions(f"{info.id} {info.repository} {info.title} {_(info.description)} {info.family}", text)


def _show(desk: Desk, models: list[ModelInfo], as_json: bool) -> None:
    if as_json:
        desk.console.out(json.dumps([info.to_json() for info in models], ensure_ascii=False, indent=1))
        return
    desk.console.table(
        [(info.id, info.medium, info.family, _state(info), _size(info), info.license) for info in models]
    )


def _size(info: ModelInfo) -> str:
    return size_words(info.size) if info.size else ""


def _state(info: ModelInfo) -> str:
    if info.problem:
        return _("cannot be used as it is")
    return _(_STATES[info.state])
