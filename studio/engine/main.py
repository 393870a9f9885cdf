"""`python -m studio --engine --device cpu`: the engine's process.

The main thread reads messages, one thread works, one writes, one answers questions. The process ends when its stdin
ends, at a `Shutdown`, or when the connection is lost and nobody listens at its address any more.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from studio import families
from studio.core import child, logs
from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Request
from studio.core.messages import (
    GAVE_UP,
    PROTOCOL,
    Answer,
    Attach,
    Cancel,
    Failed,
    Handshake,
    Message,
    Query,
    Ready,
    Resident,
    Run,
    Shutdown,
)
from studio.core.models import DeviceStatus, ModelState
from studio.engine.devices import meter
from studio.engine.outbox import Outbox
from studio.engine.residency import Residency
from studio.engine.worker import Worker
from studio.model_manager.catalogue import Catalogue
from studio.model_manager.uses import Uses

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
# A change of the used memory that the gauge shows, as a share of the total; looked for every few beats.
_NOTABLE, _LOOK = 0.01, 3

_log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Run the engine until it is no longer needed. Exits with 2 when started by hand."""
    parser = argparse.ArgumentParser(prog="studio --engine")
    parser.add_argument("--device", default="cpu")
    device = parser.parse_args(argv).device
    os.environ.update(ENVIRONMENT)
    try:
        handshake = child.greet()
        child.stand_back()
    except ValueError:
        parser.error("an engine is started by the program, which writes to its standard input")
    logs.start(f"engine-{device.replace(':', '-')}", on_crash=_fall)
    for name in handshake.families:
        importlib.import_module(name)
        families.register_module(name)
    Engine(device, handshake).serve()
    logging.shutdown()
    os._exit(0)  # threads may be inside native code that does not return


class Engine:
    """The parts of an engine and the messages between them."""

    def __init__(self, device: str, handshake: Handshake) -> None:
        self._handshake = handshake
        self._catalogue = Catalogue()
        self._meter = meter(device, handshake.memory_limit)
        self._outbox = Outbox()
        self._residency = Residency(self._meter, self._tell, Uses().hold)
        self._worker = Worker(self._catalogue, self._residency, self._outbox.send, self._give_up)
        self._questions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._shown: DeviceStatus | None = None
        self._beats = 0
        threading.Thread(target=self._answer_all, name="engine-questions", daemon=True).start()

    def serve(self) -> None:
        """Obey the client until it says `Shutdown` or cannot be reached."""
        self._outbox.start(self._beat)
        while connection := child.connect(self._handshake):
            self._outbox.connect(connection, self._worker.jobs())
            self._outbox.send(Ready(PROTOCOL, os.getpid(), self._first_status().to_json()))
            self._worker.call(self._tell)
            self._questions.put(self._warm_up)
            for message in child.messages(connection):
                if isinstance(message, Shutdown):
                    return
                self._obey(message)
            self._outbox.connect(None)
            connection.close()

    def _warm_up(self) -> None:
        """Read the catalogue, and with it import the families, before anyone asks."""
        self._catalogue.list()

    def _obey(self, message: Message) -> None:
        if isinstance(message, Run):
            self._worker.submit(message)
        elif isinstance(message, Cancel):
            self._worker.cancel(message.job)
        elif isinstance(message, Attach):
            if message.job not in self._worker.jobs() and not self._outbox.knows(message.job):
                self._outbox.send(Failed(message.job, 0, failure=Failure("interrupted")))
            self._outbox.replay(message.job, message.after_seq)
        elif isinstance(message, Query):
            if message.name in ("load", "unload"):
                self._worker.call(lambda: self._answer(message))
            else:
                self._questions.put(lambda: self._answer(message))

    def _answer_all(self) -> None:
        while True:
            question = self._questions.get()
            try:
                question()
            except AtelierError as error:
                _log.warning("%s: %s", error.code, error.details)

    def _answer(self, query: Query) -> None:
        try:
            answer = Answer(query.id, self._reply(query.name, dict(query.arguments)))
        except AtelierError as error:
            answer = Answer(query.id, failure=Failure(error.code, error.arguments, error.details))
        except Exception as error:
            _log.exception("a question failed: %s", query.name)
            answer = Answer(query.id, failure=Failure("internal", details=repr(error)))
        self._outbox.send(answer)

    def _reply(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "models":
            loaded = self._residency.loaded()
            return [
                (replace(info, state=ModelState.LOADED) if info.id in loaded else info).to_json()
                for info in self._catalogue.list()
                if info.origin  # the rest of the known models is not on this computer
            ]
        if name == "device":
            return self._residency.status().to_json()
        if name == "tokens":
            return self._count(Request.from_json(arguments["request"]))
        if name == "load":
            return self._worker.load(arguments["model"])
        if name == "unload":
            return self._residency.drop(arguments["model"])
        raise AtelierError("internal", details=f"no query is called {name}")

    def _count(self, request: Request) -> dict[str, int | None]:
        loaded = self._residency.peek(request.model)
        count = getattr(loaded[0], "count_tokens", None) if loaded else None
        if loaded is None or count is None:
            return {"prompt": None, "context": None}
        return count(loaded[1], request)

    def _first_status(self) -> DeviceStatus:
        """The device as far as it is known without importing anything heavy."""
        if self._meter.device.kind == "cpu" or self._shown:
            return self._residency.status()
        return DeviceStatus(self._meter.device.id, self._meter.device.kind, "", 0)

    def _tell(self) -> None:
        self._shown = self._residency.status()
        self._outbox.send(Resident(self._shown.to_json()))

    def _beat(self) -> Iterator[Message]:
        yield self._worker.beat()
        self._beats += 1
        if self._shown and self._beats % _LOOK == 0:
            now = self._residency.status()
            if abs(now.memory_used - self._shown.memory_used) > _NOTABLE * now.memory_total:
                self._shown = now
                yield Resident(now.to_json())

    def _give_up(self) -> None:
        """A fault that no job after it would survive; the client starts another engine."""
        _log.error("the device cannot be used any more")
        self._outbox.close(2.0)
        os._exit(GAVE_UP)


def _fall(trace: str) -> None:
    """An engine that has lost one of its own threads is of no use: its client starts another."""
    os.write(2, trace.encode("utf-8", "replace"))
    thread = threading.current_thread()
    if thread is threading.main_thread() or thread.name.startswith("engine-"):
        os._exit(1)
