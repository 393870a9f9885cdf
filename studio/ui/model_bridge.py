"""What the child that looks after models reports, as signals in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from shiboken6 import isValid

from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.errors import AtelierError
from studio.core.messages import ActivityChanged, Message
from studio.core.models import ModelInfo

if TYPE_CHECKING:
    from studio.client.models import ModelsClient
    from studio.ui.bridge import Bridge

GOING = (ActivityKind.DOWNLOAD, ActivityKind.RESTORE, ActivityKind.IMPORT, ActivityKind.CONVERT)
_COALESCE_MS = 60


class ModelBridge(QObject):
    """`models` is the newest list of the catalogue and of what is on this computer, `activities` the work by id.

    `models_changed` follows a new list, `activity_changed` carries an `Activity`; `asked_to_show` a medium or None:
    somebody wants to see the models there are; `asked_for_details` a `ModelInfo`. The child is started by the first
    question: nothing is asked before a tab, a page or a command needs it.
    """

    models_changed = Signal()
    activity_changed = Signal(object)
    failed = Signal(object)
    asked_to_show = Signal(object)
    asked_for_details = Signal(object)

    _posted = Signal(object)

    def __init__(self, client: ModelsClient, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.client = client
        self.models: list[ModelInfo] = []
        self.known = False
        self.activities: dict[str, Activity] = {}
        self._bridge = bridge
        self._asking = self._again = False
        self._started = False
        self._timer = QTimer(self, singleShot=True, interval=_COALESCE_MS)
        self._timer.timeout.connect(self.refresh)
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)
        self._end = client.subscribe(self._on_message)

    def close(self) -> None:
        """Stop listening; what is still on its way is dropped."""
        self._end()
        self._timer.stop()

    def start(self) -> None:
        """Ask for everything once; later calls do nothing."""
        if not self._started:
            self._started = True
            self.ask(self.client.ask("activities"), self._on_activities, owner=self)
            self.refresh()

    def refresh(self) -> None:
        """Ask for the models; `models_changed` follows. While an answer is awaited, one more question is kept."""
        if self._asking:
            self._again = True
            return
        self._asking = True
        self.ask(self.client.models(), self._on_models, self._on_refused, owner=self)

    def model(self, id: str) -> ModelInfo | None:
        return next((info for info in self.models if info.id == id), None)

    def activity_of(self, model: str) -> Activity | None:
        """The work that a model's card tells of: what goes on or is paused; else the last, if it has failed."""
        mine = [a for a in self.activities.values() if a.model == model and a.kind in GOING]
        alive = [activity for activity in mine if not activity.ended]
        last = (alive or mine or [None])[-1]
        return last if last is not None and (alive or last.state is ActivityState.FAILED) else None

    def going(self) -> list[Activity]:
        """All work that has not ended: what is under way first, then what is paused."""
        rows = [activity for activity in self.activities.values() if not activity.ended]
        return sorted(rows, key=lambda activity: activity.state is ActivityState.PAUSED)

    def ask(
        self,
        future: Future[Any],
        success: Callable[[Any], None] | None = None,
        failure: Callable[[AtelierError], None] | None = None,
        *,
        owner: QObject,
    ) -> None:
        """As `Bridge.ask`; without `failure`, `failed` tells why."""
        self._bridge.ask(future, success or _nothing, failure or self.failed.emit, owner=owner)

    # -- reports ----------------------------------------------------------------------------------------------

    def _on_message(self, message: Message) -> None:
        if isValid(self):
            self._posted.emit(message)

    @Slot(object)
    def _on_posted(self, message: Message) -> None:
        if isinstance(message, ActivityChanged):
            self._learn(Activity.from_json(message.activity))
        else:
            self._timer.start()
            self._bridge.refresh_models()  # the engine reads the same folders

    def _learn(self, activity: Activity) -> None:
        self.activities[activity.id] = activity
        self.activity_changed.emit(activity)

    def _on_activities(self, rows: list[Any]) -> None:
        for row in rows:
            activity = Activity.from_json(row)
            if activity.id in self.activities:
                continue
            if activity.ended:
                self.activities[activity.id] = activity  # it was told when it ended
            else:
                self._learn(activity)

    def _on_models(self, models: list[ModelInfo]) -> None:
        self._asking, self.known = False, True
        self.models = models
        self.models_changed.emit()
        self._ask_again()

    def _on_refused(self, error: AtelierError) -> None:
        self._asking, self.known = False, True
        self.models_changed.emit()
        self.failed.emit(error)
        self._ask_again()

    def _ask_again(self) -> None:
        if self._again:
            self._again = False
            self.refresh()


def _nothing(_answer: object) -> None:
    return None
