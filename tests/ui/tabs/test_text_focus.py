"""Where the keyboard is after each step, and what keys and pointer must not do by accident."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.ui.widgets import buttons
from tests.fakes.plays import Writing
from tests.fakes.studio import Studio
from tests.ui.tabs.test_text_chat import say
from tests.ui.tabs.test_text_rework import TEXT, begin, ready
from tests.ui.tabs.test_text_tab import Ctrl, Key, body, studio, tab_of, write  # noqa: F401


def in_front(studio: Studio) -> None:  # noqa: F811
    studio.window.activateWindow()
    studio.wait(lambda: QApplication.activeWindow() is studio.window)


def test_a_finished_change_gives_the_keyboard_to_keep_and_keep_to_the_page(
    studio: Studio,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(buttons, "GRACE_MS", 0)
    in_front(studio)
    tab = begin(studio, pause=2)
    studio.wait(lambda: bool(tab.rework.pending and tab.rework.pending.text))
    tab.rework_button.setFocus()
    studio.engine.release()
    ready(studio, tab)
    bar = tab.text_stage.pending
    assert studio.window.focusWidget() is bar.keep
    QTest.keyClick(bar.keep, Key.Key_Space)
    assert "Two is straight." in body(tab)
    assert studio.window.focusWidget() is tab.text_stage.editor
    QTest.keyClick(tab.text_stage.editor, Key.Key_Z, Ctrl)
    assert body(tab) == TEXT


def test_stop_in_the_bar_hands_over_to_keep(studio: Studio) -> None:  # noqa: F811
    in_front(studio)
    tab = begin(studio, "Two is straight and so on.", pause=2)
    studio.wait(lambda: bool(tab.rework.pending and tab.rework.pending.text))
    tab.text_stage.pending.stop.setFocus()
    QTest.keyClick(tab.text_stage.pending.stop, Key.Key_Space)
    ready(studio, tab)
    assert studio.window.focusWidget() is tab.text_stage.pending.keep


def test_keys_of_the_tab_work_from_the_bars_but_not_under_the_palette(studio: Studio) -> None:  # noqa: F811
    tab = write(studio)
    in_front(studio)
    tab.text_stage.editor.select(0, 0)
    QTest.keyClicks(tab.text_stage.editor, "By hand. ")
    project = studio.window.top.project
    project.setFocus()
    QTest.keyClick(project, Key.Key_Z, Ctrl)
    assert not body(tab).startswith("By hand.")
    studio.window.open_palette()
    QTest.keyClick(studio.window.focusWidget(), Key.Key_N, Ctrl)
    assert tab.text.document is not None
    QTest.keyClick(studio.window.focusWidget(), Key.Key_Escape)
    project.setFocus()
    QTest.keyClick(project, Key.Key_N, Ctrl)
    assert tab.text.document is None
    assert studio.window.focusWidget() is tab.write_panel.prompt.edit


def test_moving_over_export_after_a_click_drags_nothing(studio: Studio) -> None:  # noqa: F811
    tab = write(studio)
    button = tab.header.export
    button.clicked.disconnect()
    started: list[bool] = []
    button.drag_started.disconnect()
    button.drag_started.connect(lambda: started.append(True))

    def mouse(kind: QEvent.Type, x: float, pressed: bool) -> None:
        none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
        which = none if kind == QEvent.Type.MouseMove else left
        place = QPointF(x, 8)
        event = QMouseEvent(
            kind, place, button.mapToGlobal(place), which, left if pressed else none, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(button, event)

    mouse(QEvent.Type.MouseButtonPress, 8, True)
    mouse(QEvent.Type.MouseButtonRelease, 8, False)
    mouse(QEvent.Type.MouseMove, 60, False)
    mouse(QEvent.Type.MouseButtonPress, 8, True)
    mouse(QEvent.Type.MouseMove, 60, False)  # the release went to the menu
    assert started == []
    mouse(QEvent.Type.MouseButtonPress, 8, True)
    mouse(QEvent.Type.MouseMove, 60, True)
    assert started == [True]


def test_a_branch_gives_the_keyboard_to_the_composer_and_is_named_once(studio: Studio) -> None:  # noqa: F811
    in_front(studio)
    tab = say(studio)
    for _turn in range(2):
        assert tab.chat.document is not None
        tab.chat.branch(tab.chat.document.path[-1].id)
        assert studio.window.focusWidget() is tab.chat_stage.composer.edit
        assert tab.chat.document.title == "Hello there (branch)"


def test_a_refused_brief_does_not_name_the_text(studio: Studio) -> None:  # noqa: F811
    tab = tab_of(studio)
    tab.write_panel.prompt.set_text("x" * 250_000)
    tab.text.generate()
    assert tab.text.run() is None
    assert tab.text.document is None or not tab.text.document.title
    studio.engine.play = Writing("Words.")
    tab.write_panel.prompt.set_text("A ferry")
    tab.text.generate()
    studio.wait(lambda: tab.text.run() is None)
    assert tab.text.document is not None
    assert tab.text.document.title == "A ferry"
