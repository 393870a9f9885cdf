"""The command line: the same queue, engine and library as the window, for scripts.

Exit codes: 0 done, 1 failed (a sentence on stderr), 2 wrong use or bad input, 130 cancelled. Importing this is light;
each command is imported when it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

COMMANDS = ("generate", "train", "families", "models", "library", "queue", "doctor")
_OPTIONS = ("--help", "-h", "--version")


def wants(arguments: Sequence[str]) -> bool:
    """Whether `arguments` are for the command line. Files and the window's own options are not; a word that is
    neither a command nor a file is, so that a mistyped command is told instead of opening a window."""
    if not arguments:
        return False
    first = arguments[0]
    if first in COMMANDS or first in _OPTIONS:
        return True
    return not first.startswith("-") and not os.path.exists(first)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code and never raises."""
    from studio.cli.commands import run

    return run(list(arguments))
