"""Writing in the list of sentences: what is typed, pasted, dropped, cut, joined, moved, and the menus of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer
from PySide6.QtWidgets import QApplication, QMenu

from studio.core.errors import AtelierError, explain
from studio.core.i18n import _, n_
from studio.documents import SpeechDocument
from studio.documents.speech import Sentence, sentences_of
from studio.media.reading import split
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.clean import clean_paste
from studio.ui.tabs.speech.incoming import readable
from studio.ui.tabs.speech.row_menu import fill_row_menu, fill_voice_menu, middle
from studio.ui.tabs.speech.script_list import ScriptList
from studio.ui.tabs.speech.speakers import told_by_script
from studio.ui.tabs.words import short_title

if TYPE_CHECKING:
    from studio.ui.tabs.speech.room import SpeechRoom

LARGE = 40_000  # characters that are split into sentences in the background


class Writing(QObject):
    """The edits of the reading that `room` shows, by the user's hands."""

    def __init__(self, services: Services, shell: Shell, room: SpeechRoom, view: ScriptList) -> None:
        super().__init__(room)
        self._services, self._shell, self._room, self._view = services, shell, room, view
        self._adding: list[str] = []
        self._then: Callable[[], object] | None = None
        view.written.connect(self._on_written)
        view.menu_wanted.connect(self._open_row_menu)
        view.voice_wanted.connect(self._open_voice_menu)
        view.delete_pressed.connect(self.delete)
        view.copy_pressed.connect(self.copy)
        view.paste_pressed.connect(self.paste)
        view.flooded.connect(self._on_flooded)

    @property
    def _document(self) -> SpeechDocument | None:
        return self._room.document

    @property
    def is_adding(self) -> bool:
        """Whether a long text is still being cut into sentences."""
        return bool(self._adding)

    def when_added(self, act: Callable[[], object]) -> None:
        """Do this once the long text is there."""
        self._then = act

    # -- writing ----------------------------------------------------------------------------------------------

    def _on_written(self, row: int, text: str, how: str) -> None:
        """A field was left: at the end of the list its sentences are new ones."""
        document = self._document
        text, _removed = clean_paste(text)
        count = len(document.sentences) if document else 0
        if row >= count:
            if text.strip():
                self.add(count, text)
            if how.startswith("next") and text.strip():
                QTimer.singleShot(0, self._write_next)
            return
        assert document is not None
        self._guard(lambda: self._change_row(document, row, text, how))

    def _change_row(self, document: SpeechDocument, row: int, text: str, how: str) -> None:
        id = document.sentences[row].id
        pieces = split(text, symbols=True)
        if how == "join" and row > 0:
            before = document.sentences[row - 1]
            document.set_text(id, text)
            if document.has(id):
                document.merge(before.id)
            QTimer.singleShot(0, lambda: self._view.write_at(row - 1, len(before.text) + 1))
        elif how.startswith("split"):
            position = int(how.split()[1])
            if text != document.sentences[row].text:
                document.set_text(id, text)
            document.split_at(id, position)
            QTimer.singleShot(0, lambda: self._view.write_at(row + 1, 0))
        elif len(pieces) > 1 and "\n" in text:
            document.set_text(id, pieces[0].text)
            document.insert_sentences(row + 1, sentences_of(pieces[1:]))
        else:
            document.set_text(id, text)
            if how.startswith("next"):
                self._view.setFocus()

    def _write_next(self) -> None:
        if self._document is not None:
            self._view.write_at(len(self._document.sentences))

    def add(self, at: int, text: str, *, title: str = "", tell: bool = False, marks: bool = False) -> None:
        """Put the sentences of `text` in at a place (−1: the end); a long text is cleaned and split in the background.
        `tell`: say how many they were; `marks`: it may be Markdown or subtitles, whose marks are not read."""
        document = self._room.ensure()
        if document is None or text in self._adding:
            return

        def made() -> list[Sentence]:
            new = sentences_of(split(clean_paste(readable(text) if marks else text)[0], symbols=True))
            for sentence in new:
                told_by_script(sentence.text)
            return new

        def put(new: list[Sentence]) -> None:
            if document.read_only or not new:
                if not new:
                    words = explain("speech-nothing-to-say", {})
                    self._shell.toast(words.title, kind="info", detail=words.body)
                return
            place = len(document.sentences) if at < 0 else min(at, len(document.sentences))
            document.insert_sentences(place, new)
            if not document.title:
                document.set_title(title or short_title(new[0].text))
            if tell:
                count = len(new)
                words = n_("{count} sentence was added.", "{count} sentences were added.", count)
                self._shell.toast(words.format(count=f"{count:,}"), kind="info", actions=((_("Undo"), document.undo),))

        def arrived() -> None:
            self._adding.remove(text)
            self._room.refresh()

        def success(new: list[Sentence]) -> None:
            self._guard(lambda: put(new))
            arrived()
            then, self._then = self._then, None
            if then is not None and self._document is document:
                then()

        def failure(error: AtelierError) -> None:
            self._then = None
            arrived()
            self._shell.show_error(error)

        if len(text) > LARGE:
            self._adding.append(text)
            self._room.refresh()
            self._services.bridge.work(made, success, failure, owner=self)
        else:
            self._guard(lambda: put(made()))

    def paste(self) -> None:
        """Text from the clipboard, behind the current sentence."""
        text = QApplication.clipboard().text()
        count = len(self._document.sentences) if self._document else 0
        row = self._view.currentIndex().row()
        if text and not text.isspace():
            self.add(min(row + 1, count) if row >= 0 else count, text, tell=True)

    def _on_flooded(self, row: int, text: str) -> None:
        """What is too long for a field becomes sentences behind it."""
        self._view.leave_edit()
        count = len(self._document.sentences) if self._document else 0
        self.add(min(row + 1, count), text, tell=count > 0)

    def copy(self) -> None:
        """The chosen sentences, or all."""
        document = self._document
        if rows := self._view.chosen():
            self.copy_rows(rows)
        elif document is not None and document.sentences:
            QApplication.clipboard().setText(document.text)

    def copy_rows(self, rows: Sequence[int]) -> None:
        if self._document is not None:
            QApplication.clipboard().setText("\n".join(self._document.sentences[row].text for row in rows))

    def delete(self) -> None:
        self.delete_rows(self._view.chosen())

    def delete_rows(self, rows: Sequence[int]) -> None:
        document = self._document
        if document is None or not rows:
            return
        ids = [document.sentences[row].id for row in rows]
        self._guard(lambda: document.delete(ids))
        self._view.setCurrentIndex(self._view.rows.index(min(rows[0], len(document.sentences)), 0))

    def split_row(self, row: int) -> None:
        """Cut a sentence in two near its middle."""
        document = self._document
        if document is not None:
            sentence = document.sentences[row]
            self._guard(lambda: document.split_at(sentence.id, middle(sentence.text)))

    def merge_row(self, row: int) -> None:
        document = self._document
        if document is not None:
            self._guard(lambda: document.merge(document.sentences[row].id))

    def move_row(self, row: int, to: int) -> None:
        document = self._document
        if document is not None:
            self._guard(lambda: document.move(document.sentences[row].id, to))
            self._view.setCurrentIndex(self._view.rows.index(to, 0))

    def undo(self) -> None:
        if self._document is not None:
            self._guard(self._document.undo)

    def redo(self) -> None:
        if self._document is not None:
            self._guard(self._document.redo)

    # -- menus ------------------------------------------------------------------------------------------------

    def _open_row_menu(self, row: int, place: QPoint) -> None:
        menu = QMenu(self._view)
        self.fill_row_menu(menu, row)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def fill_row_menu(self, menu: QMenu, row: int) -> None:
        """What can be done with a sentence, or with all that are chosen."""
        if self._document is not None:
            fill_row_menu(menu, self._room, self._view, row)

    def _open_voice_menu(self, row: int, place: QPoint) -> None:
        document = self._document
        if document is None:
            return
        menu = QMenu(self._view)
        fill_voice_menu(menu, self._room, self.rows_for(row))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def rows_for(self, row: int) -> list[int]:
        """The chosen rows if `row` is one of them, else that row alone."""
        chosen = self._view.chosen()
        return chosen if row in chosen else [row]

    def change(self, rows: Sequence[int], label: str, **changes: object) -> None:
        """Give sentences something of their own."""
        document = self._document
        if document is not None:
            ids = [document.sentences[row].id for row in rows]
            self._guard(lambda: document.change(ids, label, **changes))

    def _guard(self, act: Callable[[], object]) -> None:
        try:
            act()
        except AtelierError as error:
            self._shell.show_error(error)
