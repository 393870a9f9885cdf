"""The inside of the child that reads untrusted files: questions come in as lines of JSON, answers go out the same way.

A question is {"do": name of `TASKS`, "seconds": of the processor, "size": bytes of file that it may map, "writes":
bytes of the largest file it may write, and the task's own arguments}. Every line that goes out is {"done", "total"}
(progress), {"answer": …} or {"error": code, "arguments", "details"}.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from studio.core.errors import AtelierError
from studio.model_manager.trust import convert, looking, studios
from studio.model_manager.trust.limits import allow, die_with_parent, forbid
from studio.model_manager.trust.reading import BROKEN

_STEP = 16 << 20


def main() -> int:
    """Answer until the questions end."""
    die_with_parent()
    # Whatever prints must not end up between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    prepare()
    forbid()
    for line in sys.stdin.buffer:
        question = json.loads(line)
        allow(question["seconds"], question["size"], question["writes"])
        told = _answer(question, answers)
        _say(answers, told)
        if told.get("error") == "model-too-much":
            return 1  # what is left of the memory is not worth going on with
    return 0


def prepare() -> None:
    """Import what the tasks need now: later, imports would count against their limits."""
    from studio import families

    families.all()


def _answer(question: Mapping[str, Any], answers: TextIO) -> dict[str, Any]:
    name = Path(question["path"]).name
    try:
        return {"answer": TASKS[question["do"]](question, _Progress(answers))}
    except AtelierError as error:
        return {"error": error.code, "arguments": error.arguments, "details": error.details}
    except MemoryError:
        return {"error": "model-too-much", "arguments": {"name": name}, "details": "memory"}
    except Exception:  # whatever a file does to its reader is told as a refusal of that file
        arguments = {"name": name, "reason": BROKEN}
        return {"error": "model-refused", "arguments": arguments, "details": traceback.format_exc(limit=-6)}


def _say(answers: TextIO, message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


class _Progress:
    def __init__(self, answers: TextIO) -> None:
        self._answers = answers
        self._told = 0

    def __call__(self, done: int, total: int) -> None:
        if done - self._told >= _STEP or done == total:
            self._told = done
            _say(self._answers, {"done": done, "total": total})


def _look(question: Mapping[str, Any], _report: _Progress) -> Any:
    return looking.look(Path(question["path"])).to_json()


def _convert(question: Mapping[str, Any], report: _Progress) -> Any:
    source = convert.convert(Path(question["path"]), Path(question["target"]), report)
    return {"dropped": list(source.dropped)}


def _roots(question: Mapping[str, Any], _report: _Progress) -> Any:
    return studios.extra_roots(Path(question["path"]))


TASKS: dict[str, Callable[[Mapping[str, Any], _Progress], Any]] = {
    "look": _look,
    "convert": _convert,
    "roots": _roots,
}
