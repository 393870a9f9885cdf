"""Records in and out of the index's tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

from studio.core.errors import AtelierError
from studio.core.recipe import Recipe
from studio.library import search
from studio.library.folder import Record
from studio.media import carriers
from studio.media.text import read_text

_COLUMNS = [item.name for item in fields(Record)]
COLUMNS = ", ".join(_COLUMNS)
_JSON = ("metadata", "parents")
# Of a long text, what is read so that it can be found by its words.
_SEARCHED_BYTES = 64 * 1024


def record(row: sqlite3.Row) -> Record:
    values = {name: row[name] for name in _COLUMNS}
    values["metadata"] = json.loads(values["metadata"])
    values["parents"] = tuple(json.loads(values["parents"]))
    values["favourite"], values["missing"] = bool(values["favourite"]), bool(values["missing"])
    return Record(**values)


def select(connection: sqlite3.Connection, where: str = "1", parameters: Iterable[object] = ()) -> list[Record]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM items WHERE {where}", tuple(parameters))
    return [record(row) for row in rows]


def find(
    connection: sqlite3.Connection,
    fts5: bool,
    project: str | None,
    medium: str | None,
    words: str,
    favourites: bool,
    limit: int,
    before: str | None,
) -> list[Record]:
    """The newest `limit` records, as `Library.items` describes."""
    conditions: list[str] = []
    parameters: list[object] = []
    for condition, value in (("project = ?", project), ("medium = ?", medium and str(medium))):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    if favourites:
        conditions.append("favourite")
    if words.strip():
        condition, terms = search.condition(words, fts5)
        conditions.append(condition)
        parameters += terms
    if before is not None:
        conditions.append("(created, id) < (SELECT created, id FROM items WHERE id = ?)")
        parameters.append(before)
    where = " AND ".join(conditions) or "1"
    return select(connection, f"{where} ORDER BY created DESC, id DESC LIMIT ?", (*parameters, limit))


def insert(connection: sqlite3.Connection, records: Iterable[Record], root: Path) -> None:
    """Add rows, or replace those of the same id or path."""
    for item in records:
        delete(connection, "id = ? OR path = ?", (item.id, item.path))
        values = {**vars(item), "project": item.project}
        for name in _JSON:
            values[name] = json.dumps(values[name])
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        number = connection.execute(f"INSERT INTO items({names}) VALUES ({marks})", tuple(values.values())).lastrowid
        words = search.prepare(_words(item, root.joinpath(item.path)))
        row = (number, search.prepare(item.title), words)
        connection.execute("INSERT INTO search(rowid, title, words) VALUES (?, ?, ?)", row)


def update(connection: sqlite3.Connection, item: Record) -> None:
    """Change the row of `item.id` where it is, leaving the words by which it is found, except its title."""
    values = {**vars(item), "project": item.project}
    for name in _JSON:
        values[name] = json.dumps(values[name])
    # Whatever lay at this path before is not there any more.
    delete(connection, "path = ? AND id != ?", (item.path, item.id))
    assignments = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE items SET {assignments} WHERE id = ?", (*values.values(), item.id))
    title = search.prepare(item.title)
    connection.execute(
        "UPDATE search SET title = ? WHERE rowid = (SELECT number FROM items WHERE id = ?) AND title != ?",
        (title, item.id, title),
    )


def delete(connection: sqlite3.Connection, where: str = "1", parameters: Iterable[object] = ()) -> None:
    numbers = [row[0] for row in connection.execute(f"SELECT number FROM items WHERE {where}", tuple(parameters))]
    for number in numbers:
        connection.execute("DELETE FROM search WHERE rowid = ?", (number,))
        connection.execute("DELETE FROM items WHERE number = ?", (number,))


def _words(item: Record, path: Path) -> str:
    """By which words a result is found, beside its title: its model, what was asked, and the beginning of a text."""
    parts = [item.model]
    with suppress(AtelierError):
        parts.append(_asked(carriers.extract(path)))
    if item.media_type.startswith("text/"):
        with suppress(AtelierError):
            parts.append(read_text(path, _SEARCHED_BYTES))
    return "\n".join(parts).encode("utf-8", "replace").decode("utf-8")


def _asked(recipe: Recipe) -> str:
    messages = recipe.params.get("messages")
    said = messages if isinstance(messages, list) else []
    contents = [str(item.get("content", "")) for item in said if isinstance(item, dict)]
    return "\n".join([str(recipe.params.get("prompt", "")), *contents])
