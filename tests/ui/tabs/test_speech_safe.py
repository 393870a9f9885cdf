"""Nothing that was written is lost, and what cannot be said, read or saved is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton

from studio.documents import SpeechDocument
from studio.ui.tabs.speech import SpeechTab, export
from studio.ui.tabs.speech.unsaid import numbers, script_name
from studio.ui.widgets.fields import TextField
from tests.fakes.speaking import HIBARI
from tests.fakes.studio import Studio
from tests.ui.tabs.test_speech_tab import (  # noqa: F401
    speak,
    spoken,
    states,
    studio,
    tab,
    toasts,
    ways_on,
    write,
)

Key = Qt.Key
ODD = "مرحبا بالعالم.\nおはようございます。\n我今天花了3.5元。\n😀🎉\nHi, and welcome."


def texts(tab: SpeechTab) -> list[str]:  # noqa: F811
    return [sentence.text for sentence in tab.document.sentences] if tab.document else []


def paste(tab: SpeechTab, text: str) -> None:  # noqa: F811
    source = QMimeData()
    source.setText(text)
    assert tab.speech_stage.list.editor is not None
    tab.speech_stage.list.editor.insertFromMimeData(source)


def test_escape_keeps_a_new_sentence_and_undo_takes_it_back(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    document = write(tab)
    view = tab.speech_stage.list
    view.write_at(4)
    paste(tab, "One line.\nAnother line.\n\nA third one.")
    assert view.editor is not None
    QTest.keyClick(view.editor, Key.Key_Escape)
    studio.spin(60)
    assert texts(tab)[4:] == ["One line.", "Another line.", "A third one."]
    tab.room.writing.undo()
    assert len(document.sentences) == 4
    tab.room.writing.redo()
    view.write_at(0)
    assert view.editor is not None
    view.editor.insertPlainText(" Not so.")
    QTest.keyClick(view.editor, Key.Key_Escape)
    assert texts(tab)[0] == "Welcome to the hall."


def test_pasted_lines_are_shown_from_the_first(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    write(tab)
    view = tab.speech_stage.list
    for count in (5, 30):
        view.write_at(4)
        paste(tab, "\n".join(f"Line {number}." for number in range(count)))
        studio.spin(60)
        assert view.editor is not None
        assert view.editor.verticalScrollBar().value() == 0
        assert view.editor.height() >= min(count, 8) * view.editor.fontMetrics().lineSpacing()
        view.editor.clear()
        QTest.keyClick(view.editor, Key.Key_Escape)
        studio.spin(30)


def test_a_long_paste_is_announced_and_taken_once(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    text = "Walk slowly past the lanterns. " * 2000
    tab.room.writing.add(-1, text)
    assert "being cut into sentences" in tab.speech_stage.notice.text()
    tab.room.writing.add(-1, text)
    tab.generate_button.requested.emit()
    studio.wait(lambda: tab.room.run() is not None)
    assert len(texts(tab)) == 2000
    assert tab.speech_stage.notice.text() == ""
    tab.room.stop()
    studio.wait(lambda: tab.room.run() is None)


def test_one_notice_for_all_that_cannot_be_said(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    assert tab.picker.choose(HIBARI.id)
    studio.spin(250)
    document = write(tab, ODD)
    studio.spin(100)
    notice = tab.speech_stage.notice
    assert notice.text() == (
        "Heart does not speak the languages of the sentences 2–3 (Japanese, Chinese). No voice here can say sentence 1 "
        "(Arabic); it is left out. There are voices for English, Chinese, Japanese."
    )
    rows = tab.speech_stage.list.rows
    assert [rows.row(number).state for number in range(5)] == ["mute", "mute", "mute", "silent", "unmade"]
    speak(studio, tab)
    assert states(document) == ["waiting"] * 4 + ["made"]
    notice.close_button.click()
    tab.generate_button.requested.emit()
    assert any("There is nothing left that can be said." in words for words in toasts(studio))
    assert notice.isVisible()
    buttons = {button.text(): button for button in notice.findChildren(QPushButton)}
    buttons["Use Kumo for sentences 2–3"].click()
    studio.spin(100)
    assert notice.text().startswith("No voice here can say sentence 1")
    speak(studio, tab)
    assert states(document) == ["waiting", "made", "made", "waiting", "made"]
    assert export.order(document, tab.room.models()).left_out == 1


def test_a_silent_row_stops_nothing(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    document = write(tab, "Hello.\n😀\n...\nGoodbye.")
    assert texts(tab) == ["Hello.", "😀", "Goodbye."]
    speak(studio, tab)
    assert states(document) == ["made", "waiting", "made"]
    studio.spin(100)
    assert tab.generate_button.text() == "Speak again"
    assert tab.speech_stage.notice.text() == ""
    assert tab.speech_stage.list.rows.row(1).spoken() == "2, 😀, Kumo, Silent"


def test_numbers_and_scripts_in_words() -> None:
    assert numbers([0]) == "1"
    assert numbers([5, 1, 2, 3]) == "2–4, 6"
    assert numbers(range(0, 12, 2)) == "1, 3, 5, 7…"
    assert script_name("안녕") == "Korean"
    assert script_name("ᚠ") == "a script that no voice here knows"


def test_a_missing_bracket_is_told_at_once(studio: Studio, tab: SpeechTab, spoken: SpeechDocument) -> None:  # noqa: F811
    fold = tab.panel.pronunciation
    fold.add_word("Welcome")
    way = fold.findChildren(TextField)[-1]
    heard: list[str] = []
    fold.test_wanted.connect(lambda _word, said: heard.append(said))
    QTest.keyClicks(way, "[xxQ")
    QTest.keyClick(way, Key.Key_Return)
    studio.spin(500)
    assert "bracket is missing" in way.accessibleDescription()
    assert (fold.lexicon(), heard) == ({}, [])
    assert states(spoken) == ["made"] * 4
    QTest.keyClicks(way, "]")
    studio.spin(700)
    assert way.accessibleDescription() == ""
    assert spoken.delivery.lexicon == {"Welcome": "[xxQ]"}


@pytest.mark.parametrize("suffix", [".mp3", ".srt"])
def test_a_folder_that_takes_no_files(
    studio: Studio,  # noqa: F811
    tab: SpeechTab,  # noqa: F811
    spoken: SpeechDocument,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")  # as /proc does

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / f"a{suffix}"), ""))
    tab.export(suffix)
    studio.wait(lambda: any(f"Atelier may not write here: {tmp_path}" in words for words in toasts(studio)))
    assert tab.header.format() == (suffix if suffix == ".mp3" else ".wav")


def test_what_is_open_is_told_to_the_window(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    told: list[str] = []
    tab.state_changed.connect(lambda: told.append(tab.state()["document"]))
    document = write(tab)
    tab.room.new()
    tab.room.open(document.id)
    assert told == [document.id, "", document.id]
    kept = lambda: (studio.settings.values.last or {}).get("tab-speech", {})  # noqa: E731
    studio.wait(lambda: kept().get("document") == document.id)  # so that a start after a crash opens it again


def test_a_damaged_reading_can_be_opened_as_it_was(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    documents = studio.services.documents
    document = write(tab, "First words.")
    documents.save(document)
    tab.room.show(None)
    documents.close(document)
    again = documents.open(document.id)
    assert isinstance(again, SpeechDocument)
    again.insert(1, "Second words.")
    documents.close(again)
    (summary,) = documents.list(kind="speech")
    summary.path.write_bytes(b"garbage")
    damaged = documents.list(kind="speech")[0]
    assert not tab.room.open(damaged.id)
    assert "Open the earlier version" in ways_on(studio)
    buttons = studio.window.toasts.findChildren(QPushButton)
    next(button for button in buttons if button.text() == "Open the earlier version").click()
    assert texts(tab) == ["First words."]


def test_a_narrow_header_keeps_its_buttons_in_a_menu(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    studio.window.resize(1024, 700)
    studio.spin(100)
    write(tab)
    studio.spin(100)
    header = tab.header
    assert header.undo.isHidden() and header.more.isVisible()
    menu = QMenu()
    header.fill_more(menu)
    actions = {action.text(): action for action in menu.actions()}
    assert not actions["Redo"].isEnabled()
    actions["Undo: Write"].trigger()
    assert texts(tab) == []
    actions["New reading"].trigger()
    assert tab.document is None
    studio.window.resize(1440, 900)
    studio.spin(100)
    assert header.more.isHidden() and header.undo.isVisible()


def test_a_number_that_is_typed_is_not_written_over(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    document = write(tab)
    studio.spin(300)
    tab.panel.ends.set_expanded(True)
    field = tab.panel.ends.fade_out.field
    tab.panel.ends.fade_in.set_value(2)
    field.selectAll()
    QTest.keyClicks(field, "3")
    studio.spin(400)
    assert document.delivery.fade_in == 2
    assert field.text() == "3"
    tab.panel.speed.set_value(1.25)
    tab.room.set_models(studio.services.bridge.models)
    QTest.keyClick(field, Key.Key_Return)
    studio.spin(400)
    assert (document.delivery.fade_in, document.delivery.fade_out, document.delivery.speed) == (2, 3, 1.25)


def test_the_pause_between_paragraphs_is_shown_as_it_is(studio: Studio, tab: SpeechTab) -> None:  # noqa: F811
    document = write(tab)
    document.set_delivery(paragraph_pause=2.0, model=HIBARI.id, voice="heart")
    studio.spin(300)
    assert tab.panel.form.values()["paragraph_pause"] == 2.0
