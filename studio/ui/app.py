"""The program with a window: from an empty process to a usable window, and back."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.core import i18n, logs
from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.core.settings import Settings
from studio.ui.display import missing_display

if TYPE_CHECKING:
    pass

_log = logging.getLogger(__name__)
TRACE = "ATELIER_STARTUP_TRACE"  # a file for the benchmark: `time.monotonic()` when the window was usable


def main(arguments: list[str]) -> int:
    """Open the window; returns the exit code. A second start raises the first window and ends."""
    settings = Settings()
    i18n.set_language(settings.values.language)
    if sentence := missing_display():
        print(sentence, file=sys.stderr)
        return 2
    from PySide6.QtWidgets import QApplication

    crashes: list[Callable[[str], None]] = []

    def on_crash(text: str) -> None:
        for tell in crashes:
            tell(text)

    logs.start("window", on_crash)
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    from studio.client.instance import Instance
    from studio.ui.program import Program

    assert isinstance(qt, QApplication)
    program = Program(qt, settings)
    crashes.append(program.crashed.emit)
    instance = Instance()
    try:
        first = instance.claim(program.visited.emit)
    except AtelierError as error:
        program.show_trouble(error)
        return 1
    if not first:
        return 0 if instance.raise_first(tuple(arguments)) else _say_unreachable()
    try:
        if not program.open():
            return 1
        program.quit_on_signals()
        program.open_files(arguments)
        _write_trace()
        return qt.exec()
    except Exception:
        _log.exception("the program ended")
        program.show_trouble(AtelierError("internal", details=traceback.format_exc()))
        return 1
    finally:
        program.close()
        instance.release()


def _say_unreachable() -> int:
    print(_("Atelier is already open, but does not answer. Close it, then try again."), file=sys.stderr)
    return 1


def _write_trace() -> None:
    if target := os.environ.get(TRACE):
        Path(target).write_text(json.dumps({"usable_monotonic": time.monotonic()}), encoding="utf-8")
