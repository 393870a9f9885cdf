"""What the window says by itself: failures, interrupted jobs, trouble at the start, and what was done meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from studio.core.errors import AtelierError, explain
from studio.core.i18n import _, n_
from studio.core.jobs import Job, JobState
from studio.ui.main_window import MainWindow
from studio.ui.pane import app_icon
from studio.ui.queue.words import hold_words, title_of
from studio.ui.widgets.toasts import Toast

TOLD = "interrupted.told"  # ids of the jobs of which a window has said that they were interrupted


class Notices(QObject):
    """Belongs to one window. A failed job becomes an error toast with a way on; when the queue runs dry while another
    program is in front, the desktop is told."""

    def __init__(self, window: MainWindow, *, interrupted_told: bool = False) -> None:
        super().__init__(window)
        self._window = window
        self._services = window.services
        self._tray: QSystemTrayIcon | None = None
        self._done: list[Job] = []
        self._seen_failures: set[str] = {job.id for job in window.model.past}
        self._stopped: list[Job] = []
        self._hold_card: Toast | None = None
        self.interrupted_told = interrupted_told
        self._services.bridge.job_changed.connect(self._on_job)
        self._services.bridge.queue_paused.connect(self._on_paused)
        window.model.changed.connect(self._on_queue)
        QGuiApplication.instance().applicationStateChanged.connect(self._on_state)  # type: ignore[union-attr]

    def tell_problems(self, problems: Iterable[AtelierError | None]) -> None:
        """Say what went wrong while starting."""
        for problem in problems:
            if problem is not None:
                words = explain(problem.code, problem.arguments)
                self._window.toast(words.title, kind="warning", detail=words.body, fold=problem.details)

    def _on_job(self, job: Job) -> None:
        if job.failure and job.state in (JobState.FAILED, JobState.PRODUCED) and job.id not in self._seen_failures:
            self._seen_failures.add(job.id)
            if (
                job.state == JobState.FAILED
                and job.failure.code == "disk-full"
                and self._services.queue.is_mine(job.id)
            ):
                self._stopped.append(job)  # the queue goes on hold now, and one card tells of both
            else:
                # A tab that goes on by itself takes the job out of the queue first: then there is nothing to tell.
                QTimer.singleShot(0, self, lambda: self._tell_failure(job))
        if job.state in (JobState.FILED, JobState.FAILED) and not self._in_front():
            self._done = [*[other for other in self._done if other.id != job.id], job]

    def _tell_failure(self, job: Job) -> None:
        if self._services.queue.job(job.id) is None:
            self._done = [other for other in self._done if other.id != job.id]
            return
        failure = job.failure
        error = AtelierError(failure.code, dict(failure.arguments), failure.details) if failure else None
        error = error or AtelierError("internal")
        self._window.show_error(error, [(_("Try again"), lambda: self._retry(job))])

    def _on_paused(self, paused: bool) -> None:
        """Say why the queue paused by itself, once, and offer the way on."""
        if self._hold_card is not None:
            self._window.toasts.remove(self._hold_card)
            self._hold_card = None
        held = self._services.queue.held
        if held is None:
            self._stopped.clear()
            return
        title, words = hold_words(held)
        actions = [(_("Go on"), self._go_on)]
        self._hold_card = self._window.toasts.show_toast(
            words, "error", title=title, actions=actions, details=held.details
        )

    def _go_on(self) -> None:
        """Do what the hold had stopped again, and what waits."""
        for job in list(self._stopped):
            self._retry(job)
        self._services.queue.resume()

    def _retry(self, job: Job) -> None:
        try:
            self._services.queue.retry(job.id)
        except AtelierError as error:
            self._window.show_error(error)

    def _on_queue(self) -> None:
        model = self._window.model
        told = (self._services.settings.values.last or {}).get(TOLD)
        known = set(told) if isinstance(told, list) else set()
        stopped = [job for job in model.past if job.state == JobState.INTERRUPTED]
        # Who gave a job on the command line saw there how it ended.
        interrupted = [job for job in stopped if job.request.origin.get("part") != "command" and job.id not in known]
        if interrupted and not self.interrupted_told:
            self.interrupted_told = True
            with suppress(AtelierError, OSError):  # then it is told once more at the next start
                self._services.settings.remember(**{TOLD: [job.id for job in stopped]})
            count = len(interrupted)
            self._window.toast(
                n_("{count} job was interrupted.", "{count} jobs were interrupted.", count).format(count=count),
                kind="warning",
                detail=_("Atelier was closed while this was being made. Nothing that was finished is lost."),
                actions=[
                    (_("Start again"), lambda: [self._retry(job) for job in interrupted]),
                    (_("Show the queue"), self._window.show_queue),
                ],
            )
        if self._done and model.running is None and not model.waiting:
            self._tell_desktop()

    def _tell_desktop(self) -> None:
        done, self._done = self._done, []
        if self._in_front() or not self._services.settings.values.notify:
            return
        failed = sum(job.state == JobState.FAILED for job in done)
        if len(done) == 1:
            words = _("It could not be made.") if failed else _("It is ready.")
            title = title_of(done[0])
        else:
            title = n_("{count} job is done", "{count} jobs are done", len(done)).format(count=len(done))
            some = n_("{count} failed.", "{count} failed.", failed).format(count=failed)
            words = some if failed else _("All went well.")
        QApplication.alert(self._window)
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(app_icon(), self)
            self._tray.setToolTip("Atelier")
            self._tray.messageClicked.connect(self._window.bring_to_front)
            self._tray.activated.connect(lambda _reason: self._window.bring_to_front())
        self._tray.show()
        self._tray.showMessage(title, words, app_icon())

    def _in_front(self) -> bool:
        state = QGuiApplication.applicationState()
        return state == Qt.ApplicationState.ApplicationActive and not self._window.isMinimized()

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self._done.clear()
            if self._tray is not None:
                self._tray.hide()
