"""The Models tab over the real child and a hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtWidgets import QApplication

from studio.core import i18n
from studio.ui.tabs.models import words
from studio.ui.tabs.models.tab import ModelsTab
from tests.fakes.hub import FakeHub
from tests.fakes.models import FakeModels
from tests.fakes.models_bench import MODEL, InChild
from tests.fakes.studio import Studio


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    with FakeHub() as hub:
        child = InChild(hub, monkeypatch, str(tmp_path))
        studio = Studio(tmp_path, models=cast(FakeModels, cast(Any, child.client)))
        yield studio
        studio.close()
    i18n.set_language("en")


def test_find_get_check_and_remove(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = studio.window.open_tab("models")
    assert isinstance(tab, ModelsTab)
    studio.wait(lambda: studio.services.models.known and tab.shelf.disk is not None, 60)
    assert len(tab.shelf.cards()) > 20  # the catalogue, without a network
    tab.models_stage.search.setText("tiny")
    tab.models_stage.search.settle()
    tab.search_hub()
    studio.wait(lambda: tab.shelf.card(MODEL) is not None, 30)

    def act(action: str) -> None:
        card = tab.shelf.card(MODEL)
        assert card is not None
        tab.acting.act(card, action)

    act(words.DOWNLOAD)
    studio.wait(lambda: (card := tab.shelf.card(MODEL)) is not None and card.info.usable, 60)
    act(words.VERIFY)
    whole = "Every file is as it should be."
    studio.wait(lambda: any(whole in toast.words() for toast in studio.window.toasts.toasts()), 60)
    monkeypatch.setattr(studio.window, "confirm", lambda *_words, **_more: True)
    act(words.REMOVE)
    studio.wait(lambda: (card := tab.shelf.card(MODEL)) is None or not card.info.usable, 60)
