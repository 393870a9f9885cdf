"""Rework: a change of the selection waits on the page, and one step brings the old text back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from studio.ui.widgets import buttons
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.plays import Writing, fails
from tests.fakes.studio import Studio
from tests.ui.tabs.test_text_tab import body, open_studio, studio, tab_of  # noqa: F401

TEXT = "One is short. Two is long and winding. Three ends it."


def begin(studio: Studio, answer: str = "Two is straight.", action: str = "shorter", pause: int | None = None):  # noqa: F811
    """A text whose second sentence is being reworked."""
    tab = tab_of(studio)
    if tab.text.document is None:
        tab.text.open_with("Text", TEXT)
    tab.set_mode("rework")
    start = tab.text_stage.editor.text.index("Two")
    tab.text_stage.editor.select(start, start + len("Two is long and winding."))
    studio.engine.play = Writing(answer, words_per_second=2000 if pause else 0, pause_at=pause)
    tab.rework_panel.choose(action)
    tab.rework.rework()
    return tab


def ready(studio: Studio, tab) -> None:  # noqa: F811
    studio.wait(lambda: tab.rework.pending is not None and tab.rework.pending.run is None)


def test_the_change_waits_and_is_kept_as_one_step(studio: Studio) -> None:  # noqa: F811
    tab = begin(studio)
    ready(studio, tab)
    assert body(tab) == TEXT
    assert tab.text_stage.editor.has_pending
    assert not tab.text_stage.pending.isHidden()
    tab.rework.keep()
    assert body(tab) == tab.text_stage.editor.text == "One is short. Two is straight. Three ends it."
    assert tab.text_stage.pending.isHidden()
    tab.undo()
    assert body(tab) == tab.text_stage.editor.text == TEXT
    jobs = studio.services.queue.jobs()
    assert "Shorten: Two is long and winding." in jobs[0].request.params["prompt"]
    assert studio.services.library.items() == []


def test_undo_leaves_the_text_alone(studio: Studio) -> None:  # noqa: F811
    tab = begin(studio)
    ready(studio, tab)
    tab.rework.undo()
    assert body(tab) == tab.text_stage.editor.text == TEXT
    assert tab.rework.pending is None


def test_try_again_asks_anew_for_the_same_place(studio: Studio) -> None:  # noqa: F811
    tab = begin(studio)
    ready(studio, tab)
    studio.engine.play = Writing("Two goes on.")
    tab.rework.again()
    ready(studio, tab)
    tab.rework.keep()
    assert body(tab) == "One is short. Two goes on. Three ends it."
    seeds = [job.request.params["seed"] for job in studio.services.queue.jobs()]
    assert seeds[0] != seeds[1]


def test_edits_elsewhere_move_the_place_along(studio: Studio) -> None:  # noqa: F811
    tab = begin(studio, pause=2)
    studio.wait(lambda: bool(tab.rework.pending and tab.rework.pending.text))
    editor = tab.text_stage.editor
    editor.select(0, 0)
    QTest.keyClicks(editor, "So then. ")
    assert tab.text.document is not None
    tab.text.document.replace_range(len(body(tab)), len(body(tab)), " Truly 🙂.", "more")
    studio.engine.release()
    ready(studio, tab)
    tab.rework.keep()
    assert body(tab) == editor.text == "So then. One is short. Two is straight. Three ends it. Truly 🙂."


def test_the_new_words_cannot_be_typed_into(studio: Studio) -> None:  # noqa: F811
    tab = begin(studio)
    ready(studio, tab)
    editor = tab.text_stage.editor
    cursor = editor.textCursor()
    cursor.setPosition(len("One is short. Two is long and winding.") + 4)
    editor.setTextCursor(cursor)
    QTest.keyClick(editor, Qt.Key.Key_X)
    assert body(tab) == TEXT
    assert any("Keep or undo" in toast.words() for toast in studio.window.toasts.toasts())


def test_a_change_waits_while_something_else_is_shown(studio: Studio) -> None:  # noqa: F811
    tab = begin(studio, pause=2)
    studio.wait(lambda: bool(tab.rework.pending and tab.rework.pending.text))
    first = tab.text.document
    assert first is not None
    tab.text.open_with("Other", "Another text.")
    assert tab.rework.pending is None
    assert not tab.text_stage.editor.has_pending
    studio.engine.release()
    studio.wait(lambda: not tab.context.desk.busy())
    assert tab.text_stage.editor.text == "Another text."
    tab.text.show(first)
    ready(studio, tab)
    assert tab.text_stage.editor.has_pending
    tab.rework.keep()
    assert first.body == "One is short. Two is straight. Three ends it."


def test_ctrl_z_leaves_the_change_and_no_older_edit(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.text.open_with("Text", TEXT)
    editor = tab.text_stage.editor
    editor.select(0, 0)
    QTest.keyClicks(editor, "So then. ")
    begin(studio)
    ready(studio, tab)
    assert tab.header.undo.toolTip() == "Undo: Shorter"
    QTest.keyClick(editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert tab.rework.pending is None and not editor.has_pending
    assert body(tab) == editor.text == f"So then. {TEXT}"
    tab.undo()
    assert body(tab) == TEXT


def test_a_change_finds_its_place_after_other_versions(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.text.open_with("Text", TEXT)
    document = tab.text.document
    assert document is not None and document.current is not None
    first = document.current.id
    document.replace_range(0, 0, "So then. ", "more")
    begin(studio)
    ready(studio, tab)
    second = document.restore(first).id
    assert tab.rework.pending is None and not tab.text_stage.editor.has_pending
    begin(studio, "Two bends.")  # each version has its own
    ready(studio, tab)
    tab.rework.keep()
    assert document.body == "So then. One is short. Two bends. Three ends it."
    tab.undo()
    tab.undo()
    assert document.current is not None and document.current.id == first != second
    document.undo()
    assert document.body == TEXT
    assert tab.rework.pending is not None
    tab.rework.keep()
    assert document.body == tab.text_stage.editor.text == "One is short. Two is straight. Three ends it."


def test_a_change_waits_over_a_restart(studio: Studio, tmp_path: Path) -> None:  # noqa: F811
    tab = begin(studio)
    ready(studio, tab)
    studio.window.close()
    studio.close()
    again = open_studio(tmp_path)
    try:
        tab = tab_of(again)
        assert body(tab) == TEXT
        assert tab.rework.pending is not None and not tab.text_stage.pending.isHidden()
        assert tab.text_stage.editor.pending_range() == (14, 38)
        tab.rework.keep()
        assert body(tab) == "One is short. Two is straight. Three ends it."
        document = tab.text.document
        assert document is not None
        assert "proposals" not in document.snapshot()[1]()
    finally:
        again.close()


def test_continue_writes_on_from_the_caret(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.text.open_with("Text", TEXT)
    tab.set_mode("rework")
    tab.text_stage.editor.select(13, 13)
    studio.engine.play = Writing("And sweet.")
    tab.rework_panel.choose("go-on")
    tab.rework.rework()
    ready(studio, tab)
    tab.rework.keep()
    assert body(tab) == "One is short. And sweet. Two is long and winding. Three ends it."
    job = studio.services.queue.jobs()[0]
    assert str(job.request.task) == "continue"
    assert job.request.params["prompt"] == "One is short."


def test_own_words_and_the_whole_text(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.text.open_with("Text", TEXT)
    tab.set_mode("rework")
    tab.text_stage.editor.select(0, 0)
    tab.rework_panel.choose("own-words")
    tab.rework.rework()
    assert "no text" in tab.rework_panel.words.error()
    tab.rework_panel.words.set_text("Say it in one word.")
    studio.engine.play = Writing("Done.")
    tab.rework.rework()
    ready(studio, tab)
    tab.rework.keep()
    assert body(tab) == "Done."
    assert studio.services.queue.jobs()[0].request.params["prompt"].startswith("Say it in one word.\n\nOne is short.")


def test_a_failure_or_a_stop_leaves_the_text_alone(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.text.open_with("Text", TEXT)
    tab.set_mode("rework")
    studio.engine.play = fails("out-of-memory", device="CPU")
    tab.rework.rework()
    studio.wait(lambda: not tab.context.desk.busy())
    assert tab.rework.pending is None
    assert not tab.text_stage.editor.has_pending
    tab = begin(studio, answer="Two is straight and on and on", pause=2)
    studio.wait(lambda: bool(tab.rework.pending and tab.rework.pending.text))
    tab.rework.stop()
    ready(studio, tab)
    assert body(tab) == TEXT
    tab.rework.undo()
    assert tab.text_stage.editor.text == TEXT


def test_a_click_meant_for_stop_keeps_and_leaves_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(buttons, "GRACE_MS", 60_000)
    tab = begin(studio, pause=2)
    bar = tab.text_stage.pending
    studio.wait(lambda: bool(tab.rework.pending and tab.rework.pending.text))
    assert not bar.stop.isHidden()
    studio.engine.release()
    ready(studio, tab)
    for button in (bar.keep, bar.undo, bar.try_again):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert tab.rework.pending is not None and tab.rework.pending.run is None
    assert body(tab) == TEXT
    monkeypatch.setattr(buttons, "GRACE_MS", 0)
    QTest.mouseClick(bar.keep, Qt.MouseButton.LeftButton)
    assert body(tab) == "One is short. Two is straight. Three ends it."


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)])
def test_selecting_moves_nothing_in_the_panel(studio: Studio, size: tuple[int, int]) -> None:  # noqa: F811
    studio.window.resize(*size)
    tab = tab_of(studio)
    tab.set_mode("rework")
    places = []
    for text, start, end in (("", 0, 0), (TEXT * 40, 0, 0), (TEXT * 40, 5, 12), (TEXT * 40, 5, 400)):
        if text and not tab.text_stage.editor.text:
            tab.text.open_with("Text", text)
        tab.text_stage.editor.select(start, end)
        studio.spin(50)
        places.append(tab.rework_panel.tiles.y())
    assert len(set(places)) == 1


def test_the_button_says_why_it_cannot(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.set_mode("rework")
    assert not tab.rework_button.isEnabled()
    assert "no text" in tab.rework_button.toolTip()
    assert isinstance(studio.engine, FakeEngine)


def test_a_change_finds_its_place_again_after_an_undo_and_another_version(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.text.open_with("Text", TEXT)
    document = tab.text.document
    assert document is not None and document.current is not None
    first = document.current.id
    document.replace_range(0, 0, "By hand. ", "more")
    begin(studio)
    ready(studio, tab)
    document.undo()
    assert body(tab) == TEXT
    document.restore(first)
    assert document.current.id != first
    document.select(first)
    assert tab.rework.pending is not None
    tab.rework.keep()
    assert body(tab) == "One is short. Two is straight. Three ends it."
