"""`atelier generate MEDIUM`: one job from options to a file, the library or standard output."""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from studio import families
from studio.cli.commands import DONE, Desk, show_help
from studio.cli.flags import HELP, Flag, Parsed, Usage, choose, describe, near, parse, peek
from studio.cli.output import OutputFile, check_output
from studio.cli.work import work
from studio.core.errors import AtelierError, InvalidInput, from_os_error
from studio.core.i18n import N_, _, sentences
from studio.core.jobs import Blob, Medium, Request, Task
from studio.core.models import ModelInfo, ModelState
from studio.core.params import TEXT_LIMIT, Choice, Integer, Messages, Number, Pairs, Param, Rows, Seed, Text
from studio.core.params import Flag as Switch
from studio.core.protocols import Family
from studio.library import Library
from studio.model_manager.catalogue import Catalogue

_JSON_LIMIT = 10 * TEXT_LIMIT
_NOTHING = {
    "prompt": N_("There is no prompt: give --prompt TEXT, --prompt-file FILE, or - for standard input."),
    "text": N_("There is no text: give --text TEXT, --text-file FILE, or - for standard input."),
}
_PREFERRED = (Task.INSTRUCT, Task.CONTINUE, Task.CHAT, Task.SPEAK, Task.TEXT_TO_IMAGE)
_INPUTS = {
    "image": N_("The picture to work from: a file."),
    "mask": N_("What to draw anew: a grey picture of the same size, white there."),
}


def main(arguments: Sequence[str], desk: Desk) -> int:
    media = sorted({str(family.SPEC.medium) for family in families.all().values()})
    wants_help = HELP in arguments or "-h" in arguments
    if not arguments or (arguments[0] in (HELP, "-h")):
        if not arguments:
            raise Usage(_("Say what to generate: {choices}.").format(choices=", ".join(media)))
        return show_help(desk, f"atelier generate {'|'.join(media)} [...]")
    choose(arguments[0], media, _("{word} cannot be generated."))
    medium, rest = Medium(arguments[0]), arguments[1:]
    wish = _wish(rest, medium)
    models = _models(peek(rest, "--model"), medium, wish, needed=not wants_help)
    family = families.get(models[0].family).SPEC if models else _first_family(medium)
    task = _task(peek(rest, "--task"), wish, family)
    flags = _flags(family, task, models[0] if models else None)
    if wants_help:
        return _help(desk, medium, family, task, models[0] if models else None, flags)
    return _generate(parse(rest, flags), models, task, desk)


def _generate(options: Parsed, models: Sequence[ModelInfo], task: Task, desk: Desk) -> int:
    request, sources = _request(options, models, task)
    blobs = _inputs(options, task)
    sources |= {Path(os.path.realpath(path)) for path in blobs.values()}
    request = replace(request, inputs={role: Blob.of(path) for role, path in blobs.items()})
    formats = families.get(request.family).SPEC.formats
    output = options.values.get("output")
    keep = output is None or "project" in options.values
    path = check_output(output, formats) if output is not None else None
    if path and path in sources:
        raise Usage(_("{path} would be written over what it is made from.").format(path=path))
    library = Library(desk.settings.values.results) if keep else None
    try:
        if library and library.problem:
            if not library.results.is_dir():
                raise library.problem
            desk.console.err(str(library.problem))
        filer = OutputFile(path, library) if path else library
        assert filer is not None
        places = {blob.sha256: blobs[role] for role, blob in request.inputs.items()}
        return work(request, places, filer, desk, as_json=options.has("json"))
    finally:
        if library:
            library.close()


def _request(options: Parsed, models: Sequence[ModelInfo], task: Task) -> tuple[Request, set[Path]]:
    """The request for the first of `models` that can do it, and the files that its params were read from."""
    given, sources = _given(options, families.get(models[0].family).SPEC, task)
    refused: list[InvalidInput] = []
    for model in models:
        family = families.get(model.family)
        values, read = _params(given, model, family.SPEC, task)
        request = Request(
            medium=family.SPEC.medium,
            family=family.SPEC.id,
            model=model.id,
            task=task,
            params=values,
            project=options.values.get("project", ""),
            title=options.values.get("title", ""),
            origin={"part": "command"},
        )
        request = family.SPEC.check(request)
        try:
            if verify := getattr(family, "verify", None):
                verify(request, model)
        except InvalidInput as error:
            refused.append(error)
            continue
        return request, sources | read
    if {error.code for error in refused} == {"voice-unknown"}:
        choices = [choice for error in refused for choice in error.arguments["choices"]]
        raise InvalidInput("voice-unknown", {**refused[0].arguments, "choices": choices})
    raise refused[0]


def _inputs(options: Parsed, task: Task) -> dict[str, Path]:
    """The file of each input that `task` needs, by its role."""
    found = {}
    for role in task.inputs:
        if role not in options.values:
            raise Usage(_("{option} is missing: {what}").format(option=f"--{role}", what=_(_INPUTS[role])))
        path = Path(options.values[role]).expanduser().absolute()
        if not path.is_file():
            raise Usage(_("This file does not exist: {path}.").format(path=path))
        found[role] = path
    return found


