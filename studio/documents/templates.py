"""Writing templates, tones, rework actions and personas: data in `assets/templates/text/*.toml`, read here.

Every file begins with `version = 1` and may hold any number of these tables; files are read in the order of their
names, entries keep the order in which they stand, and an id is unique within its kind. WORDS below means a table with
the keys `en` and `zh_CN`, both filled (also written inline: `title = { en = "Short story", zh_CN = "短篇故事" }`).

    [[template]]                      # the tiles of the Write mode
    id = "short-story"
    icon = "ph.book-open"             # a name of qtawesome's Phosphor set
    task = "instruct"                 # or "continue": the model goes on from the raw prompt
    title = WORDS
    placeholder = WORDS               # shown in the empty prompt field
    words = 400                       # what the Words slider starts at; 0: this template has no length
    words_range = [50, 1200]          # the ends of the slider
    system = WORDS                    # optional; instruct only
    prompt = WORDS                    # how the request's prompt is built
    prefix = WORDS                    # optional; instruct only: the beginning of the answer
    params = { temperature = 0.8 }    # optional; the families' own names, those a model lacks are left out
    [[template.examples]]             # optional samples: for the empty state and the prompt history
    title = WORDS
    prompt = WORDS                    # the brief that is put into the field

    [[tone]]                          # chips of Write, Rework and Chat
    id = "warm"
    title = WORDS
    instruction = WORDS               # one sentence: "Write in a warm, kind tone."

    [[action]]                        # the Rework mode
    id = "shorter"
    icon = "ph.arrows-in-line-vertical"
    title = WORDS
    result = "replace"                # "replace" the selection, or "append" after it
    tone = false                      # true: the action needs a tone (the user picks one)
    length = 0.5                      # expected words of the answer, as a share of the selection's
    task = "instruct"                 # or "continue": prompt is the text itself
    system = WORDS                    # optional
    prompt = WORDS
    prefix = WORDS                    # optional
    params = { temperature = 0.3 }    # optional

    [[persona]]                       # the Chat mode
    id = "editor"
    icon = "ph.pencil-line"
    title = WORDS
    description = WORDS               # one line in the list
    system = WORDS                    # the system text; the user may change it in the chat
    params = { temperature = 0.7 }    # optional
    [[persona.examples]]              # optional first questions
    title = WORDS
    prompt = WORDS

Fields in `system`, `prompt` and `prefix`: `{brief}` (what the user wrote), `{tone}` (the tone's instruction), `{words}`
(a number), and in actions `{text}` (the selection), `{before}` and `{after}` (what stands around it). A line whose
fields are all empty is left out. Braces in the user's own words are left alone.

The wording is chosen by the language of the user's words, not by that of the window (`text_language`): someone who
writes English in a Chinese window gets the English instructions.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from studio.core.i18n import language
from studio.core.jobs import Task
from studio.core.paths import asset
from studio.media.text import count_words, text_language

VERSION = 1
_FIELD = re.compile(r"\{(brief|tone|words|text|before|after)\}")
# Tokens for a written word (English) or character (Chinese), with room for an unusual vocabulary.
_TOKENS_PER_WORD = {"en": 1.5, "zh_CN": 1.6}
_TOKEN_MARGIN = 48


@dataclass(frozen=True)
class Words:
    """A text in both languages of the program."""

    en: str
    zh_cn: str

    def __str__(self) -> str:
        """In the window's language."""
        return self.in_language(language())

    def in_language(self, code: str) -> str:
        return self.zh_cn if code == "zh_CN" else self.en


@dataclass(frozen=True)
class Example:
    title: Words
    prompt: Words


@dataclass(frozen=True)
class Prompt:
    """What a template or an action asks of a text family: `params` hold `prompt` and, where they are filled,
    `system`, `prefix`, `max_new_tokens` and the template's own sampling values."""

    task: Task
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Tone:
    id: str
    title: Words
    instruction: Words


