"""The picture on the stage: zoom, pan, the mask that is painted, edges that are pulled; two pictures compared."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from studio.documents.picture_mask import MaskRaster, rasterise
from studio.documents.picture_parts import Margins, Stroke
from studio.ui.widgets.brush_bar import BrushBar
from studio.ui.widgets.compare import CompareView
from studio.ui.widgets.picture_view import PictureView, halves

LEFT = Qt.MouseButton.LeftButton
Show = Callable[..., QWidget]


def plain(width: int, height: int, colour: str = "#808080") -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image


@pytest.fixture
def view(show: Show) -> PictureView:
    view = PictureView()
    view.setFixedSize(400, 400)
    show(view, width=420, height=420)
    view.set_image(plain(200, 200))
    view.set_raster(MaskRaster(200, 200))
    return view


def place(view: PictureView, x: float, y: float) -> QPoint:
    """Where a pixel of the picture lies in the view."""
    return (view.picture_rect().topLeft() + QPointF(x, y) * (view.picture_rect().width() / 200)).toPoint()


def drag(view: PictureView, *points: tuple[float, float]) -> None:
    places = [place(view, *point) for point in points]
    QTest.mousePress(view, LEFT, Qt.KeyboardModifier.NoModifier, places[0])
    for point in places[1:]:
        QTest.mouseMove(view, point)
    QTest.mouseRelease(view, LEFT, Qt.KeyboardModifier.NoModifier, places[-1])


def test_a_picture_is_fitted_and_zoomed_about_a_point(view: PictureView) -> None:
    rect = view.picture_rect()
    assert view.fitted and rect.center().toPoint() == view.rect().center() + QPoint(1, 1)
    at = QPointF(120, 150)
    before = view.to_picture(at)
    view.set_zoom(3.0, at)
    after = view.to_picture(at)
    assert not view.fitted and view.zoom == pytest.approx(3.0)
    assert (after - before).manhattanLength() < 0.01
    view.pan_by(10_000, 10_000)
    assert view.picture_rect().intersects(view.rect())
    QTest.keyClick(view, Qt.Key.Key_0)
    assert view.fitted and view.picture_rect() == rect


def test_space_moves_the_picture_whatever_the_tool(view: PictureView) -> None:
    view.set_tool("brush")
    made: list[Stroke] = []
    view.stroke_made.connect(made.append)
    corner = view.picture_rect().topLeft()
    QTest.keyPress(view, Qt.Key.Key_Space)
    drag(view, (100, 100), (120, 100))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert not made and view.picture_rect().left() > corner.x() + 20


def test_a_brush_stroke_is_what_was_seen(view: PictureView) -> None:
    made: list[Stroke] = []
    view.stroke_made.connect(made.append)
    view.set_tool("brush")
    view.set_brush(20, 1.0)
    raster = view._raster
    assert raster is not None
    drag(view, (50, 100), (100, 100), (150, 100))
    assert len(made) == 1 and made[0].size == 20 and not made[0].erase
    assert np.array_equal(raster.pixels, rasterise(made, 200, 200))
    assert raster.pixels[100, 100] == 255 and raster.pixels[140, 100] == 0
    view.set_tool("eraser")
    drag(view, (100, 60), (100, 140))
    assert made[1].erase and raster.pixels[100, 100] == 0 and raster.pixels[100, 60] == 255


def test_the_mask_is_seen_over_the_picture(view: PictureView) -> None:
    before = view.grab().toImage().pixelColor(place(view, 100, 100))
    raster = view._raster
    assert raster is not None
    view.show_changed(raster.follow([Stroke("lasso", points=(50, 50, 1, 150, 50, 1, 150, 150, 1, 50, 150, 1))]))
    after = view.grab().toImage().pixelColor(place(view, 100, 100))
    assert after.blue() > before.blue() + 40 and after.red() < before.red()
    assert view.grab().toImage().pixelColor(place(view, 20, 20)) == before


def test_a_lasso_fills_what_it_goes_around(view: PictureView) -> None:
    made: list[Stroke] = []
    view.stroke_made.connect(made.append)
    view.set_tool("lasso")
    drag(view, (40, 40), (160, 40), (160, 160), (40, 160))
    assert made[0].tool == "lasso" and rasterise(made, 200, 200)[100, 100] == 255
    drag(view, (40, 40), (42, 40))
    assert len(made) == 1


def test_a_pen_presses_and_its_end_erases(view: PictureView) -> None:
    made: list[Stroke] = []
    view.stroke_made.connect(made.append)
    view.set_tool("brush")
    kinds = (QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease)
    for pointer in (QPointingDevice.PointerType.Pen, QPointingDevice.PointerType.Eraser):
        device = QPointingDevice(
            "pen", 1, QPointingDevice.DeviceType.Stylus, pointer, QPointingDevice.Capability.Pressure, 1, 1
        )
        for kind, x, pressure in zip(kinds, (60, 120, 120), (0.25, 0.5, 0.0), strict=True):
            point = QPointF(place(view, x, 100))
            buttons = LEFT if kind != QEvent.Type.TabletRelease else Qt.MouseButton.NoButton
            event = QTabletEvent(
                kind, device, point, point, pressure, 0, 0, 0, 0, 0, Qt.KeyboardModifier.NoModifier, LEFT, buttons
            )
            QApplication.sendEvent(view, event)
    assert [stroke.erase for stroke in made] == [False, True]
    assert made[0].points[2::3] == (0.25, 0.5)


def test_edges_are_pulled_outwards_and_back(view: PictureView) -> None:
    made: list[Margins] = []
    view.margins_made.connect(made.append)
    drag(view, (199.5, 100), (260, 100))
    assert not made
    view.fit()
    view.set_edges(True)
    drag(view, (199.5, 100), (240, 100))
    assert made == [Margins(right=40)]
    view.set_margins(made[0])
    assert view.canvas_rect().width() > view.picture_rect().width()


def test_a_preview_is_as_large_as_the_picture_will_be(view: PictureView) -> None:
    view.set_image(None)
    view.set_preview(plain(64, 32, "#ff0000"), 1024, 512)
    rect = view.picture_rect()
    assert rect.width() == pytest.approx(2 * rect.height(), abs=1)
    assert view.grab().toImage().pixelColor(rect.center().toPoint()).red() > 200


def test_transparent_parts_show_a_chequerboard(view: PictureView) -> None:
    clear = QImage(200, 200, QImage.Format.Format_ARGB32_Premultiplied)
    clear.fill(Qt.GlobalColor.transparent)
    view.set_image(clear)
    seen = view.grab().toImage()
    colours = {seen.pixelColor(place(view, x, 100)).name() for x in range(0, 200, 3)}
    assert len(colours) == 2


def test_large_pictures_are_shown_from_smaller_copies() -> None:
    copies = halves(plain(2048, 1024))
    assert [(copy.width(), copy.height()) for copy in copies] == [(1024, 512), (512, 256)]


def test_painting_on_a_large_picture_keeps_up(view: PictureView) -> None:
    """The work for one point of a stroke on 2048 × 2048, with the painting it causes; generous, as the machine may be
    busy: the median counts."""
    image = plain(2048, 2048)
    view.set_image(image, smaller=halves(image))
    view.set_raster(MaskRaster(2048, 2048))
    view.set_tool("brush")
    view.set_brush(120, 0.5)
    view.grab()
    corner, scale = view.picture_rect().topLeft(), view.picture_rect().width() / 2048
    frames = []
    QTest.mousePress(view, LEFT, Qt.KeyboardModifier.NoModifier, (corner + QPointF(300, 300) * scale).toPoint())
    for step in range(60):
        point = (corner + QPointF(300 + 20 * step, 300 + 12 * step) * scale).toPoint()
        began = time.perf_counter()
        QTest.mouseMove(view, point)
        QApplication.processEvents()
        frames.append(time.perf_counter() - began)
    QTest.mouseRelease(view, LEFT)
    assert sorted(frames)[30] < 0.016


def test_a_comparison_follows_pointer_and_keys(show: Show) -> None:
    compare = CompareView()
    compare.setFixedSize(400, 400)
    show(compare, width=420, height=420)
    compare.set_pictures(plain(100, 100, "#ff0000"), plain(200, 200, "#0000ff"), ("Before", "After"))
    frame = compare.frame()

    def colour(share: float) -> str:
        point = frame.topLeft() + QPointF(frame.width() * share, frame.height() * 0.8)
        return compare.grab().toImage().pixelColor(point.toPoint()).name()

    assert colour(0.2) == "#ff0000" and colour(0.8) == "#0000ff"
    QTest.mouseClick(compare, LEFT, Qt.KeyboardModifier.NoModifier, (frame.topLeft() + QPointF(30, 30)).toPoint())
    assert colour(0.2) == "#0000ff" and compare.share < 0.15
    QTest.keyClick(compare, Qt.Key.Key_End)
    assert compare.share == 1.0 and colour(0.8) == "#ff0000"
    assert "Before" in compare.accessibleDescription()


def test_the_bar_says_what_is_wanted(show: Show) -> None:
    bar = BrushBar()
    show(bar, width=760)
    heard: list[object] = []
    bar.tool_chosen.connect(heard.append)
    bar.brush_changed.connect(lambda size, hardness: heard.append((round(size), hardness)))
    bar.repaint_wanted.connect(lambda: heard.append("repaint"))
    bar._tools["eraser"].click()
    bar.size_slider.set_number(100)
    bar.set_state(masked=True, undo="Brush", can_repaint=True)
    bar.repaint_button.click()
    assert heard[0] == "eraser" and heard[-1] == "repaint" and bar.tool() == "eraser"
    assert bar.brush()[0] == pytest.approx(100, rel=0.05) and "Brush" in bar.undo.toolTip()
    bar.set_state(masked=False, undo=None, can_repaint=False, why="No model")
    assert not bar.repaint_button.isEnabled() and bar.repaint_button.toolTip() == "No model"
