"""A filed result as a reading of its own: its script from the recipe, its sounds cut out of the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject

from studio.core.errors import AtelierError
from studio.documents.speech import SpeechDocument
from studio.documents.takes import Take
from studio.library import Item
from studio.ui.services import Services
from studio.ui.tabs.speech.recovery import part_of


def document_of(
    item: Item,
    services: Services,
    show: Callable[[SpeechDocument], None],
    failed: Callable[[AtelierError], None],
    owner: QObject,
) -> None:
    """Make a reading of `item` and `show` it; its sounds come a moment later."""
    parts: list[dict[str, Any]] = [dict(part) for part in item.metadata.get("sentences", ())]
    try:
        recipe = services.library.recipe(item.id)
        document = services.documents.create("speech", item.project)
    except AtelierError as error:
        failed(error)
        return
    params = dict(recipe.params)
    document.set_delivery(model=recipe.model, voice=str(params.get("voice", "")))
    for name in ("speed", "pause", "paragraph_pause"):
        if isinstance(params.get(name), int | float):
            document.set_delivery(**{name: float(params[name])})
    document.set_delivery(lexicon=dict(params.get("lexicon") or {}))
    rows = [row for row in params.get("script") or () if isinstance(row, dict)] or parts
    document.set_script(rows)
    document.set_title(item.title)
    show(document)
    wanted = [
        (sentence.id, document.manner_of(sentence), part)
        for sentence, part in zip(document.sentences, parts, strict=False)
    ]

    def cut() -> list[Take]:
        return [document.takes.write(id, manner, part_of(item.path, part)) for id, manner, part in wanted]

    def success(takes: list[Take]) -> None:
        for take in takes:
            document.set_take(take.sentence, take)

    services.bridge.work(cut, success, failed, owner=owner)
