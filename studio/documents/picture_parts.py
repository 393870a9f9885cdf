"""What a picture's document is made of: the picture in edit, strokes of its mask, edges to paint beyond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studio.documents.base import Change

BRUSH, LASSO, INVERT = "brush", "lasso", "invert"
Tool = Literal["brush", "lasso", "invert"]


@dataclass(frozen=True)
class Source:
    """The picture in edit, `width` × `height` px: a result of the library (`item`), or a file of the document's own
    (`part`) for one that came from elsewhere."""

    item: str = ""
    part: str = ""
    name: str = ""
    width: int = 0
    height: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stroke:
    """One step of the mask, in px of the picture. `points` are x, y and pressure (0 to 1) of each point in a row;
    `size` is the brush's diameter at full pressure, `hardness` (0 to 1) how much of it is solid. A lasso fills the
    polygon of its points; `erase` takes away instead; an "invert" has no points."""

    tool: str
    erase: bool = False
    size: float = 40.0
    hardness: float = 0.8
    points: tuple[float, ...] = ()

    def scaled(self, x: float, y: float) -> Stroke:
        """The same stroke on the same picture `x` times as wide and `y` times as high."""
        points = tuple(
            round(value * (x, y, 1.0)[number % 3], 2 if number % 3 < 2 else 3)
            for number, value in enumerate(self.points)
        )
        return Stroke(self.tool, self.erase, self.size * (x * y) ** 0.5, self.hardness, points)


@dataclass(frozen=True)
class Margins:
    """How far the canvas reaches beyond the picture, in px."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return bool(self.left or self.top or self.right or self.bottom)


@dataclass(frozen=True)
class Canvas:
    """All that undo takes back: the picture, its mask, and what lies around and behind it. `background`: what a
    transparent picture is laid on when it is worked on, "#rrggbb" or "" for nothing."""

    source: Source | None = None
    strokes: tuple[Stroke, ...] = ()
    margins: Margins = Margins()
    background: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) with the margins, in px."""
        if self.source is None:
            return (0, 0)
        margins = self.margins
        return (
            self.source.width + margins.left + margins.right,
            self.source.height + margins.top + margins.bottom,
        )


@dataclass(frozen=True)
class CanvasChanged(Change):
    """`canvas` is another one; `painted`: only strokes were added or taken back."""

    painted: bool = False


@dataclass(frozen=True)
class FormChanged(Change):
    pass


@dataclass(frozen=True)
class PicturesChanged(Change):
    pass


def stroke_json(stroke: Stroke) -> dict[str, Any]:
    if stroke.tool == INVERT:
        return {"tool": INVERT}
    return {
        "tool": stroke.tool,
        "erase": stroke.erase,
        "size": round(stroke.size, 2),
        "hardness": round(stroke.hardness, 3),
        "points": list(stroke.points),
    }


def stroke_of(data: Mapping[str, Any]) -> Stroke:
    """The other way round. Raises `KeyError`, `TypeError` or `ValueError` for what is no stroke."""
    if data["tool"] not in (BRUSH, LASSO, INVERT):
        raise ValueError(f"no tool is called {data['tool']}")
    points = tuple(float(value) for value in data.get("points", ()))
    if len(points) % 3:
        raise ValueError("points of a stroke come in threes")
    size, hardness = float(data.get("size", 40.0)), float(data.get("hardness", 0.8))
    return Stroke(data["tool"], bool(data.get("erase")), size, min(max(hardness, 0.0), 1.0), points)
