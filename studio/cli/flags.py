"""Options as a command declares them: parsing, near misses, help.

A word after an option is its value even if it begins with a dash (`--temperature -1`, `--prompt "- milk"`); only
another option's own name is not.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from studio.cli.console import width
from studio.core.i18n import _, sentences

_HELP_COLUMN = 30


class Usage(Exception):
    """The command was used wrongly; the message is a sentence for the user."""


@dataclass(frozen=True)
class Flag:
    """`name` with its dashes. `value` names what follows it ("" for a switch); a switch that is `negatable` has a
    `--no-` form too. `help` is in the user's language already."""

    name: str
    help: str = ""
    value: str = ""
    short: str = ""
    negatable: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        return tuple(
            word for word in (self.short, self.name, f"--no-{self.name[2:]}" if self.negatable else "") if word
        )


HELP = "--help"


@dataclass(frozen=True)
class Parsed:
    """`values` by the flags' names without dashes (switches: "yes" or "no"); `words` are the rest."""

    values: Mapping[str, str]
    words: tuple[str, ...]

    def has(self, name: str) -> bool:
        return self.values.get(name) == "yes"


def parse(arguments: Sequence[str], flags: Iterable[Flag]) -> Parsed:
    """Raises `Usage` for an option that does not exist, one without its value, or a switch with one."""
    by_spelling = {spelling: flag for flag in flags for spelling in flag.spellings}
    values: dict[str, str] = {}
    words: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        spelling, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        flag = by_spelling.get(spelling)
        if flag is None:
            raise Usage(_unknown(spelling, by_spelling))
        key = flag.name.removeprefix("--")
        if not flag.value:
            if equals:
                raise Usage(_("{option} takes no value.").format(option=spelling))
            values[key] = "no" if spelling.startswith("--no-") and flag.negatable else "yes"
        elif equals:
            values[key] = value
        elif not rest or rest[0] in by_spelling:
            raise Usage(_("{option} needs a value: {option} {value}.").format(option=spelling, value=flag.value))
        else:
            values[key] = rest.pop(0)
    return Parsed(values, tuple(words))


def peek(arguments: Sequence[str], name: str) -> str:
    """The value of `--name` before it is known which other options there are; "" if it is not given."""
    found = ""
    for place, word in enumerate(arguments):
        if word == "--":
            break
        if word == name and place + 1 < len(arguments):
            found = arguments[place + 1]
        elif word.startswith(f"{name}="):
            found = word.partition("=")[2]
    return found


def describe(flags: Iterable[Flag]) -> str:
    """The options as lines of help."""
    lines = []
    for flag in flags:
        left = "  " + ", ".join(word for word in (flag.short, flag.name) if word)
        left += f" {flag.value}" if flag.value else f", {flag.spellings[-1]}" if flag.negatable else ""
        gap = _HELP_COLUMN - width(left)
        lines.append(left + " " * gap + flag.help if gap > 1 else f"{left}\n{' ' * _HELP_COLUMN}{flag.help}")
    return "\n".join(lines)


def near(word: str, choices: Iterable[str]) -> str:
    """The choice that was probably meant, or ""."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return found[0] if found else ""


def choose(word: str, choices: Sequence[str], what: str) -> None:
    """Raises `Usage` unless `word` is one of `choices`. `what` is a sentence with {word}."""
    if word in choices:
        return
    sentence = what.format(word=word)
    if guess := near(word, choices):
        raise Usage(sentences(sentence, _("Did you mean {near}?").format(near=guess)))
    raise Usage(sentences(sentence, _("There are: {choices}.").format(choices=_(", ").join(choices))))


def _unknown(spelling: str, known: Iterable[str]) -> str:
    sentence = _("There is no option {option}.").format(option=spelling)
    guess = near(spelling, known)
    hint = _("Did you mean {near}?").format(near=guess) if guess else _("--help lists the options.")
    return sentences(sentence, hint)
