"""The Image tab over the real engine in its own process, with a painter that needs no weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtWidgets import QApplication

from studio import families
from studio.client.local import LocalEngine
from studio.core import i18n
from studio.core.jobs import Task
from studio.documents.picture_parts import Stroke
from studio.media.pictures import read
from studio.ui.tabs import IMAGE
from studio.ui.tabs.image import ImageTab
from tests.fakes import stub_picture
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.studio import Studio


class _Engine(LocalEngine):
    def release(self) -> None:
        """What the fake engine needs at the end of a test."""


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    monkeypatch.setenv(stub_picture.SECONDS, "0.03")
    families.register_module(stub_picture.MODULE)
    stub_picture.install(tmp_path / "data" / "models")
    engine = _Engine(families=(stub_picture.MODULE,))
    studio = Studio(tmp_path, tabs=(IMAGE,), engine=cast(FakeEngine, cast(Any, engine)))
    yield studio
    studio.close()
    i18n.set_language("en")
    families._extra.remove(stub_picture.MODULE)
    families.module_names.cache_clear()
    families.all.cache_clear()


def test_draw_stop_and_repaint_with_the_real_engine(studio: Studio) -> None:
    tab = cast(ImageTab, studio.window.tab)
    studio.wait(lambda: tab.picker.current is not None)
    tab.panel.prompt.set_text("a rocket")
    tab.panel.sizes.set_size(256, 256)
    tab.panel.steps.set_value(20)
    tab.panel.seed.set_value(5)
    tab.count.set_value(2)
    tab.room.generate()
    studio.wait(lambda: tab.showing.run is not None and tab.showing.run.preview is not None, 60)
    assert tab.image_stage.view._preview is not None
    studio.wait(lambda: tab.showing.item is not None, 60)
    item = tab.showing.item
    assert item is not None and len(tab.shelf.siblings(item)) == 2
    assert item.metadata["seed"] == 5 and studio.services.library.recipe(item.id).params["prompt"] == "a rocket"

    tab.panel.steps.set_value(150)
    tab.room.generate()
    studio.wait(lambda: any(run.step for run in tab.desk.runs), 60)
    tab.room.stop()
    studio.wait(lambda: not tab.desk.runs, 30)
    assert tab.showing.item is not None and tab.showing.item.id == item.id

    tab.panel.steps.set_value(3)
    tab.panel.prompt.set_text("a star")
    tab.count.set_value(1)
    tab.image_stage.view.stroke_made.emit(Stroke("brush", size=60, hardness=1.0, points=(128, 128, 1)))
    tab.room.repaint()
    studio.wait(lambda: tab.showing.item is not None and tab.showing.item.id != item.id, 60)
    after = tab.showing.item
    assert after is not None and studio.services.library.recipe(after.id).task is Task.INPAINT
    old, new = read(item.path).pixels, read(after.path).pixels
    assert (old[:40] == new[:40]).all() and (old[110:146, 110:146] != new[110:146, 110:146]).any()
