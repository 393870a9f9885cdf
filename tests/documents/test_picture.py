"""Pictures: canvas and mask with undo, files of its own, and the mask as pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from studio.core.errors import AtelierError
from studio.documents import DocumentStore, PictureDocument
from studio.documents.picture import source_path
from studio.documents.picture_mask import MaskRaster, joined, rasterise
from studio.documents.picture_parts import CanvasChanged, Margins, Source, Stroke

LINE = Stroke("brush", size=20, hardness=1.0, points=(10, 30, 1, 90, 30, 1))
LASSO = Stroke("lasso", points=(20, 20, 1, 80, 20, 1, 80, 80, 1, 20, 80, 1))
RUBBER = Stroke("brush", erase=True, size=12, hardness=1.0, points=(50, 0, 1, 50, 99, 1))


@pytest.fixture
def picture(store: DocumentStore) -> PictureDocument:
    document = store.create("picture", "灯会", "Rocket")
    document.set_source(Source(item="a1", name="Rocket", width=100, height=100))
    return document


def test_every_change_of_the_canvas_is_one_undo_step(picture: PictureDocument) -> None:
    picture.add_stroke(LINE)
    picture.invert_mask()
    picture.set_margins(Margins(right=40))
    assert picture.canvas.size == (140, 100)
    picture.clear_mask()
    assert picture.canvas.strokes == () and not picture.canvas.margins
    for _step in range(3):
        assert picture.undo()
    assert picture.canvas.strokes == (LINE,) and picture.undo_label == "Brush"
    assert picture.redo() and picture.canvas.strokes[-1].tool == "invert"


def test_listeners_learn_whether_only_strokes_changed(picture: PictureDocument) -> None:
    heard: list[bool] = []
    picture.subscribe(lambda change: heard.append(change.painted) if isinstance(change, CanvasChanged) else None)
    picture.add_stroke(LINE)
    picture.set_source(Source(item="b2", width=50, height=50))
    picture.undo()
    assert heard == [True, False, False]


def test_the_mask_follows_a_picture_of_another_size(picture: PictureDocument) -> None:
    picture.add_stroke(LINE)
    picture.set_source(Source(item="b2", width=200, height=100), keep_mask=True)
    assert picture.canvas.strokes[0].points == (20, 30, 1, 180, 30, 1)
    picture.set_source(Source(item="c3", width=200, height=100))
    assert picture.canvas.strokes == ()


def test_what_is_saved_opens_as_it_was(
    store: DocumentStore, picture: PictureDocument, make: Callable[..., DocumentStore]
) -> None:
    for stroke in (LINE, LASSO, RUBBER):
        picture.add_stroke(stroke)
    picture.invert_mask()
    picture.set_background("#ffeedd")
    picture.set_form({"mode": "inpaint", "params": {"prompt": "a red apple", "steps": 28}})
    picture.add_pictures(["a1", "b2", "a1"])
    store.close(picture)
    again = make().open(picture.id)
    assert isinstance(again, PictureDocument)
    assert again.canvas == picture.canvas and again.form == picture.form
    assert list(again.pictures) == ["a1", "b2"] and again.text == "a red apple"


@pytest.mark.parametrize(
    "wrong",
    [{"strokes": [{"tool": "pencil"}]}, {"strokes": [{"tool": "brush", "points": [1, 2]}]}, {"margins": {"up": 3}}],
)
def test_a_damaged_file_is_no_document(wrong: dict) -> None:
    data = {"id": "x", "title": "", "created": 1, "modified": 1, "content": wrong}
    with pytest.raises((KeyError, TypeError, ValueError)):
        PictureDocument().take(data)


def test_files_of_its_own_are_known_by_their_content(picture: PictureDocument) -> None:
    name = picture.write_part(b"picture")
    assert picture.write_part(b"picture") == name and picture.part_path(name).read_bytes() == b"picture"
    picture.set_source(Source(part=name, name="dropped.png", width=3, height=3))
    assert source_path(picture, None) == picture.part_path(name)
    picture.part_path(name).unlink()
    with pytest.raises(AtelierError, match="there any more"):
        source_path(picture, None)


def test_strokes_cover_what_they_run_over() -> None:
    mask = rasterise([LINE], 100, 100)
    assert mask[30, 50] == 255 and mask[30, 2] == 255 and mask[50, 50] == 0 and mask[41, 50] == 0
    mask = rasterise([LINE, RUBBER], 100, 100)
    assert mask[30, 50] == 0 and mask[30, 20] == 255
    mask = rasterise([LASSO], 100, 100)
    assert mask[50, 50] == 255 and mask[10, 10] == 0
    mask = rasterise([LASSO, Stroke("invert")], 100, 100)
    assert mask[50, 50] == 0 and mask[10, 10] == 255


def test_a_soft_brush_fades_and_pressure_makes_it_thin() -> None:
    soft = Stroke("brush", size=40, hardness=0.0, points=(50, 50, 1))
    row = rasterise([soft], 100, 100)[50]
    assert row[50] > row[60] > row[66] > 0 == row[75]
    thin = rasterise([Stroke("brush", size=40, hardness=1.0, points=(50, 50, 0.25))], 100, 100)
    assert thin[50, 53] == 255 and thin[50, 60] == 0


def test_margins_are_repainted_wholly() -> None:
    mask = rasterise([], 10, 10, Margins(left=4, bottom=2))
    assert mask.shape == (12, 14) and mask[0, 0] == 255 and mask[11, 8] == 255 and mask[0, 6] == 0


def test_a_stroke_on_its_way_is_the_stroke_it_becomes() -> None:
    live = MaskRaster(100, 100)
    live.begin(LINE)
    changed = live.extend(10, 30, 1)
    changed = joined(changed, live.extend(90, 30, 1))
    live.keep(LINE)
    assert np.array_equal(live.pixels, rasterise([LINE], 100, 100))
    assert live.follow([LINE]) == (0, 0, 0, 0)
    rect = live.follow([])
    assert rect == changed and not live.pixels.any()


def test_undo_and_redo_of_pixels_give_the_same_mask_in_any_order() -> None:
    steps = [LINE, LASSO, RUBBER, Stroke("invert"), LINE]
    raster = MaskRaster(100, 100)
    for count in (5, 2, 4, 0, 3, 5, 1):
        raster.follow(steps[:count])
        assert np.array_equal(raster.pixels, rasterise(steps[:count], 100, 100)), count


def test_what_is_too_long_ago_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.documents.picture_mask.KEPT_BYTES", 3000)
    steps = [LINE, LASSO, RUBBER]
    raster = MaskRaster(100, 100)
    raster.follow(steps)
    raster.follow([])
    assert not raster.pixels.any()
    raster.follow(steps[:2])
    assert np.array_equal(raster.pixels, rasterise(steps[:2], 100, 100))
