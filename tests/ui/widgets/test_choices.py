"""Segments, switch, tick, pills, tiles: mouse, keys, names, sizes, states."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QFontMetrics
from PySide6.QtWidgets import QRadioButton

from studio.ui.widgets.choices import CheckBox, ChipRow, SegmentedControl, Switch, ToggleChip
from studio.ui.widgets.tiles import Shape, SizeShapes, Template, TemplateTiles

MODES = (("write", "Write"), ("rework", "Rework"), ("chat", "Chat"))


def _role(widget) -> QAccessible.Role:
    face = QAccessible.queryAccessibleInterface(widget)
    assert face is not None
    return face.role()


def test_segments_by_mouse_and_arrows(show, qtbot):
    segments = SegmentedControl(MODES, "rework", "Mode")
    show(segments)
    assert segments.current() == "rework"
    buttons = segments.findChildren(QRadioButton)
    with qtbot.waitSignal(segments.changed, timeout=500) as signal:
        qtbot.mouseClick(buttons[2], Qt.MouseButton.LeftButton)
    assert signal.args == ["chat"]
    buttons[2].setFocus()
    with qtbot.waitSignal(segments.changed, timeout=500) as signal:
        qtbot.keyClick(buttons[2], Qt.Key.Key_Left)
    assert signal.args == ["rework"]
    assert _role(buttons[0]) == QAccessible.Role.RadioButton
    assert segments.accessibleName() == "Mode"


@pytest.mark.parametrize("items", [MODES, ((0, "写作"), (1, "改写"), (2, "对话"))])
def test_segments_fit_the_narrowest_inspector(show, items):
    segments = SegmentedControl(items)
    show(segments)
    segments.setFixedWidth(288)
    for button in segments.findChildren(QRadioButton):
        assert button.width() >= QFontMetrics(button.font()).horizontalAdvance(button.text())


def test_a_disabled_segment_says_why(show):
    segments = SegmentedControl(MODES)
    show(segments)
    segments.set_item_enabled("chat", False, "This model cannot chat.")
    chat = segments.findChildren(QRadioButton)[2]
    assert (chat.isEnabled(), chat.toolTip()) == (False, "This model cannot chat.")


@pytest.mark.parametrize("make", [lambda: Switch("Offline", show_text=True), lambda: CheckBox("Installed")])
def test_tick_and_switch(theme, show, qtbot, make):
    box = make()
    show(box)
    off = box.grab().toImage()
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert box.isChecked()
    on = box.grab().toImage()
    assert on != off
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton)
    assert not box.isChecked()
    assert _role(box) == QAccessible.Role.CheckBox
    assert QAccessible.queryAccessibleInterface(box).text(QAccessible.Text.Name) == box.text()
    theme.apply("light")
    assert box.grab().toImage() != off


@pytest.mark.parametrize("text", ["Playful", "活泼一些"])
@pytest.mark.parametrize("make", [ToggleChip, CheckBox, lambda text: Switch(text, show_text=True)])
def test_words_fit(theme, qtbot, make, text):
    widget = make(text)
    qtbot.addWidget(widget)
    assert widget.sizeHint().width() >= QFontMetrics(theme.font("small", 600)).horizontalAdvance(text)


def test_pills_choose_one(show, qtbot):
    row = ChipRow((("warm", "Warm"), ("plain", "Plain"), ("solemn", "Solemn")), name="Tone")
    show(row)
    assert row.current() == "warm"
    with qtbot.waitSignal(row.changed, timeout=500) as signal:
        qtbot.mouseClick(row.chip("plain"), Qt.MouseButton.LeftButton)
    assert signal.args == ["plain"]
    assert [row.chip(name).isChecked() for name in ("warm", "plain", "solemn")] == [False, True, False]
    with qtbot.assertNotEmitted(row.changed, wait=50):
        qtbot.mouseClick(row.chip("plain"), Qt.MouseButton.LeftButton)
    assert row.chip("plain").isChecked()
    row.chip("plain").setFocus()
    qtbot.keyClick(row.chip("plain"), Qt.Key.Key_Right)
    assert row.chip("solemn").hasFocus()
    qtbot.keyClick(row.chip("solemn"), Qt.Key.Key_Space)
    assert row.current() == "solemn"


def test_optional_pills_can_all_be_off(show, qtbot):
    row = ChipRow((("warm", "Warm"), ("plain", "Plain")), optional=True)
    show(row)
    assert row.current() is None
    qtbot.mouseClick(row.chip("warm"), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(row.changed, timeout=500) as signal:
        qtbot.mouseClick(row.chip("warm"), Qt.MouseButton.LeftButton)
    assert signal.args == [None]


def test_pills_flow_into_lines(show, qtbot):
    row = ChipRow([(n, f"A rather long tone {n}") for n in range(6)])
    show(row, width=300)
    lines = {row.chip(n).y() for n in range(6)}
    assert len(lines) >= 3
    assert all(row.chip(n).geometry().right() < row.width() for n in range(6))
    assert row.height() >= len(lines) * 28


def test_pills_stand_at_the_right_in_right_to_left_windows(show):
    row = ChipRow((("warm", "Warm"), ("plain", "Plain")))
    row.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    show(row)
    assert row.chip("warm").geometry().right() == row.width() - 1
    assert row.chip("plain").x() < row.chip("warm").x()


@pytest.mark.parametrize(
    "make",
    [
        lambda: TemplateTiles([Template(n, w, "tag") for n, w in enumerate(("Story", "Lyrics", "Blank", "Label"))]),
        lambda: SizeShapes(
            [Shape(n, t, w, h) for n, (t, w, h) in enumerate((("1:1", 1, 1), ("4:5", 4, 5), ("9:16", 9, 16)))]
        ),
    ],
)
def test_tiles(theme, show, qtbot, make):
    tiles = make()
    show(tiles)
    assert tiles.current() is None
    with qtbot.waitSignal(tiles.changed, timeout=500) as signal:
        qtbot.mouseClick(tiles.tile(1), Qt.MouseButton.LeftButton)
    assert signal.args == [1]
    tiles.tile(1).setFocus()
    with qtbot.waitSignal(tiles.changed, timeout=500) as signal:
        qtbot.keyClick(tiles.tile(1), Qt.Key.Key_Right)
    assert signal.args == [2]
    assert _role(tiles.tile(0)) == QAccessible.Role.RadioButton
    dark = tiles.grab().toImage()
    theme.apply("light")
    assert tiles.grab().toImage() != dark
    tiles.set_current(None)
    assert tiles.current() is None


@pytest.mark.parametrize(
    "words", [("Short story", "Product text", "Image prompt"), ("短篇小说", "商品文案", "画面提示词")]
)
def test_template_words_fit_the_narrowest_inspector(theme, show, words):
    tiles = TemplateTiles([Template(word, word, "tag") for word in words])
    show(tiles, width=400)
    tiles.setFixedWidth(288)
    for word in words:
        assert tiles.tile(word).width() >= QFontMetrics(theme.font("caption", 600)).horizontalAdvance(word) + 8
