"""The Models tab, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu

from studio.core import paths
from studio.core.errors import AtelierError, explain
from studio.core.i18n import _
from studio.core.jobs import Medium
from studio.core.models import ModelInfo
from studio.ui.files import open_path
from studio.ui.services import Services
from studio.ui.tabs.base import Command, Shell, Tab
from studio.ui.tabs.models.acting import Acting
from studio.ui.tabs.models.adding import Adding, place_of
from studio.ui.tabs.models.filters import Card, Filters, Sort, chosen, counts
from studio.ui.tabs.models.hearing import CardSamples
from studio.ui.tabs.models.panel import FilterPanel
from studio.ui.tabs.models.shelf import Shelf
from studio.ui.tabs.models.stage import ModelsStage
from studio.ui.tabs.models.words import NETWORK_CODES
from studio.ui.theme import theme_of


class ModelsTab(Tab):
    """See `Tab`. It asks nothing before it is shown."""

    id: ClassVar[str] = "models"
    filters_column: ClassVar[bool] = True

    def __init__(self, services: Services, shell: Shell) -> None:
        super().__init__(services, shell)
        self.panel = FilterPanel()
        self.models_stage = ModelsStage()
        self.inspector, self.stage = self.panel, self.models_stage
        self.shelf = Shelf(services, self, opens=shell.uses)
        self.samples = CardSamples(services, self)
        self.acting = Acting(services, shell, self.shelf, self.models_stage, self.samples, self)
        self._adding: Adding | None = None
        self.filters = Filters(fits=True)
        self.panel.show_filters(self.filters)
        self._asked = ""  # what the hub was last asked for
        self._show_loading()
        self._connect()

    def _connect(self) -> None:
        stage, shelf = self.models_stage, self.shelf
        self.panel.changed.connect(self._on_filters)
        self.panel.add_wanted.connect(self._open_add_menu)
        stage.search.searched.connect(self._on_search)
        stage.search.returnPressed.connect(self._on_search_entered)
        stage.sort_chosen.connect(self._on_sort)
        stage.show_all_wanted.connect(self.show_all)
        stage.disk.free_up_wanted.connect(self.acting.free_up)
        stage.hub.search_wanted.connect(self.search_hub)
        stage.hub.settings_wanted.connect(self._open_settings)
        stage.cards.acted.connect(self.acting.act)
        self.acting.convert_wanted.connect(self._convert)
        stage.more.clicked.connect(self._open_more)
        stage.cards.opened.connect(self.acting.show_details)
        stage.cards.menu_wanted.connect(self._open_menu)
        shelf.changed.connect(self._on_shelf)
        shelf.judged.connect(self._list)
        shelf.card_changed.connect(stage.cards.listing.set_card)
        shelf.states_changed.connect(self._count)
        shelf.disk_changed.connect(self._on_disk)
        shelf.hub_answered.connect(self._on_hub)
        shelf.hub_refused.connect(self._on_hub_refused)
        self.samples.state_changed.connect(shelf.set_playing)
        self.samples.failed.connect(self._on_error)

    # -- the list ---------------------------------------------------------------------------------------------

    def _on_shelf(self) -> None:
        """Other models: rows that are there stay where they are."""
        listed = bool(self.models_stage.cards.listing.rowCount())
        self._list(keep=listed)

    def _list(self, *, keep: bool = False) -> None:
        cards = self.shelf.cards()
        wanted = self._wanted(cards)
        self.models_stage.cards.show_cards(wanted, cards if keep else None)
        self._count()
        listing = self.models_stage.cards.listing
        if not self.services.models.known:
            self._show_loading()
        elif listing.rowCount():
            self.models_stage.show_list()
        else:
            self._show_nothing()

    def _wanted(self, cards: list[Card]) -> list[Card]:
        """The catalogue in order, then what the hub found; the hub has looked for the words already."""
        plain = replace(self.filters, text="")
        own = chosen([card for card in cards if not card.hub], self.filters)
        return [*own, *chosen([card for card in cards if card.hub], plain)]

    def _count(self) -> None:
        self.panel.show_counts(counts([card for card in self.shelf.cards() if not card.hub], self.filters))

    def _show_loading(self) -> None:
        self.models_stage.show_empty(_("Looking at the models"), _("One moment."))

    def _show_nothing(self) -> None:
        everything = not self.filters.narrow and self.filters.medium is None
        if everything:
            self.models_stage.show_empty(_("There are no models here yet."))
            return
        others = replace(self.filters, medium=None, states=frozenset(), fits=False, commercial=False, chinese=False)
        searched = bool(self.filters.folded) and not chosen(self.shelf.cards(), others)
        title = _("No model matches this search.") if searched else _("No model fits these filters.")
        self.models_stage.show_empty(title, "", _("Show all"))

    def _on_filters(self, filters: Filters) -> None:
        self.filters = replace(filters, text=self.filters.text, sort=self.filters.sort)
        self.panel.filters = self.filters
        self._list()

    def _on_sort(self, sort: Sort) -> None:
        self.filters = replace(self.filters, sort=sort)
        self.panel.filters = self.filters
        self._list()

    def _on_search(self, text: str) -> None:
        self.filters = replace(self.filters, text=text)
        self.panel.filters = self.filters
        query = text.strip()
        if query != self._asked:
            self._asked = ""
            self.shelf.forget_hub()
        self._list()
        self.models_stage.show_hub(bool(query))
        if query and not self._asked:
            self.models_stage.hub.show_query(query, self.models_stage.cards.listing.rowCount())

    def _on_search_entered(self) -> None:
        """Enter: to the cards, or to the hub where the catalogue has none."""
        self.models_stage.search.settle()
        if self.models_stage.is_empty and self.filters.folded:
            self.search_hub()
        else:
            self.models_stage.cards.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_all(self) -> None:
        """Away with every filter but the medium."""
        self.models_stage.search.setText("")
        self.models_stage.search.settle()
        self.filters = Filters(medium=self.filters.medium, sort=self.filters.sort)
        if not chosen(self.shelf.cards(), self.filters):
            self.filters = replace(self.filters, medium=None)
        self.panel.show_filters(self.filters)
        self._list()

    def show_medium(self, medium: Medium | None) -> None:
        """What a tab's model picker asks for: every model of its medium."""
        self.filters = Filters(medium=medium, fits=self.filters.fits, sort=self.filters.sort)
        self.models_stage.search.setText("")
        self.models_stage.search.settle()
        self.panel.show_filters(self.filters)
        self._list()

    def show_model(self, info: ModelInfo) -> None:
        """Bring a model's card into view and open its details."""
        if self.models_stage.cards.listing.row_of(info.id) < 0:
            self.filters = Filters(medium=info.medium, sort=self.filters.sort)
            self.panel.show_filters(self.filters)
            self._list()
        self.models_stage.cards.choose(info.id)
        if (card := self.shelf.card(info.id)) is not None:
            self.acting.show_details(card)

    def show_going(self) -> None:
        """Only what is being downloaded."""
        self.filters = Filters(states=frozenset({"downloading"}), sort=self.filters.sort)
        self.panel.show_filters(self.filters)
        self._list()

    # -- the hub and the disk ---------------------------------------------------------------------------------

    def search_hub(self) -> None:
        query = self.filters.text.strip()
        if query:
            self._asked = query
            self.models_stage.hub.show_searching()
            self.shelf.search(query, self.filters.medium)

    def _on_hub(self, text: str, count: int) -> None:
        if text == self.filters.text.strip():
            self.models_stage.hub.show_found(count)
            self._list()

    def _on_hub_refused(self, text: str, error: AtelierError) -> None:
        if text == self.filters.text.strip():
            self._asked = ""
            words = explain(error.code, error.arguments)
            self.models_stage.hub.show_problem(words.title, settings=error.code in NETWORK_CODES)

    def _open_settings(self) -> None:
        self.shell.open_settings("models")

    def _on_disk(self, disk: Mapping[str, Any]) -> None:
        self.models_stage.disk.show_disk(disk)

    # -- doing ------------------------------------------------------------------------------------------------

    @property
    def adding(self) -> Adding:
        if self._adding is None:
            self._adding = Adding(self.services.models, self.models_stage.window(), self)
            self._adding.folder_added.connect(self._on_folder)
        return self._adding

    def look_at(self, path: Path) -> None:
        """A file or folder was dropped: say what it is and offer what can be done with it."""
        self.adding.look_at(path)

    def _convert(self, info: ModelInfo) -> None:
        path = place_of(info, self.services.settings.values.model_folders)
        if path is None:
            self.shell.show_error(AtelierError("file-missing", {"path": info.id}))
        else:
            self.look_at(path)

    def _on_folder(self, path: Path) -> None:
        folders = self.services.settings.values.model_folders
        if str(path) not in folders:
            try:
                self.services.settings.update(model_folders=(*folders, str(path)))
                self.services.models.refresh()
            except AtelierError as error:
                self.shell.show_error(error)

    def _open_add_menu(self) -> None:
        menu = QMenu(self.panel)
        menu.addAction(_("A file…"), self.adding.choose_file)
        menu.addAction(_("A folder of another studio…"), self.adding.choose_folder)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        button = self.panel.add
        menu.popup(button.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))

    def _open_more(self) -> None:
        menu = QMenu(self.models_stage)
        icon = theme_of(menu).icon
        menu.addAction(icon("shield-check"), _("Check all models"), self.verify_all)
        menu.addAction(icon("arrow-up"), _("Look for newer models"), self.check_updates)
        menu.addAction(icon("package"), _("Restore the starter pack"), self.restore_starter)
        menu.addSeparator()
        menu.addAction(icon("folder-open"), _("Open the models folder"), self._open_folder)
        menu.addAction(icon("gear-six"), _("Settings of models"), self._open_settings)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        button = self.models_stage.more
        menu.popup(button.mapToGlobal(QPoint(button.width() - menu.sizeHint().width(), button.height() + 4)))

    def _open_folder(self) -> None:
        open_path(paths.ensure(paths.models_dir()))

    def restore_starter(self) -> None:
        self.services.models.ask(self.services.models.client.restore_starter(), owner=self)

    def _open_menu(self, card: Card, place: QPoint) -> None:
        menu = QMenu(self.models_stage)
        self.acting.fill_menu(menu, card)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)

    def check_updates(self) -> None:
        def told(newer: list[str]) -> None:
            if not newer:
                self.shell.toast(_("Every installed model is the newest one."), kind="info")

        self.services.models.ask(self.services.models.client.check_updates(), told, owner=self)

    def verify_all(self) -> None:
        self.services.models.ask(self.services.models.client.verify(), owner=self)

    # -- what the window asks ---------------------------------------------------------------------------------

    def activate(self) -> None:
        self.shelf.start()
        if self.services.models.known:
            self.shelf.refresh_disk()
            self._list()
        self.models_stage.cards.setFocus(Qt.FocusReason.OtherFocusReason)

    def commands(self) -> list[Command]:
        group, stage = _("Models"), self.models_stage
        rows = [
            Command("models-search", _("Find a model"), self._focus_search, "Ctrl+F", "magnifying-glass"),
            Command("models-list", _("Go to the models"), stage.cards.setFocus, "Ctrl+E", "cube"),
            Command("models-filters", _("Go to the filters"), self._focus_filters, "Ctrl+B", "sliders-horizontal"),
            Command("models-add", _("Add a model file…"), lambda: self.adding.choose_file(), "Ctrl+O", "plus"),
            Command(
                "models-folder",
                _("Add another studio's folder…"),
                lambda: self.adding.choose_folder(),
                "",
                "folder-plus",
            ),
            Command("models-space", _("Free up space"), self.acting.free_up, "", "hard-drives"),
            Command("models-verify", _("Check all models"), self.verify_all, "", "shield-check"),
            Command("models-updates", _("Look for newer models"), self.check_updates, "", "arrow-up"),
        ]
        return [Command(c.id, c.title, c.run, c.shortcut, c.icon, group, c.enabled) for c in rows]

    def _focus_search(self) -> None:
        self.models_stage.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.models_stage.search.selectAll()

    def _focus_filters(self) -> None:
        self.panel.media[self.filters.medium].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def state(self) -> dict[str, Any]:
        kept = self.filters
        return {
            "medium": str(kept.medium or ""),
            "states": sorted(kept.states),
            "fits": kept.fits,
            "commercial": kept.commercial,
            "chinese": kept.chinese,
            "sort": str(kept.sort),
            "rows": self.models_stage.rows.isChecked(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        medium = state.get("medium")
        sort = state.get("sort")
        states = state.get("states")
        self.filters = Filters(
            medium=Medium(medium) if medium in list(Medium) else None,
            states=frozenset(set(map(str, states)) & self.panel.states.keys())
            if isinstance(states, list)
            else frozenset(),
            fits=state.get("fits", True) is True,
            commercial=state.get("commercial") is True,
            chinese=state.get("chinese") is True,
            sort=Sort(sort) if sort in list(Sort) else Sort.BEST,
        )
        self.panel.show_filters(self.filters)
        self.models_stage.sort.set_current(self.filters.sort)
        self.models_stage.set_rows(state.get("rows") is True)
        if self.services.models.known:
            self._list()

    def _on_error(self, error: AtelierError) -> None:
        self.shell.show_error(error)

    def close_ok(self) -> bool:
        self.samples.stop()
        return True
