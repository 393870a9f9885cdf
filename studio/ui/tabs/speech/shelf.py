"""The history column at work: which cards there are, and what is done with them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QMenu

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.documents.speech import SpeechDocument
from studio.ui.names import ask_name
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.late_trash import LateTrash
from studio.ui.tabs.speech.desk import Desk
from studio.ui.tabs.speech.history import CURRENT, DOCUMENT, READING, Card, HistoryList
from studio.ui.tabs.words import clock
from studio.ui.widgets.waveform import clock_time

MOST = 200


class Shelf(QObject):
    """`open_wanted` carries a document's id, `closed` the id of the shown one when it goes to the trash; `carried` the
    name of a reading that is dragged out, and the reading."""

    open_wanted = Signal(str)
    closed = Signal(str)
    carried = Signal(str, object)

    def __init__(self, services: Services, shell: Shell, desk: Desk, view: HistoryList) -> None:
        super().__init__(view)
        self._services, self._shell, self._desk, self._view = services, shell, desk, view
        self._document: SpeechDocument | None = None
        self._others: tuple[Card, ...] = ()
        self._favourites = False
        self.late_trash = LateTrash(services, shell, self)
        self.late_trash.changed.connect(self.list_documents)
        view.opened.connect(self.open)
        view.menu_wanted.connect(self._open_menu)
        view.delete_pressed.connect(self.remove)
        view.heart_pressed.connect(self.toggle_favourite)
        view.dragged.connect(lambda card: self._guard(lambda: self.carry(card)))

    # -- which cards ------------------------------------------------------------------------------------------

    def show(self, document: SpeechDocument | None) -> None:
        self._document = document
        self.list_documents()

    def set_favourites(self, only: bool) -> None:
        """Show the favourites alone, or everything."""
        self._favourites = only
        self.list_documents()

    def list_documents(self, _run: object = None) -> None:
        """Read the list of other readings again."""
        found = self._services.documents.list(self._shell.project or None, "speech")
        self._others = tuple(
            Card(
                item.id,
                DOCUMENT,
                item.title or _("Untitled reading"),
                _note(str(item.about.get("label", "")), item.about.get("seconds", 0.0)),
                clock(item.modified),
                str(item.about.get("peaks", "")),
                bool(item.about.get("favourite")),
                str(item.problem) if item.problem else "",
            )
            for item in found[:MOST]
            if item.id not in self.late_trash
        )
        self.refresh()

    def refresh(self) -> None:
        document = self._document
        cards = [*self._own(document), *(card for card in self._others if document is None or card.id != document.id)]
        if self._favourites:
            cards = [card for card in cards if card.favourite]
        self._view.set_cards(cards)

    def _own(self, document: SpeechDocument | None) -> list[Card]:
        if document is None or not document.sentences:
            return []
        run = self._desk.run_of(document)
        several = document.number > 1 or bool(document.readings)
        name = _("{title}, take {number}")

        def title(number: int) -> str:
            return name.format(title=document.name, number=number) if several else document.name

        progress = 1.0 - len(run.pending) / max(1, run.count) if run else -1.0
        now = _("now") if run else clock(document.modified)
        current = Card(
            document.id,
            CURRENT,
            title(document.number),
            _note(document.label, document.seconds if document.peaks else 0.0),
            now,
            document.peaks,
            document.favourite,
            progress=progress,
        )
        earlier = [
            Card(
                reading.id,
                READING,
                title(reading.number),
                _note(reading.label, reading.seconds),
                clock(reading.created),
                reading.peaks,
                reading.favourite,
            )
            for reading in reversed(document.readings)
        ]
        return [current, *earlier]

    # -- what is done with them -------------------------------------------------------------------------------

    def open(self, card: Card) -> None:
        if card.kind == DOCUMENT:
            self.open_wanted.emit(card.id)
        elif card.kind == READING and self._document is not None:
            if self._desk.run_of(self._document) is not None:
                self._shell.toast(_("Stop the reading before you go back to an earlier one."), kind="info")
                return
            self._guard(lambda: self._document.restore(card.id) if self._document else None)

    def toggle_favourite(self, card: Card) -> None:
        if card.kind == DOCUMENT:
            self._guard(lambda: self._mark_closed(card))
        elif self._document is not None:
            id = card.id if card.kind == READING else ""
            self._guard(lambda: self._document.set_favourite(id, not card.favourite) if self._document else None)
        self.refresh()

    def _mark_closed(self, card: Card) -> None:
        document = self._services.documents.open(card.id)
        if isinstance(document, SpeechDocument):
            document.set_favourite("", not card.favourite)
            self._services.documents.save(document)
            if document is not self._document and self._desk.run_of(document) is None:
                self._services.documents.close(document)
        self.list_documents()

    def carry(self, card: Card) -> None:
        """Have the sound of a card dragged out of the window."""
        shown = self._document
        if card.kind == DOCUMENT:
            document = self._services.documents.open(card.id)
            if isinstance(document, SpeechDocument):
                self.carried.emit(card.title, document)
                if self._desk.run_of(document) is None:
                    self._services.documents.close(document)
        elif shown is not None:
            self.carried.emit(card.title, shown.as_read(card.id) if card.kind == READING else shown)

    def remove(self, card: Card) -> None:
        """An earlier reading goes for good, a document to the trash, a moment later, so that it can be taken back."""
        document = self._document
        if card.kind == READING and document is not None:
            before = [reading for reading in document.readings if reading.id == card.id]
            document.delete_reading(card.id)
            self._shell.toast(
                _("{title} is deleted.").format(title=card.title),
                actions=((_("Undo"), lambda: [document.add_reading(reading) for reading in before]),),
            )
            return
        id = card.id
        if document is not None and document.id == id:
            self._desk.stop(self._desk.run_of(document))
            self._document = None
            self.closed.emit(id)
        self.late_trash.put(id, card.title)

    def rename(self, card: Card) -> None:
        id = card.id if card.kind == DOCUMENT else self._document.id if self._document else ""
        try:
            document = self._services.documents.open(id)
        except AtelierError as error:
            self._shell.show_error(error)
            return

        def use(name: str) -> None:
            if not name:
                raise AtelierError("name-empty")
            document.set_title(name)
            self._services.documents.save(document)
            self.list_documents()

        ask_name(self._view.window(), _("Rename reading"), _("Rename"), document.title, use)

    def fill_menu(self, menu: QMenu, card: Card) -> None:
        """What can be done with a card."""
        if card.kind != CURRENT:
            menu.addAction(_("Open"), lambda: self.open(card))
        heart = _("Take the heart away") if card.favourite else _("Give it a heart")
        if not card.problem:
            menu.addAction(heart, lambda: self.toggle_favourite(card))
        if card.kind != READING and not card.problem:
            menu.addAction(_("Rename…"), lambda: self.rename(card))
        menu.addSeparator()
        words = _("Delete this take") if card.kind == READING else _("Move to the trash")
        menu.addAction(words, lambda: self.remove(card))

    def _open_menu(self, card: Card, place: QPoint) -> None:
        menu = QMenu(self._view)
        self.fill_menu(menu, card)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def _guard(self, act: Callable[[], object]) -> None:
        try:
            act()
        except AtelierError as error:
            self._shell.show_error(error)


def _note(label: str, seconds: object) -> str:
    length = clock_time(float(seconds)) if isinstance(seconds, int | float) and seconds else ""
    return " · ".join(part for part in (label, length) if part)
