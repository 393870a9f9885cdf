"""The Image tab in its states."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtTest import QTest

from studio import families
from studio.documents.picture_parts import Margins, Stroke
from studio.library import Item
from studio.ui.tabs.image import ImageTab
from studio.ui.tabs.image.asking import MODES, params_of
from studio.ui.tabs.image.batch import parse_axis
from tests.fakes import stub_picture
from tests.fakes.fake_engine import MODELS
from tests.fakes.studio import Studio
from tests.shots.scene import Scene

ROCKET = "Rocket lifting off, glossy 3D sticker with a white edge, warm peach background"
OTHERS = ("Unicorn, pastel mane", "Sleepy planet with one ring", "A star that smiles, soft clay")


def tab(studio: Studio) -> ImageTab:
    """The Image tab with models that draw, shown."""
    families.register_module(stub_picture.MODULE)
    if stub_picture.MODELS[0] not in studio.engine.installed:
        studio.engine.installed = (*MODELS, *stub_picture.MODELS)
        studio.engine.play = stub_picture.Painting()
        studio.engine.restart()
        studio.wait(lambda: len(studio.services.bridge.models) > 2)
    shown = studio.window.open_tab("image")
    assert isinstance(shown, ImageTab)
    return shown


def make(studio: Studio, image: ImageTab, prompt: str, count: int = 4, seed: int = 284190377) -> list[Item]:
    """Pictures that are made and shown."""
    image.panel.prompt.set_text(prompt)
    image.panel.seed.set_value(seed)
    image.count.set_value(count)
    image.panel.steps.set_value(4)
    image.room.generate()
    studio.wait(lambda: bool(image.desk.runs))
    studio.wait(lambda: not image.desk.runs)
    studio.wait(lambda: image.showing.item is not None and image.showing.run is None)
    item = image.showing.item
    assert item is not None
    image.panel.steps.set_value(28)
    return image.shelf.siblings(item)


def results(studio: Studio) -> tuple[ImageTab, list[Item]]:
    """Several groups, the first picture of the newest shown."""
    image = tab(studio)
    for number, prompt in enumerate(OTHERS):
        make(studio, image, prompt, 4 if number else 2, 7 * number)
    image.room.leave()
    items = make(studio, image, ROCKET)
    image.panel.seed.set_value(284190377)
    image.panel.seed.set_locked(True)
    image.panel.negative.set_text("blurry, text, cropped")
    loras = [{"model": "lora/clay", "weight": 0.8}, {"model": "lora/paper", "weight": 0.35}]
    image.panel.show_values({"loras": loras})
    studio.wait(lambda: all(image.thumbs.get(item.path) is not None for item in items))
    studio.spin(100)
    return image, items


def empty(studio: Studio) -> None:
    tab(studio)


def four(studio: Studio) -> None:
    results(studio)


def generating(studio: Studio) -> None:
    """The second of four is being drawn."""
    image, _items = results(studio)
    studio.engine.play = stub_picture.Painting(pause_at=28 + 18)
    image.panel.prompt.set_text("Castle on a hill at dusk")
    image.room.generate()
    studio.wait(lambda: any(run.step == 46 for run in image.desk.runs))
    studio.spin(100)


def masked(studio: Studio) -> None:
    """A mask over a part of the picture, the brush above it."""
    image, _items = results(studio)
    image.room.set_mode("mask")
    view = image.image_stage.view
    points = [(150, 330), (190, 360), (210, 400), (180, 420), (150, 390)]
    path = tuple(value for x, y in points for value in (x, y, 1.0))
    image.room._on_stroke(Stroke("brush", size=80, hardness=0.8, points=path))
    rest = tuple(float(value) for value in (300, 120, 1, 360, 150, 1, 350, 210, 1, 300, 190, 1))
    image.room._on_stroke(Stroke("lasso", points=rest))
    image.room.set_tool("brush")
    place = view.picture_rect().topLeft() + QPointF(215, 405) * view._scale
    QTest.mouseMove(view, place.toPoint())
    view._move_ring(place)
    studio.spin(80)


def outpaint(studio: Studio) -> None:
    """The right edge pulled outwards."""
    image, _items = results(studio)
    image.room.set_mode("mask")
    image.room._on_margins(Margins(left=64, right=192))
    studio.spin(80)


def compared(studio: Studio) -> None:
    image, items = results(studio)
    image.showing.show_item(items[1])
    studio.spin(150)
    image.showing.compare(items[0])
    studio.wait(lambda: image.showing.other is not None)


def grid(studio: Studio) -> None:
    image = tab(studio)
    image.panel.prompt.set_text(ROCKET)
    model = image.picker.current
    assert model is not None
    params = params_of(model, MODES["text"])
    across = parse_axis("num_inference_steps", "3, 6, 9, 12", params, ROCKET)
    down = parse_axis("prompt", "Rocket, Planet, Apple", params, ROCKET)
    image.batch.start([across, down])
    studio.wait(lambda: len(image.batch._items) == 12)
    studio.spin(200)


def grid_question(studio: Studio) -> None:
    image, _items = results(studio)
    image.batch.ask()


def export(studio: Studio) -> None:
    image, _items = results(studio)
    image.export()
    studio.wait(lambda: image.outgoing.sheet is not None)
    studio.spin(100)


def adjust(studio: Studio) -> None:
    image, items = results(studio)
    image.edit(items[0])
    studio.wait(lambda: image.outgoing.sheet is not None)
    sheet = image.outgoing.sheet
    assert sheet is not None
    sheet.view.set_crop((0.1, 0.05, 0.85, 0.9))  # type: ignore[union-attr]
    sheet.white.set_value(220)  # type: ignore[union-attr]
    studio.spin(150)


def menu(studio: Studio) -> None:
    image, items = results(studio)
    shown = image.shelf.menu(items[0])
    rect = image.pictures.visualRect(image.pictures.tiles.index(0, 0))
    shown.popup(image.pictures.viewport().mapToGlobal(rect.center()))


def details(studio: Studio) -> None:
    image, _items = results(studio)
    image.show_details()


def advanced(studio: Studio) -> None:
    """From a picture, everything unfolded."""
    image, _items = results(studio)
    image.room.set_mode("picture")
    image.panel.negative_fold.set_expanded(True)
    image.panel.form_fold.set_expanded(True)
    studio.spin(150)


def wrong(studio: Studio) -> None:
    """No words, and a size that the model cannot draw."""
    image, _items = results(studio)
    image.panel.prompt.set_text(" ")
    image.room.generate()
    studio.wait(lambda: bool(image.panel.prompt.error()))


def cut_out(studio: Studio) -> None:
    """A picture with transparent parts."""
    from studio.core.jobs import Task

    image, items = results(studio)
    image.room.work_on(items[0], Task.CUT_OUT, stub_picture.CUTTER)
    studio.wait(lambda: image.showing.item is not None and image.showing.item.id != items[0].id)
    studio.wait(lambda: image.image_stage.view.image is not None and image.image_stage.view.image.hasAlphaChannel())


SCENES = [
    Scene("empty", empty),
    Scene("four", four),
    Scene("generating", generating),
    Scene("masked", masked),
    Scene("outpaint", outpaint),
    Scene("compare", compared),
    Scene("grid", grid),
    Scene("grid-question", grid_question),
    Scene("export", export),
    Scene("adjust", adjust),
    Scene("menu", menu),
    Scene("details", details),
    Scene("advanced", advanced),
    Scene("wrong", wrong),
    Scene("cut-out", cut_out),
]
