"""Buttons: clicks, keys, busy, sizes in both languages, and the Generate button's two lives."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from studio.ui.widgets import buttons
from studio.ui.widgets.buttons import Button, GenerateButton, IconButton

WORDS = ("Repaint the mask", "导出全部结果")
KINDS = ("primary", "secondary", "tonal", "ghost", "danger", "link")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", WORDS)
def test_words_fit(theme, qtbot, kind, words):
    button = Button(words, kind, "export", caret=True)
    qtbot.addWidget(button)
    need = QFontMetrics(button.font()).horizontalAdvance(words) + 16 + 8
    assert button.sizeHint().width() >= need
    assert button.minimumSizeHint() == button.sizeHint()


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_keys_click(show, qtbot, key):
    button = Button("Export")
    show(button)
    button.setFocus()
    with qtbot.waitSignal(button.clicked, timeout=500):
        qtbot.keyClick(button, key)


@pytest.mark.parametrize("kind", KINDS)
def test_states_look_different(show, qtbot, kind):
    button = Button("Export", kind)
    show(button)
    rest = button.grab().toImage()
    button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    assert button.grab().toImage() != rest
    button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    button.setEnabled(False)
    assert button.grab().toImage() != rest


def test_theme_switch_repaints(theme, show):
    button = Button("Export")
    show(button)
    dark = button.grab().toImage()
    theme.apply("light")
    assert button.grab().toImage() != dark


def test_busy_keeps_the_width_and_takes_no_clicks(show, qtbot):
    button = Button("Save the whole project")
    show(button)
    width = button.width()
    button.set_busy(True, "Saving")
    assert button.width() == width
    assert button.accessibleDescription()
    clicks = []
    button.clicked.connect(lambda: clicks.append(1))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(button, Qt.Key.Key_Return)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert not clicks
    button.set_busy(False)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert clicks == [1]
    assert button.width() == width


def test_an_icon_button_has_a_name(show, qtbot):
    button = IconButton("gear-six", "Settings", checkable=True)
    show(button)
    assert button.accessibleName() == button.toolTip() == "Settings"
    assert (button.width(), button.height()) == (28, 28)
    plain = button.grab().toImage()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.isChecked()
    assert button.grab().toImage() != plain


def test_generate_and_stop(show, qtbot):
    button = GenerateButton("Generate", "about 4 s")
    show(button)
    assert (button.text(), button.accessibleDescription()) == ("Generate", "about 4 s")
    with qtbot.waitSignal(button.requested, timeout=500):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    button.set_running(True, "Stop writing", "about 6 s left")
    assert (button.text(), button.note()) == ("Stop writing", "about 6 s left")
    with qtbot.assertNotEmitted(button.requested), qtbot.waitSignal(button.stop_requested, timeout=500):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    button.set_estimate("about 5 s")
    assert button.note() == "about 6 s left", "a new estimate waits until the work is over"
    button.set_running(False)
    assert (button.text(), button.note()) == ("Generate", "about 5 s")


def test_a_click_meant_for_stop_begins_nothing(show, qtbot, monkeypatch):
    monkeypatch.setattr(buttons, "GRACE_MS", 60_000)
    button = GenerateButton("Write")
    show(button)
    said: list[str] = []
    button.requested.connect(lambda: said.append("write"))
    button.stop_requested.connect(lambda: said.append("stop"))
    button.set_running(True)
    button.set_running(False)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert not said
    button.set_running(True)
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    button.set_running(False)
    monkeypatch.setattr(buttons, "GRACE_MS", 0)
    qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert not said
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert said == ["write"]


def test_ctrl_enter_generates_from_anywhere_in_the_window(show, qtbot):
    from studio.ui.widgets.prompt import PromptEdit

    button, prompt = GenerateButton("Generate"), PromptEdit("Prompt", text="A lamp")
    show(prompt, button)
    prompt.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        with qtbot.waitSignal(button.requested, timeout=500):
            qtbot.keyClick(prompt.edit, key, Qt.KeyboardModifier.ControlModifier)
    assert prompt.text() == "A lamp"
    button.set_running(True)
    with qtbot.assertNotEmitted(button.requested), qtbot.assertNotEmitted(button.stop_requested):
        qtbot.keyClick(prompt.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


@pytest.mark.parametrize(("text", "note"), [("Generate", "about 14 min"), ("开始写作", "大约需要 14 分钟")])
def test_generate_fits_its_words(theme, qtbot, text, note):
    button = GenerateButton(text, note)
    qtbot.addWidget(button)
    need = QFontMetrics(button.font()).horizontalAdvance(text) + QFontMetrics(theme.font("small")).horizontalAdvance(
        note
    )
    assert button.sizeHint().width() > need
    assert button.sizeHint().width() <= 304, "the narrowest inspector"
