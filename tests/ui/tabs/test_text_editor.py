"""The page agrees with its text, whoever edits, and never takes the user's selection or view."""

from __future__ import annotations

import random
import time

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.ui.tabs.clean import clean_paste
from studio.ui.tabs.text.editor import StageEditor
from studio.ui.tabs.text.positions import to_characters, to_units, units
from studio.ui.theme import Theme

PARAGRAPH = "The keeper found it on the first clear morning of March, when the salt had dried on the glass. " * 4


@pytest.fixture
def editor(qtbot, theme):
    widget = StageEditor()
    qtbot.addWidget(widget)
    widget.resize(900, 600)
    widget.show()
    return widget


@pytest.fixture(scope="session")
def theme(qapp: QApplication):
    theme = qapp.property("theme") or Theme(qapp)
    theme.apply("light")
    return theme


def shown(editor: StageEditor) -> str:
    cursor = QTextCursor(editor.document())
    cursor.select(QTextCursor.SelectionType.Document)
    return cursor.selectedText().replace("\u2029", "\n")


def test_positions_of_characters_beyond_the_first_plane():
    text = "a🙂b漢🏳️‍🌈c"
    for position in range(len(text) + 1):
        assert to_characters(text, to_units(text, position)) == position
    assert units("🙂") == 2
    assert to_characters(text, 2) == 1


def test_typing_reports_what_was_replaced(editor):
    editor.set_text("Hello 🙂 world")
    edits = []
    editor.edited.connect(lambda *args: edits.append(args))
    editor.select(8, 13)
    QTest.keyClicks(editor, "sea")
    assert editor.text == shown(editor) == "Hello 🙂 sea"
    text = "Hello 🙂 world"
    for start, end, new in edits:
        text = text[:start] + new + text[end:]
    assert text == editor.text


def test_random_edits_from_both_sides_agree(editor):
    rng = random.Random(4)
    pieces = ["a", "🙂", "\n", "two words", "漢字", "", "שלום"]
    model = "First 🙂 line\nSecond line\nThird"
    editor.set_text(model)

    def on_edit(start, end, text):
        nonlocal model
        model = model[:start] + text + model[end:]

    editor.edited.connect(on_edit)
    pending = False
    for step in range(400):
        start = rng.randint(0, len(model))
        end = min(len(model), start + rng.choice([0, 0, 1, 4]))
        piece = rng.choice(pieces)
        kind = rng.random()
        if kind < 0.4:
            model = model[:start] + piece + model[end:]
            editor.apply(start, end, piece)
        elif kind < 0.8:
            editor.select(start, end)
            editor.insert_text(piece)
        elif kind < 0.9 and not pending:
            editor.show_pending(start, end, "new 🙂 words")
            pending = True
        elif pending:
            editor.drop_pending()
            pending = False
        assert editor.text == model, step
        if not pending:
            assert shown(editor) == model, step
        else:
            assert len(shown(editor)) == len(model) + len("new 🙂 words"), step


def test_pending_words_are_no_text_and_are_anchored(editor):
    editor.set_text("One. Two. Three.")
    editor.show_pending(5, 9)
    for piece in ("Zwei", " und", " mehr."):
        editor.extend_pending(piece)
    assert shown(editor) == "One. Two.Zwei und mehr. Three."
    assert editor.text == "One. Two. Three."
    editor.apply(0, 4, "The very first.")
    assert editor.pending_range() == (16, 20)
    editor.apply(len(editor.text), len(editor.text), " End.")
    assert editor.pending_range() == (16, 20)
    assert shown(editor) == "The very first. Two.Zwei und mehr. Three. End."
    editor.drop_pending()
    assert shown(editor) == editor.text == "The very first. Two. Three. End."


def test_pending_words_cannot_be_typed_into(editor, qtbot):
    editor.set_text("One. Two. Three.")
    editor.show_pending(5, 9, "Zwei")
    cursor = editor.textCursor()
    cursor.setPosition(11)
    editor.setTextCursor(cursor)
    with qtbot.waitSignal(editor.refused):
        QTest.keyClick(editor, Qt.Key.Key_A)
    assert editor.text == "One. Two. Three."
    editor.select(0, 0)
    QTest.keyClicks(editor, "So ")
    assert editor.text == "So One. Two. Three."
    assert editor.pending_range() == (8, 12)


def test_streaming_moves_neither_selection_nor_view(editor):
    editor.set_text("\n".join([PARAGRAPH] * 40))
    editor.set_writing(True)
    editor.select(10, 20)
    editor.verticalScrollBar().setValue(100)
    for _step in range(20):
        editor.append(len(editor.text), " more words\n")
    assert editor.selected() == (10, 20)
    assert editor.verticalScrollBar().value() == 100
    bar = editor.verticalScrollBar()
    bar.setValue(bar.maximum())
    editor.append(len(editor.text), "\n".join([PARAGRAPH] * 3))
    assert bar.value() == bar.maximum()
    assert editor.selected() == (10, 20)


def test_a_caret_at_the_end_stays_where_it_is(editor):
    editor.set_text("Begin")
    editor.select(5, 5)
    editor.append(5, " and on")
    assert editor.selected() == (5, 5)
    QTest.keyClicks(editor, "!")
    assert editor.text == "Begin! and on"


def test_newest_words_are_tinted_for_a_moment(editor, qtbot):
    editor.set_text("Begin")
    editor.append(5, " new")
    (selection,) = editor.extraSelections()
    assert selection.cursor.selectedText() == " new"
    qtbot.waitUntil(lambda: not editor.extraSelections(), timeout=3000)


def test_pasted_control_characters_are_cleaned_with_a_note(editor, qtbot):
    assert clean_paste("a\x00b\ud800c\r\nd\x1b[0m") == ("abc\nd[0m", 3)
    data = QMimeData()
    data.setText("a\x07b\r\nשלום 🙂")
    with qtbot.waitSignal(editor.cleaned) as signal:
        editor.insertFromMimeData(data)
    assert signal.args == [1]
    assert editor.text == shown(editor) == "ab\nשלום 🙂"


def test_a_megabyte_is_pasted_in_slices(editor, qtbot):
    editor.set_text("Start End")
    editor.select(6, 6)
    data = QMimeData()
    text = "\n".join([PARAGRAPH] * (1_000_000 // len(PARAGRAPH)))
    data.setText(text)
    begin = time.thread_time()
    editor.insertFromMimeData(data)
    assert time.thread_time() - begin < 0.2
    assert editor.text == "Start " + text + "End"
    qtbot.waitUntil(lambda: not editor.isReadOnly(), timeout=10_000)
    assert shown(editor) == editor.text
    assert editor.selected() == (6 + len(text),) * 2


def test_streaming_into_a_long_text_is_quick(editor, qapp):
    editor.set_text("\n".join([PARAGRAPH] * (100_000 // len(PARAGRAPH))))
    editor.flush()
    editor.set_writing(True)
    editor.verticalScrollBar().setValue(editor.verticalScrollBar().maximum())
    gaps = []
    for _step in range(60):
        begin = time.thread_time()
        editor.append(len(editor.text), "seven words that have been joined now ")
        qapp.processEvents()
        gaps.append(time.thread_time() - begin)
    assert sorted(gaps)[len(gaps) * 95 // 100] < 0.016, gaps
