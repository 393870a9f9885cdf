"""From what the forms hold to requests. Free of Qt, so that it can be read and tested by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio import families
from studio.core.jobs import Medium, Request, Task
from studio.core.models import ModelInfo
from studio.core.params import Param, Text
from studio.documents.templates import Action, Template, Tone
from studio.media.text import text_language

# What the panels show by themselves; everything else is under "Advanced".
OWN = {
    Task.INSTRUCT: {"prompt", "max_new_tokens", "temperature"},
    Task.CONTINUE: {"prompt", "max_new_tokens", "temperature"},
    Task.CHAT: {"messages", "max_new_tokens", "temperature"},
}
# Tokens per word as they are written; only for estimates and for showing a length in words.
TOKENS_PER_WORD = {"en": 1.4, "zh_CN": 1.5}
CONTEXT_SHARE = 0.75  # the most of a model's context that an answer is given
AROUND = 1200  # characters before and after a selection that a rework may look at


@dataclass(frozen=True)
class Order:
    """What a document asks for: the model and where the answer belongs."""

    model: ModelInfo
    project: str = ""
    title: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)


def params_of(model: ModelInfo, task: Task) -> tuple[Param, ...]:
    """The fields of the model's family for `task`."""
    return families.get(model.family).SPEC.params_for(task)


def advanced_params(model: ModelInfo, task: Task) -> list[Param]:
    """What the folded part of a form shows, in the family's order, with words to write and the seed last."""
    params = [param for param in params_of(model, task) if param.id not in OWN[task]]
    return sorted(params, key=lambda param: (param.id == "seed", isinstance(param, Text)))


def param(model: ModelInfo, task: Task, name: str) -> Param | None:
    return next((item for item in params_of(model, task) if item.id == name), None)


def usual(model: ModelInfo, task: Task, name: str) -> Any:
    """The model's own default of a field, or else its family's."""
    found = param(model, task, name)
    return model.defaults.get(name, found.default if found else None)


def write_request(
    order: Order, template: Template, brief: str, tone: Tone | None, words: int, params: Mapping[str, Any]
) -> Request:
    """The request for a new version. `params` are the form's values by the family's ids; what they leave empty comes
    from the template."""
    prompt = template.build(brief, tone, words)
    return _request(order, prompt.task, {**prompt.params}, params, keep=True)


def rework_request(
    order: Order,
    action: Action,
    text: str,
    start: int,
    end: int,
    params: Mapping[str, Any],
    *,
    tone: Tone | None = None,
    wish: str = "",
) -> Request:
    """The request that reworks the characters `start` to `end` of `text`. `wish` are the user's own words, for an
    action without wording of its own."""
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    prompt = action.build(text[start:end], tone, before, after)
    built = dict(prompt.params)
    if wish:
        built["prompt"] = f"{wish.strip()}\n\n{text[start:end].strip()}"
    return _request(order, prompt.task, built, params, keep=False)


def chat_request(
    order: Order, messages: Sequence[Mapping[str, str]], params: Mapping[str, Any], max_new_tokens: int
) -> Request:
    """The request for an answer to `messages`."""
    own = {"messages": [dict(message) for message in messages], "max_new_tokens": max_new_tokens}
    return _request(order, Task.CHAT, own, params, keep=False)


def _request(order: Order, task: Task, own: dict[str, Any], params: Mapping[str, Any], *, keep: bool) -> Request:
    """Layers: the model's defaults, the form, and what the template says where the form says nothing."""
    model = order.model
    if task not in model.tasks and Task.CONTINUE in model.tasks:
        own = {**own, "prompt": "\n\n".join(own[name] for name in ("system", "prompt", "prefix") if own.get(name))}
        task = Task.CONTINUE
    known = {item.id: item for item in params_of(model, task)}
    chosen = {name: value for name, value in params.items() if value not in ("", None) or name not in own}
    values = {**model.defaults, **own, **chosen}
    values = {name: value for name, value in values.items() if name in known}
    if "max_new_tokens" in values and model.context:
        values["max_new_tokens"] = max(1, min(values["max_new_tokens"], int(model.context * CONTEXT_SHARE)))
    return Request(
        medium=Medium.TEXT,
        family=model.family,
        model=model.id,
        task=task,
        params=values,
        project=order.project,
        title=order.title,
        origin=dict(order.origin),
        keep=keep,
    )


def expected_tokens(words: int, text: str) -> int:
    """How many tokens `words` words will be, in the language of `text`."""
    return round(words * TOKENS_PER_WORD[text_language(text)])


def expected_seconds(tokens: int, tokens_per_second: float) -> float:
    """Negative while the speed is not known."""
    return tokens / tokens_per_second if tokens_per_second > 0 else -1.0
