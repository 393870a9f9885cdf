"""From other threads into the window's: every report of client, queue and library becomes a signal of one object."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from shiboken6 import isValid

from studio.client.base import EngineState
from studio.core.errors import AtelierError
from studio.core.messages import Beat, Hung, JobEvent, Message, Ready, Resident, Unhung

if TYPE_CHECKING:
    from studio.client.base import EngineClient
    from studio.client.queue import JobQueue
    from studio.core.models import ModelInfo
    from studio.library import Library

_log = logging.getLogger(__name__)


class Bridge(QObject):
    """Every signal is emitted in the window's thread, in the order of the reports.

    `job_event` carries the engine's `JobEvent`s (text, progress, usage …), `beat` its signs of life, `hung` and
    `unhung` a job that went silent and came back; `models` is the
    newest list that the engine gave. `ask` and `work` bring the end of a question or of work in a thread back to the
    window's thread; when `owner` has gone by then, nothing is called.
    """

    job_event = Signal(object)
    job_changed = Signal(object)
    job_filed = Signal(object, object)
    queue_paused = Signal(bool)
    engine_state = Signal(object)
    device_changed = Signal(object)
    library_changed = Signal(object)
    models_changed = Signal(list)
    beat = Signal(object)
    hung = Signal(object)
    unhung = Signal(str)

    _posted = Signal(object)

    def __init__(self, client: EngineClient, queue: JobQueue, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.models: list[ModelInfo] = []
        self._client = client
        self._pool: ThreadPoolExecutor | None = None
        self._open = True
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)
        self._ends = [
            client.subscribe(self._on_message),
            client.subscribe_state(self._on_state),
            queue.subscribe(self._on_queue),
            library.subscribe(lambda change: self._post(lambda: self.library_changed.emit(change))),
        ]

    def close(self) -> None:
        """Stop listening; what is still on its way is dropped."""
        self._open = False
        for end in self._ends:
            end()
        self._ends.clear()
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def refresh_models(self) -> None:
        """Ask the engine for its models; `models_changed` follows."""
        self.ask(self._client.models(), self._on_models, owner=self)

    def model(self, model_id: str) -> ModelInfo | None:
        return next((model for model in self.models if model.id == model_id), None)

    def ask(
        self,
        future: Future[Any],
        success: Callable[[Any], None],
        failure: Callable[[AtelierError], None] | None = None,
        *,
        owner: QObject,
    ) -> None:
        """Call `success(result)` or `failure(error)` in the window's thread when `future` ends."""

        def deliver() -> None:
            if not isValid(owner) or future.cancelled():
                return
            error = future.exception()
            if error is None:
                success(future.result())
                return
            if not isinstance(error, AtelierError):
                _log.error("work in the background failed", exc_info=error)
                error = AtelierError("internal", details=repr(error))
            if failure:
                failure(error)

        future.add_done_callback(lambda _done: self._post(deliver))

    def work(
        self,
        operation: Callable[[], Any],
        success: Callable[[Any], None],
        failure: Callable[[AtelierError], None] | None = None,
        *,
        owner: QObject,
    ) -> None:
        """Run `operation` in a thread; it may touch files but never a widget."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="window-work")
        self.ask(self._pool.submit(operation), success, failure, owner=owner)

    def _post(self, call: Callable[[], None]) -> None:
        if self._open and isValid(self):
            self._posted.emit(call)

    @Slot(object)
    def _on_posted(self, call: Callable[[], None]) -> None:
        if self._open:
            call()

    def _on_message(self, message: Message) -> None:
        if isinstance(message, JobEvent):
            self._post(lambda: self.job_event.emit(message))
        elif isinstance(message, Beat):
            self._post(lambda: self.beat.emit(message))
        elif isinstance(message, Hung):
            self._post(lambda: self.hung.emit(message))
        elif isinstance(message, Unhung):
            self._post(lambda: self.unhung.emit(message.job))
        elif isinstance(message, Ready | Resident):
            self._post(self._on_resident)

    def _on_resident(self) -> None:
        if self._client.device is not None:
            self.device_changed.emit(self._client.device)
        self.refresh_models()

    def _on_models(self, models: list[ModelInfo]) -> None:
        self.models = models
        self.models_changed.emit(models)

    def _on_state(self, state: EngineState) -> None:
        self._post(lambda: self.engine_state.emit(state))

    def _on_queue(self, change: object) -> None:
        from studio.client.queue import JobChanged, JobFiled, QueuePaused

        if isinstance(change, JobChanged):
            self._post(lambda: self.job_changed.emit(change.job))
        elif isinstance(change, JobFiled):
            self._post(lambda: self.job_filed.emit(change.job, change.items))
        elif isinstance(change, QueuePaused):
            self._post(lambda: self.queue_paused.emit(change.paused))
