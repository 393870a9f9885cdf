"""A user's own pronunciations: word → how it is said, either respelled in letters ("SQL": "sequel") or in phonetic
signs in square brackets ("Atelier": "[ˌætəljˈA]").

A phonetic entry becomes `[word](/signs/)` in the text, the mark-up that misaki's and Hibari's front ends read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

_LINK = re.compile(r"\[([^\]\n]+)\]\(/([^)\n]*)/\)")
_LETTER = "A-Za-z0-9À-ÖØ-öø-ɏ"


class Lexicon:
    """Longer entries come first. An entry in small letters fits any case, one with a capital only its own; one of
    Latin letters or digits fits whole words, any other fits everywhere."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = dict(pairs)
        self._small = {word: said for word, said in pairs.items() if word == word.lower()}
        words = sorted(pairs, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, words))) if words else None

    def apply(self, text: str) -> str:
        """`text` with its words respelled, and phonetic entries marked."""
        return self._pattern.sub(lambda match: self._said(match[0]), text) if self._pattern else text

    def unknown_signs(self, text: str, alphabet: Collection[str]) -> dict[str, str]:
        """The marked words of `text` whose signs are not all in `alphabet`, and those signs."""
        found = {}
        for word, signs in parts(self.apply(text)):
            wrong = "".join(dict.fromkeys(sign for sign in signs or "" if sign not in alphabet))
            if wrong:
                found[word] = wrong
        return found

    def _said(self, word: str) -> str:
        said = self._pairs.get(word) or self._small[word.lower()]
        if said.startswith("[") and said.endswith("]"):
            return f"[{word}](/{said[1:-1].strip('/ ')}/)"
        return said


def parts(text: str) -> Iterator[tuple[str, str | None]]:
    """(text, None) and (word, its signs) in order."""
    position = 0
    for match in _LINK.finditer(text):
        if match.start() > position:
            yield text[position : match.start()], None
        yield match[1], match[2]
        position = match.end()
    if position < len(text):
        yield text[position:], None


def _pattern(word: str) -> str:
    body = re.escape(word) if word != word.lower() else f"(?i:{re.escape(word)})"
    before = rf"(?<![{_LETTER}])" if re.match(f"[{_LETTER}]", word[0]) else ""
    after = rf"(?![{_LETTER}])" if re.match(f"[{_LETTER}]", word[-1]) else ""
    return f"{before}{body}{after}"
