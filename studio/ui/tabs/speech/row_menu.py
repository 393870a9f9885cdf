"""What can be done with a sentence, or with several that are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from studio.core.i18n import N_, _, n_
from studio.media.reading.sentences import language_of
from studio.ui.tabs.speech.script_list import ScriptList
from studio.ui.tabs.speech.speakers import native, speakers

if TYPE_CHECKING:
    from studio.ui.tabs.speech.room import SpeechRoom

SPEEDS = (0.75, 0.85, 0.95, 1.0, 1.1, 1.25, 1.5)
PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0)
MOST_VOICES = 40


def fill_row_menu(menu: QMenu, room: SpeechRoom, view: ScriptList, row: int) -> None:
    document = room.document
    assert document is not None
    rows = room.writing.rows_for(row)
    several = len(rows) > 1
    ids = [document.sentences[number].id for number in rows]
    sentence = document.sentences[row]
    again = all(document.sentences[number].take for number in rows)
    words = _("Speak again") if again else _("Speak")
    if several:
        words = n_("Speak {count} sentence", "Speak {count} sentences", len(rows)).format(count=len(rows))
    menu.addAction(words, lambda: room.speak_ids(ids))
    menu.addAction(_("Edit"), lambda: view.write_at(row)).setEnabled(not several and not document.read_only)
    menu.addSeparator()
    fill_voice_menu(menu.addMenu(_("Voice")), room, rows)
    _fill_languages(menu.addMenu(_("Language")), room, rows)
    _fill_numbers(menu.addMenu(_("Speed")), room, rows, "speed", SPEEDS, "{value:g}×")
    _fill_numbers(menu.addMenu(_("Pause after it")), room, rows, "pause", PAUSES, "{value:g} " + _("s"))
    menu.addSeparator()
    menu.addAction(_("Insert a sentence before"), lambda: _insert(room, view, row))
    menu.addAction(_("Split in two"), lambda: room.writing.split_row(row)).setEnabled(
        not several and middle(sentence.text) > 0
    )
    join = menu.addAction(_("Join with the next"), lambda: room.writing.merge_row(row))
    join.setEnabled(not several and row + 1 < len(document.sentences))
    opens = menu.addAction(_("Begins a paragraph"))
    opens.setCheckable(True)
    opens.setChecked(sentence.opens)
    opens.setEnabled(row > 0)
    opens.triggered.connect(lambda on: room.writing.change(rows, N_("Paragraph"), opens=bool(on)))
    menu.addAction(_("Move up"), lambda: room.writing.move_row(row, row - 1)).setEnabled(not several and row > 0)
    down = menu.addAction(_("Move down"), lambda: room.writing.move_row(row, row + 1))
    down.setEnabled(not several and row + 1 < len(document.sentences))
    menu.addSeparator()
    menu.addAction(_("Copy"), lambda: room.writing.copy_rows(rows))
    words = n_("Delete this sentence", "Delete {count} sentences", len(rows)).format(count=len(rows))
    menu.addAction(words, lambda: room.writing.delete_rows(rows))


def fill_voice_menu(menu: QMenu, room: SpeechRoom, rows: Sequence[int]) -> None:
    """The voices to give these sentences."""
    document = room.document
    assert document is not None
    sentence = document.sentences[rows[0]]
    usual = menu.addAction(_("As the whole reading"))
    usual.setCheckable(True)
    usual.setChecked(not sentence.voice)
    usual.triggered.connect(lambda: room.writing.change(rows, N_("Voice"), model="", voice=""))
    menu.addSeparator()
    own = document.voice_of(sentence) if sentence.voice else ("", "")
    for speaker in speakers(room.models())[:MOST_VOICES]:
        action = menu.addAction(f"{speaker.voice.name}  ({speaker.line()})")
        action.setCheckable(True)
        action.setChecked(speaker.key == own)
        action.triggered.connect(
            lambda _on=False, who=speaker: room.writing.change(
                rows, N_("Voice"), model=who.model.id, voice=who.voice.id
            )
        )


def _fill_languages(menu: QMenu, room: SpeechRoom, rows: Sequence[int]) -> None:
    document = room.document
    assert document is not None
    now = document.sentences[rows[0]].language
    codes = list(dict.fromkeys(code for speaker in speakers(room.models()) for code in speaker.languages))
    for code, words in [("", _("By its script")), *((code, native(code)) for code in codes)]:
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setChecked(code == now)
        action.triggered.connect(lambda _on=False, code=code: room.writing.change(rows, N_("Language"), language=code))


def _fill_numbers(
    menu: QMenu, room: SpeechRoom, rows: Sequence[int], field: str, choices: Sequence[float], words: str
) -> None:
    document = room.document
    assert document is not None
    usual = 0.0 if field == "speed" else -1.0
    label = N_("Speed") if field == "speed" else N_("Pause")
    now = getattr(document.sentences[rows[0]], field)
    for value in (usual, *choices):
        action = menu.addAction(_("As the whole reading") if value == usual else words.format(value=value))
        action.setCheckable(True)
        action.setChecked(value == now)
        action.triggered.connect(lambda _on=False, value=value: room.writing.change(rows, label, **{field: value}))


def _insert(room: SpeechRoom, view: ScriptList, row: int) -> None:
    room.writing.add(row, _("New sentence."))
    view.write_at(row)
    if view.editor is not None:
        view.editor.selectAll()


def middle(text: str) -> int:
    """Where to cut a sentence in two: behind the clause, or else the word, nearest to its middle; 0 for none."""
    half = len(text) / 2
    clauses = [at + 1 for at, character in enumerate(text[:-1]) if character in ",;:，；：、—–"]
    spaces = [at for at, character in enumerate(text) if character.isspace()]
    far = [at for at in clauses if len(text) * 0.2 < at < len(text) * 0.8]
    choices = far or spaces
    if not choices and language_of(text) in ("zh", "ja") and len(text) > 3:
        choices = [round(half)]
    return min(choices, key=lambda at: abs(at - half), default=0)