@dataclass(frozen=True)
class Template:
    """A kind of text to write."""

    id: str
    icon: str
    title: Words
    placeholder: Words
    task: Task
    prompt: Words
    system: Words = field(default=Words("", ""))
    prefix: Words = field(default=Words("", ""))
    words: int = 0
    words_range: tuple[int, int] = (50, 1000)
    params: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    def build(self, brief: str, tone: Tone | None = None, words: int = 0) -> Prompt:
        """The request's task and params for the user's `brief`; `words` 0 leaves the length open."""
        code = text_language(brief) if brief.strip() else language()
        values = {
            "brief": brief.strip(),
            "tone": tone.instruction.in_language(code) if tone else "",
            "words": str(words) if words else "",
        }
        return _build(self.task, code, values, (self.system, self.prompt, self.prefix), words, self.params)


@dataclass(frozen=True)
class Action:
    """A way to rework a selection. `append` actions write after it, the others replace it."""

    id: str
    icon: str
    title: Words
    task: Task
    prompt: Words
    system: Words = field(default=Words("", ""))
    prefix: Words = field(default=Words("", ""))
    append: bool = False
    needs_tone: bool = False
    length: float = 1.0
    params: Mapping[str, Any] = field(default_factory=dict)

    def build(self, text: str, tone: Tone | None = None, before: str = "", after: str = "") -> Prompt:
        """The request's task and params for the selection `text` with what stands around it."""
        code = text_language(text)
        words = max(8, math.ceil(count_words(text) * self.length))
        values = {
            "text": text.strip() if self.task is not Task.CONTINUE else text,
            "before": before,
            "after": after,
            "tone": tone.instruction.in_language(code) if tone else "",
            "words": str(words),
            "brief": "",
        }
        return _build(self.task, code, values, (self.system, self.prompt, self.prefix), words, self.params)


@dataclass(frozen=True)
class Persona:
    """Someone to talk to: a system text with a name."""

    id: str
    icon: str
    title: Words
    description: Words
    system: Words
    params: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class TemplateSet:
    """Everything the template files hold, in order."""

    templates: tuple[Template, ...] = ()
    tones: tuple[Tone, ...] = ()
    actions: tuple[Action, ...] = ()
    personas: tuple[Persona, ...] = ()

    def template(self, id: str) -> Template | None:
        return next((item for item in self.templates if item.id == id), None)

    def tone(self, id: str) -> Tone | None:
        return next((item for item in self.tones if item.id == id), None)

    def action(self, id: str) -> Action | None:
        return next((item for item in self.actions if item.id == id), None)

    def persona(self, id: str) -> Persona | None:
        return next((item for item in self.personas if item.id == id), None)


@cache
def templates() -> TemplateSet:
    """What ships with the program."""
    return read(sorted(asset("templates", "text").glob("*.toml")))


