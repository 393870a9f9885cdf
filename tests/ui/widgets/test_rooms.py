"""Folds, meters, model picker, header, empty state, versions, toasts, dialogs."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QCursor, QFontMetrics, QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QStyleOptionViewItem, QWidget

from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.chips import Chip
from studio.ui.widgets.dialogs import Choice, Dialog
from studio.ui.widgets.fields import TextField
from studio.ui.widgets.folds import FoldSection
from studio.ui.widgets.meters import ContextMeter, MemoryGauge, ProgressLine, Segment
from studio.ui.widgets.models import STATES, ModelPickerButton
from studio.ui.widgets.paint import ElidedLabel
from studio.ui.widgets.rooms import EmptyState, HeaderBar, LogoMark, Sample, SampleButton, SearchButton
from studio.ui.widgets.toasts import WIDTH, ToastHost
from studio.ui.widgets.versions import Role, VersionList

TRASH = (Choice("keep", "Keep"), Choice("trash", "Move to trash", "danger"))


def test_fold_by_keyboard(theme, show, qtbot):
    fold, inside = FoldSection("Advanced", "Top-p, seed"), TextField(name="Top-p")
    fold.body.addWidget(inside)
    show(fold)
    assert not inside.isVisible()
    assert fold.row.accessibleDescription() == "Top-p, seed"
    fold.row.setFocus()
    with qtbot.waitSignal(fold.toggled, timeout=500):
        qtbot.keyClick(fold.row, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: inside.isVisible() and inside.height() == 32, timeout=1000)
    fold.set_expanded(False)
    qtbot.waitUntil(lambda: not inside.isVisible(), timeout=1000)


@pytest.mark.parametrize("reduce", [True, False])
def test_fold_ends_at_its_full_height(theme, show, qtbot, monkeypatch, reduce):
    monkeypatch.setattr(theme, "reduce_motion", reduce)
    fold = FoldSection("Advanced")
    for _ in range(3):
        fold.body.addWidget(TextField(name="field"))
    show(fold)
    closed = fold.height()
    fold.set_expanded(True)
    qtbot.waitUntil(lambda: fold.height() == closed + 3 * 32 + 2 * 8 + 12, timeout=1000)


def test_progress_never_runs_backwards(theme, show):
    line = ProgressLine("text", "Writing")
    show(line)
    line.set_fraction(0.5)
    line.set_fraction(0.3)
    assert (line.fraction(), line.value()) == (0.5, 500)
    face = QAccessible.queryAccessibleInterface(line)
    assert face.role() == QAccessible.Role.ProgressBar
    assert face.text(QAccessible.Text.Name) == "Writing"
    line.reset_progress()
    assert line.fraction() == 0
    line.set_fraction(2)
    assert line.fraction() == 1


def test_unknown_progress_moves_only_while_it_is_seen(theme, show, qtbot, monkeypatch):
    monkeypatch.setattr(theme, "reduce_motion", False)
    line = ProgressLine("text")
    window = show(line)
    line.set_fraction(None)
    first = line.grab().toImage()
    qtbot.waitUntil(lambda: line.grab().toImage() != first, timeout=1000)
    window.hide()
    assert not line._timer.isActive()


def test_gauge_and_context_say_their_figures(theme, show):
    gauge, meter = MemoryGauge(), ContextMeter("Context", stacked=True)
    show(gauge, meter)
    gauge.set_memory("GPU", [Segment(2, "text.tertiary"), Segment(1.1, "medium.text")], 12, "3.1 / 12 GB", "SmolLM2")
    meter.set_context(24, 60, 160, 8192, "244 of 8,192 tokens", ["Instructions 24", "Brief 60"])
    assert (gauge.bar.accessibleName(), gauge.bar.accessibleDescription()) == ("GPU", "3.1 / 12 GB")
    assert gauge.bar.value() == 258
    assert meter.toolTip() == "Instructions 24\nBrief 60"
    assert meter.bar.accessibleDescription() == meter.figures() == "244 of 8,192 tokens"
    dark = meter.grab().toImage()
    theme.apply("light")
    assert meter.grab().toImage() != dark


@pytest.mark.parametrize("state", sorted(STATES))
@pytest.mark.parametrize("name", ["SmolLM2 135M", "通义千问三号中文写作模型加长版"])
def test_model_picker_fits_and_speaks(theme, show, qtbot, state, name):
    picker = ModelPickerButton("text")
    picker.set_model(name, "Starter · English", QPixmap(36, 36))
    picker.set_state(state)
    show(picker, width=310)
    assert picker.height() == 52
    assert name in picker.accessibleName()
    assert "Starter" in picker.accessibleDescription()
    assert picker.minimumSizeHint().width() <= 288
    picker.setFocus()
    with qtbot.waitSignal(picker.clicked, timeout=500):
        qtbot.keyClick(picker, Qt.Key.Key_Space)
    assert not picker.grab().isNull()


def test_unknown_model_state_is_a_mistake(theme, qtbot):
    picker = ModelPickerButton("text")
    qtbot.addWidget(picker)
    with pytest.raises(KeyError):
        picker.set_state("asleep")


@pytest.mark.parametrize("tone", ["neutral", "success", "info", "warning", "danger", "text", "image"])
@pytest.mark.parametrize("text", ["Needs acceptance", "需要同意许可"])
def test_chips_fit(theme, show, tone, text):
    chip = Chip(text, tone, "warning")
    show(chip)
    assert chip.sizeHint().width() >= QFontMetrics(theme.font("caption", 500)).horizontalAdvance(text) + 16 + 12
    face = QAccessible.queryAccessibleInterface(chip)
    assert face.text(QAccessible.Text.Name) == text


def test_header_shortens_its_title(theme, show):
    header = HeaderBar("A title that is much too long for so narrow a column", "Version 4", "window")
    header.add_end(IconButton("export", "Export"))
    show(header, width=240)
    title = header.findChildren(ElidedLabel)[0]
    assert header.height() == 44
    header.grab()
    assert title.toolTip() == title.text()


def test_empty_state_offers_samples(theme, show, qtbot):
    empty = EmptyState(
        "article", "Write your first page", "Start from one of these.", [Sample("A"), Sample("B", "tag")]
    )
    empty.set_samples([Sample("A fox", picture=QPixmap(32, 32)), Sample("A letter", "tag")])
    show(empty)
    buttons = [button for button in empty.findChildren(SampleButton) if button.isVisible()]
    buttons[1].setFocus()
    with qtbot.waitSignal(empty.sample_chosen, timeout=500) as signal:
        qtbot.keyClick(buttons[1], Qt.Key.Key_Space)
    assert signal.args == [1]
    dark = empty.grab().toImage()
    theme.apply("light")
    assert empty.grab().toImage() != dark


def test_search_button_and_mark(theme, show, qtbot):
    search, mark = SearchButton("Search results, models and commands"), LogoMark()
    show(search, mark)
    with qtbot.waitSignal(search.clicked, timeout=500):
        qtbot.mouseClick(search, Qt.MouseButton.LeftButton)
    assert search.accessibleDescription() == "Ctrl K"
    assert mark.accessibleName() == "Atelier"
    dark = mark.grab().toImage()
    theme.apply("light")
    assert mark.grab().toImage() != dark


@pytest.fixture
def versions(theme, show):
    model = QStandardItemModel()
    long = "The letter was folded into the lens, where no hand had reached for forty years, and then some more."
    for kind, title, excerpt, note, progress in (
        ("version", "Version 2", long, "", 0.5),
        ("version", "Version 1", "Short.", "486 words", None),
        ("version", "版本一", "信折在灯罩里，四十年来没有人的手碰到过它，直到今天早晨有人拿起来。", "二十个字", None),
        ("heading", "Earlier", "", "", None),
        ("entry", "Song of the ferry", "Lyrics", "", None),
    ):
        item = QStandardItem()
        for role, value in (
            (Role.KIND, kind),
            (Role.TITLE, title),
            (Role.TIME, "10:58"),
            (Role.EXCERPT, excerpt),
            (Role.NOTE, note),
            (Role.PROGRESS, progress),
            (Role.FAVOURITE, True),
        ):
            item.setData(value, role)
        model.appendRow(item)
    view = VersionList("Versions")
    view.setModel(model)
    view.setFixedSize(200, 500)
    show(view, height=600)
    model.setParent(view)
    return view


def test_versions_have_the_heights_of_their_content(versions):
    rows = [versions.visualRect(versions.model().index(row, 0)) for row in range(5)]
    assert [rect.height() for rect in rows] == [92, 88, 104, 40, 48]
    assert all(rect.width() == versions.viewport().width() for rect in rows)


def test_version_excerpts_are_two_lines_at_most(versions, theme):
    delegate, option = versions.itemDelegate(), QStyleOptionViewItem()
    option.rect = QRect(0, 0, 200, 100)
    option.widget = versions
    width = delegate._inner_width(option)
    for row in (0, 2):
        lines = delegate._excerpt(versions.model().index(row, 0), width)
        assert len(lines) == 2
        assert lines[1].endswith("…")
        assert all(QFontMetrics(theme.font("small")).horizontalAdvance(line) <= width + 1 for line in lines)


def test_versions_by_keyboard_and_theme(versions, theme, qtbot):
    versions.setFocus()
    versions.setCurrentIndex(versions.model().index(0, 0))
    qtbot.keyClick(versions, Qt.Key.Key_Down)
    assert versions.currentIndex().row() == 1
    dark = versions.grab().toImage()
    theme.apply("light")
    assert versions.grab().toImage() != dark


def test_toast_stands_in_the_corner_and_goes_by_itself(show, qtbot, theme, monkeypatch):
    monkeypatch.setattr(theme, "motion", lambda name: 60 if name == "toastHold" else 0)
    window = show(width=800, height=600)
    QCursor.setPos(window.mapToGlobal(QPoint(4, 4)))  # a pointer above it would hold the toast
    host = ToastHost(window, bottom=40)
    toast = host.show_toast("Exported 4 pictures to the desktop.", "success")
    assert host.isVisible()
    assert host.geometry().right() == 800 - 16 - 1
    assert host.geometry().bottom() == 600 - 40 - 16 - 1
    assert toast.width() == WIDTH
    window.resize(700, 500)
    assert host.geometry().bottom() == 500 - 40 - 16 - 1
    qtbot.waitUntil(lambda: not host.toasts(), timeout=2000)
    assert not host.isVisible()


def test_the_same_words_stand_there_once_unless_something_can_be_done(show):
    window = show(QWidget(), width=800, height=600)
    host = ToastHost(window)
    for _time in range(2):
        host.show_toast("Install it first.", "error", title="The model is not installed.")
    assert len(host.toasts()) == 1
    for _time in range(2):
        host.show_toast("Try the job again.", "error", actions=(("Try again", lambda: None),))
    assert len(host.toasts()) == 3


def test_error_toast_stays_with_actions_and_details(show, qtbot, theme, monkeypatch):
    monkeypatch.setattr(theme, "motion", lambda name: 30 if name == "toastHold" else 0)
    window = show(width=800, height=600)
    host = ToastHost(window)
    done = []
    toast = host.show_toast(
        "12 GB is there. The queue goes on.",
        "error",
        title="This picture needs more memory than the GPU has",
        actions=[("Make it at 1024", lambda: done.append(1)), ("Run slower, in parts", lambda: None)],
        details="RuntimeError: out of memory",
    )
    qtbot.wait(80)
    assert host.toasts() == [toast]
    box = toast.findChildren(QPlainTextEdit)[0]
    details = next(button for button in toast.findChildren(Button) if button.isCheckable())
    small = toast.height()
    qtbot.mouseClick(details, Qt.MouseButton.LeftButton)
    assert box.isVisible()
    qtbot.waitUntil(lambda: toast.height() >= small + 120, timeout=1000)
    copy = next(button for button in toast.findChildren(Button) if button.icon_name() == "copy")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "RuntimeError: out of memory"
    action = next(button for button in toast.findChildren(Button) if button.text() == "Make it at 1024")
    qtbot.mouseClick(action, Qt.MouseButton.LeftButton)
    assert done == [1]
    assert not host.toasts()


@pytest.mark.parametrize(
    "text", ["Exported 4 pictures to the desktop of this computer, all of them.", "已将四张图片导出到桌面。"]
)
def test_toast_words_are_not_cut_off(show, text):
    host = ToastHost(show(width=800, height=600))
    toast = host.show_toast(text, "info", actions=[("Show in folder", lambda: None)])
    assert all(child.height() >= child.heightForWidth(child.width()) for child in toast.findChildren(ElidedLabel))
    assert all(child.geometry().right() < toast.width() for child in toast.findChildren(QWidget))
    assert toast.height() >= toast.sizeHint().height()


def test_dialog_focuses_the_safe_choice_and_escape_means_it(show, qtbot):
    field = TextField(name="field")
    window = show(field, width=800, height=600)
    field.setFocus()
    dialog = Dialog(window, "Move 3 pictures to the trash?", "You can put them back.", TRASH, "keep")
    dialog.open()
    assert dialog.panel.buttons["keep"].hasFocus()
    assert dialog.geometry() == window.rect()
    with qtbot.waitSignal(dialog.finished, timeout=500) as signal:
        qtbot.keyClick(dialog.panel.buttons["keep"], Qt.Key.Key_Escape)
    assert signal.args == ["keep"]
    assert field.hasFocus(), "the keyboard goes back to where it was"


def test_dialog_keeps_the_keyboard(show, qtbot):
    field = TextField(name="field")
    window = show(field, width=800, height=600)
    dialog = Dialog(window, "Move?", "", TRASH, "keep")
    inner = TextField(name="inside")
    dialog.content.addWidget(inner)
    dialog.open()
    visited = []
    for _ in range(4):
        visited.append(QApplication.focusWidget())
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert set(visited) == {inner, *dialog.panel.buttons.values()}
    assert visited[3] is visited[0]
    dialog.choose("keep")


def test_shortcuts_rest_behind_a_dialog(show, qtbot):
    from studio.ui.widgets.buttons import GenerateButton

    run = GenerateButton("Generate")
    window = show(run, width=800, height=600)
    dialog = Dialog(window, "Move?", "", TRASH, "keep")
    dialog.open()
    with qtbot.assertNotEmitted(run.requested, wait=50):
        qtbot.keyClick(dialog.panel.buttons["keep"], Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    dialog.choose("keep")


def test_ask_waits_for_the_answer(show, qtbot):
    from PySide6.QtCore import QTimer

    window = show(width=800, height=600)
    QTimer.singleShot(50, lambda: window.findChild(Dialog).panel.buttons["trash"].click())
    assert Dialog.ask(window, "Move?", "You can put them back.", TRASH, "keep") == "trash"


@pytest.mark.parametrize(
    "body", ["You can put them back from the system trash. " * 4, "之后可以从系统回收站找回来。" * 8]
)
def test_dialog_shows_all_its_words(show, body):
    window = show(width=800, height=600)
    dialog = Dialog(window, "Move 3 pictures to the trash?", body, TRASH, "keep")
    dialog.open()
    words = dialog.panel.body
    assert words.height() >= words.heightForWidth(words.width())
    assert dialog.panel.geometry().bottom() < window.height()
    dialog.choose("keep")


def test_empty_state_gives_up_its_icon_before_it_cuts_its_samples(theme, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    empty = EmptyState("article", "Begin", "Say it.", [Sample("A letter by the sea"), Sample("Driving home")], "text")
    empty.setParent(window)
    window.resize(648, 700)
    with qtbot.waitExposed(window):
        window.show()
    layout = empty.layout()
    assert layout is not None
    empty.resize(648, 600)
    enough = layout.totalHeightForWidth(648)
    for height, icon in ((enough, True), (enough - 1, False), (enough - 40, False), (enough, True)):
        empty.resize(648, height)
        qtbot.wait(5)
        assert empty.has_icon is icon
        for button in empty.findChildren(SampleButton):
            parent = button.parentWidget()
            assert parent is not None
            assert parent.rect().contains(button.geometry())
            assert empty.rect().contains(parent.geometry())
