"""What somebody types to find a model: words in any of their forms, or the address of a page on a hub."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_FILES = ("resolve", "blob", "raw")
_NO_OWNERS = ("api", "datasets", "spaces", "docs", "models", "collections", "papers", "blog")
_SHORTEST = 3  # letters that a word keeps when its ending is taken off
_WORD = re.compile(r"\w+")


def address(text: str) -> str:
    """ "owner/name", or "owner/name/file.gguf", of an address that was copied from a hub or of the name itself; ""
    for anything else."""
    text = text.strip().strip("<>\"'")
    if text.startswith(("http://", "https://")):
        try:
            names = [unquote(name) for name in urlsplit(text).path.split("/") if name]
        except ValueError:
            return ""
    elif _REPOSITORY.fullmatch(text):
        names = text.split("/")
    else:
        return ""
    if len(names) < 2 or names[0] in _NO_OWNERS or not _REPOSITORY.fullmatch("/".join(names[:2])):
        return ""
    is_file = len(names) > 4 and names[2] in _FILES and names[-1].endswith(".gguf")
    return "/".join([*names[:2], *(names[4:] if is_file else ())])


def mentions(shown: str, wanted: str) -> bool:
    """Whether every word of `wanted` is in `shown`, as it is or with another ending ("story" in "stories")."""
    shown = shown.casefold()
    if name := address(wanted):
        return "/".join(name.split("/")[:2]).casefold() in shown
    words = wanted.casefold().split()
    missing = [word for word in words if word not in shown]
    if not missing:
        return True
    stems = {_stem(word) for word in _WORD.findall(shown)}
    return all(_stem(word) in stems for word in missing)


def _stem(word: str) -> str:
    """Without the usual English endings; other scripts have none of these."""
    for ending, instead in (("ies", "y"), ("ing", ""), ("ers", "e"), ("er", "e"), ("ed", "e"), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word.removesuffix(ending) + instead
            break
    return word.removesuffix("e") if len(word) > _SHORTEST else word
