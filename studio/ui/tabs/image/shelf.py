"""The history column at work: which tiles there are, and what is done with them."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from PySide6.QtCore import QMimeData, QObject, QPoint, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication, QMenu

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.core.jobs import Medium, Task
from studio.library import Item
from studio.ui.services import Services
from studio.ui.tabs.base import Payload, Shell
from studio.ui.tabs.image.asking import TAB, able
from studio.ui.tabs.image.desk import Desk, Run
from studio.ui.tabs.image.history import MAKING, PICTURE, TITLE, WAITING, HistoryList, Row
from studio.ui.tabs.image.loading import read_image
from studio.ui.tabs.words import clock, short_title
from studio.ui.theme import theme_of

MOST = 400
SOON_MS = 80


class Shelf(QObject):
    """`chosen` carries an item to show, `watched` a run to follow; the others what the menu asks for, with an item
    (`work_wanted` with a task and the model that does it as well). `gone` tells the id of a picture that went to the
    trash."""

    chosen = Signal(object)
    watched = Signal(object)
    compare_wanted = Signal(object)
    settings_wanted = Signal(object)
    source_wanted = Signal(object)
    work_wanted = Signal(object, object, object)
    edit_wanted = Signal(object)
    export_wanted = Signal(object)
    gone = Signal(str)

    def __init__(self, services: Services, shell: Shell, desk: Desk, view: HistoryList) -> None:
        super().__init__(view)
        self._services, self._shell, self._desk, self._view = services, shell, desk, view
        self._items: dict[str, Item] = {}
        self._groups: dict[str, str] = {}
        self._favourites, self._words = False, ""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(self.read)
        view.opened.connect(self._on_opened)
        view.compare_wanted.connect(lambda row: self._with(row, self.compare_wanted.emit))
        view.menu_wanted.connect(self._open_menu)
        view.delete_pressed.connect(lambda row: self._with(row, self.remove))
        view.heart_pressed.connect(lambda row: self._with(row, self.toggle_favourite))
        view.dragged.connect(lambda row: self._with(row, self._drag))
        services.bridge.library_changed.connect(lambda _change: self._soon.start())
        for signal in (desk.began, desk.changed):
            signal.connect(lambda _run: self.refresh())
        desk.ended.connect(lambda _run, _state: self.refresh())

    # -- which tiles ------------------------------------------------------------------------------------------

    def set_favourites(self, only: bool) -> None:
        self._favourites = only
        self.read()

    def set_words(self, words: str) -> None:
        """Show what is found by `words` alone; "" for everything."""
        self._words = words
        self.read()

    def read(self) -> None:
        """Ask the library again."""
        found = self._services.library.items(
            self._shell.project or None, Medium.IMAGE, self._words, self._favourites, limit=MOST
        )
        self._items = {item.id: item for item in found}
        self.refresh()

    def refresh(self) -> None:
        rows: list[Row] = []
        if not self._favourites and not self._words:
            self._view.tiles.previews = {}
            for run in reversed(self._desk.runs):
                rows += self._of_run(run)
        for _job, group in groupby(self._items.values(), key=self._group_of):
            items = sorted(group, key=lambda item: (*_order(item), item.created))
            rows += [_tile(item) for item in items]
            title = items[0].title or items[0].path.stem
            rows.append(Row(TITLE, f"title {items[0].id}", title=title, note=clock(items[0].created)))
        self._view.tiles.set_rows(rows)

    def _group_of(self, item: Item) -> str:
        """What pictures have in common that lie together: their job, or the grid that it was one of."""
        if not item.job:
            return item.id
        if item.job not in self._groups:
            job = self._services.queue.job(item.job)
            self._groups[item.job] = (job.request.origin.get("batch") if job is not None else "") or item.job
        return self._groups[item.job]

    def _of_run(self, run: Run) -> list[Row]:
        title = run.request.title or _("Picture")
        rows = []
        for number in range(run.count):
            id = f"{run.job} {number}"
            if number in run.previews or (number == run.done and run.phase != "wait"):
                share = run.share if number == run.done else -1.0
                rows.append(Row(MAKING, id, run.job, title, share=share))
                if number in run.previews:
                    self._view.tiles.previews[id] = run.previews[number]
            else:
                rows.append(Row(WAITING, id, run.job, title))
        note = _("Making {number} of {count}").format(number=run.done + 1, count=run.count)
        note = {"wait": _("Waiting"), "load": _("Loading the model")}.get(run.phase, note)
        return [*rows, Row(TITLE, f"title {run.job}", run.job, title, note)]

    def siblings(self, item: Item) -> list[Item]:
        """The results of the job that made `item`, in their order."""
        return sorted(self._services.library.job_items(item.job), key=_order) if item.job else [item]

    # -- what is done with them -------------------------------------------------------------------------------

    def _with(self, row: Row, do: Any) -> None:
        if (item := self._items.get(row.id)) is not None:
            do(item)

    def _on_opened(self, row: Row) -> None:
        if row.kind == PICTURE:
            self._with(row, self.chosen.emit)
        elif (run := self._desk.run(row.job)) is not None:
            self.watched.emit(run)

    def _guard(self, do: Any) -> None:
        try:
            do()
        except AtelierError as error:
            self._shell.show_error(error)

    def toggle_favourite(self, item: Item) -> None:
        now = self._services.library.item(item.id)
        if now is not None:
            self._guard(lambda: self._services.library.set_favourite(item.id, not now.favourite))

    def remove(self, item: Item) -> None:
        """To the system's trash, from where it can be put back."""

        def go() -> None:
            self._services.library.trash([item.id])
            self.gone.emit(item.id)
            self._shell.toast(_("{title} is in the trash.").format(title=short_title(item.title or item.path.name)))

        self._guard(go)

    def copy(self, item: Item) -> None:
        """Picture and file, for whoever takes which."""

        def done(image: Any) -> None:
            data = QMimeData()
            data.setImageData(image)
            data.setUrls([QUrl.fromLocalFile(str(item.path))])
            QApplication.clipboard().setMimeData(data)
            self._shell.toast(_("The picture is copied."))

        self._services.bridge.work(lambda: read_image(item.path), done, self._shell.show_error, owner=self)

    def _drag(self, item: Item) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(item.path))])
        drag = QDrag(self._view)
        drag.setMimeData(data)
        row = self._view.tiles.find(item.id)
        rect = self._view.visualRect(self._view.tiles.index(row, 0))
        drag.setPixmap(self._view.viewport().grab(rect))
        drag.exec(Qt.DropAction.CopyAction)

    def _open_menu(self, row: Row, place: QPoint) -> None:
        item = self._items.get(row.id)
        if item is not None:
            menu = self.menu(item)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(place)

    def menu(self, item: Item) -> QMenu:
        """What can be done with a picture."""
        theme, models = theme_of(self._view), self._services.bridge.models
        menu = QMenu(self._view)

        def add(icon: str, words: str, do: Any, on: bool = True, into: QMenu = menu) -> None:
            action = into.addAction(theme.icon(icon), words)
            action.setEnabled(on)
            action.triggered.connect(lambda _checked=False: do())

        there = not item.missing
        add("sliders", _("Use its settings"), lambda: self.settings_wanted.emit(item), there)
        add("image", _("Work on this picture"), lambda: self.source_wanted.emit(item), there)
        add("circle-half", _("Compare with the one shown"), lambda: self.compare_wanted.emit(item), there)
        add("crop", _("Crop, turn, levels…"), lambda: self.edit_wanted.emit(item), there)
        menu.addSeparator()
        for icon, words, task in (
            ("arrows-out", _("Enlarge"), Task.UPSCALE),
            ("scissors", _("Cut out"), Task.CUT_OUT),
            ("scribble-loop", _("Make a control picture"), Task.CONTROL_IMAGE),
        ):
            found = able(models, task)
            if len(found) == 1:
                add(icon, words, lambda task=task, model=found[0]: self.work_wanted.emit(item, task, model), there)
            elif found:
                inside = menu.addMenu(theme.icon(icon), words)
                for model in found:
                    do = lambda task=task, model=model: self.work_wanted.emit(item, task, model)  # noqa: E731
                    add("cube", model.title, do, there, inside)
        self.fill_send(menu, item)
        add("export", _("Export…"), lambda: self.export_wanted.emit(item), there)
        add("copy", _("Copy"), lambda: self.copy(item), there)
        add("folder-open", _("Show in folder"), lambda: self._shell.open_folder(item))
        menu.addSeparator()
        words = _("No longer a favourite") if item.favourite else _("Favourite")
        add("heart", words, lambda: self.toggle_favourite(item))
        add("trash", _("Move to the trash"), lambda: self.remove(item))
        return menu

    def fill_send(self, menu: QMenu, item: Item) -> None:
        """Other tabs that take pictures."""
        targets = [target for target in self._shell.targets(Medium.IMAGE) if not target.id.startswith(f"{TAB}.")]
        for target in targets:
            action = menu.addAction(theme_of(self._view).icon(target.icon), _(target.title))
            payload = Payload(Medium.IMAGE, item.title, items=(item.id,))
            action.triggered.connect(
                lambda _checked=False, id=target.id, payload=payload: self._shell.send(id, payload)
            )


def _order(item: Item) -> tuple[int, str]:
    """Pictures of a job by their seeds, which follow one another."""
    seed = item.metadata.get("seed", 0)
    return (seed if isinstance(seed, int) else 0, item.path.name)


def _tile(item: Item) -> Row:
    return Row(
        PICTURE,
        item.id,
        item.job,
        item.title or item.path.stem,
        path=item.path,
        favourite=item.favourite,
        missing=item.missing,
    )
