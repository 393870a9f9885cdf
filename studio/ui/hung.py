"""The question about an engine that went silent: nothing is stopped without the user's word."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from studio.core.errors import explain
from studio.core.i18n import _
from studio.core.messages import Hung
from studio.ui.bridge import Bridge
from studio.ui.widgets.dialogs import Choice, Dialog


class HungJobs(QObject):
    """Asks once for each silent job, and takes the question back when the engine is heard again. `cancel(job)` stops
    a job."""

    def __init__(self, bridge: Bridge, window: QWidget, cancel: Callable[[str], object]) -> None:
        super().__init__(window)
        self._window, self._cancel = window, cancel
        self._dialogs: dict[str, Dialog] = {}
        bridge.hung.connect(self._on_hung)
        bridge.unhung.connect(self._on_unhung)

    def _on_hung(self, message: Hung) -> None:
        if message.job in self._dialogs:
            return
        words = explain("engine-hung", {"seconds": round(message.seconds)})
        choices = [Choice("stop", _("Stop the job")), Choice("wait", _("Keep waiting"), "primary")]
        dialog = Dialog(self._window, words.title, words.body, choices, "wait")
        dialog.finished.connect(lambda answer: self._on_answer(message.job, answer))
        self._dialogs[message.job] = dialog
        dialog.open()

    def _on_answer(self, job: str, answer: str) -> None:
        self._dialogs.pop(job, None)
        if answer == "stop":
            self._cancel(job)

    def _on_unhung(self, job: str) -> None:
        if (dialog := self._dialogs.pop(job, None)) is not None:
            dialog.choose("wait")
