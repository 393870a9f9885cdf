"""The index: found things, damaged, newer and older databases, many threads, two programs."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import AtelierError
from studio.core.jobs import Medium
from studio.library import Item, ItemsChanged, ItemsRemoved, Library, database, rows, search
from studio.library.folder import Record

Add = Callable[..., Item]
Make = Callable[..., Library]


@pytest.mark.parametrize("fts5", [True, False])
def test_search_finds_words_in_both_languages(
    make: Make, add: Add, monkeypatch: pytest.MonkeyPatch, fts5: bool
) -> None:
    monkeypatch.setattr(search, "has_fts5", lambda _connection: fts5)
    library = make()
    lamp = add(library, "The Lamp at Gull Point", "Warm light on the sea. 100% done_now")
    fair = add(library, "中秋灯会", "暮色落下，三百盏纸灯沿河亮起。")

    def found(words: str) -> list[str]:
        return [item.id for item in library.items(search=words)]

    assert found("lamp") == found("LAM") == found("sea gull") == found("done_now") == [lamp.id]
    assert found("灯会") == found("灯") == found("沿河") == found("中秋 纸灯") == [fair.id]
    assert found("keeper") == found("smollm2") == [fair.id, lamp.id]  # the prompt and the model
    assert found("会灯") == found("lamp 灯") == found('"') == found("%") == found("* OR NEAR(") == []
    library.set_title(fair.id, "Ferry 渡船")
    assert found("渡船") == found("ferry") == [fair.id]
    assert found("中秋") == []


def test_lists_can_be_narrowed_and_paged(library: Library, add: Add) -> None:
    items = [add(library, f"Story {n}", project="A" if n % 2 else "B") for n in range(6)][::-1]
    assert library.items() == items
    assert library.items(project="A") == [item for item in items if item.project == "A"]
    assert library.items(medium=Medium.TEXT) == items
    assert library.items(medium=Medium.IMAGE) == []
    pages, last = [], None
    while page := library.items(limit=4, before=last):
        pages.append([item.id for item in page])
        last = page[-1].id
    assert pages == [[item.id for item in items[:4]], [item.id for item in items[4:]]]
    library.set_favourite(items[2].id, True)
    assert [item.id for item in library.items(favourites=True)] == [items[2].id]
    assert library.item("nothing") is None


def test_changes_are_told(library: Library, add: Add) -> None:
    item = add(library)
    heard: list[Any] = []
    end = library.subscribe(heard.append)
    library.set_favourite(item.id, True)
    library.set_title(item.id, "  New \n name ")
    library.set_favourite("nothing", True)
    library.trash([item.id])
    end()
    add(library)
    assert [type(event) for event in heard] == [ItemsChanged, ItemsChanged, ItemsRemoved]
    assert (heard[1].items[0].title, heard[1].items[0].favourite) == ("New name", True)
    assert heard[2].ids == (item.id,)
    with pytest.raises(AtelierError) as caught:
        library.set_title(item.id, " \n")
    assert caught.value.code == "name-empty"


def test_ten_thousand_results_list_at_once(library: Library) -> None:
    library.create_project("P")
    with library._db.write() as connection:
        records = (
            Record(
                id=f"{n:032x}", path=f"P/2026-01-01/{n}.txt", title=f"Story {n}", created=1e9 + n, metadata={"words": n}
            )
            for n in range(10_000)
        )
        rows.insert(connection, records, library.results)
    for ask in (
        lambda: library.items(),
        lambda: library.items(project="P", before=f"{5000:032x}"),
        lambda: library.items(search="story 77"),
        lambda: library.projects(),
    ):
        assert len(ask()) > 0
        best = min(_seconds(ask) for _ in range(5))
        assert best < 0.05


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@pytest.mark.parametrize("how", ["noise", "cut", "tables"])
def test_a_damaged_index_is_put_aside_and_made_again(make: Make, tmp_path: Path, add: Add, how: str) -> None:
    first = make()
    add(first, "One")
    first.set_favourite(add(first, "Two").id, True)
    items = first.items()
    first.close()
    index = tmp_path / "index.db"
    if how == "noise":
        index.write_bytes(b"not a database " * 100)
    elif how == "cut":
        index.write_bytes(index.read_bytes()[:5000])
    else:
        with sqlite3.connect(index) as connection:
            connection.execute("DROP TABLE items")
        connection.close()
    damaged = index.read_bytes()
    again = make()
    again.refresh()
    assert again.problem is not None
    assert again.problem.code == "database-damaged"
    assert again.items() == items
    kept = Path(again.problem.arguments["path"])
    assert kept.name == "index.db.damaged"
    assert len(kept.read_bytes()) == len(damaged)


def test_damage_while_running_is_healed(make: Make, tmp_path: Path, add: Add) -> None:
    library = make()
    items = [add(library, f"Story {n}", "words " * 500) for n in range(30)][::-1]
    with library._db.read() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "index.db"
    with path.open("r+b") as stream:
        for page in range(2, path.stat().st_size // 4096):
            stream.seek(page * 4096)
            stream.write(b"\xff" * 4096)
    with library._db.read() as connection:
        connection.execute("PRAGMA cache_size = 0")
        connection.execute("PRAGMA shrink_memory")
    assert library.items() == items
    assert library.problem is not None
    assert library.problem.code == "database-damaged"


def test_a_newer_index_is_refused_and_left_alone(make: Make, tmp_path: Path, add: Add) -> None:
    first = make()
    add(first)
    first.close()
    index = tmp_path / "index.db"
    with sqlite3.connect(index) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = index.read_bytes()
    with pytest.raises(AtelierError) as caught:
        make()
    assert caught.value.code == "database-newer"
    assert "结果" in str(caught.value)
    assert index.read_bytes() == before


def test_an_older_index_is_migrated_after_a_backup(
    make: Make, tmp_path: Path, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make()
    item = add(first)
    first.close()

    def step(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE items ADD COLUMN colour TEXT NOT NULL DEFAULT ''")

    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, step))
    again = make()
    assert again.items() == [item]
    again.close()
    with sqlite3.connect(tmp_path / "index.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
    connection.close()
    with sqlite3.connect(tmp_path / "index.db.v1.backup") as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
        assert connection.execute("SELECT title FROM items").fetchall() == [("The lamp",)]
    connection.close()


def test_a_migration_that_fails_changes_nothing(
    make: Make, tmp_path: Path, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make()
    item = add(first)
    first.close()

    def step(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM items")
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, step))
        with pytest.raises(MemoryError):
            make()
    assert make().items() == [item]


def test_an_index_that_cannot_be_kept_does_not_stop_the_program(make: Make, tmp_path: Path, add: Add) -> None:
    (tmp_path / "file").write_text("in the way")
    library = make(index=tmp_path / "file" / "index.db")
    assert library.problem is not None
    assert library.problem.code == "not-writable"
    item = add(library)
    assert library.items() == [item]


def test_threads_share_a_library(library: Library, add: Add) -> None:
    errors: list[BaseException] = []

    def guard(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                for _ in range(12):
                    work()
            except BaseException as error:
                errors.append(error)

        return run

    def mark() -> None:
        for item in library.items(limit=3):
            library.set_favourite(item.id, not item.favourite)

    work = [lambda: add(library, "Same"), lambda: add(library, "Same"), mark, library.items, library.refresh]
    threads = [threading.Thread(target=guard(each)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    items = library.items()
    assert len(items) == len({item.path for item in items}) == 24
    library.rebuild()
    assert library.items() == items


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from conftest import produce_job
    from studio.library import Library
    library = Library(Path(sys.argv[2]), Path(sys.argv[3]))
    print("ready", flush=True)
    for number in range(15):
        items = library.file(*produce_job(library, "Same", f"{sys.argv[4]} {number}", project="P"))
        library.set_favourite(items[0].id, True)
    """
)


def test_two_programs_share_a_folder(make: Make, tmp_path: Path) -> None:
    """They start at once on an empty folder, and file under the same names."""
    results, index = tmp_path / "结果", tmp_path / "index.db"
    here = str(Path(__file__).parent)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, here, str(results), str(index), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    watcher = make(results, index)
    heard: list[Any] = []
    watcher.subscribe(heard.append)
    for child in children:
        _out, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
    watcher.refresh()
    items = watcher.items()
    assert sorted(item.path.read_text() for item in items) == sorted(f"{n} {i}" for n in "ab" for i in range(15))
    assert all(item.favourite for item in items)
    told = [item.id for event in heard if hasattr(event, "items") for item in event.items]
    assert sorted(told) == sorted(item.id for item in items)
    watcher.rebuild()
    assert watcher.items() == items
