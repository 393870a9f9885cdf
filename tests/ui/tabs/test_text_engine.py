"""The Text tab over the real engine in its own process, with a tiny random model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtWidgets import QApplication

from studio.client.local import LocalEngine
from studio.core import i18n
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.studio import Studio
from tests.fakes.tiny_models import build_gguf
from tests.ui.tabs.test_text_tab import open_studio, tab_of


class _Engine(LocalEngine):
    def release(self) -> None:
        """What the fake engine needs at the end of a test."""


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    folder = tmp_path / "data" / "models" / "imported" / "tiny"
    folder.mkdir(parents=True)
    build_gguf(folder)
    studio = open_studio(tmp_path, engine=cast(FakeEngine, cast(Any, _Engine())))
    yield studio
    studio.close()
    i18n.set_language("en")


def test_write_rework_and_chat_with_the_real_engine(studio: Studio) -> None:
    tab = tab_of(studio)
    assert tab.picker.current is not None
    tab.write_panel.prompt.set_text("the cat sat")
    tab.write_panel.words.set_value(60)
    tab.write_panel.form.set_values({"seed": 5})
    for _run in range(2):
        tab.text.generate()
        studio.wait(lambda: tab.text.run() is None, 60)
    document = tab.text.document
    assert document is not None
    first, second = document.versions
    assert first.text == second.text != ""
    assert first.state == second.state == "done"
    studio.wait(lambda: all(version.item for version in document.versions))
    item = studio.services.library.item(document.versions[0].item)
    assert item is not None
    assert item.path.read_text(encoding="utf-8") == first.text
    assert tab.context.memory.speed(tab.picker.current.id) > 0

    document.replace_range(0, len(document.body), "the cat sat on the mat", "By hand")
    tab.set_mode("rework")
    tab.rework.rework()
    studio.wait(lambda: tab.rework.pending is None or tab.rework.pending.run is None, 60)
    if tab.rework.pending is not None:
        tab.rework.keep()
        tab.undo()
    assert document.body == "the cat sat on the mat"

    tab.set_mode("chat")
    tab.chat.send("the dog")
    studio.wait(lambda: tab.chat.run() is None and tab.chat.document is not None, 60)
    assert tab.chat.document is not None
    assert tab.chat.document.path[0].content == "the dog"
    studio.wait(lambda: "of" in tab.meter.figures(), 10)
