"""Sentences and languages of a text, by script and punctuation."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LANGUAGES = ("en", "zh", "ja")
LONGEST = 400  # characters of one sentence; longer ones are cut at clauses, then at spaces

_KANA = re.compile(r"[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]+")
_LATIN_RUN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ](?:[A-Za-zÀ-ÖØ-öø-ɏ0-9'’.&-]| (?=[A-Za-zÀ-ÖØ-öø-ɏ]))*")
_OTHER_LETTER = re.compile(r"[^\W\d_]")
_CLOSERS = "\"'”’」』）)】》]"
# A full stop ends a sentence before white space; the East Asian ones always do.
_END = re.compile(rf"(?:[.!?…]+[{re.escape(_CLOSERS)}]*(?=\s)|[。！？!?…]+[{re.escape(_CLOSERS)}]*|\n+)")
_NOT_SPACE = re.compile(r"\S")
_CLAUSE = re.compile(r"(?:[,;:—–](?=\s)|[，；：、])")
_TITLES = frozenset(
    [
        "Mr",
        "Mrs",
        "Ms",
        "Dr",
        "Prof",
        "St",
        "Sr",
        "Jr",
        "Gen",
        "Col",
        "Lt",
        "Sgt",
        "Capt",
        "Rev",
        "Hon",
        "No",
        "Nos",
        "vs",
        "etc",
        "e.g",
        "i.e",
        "approx",
        "Inc",
        "Ltd",
        "Co",
        "Fig",
        "fig",
        "pp",
        "Vol",
        "vol",
    ]
)


@dataclass(frozen=True)
class Sentence:
    """`text` without white space at its ends; it stands at [start, end) of the whole. `paragraph` counts from 0."""

    text: str
    start: int
    end: int
    paragraph: int = 0


@dataclass(frozen=True)
class Span:
    """A stretch of one sentence in one language: "en", "zh", "ja", or "" for a script that none of them writes."""

    text: str
    language: str


def split(text: str, longest: int = LONGEST, *, symbols: bool = False) -> list[Sentence]:
    """The sentences of `text` that hold at least one letter or digit, in order. Titles ("Dr."), initials, decimals
    and full stops before a small letter end none; no sentence is longer than `longest` characters. With `symbols` a
    line of nothing but signs, one of them a picture (an emoji), is one too."""
    sentences: list[Sentence] = []
    start = 0
    paragraph = 0
    for match in _END.finditer(text):
        if match.group().startswith("\n"):
            _add(sentences, text, start, match.start(), paragraph, longest, symbols)
            start = match.end()
            paragraph += len(match.group()) > 1
        elif _ends(text, match):
            _add(sentences, text, start, match.end(), paragraph, longest, symbols)
            start = match.end()
    _add(sentences, text, start, len(text), paragraph, longest, symbols)
    return sentences


def language_of(text: str, default: str = "en") -> str:
    """The language most of the letters of `text` belong to: kana make it Japanese, Han characters Chinese, Latin
    letters English; "" for another script, `default` where there are no letters."""
    kana, han, latin = (len(pattern.findall(text)) for pattern in (_KANA, _HAN, _LATIN))
    letters = len(_OTHER_LETTER.findall(text))
    if not letters:
        return default
    words = len(_LATIN_WORD.findall(text))  # a Han character or a kana weighs as much as a word
    if kana and kana + han >= words:
        return "ja"
    if han and han >= words:
        return "zh"
    return "en" if latin * 2 >= letters else ""


def spans(text: str, language: str) -> list[Span]:
    """`text` of a Chinese or Japanese sentence cut where Latin words stand, so that each part is read by its own
    rules; digits and punctuation stay with what is before them. English comes back whole."""
    if language not in ("zh", "ja"):
        return [Span(text, language)]
    parts: list[Span] = []
    position = 0
    for match in _LATIN_RUN.finditer(text):
        if match.start() > position:
            parts.append(Span(text[position : match.start()], language))
        parts.append(Span(match.group(), "en"))
        position = match.end()
    if position < len(text):
        parts.append(Span(text[position:], language))
    return parts


def _ends(text: str, match: re.Match[str]) -> bool:
    mark = match.group()
    found = _NOT_SPACE.search(text, match.end())
    following = found.group() if found else ""
    if following.islower() and mark[0] in ".!?…":
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    word = re.split(r"[\s(\"“'‘]", text[max(0, match.start() - 20) : match.start()])[-1]
    initial = len(word) == 1 and word.isupper() and word != "I"
    return not (word in _TITLES or initial) or not following


def _add(
    sentences: list[Sentence], text: str, start: int, end: int, paragraph: int, longest: int, symbols: bool
) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > longest:
        cut = _cut(text, start, start + longest)
        _add(sentences, text, start, cut, paragraph, longest, symbols)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    piece = text[start:end]
    if any(map(str.isalnum, piece)) or symbols and _is_picture_line(text, start, end):
        sentences.append(Sentence(piece, start, end, paragraph))


def _is_picture_line(text: str, start: int, end: int) -> bool:
    before = text[text.rfind("\n", 0, start) + 1 : start]
    after = text[end : found if (found := text.find("\n", end)) >= 0 else len(text)]
    pictures = any(unicodedata.category(character) == "So" for character in text[start:end])
    return pictures and not before.strip() and not after.strip()


def _cut(text: str, start: int, limit: int) -> int:
    """Where to cut a sentence that goes on past `limit`: after the last clause, else the last space, else there."""
    clauses = [match.end() for match in _CLAUSE.finditer(text, start, limit)]
    if clauses and clauses[-1] - start >= (limit - start) // 4:
        return clauses[-1]
    space = text.rfind(" ", start + 1, limit)
    return space if space > start else limit
