"""`python -m studio --train`: a training's process.

It reads one line of JSON, the order, from its standard input and writes its progress as lines of JSON to its standard
output; the last one is "done", "failed" or "cancelled". When the input ends, by the user's wish or because the program
that started it is gone, it keeps what was learned and ends within a step.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from studio.core import logs
from studio.core.errors import AtelierError, Cancelled, InvalidInput

DONE, FAILED, STOPPED = 0, 1, 130
# Before any numeric library is imported: OpenMP's waiting threads must not spin, nothing may reach for the network.
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
_log = logging.getLogger(__name__)


def main() -> int:
    """Train what the order says; returns the exit code."""
    os.environ.update(ENVIRONMENT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = _own_output()
    logs.start("training")
    order: dict[str, Any] = {}
    try:
        order = json.loads(sys.stdin.buffer.readline())
        ending, code = _run(order, out), DONE
    except Cancelled:
        ending, code = {"event": "cancelled"}, STOPPED
    except AtelierError as error:
        _log.error("%s: %s", error.code, error.details)
        ending, code = _failed(error.code, error.arguments, error.details), FAILED
        ending["invalid"] = isinstance(error, InvalidInput)
    except MemoryError as error:
        ending, code = _failed("out-of-memory", {"device": "cpu"}, repr(error)), FAILED
    except Exception as error:
        _log.exception("training")
        if _is_out_of_memory(error):
            ending, code = _failed("out-of-memory", {"device": str(order.get("device") or "cpu")}, repr(error)), FAILED
        else:
            ending, code = _failed("internal", {}, repr(error)), FAILED
    _write(out, ending)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)  # the thread that waits for the input's end would hold the interpreter


def _run(order: Mapping[str, Any], out: TextIO) -> dict[str, Any]:
    stop = threading.Event()
    threading.Thread(target=_watch_input, args=(stop,), name="training-stdin", daemon=True).start()

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    from studio.training import recipe, stages
    from studio.training.loop import Hands

    plan = recipe.load(order["recipe"])
    folder = stages.train(
        stages.Order(
            plan,
            Path(order["data"]),
            stages.output_folder(order["output"]),
            stages.find_text_encoder(plan, order.get("text_encoder", "")),
            order.get("device", ""),
            order.get("resume", False),
        ),
        Hands(lambda event: _write(out, event), check),
    )
    return {"event": "done", "path": str(folder)}


def _own_output() -> TextIO:
    """Standard output for the progress alone: what libraries print goes to standard error, which is a log."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _write(out: TextIO, event: Mapping[str, Any]) -> None:
    line = json.dumps(event, ensure_ascii=False, sort_keys=True)
    _log.info("%s", line)
    try:
        out.write(line + "\n")
        out.flush()
    except OSError:  # nobody listens; the input's end says so too
        _log.warning("the progress cannot be told")


def _failed(code: str, arguments: Mapping[str, Any], details: str) -> dict[str, Any]:
    return {"event": "failed", "code": code, "arguments": dict(arguments), "details": details}


def _is_out_of_memory(error: Exception) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)


def _watch_input(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()
