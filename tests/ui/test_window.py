"""The window around a tab: rooms, queue, palette, settings, drops, closing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from studio.core import i18n
from studio.core.errors import AtelierError
from studio.core.jobs import JobState, Medium
from studio.core.messages import Hung
from studio.core.recipe import Recipe
from studio.core.settings import Settings
from studio.documents import store
from studio.media import carriers
from studio.ui.notices import Notices
from studio.ui.tabs.base import Payload
from studio.ui.theme import theme_of
from studio.ui.welcome import WelcomeSheet
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.dialogs import Dialog
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.plays import STORY, Writing, fails
from tests.fakes.stub_tab import STUB, StubTab
from tests.fakes.studio import Studio

Key = Qt.Key
LONG = " ".join([STORY] * 8)


def no_room(path: Path, _data: bytes) -> None:
    raise AtelierError("disk-full", {"path": str(path)})


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    studio = Studio(tmp_path, tabs=(STUB,))
    yield studio
    studio.close()
    i18n.set_language("en")


def tab_of(studio: Studio) -> StubTab:
    return cast(StubTab, studio.window.tab)


def write_slowly(studio: Studio, jobs: int = 1) -> list[str]:
    """Jobs of which the first stands still after 40 words."""
    studio.engine.play = Writing(LONG, words_per_second=2000, pause_at=40)
    ids = [studio.submit(f"Text {number}", words="250").id for number in range(jobs)]
    studio.wait(lambda: studio.window.model.live.words >= 40)
    return ids


def test_three_columns_stand_as_in_the_design(studio: Studio) -> None:
    window, tab = studio.window, tab_of(studio)
    metric = theme_of(window).metric
    assert window.top.height() == metric("layout.topBar")
    assert window.rail.width() == metric("layout.rail")
    assert window.strip.height() == metric("layout.queueStrip")
    assert tab.inspector.width() == metric("layout.inspector.default")
    assert tab.history is not None
    assert tab.history.width() == metric("layout.history")
    assert tab.stage.isVisible()


def test_history_is_a_drawer_in_a_narrow_window(studio: Studio) -> None:
    window, tab = studio.window, tab_of(studio)
    assert tab.history is not None
    assert tab.history_button is not None
    assert not tab.history_button.isVisible()
    window.resize(1024, 700)
    studio.spin(20)
    assert not tab.history.isVisible()
    tab.history_button.click()
    assert tab.history.isVisible()
    assert window.columns is not None
    assert tab.history.mapTo(window, tab.history.rect().topRight()).x() == window.width() - 1
    QTest.keyClick(tab.history, Key.Key_Escape)
    assert not tab.history.isVisible()
    window.resize(1440, 900)
    studio.spin(20)
    assert tab.history.isVisible()
    assert not tab.history_button.isVisible()


def test_strip_shows_the_running_job_and_stops_it(studio: Studio) -> None:
    strip = studio.window.strip
    assert strip._title.text() == "Ready"
    write_slowly(studio, jobs=3)
    assert strip._title.text() == "Text 0"
    assert strip._words.text() == "40 of about 250 words"
    assert strip._waiting.text() == "2 waiting"
    assert 0 < (strip._line.fraction() or 0) < 1
    strip.pause.click()
    studio.wait(lambda: studio.services.queue.paused)
    strip.cancel.click()
    studio.wait(lambda: studio.window.model.running is None)
    studio.wait(lambda: strip._words.text() == "Stopped")
    assert strip._waiting.text() == "On hold · 2 waiting"


def test_panel_reorders_removes_and_tries_again(studio: Studio) -> None:
    ids = write_slowly(studio, jobs=4)
    window = studio.window
    window.toggle_queue()
    panel = window._panel
    assert panel is not None
    assert [job.id for job in panel.now.jobs.jobs] == ids
    panel.now.setCurrentIndex(panel.now.jobs.index(3))
    QTest.keyClick(panel.now, Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    studio.wait(lambda: [job.id for job in panel.now.jobs.jobs] == [ids[0], ids[1], ids[3], ids[2]])
    assert panel.now.job is not None
    assert panel.now.job.id == ids[3]
    data = panel.now.jobs.mimeData([panel.now.jobs.index(3)])
    panel.now.jobs.dropMimeData(data, Qt.DropAction.MoveAction, 1, 0, panel.now.rootIndex())
    studio.wait(lambda: [job.id for job in panel.now.jobs.jobs] == [ids[0], ids[2], ids[1], ids[3]])
    panel.now.setCurrentIndex(panel.now.jobs.index(1))
    QTest.keyClick(panel.now, Key.Key_Delete)
    studio.wait(lambda: ids[2] not in [job.id for job in panel.now.jobs.jobs])
    studio.wait(lambda: ids[2] in [job.id for job in panel.past.jobs.jobs])
    studio.wait(lambda: panel.past.jobs.jobs[0].state == JobState.CANCELLED)
    panel.past.setCurrentIndex(panel.past.jobs.index(0))
    QTest.keyClick(panel.past, Key.Key_Return)
    studio.wait(lambda: len(panel.now.jobs.jobs) == 4)
    assert window.toasts._bottom == panel.height() + window.strip.height()


def test_double_click_shows_what_a_job_belongs_to(studio: Studio) -> None:
    write_slowly(studio)
    studio.window.toggle_queue()
    panel = studio.window._panel
    assert panel is not None
    panel.now.doubleClicked.emit(panel.now.jobs.index(0))
    assert tab_of(studio).told("job") == [{"words": "250"}]


def test_failed_job_is_told_once_with_a_way_on(studio: Studio) -> None:
    studio.engine.play = fails("out-of-memory", "llama_decode: -3", device="CPU")
    studio.submit()
    studio.wait(lambda: bool(studio.window.toasts.toasts()))
    (toast,) = studio.window.toasts.toasts()
    assert toast.kind() == "error"
    assert toast.words().startswith("There was not enough memory on CPU.")
    studio.engine.play = Writing()
    again = next(button for button in toast.findChildren(QPushButton) if button.text() == "Try again")
    again.click()
    studio.wait(lambda: any(job.state == JobState.FILED for job in studio.window.model.past))
    assert studio.window.toasts.toasts() == []


def test_engine_that_gave_up_is_started_again_from_the_strip(studio: Studio) -> None:
    for _number in range(3):
        studio.engine.crash()
    strip = studio.window.strip
    studio.wait(strip.restart.isVisible)
    strip.restart.click()
    studio.wait(lambda: strip.restart.isHidden())
    assert strip._title.text() == "Ready"


def test_silent_engine_is_asked_about_and_nothing_is_stopped(studio: Studio) -> None:
    (job,) = write_slowly(studio)
    bridge, window = studio.services.bridge, studio.window
    bridge.hung.emit(Hung(job, "step", 32.0))
    dialog = window.findChild(Dialog)
    assert dialog is not None
    assert dialog.panel.buttons["wait"].hasFocus()
    bridge.unhung.emit(job)
    studio.spin(20)
    assert window.findChild(Dialog) is None
    assert window.model.running is not None
    bridge.hung.emit(Hung(job, "step", 32.0))
    dialog = window.findChild(Dialog)
    assert dialog is not None
    dialog.panel.buttons["stop"].click()
    studio.wait(lambda: window.model.running is None)


def test_palette_finds_commands_results_and_models(studio: Studio) -> None:
    studio.engine.play = Writing()
    studio.submit("The Lamp at Gull Point")
    studio.wait(lambda: bool(studio.window.model.past))
    window, tab = studio.window, tab_of(studio)
    QTest.keyClick(window, Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window._palette
    assert palette is not None
    assert palette.isVisible()
    assert palette._field.hasFocus()
    QTest.keyClicks(palette._field, "exm")
    assert palette._current() is not None
    QTest.keyClick(palette._field, Key.Key_Return)
    assert tab.told("export") == [None]
    assert not palette.isVisible()
    assert tab.editor.hasFocus()
    window.open_palette()
    QTest.keyClicks(palette._field, "gull")
    studio.wait(lambda: any(entry.title == "The Lamp at Gull Point" for entry in palette._model.entries))
    QTest.keyClick(palette._field, Key.Key_Return)
    assert [item.title for item in tab.told("item")] == ["The Lamp at Gull Point"]
    window.open_palette()
    QTest.keyClicks(palette._field, "smol")
    while palette._current() is not None and palette._current().icon != "cube":  # type: ignore[union-attr]
        QTest.keyClick(palette._field, Key.Key_Down)
    QTest.keyClick(palette._field, Key.Key_Return)
    assert tab.told("model") == ["smollm2-135m-instruct"]
    window.open_palette()
    QTest.keyClicks(palette._field, "zzqx")
    assert palette._nothing.isVisible()
    QTest.keyClick(palette._field, Key.Key_Escape)
    assert not palette.isVisible()


def test_shortcuts_of_a_tab_work_in_it(studio: Studio) -> None:
    ctrl_shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(tab_of(studio).editor, Key.Key_E, ctrl_shift)
    assert tab_of(studio).told("export") == [None]


def test_projects_are_made_renamed_and_switched(studio: Studio) -> None:
    window = studio.window
    window.projects.create()
    dialog = window.findChild(Dialog)
    assert dialog is not None
    field = dialog.focusWidget() or dialog.panel.focusWidget()
    assert field is not None
    QTest.keyClick(field, Key.Key_Return)
    assert dialog.isVisible()
    QTest.keyClicks(field, "Lantern Festival")
    QTest.keyClick(field, Key.Key_Return)
    assert window.top.project.text() == "Lantern Festival"
    assert window.windowTitle() == "Lantern Festival – Atelier"
    assert tab_of(studio).told("project") == [window.project]
    assert Settings().values.project == window.project
    assert len(studio.services.library.projects()) == 2


def test_language_switch_makes_the_window_anew_and_keeps_its_state(studio: Studio) -> None:
    tab_of(studio).editor.setPlainText("It began without a greeting.")
    old, geometry = studio.window, studio.window.geometry()
    old.open_settings("general")
    studio.settings.update(language="zh_CN")
    studio.wait(lambda: studio.window is not old)
    assert i18n.language() == "zh_CN"
    assert tab_of(studio).editor.toPlainText() == "It began without a greeting."
    assert studio.window.sheet_page() == "general"
    assert studio.window.geometry() == geometry
    assert [window for window in QApplication.topLevelWidgets() if window.isVisible()] == [studio.window]


def test_theme_and_motion_take_effect_at_once(studio: Studio) -> None:
    theme = theme_of(studio.window)
    studio.settings.update(theme="dark", reduce_motion="off")
    assert theme.is_dark
    assert theme.motion("panel") > 0
    studio.settings.update(theme="light", reduce_motion="on")
    assert not theme.is_dark
    assert theme.motion("panel") == 0


def test_another_results_folder_is_used_at_once(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "结果 here"
    folder.mkdir()
    studio.program.use_results(str(folder))
    studio.wait(lambda: bool(studio.services.bridge.models))
    studio.submit("A text")
    studio.wait(lambda: bool(studio.services.library.items()))
    assert studio.services.library.items()[0].path.is_relative_to(folder)


def test_welcome_ends_with_the_first_sample(qapp: QApplication, tmp_path: Path) -> None:
    studio = Studio(tmp_path, tabs=(STUB,), welcomed=False)
    try:
        sheet = studio.window.sheet
        assert isinstance(sheet, WelcomeSheet)
        assert "Fake CPU" in sheet._device.text()
        QTest.keyClick(sheet, Key.Key_Escape)
        assert sheet.isVisible()
        assert sheet.start.hasFocus()
        sheet.start.click()
        assert tab_of(studio).told("sample") == [None]
        assert Settings().values.welcomed
    finally:
        studio.close()


def test_sheets_keep_the_keyboard_inside(studio: Studio) -> None:
    window = studio.window
    window.open_settings()
    sheet = window.sheet
    assert sheet is not None
    seen = set()
    for _number in range(60):
        focused = window.focusWidget()
        assert focused is not None
        assert sheet.isAncestorOf(focused)
        seen.add(focused)
        QTest.keyClick(focused, Key.Key_Tab)
    assert len(seen) > 5
    QTest.keyClick(window.focusWidget(), Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window._palette is None
    QTest.keyClick(window.focusWidget(), Key.Key_Escape)
    assert window.sheet is None
    assert tab_of(studio).editor.hasFocus()


def test_report_is_saved_and_trouble_said(studio: Studio, tmp_path: Path) -> None:
    studio.window.open_help()
    from studio.ui.help import HelpSheet

    sheet = studio.window.sheet
    assert isinstance(sheet, HelpSheet)
    target = tmp_path / "report.zip"
    sheet.save_report(target)
    studio.wait(target.exists)
    studio.wait(sheet._saved.isVisible)
    sheet.save_report(tmp_path / "nowhere" / "report.zip")
    studio.wait(lambda: sheet._message.isVisible())


def test_dropped_files_restore_open_or_are_refused_in_words(studio: Studio, tmp_path: Path) -> None:
    window, tab = studio.window, tab_of(studio)
    made = tmp_path / "made.txt"
    made.write_text("It began.", encoding="utf-8")
    recipe = Recipe(Medium.TEXT, "gguf", 1, "smollm2-135m-instruct", "instruct", {"prompt": "A lamp"})  # type: ignore[arg-type]
    carriers.embed(made, recipe)
    window.drop_files([made])
    studio.wait(lambda: bool(tab.told("restore")))
    assert tab.told("restore")[0].params == {"prompt": "A lamp"}
    plain = tmp_path / "手稿.md"
    plain.write_bytes("灯会".encode("gb18030"))
    window.drop_files([plain])
    studio.wait(lambda: bool(tab.told("text")))
    assert tab.told("text") == [("手稿", "灯会")]
    for toast in window.toasts.toasts():
        window.toasts.remove(toast)
    other = tmp_path / "song.xyz"
    other.write_bytes(b"\0\1")
    window.drop_files([other])
    studio.wait(lambda: bool(window.toasts.toasts()))
    assert "no recipe" in window.toasts.toasts()[-1].words()
    window.drop_files([made, plain])
    assert "one file" in window.toasts.toasts()[-1].words()


def test_results_can_be_sent_to_a_tab(studio: Studio) -> None:
    window = studio.window
    (target,) = window.targets(Medium.TEXT)
    assert window.targets(Medium.IMAGE) == []
    payload = Payload(Medium.TEXT, "A title", "Words")
    window.send(target.id, payload)
    assert tab_of(studio).told("accept") == [("text.write", payload)]


def test_models_are_unloaded_from_the_device_popover(studio: Studio) -> None:
    studio.engine.play = Writing()
    studio.submit()
    studio.wait(lambda: bool(studio.services.client.device and studio.services.client.device.loaded))
    studio.spin(50)
    studio.window.open_device()
    popover = studio.window._popover
    assert popover is not None
    popover.findChild(QPushButton).click()  # type: ignore[union-attr]
    studio.wait(lambda: not studio.services.client.device.loaded)  # type: ignore[union-attr]
    studio.spin(50)
    assert popover.findChildren(QPushButton) == [] or popover.isHidden()


def test_closing_asks_while_a_job_runs_and_keeps_the_queue(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = write_slowly(studio, jobs=2)
    answers = iter(("keep", "go"))
    monkeypatch.setattr(Dialog, "ask", lambda *_arguments, **_named: next(answers))
    stay = QCloseEvent()
    QApplication.sendEvent(studio.window, stay)
    assert not stay.isAccepted()
    go = QCloseEvent()
    QApplication.sendEvent(studio.window, go)
    assert go.isAccepted()
    studio.engine.release()
    studio.close()
    again = Studio(Path(studio.settings.path).parent.parent, tabs=(STUB,), engine=FakeEngine(Writing()))
    try:
        again.wait(lambda: any(job.id == ids[1] and job.state == JobState.FILED for job in again.window.model.past))
        assert any(job.id == ids[0] and job.state == JobState.INTERRUPTED for job in again.window.model.past)
        assert "interrupted" in again.window.toasts.toasts()[0].words()
    finally:
        again.close()


def test_nothing_unsaved_is_left_without_a_question(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, document = studio.window, studio.services.documents.create("text", title="The lamp")
    asked: list[str] = []

    def ask(_window: object, title: str, body: str, *_rest: object, **_named: object) -> str:
        asked.append(f"{title} {body}")
        return "keep"

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_bytes", no_room)
        patch.setattr(Dialog, "ask", ask)
        document.replace_range(0, 0, "Only here.", "Typing")
        studio.program.use_results(str(tmp_path / "other"))
        close = QCloseEvent()
        QApplication.sendEvent(window, close)
    assert not close.isAccepted()
    assert studio.window is window
    assert document.body == "Only here."
    assert len(asked) == 2
    assert all("The lamp" in words and "disk is full" in words for words in asked)
    assert studio.services.documents.save_all() == []


def test_a_full_disk_is_told_once_with_a_way_on(studio: Studio) -> None:
    inner = studio.services.library.results / ".staging" / "abc" / "text.txt"
    studio.engine.play = fails("disk-full", path=str(inner))
    first, second = studio.submit("One"), studio.submit("Two")
    strip, toasts, queue = studio.window.strip, studio.window.toasts.toasts, studio.services.queue
    studio.wait(lambda: queue.paused and bool(toasts()) and studio.window.model.held is not None)
    (card,) = toasts()
    assert card.words() == "On hold: the disk is full. Free some space, then press Go on."
    assert strip._title.text() == "On hold: the disk is full."
    assert strip._words.text() == "Free some space, then press Go on."
    assert not strip.go_on.isHidden()
    job = queue.job(first.id)
    assert job is not None and job.failure is not None
    assert str(AtelierError("disk-full", dict(job.failure.arguments))).startswith(
        f"The disk is full: {studio.services.library.results}."
    )
    strip.go_on.click()  # there is still no room
    studio.wait(lambda: queue.held is not None and second.id in {job.id for job in studio.window.model.past})
    studio.wait(lambda: len(toasts()) == 1)
    studio.engine.play = Writing()
    next(button for button in toasts()[0].findChildren(Button) if button.text() == "Go on").click()
    studio.wait(lambda: [job.state for job in studio.window.model.past].count(JobState.FILED) == 1)
    assert not toasts() and strip.go_on.isHidden() and not queue.paused


def test_tab_that_cannot_save_keeps_the_window_open(studio: Studio) -> None:
    tab_of(studio).may_close = False
    close = QCloseEvent()
    QApplication.sendEvent(studio.window, close)
    assert not close.isAccepted()
    assert studio.window.isVisible()


def test_geometry_and_tabs_are_remembered(studio: Studio, tmp_path: Path) -> None:
    tab_of(studio).editor.setPlainText("Kept.")
    studio.window.resize(1300, 820)
    studio.window.toggle_inspector()
    studio.window.close()
    assert Settings().values.window
    studio.close()
    again = Studio(tmp_path, tabs=(STUB,), size=(1300, 820))
    try:
        assert tab_of(again).editor.toPlainText() == "Kept."
        assert not tab_of(again).inspector.isVisible()
    finally:
        again.close()


def test_what_is_shown_is_written_down_at_once(studio: Studio) -> None:
    tab = tab_of(studio)
    tab.editor.setPlainText("Kept.")
    tab.state_changed.emit()
    studio.wait(lambda: (Settings().values.last or {}).get("tab-text") == {"body": "Kept."})
    assert (Settings().values.last or {})["tab"] == "text"


def test_the_inspector_keeps_its_width(studio: Studio, tmp_path: Path) -> None:
    columns = studio.window.columns
    assert columns is not None
    inspector = columns.tab.inspector
    usual, widest = (theme_of(inspector).metric(f"layout.inspector.{name}") for name in ("default", "max"))
    assert inspector.width() == usual
    columns._splitter.moveSplitter(widest, 1)
    columns._splitter.splitterMoved.emit(widest, 1)
    studio.spin(20)
    assert inspector.width() == widest
    studio.close()
    again = Studio(tmp_path, tabs=(STUB,))
    try:
        again.spin(20)
        assert tab_of(again).inspector.width() == widest
        again.window.resize(1024, 700)
        again.spin(20)
        assert tab_of(again).inspector.width() < widest
        again.window.resize(1440, 900)
        again.spin(20)
        assert tab_of(again).inspector.width() == widest
    finally:
        again.close()


def test_palette_finds_conversations(studio: Studio) -> None:
    chat = studio.services.documents.create("chat", title="About lanterns")
    chat.say("Who folds them?")
    studio.services.documents.save(chat)
    studio.window.open_palette()
    palette = studio.window._palette
    assert palette is not None
    palette._field.setText("lanterns")
    studio.spin(300)
    (entry,) = [entry for entry in palette._model.entries if entry.title == "About lanterns"]
    assert entry.detail == "My project"
    assert entry.run is not None
    entry.run()
    assert tab_of(studio).told("job") == [{"kind": "chat", "document": chat.id}]


def test_uncaught_exception_is_told_and_the_window_goes_on(studio: Studio) -> None:
    studio.program.crashed.emit("Traceback: boom")
    studio.program.crashed.emit("Traceback: boom")
    studio.spin(20)
    (toast,) = studio.window.toasts.toasts()
    assert toast.kind() == "error"
    assert toast.words().startswith("Something went wrong inside Atelier.")


def test_problems_of_the_start_are_told(qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.json").write_text("{broken", encoding="utf-8")
    studio = Studio(tmp_path, tabs=(STUB,))
    try:
        studio.wait(lambda: bool(studio.window.toasts.toasts()))
        assert studio.window.toasts.toasts()[0].words().startswith("Your settings could not be read.")
    finally:
        studio.close()


def test_error_is_shown_with_both_sentences(studio: Studio) -> None:
    studio.window.show_error(AtelierError("disk-full", {"path": "/x"}))
    words = studio.window.toasts.toasts()[0].words()
    assert words == str(AtelierError("disk-full", {"path": "/x"}))


def test_window_imports_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys, studio.ui.program, studio.ui.settings, studio.ui.palette.view, studio.ui.queue.panel\n"
        "heavy = {'torch', 'transformers', 'diffusers', 'onnxruntime', 'ctranslate2', 'xllamacpp', 'accelerate'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_interrupted_jobs_are_told_once_and_not_those_of_the_command_line(studio: Studio) -> None:
    ids = write_slowly(studio)
    own = studio.services.queue.job(ids[0])
    assert own is not None
    typed = replace(own, id="b", request=replace(own.request, origin={"part": "command"}), state=JobState.INTERRUPTED)
    model, window = studio.window.model, studio.window
    model.past = [typed]
    model.changed.emit()
    assert window.toasts.toasts() == []
    model.past = [typed, replace(own, state=JobState.INTERRUPTED)]
    model.changed.emit()
    (toast,) = window.toasts.toasts()
    assert toast.words().startswith("1 job was interrupted.")
    toast.close_toast()
    again = Notices(window)
    model.changed.emit()
    assert window.toasts.toasts() == [] and not again.interrupted_told
    studio.engine.release()


def test_a_warning_goes_away_by_itself_and_an_error_stays(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme_of(studio.window), "motion", lambda name: 20 if name == "toastHold" else 0)
    studio.window.toast("A warning.", kind="warning", detail="More.")
    studio.window.toast("An error.", kind="error")
    studio.wait(lambda: [toast.kind() for toast in studio.window.toasts.toasts()] == ["error"])
    studio.spin(150)
    assert len(studio.window.toasts.toasts()) == 1
