"""How a picture was made, in a box below the button."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.core.recipe import Recipe
from studio.library import Item
from studio.ui.pane import Popover
from studio.ui.services import Services
from studio.ui.tabs.words import day_clock
from studio.ui.widgets.paint import Label

WIDTH = 340


def lines(item: Item, recipe: Recipe | None, model: str) -> list[tuple[str, str]]:
    """(label, value) of what is known."""
    params: Any = recipe.params if recipe is not None else {}
    size = (item.metadata.get("width"), item.metadata.get("height"))
    rows = [
        (_("Model"), model),
        (_("Size"), _("{width} × {height}").format(width=size[0], height=size[1]) if all(size) else ""),
        (_("Seed"), str(item.metadata.get("seed", params.get("seed", "")))),
        (_("Steps"), str(params.get("num_inference_steps", ""))),
        (_("Guidance"), str(params.get("guidance_scale", ""))),
        (_("Scheduler"), str(params.get("scheduler", "")).removesuffix("Scheduler")),
        (_("Made"), day_clock(item.created)),
        (_("File"), item.path.name),
    ]
    return [(label, value) for label, value in rows if value]


def open_details(services: Services, at: QWidget, item: Item) -> Popover:
    """Show what the picture's recipe says."""
    try:
        recipe = services.library.recipe(item.id)
    except AtelierError:
        recipe = None
    known = services.bridge.model(item.model)
    popover = Popover(at.window(), "radius.lg")
    popover.setAccessibleName(_("How it was made"))
    popover.setFixedWidth(WIDTH)
    popover.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    column = QVBoxLayout(popover)
    column.setContentsMargins(16, 14, 16, 16)
    column.setSpacing(10)
    prompt = str(item.metadata.get("prompt") or (recipe.params.get("prompt", "") if recipe is not None else ""))
    if prompt:
        column.addWidget(Label(prompt, "body", wrap=True))
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(4)
    for number, (label, value) in enumerate(lines(item, recipe, known.title if known else item.model)):
        grid.addWidget(Label(label, "small", "tertiary"), number, 0)
        words = Label(value, "small", wrap=True)
        grid.addWidget(words, number, 1)
    grid.setColumnStretch(1, 1)
    column.addLayout(grid)
    popover.closed.connect(popover.deleteLater)
    place = at.mapTo(at.window(), QPoint(at.width(), at.height() + 4))
    popover.adjustSize()
    popover.move(max(8, place.x() - WIDTH), place.y())
    popover.open_popover(popover)
    return popover
