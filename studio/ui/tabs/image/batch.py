"""A grid over two settings: one job for each cell, and the table in which their pictures appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import _
from studio.core.jobs import JobState, new_id
from studio.core.params import Choice as ChoiceParam
from studio.core.params import Flag, Integer, Number, Param, Seed
from studio.library import Item
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.image.asking import MODES, params_of, request_of
from studio.ui.tabs.image.desk import Desk, Run
from studio.ui.tabs.image.grid import GridView, Table
from studio.ui.tabs.image.loading import read_image
from studio.ui.widgets.dialogs import Choice, Dialog
from studio.ui.widgets.fields import ComboField, FieldMessage, TextField
from studio.ui.widgets.paint import Label

WORDS = "prompt"  # the axis that puts words in the place of others
MOST = 64
SIDE = 512  # px of a picture in the table
BARRED = ("num_images", "width", "height", "mask_feather", "compile", "precision")


@dataclass(frozen=True)
class Axis:
    """A setting and the values it takes; called `WORDS`, words of the prompt, each in the place of the first."""

    name: str
    label: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]

    def apply(self, number: int, prompt: str) -> dict[str, Any]:
        """The settings of the value `number`."""
        if self.name == WORDS:
            return {WORDS: prompt.replace(self.values[0], self.values[number])}
        return {self.name: self.values[number]}


def axes_of(params: Sequence[Param]) -> list[Param]:
    """The settings that a grid can run over."""
    kinds = (Integer, Number, ChoiceParam, Flag, Seed)
    return [param for param in params if isinstance(param, kinds) and param.id not in BARRED]


def parse_axis(name: str, text: str, params: Sequence[Param], prompt: str) -> Axis:
    """An axis from "10, 20, 30". Raises `InvalidInput` or `ValueError` with a sentence."""
    parts = [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]
    if not parts:
        raise ValueError(_("Write the values with commas between them."))
    if name == WORDS:
        if parts[0] not in prompt:
            raise ValueError(_("“{word}” is not in the prompt. Begin with a word that is.").format(word=parts[0]))
        return Axis(WORDS, _("Words of the prompt"), tuple(parts), tuple(parts))
    param = next(param for param in params if param.id == name)
    values, texts = [], []
    for part in parts:
        value: Any = part
        if isinstance(param, ChoiceParam):
            labels = {_(label).casefold(): known for known, label in param.choices}
            value = labels.get(part.casefold(), part)
        elif isinstance(param, Integer | Number):
            try:
                value = float(part) if isinstance(param, Number) else int(part.replace(" ", ""))
            except ValueError:
                raise ValueError(_("{value} is not a number.").format(value=part)) from None
        values.append(param.check(value))
        texts.append(part)
    return Axis(name, _(param.label), tuple(values), tuple(texts))


class Batch(QObject):
    """Asks for the two settings, submits a job for each cell, and fills the table."""

    def __init__(
        self, services: Services, shell: Shell, desk: Desk, room: Any, view: GridView, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._services, self._shell, self._desk, self._room, self._view = services, shell, desk, room, view
        self._id = ""
        self._items: dict[tuple[int, int], Item] = {}
        self._typed = [("num_inference_steps", "10, 20, 30"), ("guidance_scale", "4, 6.5, 9")]
        desk.changed.connect(self._on_run)
        desk.filed.connect(self._on_filed)
        desk.ended.connect(self._on_ended)
        view.chosen.connect(self._on_chosen)

    def ask(self, problems: Sequence[str] = ()) -> None:
        """Open the question for the two settings, with what was typed before; `problems` say what is wrong with it."""
        model = self._room.model
        if model is None:
            self._room.generate()
            return
        window = self._view.window()
        words = _("Every pair of values makes one picture. Write the values with commas between them.")
        choices = [Choice("keep", _("Cancel")), Choice("go", _("Make the grid"), "primary")]
        dialog = Dialog(window, _("Grid over two settings"), words, choices, "keep")
        params = axes_of(params_of(model, MODES[self._room.mode]))
        names = [(WORDS, _("Words of the prompt")), *((param.id, _(param.label)) for param in params)]
        rows = []
        for title, (first, typed), problem in zip(
            (_("Across"), _("Down")), self._typed, problems or ("", ""), strict=True
        ):
            combo = ComboField([*names, ("", _("Nothing"))] if rows else names, None, title)
            combo.set_current(first if not first or any(name == first for name, _label in names) else names[0][0])
            field = TextField(typed, _("10, 20, 30"), _("Values"))
            message = FieldMessage(problem)
            dialog.content.addWidget(Label(title, "label"))
            for widget in (combo, field, message):
                dialog.content.addWidget(widget)
            rows.append((combo, field))
        self.fields = rows
        dialog.finished.connect(lambda answer: self._on_answer(answer, params))
        dialog.open()
        rows[0][1].setFocus()

    def _on_answer(self, answer: str, params: Sequence[Param]) -> None:
        self._typed = [(str(combo.current() or ""), field.text()) for combo, field in self.fields]
        if answer != "go":
            return
        axes, problems = [], []
        for name, text in self._typed:
            problems.append("")
            if not name:
                continue
            try:
                axes.append(parse_axis(name, text, params, self._room.prompt))
            except (ValueError, InvalidInput) as error:
                problems[-1] = str(error)
        if any(problems):
            self.ask(problems)
        else:
            self.start(axes)

    def start(self, axes: Sequence[Axis]) -> None:
        """Submit the jobs of a grid over one or two `axes`, across and down."""
        across, down = axes[0], axes[1] if len(axes) > 1 else None
        rows = len(down.values) if down is not None else 1
        count = rows * len(across.values)
        if count > MOST:
            words = _("A grid has up to {limit} pictures; this one has {count}.")
            self._shell.toast(words.format(limit=MOST, count=count), kind="warning")
            return
        batch, prompt, seed, orders = new_id(), self._room.prompt, self._room.seed, []
        for row in range(rows):
            for column in range(len(across.values)):
                params = {"seed": seed, "num_images": 1, **across.apply(column, prompt)}
                if down is not None:
                    params |= down.apply(row, str(params.get(WORDS, prompt)))
                order = self._room.order({"batch": batch, "cell": f"{row} {column}"}, **params)
                if order is None:
                    return
                orders.append(order)
        self._id, self._items = batch, {}
        texts = down.texts if down is not None else ("",)
        self._view.set_table(Table(across.label, across.texts, down.label if down is not None else "", texts))
        self._room.show_grid()

        def refused(error: AtelierError) -> None:
            self._shell.show_error(error)
            if not self._items:
                self.close()

        for order in orders:
            self._desk.prepare(lambda order=order: request_of(order), refused)

    def close(self) -> None:
        """Back to the picture; the jobs go on."""
        self._id = ""
        self._room.showing.end_compare()

    def _cell(self, run: Run) -> tuple[int, int] | None:
        origin = run.request.origin
        if not self._id or origin.get("batch") != self._id:
            return None
        row, column = origin["cell"].split()
        return int(row), int(column)

    def _on_run(self, run: Run) -> None:
        cell = self._cell(run)
        if cell is not None and run.preview is not None:
            self._view.set_picture(*cell, run.preview, whole=False)

    def _on_filed(self, run: Run, items: Sequence[Item]) -> None:
        cell = self._cell(run)
        if cell is None or not items:
            return
        self._items[cell] = items[0]
        done = lambda image: self._on_read(run, cell, image)  # noqa: E731
        work = self._services.bridge.work
        work(lambda: read_image(items[0].path, SIDE), done, self._shell.show_error, owner=self)

    def _on_read(self, run: Run, cell: tuple[int, int], image: QImage) -> None:
        if self._cell(run) == cell:
            self._view.set_picture(*cell, image)

    def _on_ended(self, run: Run, state: JobState) -> None:
        cell = self._cell(run)
        if cell is not None and state is not JobState.FILED:
            self._view.set_failed(*cell)

    def _on_chosen(self, row: int, column: int) -> None:
        if (item := self._items.get((row, column))) is not None:
            self._id = ""
            self._room.showing.show_item(item)
