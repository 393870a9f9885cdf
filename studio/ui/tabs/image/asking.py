"""What is asked of a model: a request from the panel's values and the picture in edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import families
from studio.core.errors import AtelierError, InvalidInput
from studio.core.jobs import Blob, Medium, Request, Task
from studio.core.models import ModelInfo
from studio.core.params import Param
from studio.documents.picture import PictureDocument, source_path
from studio.documents.picture_parts import Canvas

TAB = "image"
TEXT, PICTURE, MASK = "text", "picture", "mask"
MODES = {TEXT: Task.TEXT_TO_IMAGE, PICTURE: Task.IMAGE_TO_IMAGE, MASK: Task.INPAINT}
DRAWING = tuple(MODES.values())
PNG = "image/png"
LORA = "lora"


@dataclass(frozen=True)
class Order:
    """All that a request is made from, as it is now; the document may change meanwhile. `item`: where the result in
    edit lies; `guides` are rows of `Guides.wanted`."""

    document: PictureDocument
    canvas: Canvas
    item: Path | None
    model: ModelInfo
    task: Task
    params: Mapping[str, Any]
    title: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)
    guides: Sequence[Mapping[str, Any]] = ()


def draws(model: ModelInfo) -> bool:
    """Whether a model makes pictures from words, pictures or masks (and does not only work on them)."""
    return model.medium == Medium.IMAGE and any(task in DRAWING for task in model.tasks)


def is_lora(model: ModelInfo) -> bool:
    """Whether it is a style that is added to models."""
    return model.family == LORA and model.usable


def params_of(model: ModelInfo, task: Task) -> tuple[Param, ...]:
    """The fields of the model's family for `task`; none for a family that this release does not know."""
    try:
        return families.get(model.family).SPEC.params_for(task)
    except InvalidInput:
        return ()


def able(models: Sequence[ModelInfo], task: Task) -> list[ModelInfo]:
    """Those that are here and do `task`."""
    return [model for model in models if model.medium == Medium.IMAGE and model.usable and task in model.tasks]


def fitting(width: int, height: int, step: int, least: int, most: int) -> tuple[int, int]:
    """The size nearest to `width` × `height` that a model can draw: multiples of `step` from `least` to `most`, in the
    same proportion as far as that goes."""
    scale = min(1.0, most / max(width, height, 1))
    scale = max(scale, least / max(1, min(width, height)))
    sides = (
        min(max(round(side * scale / step) * step, -(-least // step) * step), most // step * step)
        for side in (width, height)
    )
    return tuple(sides)  # type: ignore[return-value]


def request_of(order: Order) -> tuple[Request, dict[str, Path]]:
    """The request, and where its pictures lie. Reads and writes files: for a thread. Raises `AtelierError`."""
    document = order.document
    params, inputs, places, roles = dict(order.params), {}, {}, {}
    if order.task in (Task.IMAGE_TO_IMAGE, Task.INPAINT):
        roles = _pictures(order, params)
    roles |= _guides(order, params)
    for role, name in roles.items():
        path = document.part_path(name)
        inputs[role] = Blob.of(path, PNG)
        places[inputs[role].sha256] = path
    known = {param.id for param in params_of(order.model, order.task)}
    values = {**order.model.defaults, **params}
    source = order.canvas.source
    request = Request(
        Medium.IMAGE,
        order.model.family,
        order.model.id,
        order.task,
        {name: value for name, value in values.items() if name in known},
        inputs=inputs,
        parents=(source.item,) if "image" in inputs and source is not None and source.item else (),
        project=document.project,
        title=order.title,
        origin={"tab": TAB, "document": document.id, **order.origin},
    )
    return request, places


def work_request(document: PictureDocument, model: ModelInfo, task: Task, path: Path, item: str, title: str) -> Any:
    """A request that works on a picture without words (enlarge, cut out); as `request_of`."""
    from studio.media import pictures

    name = document.write_part(pictures.encode(pictures.read(path)))
    blob = Blob.of(document.part_path(name), PNG)
    known = {param.id for param in params_of(model, task)}
    params = {name: value for name, value in model.defaults.items() if name in known}
    parents, origin = (item,) if item else (), {"tab": TAB, "document": document.id}
    request = Request(
        Medium.IMAGE, model.family, model.id, task, params, {"image": blob}, parents, document.project, title, origin
    )
    return request, {blob.sha256: document.part_path(name)}


def _pictures(order: Order, params: dict[str, Any]) -> dict[str, str]:
    """Names of the parts by their role; sets the size of a repainting."""
    import numpy as np
    from PIL import Image

    from studio.documents.picture_mask import rasterise
    from studio.media import masks, picture_edit, pictures

    canvas = order.canvas
    if canvas.source is None:
        raise AtelierError("input-missing", {"parameter": "image", "role": "image"})
    picture = pictures.read(source_path(order.document, order.item))
    if canvas.background:
        picture = picture.over(_rgb(canvas.background))
    if order.task is Task.IMAGE_TO_IMAGE:
        return {"image": order.document.write_part(pictures.encode(picture))}
    if (picture.width, picture.height) != (canvas.source.width, canvas.source.height):
        picture = picture_edit.resize(picture, canvas.source.width, canvas.source.height)
    mask = rasterise(canvas.strokes, picture.width, picture.height, canvas.margins)
    if canvas.margins:
        whole = masks.outpaint(picture, *vars(canvas.margins).values())
        picture, mask = whole.picture, np.maximum(mask, whole.mask)
    masks.check(masks.hard(mask), picture)
    spec = {param.id: param for param in params_of(order.model, order.task)}
    width, height = picture.width, picture.height
    if (side := spec.get("width")) is not None:
        step, least, most = (getattr(side, name) for name in ("step", "minimum", "maximum"))
        width, height = fitting(width, height, step, least, most)
        params["width"], params["height"] = width, height
    if (width, height) != (picture.width, picture.height):
        picture = picture_edit.resize(picture, width, height)
        mask = np.asarray(Image.fromarray(mask).resize((width, height)), np.uint8)
    image = order.document.write_part(pictures.encode(picture))
    return {"image": image, "mask": order.document.write_part(masks.encode(mask))}


def _guides(order: Order, params: dict[str, Any]) -> dict[str, str]:
    """Names of the parts of control and reference pictures by their role; sets the rows that belong to them. Edges and
    scribbles are drawn here, what needs a model for it is taken as it is."""
    from studio.media import control_images, pictures

    roles: dict[str, str] = {}
    rows: dict[str, list[dict[str, Any]]] = {"controls": [], "references": []}
    for guide in order.guides:
        row = {name: value for name, value in guide.items() if name not in ("param", "part")}
        name = str(guide["part"])
        if row.get("kind") in control_images.KINDS:
            picture = control_images.make(pictures.read(order.document.part_path(name)), row["kind"])
            name = order.document.write_part(pictures.encode(picture))
        place = rows[guide["param"]]
        roles[f"{guide['param'].removesuffix('s')}{len(place)}"] = name
        place.append(row)
    params |= {name: found for name, found in rows.items() if found}
    return roles


def _rgb(colour: str) -> tuple[int, int, int]:
    value = int(colour.lstrip("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255