def _wish(arguments: Sequence[str], medium: Medium) -> Task:
    """What is to be done, as far as it can be told before a model is chosen."""
    tasks = {task for family in families.all().values() if family.SPEC.medium == medium for task in family.SPEC.tasks}
    said = peek(arguments, "--task")
    if said and said not in tasks:
        raise InvalidInput("task-unknown", {"parameter": "task", "task": said, "choices": sorted(tasks)})
    if said:
        return Task(said)
    if peek(arguments, "--mask"):
        return Task.INPAINT
    if peek(arguments, "--image"):
        return Task.IMAGE_TO_IMAGE
    return next(task for task in (*_PREFERRED, *tasks) if task in tasks)


def _models(wanted: str, medium: Medium, wish: Task, needed: bool) -> list[ModelInfo]:
    """The model that was asked for, by its id or title; without one those of the starter pack that can do `wish`, or
    else those that are installed."""
    models = [info for info in Catalogue().list() if info.medium == medium and info.tasks]
    usable = [info.id for info in models if info.usable]
    if wanted:
        found = [info for info in models if wanted == info.id] or [
            info for info in models if wanted.casefold() in (info.id.casefold(), info.title.casefold())
        ]
        if len(found) != 1:
            unknown = InvalidInput("model-unknown", {"parameter": "model", "model": wanted, "choices": usable})
            guess = near(wanted, usable)
            raise Usage(sentences(str(unknown), _("Did you mean {near}?").format(near=guess))) if guess else unknown
    else:
        able = [info for info in models if wish in info.tasks]
        found = [info for info in able if info.origin == "starter"] or [info for info in able if info.usable]
        if not found and needed:
            raise AtelierError("model-none", {"task": wish})
    if needed:
        if not any(info.usable for info in found):
            raise _unusable(found[0])
        found = [info for info in found if info.usable]
    return found


def _unusable(model: ModelInfo) -> AtelierError:
    starter = model.origin == "starter"
    if model.state is ModelState.DAMAGED:
        code = "starter-damaged" if starter else "model-files-missing"
        return AtelierError(code, {"model": model.title, "files": list(model.missing)})
    return AtelierError("starter-missing") if starter else AtelierError("model-not-installed", {"model": model.title})


def _first_family(medium: Medium) -> Family:
    return next(family.SPEC for family in families.all().values() if family.SPEC.medium == medium and family.SPEC.tasks)


def _task(wanted: str, wish: Task, family: Family) -> Task:
    if not wanted:
        return next((task for task in (wish, *_PREFERRED) if task in family.tasks), family.tasks[0])
    if wanted not in list(family.tasks):
        raise InvalidInput("task-unknown", {"parameter": "task", "task": wanted, "choices": list(family.tasks)})
    return Task(wanted)


def _flags(family: Family, task: Task, model: ModelInfo | None) -> list[Flag]:
    defaults = dict(model.defaults) if model else {}
    params = family.params_for(task)
    formats = ", ".join(family.formats)
    flags = [
        Flag("--model", _("The model, by its name in the list of models."), "M"),
        Flag("--task", _("What to do: {choices}.").format(choices=", ".join(family.tasks)), "T"),
    ]
    if any(param.id == _main_field(params) or isinstance(param, Messages) for param in params):
        flags.append(Flag(f"--{_main_field(params)}-file", _("Read the text from a file; - is standard input."), "F"))
    flags += [Flag(f"--{role}", _(_INPUTS[role]), "F") for role in task.inputs]
    if any(isinstance(param, Messages) for param in params):
        flags += [
            Flag("--prompt", _("What to say next."), "P"),
            Flag("--system", _("Who the model is and how it should write, whatever is asked."), "S"),
        ]
    flags += [_param_flag(param, defaults.get(param.id, param.default)) for param in params]
    flags += [
        Flag("--output", _("Write the result to this file: {choices}.").format(choices=formats), "F", "-o"),
        Flag("--project", _("Keep the result in this project of the library."), "NAME"),
        Flag("--title", _("What the result is called."), "TITLE"),
        Flag("--json", _("Print every event as one line of JSON.")),
        Flag(HELP, _("Show this help."), short="-h"),
    ]
    return flags


def _param_flag(param: Param, default: Any) -> Flag:
    name = "--" + param.id.replace("_", "-")
    if isinstance(param, Messages):
        return Flag(name, _('A file with the conversation so far: JSON, a list of {"role", "content"}.'), "F")
    words = _(param.help) or _(param.label)
    if isinstance(param, Rows):
        fields = ", ".join(f'"{spec.id}"' for spec in param.fields)
        return Flag(name, sentences(words, _("A JSON file, a list of {fields}.").format(fields=f"{{{fields}}}")), "F")
    if isinstance(param, Pairs):
        return Flag(name, sentences(words, _("A JSON file.")), "F")
    if isinstance(param, Switch):
        return Flag(name, words, negatable=True)
    if isinstance(param, Seed):
        return Flag(name, f"{words} [0–{param.maximum}]", "N")
    if isinstance(param, Integer | Number):
        return Flag(name, f"{words} [{param.minimum}–{param.maximum}, {default}]", "N" if _whole(param) else "X")
    if isinstance(param, Choice):
        return Flag(name, f"{words} [{' | '.join(value for value, _label in param.choices)}, {default}]", "C")
    return Flag(name, words, "TEXT")


