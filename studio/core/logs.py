"""Logs and the crash log. Nothing the user wrote or made goes into them."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from studio.core import paths

_FORMAT = "%(asctime)s %(process)d %(threadName)s %(levelname)s %(name)s: %(message)s"


def start(name: str, on_crash: Callable[[str], None] | None = None) -> Path | None:
    """Log to `<log_dir>/<name>.log` (1 MB, three kept), write native crashes to `<name>.crash` and uncaught
    exceptions to both; `on_crash` is told the traceback. Returns the log's path, or None if it cannot be written
    (then only warnings go to stderr)."""
    logging.raiseExceptions = False  # a log on a full disk is no reason to fill the terminal
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    try:
        folder = paths.ensure(paths.log_dir())
        handler = logging.handlers.RotatingFileHandler(
            folder / f"{name}.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True
        )
        crash = (folder / f"{name}.crash").open("a", encoding="utf-8")
    except OSError:
        root.addHandler(logging.StreamHandler())
        faulthandler.enable()
        return None
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(handler)
    faulthandler.enable(crash)  # keeps the file open for as long as the process lives

    def record(kind: type[BaseException], error: BaseException, trace: TracebackType | None, where: str) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        logging.getLogger(where).error("uncaught exception\n%s", text)
        if on_crash:
            on_crash(text)

    sys.excepthook = lambda kind, error, trace: record(kind, error, trace, "main")
    threading.excepthook = lambda args: record(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback, "thread"
    )
    os.environ.setdefault("PYTHONFAULTHANDLER", "1")
    return folder / f"{name}.log"
