"""English as it is read aloud, where the voice's own front end (misaki's rules, as Hibari ships them) has no rule:
addresses, versions, Latin abbreviations, symbols that would be skipped."""

from __future__ import annotations

import re

_URL = re.compile(r"\b(?:https?://|ftp://)?((?:[a-z0-9-]+\.)+[a-z]{2,})((?:/[\w.~%+-]*)*)(?:[?#]\S*)?", re.IGNORECASE)
_TLD = frozenset(
    [
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "io",
        "ai",
        "app",
        "dev",
        "co",
        "uk",
        "cn",
        "de",
        "fr",
        "jp",
        "eu",
        "info",
        "me",
        "tv",
        "ch",
        "us",
        "ca",
        "au",
    ]
)
_EMAIL = re.compile(r"\b([\w.+-]+)@((?:[\w-]+\.)+[a-z]{2,})\b", re.IGNORECASE)
_LATIN = (
    (re.compile(r"\be\.\s?g\.,?", re.IGNORECASE), "for example,"),
    (re.compile(r"\bi\.\s?e\.,?", re.IGNORECASE), "that is,"),
)
_VERSION = re.compile(r"(?<![\w.,$£€¥])v?(\d+(?:\.\d+){2,})(?![\w%])")
_POINT_ZERO = re.compile(r"(?<![\w.,$£€¥])(\d+)\.0(?![\w.%])")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d\U0001f1e6-\U0001f1ff]+")
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_YEAR = re.compile(r"1[1-9]\d\d|20[1-9]\d")
_CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}
_MONEY = re.compile(r"([$£€])\s?(\d[\d,]*(?:\.\d+)?)")
_NAMES = {".": "dot", "-": "dash", "_": "underscore", "+": "plus", "/": "slash", "~": "tilde", "%": "percent"}


def spoken(text: str) -> str:
    """`text` with addresses, versions and Latin abbreviations in words, and without emoji."""
    text = without_emoji(text)
    text = _EMAIL.sub(lambda match: f"{_letters(match[1])} at {_letters(match[2])}", text)
    text = _URL.sub(_address, text)
    for pattern, words in _LATIN:
        text = pattern.sub(words, text)
    text = _VERSION.sub(lambda match: " point ".join(match[1].split(".")), text)
    text = _POINT_ZERO.sub(r"\1 point zero", text)
    return re.sub(r"[ \t]+", " ", text).strip()


def without_emoji(text: str) -> str:
    """`text` with a space for each run of emoji; nobody reads them aloud."""
    return _EMOJI.sub(" ", text)


def _address(match: re.Match[str]) -> str:
    host, path = match[1], match[2].rstrip("/")
    tail = ""
    while path and path[-1] in ".,":  # the sentence's own full stop
        tail, path = path[-1] + tail, path[:-1]
    explicit = "://" in match[0] or host.lower().startswith("www.")
    if not explicit and host.rsplit(".", 1)[-1].lower() not in _TLD:
        return match[0]
    return f"{_letters(host)} {_letters(path)}".strip() + tail


def _letters(text: str) -> str:
    words = "".join(f" {_NAMES[character]} " if character in _NAMES else character for character in text)
    words = re.sub(r"\bwww\b", "double-u double-u double-u", words, flags=re.IGNORECASE)
    return re.sub(r"\s+", " ", words).strip()


def in_letters(text: str) -> str:
    """`spoken`, with numbers in words too, for voices that read letters only."""
    from hibari.g2p import numbers
    from hibari.g2p.normalize import normalize

    def words(match: re.Match[str]) -> str:
        written = match[0].replace(",", "")
        if "." in written:
            return str(numbers.decimal(written))
        return str(numbers.year(int(written)) if _YEAR.fullmatch(match[0]) else numbers.cardinal(int(written)))

    text = _ORDINAL.sub(lambda match: str(numbers.ordinal(int(match[1]))), normalize(spoken(text)))
    text = _MONEY.sub(lambda match: f"{match[2]} {_CURRENCIES[match[1]]}", text)
    return _NUMBER.sub(words, text.replace("%", " percent"))
