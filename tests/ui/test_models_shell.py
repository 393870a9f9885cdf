"""Models outside their tab: settings, picker, palette, strip, drops, start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.core import i18n, paths
from studio.core.jobs import Medium
from studio.ui.drops import welcome_words
from studio.ui.model_settings import ModelSettings, address_problem
from studio.ui.palette.entries import model_entries
from studio.ui.program import downloads_left
from studio.ui.tabs.models.tab import ModelsTab
from studio.ui.tabs.models.words import main_action
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.dialogs import Dialog
from studio.ui.widgets.previews import Previews
from tests.fakes.model_shelf import CATALOGUE, GB
from tests.fakes.models import inspection
from tests.fakes.plays import STORY, Writing
from tests.fakes.studio import Studio
from tests.shots.models import working


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    studio = Studio(tmp_path)
    yield studio
    studio.close()
    i18n.set_language("en")


@pytest.fixture
def page(studio: Studio) -> ModelSettings:
    studio.window.open_settings("models")
    sheet = studio.window.sheet
    assert sheet is not None
    page = sheet.findChild(ModelSettings)
    assert page is not None
    studio.wait(lambda: "no token" in page._kept.text())
    return page


def test_settings_take_effect_at_once(page: ModelSettings, studio: Studio) -> None:
    page.offline.click()
    assert studio.settings.values.offline
    page.speed.set_current(5_000_000)
    page.speed.changed.emit(5_000_000)
    page.limit.changed.emit(32 * GB)
    assert studio.settings.values.download_limit == 5_000_000
    assert studio.settings.values.models_limit == 32 * GB


def test_mirror_must_be_an_address(page: ModelSettings, studio: Studio) -> None:
    page.mirror.setText("my mirror")
    page.mirror.editingFinished.emit()
    assert page.mirror.error().startswith("Write a whole address")
    assert studio.settings.values.hub_endpoint == ""
    page.mirror.setText("https://mirror.example.org")
    page.mirror.editingFinished.emit()
    assert page.mirror.error() == ""
    assert studio.settings.values.hub_endpoint == "https://mirror.example.org"
    page.mirror.clear()
    page.mirror.editingFinished.emit()
    assert studio.settings.values.hub_endpoint == ""


@pytest.mark.parametrize("text", ["ftp://a.b", "https://", "http://a b", "http://[::1", "a.example:x", "http://a:port"])
def test_what_is_no_address(text: str) -> None:
    assert address_problem(text)


def test_token_is_kept_told_and_forgotten(page: ModelSettings, studio: Studio) -> None:
    page.token.setText("hf_example")
    QTest.keyClick(page.token, Qt.Key.Key_Return)
    studio.wait(page.forget.isVisible)
    assert page.token.text() == ""
    assert page._kept.text() == "The token for huggingface.co is kept in the system's keyring."
    page.forget.click()
    studio.wait(lambda: "no token" in page._kept.text())
    assert studio.models.token == ""


def test_folders_are_added_and_taken_off(page: ModelSettings, studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "InvokeAI"
    folder.mkdir()
    studio.models.inspections["InvokeAI"] = inspection("folder", "InvokeAI", models=3)
    page.add_folder(folder)
    studio.wait(lambda: page._found.text() == "3 models were found there.")
    assert studio.settings.values.model_folders == (str(folder),)
    remove = next(
        button for button in page.findChildren(Button) if button.accessibleName() == f"Take {folder} off the list"
    )
    remove.click()
    assert studio.settings.values.model_folders == ()
    studio.wait(lambda: studio.models.folders == [])
    page.add_folder(tmp_path / "nowhere")
    studio.wait(lambda: page._found.text().startswith("This folder does not exist"))
    assert studio.settings.values.model_folders == ()


def test_picker_leads_to_the_models_of_its_medium(studio: Studio) -> None:
    tab = studio.window.open_tab("text")
    tab.picker.open_list()  # type: ignore[attr-defined]
    more = next(b for b in studio.window.findChildren(Button) if b.text() == "More models…" and b.isVisible())
    more.click()
    shown = studio.window.tab
    assert isinstance(shown, ModelsTab)
    assert shown.filters.medium is Medium.TEXT


def test_palette_shows_models_that_are_not_here() -> None:
    used, shown = [], []
    entries = model_entries(CATALOGUE, "qwen3 4b", used.append, shown.append)
    assert entries[0].title == "Qwen3 4B"
    assert entries[0].run is not None
    entries[0].run()
    assert [info.id for info in shown] == ["qwen3-4b"]
    mistral = model_entries(CATALOGUE, "mistral", used.append, shown.append)[0]
    assert mistral.run is not None
    mistral.run()
    assert [info.id for info in used] == ["mistral-7b"]


def test_strip_shows_downloads_beside_a_running_job(studio: Studio) -> None:
    strip = studio.window.strip
    studio.models.put(working())
    studio.wait(lambda: strip._title.text() == "Stable Diffusion 1.5")
    assert strip._words.text() == "2.6 of 4.2 GB"
    assert strip._left.text() == "42 s left"
    studio.engine.play = Writing(" ".join([STORY] * 8), words_per_second=2000, pause_at=40)
    studio.submit("Text", words="250")
    studio.wait(lambda: strip._title.text() == "Text" and strip.downloads.isVisible())
    assert strip.downloads.accessibleName() == "Downloading 61 %"
    strip.downloads.click()
    shown = studio.window.tab
    assert isinstance(shown, ModelsTab)
    assert shown.filters.states == {"downloading"}


def test_strip_cancels_the_download_that_it_shows(studio: Studio) -> None:
    studio.models.holding = True
    studio.services.models.ask(studio.models.download("phi4-mini"), owner=studio.window)
    strip = studio.window.strip
    studio.wait(lambda: strip._words.text() == "0.6 of 2.5 GB")
    strip.cancel.click()
    studio.wait(lambda: strip._title.text() == "Ready")


def test_download_that_ends_elsewhere_is_told_with_a_way_to_it(studio: Studio) -> None:
    studio.services.models.start()
    studio.services.models.ask(studio.models.download("phi4-mini"), owner=studio.window)
    studio.wait(lambda: bool(studio.window.toasts.toasts()))
    assert studio.window.toasts.toasts()[0].words() == "Phi-4-mini is ready."


def test_model_files_are_welcome_on_the_window(tmp_path: Path) -> None:
    assert welcome_words([Path("a.safetensors")]) == "Add this model"
    assert welcome_words([tmp_path]) == "Add this model"
    assert welcome_words([Path("a.txt")]) == "Open this text"


def test_child_starts_by_itself_only_for_downloads_that_were_left(tmp_path: Path) -> None:
    assert not downloads_left()
    path = paths.ensure(paths.models_dir()) / "downloads.json"
    for data, wanted in (({"downloads": []}, False), ({"downloads": [{"id": "a"}]}, True), ([], False)):
        path.write_text(json.dumps(data))
        assert downloads_left() is wanted
    path.write_text("{")
    assert not downloads_left()


def test_previews_tell_models_apart_and_stay_the_same(studio: Studio) -> None:
    theme = studio.program.theme

    def pixels(medium: str, id: str) -> bytes:
        image = Previews().get(theme, medium, id, ("en",), 262, 116, 1.0).toImage()
        return bytes(image.constBits())

    for medium in ("image", "text", "music", "speech", "animation"):
        assert pixels(medium, "one") == pixels(medium, "one")
        assert len({pixels(medium, f"model {number}") for number in range(12)}) > 3


def test_card_of_a_model_that_cannot_be_used_says_why(studio: Studio) -> None:
    shown = studio.window.open_tab("models")
    assert isinstance(shown, ModelsTab)
    studio.wait(lambda: studio.services.models.known)
    broken = replace(CATALOGUE[0], id="imported/old", title="Old", problem="model-pickled", origin="imported")
    studio.models.change(broken)
    studio.wait(lambda: shown.shelf.card("imported/old") is not None)
    card = shown.shelf.card("imported/old")
    assert card is not None
    file = paths.ensure(paths.models_dir() / "imported") / "old.ckpt"
    file.write_bytes(b"x")
    studio.models.inspections["old.ckpt"] = inspection("pickle", "Old", convertible=True)
    shown.acting.act(card, main_action(card.info))
    studio.wait(lambda: any("convert" in d.panel.buttons for d in studio.window.findChildren(Dialog) if d.isVisible()))
    next(d for d in studio.window.findChildren(Dialog) if d.isVisible()).choose("cancel")
    shown.acting.show_details(card)
    assert shown.acting.details is not None
    assert shown.acting.details._problem.text().startswith("Old is kept in a format that can run code")
