"""The Image tab in its window, with a fake engine: ask, see, paint, compare, export, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QFileDialog

from studio import families
from studio.core import i18n
from studio.core.jobs import JobState, Medium, Request, Task
from studio.documents import PictureDocument
from studio.documents.picture_parts import Margins, Stroke
from studio.library import Item
from studio.media import carriers
from studio.media.pictures import read
from studio.ui.tabs import IMAGE, TABS, usable_tabs
from studio.ui.tabs.base import Payload
from studio.ui.tabs.image import ImageTab
from studio.ui.tabs.image.asking import MODES, fitting, params_of
from studio.ui.tabs.image.batch import parse_axis
from studio.ui.tabs.image.export_sheet import ExportSheet
from studio.ui.tabs.image.history import MAKING, PICTURE, TITLE, WAITING
from studio.ui.widgets.dialogs import Dialog
from studio.ui.widgets.fields import FieldMessage
from studio.ui.widgets.toasts import Toast
from tests.fakes import stub_picture
from tests.fakes.fake_engine import MODELS, FakeEngine
from tests.fakes.studio import Studio

SPOT = Stroke("brush", size=120, hardness=1.0, points=(256, 256, 1))


@pytest.fixture(autouse=True)
def _family() -> Iterator[None]:
    families.register_module(stub_picture.MODULE)
    yield
    families._extra.remove(stub_picture.MODULE)
    families.module_names.cache_clear()
    families.all.cache_clear()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(stub_picture.Painting(), models=(*MODELS, *stub_picture.MODELS))


@pytest.fixture
def studio(qapp: QApplication, tmp_path: Path, engine: FakeEngine) -> Iterator[Studio]:
    studio = Studio(tmp_path, tabs=(IMAGE, TABS[0]), engine=engine)
    studio.window.open_tab("image")
    yield studio
    studio.close()
    i18n.set_language("en")


@pytest.fixture
def tab(studio: Studio) -> ImageTab:
    tab = cast(ImageTab, studio.window.tab)
    tab.panel.steps.set_value(3)
    tab.panel.sizes.set_size(128, 128)
    return tab


def make(studio: Studio, tab: ImageTab, prompt: str = "a red apple", count: int = 2) -> list[Item]:
    tab.panel.prompt.set_text(prompt)
    tab.count.set_value(count)
    tab.generate_button.requested.emit()
    studio.wait(lambda: bool(tab.desk.runs) or bool(tab.panel.prompt.error()))
    done(studio, tab)
    assert tab.showing.item is not None
    return tab.shelf.siblings(tab.showing.item)


def done(studio: Studio, tab: ImageTab) -> None:
    studio.wait(lambda: not tab.desk.runs and tab.showing.run is None)
    studio.spin(60)


def toasts(studio: Studio) -> str:
    found = studio.window.findChildren(Toast)
    return " ".join(f"{toast.accessibleName()} {toast.accessibleDescription()}" for toast in found)


def last_request(studio: Studio) -> Request:
    return max(studio.services.queue.jobs(), key=lambda job: job.created).request


# -- the tab itself -------------------------------------------------------------------------------------------


def test_the_tab_is_there_when_a_family_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    assert IMAGE in usable_tabs()
    with monkeypatch.context() as patch:
        patch.setattr(families, "module_names", lambda: ("studio.families.text.gguf",))
        assert IMAGE not in usable_tabs()


def test_it_begins_empty_with_three_samples(studio: Studio, tab: ImageTab) -> None:
    assert tab.image_stage.room.currentWidget() is tab.image_stage.empty
    assert not tab.image_stage.bar.isVisible() and not tab.header.export.isEnabled()
    assert studio.services.documents.list(kind="picture") == []
    tab.image_stage.empty.sample_chosen.emit(0)
    studio.wait(lambda: bool(tab.desk.runs))
    done(studio, tab)
    assert tab.showing.item is not None and "fox" in tab.panel.prompt.text()


# -- asking ---------------------------------------------------------------------------------------------------


def test_pictures_are_made_shown_and_grouped(studio: Studio, tab: ImageTab) -> None:
    items = make(studio, tab, count=4)
    assert len(items) == 4 and tab.image_stage.room.currentWidget() is tab.image_stage.view
    studio.wait(lambda: len(tab.pictures.tiles.rows()) == 5)
    rows = tab.pictures.tiles.rows()
    assert [row.kind for row in rows] == [PICTURE] * 4 + [TITLE]
    assert rows[0].id == items[0].id == tab.pictures.shown
    seeds = [item.metadata["seed"] for item in items]
    assert seeds == [seeds[0] + number for number in range(4)]
    assert "1 of 4" in tab.header._subtitle.text() and "128 × 128" in tab.header._subtitle.text()
    document = tab.room.document
    assert document is not None and set(document.pictures) == {item.id for item in items}
    assert document.title == "a red apple"


def test_a_locked_seed_makes_the_same_picture_again(studio: Studio, tab: ImageTab) -> None:
    tab.panel.seed.set_value(42)
    tab.panel.seed.set_locked(True)
    first = make(studio, tab, count=1)[0]
    second = make(studio, tab, count=1)[0]
    assert first.id != second.id and np.array_equal(read(first.path).pixels, read(second.path).pixels)
    tab.panel.seed.set_locked(False)
    make(studio, tab, count=1)
    assert tab.panel.seed.value() != 42


def test_what_is_being_made_has_places_in_the_history(studio: Studio, tab: ImageTab, engine: FakeEngine) -> None:
    engine.play = stub_picture.Painting(pause_at=4)
    tab.panel.prompt.set_text("a star")
    tab.count.set_value(3)
    tab.room.generate()
    studio.wait(lambda: any(run.step == 4 for run in tab.desk.runs))
    studio.spin(50)
    rows = tab.pictures.tiles.rows()
    assert [row.kind for row in rows] == [MAKING, MAKING, WAITING, TITLE]
    assert "2" in rows[3].note and rows[1].share == pytest.approx(1 / 3)
    assert tab.generate_button.is_running() and tab.image_stage.view._preview is not None
    tab.generate_button.stop_requested.emit()
    done(studio, tab)
    assert not tab.generate_button.is_running()
    assert tab.image_stage.room.currentWidget() is tab.image_stage.empty


def test_a_job_that_fails_leaves_the_picture_before_it(studio: Studio, tab: ImageTab, engine: FakeEngine) -> None:
    item = make(studio, tab, count=1)[0]
    engine.play = stub_picture.Painting(fail="out-of-memory")
    tab.count.set_value(2)
    tab.room.generate()
    studio.wait(lambda: bool(tab.desk.runs))
    studio.wait(lambda: not tab.desk.runs)
    studio.wait(lambda: tab.image_stage.view.has_image)
    assert tab.showing.item is not None and tab.showing.item.id == item.id
    assert tab.panel.prompt.text() == "a red apple"


def test_styles_go_into_the_request(studio: Studio, tab: ImageTab) -> None:
    tab.panel.loras._choose("lora/clay")
    tab.panel.loras._rows[0].field.set_value(0.5)
    tab.panel.negative.set_text("text")
    make(studio, tab, count=1)
    params = last_request(studio).params
    assert params["loras"] == [{"model": "lora/clay", "weight": 0.5}] and params["negative_prompt"] == "text"


def test_pictures_to_follow_go_along(studio: Studio, tab: ImageTab, tmp_path: Path) -> None:
    path = tmp_path / "house.png"
    Image.new("RGB", (96, 96), "white").save(path)
    for model in stub_picture.GUIDES:
        row = tab.panel.guides.choose(model)
        tab.room.incoming.take_guide(row, path)
        studio.wait(lambda row=row: bool(row.part))
    tab.panel.guides.rows[1].field.set_value(0.4)
    make(studio, tab, count=1)
    request = last_request(studio)
    assert set(request.inputs) == {"control0", "reference0"} and request.parents == ()
    assert request.params["controls"] == [{"model": "control/canny", "weight": 1.0, "kind": "canny"}]
    assert request.params["references"] == [{"model": "adapter/style", "weight": 0.4}]
    document = tab.room.document
    assert document is not None and len(document.form["guides"]) == 2
    form = dict(document.form)
    tab.panel.guides.set_values([])
    tab.panel.show_form(form)
    assert tab.panel.guides.values() == form["guides"]


def test_only_models_that_draw_are_chosen_from(tab: ImageTab) -> None:
    assert [model.title for model in tab.picker.models()] == ["Atelier Sticker", "Sketchbook"]


# -- bad input ------------------------------------------------------------------------------------------------


def test_an_empty_prompt_is_said_below_the_field(studio: Studio, tab: ImageTab) -> None:
    tab.panel.prompt.set_text("  ")
    tab.room.generate()
    studio.wait(lambda: bool(tab.panel.prompt.error()))
    assert not tab.desk.runs and tab.generate_button.isEnabled()


def test_a_size_that_no_model_draws_is_said_and_kept(studio: Studio, tab: ImageTab) -> None:
    tab.panel.prompt.set_text("a star")
    tab.panel.sizes.width_field.set_value(100)
    tab.room.generate()
    studio.wait(lambda: bool(tab.panel.sizes.message.text()))
    assert tab.panel.sizes.chosen()[0] == 100 and not tab.desk.runs


@pytest.mark.parametrize("kind", ["text", "cut", "huge", "none"])
def test_what_is_no_picture_is_said_in_words(studio: Studio, tab: ImageTab, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "wrong.png"
    if kind == "text":
        path.write_text("not a picture")
    elif kind == "cut":
        Image.new("RGB", (400, 400), "red").save(path)
        path.write_bytes(path.read_bytes()[:300])
    elif kind == "huge":
        Image.new("1", (30_000, 30_000)).save(path)
    tab.panel.prompt.set_text("a star")
    tab.room.incoming.open_picture(path)
    studio.wait(lambda: "wrong.png" in toasts(studio) or "30" in toasts(studio))
    assert tab.showing.source is None and tab.panel.prompt.text() == "a star"


def test_from_a_picture_without_one_asks_for_it(studio: Studio, tab: ImageTab) -> None:
    tab.room.set_mode("picture")
    tab.panel.prompt.set_text("a star")
    tab.room.generate()
    assert "no picture" in toasts(studio) and not tab.desk.runs


def test_repainting_without_a_mask_asks_for_one(studio: Studio, tab: ImageTab) -> None:
    make(studio, tab, count=1)
    tab.room.set_mode("mask")
    tab.room.generate()
    assert "masked" in toasts(studio) and not tab.desk.runs


# -- pictures and masks ---------------------------------------------------------------------------------------


def test_a_picture_from_outside_is_worked_on(studio: Studio, tab: ImageTab, tmp_path: Path) -> None:
    path = tmp_path / "照片.jpg"
    Image.new("RGB", (300, 200), "#3060c0").save(path)
    studio.window.drop_files([path])
    studio.wait(lambda: tab.showing.source is not None)
    assert tab.panel.mode == "picture" and tab.panel.source.name.text() == "照片"
    make(studio, tab, count=1)
    request = last_request(studio)
    assert request.task is Task.IMAGE_TO_IMAGE and set(request.inputs) == {"image"}


def test_a_pasted_picture_is_worked_on(studio: Studio, tab: ImageTab) -> None:
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(0xFF00FF)
    QGuiApplication.clipboard().setImage(image)
    tab.paste()
    studio.wait(lambda: tab.showing.source is not None)
    assert tab.showing.source is not None and (tab.showing.source.width, tab.showing.source.height) == (64, 48)


def test_only_what_is_masked_changes(studio: Studio, tab: ImageTab) -> None:
    tab.panel.sizes.set_size(512, 512)
    before = make(studio, tab, "a planet", count=1)[0]
    tab.panel.prompt.set_text("an apple")
    tab.image_stage.view.stroke_made.emit(SPOT)
    studio.spin(30)
    assert tab.image_stage.bar.repaint_button.isEnabled()
    tab.image_stage.bar.repaint_button.click()
    studio.wait(lambda: bool(tab.desk.runs))
    done(studio, tab)
    after = tab.showing.item
    assert after is not None and after.parents == (before.id,) and tab.panel.mode == "mask"
    old, new = (read(item.path).pixels for item in (before, after))
    assert np.array_equal(old[:100], new[:100]) and not np.array_equal(old[220:290, 220:290], new[220:290, 220:290])
    document = tab.room.document
    assert document is not None and document.canvas.strokes == (SPOT,)
    assert document.canvas.source is not None and document.canvas.source.item == after.id


def test_strokes_are_undone_and_done_again(studio: Studio, tab: ImageTab) -> None:
    make(studio, tab, count=1)
    view = tab.image_stage.view
    view.stroke_made.emit(Stroke("brush", size=40, points=(64, 64, 1)))
    raster = view._raster
    assert raster is not None and raster.pixels[64, 64] == 255
    tab.image_stage.bar.undo_wanted.emit()
    assert raster.pixels[64, 64] == 0 and not tab.image_stage.bar.clear.isEnabled()
    tab.room.redo()
    assert raster.pixels[64, 64] == 255
    tab.image_stage.bar.invert_wanted.emit()
    assert raster.pixels[64, 64] == 0 and raster.pixels[0, 0] == 255


def test_a_pulled_edge_makes_a_larger_picture(studio: Studio, tab: ImageTab) -> None:
    make(studio, tab, count=1)
    tab.room.set_mode("mask")
    tab.image_stage.view.margins_made.emit(Margins(right=64, top=64))
    tab.room.generate()
    studio.wait(lambda: bool(tab.desk.runs))
    done(studio, tab)
    item = tab.showing.item
    assert item is not None and (item.metadata["width"], item.metadata["height"]) == (192, 192)


def test_sizes_that_a_model_can_draw() -> None:
    assert fitting(500, 333, 8, 64, 4096) == (496, 336)
    assert fitting(8000, 4000, 64, 64, 4096) == (4096, 2048)
    assert fitting(10, 40, 64, 64, 4096) == (64, 256)


def test_the_mask_is_back_after_the_program_was_killed(studio: Studio, tab: ImageTab) -> None:
    make(studio, tab, count=1)
    tab.image_stage.view.stroke_made.emit(SPOT)
    document = tab.room.document
    assert document is not None
    studio.wait(lambda: not document.dirty, 10)
    assert document.file is not None
    again = PictureDocument()
    again.take(json.loads(document.file.read_text(encoding="utf-8")))  # what the next start finds
    assert again.canvas == document.canvas and again.form["params"]["prompt"] == "a red apple"


def test_a_piece_of_work_opens_as_it_was_left(studio: Studio, tab: ImageTab) -> None:
    make(studio, tab, "a star with a hat", count=2)
    tab.image_stage.view.stroke_made.emit(SPOT)
    state = tab.state()
    tab.new()
    tab.panel.prompt.set_text("")
    assert tab.room.document is None and tab.showing.source is None
    tab.set_state(state)
    studio.wait(lambda: tab.showing.source is not None)
    assert tab.panel.prompt.text() == "a star with a hat" and tab.count.value() == 2
    assert tab.room.document is not None and tab.room.document.canvas.strokes == (SPOT,)


# -- history --------------------------------------------------------------------------------------------------


def test_settings_of_a_result_are_used_again(studio: Studio, tab: ImageTab) -> None:
    tab.panel.seed.set_value(7)
    item = make(studio, tab, "a planet", count=1)[0]
    tab.panel.prompt.set_text("something else")
    tab.panel.steps.set_value(50)
    tab.use_settings(item)
    studio.wait(lambda: tab.panel.prompt.text() == "a planet")
    assert tab.panel.steps.value() == 3 and tab.panel.seed.value() == 7 and tab.panel.seed.is_locked()


def test_the_menu_enlarges_cuts_out_and_removes(studio: Studio, tab: ImageTab, monkeypatch) -> None:
    item = make(studio, tab, count=1)[0]
    words = [action.text() for action in tab.shelf.menu(item).actions()]
    assert {"Enlarge", "Cut out", "Export…", "Favourite"} <= set(words)
    tab.room.work_on(item, Task.UPSCALE, stub_picture.UPSCALER)
    studio.wait(lambda: tab.showing.item is not None and tab.showing.item.id != item.id)
    large = tab.showing.item
    assert large is not None and large.metadata["width"] == 256 and large.parents == (item.id,)
    monkeypatch.setattr(studio.services.library, "_trash", lambda path: Path(path).unlink())
    tab.shelf.remove(large)
    studio.wait(lambda: tab.showing.source is None)
    assert tab.image_stage.room.currentWidget() is tab.image_stage.empty


def test_favourites_and_words_filter(studio: Studio, tab: ImageTab) -> None:
    first = make(studio, tab, "a red apple", count=1)[0]
    make(studio, tab, "a blue star", count=1)
    tab.shelf.toggle_favourite(first)
    tab._hearts.setChecked(True)
    assert [row.id for row in tab.pictures.tiles.rows() if row.kind == PICTURE] == [first.id]
    tab._hearts.setChecked(False)
    tab._filter.setChecked(True)
    tab._words.setText("star")
    titles = [row.title for row in tab.pictures.tiles.rows() if row.kind == PICTURE]
    assert titles == ["a blue star"]


def test_two_results_are_compared(studio: Studio, tab: ImageTab) -> None:
    items = make(studio, tab, count=2)
    studio.wait(lambda: tab.header.compare.isEnabled())
    tab.header.compare_wanted.emit()
    studio.wait(lambda: tab.showing.other is not None)
    assert tab.image_stage.room.currentWidget() is tab.image_stage.compare
    assert tab.showing.other is not None and tab.showing.other.id == items[1].id
    tab.image_stage.compare.closed.emit()
    assert tab.image_stage.room.currentWidget() is tab.image_stage.view


def test_a_result_sent_here_is_the_picture_to_start_from(studio: Studio, tab: ImageTab) -> None:
    item = make(studio, tab, count=1)[0]
    tab.new()
    tab.accept("image.picture", Payload(Medium.IMAGE, items=(item.id,)))
    studio.wait(lambda: tab.showing.source is not None)
    assert tab.panel.mode == "picture"


# -- grids and files ------------------------------------------------------------------------------------------


def test_a_grid_makes_one_picture_for_each_pair(studio: Studio, tab: ImageTab) -> None:
    tab.panel.prompt.set_text("a red apple")
    model = tab.picker.current
    assert model is not None
    params = params_of(model, MODES["text"])
    across = parse_axis("num_inference_steps", "2, 3", params, "a red apple")
    down = parse_axis("prompt", "apple, star, planet", params, "a red apple")
    tab.batch.start([across, down])
    grid = tab.image_stage.grid
    assert tab.image_stage.room.currentWidget() is grid and grid.table.columns == ("2", "3")
    studio.wait(lambda: len(tab.batch._items) == 6 and not tab.desk.runs)
    requests = [job.request for job in studio.services.queue.jobs() if job.state is JobState.FILED]
    asked = {(r.params["num_inference_steps"], r.params["prompt"], r.params["seed"]) for r in requests}
    assert len(asked) == 6 and len({seed for _steps, _prompt, seed in asked}) == 1
    studio.wait(lambda: [row.kind for row in tab.pictures.tiles.rows()].count(TITLE) == 1)
    grid.chosen.emit(2, 1)
    studio.wait(lambda: tab.showing.item is not None)
    assert tab.showing.item is not None and tab.showing.item.metadata["prompt"] == "a red planet"


def test_a_wrong_value_is_said_where_it_was_typed(studio: Studio, tab: ImageTab) -> None:
    tab.panel.prompt.set_text("a red apple")
    tab.batch.ask()
    tab.batch.fields[0][1].setText("ten")
    first = studio.window.findChildren(Dialog)[-1]
    first.choose("go")
    studio.spin(30)
    assert tab.batch.fields[0][1].text() == "ten" and not tab.desk.runs
    told = [message.text() for message in studio.window.findChildren(Dialog)[-1].findChildren(FieldMessage)]
    assert any("ten" in sentence for sentence in told)
    tab.batch.fields[0][1].setText("2")
    tab.batch.fields[1][0].set_current("")
    studio.window.findChildren(Dialog)[-1].choose("go")
    studio.wait(lambda: len(tab.batch._items) == 1)


def test_values_of_a_grid_are_checked(tab: ImageTab) -> None:
    model = tab.picker.current
    assert model is not None
    params = params_of(model, MODES["text"])
    for name, text in (("num_inference_steps", "ten"), ("prompt", "pear, star"), ("guidance_scale", " ")):
        with pytest.raises(ValueError, match=r"\w"):
            parse_axis(name, text, params, "a red apple")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".psd"])
def test_a_picture_is_exported(
    studio: Studio, tab: ImageTab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    make(studio, tab, count=1)
    tab.image_stage.view.stroke_made.emit(Stroke("brush", size=40, points=(64, 64, 1)))
    tab.export()
    studio.wait(lambda: tab.outgoing.sheet is not None)
    sheet = tab.outgoing.sheet
    assert isinstance(sheet, ExportSheet)
    sheet.format.set_current(suffix)
    sheet.width_field.set_value(64)
    assert sheet.height_field.value() == 64
    target = tmp_path / f"out{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(target), ""))
    sheet.save.click()
    studio.wait(target.exists)
    studio.wait(lambda: "out" in toasts(studio))
    with Image.open(target) as saved:
        assert saved.size == (64, 64)
    if suffix != ".psd":
        assert carriers.extract(target).params["prompt"] == "a red apple"


def test_crop_and_turn_make_a_new_picture(studio: Studio, tab: ImageTab) -> None:
    from studio.ui.tabs.image.adjust_sheet import AdjustSheet

    item = make(studio, tab, count=1)[0]
    tab.edit(item)
    studio.wait(lambda: tab.outgoing.sheet is not None)
    sheet = tab.outgoing.sheet
    assert isinstance(sheet, AdjustSheet)
    sheet.view.set_crop((0.0, 0.0, 0.5, 1.0))
    sheet.black.set_value(40)
    sheet.apply_button.click()
    studio.wait(lambda: tab.showing.source is not None and bool(tab.showing.source.part))
    assert tab.showing.source is not None and (tab.showing.source.width, tab.showing.source.height) == (64, 128)
    assert item.path.exists()
