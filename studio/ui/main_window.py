"""The main window: the rooms around a tab, and what a tab may ask of them (`tabs.base.Shell`)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout

from studio.core.errors import AtelierError, explain
from studio.core.i18n import _
from studio.core.jobs import Job, Medium
from studio.core.params import TEXT_LIMIT
from studio.ui.columns import Columns
from studio.ui.drop_area import DropArea
from studio.ui.hung import HungJobs
from studio.ui.leaving import may_leave, may_stop
from studio.ui.model_notices import ModelNotices
from studio.ui.pane import app_icon
from studio.ui.projects import Projects
from studio.ui.queue.model import QueueModel
from studio.ui.queue.strip import Strip
from studio.ui.rail import Rail
from studio.ui.remembered import Remembered
from studio.ui.services import Services
from studio.ui.tabs import TABS, TabSpec
from studio.ui.tabs.base import Command, Payload, Tab, Target
from studio.ui.theme import theme_of
from studio.ui.top_bar import TopBar
from studio.ui.widgets.dialogs import Choice, Dialog
from studio.ui.widgets.toasts import ToastHost
from studio.ui.window_commands import window_commands

if TYPE_CHECKING:
    from studio.core.models import ModelInfo
    from studio.documents import Summary
    from studio.library import Item
    from studio.ui.device_popover import DevicePopover
    from studio.ui.drops import Dropped
    from studio.ui.palette.view import Palette
    from studio.ui.queue.panel import QueuePanel
    from studio.ui.sheet import Sheet


class MainWindow(DropArea):
    """Built from services and the tabs that exist; a tab is made when it is first shown.

    `closing` is emitted once the window may go (documents saved, running work stopped or none); `results_chosen` asks
    for another folder of results.
    """

    closing = Signal()
    results_chosen = Signal(str)

    def __init__(self, services: Services, tabs: tuple[TabSpec, ...] = TABS) -> None:
        super().__init__()
        self.services = services
        self._specs = {spec.id: spec for spec in tabs}
        self._columns: dict[str, Columns] = {}
        self._palette: Palette | None = None
        self._popover: DevicePopover | None = None
        self._panel: QueuePanel | None = None
        self.sheet: Sheet | None = None
        theme = theme_of(self)
        self.setWindowTitle("Atelier")
        self.setWindowIcon(app_icon())
        self.setMinimumSize(*(theme.metric(f"layout.windowMin.{side}") for side in (0, 1)))
        self.model = QueueModel(services, self)
        self.top = TopBar(self)
        self.rail = Rail(tabs, self)
        self.stack = QStackedWidget(self)
        self.strip = Strip(self.model, services.models, self)
        self.toasts = ToastHost(self, theme.metric("layout.queueStrip"))
        self.projects = Projects(services, self, self.top, self.show_error)
        self.hung = HungJobs(services.bridge, self, self._cancel)
        self.model_notices = ModelNotices(self)
        self.remembered = Remembered(services.settings, self._shown, self._remember, self)
        self._lay_out()
        self._connect()
        self._connect_services()
        self._restore()

    # -- the rooms --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.rail)
        body.addWidget(self.stack, 1)
        self._rooms = QVBoxLayout(self)
        self._rooms.setContentsMargins(0, 0, 0, 0)
        self._rooms.setSpacing(0)
        self._rooms.addWidget(self.top)
        self._rooms.addLayout(body, 1)
        self._rooms.addWidget(self.strip)

    def _connect(self) -> None:
        self.rail.chosen.connect(self.open_tab)
        self.rail.help_requested.connect(self.open_help)
        self.projects.changed.connect(self._on_project)
        self.top.search_requested.connect(self.open_palette)
        self.top.device_requested.connect(self.open_device)
        self.top.settings_requested.connect(self.open_settings)
        self.top.panels_menu.aboutToShow.connect(self._fill_panels)
        self.strip.pause_clicked.connect(self.toggle_pause)
        self.strip.cancel_clicked.connect(self._cancel)
        self.strip.restart_clicked.connect(self.services.client.restart)
        self.strip.panel_clicked.connect(self.toggle_queue)
        self.strip.downloads_clicked.connect(self.model_notices.show_going)
        for command in self.commands():
            if command.shortcut:
                shortcut = QShortcut(QKeySequence(command.shortcut), self)
                shortcut.activated.connect(lambda id_=command.id: self._run(id_))

    def _connect_services(self) -> None:
        bridge = self.services.bridge
        bridge.engine_state.connect(self.strip.set_engine)
        bridge.device_changed.connect(self._on_device)
        self.strip.set_engine(self.services.client.state)
        self.top.show_device(self.services.client.device)
        self.model.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        compact = self.width() < theme_of(self).metric("layout.compactBelow")
        self.top.set_compact(compact)
        self.strip.set_compact(compact)
        for columns in self._columns.values():
            columns.set_compact(compact)

    @property
    def compact(self) -> bool:
        return self.width() < theme_of(self).metric("layout.compactBelow")

    # -- tabs -------------------------------------------------------------------------------------------------

    @property
    def tab(self) -> Tab | None:
        """The tab that is shown."""
        columns = self.stack.currentWidget()
        return columns.tab if isinstance(columns, Columns) else None

    @property
    def columns(self) -> Columns | None:
        widget = self.stack.currentWidget()
        return widget if isinstance(widget, Columns) else None

    def open_tab(self, id_: str) -> Tab:
        """Show a tab, making it first if need be."""
        if id_ not in self._columns:
            tab = self._specs[id_].make(self.services, self)
            tab.setParent(self)
            columns = Columns(tab)
            columns.show_inspector(bool(self._last("inspector", True)))
            columns.show_history(bool(self._last("history", True)))
            columns.set_compact(self.compact)
            self._columns[id_] = columns
            self.stack.addWidget(columns)
            tab.set_state(self._last(f"tab-{id_}", {}))
            self.remembered.follow(id_, columns)
            for command in tab.commands():
                if command.shortcut:
                    # As a child of the tab's columns it works from the bars, too, but only while the tab is shown.
                    shortcut = QShortcut(QKeySequence(command.shortcut), columns)
                    shortcut.activated.connect(lambda id_=command.id, tab=tab: self._run_of(tab, id_))
        self.stack.setCurrentWidget(self._columns[id_])
        self.rail.choose(id_)
        self.remembered.note()
        tab = self._columns[id_].tab
        tab.activate()
        return tab

    def has_tab(self, id_: str) -> bool:
        return id_ in self._specs

    def _shown(self) -> str:
        return self.tab.id if self.tab is not None else ""

    def _tab_for(self, medium: Medium) -> str | None:
        return next((spec.id for spec in self._specs.values() if spec.medium == medium), None)

    # -- what a tab may ask (Shell) ---------------------------------------------------------------------------

    @property
    def project(self) -> str:
        return self.projects.current

    def toast(
        self,
        text: str,
        *,
        kind: str = "success",
        detail: str = "",
        actions: Sequence[tuple[str, Callable[[], Any]]] = (),
        fold: str = "",
    ) -> None:
        title, words = (text, detail) if detail else ("", text)
        self.toasts.show_toast(words, kind, title=title, actions=actions, details=fold)

    def show_error(self, error: AtelierError, actions: Sequence[tuple[str, Callable[[], Any]]] = ()) -> None:
        words = explain(error.code, error.arguments)
        self.toast(words.title, kind="error", detail=words.body, actions=actions, fold=error.details)

    def confirm(self, title: str, text: str, action: str, *, danger: bool = True, keep: str = "") -> bool:
        kind = "danger" if danger else "primary"
        choices = [Choice("keep", keep or _("Cancel")), Choice("go", action, kind)]
        return Dialog.ask(self, title, text, choices, "keep") == "go"

    def targets(self, medium: Medium) -> list[Target]:
        return [target for spec in self._specs.values() for target in spec.targets if medium in target.media]

    def send(self, target: str, payload: Payload) -> None:
        self.open_tab(target.partition(".")[0]).accept(target, payload)

    def open_folder(self, item: Item) -> None:
        from studio.ui.files import show_in_folder

        if not show_in_folder(item.path):
            self.toast(_("The folder could not be opened."), kind="warning", detail=str(item.path.parent))

    def toggle_history(self) -> None:
        if self.columns is not None:
            self.columns.toggle_history()
            if not self.compact:
                self._remember(history=self.columns.history_shown)

    def _on_project(self, id_: str) -> None:
        for columns in self._columns.values():
            columns.tab.project_changed(id_)

    # -- queue and engine -------------------------------------------------------------------------------------

    def toggle_pause(self) -> None:
        queue = self.services.queue
        self._try(queue.resume if queue.paused else queue.pause)

    def toggle_queue(self) -> None:
        """Open or close the panel above the strip."""
        if self._panel is None:
            from studio.ui.queue.panel import QueuePanel

            self._panel = QueuePanel(self.services, self.model, self)
            self._panel.show_job.connect(self._show_job)
            self._panel.failed.connect(self.show_error)
            self._panel.closed.connect(self.toggle_queue)
            self._panel.resized.connect(self._place_toasts)
            self._panel.hide()
            self._rooms.insertWidget(self._rooms.count() - 1, self._panel)
        opening = self._panel.isHidden()
        self._panel.setVisible(opening)
        self.strip.set_open(opening)
        self._place_toasts()
        (self._panel.now if opening else self.strip.queue).setFocus(Qt.FocusReason.OtherFocusReason)

    def _place_toasts(self) -> None:
        panel = self._panel.height() if self._panel is not None and not self._panel.isHidden() else 0
        self.toasts.set_bottom(self.strip.height() + panel)

    def show_queue(self) -> None:
        if self._panel is None or self._panel.isHidden():
            self.toggle_queue()

    def _cancel(self, job: str) -> None:
        self._try(lambda: self.services.queue.cancel(job))

    def _show_job(self, job: Job) -> None:
        if (id_ := self._tab_for(job.request.medium)) is not None:
            self.open_tab(id_).show_job(dict(job.request.origin))

    def _on_device(self, device: Any) -> None:
        self.top.show_device(device)
        if self._popover is not None and self._popover.isVisible():
            self._popover.show_device(device)

    def open_device(self) -> None:
        if self._popover is None:
            from studio.ui.device_popover import DevicePopover

            self._popover = DevicePopover(self)
            self._popover.unload.connect(self._unload)
        self._popover.open_at(self.top.device, self.services.client.device)

    def _unload(self, model: str) -> None:
        future = self.services.client.query("unload", model=model)
        self.services.bridge.ask(future, lambda _answer: None, self.show_error, owner=self)

    # -- palette, sheets --------------------------------------------------------------------------------------

    def open_palette(self) -> None:
        if self._palette is None:
            from studio.ui.palette.view import Palette

            self._palette = Palette(
                self.services, self, open_item=self.open_item, use_model=self.use_model, open_chat=self.open_chat
            )
        tab = self.tab
        self._palette.open([*(tab.commands() if tab else []), *self.commands()])

    def open_chat(self, chat: Summary) -> None:
        if (id_ := self._tab_for(Medium.TEXT)) is not None:
            self.open_tab(id_).show_job({"kind": chat.kind, "document": chat.id})

    def open_item(self, item: Item) -> None:
        if (id_ := self._tab_for(item.medium)) is not None:
            self.open_tab(id_).open_item(item)

    def use_model(self, model: ModelInfo) -> None:
        if (id_ := self._tab_for(model.medium)) is not None:
            self.open_tab(id_).use_model(model.id)

    def uses(self, medium: Medium) -> bool:
        return self._tab_for(medium) is not None

    def open_settings(self, page: str = "general") -> None:
        from studio.ui.settings import SettingsSheet

        sheet = SettingsSheet(self, self.services, page or "general")
        sheet.results_chosen.connect(self.results_chosen)
        self._open_sheet(sheet)

    def open_help(self) -> None:
        from studio.ui.help import HelpSheet

        tab = self.tab
        self._open_sheet(HelpSheet(self, self.services, [*(tab.commands() if tab else []), *self.commands()]))

    def open_welcome(self, done: Callable[[], None]) -> None:
        from studio.ui.welcome import WelcomeSheet

        sheet = WelcomeSheet(self, self.services)
        sheet.results_chosen.connect(self.results_chosen)
        sheet.finished.connect(done)
        self._open_sheet(sheet)

    def sheet_page(self) -> str:
        """The page of the settings that is open, or ""."""
        from studio.ui.settings import SettingsSheet

        return self.sheet.page if isinstance(self.sheet, SettingsSheet) else ""

    def _open_sheet(self, sheet: Sheet) -> None:
        if self.sheet is not None:
            sheet.deleteLater()
            return
        self.sheet = sheet
        sheet.closed.connect(self._on_sheet_closed)
        sheet.open()

    def _on_sheet_closed(self) -> None:
        self.sheet = None

    # -- files dropped or named -------------------------------------------------------------------------------

    def drop_files(self, files: Sequence[Path]) -> None:
        """Restore the settings of a result, or open a text or a picture; anything else is answered in words."""
        from studio.ui import drops

        if len(files) == 1 and self.model_notices.takes(files[0]):
            self.model_notices.look_at(files[0])
            return
        if len(files) != 1:
            self.toast(_("Drop one file at a time."), kind="info")
            return
        path, limit = files[0], (self.tab.text_limit if self.tab else 0) or TEXT_LIMIT
        self.services.bridge.work(lambda: drops.read(path, limit), self._on_dropped, self.show_error, owner=self)

    def _on_dropped(self, dropped: Dropped) -> None:
        if dropped.recipe is not None:
            id_ = self._tab_for(dropped.recipe.medium)
            if id_ is None:
                self.toast(_("This file was made with a part of Atelier that is not installed."), kind="warning")
                return
            tab = self.open_tab(id_)
            tab.restore(dropped.recipe)
            actions = ((_("Work on this picture"), lambda: tab.open_picture(dropped.path)),) if dropped.picture else ()
            self.toast(_("The settings of {name} are back.").format(name=dropped.path.name), actions=actions)
        elif dropped.picture and (id_ := self._tab_for(Medium.IMAGE)) is not None:
            self.open_tab(id_).open_picture(dropped.path)
        elif dropped.text is not None and (id_ := self._text_tab()) is not None:
            self.open_tab(id_).open_text(dropped.path.stem, dropped.text)

    def _text_tab(self) -> str | None:
        """Who opens a text: the tab that is shown, if it does that."""
        return self.tab.id if self.tab is not None and self.tab.text_limit else self._tab_for(Medium.TEXT)

    # -- commands ---------------------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        """What the window itself offers in the palette."""
        return window_commands(self, self._specs)

    def _run(self, id_: str) -> None:
        next(command.run for command in self.commands() if command.id == id_)()

    def _run_of(self, tab: Tab, id_: str) -> None:
        """A key of the tab; while a popover has the keyboard it does nothing."""
        from studio.ui.pane import Popover

        widget = self.focusWidget()
        while widget is not None and not isinstance(widget, Popover):
            widget = widget.parentWidget()
        if widget is None:
            _run_in(tab.commands(), id_)

    def toggle_inspector(self) -> None:
        if self.columns is not None:
            self.columns.show_inspector(not self.columns.inspector_shown)
            self._remember(inspector=self.columns.inspector_shown)

    def _fill_panels(self) -> None:
        menu: QMenu = self.top.panels_menu
        menu.clear()
        columns = self.columns
        rows = (
            (_("Inspector"), columns is not None and columns.inspector_shown, "inspector"),
            (_("History"), columns is not None and columns.history_shown, "history"),
            (_("Queue"), self._panel is not None and not self._panel.isHidden(), "queue"),
        )
        for title, on, command in rows:
            action = menu.addAction(title, lambda id_=command: self._run(id_))
            action.setCheckable(True)
            action.setChecked(on)

    # -- between starts ---------------------------------------------------------------------------------------

    def _last(self, name: str, default: Any) -> Any:
        value = (self.services.settings.values.last or {}).get(name, default)
        return value if isinstance(value, type(default)) else default

    def _remember(self, **items: Any) -> None:
        self._try(lambda: self.services.settings.remember(**items))

    def _try(self, change: Callable[[], Any]) -> None:
        """Do it, and say so in words if the disk or the queue refuses."""
        try:
            change()
        except AtelierError as error:
            self.show_error(error)

    def _restore(self) -> None:
        values = self.services.settings.values
        self.resize(QSize(1440, 900))
        if values.window:
            self.restoreGeometry(QByteArray(base64.b64decode(values.window)))
        self.projects.restore(values.project)
        tab = self._last("tab", "")
        first = next((spec.id for spec in self._specs.values() if spec.first), next(iter(self._specs)))
        self.open_tab(tab if tab in self._specs else first)

    def save_state(self) -> None:
        """Write down geometry and what the tabs remember."""
        last = self.remembered.state()
        geometry = base64.b64encode(self.saveGeometry().data()).decode()
        values = self.services.settings.values
        self._try(lambda: self.services.settings.update(window=geometry, last={**(values.last or {}), **last}))

    def tabs_close_ok(self) -> bool:
        """Save what the tabs hold; False when that failed and the user wants to stay."""
        return all(columns.tab.close_ok() for columns in self._columns.values())

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.tabs_close_ok() or not self.may_leave() or not self.may_stop():
            event.ignore()
            return
        self.save_state()
        event.accept()
        self.closing.emit()

    def may_leave(self) -> bool:
        """True if every document is saved, or the user lets go of those that cannot be."""
        return may_leave(self, self.services.documents)

    def may_stop(self) -> bool:
        """True if nothing runs, or the user lets it stop."""
        return may_stop(self, self.model)

    def bring_to_front(self) -> None:
        """A second start raises this window."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()


def _run_in(commands: Sequence[Command], id_: str) -> None:
    for command in commands:
        if command.id == id_ and command.enabled:
            command.run()
