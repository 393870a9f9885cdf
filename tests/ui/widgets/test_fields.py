"""Fields, sliders, prompt: typing, stepping, limits, errors, names and values."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QAccessible, QFontMetrics, QTextCursor
from PySide6.QtWidgets import QApplication, QScrollArea

from studio.core.params import SEED_MAX
from studio.ui.widgets.fields import ComboField, FieldMessage, NumberField, SeedField, TextField
from studio.ui.widgets.prompt import PromptEdit
from studio.ui.widgets.sliders import SliderRow, SlimSlider

SHIFT = Qt.KeyboardModifier.ShiftModifier


def paste(field, text: str) -> None:
    """As typed: QTest knows the keys of ASCII only."""
    QApplication.clipboard().setText(text)
    field.paste()


def test_error_shows_and_is_told(theme, show):
    field, message = TextField("x", name="Width"), FieldMessage()
    field.error_changed.connect(message.set_text)
    show(field, message)
    plain = field.grab().toImage()
    assert not message.isVisible()
    field.set_error("Width can be 256 to 1024 with this model.")
    assert message.isVisible()
    assert field.accessibleDescription() == message.text() == "Width can be 256 to 1024 with this model."
    assert field.grab().toImage() != plain
    field.set_error("")
    assert not message.isVisible()
    assert field.grab().toImage() == plain


def test_states_of_a_field_look_different(theme, show):
    field, other = TextField("512", name="Width"), TextField(name="Height")
    show(other, field)
    other.setFocus()
    rest = field.grab().toImage()
    field.setFocus()
    focused = field.grab().toImage()
    field.setEnabled(False)
    disabled = field.grab().toImage()
    theme.apply("light")
    light = field.grab().toImage()
    assert all(a != b for a, b in ((rest, focused), (rest, disabled), (disabled, light)))


@pytest.mark.parametrize(
    ("typed", "value"), [("12", 12), ("1 000", 1000), ("−5", -5), ("7 px", 7), ("3.6", 4), ("1e3", 1000)]
)
def test_numbers_people_type(theme, qtbot, typed, value):
    field = NumberField(1, -10, 2000, suffix=" px")
    qtbot.addWidget(field)
    field.clear()
    paste(field, typed)
    assert (field.value(), field.error()) == (value, "")


@pytest.mark.parametrize("typed", ["", "abc", "9000", "1.2.3", "nan", "inf", "٣x"])
def test_wrong_numbers_get_a_sentence_and_keep_the_last_good_one(show, qtbot, typed):
    field, other = NumberField(28, 1, 60, name="Steps"), TextField(name="other")
    show(field, other)
    field.setFocus()
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    paste(field, typed)
    if typed:
        assert field.error() == "Enter a number from 1 to 60."
    other.setFocus()
    assert field.error() == ""
    assert field.text() == ("60" if typed == "9000" else "28")


def test_number_steps_by_keys(show, qtbot):
    field = NumberField(0.5, 0, 2, step=0.1, decimals=2, suffix=" s")
    show(field)
    field.setFocus()
    seen = []
    field.value_changed.connect(seen.append)
    for key, modifier in ((Qt.Key.Key_Up, None), (Qt.Key.Key_Down, SHIFT), (Qt.Key.Key_PageUp, None)):
        qtbot.keyClick(field, key, modifier or Qt.KeyboardModifier.NoModifier)
    assert seen == [0.6, 0.59, 1.59]
    assert field.text() == "1.59 s"


def test_seed(show, qtbot):
    seed = SeedField(284190377, True)
    show(seed)
    assert seed.field.text() == "284 190 377"
    assert seed.is_locked()
    with qtbot.waitSignal(seed.value_changed, timeout=500):
        qtbot.mouseClick(seed.dice, Qt.MouseButton.LeftButton)
    assert 0 <= seed.value() <= SEED_MAX
    with qtbot.waitSignal(seed.lock_changed, timeout=500) as signal:
        qtbot.mouseClick(seed.lock, Qt.MouseButton.LeftButton)
    assert signal.args == [False]
    seed.field.clear()
    qtbot.keyClicks(seed.field, "42")
    assert seed.value() == 42
    for bad in ("x", "99999999999999999999"):
        seed.field.clear()
        qtbot.keyClicks(seed.field, bad)
        assert seed.field.error()
    assert all(widget.accessibleName() for widget in (seed.field, seed.lock, seed.dice))


def test_choice_from_a_list(theme, show, qtbot):
    combo = ComboField([("a", "Eighth"), ("b", "Quarter"), ("c", "十六分音符")], "b", "Snap")
    show(combo)
    assert combo.current() == "b"
    combo.setFocus()
    with qtbot.waitSignal(combo.changed, timeout=500) as signal:
        qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert signal.args == ["c"]
    assert combo.accessibleName() == "Snap"
    assert combo.sizeHint().width() >= QFontMetrics(combo.font()).horizontalAdvance("十六分音符") + 32
    dark = combo.grab().toImage()
    theme.apply("light")
    assert combo.grab().toImage() != dark


def test_slider_row_keeps_slider_and_field_together(show, qtbot):
    row = SliderRow("Freedom", 0, 1.5, 0.8, step=0.1, decimals=1)
    show(row)
    seen = []
    row.value_changed.connect(seen.append)
    row.slider.setFocus()
    qtbot.keyClick(row.slider, Qt.Key.Key_Right)
    assert (row.value(), row.field.text(), seen) == (0.9, "0.9", [0.9])
    row.field.setFocus()
    row.field.selectAll()
    qtbot.keyClicks(row.field, "1.2")
    assert row.value() == row.slider.number() == 1.2
    row.set_value(99)
    assert row.value() == 1.5
    row.set_range(0, 1)
    assert row.value() == row.slider.number() == row.field.value() == 1
    assert row.slider.accessibleName() == row.field.accessibleName() == "Freedom"
    assert row.slider.accessibleDescription() == "1.0"
    assert isinstance(seen[-1], float)


def test_typing_beyond_the_range_says_so(show, qtbot):
    row, other = SliderRow("Words", 20, 1000, 300), TextField(name="other")
    show(row, other)
    height = row.height()
    row.field.setFocus()
    row.field.selectAll()
    qtbot.keyClicks(row.field, "5000")
    assert row.message.text() == "Enter a number from 20 to 1000."
    other.setFocus()
    assert (row.value(), row.field.text()) == (1000, "1000")
    assert row.message.text() == "1000 is the most that can be set here."
    qtbot.waitUntil(lambda: row.height() > height, timeout=1000)
    row.slider.setFocus()
    qtbot.keyClick(row.slider, Qt.Key.Key_Left)
    assert row.message.text() == "" and row.message.isHidden()
    row.field.setFocus()
    row.field.selectAll()
    qtbot.keyClicks(row.field, "3")
    qtbot.keyClick(row.field, Qt.Key.Key_Return)
    assert row.message.text() == "20 is the least that can be set here."


def test_whole_numbers_stay_whole(show, qtbot):
    row = SliderRow("Words", 1, 800, 500)
    show(row)
    with qtbot.waitSignal(row.value_changed, timeout=500) as signal:
        qtbot.keyClick(row.slider, Qt.Key.Key_PageUp)
    assert signal.args == [510]
    assert isinstance(signal.args[0], int)
    face = QAccessible.queryAccessibleInterface(row.slider)
    assert face.role() == QAccessible.Role.Slider
    assert face.valueInterface().currentValue() == 510


def test_slider_by_mouse(show, qtbot):
    slider = SlimSlider(50, 0, 100, name="Steps")
    show(slider)
    middle = slider.height() // 2
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(7 + (slider.width() - 14) // 4, middle))
    assert slider.number() == pytest.approx(25, abs=1)
    qtbot.mouseMove(slider, QPoint(slider.width() - 2, middle))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() - 2, middle))
    assert slider.number() == 100
    qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(20, middle))
    assert slider.number() == 50


def test_slider_states_look_different(theme, show):
    slider, other = SlimSlider(50, 0, 100, name="Steps"), TextField(name="other")
    show(other, slider)
    other.setFocus()
    rest = slider.grab().toImage()
    slider.setFocus()
    assert slider.grab().toImage() != rest
    other.setFocus()
    assert slider.grab().toImage() == rest
    slider.setEnabled(False)
    assert slider.grab().toImage() != rest
    slider.setEnabled(True)
    slider.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    slider.set_number(20)
    assert slider.grab().toImage() != rest


def test_logarithmic_slider(theme, qtbot):
    slider = SlimSlider(100, 1, 10000, logarithmic=True)
    qtbot.addWidget(slider)
    assert slider.fraction() == pytest.approx(0.5)
    slider.setValue(750)
    assert slider.number() == pytest.approx(1000, rel=0.01)
    with pytest.raises(ValueError, match="minimum"):
        SlimSlider(1, 0, 10, logarithmic=True)


@given(value=st.floats(-1e6, 1e6, allow_nan=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_any_value_lands_in_the_range(theme, value):
    slider = SlimSlider(0, -2, 2, decimals=2)
    slider.set_number(value)
    assert -2 <= slider.number() <= 2
    assert 0 <= slider.fraction() <= 1


def test_prompt_grows_and_stops_growing(show, qtbot):
    prompt = PromptEdit("Prompt", min_lines=3, max_lines=6)
    show(prompt, height=600)
    start = prompt.sizeHint().height()
    prompt.set_text("one\ntwo\nthree\nfour\nfive")
    qtbot.waitUntil(lambda: prompt.sizeHint().height() == start + 40, timeout=1000)
    prompt.set_text("line\n" * 100)
    qtbot.waitUntil(lambda: prompt.sizeHint().height() == start + 60, timeout=1000)


def test_prompt_text_counter_tools_and_error(theme, show, qtbot):
    prompt = PromptEdit("Prompt", "Describe it")
    show(prompt)
    prompt.set_counter("14 / 77 tokens")
    assert prompt.counter.isVisible()
    tool = prompt.add_tool("bookmark-simple", "Save as a preset")
    with qtbot.waitSignal(tool.clicked, timeout=500):
        qtbot.mouseClick(tool, Qt.MouseButton.LeftButton)
    prompt.set_error("The prompt is empty.")
    assert prompt.edit.accessibleDescription() == prompt.error() == "The prompt is empty."
    prompt.setFocus()
    with qtbot.waitSignal(prompt.text_changed, timeout=500) as signal:
        qtbot.keyClicks(prompt.edit, "A")
    assert signal.args == ["A"]
    assert prompt.error() == "", "typing takes the error away"
    prompt.set_text("Another")
    prompt.edit.undo()
    assert prompt.text() == "A"
    assert prompt.edit.accessibleName() == "Prompt"


def test_what_is_pasted_into_the_prompt_is_cleaned(show, qtbot):
    prompt = PromptEdit("Prompt", text="Say ")
    show(prompt)
    prompt.edit.moveCursor(QTextCursor.MoveOperation.End)
    data = QMimeData()
    data.setText("a\x00 lamp\x1b\r\nhere")
    with qtbot.waitSignal(prompt.cleaned, timeout=500) as signal:
        prompt.edit.insertFromMimeData(data)
    assert signal.args == [2]
    assert prompt.text() == "Say a lamp\nhere"
    prompt.edit.undo()
    assert prompt.text() == "Say "


@pytest.mark.parametrize("width", [240, 320])
def test_the_sentence_below_a_tall_prompt_is_shown_whole(show, qtbot, width):
    prompt = PromptEdit("Prompt", text="line\n" * 30, max_lines=9)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFixedSize(width, 220)
    area.setWidget(prompt)
    show(area)
    prompt.set_error("The text holds characters that cannot be used, and these are many words about them. " * 2)
    label = prompt._message._label

    def seen() -> bool:
        top = label.mapTo(area.viewport(), QPoint(0, 0)).y()
        return top >= 0 and top + label.height() <= area.viewport().height()

    qtbot.waitUntil(seen, timeout=1000)
    assert label.height() == label.heightForWidth(label.width())
    assert prompt._message.y() >= prompt._frame.geometry().bottom()


def test_tab_leaves_the_prompt(show, qtbot):
    prompt, field = PromptEdit("Prompt"), TextField(name="next")
    show(prompt, field)
    prompt.setFocus()
    qtbot.keyClick(prompt.edit, Qt.Key.Key_Tab)
    assert field.hasFocus()
    assert prompt.text() == ""
