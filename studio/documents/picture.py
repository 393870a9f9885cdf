"""A piece of work with pictures: what was asked for, the pictures that came of it, and the one that is worked on.

Pictures are results of the library, known by their ids. The mask is kept as strokes and drawn again when it is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from studio.core.errors import AtelierError
from studio.core.files import write_bytes
from studio.core.i18n import N_, _
from studio.core.paths import ensure
from studio.documents.base import Command, Document, from_json, to_json
from studio.documents.picture_parts import (
    INVERT,
    Canvas,
    CanvasChanged,
    FormChanged,
    Margins,
    PicturesChanged,
    Source,
    Stroke,
    stroke_json,
    stroke_of,
)

MOST_PICTURES = 2_000
LARGEST_MARGIN = 4096


@dataclass
class Repainted:
    """An undo step: one canvas in the place of another."""

    before: Canvas
    after: Canvas
    label: str

    @property
    def size(self) -> int:
        own = set(map(id, self.before.strokes)) ^ set(map(id, self.after.strokes))
        strokes = (*self.before.strokes, *self.after.strokes)
        return 200 + sum(32 * len(stroke.points) for stroke in strokes if id(stroke) in own)

    def apply(self, document: PictureDocument) -> None:
        document._put(self.after)

    def revert(self, document: PictureDocument) -> None:
        document._put(self.before)

    def merge(self, following: Command) -> Command | None:
        return None


class PictureDocument(Document):
    """`form` is what the panel shows (mode, model, the family's params): no undo step. `pictures` are ids of results,
    the oldest first. Files of its own (`part_path`) are named by their content and never change."""

    kind: ClassVar[str] = "picture"
    untitled: ClassVar[str] = N_("Untitled picture")

    def __init__(self, id: str = "", project: str = "", title: str = "") -> None:
        super().__init__(id, project, title)
        self.canvas = Canvas()
        self._form: dict[str, Any] = {}
        self._pictures: list[str] = []
        self._folder = Path()

    @property
    def text(self) -> str:
        return str(self._form.get("params", {}).get("prompt", ""))

    @property
    def form(self) -> Mapping[str, Any]:
        return self._form

    @property
    def pictures(self) -> Sequence[str]:
        return self._pictures

    def about(self) -> dict[str, Any]:
        return {"pictures": len(self._pictures), "picture": self._pictures[-1] if self._pictures else ""}

    # -- what is asked for, and what came of it ---------------------------------------------------------------

    def set_form(self, form: Mapping[str, Any]) -> None:
        if form == self._form:
            return
        with self.editing():
            self._form = dict(form)
        self._tell(FormChanged(self))

    def add_pictures(self, ids: Sequence[str]) -> None:
        new = [id for id in dict.fromkeys(ids) if id not in self._pictures]
        if new:
            with self.editing():
                self._pictures = [*self._pictures, *new][-MOST_PICTURES:]
            self._tell(PicturesChanged(self))

    # -- the canvas: every change is one undo step ------------------------------------------------------------

    def set_source(self, source: Source | None, *, keep_mask: bool = False) -> None:
        """Work on another picture. With `keep_mask` the mask stays, sized along where the picture has another size;
        margins go in any case."""
        before, strokes = self.canvas.source, ()
        if keep_mask and before is not None and source is not None:
            strokes = self.canvas.strokes
            across, down = source.width / max(1, before.width), source.height / max(1, before.height)
            if (across, down) != (1.0, 1.0):
                strokes = tuple(stroke.scaled(across, down) for stroke in strokes)
        self._edit(replace(self.canvas, source=source, strokes=strokes, margins=Margins()), _("Change the picture"))

    def add_stroke(self, stroke: Stroke) -> None:
        labels = {"lasso": _("Lasso"), INVERT: _("Invert the mask")}
        label = labels.get(stroke.tool) or (_("Erase") if stroke.erase else _("Brush"))
        self._edit(replace(self.canvas, strokes=(*self.canvas.strokes, stroke)), label)

    def invert_mask(self) -> None:
        """What was masked is free, and the other way round."""
        self.add_stroke(Stroke(INVERT))

    def clear_mask(self) -> None:
        """No mask, no margins."""
        self._edit(replace(self.canvas, strokes=(), margins=Margins()), _("Clear the mask"))

    def set_margins(self, margins: Margins) -> None:
        """Let the canvas reach beyond the picture: what is added is repainted."""
        sides = (min(max(side, 0), LARGEST_MARGIN) for side in vars(margins).values())
        self._edit(replace(self.canvas, margins=Margins(*sides)), _("Extend the picture"))

    def set_background(self, colour: str) -> None:
        self._edit(replace(self.canvas, background=colour), _("Background"))

    def _edit(self, canvas: Canvas, label: str) -> None:
        if canvas != self.canvas:
            self.seal()
            self._do(Repainted(self.canvas, canvas, label))

    def _put(self, canvas: Canvas) -> None:
        painted = replace(self.canvas, strokes=canvas.strokes) == canvas
        self.canvas = canvas
        self._tell(CanvasChanged(self, painted))

    # -- files of its own -------------------------------------------------------------------------------------

    def attach(self, folder: Path) -> None:
        self._folder = folder

    def part_path(self, name: str) -> Path:
        return self._folder / name

    def write_part(self, data: bytes, suffix: str = ".png") -> str:
        """Keep `data`; the name of its file. On any thread; raises `AtelierError` (disk full …)."""
        name = hashlib.sha256(data).hexdigest()[:32] + suffix
        path = self.part_path(name)
        if not path.is_file():
            ensure(path.parent)
            write_bytes(path, data)
        return name

    # -- JSON -------------------------------------------------------------------------------------------------

    def _content(self) -> dict[str, Any]:
        canvas = self.canvas
        return {
            "form": dict(self._form),
            "pictures": list(self._pictures),
            "source": canvas.source,
            "strokes": list(canvas.strokes),
            "margins": vars(canvas.margins),
            "background": canvas.background,
        }

    def _plain(self, part: Any) -> Any:
        if isinstance(part, Stroke):
            return stroke_json(part)
        return to_json(part) if isinstance(part, Source) else super()._plain(part)

    def _load(self, content: Mapping[str, Any]) -> None:
        self._form = dict(content.get("form", {}))
        self._pictures = [str(id) for id in content.get("pictures", ())]
        source = content.get("source")
        strokes = tuple(stroke_of(row) for row in content.get("strokes", ()))
        margins = Margins(**{side: int(value) for side, value in content.get("margins", {}).items()})
        background = str(content.get("background", ""))
        self.canvas = Canvas(source and from_json(Source, source), strokes, margins, background)


def source_path(document: PictureDocument, item_path: Path | None) -> Path:
    """Where the picture in edit lies; `item_path` that of its result, if it is one. Raises
    `AtelierError("file-missing")`."""
    source = document.canvas.source
    path = document.part_path(source.part) if source is not None and source.part else item_path
    if path is None or not path.is_file():
        raise AtelierError("file-missing", {"path": str(path or (source.name if source else ""))})
    return path
