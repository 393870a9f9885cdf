"""`python -m studio --models`: the process that looks after models.

The main thread reads questions, each is answered on a thread of its own, one thread writes. The process ends when its
stdin or the connection does; nothing is lost then, as downloads go on from what is on the disk.
"""

from __future__ import annotations

import argparse
import logging
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from studio.core import child, logs
from studio.core.activities import Activity
from studio.core.errors import AtelierError
from studio.core.jobs import Failure
from studio.core.messages import PROTOCOL, ActivityChanged, Answer, ModelsChanged, Query, Ready, Shutdown
from studio.model_manager.service.answers import Answers
from studio.model_manager.service.outbox import Outbox

_AT_ONCE = 8  # questions; some wait for the hub
_LAST_WORDS = 1.0

_log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Answer until nobody asks any more. Exits with 2 when started by hand."""
    parser = argparse.ArgumentParser(prog="studio --models")
    parser.parse_args(argv)
    try:
        handshake = child.greet()
    except ValueError:
        parser.error("this part is started by the program, which writes to its standard input")
    logs.start("models", on_crash=_fall)
    connection = child.connect(handshake)
    if connection:
        outbox = Outbox(connection)
        outbox.send(Ready(PROTOCOL, os.getpid()))

        def tell(activity: Activity) -> None:
            outbox.send(ActivityChanged(activity.to_json()))

        answers = Answers(tell, lambda: outbox.send(ModelsChanged()))
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="models-question")
        for message in child.messages(connection):
            if isinstance(message, Query):
                pool.submit(_answer, answers, outbox, message)
            elif isinstance(message, Shutdown):
                break
        answers.close()
        outbox.close(_LAST_WORDS)
    logging.shutdown()
    os._exit(0)  # threads may wait for the network


def _answer(answers: Answers, outbox: Outbox, query: Query) -> None:
    try:
        answer = Answer(query.id, answers.reply(query.name, dict(query.arguments)))
    except AtelierError as error:
        answer = Answer(query.id, failure=Failure(error.code, error.arguments, error.details))
    except Exception as error:
        _log.exception("a question failed: %s", query.name)
        answer = Answer(query.id, failure=Failure("internal", details=repr(error)))
    outbox.send(answer)


def _fall(trace: str) -> None:
    """A child that has lost its main thread or its voice is of no use: its client starts another."""
    os.write(2, trace.encode("utf-8", "replace"))
    thread = threading.current_thread()
    if thread is threading.main_thread() or thread.name == "models-outbox":
        os._exit(1)
