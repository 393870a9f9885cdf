"""Chat: conversations, branches, streaming, and a view that stays quick with hundreds of messages."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from studio.ui.tabs.text import TextTab
from studio.ui.tabs.text.chat_view import ChatView
from studio.ui.tabs.text.paragraphs import Shown
from tests.fakes.plays import Writing, fails
from tests.fakes.studio import Studio
from tests.ui.tabs.test_text_editor import theme  # noqa: F401
from tests.ui.tabs.test_text_tab import studio, tab_of  # noqa: F401

Key = Qt.Key


def say(studio: Studio, words: str = "Hello there", answer: str = "Good day.") -> TextTab:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("chat")
    studio.engine.play = Writing(answer)
    tab.chat_stage.composer.set_text(words)
    QTest.keyClick(tab.chat_stage.composer.edit, Key.Key_Return)
    studio.wait(lambda: tab.chat.run() is None and tab.chat.document is not None)
    return tab


def contents(tab: TextTab) -> list[str]:
    assert tab.chat.document is not None
    return [message.content for message in tab.chat.document.path]


def shown(tab: TextTab) -> list[str]:
    return [message.text for message in tab.chat_stage.view.messages if message.role != "time"]


def test_enter_sends_and_shift_enter_begins_a_line(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("chat")
    edit = tab.chat_stage.composer.edit
    studio.engine.play = Writing("Good day.")
    QTest.keyClicks(edit, "Hello")
    QTest.keyClick(edit, Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(edit, "there")
    QTest.keyClick(edit, Key.Key_Return)
    studio.wait(lambda: tab.chat.run() is None and tab.chat.document is not None)
    assert contents(tab) == shown(tab) == ["Hello\nthere", "Good day."]
    assert tab.chat_stage.composer.text() == ""
    messages = studio.services.queue.jobs()[0].request.params["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"] == "You are a patient editor."


def test_branches_by_answering_again_and_by_editing(studio: Studio) -> None:  # noqa: F811
    tab = say(studio)
    studio.engine.play = Writing("Another answer.")
    tab.chat.regenerate()
    studio.wait(lambda: tab.chat.run() is None)
    assert contents(tab) == ["Hello there", "Another answer."]
    last = tab.chat_stage.view.messages[-1]
    assert (last.branch, last.branches) == (2, 2)
    tab.chat.turn(last.id, -1)
    assert shown(tab) == ["Hello there", "Good day."]
    tab.chat.edit_last()
    assert tab.chat_stage.composer.is_editing
    assert tab.chat_stage.composer.text() == "Hello there"
    studio.engine.play = Writing("Hello to you.")
    tab.chat_stage.composer.set_text("Hello you")
    QTest.keyClick(tab.chat_stage.composer.edit, Key.Key_Return)
    studio.wait(lambda: tab.chat.run() is None)
    assert shown(tab) == contents(tab) == ["Hello you", "Hello to you."]
    first = tab.chat_stage.view.messages[1]
    assert (first.role, first.branch, first.branches) == ("user", 2, 2)
    tab.chat.turn(first.id, -1)
    assert shown(tab) == ["Hello there", "Good day."]


def test_stop_keeps_the_beginning_and_escape_stops(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("chat")
    studio.engine.play = Writing("one two three four five six", words_per_second=2000, pause_at=3)
    tab.chat.send("Count")
    studio.wait(lambda: tab.chat.document is not None and "three" in tab.chat.document.text)
    QTest.keyClick(tab.chat_stage.composer.edit, Key.Key_Escape)
    studio.wait(lambda: tab.chat.run() is None)
    assert contents(tab)[1].startswith("one two three")
    assert tab.chat.document is not None
    assert tab.chat.document.path[-1].state == "stopped"


def test_an_answer_finds_its_conversation(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("chat")
    studio.engine.play = Writing("one two three four five six", words_per_second=2000, pause_at=3)
    tab.chat.send("Count")
    studio.wait(lambda: tab.chat.document is not None and "three" in tab.chat.document.text)
    first = tab.chat.document
    assert first is not None
    tab.chat.new()
    assert tab.chat_stage.is_empty
    tab.set_mode("write")
    studio.engine.release()
    studio.wait(lambda: not tab.context.desk.busy())
    assert first.path[-1].content == "one two three four five six"
    assert tab.chat.document is None


def test_branch_into_a_new_conversation(studio: Studio) -> None:  # noqa: F811
    tab = say(studio)
    say(studio, "And more", "More it is.")
    old = tab.chat.document
    assert old is not None
    tab.chat.branch(old.path[1].id)
    assert tab.chat.document is not old
    assert contents(tab) == ["Hello there", "Good day."]
    assert len(old.path) == 4
    titles = [row.title for row in tab.conversations.rows.rows()]
    assert titles[0].endswith("(branch)")


def test_a_failed_question_can_be_asked_again(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("chat")
    studio.engine.play = fails("out-of-memory", device="CPU")
    tab.chat.send("Hello")
    studio.wait(lambda: tab.chat.document is not None and tab.chat.run() is None)
    assert contents(tab) == ["Hello"]
    studio.engine.play = Writing("Here.")
    tab.chat.regenerate()
    studio.wait(lambda: tab.chat.run() is None)
    assert contents(tab) == ["Hello", "Here."]


def test_personas_are_kept_with_the_conversation_and_saved(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("chat")
    tab.chat_panel.persona.set_text("You speak like a gull.")
    say(studio)
    first = tab.chat.document
    assert first is not None
    tab.context.memory.save_persona("Gull", "You speak like a gull.")
    texts = [action.text() for action in tab.chat_panel.persona_menu().actions()]
    assert "Editor" in texts
    assert "Gull" in texts
    assert "Forget “Gull”" in texts
    tab.chat.new()
    tab.chat_panel.persona.set_text("Someone else.")
    say(studio, "Second")
    tab.chat.show(first)
    assert tab.chat_panel.persona.text() == "You speak like a gull."
    assert first.setup.system == "You speak like a gull."


def test_a_file_is_attached(studio: Studio, tmp_path: Path) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("chat")
    file = tmp_path / "notes.txt"
    file.write_text("Buy lamp oil.\x07", encoding="utf-8")
    tab.chat.attach(file)
    studio.wait(lambda: bool(tab.chat_stage.composer.message()))
    say(studio, "Read this", "Read.")
    assert contents(tab)[0] == "Read this\n\nnotes.txt:\nBuy lamp oil."
    assert not tab.chat_stage.composer.attachment.isVisible()


@pytest.mark.parametrize("suffix", [".md", ".docx"])
def test_export_of_a_conversation(
    studio: Studio,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    tab = say(studio)
    target = tmp_path / f"chat{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(target), ""))
    tab.export(suffix)
    studio.wait(target.exists)
    if suffix == ".md":
        assert "Good day." in target.read_text(encoding="utf-8")


def test_copy_and_send_to_write(studio: Studio) -> None:  # noqa: F811
    tab = say(studio)
    answer = tab.chat_stage.view.messages[-1].id
    tab.chat._on_action("copy", answer)
    assert QApplication.clipboard().text() == "Good day."
    tab.chat._on_action("send", answer)
    assert tab.mode == "write"
    assert tab.text_stage.editor.text == "Good day."


# -- the view -------------------------------------------------------------------------------------------------


def conversation(count: int) -> list[Shown]:
    words = "A line of an answer that goes on for a while. " * 4
    return [Shown(str(n), "user" if n % 2 == 0 else "assistant", f"{n}: {words}") for n in range(count)]


@pytest.fixture
def view(qtbot, theme):  # noqa: F811
    widget = ChatView()
    qtbot.addWidget(widget)
    widget.resize(800, 600)
    widget.show()
    return widget


def test_hundreds_of_messages_are_quick(view: ChatView) -> None:
    messages = conversation(400)
    begin = time.thread_time()
    view.set_messages(messages)
    assert time.thread_time() - begin < 1.0
    gaps = []
    for _step in range(60):
        begin = time.thread_time()
        view.append(" seven more words of the last answer")
        QApplication.processEvents()
        gaps.append(time.thread_time() - begin)
    assert sorted(gaps)[54] < 0.016, sorted(gaps)[-5:]
    assert len(view.viewport().children()) < 10


def test_view_follows_only_from_its_end_and_keeps_the_selection(view: ChatView) -> None:
    view.set_messages(conversation(40))
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum()
    view.append(" and more" * 200)
    assert bar.value() == bar.maximum()
    bar.setValue(200)
    cursor = view.textCursor()
    cursor.setPosition(5)
    cursor.setPosition(15, cursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
    bar.setValue(200)
    view.append(" and more" * 50)
    assert bar.value() == 200
    assert view.textCursor().selectedText() == view.document().toPlainText()[5:15]


def test_messages_that_stay_are_left_alone(view: ChatView) -> None:
    messages = conversation(20)
    view.set_messages(messages)
    view.set_messages([*messages[:10], Shown("x", "assistant", "One\n\nTwo\nThree")])
    assert len(view.messages) == 11
    assert view.document().toPlainText().endswith("One\n\nTwo\nThree")
    view.set_messages([])
    assert view.document().toPlainText() == ""


def test_messages_are_reached_with_the_keyboard(view: ChatView) -> None:
    view.set_messages(conversation(6))
    assert view.current_id() == "5"
    QTest.keyClick(view, Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert view.current_id() == "4"
    names = {button.accessibleName() for button in view._actions._buttons.values() if not button.isHidden()}
    assert names == {"Copy message", "Edit and ask again"}