def read(files: Iterable[Path]) -> TemplateSet:
    """The contents of `files`. Raises `ValueError` with the file and the entry for anything that breaks the schema."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in _READERS}
    for path in files:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if data.pop("version", None) != VERSION:
            raise ValueError(f"{path.name}: version is not {VERSION}")
        for kind, entries in data.items():
            if kind not in _READERS:
                raise ValueError(f"{path.name}: {kind} is no kind of entry")
            for entry in entries:
                where = f"{path.name}: {kind} {entry.get('id', '?')}"
                if entry.get("id") in found[kind]:
                    raise ValueError(f"{where}: the id is there twice")
                item = _READERS[kind](_Entry(entry, where))
                found[kind][item.id] = item
    return TemplateSet(*(tuple(found[kind].values()) for kind in ("template", "tone", "action", "persona")))


def fill(wording: str, values: Mapping[str, str]) -> str:
    """`wording` with its fields filled; a line whose fields are all empty is left out."""
    lines = []
    for line in wording.strip().splitlines():
        names = _FIELD.findall(line)
        if not names or any(values.get(name) for name in names):
            lines.append(_FIELD.sub(lambda match: values.get(match.group(1), ""), line))
    return "\n".join(lines).strip("\n")


def _build(
    task: Task,
    code: str,
    values: Mapping[str, str],
    wordings: tuple[Words, Words, Words],
    words: int,
    params: Mapping[str, Any],
) -> Prompt:
    system, prompt, prefix = (fill(wording.in_language(code), values) for wording in wordings)
    built: dict[str, Any] = {**params, "prompt": prompt}
    if task is Task.INSTRUCT:
        built |= {name: text for name, text in (("system", system), ("prefix", prefix)) if text}
    if words:
        built["max_new_tokens"] = math.ceil(words * _TOKENS_PER_WORD[code]) + _TOKEN_MARGIN
    return Prompt(task, built)


class _Entry:
    """One table being read: takes fields out, and refuses those nobody asked for."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self._data = dict(data)
        self._where = where

    def take(self, name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        value = self._data.pop(name, default)
        if not isinstance(value, kind) or (value == "" and default is None):
            raise ValueError(f"{self._where}: {name} is missing or of the wrong kind")
        return value

    def words(self, name: str, required: bool = True) -> Words:
        table = self._data.pop(name, None)
        if table is None and not required:
            return Words("", "")
        if isinstance(table, dict) and set(table) == {"en", "zh_CN"}:
            en, zh_cn = table["en"], table["zh_CN"]
            if isinstance(en, str) and isinstance(zh_cn, str) and en.strip() and zh_cn.strip():
                return Words(en, zh_cn)
        raise ValueError(f"{self._where}: {name} needs en and zh_CN")

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self._data.pop(name, choices[0])
        if value not in choices:
            raise ValueError(f"{self._where}: {name} is none of {', '.join(choices)}")
        return value

    def examples(self) -> tuple[Example, ...]:
        entries = [_Entry(item, f"{self._where}: example") for item in self.take("examples", list, [])]
        return tuple(entry.end(Example(entry.words("title"), entry.words("prompt"))) for entry in entries)

    def end(self, item: Any) -> Any:
        if self._data:
            raise ValueError(f"{self._where}: nothing is called {', '.join(self._data)}")
        return item


_TASKS = (str(Task.INSTRUCT), str(Task.CONTINUE))


def _template(entry: _Entry) -> Template:
    return entry.end(
        Template(
            id=entry.take("id", str),
            icon=entry.take("icon", str),
            title=entry.words("title"),
            placeholder=entry.words("placeholder"),
            task=Task(entry.choice("task", _TASKS)),
            prompt=entry.words("prompt"),
            system=entry.words("system", required=False),
            prefix=entry.words("prefix", required=False),
            words=entry.take("words", int, 0),
            words_range=tuple(entry.take("words_range", list, [50, 1000])),
            params=entry.take("params", dict, {}),
            examples=entry.examples(),
        )
    )


def _tone(entry: _Entry) -> Tone:
    return entry.end(Tone(entry.take("id", str), entry.words("title"), entry.words("instruction")))


def _action(entry: _Entry) -> Action:
    return entry.end(
        Action(
            id=entry.take("id", str),
            icon=entry.take("icon", str),
            title=entry.words("title"),
            task=Task(entry.choice("task", _TASKS)),
            prompt=entry.words("prompt"),
            system=entry.words("system", required=False),
            prefix=entry.words("prefix", required=False),
            append=entry.choice("result", ("replace", "append")) == "append",
            needs_tone=entry.take("tone", bool, False),
            length=float(entry.take("length", (int, float), 1.0)),
            params=entry.take("params", dict, {}),
        )
    )


def _persona(entry: _Entry) -> Persona:
    return entry.end(
        Persona(
            id=entry.take("id", str),
            icon=entry.take("icon", str),
            title=entry.words("title"),
            description=entry.words("description"),
            system=entry.words("system"),
            params=entry.take("params", dict, {}),
            examples=entry.examples(),
        )
    )


_READERS = {"template": _template, "tone": _tone, "action": _action, "persona": _persona}
