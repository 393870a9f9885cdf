"""File names that people can read and every system accepts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

# Windows keeps these for devices, with any suffix.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
# ZERO WIDTH (NON-)JOINER shape scripts and emoji; other invisible format characters only mislead.
_JOINERS = "\u200c\u200d"
MAX_CHARACTERS = 80
# File systems limit a name to 255 bytes; the rest is for a number, the suffix and the sidecar's suffix.
MAX_BYTES = 200


def safe_name(title: str, fallback: str) -> str:
    """A file name without suffix for `title`: Unicode is kept, what Windows, macOS or Linux refuse is not. At most
    `MAX_CHARACTERS` characters and `MAX_BYTES` bytes of UTF-8; `fallback` if nothing is left."""
    name = unicodedata.normalize("NFC", title)
    name = _FORBIDDEN.sub(" ", name)
    name = "".join(character if _allowed(character) else " " for character in name)
    name = " ".join(name.split()).strip(". \u200c\u200d")[:MAX_CHARACTERS]
    while len(name.encode("utf-8")) > MAX_BYTES:
        name = name[:-1]
    # A cut may have gone through an emoji or a letter with marks.
    name = name.rstrip(". \u200c\u200d")
    if _RESERVED.match(name):
        name = f"_{name}"
    return name or fallback


def free_name(stem: str, taken: Collection[str]) -> str:
    """`stem`, or `stem 2`, `stem 3` … so that its casefolded form is not in `taken` (casefolded names too)."""
    name, number = stem, 1
    while fold(name) in taken:
        number += 1
        name = f"{stem} {number}"
    return name


def fold(name: str) -> str:
    """What two names have in common when a file system takes them for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def _allowed(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
