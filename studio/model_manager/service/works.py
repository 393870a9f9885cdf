"""Work on models that takes a while and is no download: checks, imports, conversions, removals."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.errors import AtelierError, Cancelled
from studio.core.jobs import Failure, new_id
from studio.model_manager.downloads.progress import Speed

_PULSE = 0.25  # s between two reports of one work
_REMEMBERED = 50

_log = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
Run = Callable[[Progress, threading.Event], Mapping[str, Any]]


class Works:
    """Each runs on a thread of its own. `tell` hears every change, `done` when one has ended."""

    def __init__(self, tell: Callable[[Activity], None], done: Callable[[], None]) -> None:
        self._tell, self._done = tell, done
        self._lock = threading.Lock()
        self._activities: dict[str, Activity] = {}
        self._stops: dict[str, threading.Event] = {}

    def start(self, kind: ActivityKind, title: str, run: Run, *, model: str = "", medium: str = "") -> str:
        """Do `run(progress, stop)`; the activity's id. What it returns is the activity's result; it may raise
        `AtelierError`, and `Cancelled` once `stop` is set. `progress` takes bytes done, of how many, and a name."""
        activity = Activity(new_id(), kind, ActivityState.RUNNING, title, model, medium)
        stop = threading.Event()
        with self._lock:
            over = [old.id for old in self._activities.values() if old.ended]
            for old in over[: max(0, len(self._activities) - _REMEMBERED)]:
                del self._activities[old], self._stops[old]
            self._stops[activity.id] = stop
        self._put(activity)
        threading.Thread(target=self._run, args=(activity, run, stop), name=f"work-{kind}", daemon=True).start()
        return activity.id

    def owns(self, activity: str) -> bool:
        with self._lock:
            return activity in self._activities

    def cancel(self, activity: str) -> None:
        with self._lock:
            self._stops[activity].set()

    def activities(self) -> list[Activity]:
        with self._lock:
            return list(self._activities.values())

    def _put(self, activity: Activity) -> None:
        with self._lock:
            self._activities[activity.id] = activity
        self._tell(activity)

    def _run(self, activity: Activity, run: Run, stop: threading.Event) -> None:
        speed, last = Speed(), 0.0

        def progress(done: int, total: int, name: str = "") -> None:
            nonlocal activity, last
            if (now := time.monotonic()) - last >= _PULSE:
                last = now
                rate = speed.feed(done, now)
                left = round((total - done) / rate, 1) if rate > 0 else -1.0
                activity = replace(activity, done=done, total=total, speed=round(rate), seconds_left=left)
                self._put(activity)

        try:
            result = run(progress, stop)
            ended = replace(activity, state=ActivityState.DONE, done=activity.total, result=dict(result))
        except Cancelled:
            ended = replace(activity, state=ActivityState.CANCELLED)
        except AtelierError as error:
            failure = Failure(error.code, dict(error.arguments), error.details)
            ended = replace(activity, state=ActivityState.FAILED, failure=failure)
        except Exception as error:
            _log.exception("work on models failed: %s", activity.kind)
            ended = replace(activity, state=ActivityState.FAILED, failure=Failure("internal", {}, repr(error)))
        self._done()
        self._put(replace(ended, speed=0.0, seconds_left=-1.0))
