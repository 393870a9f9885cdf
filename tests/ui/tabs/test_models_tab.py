"""The Models tab with a client in memory: finding, getting, keeping and removing models."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton

from studio.core import i18n
from studio.core.activities import Activity, ActivityState
from studio.core.errors import AtelierError
from studio.core.fits import Fit
from studio.core.jobs import Failure, Medium
from studio.core.models import ModelInfo, ModelState
from studio.ui.tabs.models import words
from studio.ui.tabs.models.filters import Card, Sort
from studio.ui.tabs.models.painting import spots
from studio.ui.tabs.models.tab import ModelsTab
from studio.ui.theme import theme_of
from studio.ui.widgets.dialogs import Dialog
from tests.fakes.fake_engine import DEVICE, MODELS
from tests.fakes.model_shelf import CATALOGUE, GB
from tests.fakes.models import FakeModels, inspection
from tests.fakes.speaking import VOICES, Speaking
from tests.fakes.studio import Studio
from tests.shots.models import working

Key = Qt.Key
BY_ID = {info.id: info for info in CATALOGUE}


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    studio = Studio(tmp_path)
    yield studio
    studio.close()
    i18n.set_language("en")


@pytest.fixture
def tab(studio: Studio) -> ModelsTab:
    return opened(studio)


def opened(studio: Studio) -> ModelsTab:
    shown = studio.window.open_tab("models")
    assert isinstance(shown, ModelsTab)
    studio.wait(lambda: studio.services.models.known and shown.shelf.disk is not None)
    return shown


def listed(tab: ModelsTab) -> list[str]:
    return [card.info.id for card in tab.models_stage.cards.listing.cards()]


def card(tab: ModelsTab, id: str) -> Card:
    found = tab.shelf.card(id)
    assert found is not None
    return found


def click(tab: ModelsTab, id: str, action: str = "") -> None:
    """Click a painted button of a card, or the card itself."""
    view = tab.models_stage.cards
    assert view.choose(id)
    index = view.currentIndex()
    rect = view.card_rect(index)
    place = QPoint(rect.center().x(), rect.y() + 150)
    if action:
        found = spots(theme_of(view), rect, card(tab, id), rtl=False, row=view.cards.row)
        place = next(spot.rect.center() for spot in found if spot.action == action)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def dialog_of(studio: Studio) -> Dialog:
    studio.wait(lambda: _dialog(studio) is not None)
    found = _dialog(studio)
    assert found is not None
    return found


def _dialog(studio: Studio) -> Dialog | None:
    return next((dialog for dialog in studio.window.findChildren(Dialog) if dialog.isVisible()), None)


def answer(studio: Studio, monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> list[str]:
    """Answer every question of the window; the questions that were asked."""
    asked: list[str] = []

    def confirm(title: str, text: str, action: str, **more: object) -> bool:
        asked.append(f"{title} {text}")
        return yes

    monkeypatch.setattr(studio.window, "confirm", confirm)
    return asked


# -- finding --------------------------------------------------------------------------------------------------


def test_nothing_is_asked_before_the_tab_is_shown(studio: Studio) -> None:
    studio.spin(50)
    assert studio.models.asked == []
    opened(studio)
    names = [name for name, _arguments in studio.models.asked]
    assert sorted(set(names)) == ["activities", "disk", "list"]


def test_media_and_states_are_counted(tab: ModelsTab) -> None:
    panel = tab.panel
    panel.fits.setChecked(False)
    assert panel.media[None].count() == len(CATALOGUE)
    assert panel.media[Medium.SPEECH].count() == sum(info.medium == Medium.SPEECH for info in CATALOGUE)
    assert panel.states["installed"].accessibleDescription() == str(sum(info.usable for info in CATALOGUE))
    assert panel.states["acceptance"].accessibleDescription() == "3"
    shown = sum(int(panel.states[state].accessibleDescription()) for state in panel.states)
    assert shown == len(CATALOGUE)  # nothing is counted twice
    assert panel._total.text() == f"{len(CATALOGUE)} models"


def test_counts_of_media_and_states_follow_the_search(tab: ModelsTab) -> None:
    panel, search = tab.panel, tab.models_stage.search
    panel.fits.setChecked(False)
    search.setText("qwen")
    search.settle()
    assert panel.media[None].count() == panel.media[Medium.TEXT].count() == len(listed(tab)) == 2
    assert panel.media[Medium.SPEECH].count() == 0
    assert panel.media[Medium.SPEECH].isVisible()  # the column does not jump while one types
    assert panel.states["missing"].accessibleDescription() == "2"
    assert not panel.states["unusable"].isVisible()


def test_filters_narrow_the_list(tab: ModelsTab) -> None:
    panel = tab.panel
    assert "qwen3-32b" not in listed(tab)  # 22 GiB do not fit
    panel.fits.setChecked(False)
    assert "qwen3-32b" in listed(tab)
    panel.media[Medium.TEXT].click()
    assert {BY_ID[id].medium for id in listed(tab)} == {Medium.TEXT}
    panel.chinese.setChecked(True)
    assert set(listed(tab)) == {"qwen3-4b", "qwen3-32b", "gemma3-4b"}
    panel.states["acceptance"].setChecked(True)
    assert listed(tab) == ["gemma3-4b"]
    panel.media[None].click()
    panel.chinese.setChecked(False)
    panel.states["acceptance"].setChecked(False)
    panel.commercial.setChecked(True)
    assert "mms-deu" not in listed(tab)
    assert "phi4-mini" in listed(tab)


def test_search_finds_names_uses_and_languages(tab: ModelsTab, studio: Studio) -> None:
    search = tab.models_stage.search
    for text, wanted in (("kokoro", "kokoro-82m"), ("dialogue", "smollm2-135m-instruct"), ("français", "mms-fra")):
        search.setText(text)
        search.settle()
        assert wanted in listed(tab)
    assert tab.models_stage.hub.isVisible()
    QTest.keyClick(search, Key.Key_Escape)
    search.settle()
    assert len(listed(tab)) > 10
    assert tab.models_stage.disk.isVisible()


def test_list_is_judged_again_once_the_device_is_known(tab: ModelsTab, studio: Studio) -> None:
    small = replace(DEVICE, memory_total=8 << 30)
    assert "sdxl" in listed(tab)
    assert "gemma3-4b" in listed(tab)
    studio.engine.device = small
    studio.services.bridge.device_changed.emit(small)
    assert "sdxl" in listed(tab)  # installed: it is never hidden
    assert "gemma3-4b" not in listed(tab)


def test_sorting(tab: ModelsTab, studio: Studio) -> None:
    tab.panel.fits.setChecked(False)
    tab.models_stage.sort_chosen.emit(Sort.NAME)
    titles = [BY_ID[id].title.casefold() for id in listed(tab)]
    assert titles == sorted(titles)
    tab.models_stage.sort_chosen.emit(Sort.SIZE)
    sizes = [BY_ID[id].size for id in listed(tab)]
    assert sizes == sorted(sizes)
    tab.models_stage.sort_chosen.emit(Sort.USED)
    assert listed(tab)[0] == "smollm2-135m-instruct"
    tab.models_stage.sort_chosen.emit(Sort.BEST)
    assert listed(tab)[-1] == "qwen3-32b"


def test_nothing_fits_the_filters(tab: ModelsTab) -> None:
    tab.models_stage.search.setText("xylophone")
    tab.models_stage.search.settle()
    assert tab.models_stage.is_empty
    assert tab.models_stage.empty._title.text() == "No model matches this search."
    (button,) = tab.models_stage.empty.findChildren(QPushButton)
    button.click()
    assert not tab.models_stage.is_empty
    assert len(listed(tab)) == len(CATALOGUE)
    assert tab.models_stage.search.text() == ""


def test_hub_search_and_its_errors(tab: ModelsTab, studio: Studio) -> None:
    stage = tab.models_stage
    stage.search.setText("lantern")
    stage.search.settle()
    stage.hub.search.click()
    studio.wait(lambda: "example/lantern-7b" in listed(tab))
    assert stage.hub.words() == "3 more on the hub that can run here."
    stage.search.setText("qwen")
    stage.search.settle()
    assert "example/lantern-7b" not in listed(tab)
    studio.models.offline = True
    stage.hub.search.click()
    studio.wait(stage.hub.settings.isVisible)
    assert stage.hub.words() == "Atelier is set to stay offline."
    assert "qwen3-4b" in listed(tab)


def test_found_on_the_hub_and_installed_from_there(tab: ModelsTab, studio: Studio) -> None:
    tab.models_stage.search.setText("lantern-1b")
    tab.models_stage.search.settle()
    tab.search_hub()
    studio.wait(lambda: "example/lantern-1b" in listed(tab))
    click(tab, "example/lantern-1b", words.DOWNLOAD)
    studio.wait(lambda: card(tab, "example/lantern-1b").info.usable)
    assert listed(tab).count("example/lantern-1b") == 1


# -- getting --------------------------------------------------------------------------------------------------


def test_download_with_the_mouse_shows_progress_and_ends_installed(tab: ModelsTab, studio: Studio) -> None:
    studio.models.holding = True
    click(tab, "phi4-mini", words.DOWNLOAD)
    studio.wait(lambda: card(tab, "phi4-mini").going and (card(tab, "phi4-mini").activity.done > 0))  # type: ignore[union-attr]
    assert tab.panel.states["downloading"].accessibleDescription() == "1"
    strip = studio.window.strip
    assert strip._title.text() == "Phi-4-mini"
    assert strip._words.text() == "0.6 of 2.5 GB"
    studio.models.holding = False
    click(tab, "phi4-mini", words.PAUSE)
    studio.wait(lambda: card(tab, "phi4-mini").activity.state is ActivityState.PAUSED)  # type: ignore[union-attr]
    assert strip._words.text() == "Paused at 25 %"
    click(tab, "phi4-mini", words.GO_ON)
    studio.wait(lambda: card(tab, "phi4-mini").info.usable)
    assert card(tab, "phi4-mini").activity is None
    studio.wait(lambda: studio.window.strip._title.text() == "Ready")


def test_cancelled_download_is_kept_as_a_part_and_resumed(tab: ModelsTab, studio: Studio) -> None:
    studio.models.holding = True
    click(tab, "mms-deu", words.DOWNLOAD)
    studio.wait(lambda: (a := card(tab, "mms-deu").activity) is not None and a.done > 0)
    tab.activate()  # the list is put in order anew
    place = listed(tab).index("mms-deu")
    click(tab, "mms-deu", words.CANCEL)
    studio.wait(lambda: card(tab, "mms-deu").info.state is ModelState.PARTIAL)
    assert words.main_action(card(tab, "mms-deu").info) == words.RESUME
    studio.wait(lambda: card(tab, "mms-deu").kept > 0)
    assert card(tab, "mms-deu").look.words == "Part-downloaded · 36.2 MB kept"
    tab.activate()
    assert listed(tab).index("mms-deu") == place
    view = tab.models_stage.cards
    rect = view.card_rect(view.listing.index(view.listing.row_of("mms-deu"), 0))
    for row in (False, True):
        buttons = spots(theme_of(view), rect, card(tab, "mms-deu"), rtl=False, row=row)
        assert [spot.action for spot in buttons] == [words.RESUME, words.REMOVE]
    studio.models.holding = False
    click(tab, "mms-deu", words.RESUME)
    studio.wait(lambda: card(tab, "mms-deu").info.usable)


def test_failed_download_says_why_and_goes_on(tab: ModelsTab, studio: Studio) -> None:
    studio.models.failures["speecht5"] = Failure("hub-interrupted", {"host": "huggingface.co"})
    click(tab, "speecht5", words.DOWNLOAD)
    studio.wait(lambda: bool(studio.window.toasts.toasts()))
    (toast,) = studio.window.toasts.toasts()
    assert toast.words().startswith(
        "SpeechT5 could not be downloaded. The connection to huggingface.co keeps breaking off."
    )
    click(tab, "speecht5", words.RESUME)
    studio.wait(lambda: card(tab, "speecht5").info.usable)
    assert toast not in studio.window.toasts.toasts()


def failed(id: str, code: str, **arguments: str) -> Activity:
    failure = Failure(code, arguments)
    return working(ActivityState.FAILED, id=f"f-{id}", model=id, title=BY_ID[id].title, failure=failure)


def test_failures_share_one_notice_that_goes_when_they_go_on(tab: ModelsTab, studio: Studio) -> None:
    toasts = studio.window.toasts
    for id in ("phi4-mini", "speecht5", "mms-deu"):
        studio.models.put(failed(id, "hub-unreachable", host="127.0.0.1:1"))
    studio.wait(lambda: [t.words().split(".")[0] for t in toasts.toasts()] == ["3 downloads stopped"])
    assert "Phi-4-mini, SpeechT5, MMS German" in toasts.toasts()[0].words()
    studio.models.put(failed("mms-deu", "hub-unreachable", host="127.0.0.1:1"))  # told already
    for id in ("phi4-mini", "speecht5"):
        studio.models.put(working(id=f"f-{id}", model=id))
    studio.wait(lambda: toasts.toasts()[0].words().startswith("MMS German could not be downloaded."))
    assert len(toasts.toasts()) == 1
    assert card(tab, "mms-deu").look.words == "Stopped"
    studio.models.put(working(ActivityState.DONE, id="another", model="mms-deu"))
    studio.wait(lambda: toasts.toasts() == [])
    assert card(tab, "mms-deu").activity is None


def test_failure_that_nothing_mends_offers_no_other_attempt(tab: ModelsTab, studio: Studio) -> None:
    studio.models.put(failed("speecht5", "hub-no-weights", model="SpeechT5"))
    studio.wait(lambda: bool(studio.window.toasts.toasts()))
    buttons = [button.text() for button in studio.window.toasts.toasts()[0].findChildren(QPushButton)]
    assert "Resume" not in buttons and "Network settings" not in buttons
    assert card(tab, "speecht5").main_action == words.DETAILS


def test_card_of_a_damaged_download_says_the_reason_and_begins_anew(tab: ModelsTab, studio: Studio) -> None:
    file = "a-very-long-name-of-a-file-Q4_K_M.gguf"
    studio.models.put(failed("speecht5", "download-damaged", file=file))
    studio.wait(lambda: card(tab, "speecht5").activity is not None)
    shown = card(tab, "speecht5")
    assert words.note_of(shown.info, shown.activity, shown.opens)[0] == "It arrived damaged twice."
    assert shown.look.words == "Thrown away"
    assert shown.main_action == words.AGAIN
    said = words.reason_words(failed("speecht5", "hub-unreachable", host="127.0.0.1:17701"))
    assert said == "The hub cannot be reached."
    click(tab, "speecht5", words.AGAIN)
    studio.wait(lambda: ("resume", {"activity": "f-speecht5"}) in studio.models.asked)


def test_chinese_reasons_have_no_gap_between_chinese_words(tab: ModelsTab) -> None:
    i18n.set_language("zh_CN")
    assert words.reason_words(failed("speecht5", "hub-unreachable", host="127.0.0.1:17701")) == "无法连接模型站。"


def test_rows_stay_where_they_are_while_models_change(tab: ModelsTab, studio: Studio) -> None:
    before = listed(tab)
    tab.panel.states["missing"].setChecked(True)
    missing = listed(tab)
    click(tab, missing[-1], words.main_action(BY_ID[missing[-1]]))
    studio.wait(lambda: card(tab, missing[-1]).info.usable or bool(tab.acting.details))
    assert listed(tab) == missing
    tab.panel.states["missing"].setChecked(False)
    assert set(listed(tab)) == set(before)


def test_too_large_a_model_is_asked_about_first(
    tab: ModelsTab, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(studio, monkeypatch, yes=False)
    tab.panel.fits.setChecked(False)
    assert card(tab, "qwen3-32b").fit is Fit.TOO_LARGE
    click(tab, "qwen3-32b", words.DOWNLOAD)
    assert asked[0].startswith("Download Qwen3 32B although it is too large?")
    studio.models.settled()
    assert not studio.models.activities
    studio.models.change(replace(BY_ID["qwen3-32b"], state=ModelState.PARTIAL))
    studio.wait(lambda: card(tab, "qwen3-32b").main_action == words.RESUME)
    click(tab, "qwen3-32b", words.RESUME)
    assert len(asked) == 2
    asked_again = answer(studio, monkeypatch, yes=True)
    studio.models.failures["qwen3-32b"] = Failure("hub-interrupted", {"host": "huggingface.co"})
    click(tab, "qwen3-32b", words.RESUME)
    studio.wait(lambda: card(tab, "qwen3-32b").look.words == "Stopped")
    click(tab, "qwen3-32b", words.RESUME)
    studio.wait(lambda: card(tab, "qwen3-32b").info.usable)
    assert len(asked_again) == 1  # who agreed once is not asked again


def test_fit_is_judged_with_the_users_limit_too(
    tab: ModelsTab, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(studio, monkeypatch, yes=False)
    assert card(tab, "gemma3-4b").fit is Fit.FITS
    studio.settings.update(memory_limit=4 << 30)
    studio.services.bridge.device_changed.emit(studio.engine.device)
    assert card(tab, "gemma3-4b").fit is Fit.TOO_LARGE
    assert card(tab, "phi4-mini").fit is Fit.TIGHT
    tab.acting.act(replace(card(tab, "gemma3-4b"), accepted=True), words.DOWNLOAD)
    assert "more memory than you let models take (9.4 GB memory)" in asked[0]


def test_verdict_on_the_memory_is_never_cut() -> None:
    assert words.need_words(28 << 30, Fit.TOO_LARGE) == ("28 GB memory · Too large", "28 GB · Too large", "Too large")
    assert words.need_words(28 << 30, Fit.FITS) == ("28 GB memory", "28 GB")


def test_gated_model_goes_on_once_its_terms_are_accepted(tab: ModelsTab, studio: Studio) -> None:
    click(tab, "sd35-medium", words.REVIEW)
    sheet = tab.acting.details
    assert sheet is not None
    assert sheet.acceptance.isVisible()
    studio.wait(lambda: sheet.acceptance.page.isEnabled() and "no token" in sheet.acceptance._kept.text())
    sheet.acceptance.accepted.click()
    studio.wait(lambda: bool(sheet.acceptance.message.text()))
    assert sheet.acceptance.message.text().startswith("The hub says that the terms are not accepted yet")
    sheet.acceptance.token.setText("hf_example")
    sheet.acceptance.keep.click()
    studio.wait(lambda: studio.models.token == "hf_example" and "keyring" in sheet.acceptance._kept.text())
    studio.models.bad_tokens, studio.models.users = {"hf_bad"}, {"hf_ada": "ada"}
    sheet.acceptance.token.setText("hf_bad")
    sheet.acceptance.keep.click()
    studio.wait(lambda: "does not accept your token" in sheet.acceptance.message.text())
    sheet.acceptance.token.setText("hf_ada")
    sheet.acceptance.keep.click()
    studio.wait(lambda: sheet.acceptance._kept.text().endswith("You are ada."))
    assert sheet.acceptance.message.text() == ""
    studio.models.accepted.add("sd35-medium")
    sheet.acceptance.accepted.click()
    studio.wait(lambda: card(tab, "sd35-medium").info.usable)
    assert not sheet.acceptance.isVisible()


def test_details_show_files_and_their_progress(tab: ModelsTab, studio: Studio) -> None:
    studio.models.holding = True
    click(tab, "sd15", words.DOWNLOAD)
    studio.wait(lambda: (a := card(tab, "sd15").activity) is not None and a.done > 0)
    click(tab, "sd15")
    sheet = tab.acting.details
    assert sheet is not None
    files = sheet.files.files()
    assert [file.name for file in files][-1] == "unet/model.safetensors"
    assert 0 < files[-1].done < files[-1].size
    QTest.keyClick(sheet, Key.Key_Escape)
    assert tab.acting.details is None


def test_update_asks_for_the_newer_commit(tab: ModelsTab, studio: Studio) -> None:
    studio.models.newer = {"sdxl"}
    tab.check_updates()
    studio.wait(lambda: bool(card(tab, "sdxl").info.update))
    click(tab, "sdxl", words.UPDATE)
    studio.wait(lambda: not card(tab, "sdxl").info.update)
    assert ("download", {"model": "sdxl@" + "f" * 40}) in studio.models.asked


def test_starter_that_is_missing_is_restored(tab: ModelsTab, studio: Studio) -> None:
    studio.models.change(replace(BY_ID["hibari-heart"], state=ModelState.NOT_INSTALLED))
    studio.wait(lambda: not card(tab, "hibari-heart").info.usable)
    click(tab, "hibari-heart", words.RESTORE)
    studio.wait(lambda: card(tab, "hibari-heart").info.usable)
    assert "The starter pack is whole again." in [toast.words() for toast in studio.window.toasts.toasts()]


# -- keeping and removing -------------------------------------------------------------------------------------


def test_free_up_space_asks_twice_and_removes_what_was_chosen(
    tab: ModelsTab, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(studio, monkeypatch, yes=True)
    tab.models_stage.disk.free_up.click()
    studio.wait(lambda: tab.acting.space is not None)
    sheet = tab.acting.space
    assert sheet is not None
    assert not sheet.remove.isEnabled()
    QTest.keyClick(sheet.list, Key.Key_Space)
    assert sheet.chosen() == ["sdxl"]
    sheet.remove.click()
    studio.wait(lambda: not card(tab, "sdxl").info.usable)
    assert asked == ["Remove Stable Diffusion XL? This frees 6.9 GB. It can be downloaded again."]
    assert tab.acting.space is None


def test_removal_that_is_not_confirmed_removes_nothing(
    tab: ModelsTab, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(studio, monkeypatch, yes=False)
    tab.models_stage.cards.choose("mistral-7b")
    QTest.keyClick(tab.models_stage.cards, Key.Key_Delete)
    studio.wait(lambda: bool(asked))
    studio.models.settled()
    assert card(tab, "mistral-7b").info.usable
    assert "remove" not in [name for name, _arguments in studio.models.asked]


def test_check_of_all_models_and_repair(tab: ModelsTab, studio: Studio) -> None:
    studio.models.damaged = {"sdxl": ["unet/model.safetensors"]}
    tab.verify_all()
    dialog = dialog_of(studio)
    assert dialog.accessibleName() == "1 model has damaged files."
    studio.wait(lambda: card(tab, "sdxl").info.state is ModelState.DAMAGED)
    studio.models.damaged = {}
    dialog.panel.buttons["repair"].click()
    studio.wait(lambda: card(tab, "sdxl").info.usable)
    tab.verify_all()
    studio.wait(lambda: any("Every file is as it should be." in t.words() for t in studio.window.toasts.toasts()))


@pytest.mark.parametrize("yes", [True, False])
def test_loaded_model_is_unloaded_before_it_is_removed(
    tab: ModelsTab, studio: Studio, monkeypatch: pytest.MonkeyPatch, yes: bool
) -> None:
    asked = answer(studio, monkeypatch, yes=yes)
    studio.models.loaded = {"mistral-7b"}
    told: list[str] = []
    asking = studio.engine.query

    def query(name: str, **arguments: Any) -> Future[Any]:
        if name != "unload":
            return asking(name, **arguments)
        told.append(f"{name} {arguments['model']}")
        studio.models.loaded.discard(arguments["model"])
        done: Future[Any] = Future()
        done.set_result(None)
        return done

    monkeypatch.setattr(studio.engine, "query", query)
    tab.acting.remove(["mistral-7b"])
    studio.wait(lambda: bool(asked))
    assert asked[0].startswith("Mistral 7B is loaded right now.")
    if yes:
        studio.wait(lambda: not card(tab, "mistral-7b").info.usable)
        assert told == ["unload mistral-7b"]
        assert asked[1].startswith("Remove Mistral 7B?")
    else:
        studio.models.settled()
        assert (told, len(asked)) == ([], 1)
        assert card(tab, "mistral-7b").info.usable


# -- what cannot be used --------------------------------------------------------------------------------------


def test_what_nothing_can_use_has_a_card_with_the_reason_and_can_be_removed(
    tab: ModelsTab, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(studio, monkeypatch, yes=True)
    lora = ModelInfo(
        "imported/ink-lora",
        "",
        Medium.IMAGE,
        "ink-lora",
        (),
        ModelState.NOT_INSTALLED,
        origin="imported",
        problem="model-kind-unknown",
        size=10_600,
    )
    studio.models.change(lora, replace(lora, id="imported/old", title="old", problem="model-pickled"))
    studio.wait(lambda: tab.shelf.card("imported/old") is not None)
    shown = card(tab, "imported/ink-lora")
    assert shown.main_action == words.REMOVE
    assert words.note_of(shown.info, None, shown.opens)[0] == "Nothing here can use it yet."
    assert tab.panel.states["unusable"].isVisible()
    assert card(tab, "imported/old").main_action == words.CONVERT
    view = tab.models_stage.cards
    rect = view.card_rect(view.listing.index(0, 0))
    buttons = spots(theme_of(view), rect, card(tab, "imported/old"), rtl=False, row=False)
    assert [spot.action for spot in buttons] == [words.CONVERT, words.REMOVE]
    click(tab, "imported/ink-lora", words.REMOVE)
    studio.wait(lambda: tab.shelf.card("imported/ink-lora") is None)


def test_no_button_opens_what_no_tab_uses(tab: ModelsTab, studio: Studio) -> None:
    assert not studio.window.uses(Medium.ANIMATION)
    studio.models.change(replace(BY_ID["animatediff"], state=ModelState.INSTALLED, origin="hub"))
    studio.wait(lambda: card(tab, "animatediff").info.usable)
    shown = card(tab, "animatediff")
    assert shown.main_action == words.REMOVE
    assert words.note_of(shown.info, None, shown.opens)[0].startswith("Nothing here uses it")
    menu = QMenu()
    tab.acting.fill_menu(menu, shown)
    assert "Open" not in [action.text() for action in menu.actions()]


# -- adding ---------------------------------------------------------------------------------------------------


def test_file_that_is_recognised_is_added(tab: ModelsTab, studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "paper-cut.gguf"
    path.write_bytes(b"GGUF")
    studio.window.drop_files([path])
    studio.wait(lambda: (d := _dialog(studio)) is not None and "import" in d.panel.buttons)
    assert "a text model in GGUF" in dialog_of(studio).panel.body.text()
    dialog_of(studio).panel.buttons["import"].click()
    studio.wait(lambda: tab.shelf.card("imported/paper-cut") is not None)
    assert "imported/paper-cut" in listed(tab)


def test_file_that_nothing_can_use_yet_is_kept_only_if_asked_for(tab: ModelsTab, studio: Studio) -> None:
    studio.models.inspections["ink.safetensors"] = inspection("lora", "Ink")
    tab.look_at(Path("ink.safetensors"))
    studio.wait(lambda: (d := _dialog(studio)) is not None and "import" in d.panel.buttons)
    button = dialog_of(studio).panel.buttons["import"]
    assert button.text() == "Keep it"
    assert button.kind == "secondary"
    dialog_of(studio).choose("cancel")


def test_pickle_is_converted_or_refused_in_words(tab: ModelsTab, studio: Studio) -> None:
    studio.models.inspections["bad.ckpt"] = inspection("pickle", found=["os.system"], size=2 * GB)
    tab.look_at(Path("bad.ckpt"))
    studio.wait(lambda: (d := _dialog(studio)) is not None and "os.system" in d.panel.body.text())
    assert list(dialog_of(studio).panel.buttons) == ["cancel"]
    dialog_of(studio).choose("cancel")
    studio.models.inspections["old.ckpt"] = inspection("pickle", "Old", convertible=True)
    tab.look_at(Path("old.ckpt"))
    studio.wait(lambda: (d := _dialog(studio)) is not None and "convert" in d.panel.buttons)
    dialog_of(studio).panel.buttons["convert"].click()
    studio.wait(lambda: ("import", {"path": "old.ckpt", "convert": True}) in studio.models.asked)


def test_refusal_is_told_in_its_sentences(tab: ModelsTab, studio: Studio) -> None:
    studio.models.refusals["x.gguf"] = AtelierError("file-unreadable", {"path": "x.gguf"})
    tab.look_at(Path("x.gguf"))
    studio.wait(
        lambda: (d := _dialog(studio)) is not None and d.accessibleName().startswith("This file cannot be read")
    )
    dialog_of(studio).choose("cancel")


def test_folder_of_another_studio_is_used_in_place(tab: ModelsTab, studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "ComfyUI"
    folder.mkdir()
    studio.models.inspections["ComfyUI"] = inspection("folder", "ComfyUI", models=7)
    studio.window.drop_files([folder])
    studio.wait(lambda: (d := _dialog(studio)) is not None and "folder" in d.panel.buttons)
    dialog_of(studio).panel.buttons["folder"].click()
    studio.wait(lambda: studio.settings.values.model_folders == (str(folder),))
    assert studio.models.folders == [str(folder)]


# -- ways, keys, state ----------------------------------------------------------------------------------------


def test_from_the_picker_to_the_models_and_back(studio: Studio) -> None:
    text = studio.window.open_tab("text")
    studio.services.models.asked_to_show.emit(Medium.TEXT)
    tab = opened(studio)
    assert tab.filters.medium is Medium.TEXT
    studio.engine.installed = (*MODELS, replace(MODELS[0], id="mistral-7b", title="Mistral 7B"))
    click(tab, "mistral-7b", words.OPEN)
    assert studio.window.tab is text
    picker = text.picker  # type: ignore[attr-defined]
    studio.wait(lambda: picker.current is not None and picker.current.id == "mistral-7b")


def test_keyboard_alone(tab: ModelsTab, studio: Studio) -> None:
    view = tab.models_stage.cards
    view.setFocus(Qt.FocusReason.TabFocusReason)
    first = view.current()
    assert first is not None
    QTest.keyClick(view, Key.Key_Right)
    assert view.current() != first
    QTest.keyClick(view, Key.Key_Return)
    assert tab.acting.details is not None
    tab.acting.details.close_sheet()
    assert view.choose("phi4-mini")
    QTest.keyClick(view, Key.Key_Space)
    studio.wait(lambda: card(tab, "phi4-mini").info.usable)


def test_screen_reader_hears_everything_of_a_card(tab: ModelsTab, studio: Studio) -> None:
    view = tab.models_stage.cards
    view.choose("mms-deu")
    reader = QAccessible.queryAccessibleInterface(view)
    assert reader is not None
    said = str(view.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole))
    assert "MMS German, Speech, Deutsch · CC BY-NC 4.0, not for commercial use" in said
    assert "145 MB" in said
    assert "Space: Download" in said


def test_sample_of_an_installed_voice_is_heard_and_stopped(tab: ModelsTab, studio: Studio) -> None:
    studio.engine.installed = (*MODELS, *VOICES)
    studio.engine.play = Speaking()
    studio.engine.restart()
    studio.wait(lambda: len(studio.services.bridge.models) > 1)
    click(tab, "kokoro-82m", words.PLAY)
    studio.wait(lambda: card(tab, "kokoro-82m").playing == "playing")
    click(tab, "kokoro-82m", words.PLAY)
    studio.wait(lambda: card(tab, "kokoro-82m").playing == "")


def test_more_menu_checks_all_models(tab: ModelsTab, studio: Studio) -> None:
    tab.models_stage.more.click()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if action.text() == "Check all models").trigger()
    menu.close()
    studio.wait(lambda: any("Every file is as it should be." in t.words() for t in studio.window.toasts.toasts()))


def test_menu_offers_what_can_be_done(tab: ModelsTab) -> None:
    menu = QMenu()
    tab.acting.fill_menu(menu, card(tab, "kokoro-82m"))
    assert [action.text() for action in menu.actions()] == [
        "Open",
        "Details",
        "Play a sample",
        "Check its files",
        "Remove…",
        "Open its page",
    ]


def test_state_comes_back(tab: ModelsTab, studio: Studio) -> None:
    tab.panel.media[Medium.SPEECH].click()
    tab.panel.states["installed"].setChecked(True)
    tab.models_stage.set_rows(True)
    kept = tab.state()
    tab.set_state({})
    assert tab.filters.medium is None
    tab.set_state({**kept, "sort": "nonsense", "states": ["installed", 3]})
    assert tab.filters.medium is Medium.SPEECH
    assert tab.filters.states == {"installed"}
    assert tab.filters.sort is Sort.BEST
    assert tab.models_stage.cards.cards.row


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_buttons_lie_inside_their_card_both_ways(tab: ModelsTab, studio: Studio, direction: Qt.LayoutDirection) -> None:
    view = tab.models_stage.cards
    view.setLayoutDirection(direction)
    rtl = direction == Qt.LayoutDirection.RightToLeft
    studio.spin(30)
    for rows in (False, True):
        view.set_rows(rows)
        studio.spin(30)
        for row in range(4):
            index = view.listing.index(row, 0)
            rect = view.card_rect(index)
            assert view.viewport().rect().left() <= rect.left()
            assert rect.right() <= view.viewport().rect().right()
            for spot in spots(theme_of(view), rect, view.listing.cards()[row], rtl=rtl, row=rows):
                assert rect.contains(spot.rect)
                assert (spot.rect.center().x() < rect.center().x()) == rtl


def many(count: int) -> list[ModelInfo]:
    times = -(-count // len(CATALOGUE))
    return [replace(info, id=f"{info.id}-{n}") for n in range(times) for info in CATALOGUE][:count]


def test_500_cards_scroll_while_4_downloads_report(qapp: QApplication, tmp_path: Path) -> None:
    models = many(500)
    studio = Studio(tmp_path, models=FakeModels(models))
    try:
        tab = opened(studio)
        tab.panel.fits.setChecked(False)
        bar = tab.models_stage.cards.verticalScrollBar()
        frames: list[float] = []
        for step in range(120):
            began = time.thread_time()  # of this thread: other programs of a busy machine do not count
            if step % 6 == 0:
                for number in range(4):
                    going = working(id=f"d{number}", model=models[number].id, done=1 + step * 1_000_000)
                    studio.models.put(going)
            bar.setValue(bar.value() + 48)
            qapp.processEvents()
            frames.append(time.thread_time() - began)
        assert bar.value() > 5000
        assert sorted(frames)[-2] < 0.050
    finally:
        studio.close()


def test_words_of_sizes_and_times() -> None:
    assert words.size_words(4_200_000_000) == "4.2 GB"
    assert words.size_words(92_000_000) == "92 MB"
    assert words.part_words(2_600_000_000, 4_200_000_000) == "2.6 of 4.2 GB"
    assert words.part_words(30_000_000, 4_200_000_000) == "0.0 of 4.2 GB"
    assert words.left_words(-1) == ""
    assert words.left_words(240) == "4 min left"
