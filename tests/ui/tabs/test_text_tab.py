"""The Text tab in its window, with a fake engine: write, versions, safety while words arrive."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from studio.core import i18n
from studio.core.jobs import Medium
from studio.core.models import ModelInfo
from studio.core.settings import Settings
from studio.documents import TextDocument
from studio.ui.tabs import TABS, TabSpec
from studio.ui.tabs.base import Payload
from studio.ui.tabs.text import TextTab, desk
from studio.ui.widgets.buttons import Button
from tests.fakes import fake_engine
from tests.fakes.fake_engine import MODELS, FakeEngine
from tests.fakes.plays import STORY, Writing, fails
from tests.fakes.studio import Studio
from tests.fakes.writing import TEMPLATES

Key = Qt.Key
Ctrl = Qt.KeyboardModifier.ControlModifier
LONG = "\n\n".join([STORY] * 8)


def spec() -> TabSpec:
    known = TABS[0]
    return TabSpec(
        known.id,
        known.medium,
        known.title,
        known.icon,
        lambda services, shell: TextTab(services, shell, TEMPLATES),
        known.targets,
    )


def open_studio(home: Path, *, language: str = "en", engine: FakeEngine | None = None) -> Studio:
    return Studio(home, tabs=(spec(),), language=language, engine=engine)


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    studio = open_studio(tmp_path)
    yield studio
    studio.close()
    i18n.set_language("en")


def tab_of(studio: Studio) -> TextTab:
    return cast(TextTab, studio.window.tab)


def write(studio: Studio, prompt: str = "A keeper finds a letter.", text: str = STORY) -> TextTab:
    """Write a version to its end."""
    tab = tab_of(studio)
    studio.engine.play = Writing(text)
    tab.write_panel.prompt.set_text(prompt)
    tab.text.generate()
    studio.wait(lambda: tab.text.run() is None and studio.window.model.running is None)
    return tab


def write_slowly(studio: Studio, words: int = 30) -> TextTab:
    """Begin a version that stands still after some words."""
    tab = tab_of(studio)
    studio.engine.play = Writing(LONG, words_per_second=1000, pause_at=words)
    tab.write_panel.prompt.set_text("A long story.")
    tab.text.generate()
    studio.wait(lambda: tab.text.document is not None and len(tab.text.document.body.split()) >= words)
    return tab


def body(tab: TextTab) -> str:
    assert tab.text.document is not None
    return tab.text.document.body


# -- writing --------------------------------------------------------------------------------------------------


def test_a_brief_becomes_a_version(studio: Studio) -> None:
    tab = write(studio)
    document = tab.text.document
    assert document is not None
    assert document.body == STORY
    assert tab.text_stage.editor.text == STORY
    assert document.title == "A keeper finds a letter."
    (version,) = document.versions
    assert version.state == "done"
    studio.wait(lambda: bool(document.versions[0].item))
    item = studio.services.library.item(document.versions[0].item)
    assert item is not None
    assert item.path.read_text(encoding="utf-8") == STORY
    request = studio.services.queue.job(version.job)
    assert request is not None
    assert "A keeper finds a letter." in request.request.params["prompt"]
    assert request.request.params["system"] == "You are a writer."


def test_tone_length_and_freedom_reach_the_request(studio: Studio) -> None:
    tab = tab_of(studio)
    panel = tab.write_panel
    panel.tone.set_current("solemn")
    panel.words.set_value(100)
    panel.freedom.set_value(1.25)
    panel.form.set_values({"top_k": 7})
    write(studio)
    assert tab.text.document is not None
    params = tab.text.document.versions[0].params
    assert "solemn" in params["prompt"]
    assert "100 words" in params["prompt"]
    assert params["temperature"] == 1.25
    assert params["top_k"] == 7
    assert 100 <= params["max_new_tokens"] <= 400


def test_a_locked_seed_is_kept_and_an_open_one_rolls(studio: Studio) -> None:
    tab = write(studio)
    write(studio)
    tab.write_panel.form.set_values({"seed": 77})
    write(studio)
    write(studio)
    assert tab.text.document is not None
    seeds = [version.params["seed"] for version in tab.text.document.versions]
    assert seeds[0] != seeds[1]
    assert seeds[2:] == [77, 77]


def test_each_run_is_a_version_and_older_ones_can_be_edited(studio: Studio) -> None:
    tab = write(studio, text="First words.")
    write(studio, text="Second words.")
    document = tab.text.document
    assert document is not None
    rows = [row for row in tab.versions.rows.rows() if row.kind == "version"]
    assert [row.title for row in rows] == ["Version 2", "Version 1"]
    first, second = document.versions
    tab.text.open_row(first.id)
    assert tab.text_stage.editor.text == "First words."
    tab.text_stage.editor.setFocus()
    tab.text_stage.editor.select(0, 0)
    QTest.keyClicks(tab.text_stage.editor, "The ")
    assert document.current is not None
    assert (document.current.id, document.body) == (first.id, "The First words.")
    assert document.version(second.id).text == "Second words."
    QTest.keyClick(tab.text_stage.editor, Key.Key_Z, Ctrl)
    assert document.body == tab.text_stage.editor.text == "First words."


def test_a_version_says_how_long_it_was_written_not_waited_for(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    for module in (desk, fake_engine):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    tab = tab_of(studio)
    studio.services.queue.pause()
    studio.engine.play = Writing("Ten words.", pause_at=1)
    tab.write_panel.prompt.set_text("A letter.")
    tab.text.generate()
    studio.spin(50)
    clock[0] = 160.0
    studio.services.queue.resume()
    studio.wait(lambda: body(tab).startswith("Ten"))
    clock[0] = 167.0
    studio.engine.release()
    studio.wait(lambda: tab.text.run() is None)
    assert tab.text.document is not None
    assert tab.text._seconds[tab.text.document.versions[0].id] == 7.0


def test_typing_by_hand_begins_a_version(studio: Studio) -> None:
    tab = tab_of(studio)
    tab.text.new()
    tab.text_stage.write_by_hand()
    assert tab.text.ensure() is not None
    QTest.keyClicks(tab.text_stage.editor, "By hand")
    assert body(tab) == "By hand"
    assert tab.text_stage.editor.text == "By hand"


def test_an_empty_prompt_is_told_below_the_field(studio: Studio) -> None:
    tab = tab_of(studio)
    tab.write_panel.prompt.set_text("   ")
    tab.text.generate()
    assert "no text" in tab.write_panel.prompt.error()
    assert tab.text.document is None
    assert studio.services.queue.jobs() == []


def test_a_failure_keeps_what_was_typed(studio: Studio) -> None:
    tab = tab_of(studio)
    studio.engine.play = fails("out-of-memory", device="CPU")
    tab.write_panel.prompt.set_text("Something large.")
    tab.text.generate()
    studio.wait(lambda: tab.text.run() is None)
    assert tab.write_panel.prompt.text() == "Something large."
    assert not tab.generate_button.is_running()
    assert tab.text_stage.status.state.label.text() == "Failed"
    assert tab.text.document is not None
    assert tab.text.document.versions == []


def test_stop_keeps_what_was_written(studio: Studio) -> None:
    tab = write_slowly(studio)
    assert tab.generate_button.is_running()
    assert tab.text_stage.editor.isReadOnly()
    tab.stop()
    studio.wait(lambda: tab.text.run() is None)
    assert tab.text.document is not None
    assert tab.text.document.versions[0].state == "stopped"
    assert len(body(tab).split()) >= 30
    assert not tab.text_stage.editor.isReadOnly()


def test_the_keyboard_alone_writes_stops_reworks_and_saves(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, window = tab_of(studio), studio.window
    window.activateWindow()
    studio.wait(lambda: QApplication.activeWindow() is window)
    tab.activate()
    focus = window.focusWidget()
    assert focus is tab.write_panel.prompt.edit
    studio.engine.play = Writing(LONG, words_per_second=1000, pause_at=30)
    QTest.keyClicks(focus, "A keeper")
    QTest.keyClick(focus, Key.Key_Return, Ctrl)
    studio.wait(lambda: tab.text.document is not None and len(body(tab).split()) >= 30)
    QTest.keyClick(window.focusWidget(), Key.Key_Escape)
    studio.wait(lambda: tab.text.run() is None)
    written = body(tab)
    QTest.keyClick(window.focusWidget(), Key.Key_E, Ctrl)
    assert window.focusWidget() is tab.text_stage.editor
    QTest.keyClick(tab.text_stage.editor, Key.Key_A, Ctrl)
    QTest.keyClick(tab.text_stage.editor, Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert tab.mode == "rework"
    studio.engine.play = Writing("Short.")
    QTest.keyClick(window.focusWidget(), Key.Key_Return, Ctrl)
    studio.wait(lambda: tab.rework.pending is not None and tab.rework.pending.run is None)
    QTest.keyClick(tab.text_stage.editor, Key.Key_K, Ctrl | Qt.KeyboardModifier.ShiftModifier)
    assert body(tab) == "Short."
    QTest.keyClick(tab.text_stage.editor, Key.Key_Z, Ctrl)
    assert body(tab) == written
    target = tmp_path / "out.docx"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(target), ""))
    QTest.keyClick(tab.text_stage.editor, Key.Key_S, Ctrl)
    studio.wait(target.exists)


# -- safety ---------------------------------------------------------------------------------------------------


def test_words_find_their_document_whatever_is_shown(studio: Studio) -> None:
    tab = write_slowly(studio)
    first = tab.text.document
    assert first is not None
    before = first.body
    tab.text.open_with("Other", "Another text.")
    tab.set_mode("chat")
    studio.window.projects.use(studio.services.library.create_project("Elsewhere").id)
    studio.engine.release()
    studio.wait(lambda: not tab.context.desk.busy())
    assert first.body == LONG.strip()
    assert len(first.body) > len(before)
    tab.set_mode("write")
    assert tab.text.document is None
    assert tab.text_stage.editor.text == ""


def test_streamed_words_survive_a_kill(studio: Studio, tmp_path: Path) -> None:
    tab = write_slowly(studio)
    document = tab.text.document
    assert document is not None
    studio.spin(2000)
    assert document.file is not None
    data = json.loads(document.file.read_text(encoding="utf-8"))
    assert len(data["content"]["versions"][0]["text"].split()) >= 30
    again = TextDocument(project=document.project)
    again.take(data)
    assert again.versions[0].state == "stopped"


def test_document_and_mode_come_back(studio: Studio, tmp_path: Path) -> None:
    tab = write(studio)
    assert tab.text.document is not None
    document = tab.text.document.id
    tab.set_mode("rework")
    studio.window.close()
    studio.close()
    again = open_studio(tmp_path)
    try:
        tab = tab_of(again)
        assert tab.mode == "rework"
        assert tab.text.document is not None
        assert tab.text.document.id == document
        assert tab.text_stage.editor.text == STORY
        assert tab.write_panel.prompt.text() == "A keeper finds a letter."
    finally:
        again.close()


def test_a_text_is_saved_and_shown_on_after_a_change_of_language(studio: Studio) -> None:
    tab = tab_of(studio)
    tab.text.open_with("Text", "Hello.")
    document, window = tab.text.document, studio.window
    assert document is not None
    studio.settings.update(language="zh_CN")
    studio.wait(lambda: studio.window is not window)
    studio.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    tab = tab_of(studio)
    assert tab.text.document is document
    for words in ("And on. ", "Once more. "):
        document.replace_range(0, 0, words)
        studio.wait(lambda: not document.dirty)
    assert tab.text_stage.editor.text == "Once more. And on. Hello."


def test_the_last_text_comes_back_after_a_kill(studio: Studio, tmp_path: Path) -> None:
    tab = write(studio)
    document = tab.text.document
    assert document is not None
    studio.wait(lambda: not document.dirty)
    studio.wait(lambda: (Settings().values.last or {}).get("tab-text", {}).get("text") == document.id)
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path, killed, ignore=shutil.ignore_patterns("killed", "*.lock"))
    again = open_studio(killed)
    try:
        again_tab = tab_of(again)
        assert again_tab.text.document is not None
        assert again_tab.text.document.id == document.id
        assert again_tab.header.title() == "A keeper finds a letter."
    finally:
        again.close()


def test_streaming_does_not_hold_the_window(studio: Studio) -> None:
    tab = tab_of(studio)
    paragraph = "The keeper found it on the first clear morning of March, when the salt had dried. " * 5
    tab.text.open_with("Long", "\n\n".join([paragraph] * (100_000 // len(paragraph))))
    document = tab.text.document
    assert document is not None
    tab.text_stage.editor.flush()
    studio.spin(500)
    version = document.continue_version("job")
    tab.text_stage.editor.verticalScrollBar().setValue(tab.text_stage.editor.verticalScrollBar().maximum())
    studio.spin(200)
    gaps = []
    from time import thread_time  # of this thread alone: others keep the machine busy

    for _step in range(45):  # 30 times a second, as the engine joins 200 tokens
        begin = thread_time()
        document.append(version.id, " seven tokens more that came together")
        QApplication.processEvents()
        gaps.append(thread_time() - begin)
        studio.spin(25)
    document.finish(version.id)
    assert sorted(gaps)[len(gaps) * 9 // 10] < 0.016, sorted(gaps)[-6:]


# -- versions and documents -----------------------------------------------------------------------------------


def test_versions_are_compared_with_marks(studio: Studio) -> None:
    tab = write(studio, text="The sea was loud that night.")
    write(studio, text="The sea was quiet all night.")
    tab.text.compare_with_before()
    assert tab.text_stage.is_comparing
    assert tab.text_stage.diff.text() == "The sea was loudquiet thatall night."
    formats = {
        fragment.text(): fragment.charFormat()
        for block in [tab.text_stage.diff.page.document().firstBlock()]
        for iterator in [block.begin()]
        for fragment in _fragments(iterator)
    }
    assert formats["that"].fontStrikeOut()
    assert formats["all"].fontUnderline()
    QTest.keyClick(tab.text_stage.diff.page, Key.Key_Escape)
    assert not tab.text_stage.is_comparing


def _fragments(iterator):
    while not iterator.atEnd():
        yield iterator.fragment()
        iterator += 1


def test_hearts_deletion_and_undo(studio: Studio) -> None:
    tab = write(studio, text="One.")
    write(studio, text="Two.")
    document = tab.text.document
    assert document is not None
    first, second = (version.id for version in document.versions)
    tab.text.set_favourite(first)
    assert document.version(first).favourite
    tab.text.delete_version(second)
    assert [version.id for version in document.versions] == [first]
    assert body(tab) == "One."
    document.undo()
    assert body(tab) == "Two."


def test_earlier_texts_are_listed_opened_and_trashed_with_undo(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = write(studio, prompt="First text.")
    first = tab.text.document
    assert first is not None
    tab.text.new()
    assert tab.text_stage.is_empty
    write(studio, prompt="Second text.")
    studio.services.documents.save(first)
    tab.text.list_documents()
    entries = [row for row in tab.versions.rows.rows() if row.kind == "entry"]
    assert [row.title for row in entries] == ["First text."]
    tab.text.open_row(entries[0].id)
    assert tab.text.document is first
    trashed = []
    monkeypatch.setattr(studio.services.documents, "trash", trashed.append)
    tab.text.trash(first.id)
    assert tab.text.document is None
    assert all(row.id != first.id for row in tab.versions.rows.rows())
    tab.text.late_trash.keep(first.id)
    assert any(row.id == first.id for row in tab.versions.rows.rows())
    tab.text.trash(first.id)
    tab.text.settle()
    assert trashed == [first.id]


def test_a_damaged_text_is_opened_as_it_was_before(studio: Studio) -> None:
    tab = write(studio, text="The first words.")
    document, store = tab.text.document, studio.services.documents
    assert document is not None
    tab.text.new()
    store.close(document)
    again = store.open(document.id)
    assert isinstance(again, TextDocument)
    again.replace_range(0, 0, "More. ")
    store.close(again)
    assert again.file is not None
    again.file.write_bytes(again.file.read_bytes()[:-40])
    assert not tab.text.open(document.id)
    (toast,) = [toast for toast in studio.window.toasts.toasts() if toast.kind() == "error"]
    assert "could not be read" in toast.words()
    next(button for button in toast.findChildren(Button) if button.text() == "Open the earlier version").click()
    assert body(tab) == tab.text_stage.editor.text == "The first words."
    assert [path.suffix for path in again.file.parent.glob("*.damaged")] == [".damaged"]


def test_title_is_edited_on_the_page(studio: Studio) -> None:
    tab = write(studio)
    title = tab.text_stage.title
    title.setFocus()
    title.selectAll()
    QTest.keyClicks(title, "The Lamp at Gull Point")
    QTest.keyClick(title, Key.Key_Return)
    assert tab.text.document is not None
    assert tab.text.document.title == "The Lamp at Gull Point"
    studio.wait(lambda: tab.header.title() == "The Lamp at Gull Point")


# -- search, export, send -------------------------------------------------------------------------------------


def test_find_steps_through_the_text(studio: Studio) -> None:
    tab = write(studio)
    tab.find()
    bar = tab.text_stage.find_bar
    bar.field.setText("THE")
    assert bar.count.text().endswith("of 8")
    QTest.keyClick(bar.field, Key.Key_Return)
    assert bar.count.text() == "2 of 8"
    QTest.keyClick(bar.field, Key.Key_Escape)
    assert bar.isHidden()
    start, end = tab.text_stage.editor.selected()
    assert tab.text_stage.editor.text[start:end].lower() == "the"


@pytest.mark.parametrize("suffix", [".txt", ".md", ".docx", ".html"])
def test_export_in_every_format(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    tab = write(studio)
    target = tmp_path / f"out{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(target.with_suffix("")), ""))
    tab.export(suffix)
    studio.wait(target.exists)
    assert target.stat().st_size > 50


def test_export_begins_with_the_results_then_where_it_was_last(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, starts = write(studio), []
    other = tmp_path / "elsewhere"
    other.mkdir()

    def ask(_parent: object, _title: str, start: str, _filter: str) -> tuple[str, str]:
        starts.append(Path(start))
        return str(other / "out.txt"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    for _time in range(2):
        tab.export(".txt")
    assert [start.parent for start in starts] == [studio.services.library.results / studio.window.project, other]
    assert starts[0].name == "A keeper finds a letter.txt"
    other.rename(tmp_path / "gone")
    tab.export(".txt")
    assert starts[2].parent == starts[0].parent


def test_export_that_fails_says_so(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = write(studio)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "none" / "out.txt"), ""))
    tab.export(".txt")
    studio.wait(lambda: any(toast.kind() == "error" for toast in studio.window.toasts.toasts()))
    assert body(tab) == STORY


def test_copy_and_send(studio: Studio) -> None:
    tab = write(studio)
    tab.copy()
    assert QApplication.clipboard().text().startswith("# A keeper finds a letter.")
    menu = QMenu()
    tab.menus.fill_send(menu)
    assert [action.text() for action in menu.actions()] == ["New text from this", "Rework this text", "Chat about this"]
    menu.actions()[2].trigger()
    assert tab.mode == "chat"
    assert STORY[:40] in tab.chat_stage.composer.message()
    tab.accept("text.rework", Payload(Medium.TEXT, "Sent", "A text from elsewhere."))
    assert (tab.mode, body(tab)) == ("rework", "A text from elsewhere.")


def test_dragged_out_as_a_file(studio: Studio) -> None:
    tab = write(studio)
    script = tab.script()
    assert script is not None
    path = Path(tab._files.write(script))
    assert path.name == "A keeper finds a letter.md"
    assert STORY[:30] in path.read_text(encoding="utf-8")


# -- words that help ------------------------------------------------------------------------------------------


def test_samples_of_the_empty_page_really_run(studio: Studio) -> None:
    tab = tab_of(studio)
    assert tab.text_stage.is_empty
    studio.engine.play = Writing("Sample answer.")
    tab.text_stage.empty.state.sample_chosen.emit(1)
    studio.wait(lambda: tab.text.document is not None and tab.text.run() is None)
    assert body(tab) == "Sample answer."
    assert tab.write_panel.prompt.text() == "About the lyrics."


def test_chinese_says_what_to_get(qapp: QApplication, tmp_path: Path) -> None:
    studio = open_studio(tmp_path, language="zh_CN")
    try:
        tab = tab_of(studio)
        assert "Qwen3" in tab.text_stage.empty.state._line.text()
        assert "Qwen3" in tab.write_panel.hint.text()
    finally:
        studio.close()
        i18n.set_language("en")


def test_a_chinese_brief_gets_a_hint_below_it(studio: Studio) -> None:
    tab = tab_of(studio)
    assert tab.write_panel.hint.text() == ""
    tab.write_panel.prompt.set_text("写一个关于灯塔的故事")
    assert "Qwen3" in tab.write_panel.hint.text()


def test_a_missing_starter_says_how_to_get_it(qapp: QApplication, tmp_path: Path) -> None:
    engine = FakeEngine(models=(_foreign(),))
    studio = open_studio(tmp_path, engine=engine)
    try:
        tab = tab_of(studio)
        assert tab.picker.current is None
        assert "set-up" in tab.text_stage.empty.state._line.text()
        tab.write_panel.prompt.set_text("Anything")
        tab.text.generate()
        assert "set-up" in tab.write_panel.prompt.error()
    finally:
        studio.close()


def _foreign() -> ModelInfo:
    known = MODELS[0]
    return ModelInfo(**{**vars(known), "id": "other", "medium": Medium.SPEECH})


def test_prompts_are_remembered(studio: Studio) -> None:
    tab = write(studio, prompt="Remember me.")
    assert tab.context.memory.history() == ["Remember me."]
    tab.context.memory.save_preset("Kept.")
    tab.context.memory.save_preset("Kept.")
    assert tab.context.memory.presets() == ["Kept."]
    tab.context.memory.drop_preset("Kept.")
    assert tab.context.memory.presets() == []


def test_the_expected_time_comes_from_measured_speed(studio: Studio) -> None:
    tab = tab_of(studio)
    assert tab.generate_button.note() == ""
    tab.context.memory.note_speed(MODELS[0].id, 50.0)
    tab.write_panel.words.set_value(200)
    tab.text.refresh()
    assert tab.generate_button.note() == "about 6 s"


def test_opening_a_result_goes_to_its_document(studio: Studio) -> None:
    tab = write(studio)
    document = tab.text.document
    assert document is not None
    studio.wait(lambda: bool(document.versions[0].item))
    item = studio.services.library.item(document.versions[0].item)
    assert item is not None
    tab.text.new()
    tab.open_item(item)
    assert tab.text.document is document


def test_a_recipe_fills_the_form_and_runs_nothing(studio: Studio) -> None:
    tab = write(studio)
    document = tab.text.document
    assert document is not None
    studio.wait(lambda: bool(document.versions[0].item))
    recipe = studio.services.library.recipe(document.versions[0].item)
    jobs = len(studio.services.queue.jobs())
    tab.text.new()
    tab.write_panel.prompt.set_text("")
    tab.restore(recipe)
    assert "A keeper finds a letter." in tab.write_panel.prompt.text()
    assert tab.write_panel.form.value("seed") == recipe.params["seed"]
    assert len(studio.services.queue.jobs()) == jobs


def test_popovers_close_and_templates_are_chosen(studio: Studio) -> None:
    tab = tab_of(studio)
    tab.write_panel.open_templates()
    studio.spin(20)
    popover = tab.write_panel._popover
    assert popover is not None
    assert popover.isVisible()
    QTest.keyClick(popover, Key.Key_Escape)
    tab.picker.open_list()
    studio.spin(20)
    popover = tab.picker._popover
    assert popover is not None
    QTest.keyClick(popover, Key.Key_Escape)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    tab.write_panel.choose_template("go-on")
    assert str(tab.write_panel.task()) == "continue"
    assert tab.write_panel.way.current() == "continue"
