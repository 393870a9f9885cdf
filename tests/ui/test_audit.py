"""Every state of every tab, measured: names, targets, clipped words, contrast, focus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.core import i18n
from tests.fakes.studio import Studio
from tests.shots.run import SIZES, scenes
from tests.shots.scene import Scene
from tests.ui.audit import audit

SCENES = [pytest.param(scene, id=f"{tab}-{scene.name}") for tab, scene in scenes()]


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    i18n.set_language("en")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_clipped_hidden_or_nameless(
    qapp: QApplication,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scene: Scene,
    language: str,
    size: tuple[int, int],
) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    studio = Studio(tmp_path, language=language, size=size, welcomed=scene.welcomed)
    try:
        scene.show(studio)
        studio.spin(100)
        faults = []
        for theme in ("light", "dark"):
            studio.settings.update(theme=theme)
            studio.spin(20)
            # The focus takes longest to look at, and is the same in every language and size.
            focus = language == "en" and size == SIZES[0]
            faults += [f"{theme}: {fault}" for fault in audit(studio.window, focus=focus)]
        assert faults == []
    finally:
        popup = QApplication.activePopupWidget()
        if popup is not None:
            popup.close()
        studio.close()


def test_audit_finds_what_is_wrong(qapp: QApplication, qtbot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(300, 200)
    layout = QVBoxLayout(window)
    window.setStyleSheet("QWidget { background: #ffffff; color: #c8c8c8; }")
    nameless, small, clipped = QPushButton(), QPushButton("Go"), QLabel("Words that do not fit into this label")
    small.setFixedSize(20, 18)
    clipped.setFixedWidth(40)
    for widget in (nameless, small, clipped):
        layout.addWidget(widget)
    with qtbot.waitExposed(window):
        window.show()
    faults = "\n".join(audit(window, focus=False))
    assert "no accessible name: QPushButton" in faults
    assert "target smaller than 24: QPushButton “Go”" in faults
    assert "clipped, needs width" in faults
    assert "contrast 1." in faults
