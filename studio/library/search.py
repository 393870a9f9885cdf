"""Full-text search that finds Chinese as well: characters of scripts without spaces are words of their own."""

from __future__ import annotations

import re
import sqlite3

from studio.media.text import SINGLE_CHARACTERS

_SINGLE = re.compile(f"[{SINGLE_CHARACTERS}]")
_LIKE_SIGNS = re.compile("[!%_]")
_WORD = re.compile(r"\w+")


def has_fts5(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite was built with its full-text index."""
    return bool(connection.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()[0])


def schema(fts5: bool) -> str:
    """The table `search(title, words)`, its row ids those of `items`."""
    if fts5:
        return "CREATE VIRTUAL TABLE search USING fts5(title, words, tokenize = 'unicode61 remove_diacritics 2')"
    return "CREATE TABLE search(title TEXT NOT NULL, words TEXT NOT NULL)"


def prepare(text: str) -> str:
    """`text` as it is put into the table."""
    return _SINGLE.sub(r" \g<0> ", text)


def condition(search: str, fts5: bool) -> tuple[str, list[str]]:
    """SQL (with parameters) that is true for the items that hold every word of `search`; the last letters of a word
    may be missing."""
    terms = [term for term in search.split() if _WORD.search(term)]
    if not terms:
        return "0", []
    if fts5:
        phrases = [_phrase(_WORD.findall(prepare(term))) for term in terms]
        return "number IN (SELECT rowid FROM search WHERE search MATCH ?)", [" ".join(phrases)]
    like = " AND ".join("(title || ' ' || words) LIKE ? ESCAPE '!'" for _term in terms)
    patterns = ["%" + _LIKE_SIGNS.sub(r"!\g<0>", prepare(term).strip()) + "%" for term in terms]
    return f"number IN (SELECT rowid FROM search WHERE {like})", patterns


def _phrase(words: list[str]) -> str:
    return '"' + " ".join(words) + '"' + ("" if _SINGLE.match(words[-1]) else " *")
