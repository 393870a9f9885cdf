"""The way beyond the catalogue: a row that searches the hub for what was typed, and says how that went."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.core.i18n import _, n_
from studio.ui.pane import IconMark
from studio.ui.tabs.words import short_title
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.paint import ElidedLabel
from studio.ui.widgets.rooms import Card

QUERY = 28


class HubRow(Card):
    """`search_wanted`: look on the hub for the words that are shown; `settings_wanted`: something there is wrong."""

    search_wanted = Signal()
    settings_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = IconMark("globe-hemisphere-west", "text.secondary")
        self._words = ElidedLabel("", "body", "secondary")
        self.settings = Button(_("Network settings"), "ghost", size="sm")
        self.settings.clicked.connect(self.settings_wanted)
        self.search = Button("", "tonal", "magnifying-glass", "sm")
        self.search.clicked.connect(self.search_wanted)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._mark)
        row.addWidget(self._words, 1)
        row.addWidget(self.settings)
        row.addWidget(self.search)
        self.body.setContentsMargins(16, 0, 10, 0)
        self.body.addLayout(row)
        self.setFixedHeight(48)

    def words(self) -> str:
        return self._words.text()

    def show_query(self, text: str, found: int) -> None:
        """Nothing was asked yet: `found` models of the catalogue hold `text`."""
        count = n_("{count} model of the catalogue fits.", "{count} models of the catalogue fit.", found)
        words = count.format(count=found) if found else _("The catalogue has nothing like this.")
        self._show("globe-hemisphere-west", "text.secondary", words, "secondary")
        self.search.setText(_("Search the hub for “{text}”").format(text=short_title(text, QUERY)))
        self.search.setVisible(True)

    def show_searching(self) -> None:
        self.search.set_busy(True, _("Searching"))

    def show_found(self, count: int) -> None:
        """The hub answered."""
        words = n_("{count} more on the hub that can run here.", "{count} more on the hub that can run here.", count)
        nothing = _("The hub has nothing like this that can run here. Try fewer or other words.")
        self._show("globe-hemisphere-west", "text.secondary", words.format(count=count) if count else nothing)
        self.search.setVisible(False)

    def show_problem(self, sentence: str, *, settings: bool) -> None:
        self._show("warning-circle", "danger.text", sentence, "danger")
        self.settings.setVisible(settings)
        self.search.setText(_("Try again"))
        self.search.setVisible(True)

    def _show(self, icon: str, color: str, words: str, tone: str = "secondary") -> None:
        self.search.set_busy(False)
        self.settings.setVisible(False)
        self._mark.set_icon(icon, color)
        self._words.set_tone(tone)
        self._words.setText(words)
