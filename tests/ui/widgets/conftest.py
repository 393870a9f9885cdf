"""The theme, a window to put a widget in, and the words of both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from studio.ui.theme import Theme


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    theme = qapp.property("theme") or Theme(qapp)
    theme.apply("dark")
    return theme


@pytest.fixture
def show(theme: Theme, qtbot) -> Callable[..., QWidget]:
    """Puts widgets into an active window and returns the window."""

    windows = []  # qtbot keeps weak references only

    def show_widgets(*widgets: QWidget, width: int = 360, height: int = 400) -> QWidget:
        window = QWidget()
        qtbot.addWidget(window)
        windows.append(window)
        layout = QVBoxLayout(window)
        for widget in widgets:
            layout.addWidget(widget)
        layout.addStretch(1)
        window.resize(width, height)
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow, timeout=1000)
        return window

    return show_widgets
