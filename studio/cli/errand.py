"""Asking the models' child, and following what it does, until it has ended or a signal stops it."""

from __future__ import annotations

import json
import queue
import time
from concurrent.futures import Future
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar

from studio.cli.commands import Desk
from studio.cli.work import seconds_left, signals
from studio.client.local_models import LocalModels
from studio.client.models import ModelsClient
from studio.core.activities import Activity, ActivityState
from studio.core.errors import AtelierError, Cancelled, explain
from studio.core.i18n import _
from studio.core.messages import ActivityChanged, Message

T = TypeVar("T")
_STOP = "stop"
_LOOK = 1.0  # s between two looks at signals, on systems where a wait hides them
_STOP_SECONDS = 5.0


def models_client() -> ModelsClient:
    """The client that commands use: it touches nothing but what is asked for."""
    return LocalModels(go_on=False)


class Errand:
    """`client` answers within the `with` block. `stopped` is said where work ended that can go on from what
    it has done."""

    def __init__(self, desk: Desk, *, as_json: bool = False, stopped: str = "") -> None:
        self._console, self._as_json, self._stopped = desk.console, as_json, stopped
        self._mail: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._known: dict[str, Activity] = {}
        self._stack = ExitStack()
        self.client = models_client()

    def __enter__(self) -> Errand:
        self._stack.callback(self.client.stop)
        self._stack.callback(self.client.subscribe(self._hear))
        self._stack.enter_context(signals(lambda: self._mail.put(_STOP)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._console.clear()
        self._stack.close()

    def answer(self, future: Future[T]) -> T:
        """What the child answers. Raises its `AtelierError`, and `Cancelled` when a signal came first."""
        future.add_done_callback(self._mail.put)
        while True:
            item = self._next()
            if item is future:
                return future.result()
            if item == _STOP:
                raise Cancelled
            if isinstance(item, Activity):
                self._known[item.id] = item

    def follow(self, activity: str) -> Activity:
        """Show the work until it is done. Raises the `AtelierError` that it failed with, and `Cancelled` when it was
        stopped; what arrived is kept then."""
        stop_by = 0.0
        last = self._known.get(activity)
        while last is None or not last.ended:
            item = self._next()
            if item == _STOP and not stop_by:
                stop_by = time.monotonic() + _STOP_SECONDS
                self._console.status(_("Stopping…"))
                self.client.cancel(activity)
            if stop_by and time.monotonic() > stop_by:
                break
            if isinstance(item, Activity):
                self._known[item.id] = item
                if item.id == activity:
                    last = item
                    self._show(item)
        if last is None or last.state is not ActivityState.DONE:
            self._end_badly(last)
        assert last is not None
        return last

    def _end_badly(self, last: Activity | None) -> None:
        if last is not None and last.failure:
            if self._stopped and last.done and not self._as_json:
                self._console.err(self._stopped)
            raise AtelierError(last.failure.code, dict(last.failure.arguments), last.failure.details)
        self._console.err(_("Stopped."))
        if self._stopped:
            self._console.err(self._stopped)
        raise Cancelled

    def _show(self, activity: Activity) -> None:
        if self._as_json:
            self._console.out(json.dumps(activity.to_json(), ensure_ascii=False))
            return
        words = activity.title
        if activity.state is ActivityState.WAITING and activity.note:
            words = explain(activity.note, {"model": activity.title}).title
        elif activity.speed > 0:
            speed = _("{speed} MB/s").format(speed=f"{activity.speed / 1e6:.1f}")
            words = "  ".join(filter(None, (words, speed, seconds_left(activity.seconds_left))))
        self._console.status(words, activity.done, activity.total)

    def _hear(self, message: Message) -> None:
        if isinstance(message, ActivityChanged):
            self._mail.put(Activity.from_json(message.activity))

    def _next(self) -> Any:
        try:
            return self._mail.get(timeout=_LOOK)
        except queue.Empty:
            return None
