"""`atelier doctor`: what this installation is, and what stands in its way. Exit code 1 if something does."""

from __future__ import annotations

import concurrent.futures
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from studio.cli.commands import DONE, FAILED, Desk, show_help
from studio.cli.flags import HELP, Flag, Usage, describe, parse
from studio.cli.work import engine_of
from studio.client.devices import has_nvidia_gpu, torch_cuda
from studio.client.lease import COMMAND, Owner
from studio.client.queue import JobQueue
from studio.client.report import versions
from studio.core import paths
from studio.core.errors import AtelierError, explain, from_os_error
from studio.core.i18n import _
from studio.core.models import DeviceStatus
from studio.core.settings import Settings
from studio.library import Library
from studio.model_manager import starter

GOOD, NOTE, BAD = "good", "note", "bad"
_MARKS = {GOOD: "✓", NOTE: "!", BAD: "✗"}
_LITTLE_SPACE, _NO_SPACE = 2_000_000_000, 100_000_000
_ENGINE_SECONDS = 90.0
_NEEDED = ("PySide6", "docx", "platformdirs", "psutil", "send2trash", "torch", "transformers", "xllamacpp")


@dataclass(frozen=True)
class Finding:
    """`state`: "good", "note" (works, but better is possible) or "bad" (something will not work)."""

    check: str
    state: str
    text: str


def main(arguments: Sequence[str], desk: Desk) -> int:
    flags = [
        Flag("--deep", _("Read every file of the built-in models too.")),
        Flag("--json", _("Print one JSON object.")),
        Flag(HELP, _("Show this help."), short="-h"),
    ]
    options = parse(arguments, flags)
    if options.has("help"):
        return show_help(desk, "atelier doctor [...]", describe(flags))
    if options.words:
        raise Usage(_("This command takes no names."))
    found: list[Finding] = []
    for finding in examine(desk.settings, deep=options.has("deep"), status=desk.console.status):
        found.append(finding)
        if not options.has("json"):
            desk.console.out(f"{_MARKS[finding.state]} {finding.text}")
    if options.has("json"):
        data = {"versions": versions(), "findings": [asdict(finding) for finding in found]}
        desk.console.out(json.dumps(data, ensure_ascii=False, indent=1))
    else:
        desk.console.out("")
        desk.console.table(versions().items())
    return FAILED if any(finding.state == BAD for finding in found) else DONE


def examine(settings: Settings, *, deep: bool = False, status: Callable[[str], None] = print) -> Iterator[Finding]:
    """Every check, one after the other."""
    yield from _packages()
    yield from _folders(settings)
    yield from _databases(settings)
    yield from _starter_pack(deep)
    status(_("Starting the engine…"))
    yield from _engine(settings)
    yield from _display()


def _packages() -> Iterator[Finding]:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        text = _("Missing parts: {names}. Run the set-up again.").format(names=", ".join(missing))
        yield Finding("packages", BAD, text)
    else:
        yield Finding("packages", GOOD, _("All parts are installed."))


def _folders(settings: Settings) -> Iterator[Finding]:
    if settings.problem:
        yield Finding("settings", NOTE, str(settings.problem))
    folders = {
        "results": (_("Results"), settings.values.results),
        "data": (_("Data and models"), paths.data_dir()),
        "config": (_("Settings"), paths.config_dir()),
        "logs": (_("Logs"), paths.log_dir()),
    }
    for check, (label, folder) in folders.items():
        try:
            free = _free_space(folder)
        except OSError as error:
            yield Finding(check, BAD, str(from_os_error(error, folder)))
            continue
        text = _("{label}: {folder}, {free} GB free.").format(label=label, folder=folder, free=f"{free / 1e9:.1f}")
        if free < _NO_SPACE:
            yield Finding(check, BAD, str(AtelierError("disk-full", {"path": str(folder)})))
        else:
            yield Finding(check, NOTE if free < _LITTLE_SPACE else GOOD, text)


def _free_space(folder: Path) -> int:
    """Bytes that are free where `folder` is or will be. Raises `OSError` if nothing can be written there."""
    place = folder
    while not place.exists() and place.parent != place:
        place = place.parent
    handle, probe = tempfile.mkstemp(prefix=".atelier.", dir=place)
    os.close(handle)
    os.unlink(probe)
    return shutil.disk_usage(place).free


def _databases(settings: Settings) -> Iterator[Finding]:
    try:
        library = Library(settings.values.results)
    except AtelierError as error:
        yield Finding("library", BAD, str(error))
        return
    try:
        if library.problem:
            yield Finding("library", NOTE, str(library.problem))
        jobs = JobQueue(engine_of(settings), library, owner=Owner.current(COMMAND))
        yield Finding("queue", NOTE if jobs.problem else GOOD, str(jobs.problem or _("The queue can be read.")))
        jobs.stop()
    except AtelierError as error:
        yield Finding("queue", BAD, str(error))
    finally:
        library.close()


def _starter_pack(deep: bool) -> Iterator[Finding]:
    missing = starter.missing(deep=deep)
    if not missing:
        yield Finding("starter", GOOD, _("The built-in models are there."))
        return
    there = any(starter.folder_of(item).is_dir() and any(starter.folder_of(item).iterdir()) for item in missing)
    names = [item.folder for item in missing]
    told = explain("starter-damaged", {"files": names}) if there else explain("starter-missing")
    yield Finding("starter", BAD, told.text)


def _engine(settings: Settings) -> Iterator[Finding]:
    client = engine_of(settings)
    try:
        client.start()
        device = DeviceStatus.from_json(client.query("device").result(_ENGINE_SECONDS))
    except concurrent.futures.TimeoutError:
        yield Finding("engine", BAD, explain("engine-hung", {"seconds": round(_ENGINE_SECONDS)}).text)
        return
    except AtelierError as error:
        yield Finding("engine", BAD, str(error))
        return
    finally:
        client.stop()
    words = _("The engine works on {device}, {memory} GB of memory.")
    text = words.format(device=device.name or device.id, memory=f"{device.memory_total / 1e9:.0f}")
    yield Finding("engine", GOOD, text)
    waiting = os.environ.get("OMP_WAIT_POLICY", "").upper()
    if waiting == "ACTIVE":
        yield Finding("threads", NOTE, _("OMP_WAIT_POLICY is ACTIVE; the engine uses PASSIVE, which is much faster."))
    if has_nvidia_gpu() and device.kind == "cpu":
        if torch_cuda():
            text = _("There is an NVIDIA GPU, but the processor is used: ATELIER_DEVICE says so.")
        else:
            text = _("There is an NVIDIA GPU that lies unused: the installed libraries were built without CUDA. ")
            text += _("Run the set-up again to install the ones that use it.")
        yield Finding("gpu", NOTE, text)


def _display() -> Iterator[Finding]:
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        yield Finding("display", NOTE, _("There is no display: the window cannot open here, the commands work."))
