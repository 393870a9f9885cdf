"""From a reading to the engine's request: sentences of one model with all that their sound depends on. Free of Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio import families
from studio.core.errors import AtelierError
from studio.core.jobs import Medium, Request, Task
from studio.core.models import ModelInfo
from studio.documents.speech import Delivery, Sentence, SpeechDocument, manner, pause_after, voice_of
from studio.ui.tabs.speech.speakers import find, languages

TAB = "speech"
SPEAK, SAMPLE = "speak", "sample"


@dataclass(frozen=True)
class Order:
    """All that a request is made from, as it is now; the document may change meanwhile. `ids` are the sentences to say,
    `params` the family's own besides what the document says; `keep`: the whole becomes a result."""

    document: str
    project: str
    title: str
    sentences: tuple[Sentence, ...]
    delivery: Delivery
    ids: tuple[str, ...]
    models: tuple[ModelInfo, ...]
    params: Mapping[str, Any]
    keep: bool


def order_of(
    document: SpeechDocument, ids: Sequence[str], models: Sequence[ModelInfo], params: Mapping[str, Any], keep: bool
) -> Order:
    sentences, delivery = tuple(document.sentences), document.delivery
    place = (document.id, document.project, document.name)
    return Order(*place, sentences, delivery, tuple(ids), tuple(models), dict(params), keep)


def request_of(order: Order) -> tuple[Request, dict[str, str]]:
    """The request, and the manner of each sentence. Takes its time with a long reading: may be called on any thread.
    Raises `AtelierError` where the model is not there."""
    sentences, delivery = order.sentences, order.delivery
    rows = {sentence.id: row for row, sentence in enumerate(sentences)}
    told = languages(sentences, delivery.language)
    able: dict[tuple[str, str], tuple[str, ...]] = {}
    first = voice_of(sentences[rows[order.ids[0]]], delivery)
    speaker = find(order.models, *first)
    if speaker is None:
        choices = [item.id for item in order.models if item.medium == Medium.SPEECH and item.usable]
        raise AtelierError("model-unknown", {"model": first[0], "choices": choices})
    script, manners = [], {}
    for id in order.ids:
        row = rows[id]
        sentence = sentences[row]
        line: dict[str, Any] = {"text": sentence.text, "pause": pause_after(sentences, delivery, row)}
        if sentence.voice:
            line["voice"] = sentence.voice
        if sentence.speed:
            line["speed"] = sentence.speed
        key = voice_of(sentence, delivery)
        if key not in able:
            own = find(order.models, *key)
            able[key] = own.languages if own is not None else ()
        if told[row] and told[row] in able[key]:
            line["language"] = told[row]
        script.append(line)
        manners[id] = manner(sentence, delivery)
    common = {
        "script": script,
        "voice": delivery.voice if delivery.model == speaker.model.id else "",
        "speed": delivery.speed,
        "pause": delivery.pause,
        "paragraph_pause": delivery.paragraph_pause,
        "lexicon": dict(delivery.lexicon),
    }
    known = {param.id for param in families.get(speaker.model.family).SPEC.params_for(Task.SPEAK)}
    values = {**speaker.model.defaults, **delivery.params, **order.params, **common}
    request = Request(
        Medium.SPEECH,
        speaker.model.family,
        speaker.model.id,
        Task.SPEAK,
        {name: value for name, value in values.items() if name in known},
        project=order.project,
        title=order.title,
        origin={"tab": TAB, "kind": SPEAK, "document": order.document, "sentences": ",".join(order.ids)},
        keep=order.keep,
    )
    return request, manners
