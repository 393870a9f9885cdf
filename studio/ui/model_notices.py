"""What the window says of models by itself, and the ways from elsewhere to the Models tab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from shiboken6 import isValid

from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.errors import AtelierError, explain
from studio.core.i18n import _, n_, sentences
from studio.core.jobs import Medium
from studio.core.models import ModelInfo
from studio.ui.tabs.models import words
from studio.ui.widgets.dialogs import Choice, Dialog

if TYPE_CHECKING:
    from studio.ui.main_window import MainWindow
    from studio.ui.tabs.models.tab import ModelsTab
    from studio.ui.widgets.toasts import Toast

TAB = "models"
Action = tuple[str, Callable[[], Any]]


class ModelNotices(QObject):
    """Belongs to one window. Each ending of a download, check, import, removal or restoration is told once."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._models = window.services.models
        self._told: set[tuple[str, ActivityState]] = set()
        self._stopped: dict[str, Activity] = {}  # failed downloads that a notice tells of, by model
        self._notice: Toast | None = None
        self._models.activity_changed.connect(self._on_activity)
        self._models.failed.connect(window.show_error)
        self._models.asked_to_show.connect(self.show_medium)
        self._models.asked_for_details.connect(self.show_model)

    # -- ways -------------------------------------------------------------------------------------------------

    def tab(self) -> ModelsTab | None:
        """The Models tab, brought to the front; None in a window without one."""
        from studio.ui.tabs.models.tab import ModelsTab

        if not self._window.has_tab(TAB):
            return None
        tab = self._window.open_tab(TAB)
        return tab if isinstance(tab, ModelsTab) else None

    def show_medium(self, medium: Medium | None) -> None:
        if (tab := self.tab()) is not None:
            tab.show_medium(medium)

    def show_model(self, info: ModelInfo) -> None:
        if (tab := self.tab()) is not None:
            tab.show_model(info)

    def show_going(self) -> None:
        if (tab := self.tab()) is not None:
            tab.show_going()

    def takes(self, path: Path) -> bool:
        """Whether a dropped file is for the Models tab, by its name."""
        from studio.ui.tabs.models.adding import is_model_file

        return self._window.has_tab(TAB) and is_model_file(path)

    def look_at(self, path: Path) -> None:
        if (tab := self.tab()) is not None:
            tab.look_at(path)

    # -- news -------------------------------------------------------------------------------------------------

    def _on_activity(self, activity: Activity) -> None:
        if activity.model in self._stopped and activity.state is not ActivityState.FAILED:
            del self._stopped[activity.model]  # it goes on, is done or was given up: the notice is old
            self._show_stopped()
        if not activity.ended:
            self._told = {(id, state) for id, state in self._told if id != activity.id}
            return
        if (activity.id, activity.state) in self._told:
            return
        self._told.add((activity.id, activity.state))
        if activity.state is ActivityState.FAILED:
            self._tell_failure(activity)
        elif activity.state is ActivityState.DONE:
            self._tell_done(activity)

    def _tell_failure(self, activity: Activity) -> None:
        if activity.kind is ActivityKind.DOWNLOAD and activity.model:
            self._stopped.pop(activity.model, None)
            self._stopped[activity.model] = activity
            self._show_stopped()
            return
        error = _error(activity)
        self._window.show_error(error, self._ways(error))

    def _show_stopped(self) -> None:
        """One notice for all downloads that failed: it names the model, or counts them."""
        toasts = self._window.toasts
        before, self._notice = self._notice, None
        if before is not None and isValid(before):
            toasts.remove(before)
        rows = list(self._stopped.values())
        if not rows:
            return
        error = _error(rows[-1])
        actions: list[Action]
        if len(rows) == 1:
            words_of = explain(error.code, error.arguments)
            title = _("{title} could not be downloaded.").format(title=rows[0].title)
            text = sentences(words_of.title, words_of.body)
            actions = self._single(rows[0], error)
        else:
            title = n_("{count} download stopped.", "{count} downloads stopped.", len(rows)).format(count=len(rows))
            names = _(", ").join(activity.title for activity in rows)
            again = [activity for activity in rows if _can_go_on(activity)]
            text = _("{names}. Their cards say why.").format(names=names)
            actions = [(_("Show them"), lambda: self._show_all(rows[0].model))]
            if again:
                actions.insert(0, (_("Resume"), lambda: self._resume(again)))
        notice = toasts.show_toast(text, "error", title=title, actions=actions, details=error.details or "")
        notice.closed.connect(self._stopped.clear)
        self._notice = notice

    def _single(self, activity: Activity, error: AtelierError) -> list[Action]:
        info = self._models.model(activity.model)
        if error.code == "hub-gated" and info is not None:
            return [(_("Review"), lambda: self.show_model(info))]
        again = _("Download again") if words.thrown_away(activity) else _("Resume")
        first: list[Action] = [(again, lambda: self._resume([activity]))] if _can_go_on(activity) else []
        return [*first, *self._ways(error)]

    def _ways(self, error: AtelierError) -> list[Action]:
        if error.code in ("disk-full", "download-no-room", "models-limit"):
            return [(_("Free up space"), self._free_up)]
        if error.code in words.NETWORK_CODES:
            return [(_("Network settings"), lambda: self._window.open_settings("models"))]
        return []

    def _resume(self, rows: list[Activity]) -> None:
        for activity in rows:
            self._ask(self._models.client.resume(activity.id))

    def _show_all(self, first: str) -> None:
        if (tab := self.tab()) is not None:
            tab.show_all()
            tab.models_stage.cards.choose(first)

    def _tell_done(self, activity: Activity) -> None:
        window = self._window
        if activity.kind is ActivityKind.VERIFY:
            self._tell_verified(activity)
        elif activity.kind is ActivityKind.DOWNLOAD:
            if window.tab is not None and window.tab.id != TAB:  # there the card tells
                use = ((_("Open"), lambda: self._open(activity.model)),)
                window.toast(_("{title} is ready.").format(title=activity.title), actions=use)
        elif activity.kind in (ActivityKind.IMPORT, ActivityKind.CONVERT):
            model = str(activity.result.get("model", ""))
            show = ((_("Open"), lambda: self._open(model)),) if model else ()
            window.toast(_("{title} was added.").format(title=activity.title), actions=show)
        elif activity.kind is ActivityKind.REMOVE:
            freed = int(activity.result.get("freed") or 0)
            detail = _("{size} are free again.").format(size=words.size_words(freed)) if freed else ""
            title = activity.title
            window.toast(_("Removed {title}.").format(title=title) if title else _("Removed."), detail=detail)
        else:
            window.toast(_("The starter pack is whole again."))

    def _tell_verified(self, activity: Activity) -> None:
        result = dict(activity.result)
        title, body = words.verified(result, {info.id: info.title for info in self._models.models})
        damaged = list(result.get("damaged", {}))
        if not damaged:
            self._window.toast(title, detail=body)
            return
        choices = [Choice("close", _("Not now")), Choice("repair", _("Repair"), "primary")]
        dialog = Dialog(self._window, title, body, choices, "close")
        dialog.finished.connect(lambda answer: self._repair(damaged) if answer == "repair" else None)
        dialog.open()

    def _repair(self, models: list[str]) -> None:
        starters = [id for id in models if (info := self._models.model(id)) is not None and info.origin == "starter"]
        if starters:
            self._ask(self._models.client.restore_starter())
        for id in models:
            if id not in starters:
                self._ask(self._models.client.download(id))

    def _open(self, model: str) -> None:
        if (info := self._models.model(model)) is not None:
            self._window.use_model(info)

    def _free_up(self) -> None:
        if (tab := self.tab()) is not None:
            tab.acting.free_up()

    def _ask(self, future: Any) -> None:
        self._models.ask(future, owner=self)


def _error(activity: Activity) -> AtelierError:
    failure = activity.failure
    if failure is None:
        return AtelierError("internal")
    return AtelierError(failure.code, dict(failure.arguments), failure.details)


def _can_go_on(activity: Activity) -> bool:
    """Whether asking once more can help."""
    return activity.failure is None or activity.failure.code not in ("hub-gated", *words.HOPELESS)
