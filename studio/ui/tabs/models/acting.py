"""What the buttons of cards and sheets do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMenu

from studio.core.activities import ActivityState
from studio.core.errors import explain
from studio.core.fits import Fit, fit
from studio.core.i18n import _, n_, sentences
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.models import words
from studio.ui.tabs.models.details import DetailsSheet
from studio.ui.tabs.models.filters import Card
from studio.ui.tabs.models.free_up import FreeUpSheet
from studio.ui.tabs.models.shelf import Shelf
from studio.ui.theme import theme_of

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from studio.ui.tabs.models.hearing import CardSamples

MENU_ICONS = {
    words.OPEN: "arrow-right",
    words.DOWNLOAD: "download-simple",
    words.RESUME: "download-simple",
    words.UPDATE: "arrow-up",
    words.RESTORE: "arrow-counter-clockwise",
    words.REPAIR: "wrench",
    words.PAUSE: "pause",
    words.GO_ON: "play",
    words.CANCEL: "x",
    words.PLAY: "play",
    words.DETAILS: "info",
    words.REVIEW: "warning",
    words.REMOVE: "trash",
    words.VERIFY: "shield-check",
    words.PAGE: "arrow-square-out",
    words.CONVERT: "file-plus",
    words.AGAIN: "download-simple",
}


class Acting(QObject):
    """Turns a card and an action of `words` into questions to the client, and asks before anything is lost.
    `convert_wanted` carries a model whose file is to be looked at and converted."""

    convert_wanted = Signal(object)

    def __init__(
        self, services: Services, shell: Shell, shelf: Shelf, room: QWidget, samples: CardSamples, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._services, self._shell, self._shelf, self._room = services, shell, shelf, room
        self._samples = samples
        self._client, self._bridge = services.models.client, services.models
        self.details: DetailsSheet | None = None
        self.space: FreeUpSheet | None = None
        self._agreed: set[str] = set()  # models that are wanted although they are too large
        shelf.card_changed.connect(self._on_card)
        shelf.changed.connect(self._on_shelf)

    def act(self, card: Card, action: str) -> None:
        info, activity = card.info, card.activity
        if action == words.OPEN:
            self._shell.use_model(info)
        elif action in (words.DOWNLOAD, words.REPAIR):
            self._download(card, info.id)
        elif action == words.UPDATE:
            self._download(card, f"{info.id}@{info.update}")
        elif action in (words.RESUME, words.AGAIN):
            if self._agrees(card):
                known = activity is not None and activity.state is ActivityState.FAILED
                wish = self._client.resume(activity.id) if known and activity else self._client.download(info.id)
                self._bridge.ask(wish, owner=self)
        elif action in (words.REVIEW, words.DETAILS):
            self.show_details(card)
        elif action == words.RESTORE:
            self._bridge.ask(self._client.restore_starter(), owner=self)
        elif action in (words.PAUSE, words.GO_ON, words.CANCEL) and activity is not None:
            wish = {
                words.PAUSE: self._client.pause,
                words.GO_ON: self._client.resume,
                words.CANCEL: self._client.cancel,
            }
            self._bridge.ask(wish[action](activity.id), owner=self)
        elif action == words.CONVERT:
            self.convert_wanted.emit(info)
        elif action == words.PLAY:
            self._samples.toggle(info)
        elif action == words.REMOVE:
            self.remove([info.id])
        elif action == words.VERIFY:
            self._bridge.ask(self._client.verify([info.id]), owner=self)
        elif action == words.PAGE:
            QDesktopServices.openUrl(QUrl(f"https://huggingface.co/{info.repository}"))

    def _download(self, card: Card, wanted: str) -> None:
        if self._agrees(card):
            self._bridge.ask(self._client.download(wanted), owner=self)

    def _agrees(self, card: Card) -> bool:
        """Ask, once, before a model is fetched that is too large for this computer."""
        info = card.info
        if card.fit is not Fit.TOO_LARGE or info.usable or info.id in self._agreed:
            return True
        need = words.memory_words(card.memory)
        device = self._services.client.device
        limited = device is not None and fit(info, [device]) is not Fit.TOO_LARGE
        why = (
            _("It needs more memory than you let models take ({need}), so it may not run.")
            if limited
            else _("It needs more memory than this computer has ({need}), so it may not run.")
        )
        title = _("Download {title} although it is too large?").format(title=info.title)
        go = self._shell.confirm(title, why.format(need=need), _("Download"), danger=False)
        if go:
            self._agreed.add(info.id)
        return go

    # -- sheets -----------------------------------------------------------------------------------------------

    def show_details(self, card: Card) -> None:
        """Open the sheet of a model."""
        if self.details is not None:
            return
        sheet = DetailsSheet(self._room.window(), self._bridge, card)
        self.details = sheet
        sheet.acted.connect(self._on_acted)
        sheet.accepted.connect(self._shelf.note_accepted)
        sheet.closed.connect(self._on_details_closed)
        sheet.open(sheet.main if sheet.main.isVisibleTo(sheet) else None)

    def _on_acted(self, card: Card, action: str) -> None:
        if action in (words.OPEN, words.REMOVE) and self.details is not None:
            self.details.close_sheet()
        self.act(self._shelf.card(card.info.id) or card, action)

    def _on_details_closed(self) -> None:
        self.details = None

    def _on_card(self, card: Card) -> None:
        if self.details is not None and self.details.card.info.id == card.info.id:
            self.details.show_card(card)

    def _on_shelf(self) -> None:
        if self.details is not None and (card := self._shelf.card(self.details.card.info.id)) is not None:
            self.details.show_card(card)

    # -- removing ---------------------------------------------------------------------------------------------

    def free_up(self) -> None:
        """Show what takes space."""
        if self.space is None:
            self._bridge.ask(self._client.disk(), self._show_space, owner=self)

    def _show_space(self, disk: Mapping[str, Any]) -> None:
        if self.space is not None:
            return
        self.space = FreeUpSheet(self._room.window(), disk)
        self.space.remove_wanted.connect(self.remove)
        self.space.closed.connect(self._on_space_closed)
        self.space.open(self.space.list)

    def _on_space_closed(self) -> None:
        self.space = None

    def remove(self, models: list[str], *, unloaded: bool = False) -> None:
        """Ask what it would do, say so, and remove them if that is still wanted. One that is loaded is unloaded first,
        if the user agrees (`unloaded`: that was done)."""

        def seen(what: Mapping[str, Any]) -> None:
            loaded = [str(row["id"]) for row in what["kept"] if row["why"] == "model-in-use"]
            if not loaded or unloaded or not self._unload(loaded, models):
                self._confirm_removal(models, what)

        self._bridge.ask(self._client.removal(models), seen, owner=self)

    def _unload(self, loaded: list[str], models: list[str]) -> bool:
        """Ask whether they may leave the memory; the removal goes on once they have. False: go on with the others."""
        title = explain("model-in-use", {"model": self._title(loaded[0])}).title
        if len(loaded) > 1:
            title = n_("{count} model is loaded right now.", "{count} models are loaded right now.", len(loaded))
            title = title.format(count=len(loaded))
        text = _(
            "It has to leave the memory before it can be removed. Work that is under way with it is finished first."
        )
        if not self._shell.confirm(title, text, _("Unload and go on"), danger=False):
            return len(loaded) == len(models)
        rest = list(loaded)

        def gone(id: str) -> None:
            rest.remove(id)
            if not rest:
                self.remove(models, unloaded=True)

        for id in loaded:
            wish = self._services.client.query("unload", model=id)
            self._bridge.ask(wish, lambda _answer, id=id: gone(id), owner=self)
        return True

    def _confirm_removal(self, models: list[str], what: Mapping[str, Any]) -> None:
        kept = [row["id"] for row in what["kept"]]
        going = [id for id in models if id not in kept]
        if not going:
            why = explain(str(what["kept"][0]["why"]), {"model": self._title(kept[0])}) if kept else None
            self._shell.toast(
                why.title if why else _("There is nothing to remove."), kind="info", detail=why.body if why else ""
            )
            return
        frees = _("This frees {size}.").format(size=words.size_words(int(what["frees"])))
        stays = n_(
            "{count} model stays, because something still needs it.",
            "{count} models stay, because something still needs them.",
            len(kept),
        )
        origins = {card.info.origin for id in going if (card := self._shelf.card(id)) is not None}
        if "imported" in origins:
            again = _("What you added yourself cannot be downloaded again.")
        elif "starter" in origins:
            again = _("What belongs to the starter pack can be restored at any time.")
        else:
            again = _("It can be downloaded again.") if len(going) == 1 else _("They can be downloaded again.")
        title = (
            _("Remove {title}?").format(title=self._title(going[0]))
            if len(going) == 1
            else n_("Remove {count} model?", "Remove {count} models?", len(going)).format(count=len(going))
        )
        text = sentences(frees, again, stays.format(count=len(kept)) if kept else "")
        if self._shell.confirm(title, text, _("Remove")):
            if self.space is not None:
                self.space.close_sheet()
            self._bridge.ask(self._client.remove(going), owner=self)

    def _title(self, id: str) -> str:
        card = self._shelf.card(id)
        return card.info.title if card is not None else id

    # -- menu -------------------------------------------------------------------------------------------------

    def fill_menu(self, menu: QMenu, card: Card) -> None:
        """Everything that can be done with a model, for the context menu."""
        info, activity = card.info, card.activity
        actions = [words.DETAILS]
        if activity is not None and card.going:
            actions += [words.GO_ON if activity.state is ActivityState.PAUSED else words.PAUSE, words.CANCEL]
        else:
            main = card.main_action
            actions.insert(0, main) if main != words.DETAILS else None
            actions += [words.OPEN] if main == words.UPDATE else []
            actions += [words.PLAY] if info.usable and info.voices else []
            actions += [words.VERIFY] if info.usable else []
            actions += [words.REMOVE] if words.removable(info) and main != words.REMOVE else []
        actions += [words.PAGE] if info.repository else []
        for action in actions:
            entry = menu.addAction(theme_of(menu).icon(MENU_ICONS[action]), _(words.ACTIONS[action]))
            entry.triggered.connect(lambda _checked=False, action=action: self.act(card, action))
