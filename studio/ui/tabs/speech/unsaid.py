"""Which sentences of a reading no voice, or not the chosen one, can say; who could; and all that in words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studio.core.i18n import N_, _, n_, sentences
from studio.core.models import ModelInfo
from studio.documents.speech import SpeechDocument
from studio.ui.tabs.speech.script_model import ScriptModel
from studio.ui.tabs.speech.speakers import Speaker, language_name, sayable, speakers

WAYS, RANGES = 2, 4
# The first word of a letter's name in Unicode: what is written in it.
_SCRIPTS = {
    "ARABIC": N_("Arabic"),
    "ARMENIAN": N_("Armenian"),
    "BENGALI": N_("Bengali"),
    "CYRILLIC": N_("Cyrillic"),
    "DEVANAGARI": N_("Hindi"),
    "GEORGIAN": N_("Georgian"),
    "GREEK": N_("Greek"),
    "HANGUL": N_("Korean"),
    "HEBREW": N_("Hebrew"),
    "TAMIL": N_("Tamil"),
    "THAI": N_("Thai"),
}


@dataclass(frozen=True)
class Way:
    """A voice that can say the sentences `rows` (their numbers from 0); `words` are for its button."""

    words: str
    speaker: Speaker
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Unsaid:
    """One notice for all sentences that would be left out; `text` "": there are none."""

    text: str = ""
    ways: tuple[Way, ...] = ()


def unsaid(document: SpeechDocument, model: ScriptModel, models: Sequence[ModelInfo]) -> Unsaid:
    """Sentences without anything to say are silent by themselves, and no part of it."""
    voices = speakers(models)
    able: dict[str, list[Speaker]] = {}
    missing: list[int] = []
    helped: dict[str, list[int]] = {}
    foreign: dict[str, list[int]] = {}
    for row in model.mute():
        text, language = document.sentences[row].text, model.language(row)
        if not sayable(text):
            continue
        if model.speaker(row) is None:
            missing.append(row)
            continue
        if language not in able:
            able[language] = [voice for voice in voices if voice.speaks(language)]
        if able[language]:
            helped.setdefault(language, []).append(row)
        else:
            foreign.setdefault(language_name(language) if language else script_name(text), []).append(row)
    ways = _ways(document, helped, able, whole=not missing and not foreign)
    return Unsaid(sentences(_helped(model, helped), _foreign(foreign, voices), _missing(missing)), ways)


def _ways(
    document: SpeechDocument, helped: dict[str, list[int]], able: dict[str, list[Speaker]], *, whole: bool
) -> tuple[Way, ...]:
    """The voices that can say most, those of the reading's model first."""
    takes: dict[tuple[str, str], tuple[Speaker, list[int]]] = {}
    for language, rows in helped.items():
        for voice in able[language]:
            takes.setdefault(voice.key, (voice, []))[1].extend(rows)
    found = sorted(takes.values(), key=lambda take: (-len(take[1]), take[0].model.id != document.delivery.model))
    count = sum(map(len, helped.values()))
    ways = []
    for voice, rows in found[:WAYS]:
        words = _("Use {voice}")
        if not whole or len(rows) < count:
            words = n_("Use {voice} for sentence {numbers}", "Use {voice} for sentences {numbers}", len(rows))
        ways.append(Way(words.format(voice=voice.voice.name, numbers=numbers(rows)), voice, tuple(sorted(rows))))
    return tuple(ways)


def _helped(model: ScriptModel, helped: dict[str, list[int]]) -> str:
    rows = [row for some in helped.values() for row in some]
    if not rows:
        return ""
    names = list(dict.fromkeys(speaker.voice.name for row in rows if (speaker := model.speaker(row))))
    if len(names) > 1:
        words = _("The voices of the sentences {numbers} do not speak their languages ({languages}).")
    elif len(helped) > 1:
        words = _("{voice} does not speak the languages of the sentences {numbers} ({languages}).")
    else:
        words = n_(
            "{voice} does not speak {languages} (sentence {numbers}).",
            "{voice} does not speak {languages} (sentences {numbers}).",
            len(rows),
        )
    languages = _(", ").join(language_name(code) for code in helped)
    return words.format(voice=names[0], languages=languages, numbers=numbers(rows))


def _foreign(foreign: dict[str, list[int]], voices: Sequence[Speaker]) -> str:
    rows = [row for some in foreign.values() for row in some]
    if not rows:
        return ""
    known = list(dict.fromkeys(code for voice in voices for code in voice.languages))
    words = n_(
        "No voice here can say sentence {numbers} ({languages}); it is left out. There are voices for {known}.",
        "No voice here can say sentences {numbers} ({languages}); they are left out. There are voices for {known}.",
        len(rows),
    )
    comma = _(", ")
    return words.format(
        numbers=numbers(rows), languages=comma.join(foreign), known=comma.join(language_name(code) for code in known)
    )


def _missing(rows: Sequence[int]) -> str:
    if not rows:
        return ""
    words = n_(
        "The voice of sentence {numbers} is not installed here. Choose another one.",
        "The voices of sentences {numbers} are not installed here. Choose other ones.",
        len(rows),
    )
    return words.format(numbers=numbers(rows))


def numbers(rows: Iterable[int]) -> str:
    """The numbers from 1 of `rows`, neighbours drawn together: "2–4, 7"; of many the first ones."""
    ranges: list[list[int]] = []
    for row in sorted(rows):
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    shown = [f"{first + 1:,}" if first == last else f"{first + 1:,}–{last + 1:,}" for first, last in ranges[:RANGES]]
    return _(", ").join(shown) + ("…" if len(ranges) > RANGES else "")


def script_name(text: str) -> str:
    """What the letters of `text` belong to, in words."""
    for character in text:
        if character.isalpha() and (name := _SCRIPTS.get(unicodedata.name(character, "").partition(" ")[0])):
            return _(name)
    return language_name("")