def _whole(param: Param) -> bool:
    return isinstance(param, Integer)


def _main_field(params: Sequence[Param]) -> str:
    """The field that what is asked for goes into."""
    return "text" if any(param.id == "text" for param in params) else "prompt"


def _given(options: Parsed, family: Family, task: Task) -> tuple[dict[str, str], set[Path]]:
    """What was given on the command line, with the text that was read for it, and the file that it came from."""
    given = dict(options.values)
    params = family.params_for(task)
    field = _main_field(params)
    source = _source(options, field)
    if not source:
        return given, set()
    limit = next((param.limit for param in params if param.id == field and isinstance(param, Text)), TEXT_LIMIT)
    given[field] = _read_text(source, limit)
    return given, {Path(os.path.realpath(source))}


def _params(given: Mapping[str, str], model: ModelInfo, family: Family, task: Task) -> tuple[dict[str, Any], set[Path]]:
    """The params of the request, and the files they were read from."""
    sources: set[Path] = set()
    specs = family.params_for(task)
    values = {name: value for name, value in model.defaults.items() if name in {spec.id for spec in specs}}
    for spec in specs:
        key = spec.id.replace("_", "-")
        if isinstance(spec, Messages | Rows | Pairs) and key in given:
            sources.add(Path(os.path.realpath(given[key])))
        if isinstance(spec, Messages):
            values[spec.id] = _messages(given, key)
        elif isinstance(spec, Rows | Pairs) and key in given:
            values[spec.id] = _read_json(given[key])
        elif key in given:
            values[spec.id] = given[key]
        elif isinstance(spec, Text) and spec.required:
            raise Usage(_(_NOTHING["prompt"]))
    if _main_field(specs) == "text" and "script" not in given and not given.get("text", "").strip():
        raise Usage(_(_NOTHING["text"]))
    return values, sources


def _source(options: Parsed, field: str) -> str:
    """The file to read the text from, "-" for standard input, "" for none."""
    file = f"{field}-file"
    source = options.values.get(file, "")
    words = [word for word in options.words if word != "-"]
    if words:
        told = _("{word} stands alone. Put the text in quotes after {option}.")
        raise Usage(told.format(word=words[0], option=f"--{field}"))
    if options.words:
        source = source or "-"
    if file in options.values and not source:
        raise Usage(_("{option} needs a value: {option} {value}.").format(option=f"--{file}", value="F"))
    if source and field in options.values:
        told = _("Give the text once: with {option}, or from a file or standard input.")
        raise Usage(told.format(option=f"--{field}"))
    return source


def _read_json(name: str) -> Any:
    try:
        return json.loads(_read_text(name, _JSON_LIMIT))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("file-unreadable", {"path": name}, details=str(error)) from error


def _messages(given: Mapping[str, str], key: str) -> list[Any]:
    messages: list[Any] = []
    if key in given:
        read = _read_json(given[key])
        messages = read if isinstance(read, list) else [read]
    if given.get("system"):
        messages.insert(0, {"role": "system", "content": given["system"]})
    if "prompt" in given:
        messages.append({"role": "user", "content": given["prompt"]})
    if not messages:
        raise Usage(_("There is nothing to answer: give --prompt TEXT or --messages FILE."))
    return messages


def _read_text(name: str, limit: int) -> str:
    """A text file or standard input as it is, UTF-8 or with a mark that says it is UTF-16 (as Windows writes it)."""
    try:
        if name == "-":
            if sys.stdin is None:
                raise Usage(_("There is no standard input to read from."))
            data = _limited(sys.stdin.buffer, limit)
        else:
            with Path(name).expanduser().open("rb") as stream:
                data = _limited(stream, limit)
    except OSError as error:
        told = from_os_error(error, name)
        if told.code in ("file-missing", "folder-missing"):
            raise Usage(_("This file does not exist: {path}.").format(path=name)) from error
        raise InvalidInput(told.code, told.arguments, told.details) from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    # A damaged byte becomes half a character, which the check of the prompt finds and places.
    return data.decode("utf-8-sig", "surrogateescape")


def _limited(stream: BinaryIO, limit: int) -> bytes:
    most = 4 * limit + 4  # no character of UTF-8 is longer; anything beyond is too long in any case
    data = stream.read(most + 1)
    if len(data) > most:
        raise InvalidInput("text-too-long", {"parameter": "text", "count": len(data), "limit": limit})
    return data


def _help(
    desk: Desk, medium: Medium, family: Family, task: Task, model: ModelInfo | None, flags: Sequence[Flag]
) -> int:
    about = _("For the model {model} and the task {task}; other models and tasks have other options.").format(
        model=model.id if model else _(family.title), task=task
    )
    field = _main_field(family.params_for(task))
    usage = f"atelier generate {medium} --{field} T | --{field}-file F | - [...] [-o FILE]"
    show_help(desk, usage, f"{describe(flags)}\n\n{about}")
    return DONE
