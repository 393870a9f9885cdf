"""The strip at the window's foot: what is being made now, what waits, and the way into the queue."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from studio.client.base import EngineState
from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.i18n import _, n_
from studio.core.jobs import Job, JobState
from studio.ui.icons import paint_icon
from studio.ui.model_bridge import ModelBridge
from studio.ui.pane import IconMark
from studio.ui.queue.model import QueueModel
from studio.ui.queue.words import MEDIUM_ICONS, hold_words, progress_words, state_words, time_left, title_of
from studio.ui.tabs.models import words
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.meters import ProgressLine
from studio.ui.widgets.paint import ElidedLabel, Label, mirrored, painter_for, text_width
from studio.ui.widgets.rooms import Surface

_LINE, _LINE_COMPACT = 240, 160
ACTIVITY_ICONS = {
    ActivityKind.DOWNLOAD: "download-simple",
    ActivityKind.VERIFY: "shield-check",
    ActivityKind.IMPORT: "file-plus",
    ActivityKind.CONVERT: "file-plus",
    ActivityKind.RESTORE: "package",
    ActivityKind.REMOVE: "trash",
}


class QueueButton(Button):
    """Opens and closes the panel; its caret points to where the panel goes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_("Queue"), "ghost", size="sm", parent=parent)

    def sizeHint(self) -> QSize:
        return QSize(text_width(self.text(), self.font()) + 8 + 12 + 24, self.height())

    def set_open(self, open_: bool) -> None:
        self.setDown(False)
        self._open = open_
        self.setToolTip(_("Close the queue") if open_ else _("Open the queue"))
        self.update()

    _open = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        box = mirrored(self, QRect(self.width() - 24, (self.height() - 12) // 2, 12, 12))
        with painter_for(self) as painter:
            paint_icon(painter, box, "caret-down" if self._open else "caret-up", theme_of(self).color("text.secondary"))

    def _content_width(self) -> int:
        return super()._content_width() + 20  # the words make room for the caret


class Strip(Surface):
    """Renders a `QueueModel`, and while no job runs the work on models. Signals carry the user's wishes; `job_clicked`
    the id of the job that is shown, `downloads_clicked` asks for the tab where that work is shown."""

    pause_clicked = Signal()
    cancel_clicked = Signal(str)
    job_clicked = Signal(str)
    restart_clicked = Signal()
    panel_clicked = Signal()
    downloads_clicked = Signal()

    def __init__(self, model: QueueModel, models: ModelBridge, parent: QWidget | None = None) -> None:
        super().__init__("surface.window", "top", parent)
        theme = theme_of(self)
        self._model, self._shown = model, ""
        self._models, self._activity = models, ""
        self._engine = EngineState.STOPPED
        self.setFixedHeight(theme.metric("layout.queueStrip"))
        self.setAccessibleName(_("Queue"))
        cell = Surface("surface.window", "right top", self)
        cell.setFixedSize(theme.metric("layout.rail"), self.height())
        self.pause = IconButton("pause", _("Hold the queue"))
        self.pause.clicked.connect(self.pause_clicked)
        inside = QHBoxLayout(cell)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.pause)
        self._icon = IconMark("article")
        self._title = ElidedLabel("", "body")
        self._title.setFont(theme.font("body", 500))
        self._title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._line = ProgressLine("text", _("Progress"))
        self._words = ElidedLabel("", "small", "secondary")
        self._words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._left = Label("", "small", "tertiary")
        self.cancel = IconButton("x", _("Stop this job"))
        self.cancel.clicked.connect(self._on_cancel)
        self.restart = Button(_("Restart the engine"), "secondary", "arrow-clockwise", "sm")
        self.restart.clicked.connect(self.restart_clicked)
        self.go_on = Button(_("Go on"), "secondary", "play", "sm")
        self.go_on.clicked.connect(self.pause_clicked)
        self.downloads = Button("", "ghost", "download-simple", "sm")
        self.downloads.setToolTip(_("Show what is being downloaded"))
        self.downloads.clicked.connect(self.downloads_clicked)
        self._waiting = Label("", "small", "tertiary")
        self.queue = QueueButton()
        self.queue.clicked.connect(self.panel_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 12, 0)
        row.setSpacing(12)
        row.addWidget(cell)
        row.addSpacing(4)
        for widget in (self._icon, self._title, self._line, self._words, self._left):
            row.addWidget(widget)
        for widget in (self.cancel, self.restart, self.go_on):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.downloads)
        row.addWidget(self._waiting)
        row.addWidget(self.queue)
        self.set_compact(False)
        model.changed.connect(self.show_state)
        model.progressed.connect(self._render_progress)
        models.activity_changed.connect(self._on_activity)
        self.show_state()

    def set_compact(self, compact: bool) -> None:
        self._line.setFixedWidth(_LINE_COMPACT if compact else _LINE)
        self._title.setMaximumWidth(220 if compact else 360)

    def set_open(self, open_: bool) -> None:
        self.queue.set_open(open_)

    def set_engine(self, state: EngineState) -> None:
        self._engine = state
        self.show_state()

    def show_state(self) -> None:
        """Show the model's state."""
        model = self._model
        self._activity = ""
        self._show_downloads()
        paused = model.paused
        self.pause.set_icon("play" if paused else "pause")
        self.pause.set_name(_("Go on with the queue") if paused else _("Hold the queue"))
        waiting = len(model.waiting)
        words = n_("{count} waiting", "{count} waiting", waiting).format(count=waiting) if waiting else ""
        if paused:
            words = " · ".join(part for part in (_("On hold"), words) if part)
        self._waiting.setText(words or _("Nothing waiting"))
        held = model.held if model.running is None and self._engine != EngineState.UNAVAILABLE else None
        self.go_on.setVisible(held is not None)
        self.restart.setVisible(self._engine == EngineState.UNAVAILABLE)
        if self._engine == EngineState.UNAVAILABLE:
            self._show_state("warning-circle-fill", "danger.text", _("The engine has stopped"))
        elif model.running:
            self._show_running(model.running)
        elif going := self._models.going():
            self._show_activity(going)
        elif held is not None:
            self._show_state("warning-circle-fill", "warning.text", *hold_words(held))
        elif self._engine in (EngineState.STOPPED, EngineState.STARTING):
            self._show_state("cpu", "text.tertiary", _("Starting the engine"))
        elif model.last:
            self._show_ended(model.last)
        else:
            self._show_state("check-circle-fill", "success.text", _("Ready"))

    def _show_running(self, job: Job) -> None:
        medium = str(job.request.medium)
        if self._shown != job.id or not self._line.isVisibleTo(self):
            self._line.reset_progress()
            self._line.set_medium(medium)
        self._shown = job.id
        self.cancel.set_name(_("Stop this job"))
        self._icon.set_icon(MEDIUM_ICONS[job.request.medium], f"medium.{medium}")
        self._set_title(title_of(job), True)
        for widget in (self._line, self._left, self.cancel):
            widget.show()
        self._render_progress()

    def _render_progress(self) -> None:
        job, live = self._model.running, self._model.live
        if job is None or self._engine == EngineState.UNAVAILABLE:
            return
        self._line.set_fraction(live.fraction)
        words = progress_words(job, live)
        self._words.setVisible(True)
        self._words.setText(words)
        self._line.setAccessibleDescription(words)
        self._left.setText(time_left(live.seconds_left))

    # -- work on models ---------------------------------------------------------------------------------------

    def _on_activity(self, activity: Activity) -> None:
        going = self._models.going()
        busy = self._model.running is not None or self._engine == EngineState.UNAVAILABLE
        if going and not busy and self._activity == going[0].id:
            self._render_activity(going)
        elif going and busy:
            self._show_downloads()
        else:
            self.show_state()

    def _show_activity(self, going: list[Activity]) -> None:
        """The first of them, or all downloads together."""
        first = going[0]
        if self._activity != first.id or not self._line.isVisibleTo(self):
            self._line.reset_progress()
            self._line.set_medium("")
        self._shown, self._activity = "", first.id
        self._icon.set_icon(ACTIVITY_ICONS.get(first.kind, "cube"), "text.secondary")
        for widget in (self._line, self._left):
            widget.show()
        self._render_activity(going)

    def _render_activity(self, going: list[Activity]) -> None:
        first = going[0]
        loads = [activity for activity in going if activity.kind is ActivityKind.DOWNLOAD]
        several = first.kind is ActivityKind.DOWNLOAD and len(loads) > 1
        shown = loads if several else [first]
        done, total = sum(a.done for a in shown), sum(a.total for a in shown)
        many = n_("{count} download", "{count} downloads", len(loads)).format(count=len(loads))
        self._set_title(many if several else words.strip_title(first), True)
        self._line.set_fraction(done / total if several and total else words.share(first))
        if first.state in (ActivityState.RUNNING, ActivityState.QUEUED):
            told = words.part_words(done, total) if several and total else words.amount_words(first)
        else:
            told = words.activity_title(first)
        self._words.setVisible(bool(told))
        self._words.setText(told)
        self._line.setAccessibleDescription(told)
        lefts = [a.seconds_left for a in shown if a.state is ActivityState.RUNNING]
        self._left.setText(words.left_words(max(lefts)) if lefts and min(lefts) >= 0 else "")
        self.cancel.setVisible(not several and first.state is not ActivityState.CHECKING)
        self.cancel.set_name(_("Cancel the download") if first.kind is ActivityKind.DOWNLOAD else _("Stop this"))

    def _show_downloads(self) -> None:
        """Beside a running job: how far the downloads are."""
        going = self._models.going() if self._model.running is not None else []
        done, total = sum(a.done for a in going), sum(a.total for a in going)
        self.downloads.setVisible(bool(going))
        if going:
            share = min(99, int(100 * done / total)) if total else 0
            self.downloads.setText(_("{percent} %").format(percent=share))
            self.downloads.setAccessibleName(_("Downloading {percent} %").format(percent=share))
            self.downloads.updateGeometry()

    def _on_cancel(self) -> None:
        if self._activity:
            self._models.ask(self._models.client.cancel(self._activity), owner=self)
        else:
            self.cancel_clicked.emit(self._shown)

    # -- at rest ----------------------------------------------------------------------------------------------

    def _show_ended(self, job: Job) -> None:
        icon, color = {
            JobState.FAILED: ("warning-circle-fill", "danger.text"),
            JobState.CANCELLED: ("stop-circle", "text.tertiary"),
        }.get(job.state, ("check-circle-fill", "success.text"))
        self._show_state(icon, color, title_of(job), state_words(job))
        self._set_title(title_of(job), True)
        self._shown = job.id

    def _show_state(self, icon: str, color: str, title: str, words: str = "") -> None:
        self._shown = ""
        self._icon.set_icon(icon, color)
        self._set_title(title, False)
        for widget in (self._line, self._left, self.cancel):
            widget.hide()
        self._words.setText(words)
        self._words.setVisible(bool(words))

    def _set_title(self, text: str, strong: bool) -> None:
        self._title.setText(text)
        self._title.set_tone("primary" if strong else "secondary")
        self._title.setFont(theme_of(self).font("body", 500 if strong else 400))
