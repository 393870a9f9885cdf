"""`atelier train RECIPE --data DIR -o NAME`: a model of one's own, trained in a child process.

Stopping it keeps what was learned; `--resume` goes on from there, also after a crash.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import studio
from studio.cli.commands import DONE, STOPPED, Desk, show_help
from studio.cli.console import Console, OutputClosed
from studio.cli.flags import HELP, Flag, Usage, choose, describe, parse
from studio.core import paths
from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import N_, _, n_

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
# Keeping what was learned takes a few seconds on a slow disk; after this the last checkpoint has to do.
_STOP_SECONDS = 60.0
_STAGES = {
    "pictures": N_("Reading the pictures"),
    "autoencoder": N_("Learning to see"),
    "words": N_("Reading the words"),
    "latents": N_("Looking at every picture"),
    "denoiser": N_("Learning to draw"),
    "decoder": N_("Learning details"),
    "writing": N_("Writing the model"),
}


def main(arguments: Sequence[str], desk: Desk) -> int:
    flags = [
        Flag("--data", _("The folder of pictures to learn from."), "DIR"),
        Flag("--output", _("The name of the new model, or a folder for it."), "NAME", short="-o"),
        Flag("--resume", _("Go on with a training that was stopped.")),
        Flag("--text-encoder", _("The folder of another text encoder."), "DIR"),
        Flag("--device", _("The device to train on, such as cpu or cuda:0."), "D"),
        Flag("--json", _("Print one JSON object per event.")),
        Flag(HELP, _("Show this help."), short="-h"),
    ]
    options = parse(arguments, flags)
    recipes = sorted(path.stem for path in paths.asset("training").glob("*.toml"))
    if options.has("help"):
        about = _("Recipes: {choices}, or the path of a TOML file.").format(choices=_(", ").join(recipes))
        return show_help(desk, "atelier train RECIPE --data DIR -o NAME [...]", f"{describe(flags)}\n\n{about}")
    if len(options.words) != 1:
        raise Usage(_("Say which recipe: {choices}, or the path of a TOML file.").format(choices=_(", ").join(recipes)))
    recipe = options.words[0]
    if not recipe.endswith(".toml"):
        choose(recipe, recipes, _("No recipe is called {word}."))
    for name in ("data", "output"):
        if not options.values.get(name):
            raise Usage(_("Say where: {option} is missing.").format(option=f"--{name}"))
    order = {
        "recipe": _absolute(recipe) if recipe.endswith(".toml") else recipe,
        "data": _absolute(options.values["data"]),
        "output": options.values["output"],
        "text_encoder": _absolute(options.values.get("text-encoder", "")),
        "device": options.values.get("device", ""),
        "resume": options.has("resume"),
    }
    return _Following(desk.console, options.has("json")).until_end(order)


class _Following:
    """Starts a training's process and shows what it tells until it has ended."""

    def __init__(self, console: Console, as_json: bool) -> None:
        self._console, self._as_json = console, as_json
        self._closed = False

    def until_end(self, order: Mapping[str, Any]) -> int:
        process = _start()
        assert process.stdin and process.stdout
        killer = threading.Timer(_STOP_SECONDS, process.kill)

        def stop() -> None:
            with contextlib.suppress(OSError, ValueError):
                assert process.stdin
                process.stdin.close()
            with contextlib.suppress(RuntimeError):  # asked a second time
                killer.start()

        last: Mapping[str, Any] = {}
        try:
            with _signals(stop):
                with contextlib.suppress(OSError):
                    process.stdin.write(json.dumps(order).encode() + b"\n")
                    process.stdin.flush()
                for line in process.stdout:
                    with contextlib.suppress(ValueError):
                        last = json.loads(line)
                        self._show(last, stop)
                process.wait()
        finally:
            stop()
            process.wait()
            killer.cancel()
            process.stdout.close()
        return self._ended(last)

    def _show(self, event: Mapping[str, Any], stop: Any) -> None:
        if self._closed:
            return
        try:
            if self._as_json:
                self._console.out(json.dumps(event, ensure_ascii=False, sort_keys=True))
            elif event["event"] == "progress":
                text = f"{_(_STAGES[event['stage']])}  {_seconds_left(event['seconds_left'])}"
                self._console.status(text, event["step"], event["steps"])
            elif event["event"] == "stage":
                self._console.status(_(_STAGES[event["stage"]]))
        except OutputClosed:
            self._closed = True
            stop()

    def _ended(self, last: Mapping[str, Any]) -> int:
        event = last.get("event")
        if event == "done":
            if not self._as_json:
                self._console.out(last["path"])
            return DONE
        if event == "cancelled":
            self._console.err(_("Stopped. What was learned is kept; --resume goes on from there."))
            return STOPPED
        if event == "failed":
            kind = InvalidInput if last.get("invalid") else AtelierError
            raise kind(last["code"], dict(last["arguments"]), last["details"])
        raise AtelierError("training-crashed")


def _start() -> subprocess.Popen[bytes]:
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "studio"]
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    root = Path(studio.__file__).resolve().parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))
    return subprocess.Popen(
        [*program, "--train"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


@contextlib.contextmanager
def _signals(stop: Any) -> Iterator[None]:
    """Let the signals that end programs stop the training; the second one ends this program at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        stop()

    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""


def _seconds_left(seconds: float) -> str:
    if seconds < 0:
        return ""
    if seconds < 60:
        return n_("{n} s left", "{n} s left", round(seconds)).format(n=round(seconds))
    if seconds < 7200:
        return _("{minutes} min left").format(minutes=round(seconds / 60))
    return _("{hours} h left").format(hours=round(seconds / 3600))
