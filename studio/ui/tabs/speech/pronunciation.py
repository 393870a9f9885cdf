"""The dictionary of a reading: words, and how they are said."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _, n_
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.fields import TextField
from studio.ui.widgets.folds import FoldSection
from studio.ui.widgets.paint import Label


class _Entry(QWidget):
    changed = Signal()
    removed = Signal()
    test_wanted = Signal()

    def __init__(self, word: str, way: str) -> None:
        super().__init__()
        self.word = TextField(word, _("Word"), _("Word"), "sm")
        self.way = TextField(way, _("Said as"), _("Said as"), "sm")
        self.test = IconButton("play", _("Hear it"))
        self.remove = IconButton("x", _("Remove this word"))
        self.wrong = Label("", "caption", "danger", wrap=True)
        self.wrong.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        row = QHBoxLayout()
        row.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.wrong)
        row.addWidget(self.word, 2)
        row.addWidget(self.way, 3)
        row.addWidget(self.test)
        row.addWidget(self.remove)
        self.way.textChanged.connect(self._check)
        self._check()
        self.word.textEdited.connect(self.changed)
        self.way.textEdited.connect(self.changed)
        self.way.returnPressed.connect(self.test_wanted)
        self.test.clicked.connect(self.test_wanted)
        self.remove.clicked.connect(self.removed)

    def pair(self) -> tuple[str, str]:
        """The word and how it is said, "" as long as that cannot be meant."""
        way = self.way.text().strip()
        return self.word.text().strip(), "" if _problem(way) else way

    def _check(self) -> None:
        words = _problem(self.way.text().strip())
        self.wrong.setText(words)
        self.wrong.setVisible(bool(words))
        self.way.setAccessibleDescription(words)


def _problem(way: str) -> str:
    """What is wrong with the way that a word is said, in words; "" if nothing is."""
    if way.startswith("[") != way.endswith("]"):
        return _("One square bracket is missing: phonetic signs stand between [ and ].")
    if way.startswith("[") and not way[1:-1].strip("/ "):
        return _("Write the phonetic signs between [ and ].")
    return ""


class Pronunciation(FoldSection):
    """`changed` carries the dictionary, a moment after the last letter; `test_wanted` a word and how it is said."""

    changed = Signal(dict)
    test_wanted = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_("Pronunciation"), parent=parent)
        self._entries: list[_Entry] = []
        words = _("Write a word as it sounds, or its phonetic signs in square brackets.")
        self._hint = Label(words, "small", "tertiary", wrap=True)
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(6)
        self.add = Button(_("Add a word"), "link", size="sm")
        self.add.clicked.connect(lambda: self._append("", "", focus=True))
        self.body.addWidget(self._hint)
        self.body.addLayout(self._rows)
        self.body.addWidget(self.add)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(300)
        self._later.timeout.connect(lambda: self.changed.emit(self.lexicon()))
        self._summarise()

    def lexicon(self) -> dict[str, str]:
        """Words with how they are said; entries that are not filled in, or wrongly, are left out."""
        return {word: way for word, way in (entry.pair() for entry in self._entries) if word and way}

    def set_lexicon(self, lexicon: Mapping[str, str]) -> None:
        if dict(lexicon) == self.lexicon():
            return
        for entry in list(self._entries):
            self._drop(entry)
        for word, way in lexicon.items():
            self._append(word, way)
        self._later.stop()
        self._summarise()

    def add_word(self, word: str) -> None:
        """Open with a new entry for `word`."""
        self.set_expanded(True)
        self._append(word, "", focus=True)

    def _append(self, word: str, way: str, *, focus: bool = False) -> None:
        entry = _Entry(word, way)
        entry.changed.connect(self._on_changed)
        entry.removed.connect(lambda: self._on_removed(entry))
        entry.test_wanted.connect(lambda: self._on_test(entry))
        self._entries.append(entry)
        self._rows.addWidget(entry)
        self._summarise()
        if focus:
            (entry.way if word else entry.word).setFocus()

    def _drop(self, entry: _Entry) -> None:
        self._entries.remove(entry)
        entry.hide()
        entry.deleteLater()

    def _on_removed(self, entry: _Entry) -> None:
        self._drop(entry)
        self.add.setFocus()
        self._on_changed()

    def _on_test(self, entry: _Entry) -> None:
        word, way = entry.pair()
        if word and entry.wrong.isHidden():
            self.test_wanted.emit(word, way)

    def _on_changed(self) -> None:
        self._summarise()
        self._later.start()

    def _summarise(self) -> None:
        count = len(self.lexicon())
        self.set_summary(
            n_("{count} entry", "{count} entries", count).format(count=count) if count else _("No words yet")
        )
