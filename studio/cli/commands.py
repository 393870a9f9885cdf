"""Finding the command, running it, and saying in one sentence what went wrong."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import studio
from studio.cli import COMMANDS
from studio.cli.console import Console, OutputClosed
from studio.cli.flags import Usage, choose
from studio.core import i18n, logs
from studio.core.errors import AtelierError, Cancelled, InvalidInput, explain
from studio.core.i18n import _
from studio.core.settings import Settings

DONE, FAILED, WRONG_USE, STOPPED = 0, 1, 2, 130

Command = Callable[[Sequence[str], "Desk"], int]


@dataclass(frozen=True)
class Desk:
    """What every command is given."""

    console: Console
    settings: Settings


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code and never raises."""
    console = Console()
    try:
        return _run(arguments, console)
    except Usage as error:
        console.err(str(error))
        return WRONG_USE
    except InvalidInput as error:
        console.err(str(error))
        return WRONG_USE
    except AtelierError as error:
        logging.getLogger(__name__).warning("%s %s", error.code, error.details)
        console.err(str(error))
        return FAILED
    except (KeyboardInterrupt, Cancelled, OutputClosed):
        return STOPPED
    except Exception:
        logging.getLogger(__name__).exception("command")
        console.err(explain("internal").text)
        return FAILED


def _run(arguments: Sequence[str], console: Console) -> int:
    settings = Settings()
    i18n.set_language(settings.values.language)
    if settings.problem:
        console.err(str(settings.problem))
    name, *rest = arguments
    if name == "--version":
        console.out(f"atelier {studio.__version__}")
        return DONE
    if name in ("--help", "-h"):
        console.out(overview())
        return DONE
    choose(name, COMMANDS, _("There is no command {word}."))
    if logs.start("command") is None:  # no traceback on a terminal, whatever cannot be written
        logging.getLogger().setLevel(logging.CRITICAL + 1)
    command: Command = importlib.import_module(f"studio.cli.{name}").main
    return command(rest, Desk(console, settings))


def overview() -> str:
    rows = (
        ("atelier", _("Open the window.")),
        ("atelier generate text --prompt P [-o FILE]", _("Write a text.")),
        ("atelier generate image --prompt P [-o FILE]", _("Draw a picture, or work on one.")),
        ("atelier generate speech --text T [-o FILE]", _("Read a text aloud, or make subtitles of it.")),
        ("atelier train RECIPE --data DIR -o NAME", _("Train a model of your own.")),
        ("atelier families", _("List the kinds of models that can be used.")),
        ("atelier models list | search TEXT | where", _("List the models, or look for more of them.")),
        ("atelier models download | verify | remove …", _("Get models, check them, make room.")),
        ("atelier library list | show | rebuild | trash", _("Look after what was made.")),
        ("atelier queue list | cancel | retry | clear", _("Look after the waiting jobs.")),
        ("atelier doctor", _("Check this installation.")),
        ("atelier --version", _("Say which release this is.")),
    )
    lines = [f"  {left:<46}{right}" for left, right in rows]
    return "\n".join([*lines, "", _("Every command says more with --help.")])


def show_help(desk: Desk, usage: str, text: str = "") -> int:
    """Print help: a line of usage, then `text`."""
    desk.console.out(_("Usage: {usage}").format(usage=usage))
    if text:
        desk.console.out(f"\n{text}")
    return DONE
