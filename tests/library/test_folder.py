"""The user's folder: projects, moved and lost files, the trash, and an index that can be made again from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from studio.core.errors import AtelierError
from studio.library import Item, ItemsAdded, ItemsChanged, ItemsRemoved, Library, ProjectsChanged
from studio.library.library import default_index
from tests.library.conftest import produce_job

Add = Callable[..., Item]
Make = Callable[..., Library]


def test_projects_are_folders_with_a_name(library: Library, add: Add) -> None:
    heard: list[object] = []
    library.subscribe(heard.append)
    first = library.create_project("海报: 2026")
    second = library.create_project("海报: 2026")
    assert (first.id, second.id) == ("海报 2026", "海报 2026 2")
    assert first.name == second.name == "海报: 2026"
    renamed = library.rename_project(first.id, "Posters")
    assert (renamed.id, renamed.name, renamed.folder) == (first.id, "Posters", library.results / "海报 2026")
    item = add(library, project="Posters")
    assert item.project == first.id
    assert [(project.name, project.count) for project in library.projects()] == [("Posters", 1), ("海报: 2026", 0)]
    assert library.project_for("").id == first.id
    assert library.project_for("海报: 2026").id == second.id
    assert heard.count(ProjectsChanged()) == 3
    with pytest.raises(AtelierError) as caught:
        library.create_project(" ")
    assert caught.value.code == "name-empty"


def test_the_first_project_comes_by_itself(library: Library) -> None:
    assert library.projects() == []
    assert library.project_for().name == "My project"
    (library.results / "Someone's photos").mkdir()
    (library.results / "notes.txt").write_text("x")
    assert [project.name for project in library.projects()] == ["My project"]


def test_project_file_keeps_what_it_does_not_know(make: Make, add: Add) -> None:
    library = make()
    item = add(library, project="P")
    path = library.results / "P" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 7, "colour": "blue"}))
    library.set_favourite(item.id, True)
    library.rename_project("P", "Q")
    data = json.loads(path.read_text())
    assert (data["version"], data["colour"], data["name"]) == (7, "blue", "Q")
    assert data["favourites"] == [item.path.relative_to(library.results / "P").as_posix()]
    ledger = item.path.with_name(".items.json")
    content = json.loads(ledger.read_text())
    content["items"][item.path.name]["mood"] = "calm"
    ledger.write_text(json.dumps({**content, "season": "autumn"}))
    library.set_title(item.id, "New")
    content = json.loads(ledger.read_text())
    assert content["season"] == "autumn"
    assert content["items"][item.path.name]["mood"] == "calm"
    assert content["items"][item.path.name]["title"] == "New"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": 3, "favourites": 4, "created": "x"}'])
def test_a_damaged_project_file_loses_no_result(library: Library, add: Add, content: str) -> None:
    item = add(library, project="P")
    (library.results / "P" / "project.json").write_text(content)
    assert [project.name for project in library.projects()] == ["P"]
    library.set_favourite(item.id, True)
    library.rebuild()
    assert [found.id for found in library.items(favourites=True)] == [item.id]


def test_lost_files_are_marked_and_found_again(library: Library, add: Add) -> None:
    item = add(library)
    heard: list[Any] = []
    library.subscribe(heard.append)
    away = library.results / "away.txt"
    item.path.rename(away)
    library.refresh()
    assert [found.missing for found in library.items()] == [True]
    away.rename(item.path)
    library.refresh()
    assert library.items() == [item]
    assert [type(event) for event in heard] == [ItemsChanged, ItemsChanged]


def test_renamed_and_moved_files_keep_what_was_said_of_them(library: Library, add: Add) -> None:
    item = add(library, "Lamp", project="P")
    library.set_favourite(item.id, True)
    library.set_title(item.id, "My lamp")
    new = library.results / "P" / "Best" / "灯.txt"
    new.parent.mkdir()
    for suffix in ("", ".json"):
        Path(f"{item.path}{suffix}").rename(f"{new}{suffix}")
    library.refresh()
    (found,) = library.items()
    assert (found.id, found.path, found.title, found.favourite) == (item.id, new, "My lamp", True)
    assert library.recipe(item.id).model == "smollm2"
    library.rebuild()
    assert library.items() == [found]
    (library.results / "P").rename(library.results / "R")
    library.refresh()
    assert [(i.id, i.project, i.favourite) for i in library.items()] == [(item.id, "R", True)]


def test_files_from_elsewhere_are_taken_in(library: Library, add: Add) -> None:
    item = add(library, "Lamp", project="P")
    heard: list[Any] = []
    library.subscribe(heard.append)
    shutil.copytree(item.path.parent, library.results / "P" / "Copy")
    (library.results / "P" / "Copy" / "shopping list.txt").write_text("milk")
    (library.results / "P" / "documents").mkdir()
    shutil.copy(item.path, library.results / "P" / "documents")
    library.refresh()
    library.refresh()
    items = library.items(project="P")
    assert {i.path.relative_to(library.results / "P").parts[0] for i in items} == {"Copy", item.path.parent.name}
    assert len({i.id for i in items}) == 2
    assert item.id in {i.id for i in items}
    assert [type(event) for event in heard] == [ItemsAdded]
    library.rebuild()
    assert library.items() == items


def test_half_written_leftovers_are_swept_away(library: Library, add: Add) -> None:
    item = add(library)
    old, new, shown = (item.path.with_name(name) for name in (".Lamp.x1.part", ".Lamp.x2.part", "Lamp.part"))
    for path in (old, new, shown):
        path.write_text("half")
    for path in (old, shown):
        os.utime(path, (1e9, 1e9))
    library.refresh()
    assert [path.exists() for path in (old, new, shown)] == [False, True, True]


def test_a_lost_ledger_costs_no_ids(library: Library, add: Add) -> None:
    item = add(library)
    library.set_favourite(item.id, True)
    ledger = item.path.with_name(".items.json")
    ledger.write_text("{broken")
    library.refresh()
    assert [found.id for found in library.items(favourites=True)] == [item.id]
    assert ledger.with_name(".items.json.damaged").read_text() == "{broken"
    library.rebuild()
    assert [found.id for found in library.items(favourites=True)] == [item.id]


HOSTILE = [
    {"id": "a", "created": float("nan")},
    {"id": "b", "size": 2**70},
    {"id": "c\ud800", "title": "\udfff", "metadata": {"\ud800": "\ud800"}, "parents": [1, "\ud801"]},
    {"id": "", "title": "x"},
    {"id": 5},
    [],
]


@pytest.mark.parametrize("entry", HOSTILE)
@pytest.mark.parametrize("name", ["The lamp.txt", "../../outside.txt", "/etc/passwd", "..", "", "a\\b.txt"])
def test_a_strange_ledger_does_no_harm(library: Library, add: Add, entry: Any, name: str) -> None:
    item = add(library)
    outside = library.results.parent / "outside.txt"
    outside.write_text("private")
    item.path.with_name(".items.json").write_text(json.dumps({"version": 1, "items": {name: entry}}))
    library.refresh()
    library.rebuild()
    assert all(found.path.is_relative_to(library.results) for found in library.items())
    assert [found.path for found in library.items() if not found.missing] == [item.path]
    library.trash(found.id for found in library.items())
    assert outside.read_text() == "private"


def test_strange_sidecars_and_names_do_no_harm(library: Library, add: Add) -> None:
    item = add(library)
    recipe = json.loads(Path(f"{item.path}.json").read_text())
    for number, change in enumerate(
        ({"title": "\ud800"}, {"params": {"messages": 5, "prompt": []}}, {"parents": [{}]})
    ):
        path = item.path.with_name(f"odd {number}.txt")
        path.write_text(f"words {number}")
        Path(f"{path}.json").write_text(json.dumps({**recipe, **change}))
    if os.name == "posix":
        Path(os.fsdecode(os.fsencode(item.path.parent) + b"/\xff.txt")).write_text("x")
    library.refresh()
    items = library.items()
    assert len(items) == 4
    library.rebuild()
    assert library.items() == items


def test_the_trash_takes_the_recipe_along(make: Make, add: Add, tmp_path: Path) -> None:
    library = make()
    one, two, three = (add(library, title, project="P") for title in ("One", "Two", "Three"))
    library.set_favourite(one.id, True)
    three.path.unlink()
    library.trash([one.id, three.id, "nothing"])
    assert library.items() == [two]
    assert sorted(p.name[2:] for p in (tmp_path / "trash").iterdir()) == ["One.txt", "One.txt.json", "Three.txt.json"]
    assert json.loads((library.results / "P" / "project.json").read_text())["favourites"] == []
    library.rebuild()
    assert library.items() == [two]


def test_what_the_trash_refuses_stays(make: Make, add: Add, trash: Callable[[str], None]) -> None:
    library = make()
    one, two = add(library, "One"), add(library, "Two")

    def picky(path: str) -> None:
        if "Two" in path:
            raise OSError("no trash on this disk")
        trash(path)

    library._trash = picky
    heard: list[Any] = []
    library.subscribe(heard.append)
    with pytest.raises(AtelierError) as caught:
        library.trash([one.id, two.id])
    assert caught.value.code == "trash-failed"
    assert "Two.txt" in str(caught.value)
    assert library.items() == [two]
    assert heard == [ItemsRemoved((one.id,))]


def test_each_folder_has_its_own_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "home"))
    assert default_index(tmp_path / "a") != default_index(tmp_path / "b")
    library = Library(tmp_path / "a")
    library.create_project("P")
    library.close()
    assert default_index(tmp_path / "a").is_file()


def test_a_folder_of_results_from_another_computer_opens(make: Make, add: Add, tmp_path: Path) -> None:
    first = make()
    library_items = [add(first, f"Story {n}") for n in range(3)][::-1]
    other = make(first.results, tmp_path / "other.db")
    assert other.items() == library_items == first.items()


def test_a_folder_that_vanishes_is_said_in_words(library: Library, add: Add, produce: Any) -> None:
    item = add(library)
    job, staging, manifest = produce(library)
    gone = library.results.with_name("unplugged")
    library.results.rename(gone)
    library.refresh()
    assert library.problem is not None
    assert library.problem.code == "folder-missing"
    assert library.items() == [item]
    for attempt in (lambda: library.staging("j"), lambda: library.create_project("x")):
        with pytest.raises(AtelierError) as caught:
            attempt()
        assert caught.value.code == "folder-missing"
        assert "结果" in str(caught.value)
    gone.rename(library.results)
    library.refresh()
    assert library.problem is None
    assert [found.missing for found in [*library.items(), *library.file(job, staging, manifest)]] == [False, False]


def test_a_folder_that_may_not_be_written_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    library = Library(tmp_path / "file" / "results", tmp_path / "index.db")
    assert library.problem is not None
    assert library.items() == []
    assert library.projects() == []
    with pytest.raises(AtelierError):
        library.staging("job")
    library.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 1 MB, where this user may mount one."""
    folder = tmp_path / "小盘"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing(
    make: Make, small_disk: Path | None, tmp_path: Path, produce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = small_disk or tmp_path / "结果"
    library = make(results)
    library.create_project("P")
    job, staging, manifest = produce(library, project="P")
    filler = results / "filler"
    if small_disk:
        with filler.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(4096))
            except OSError:
                pass

    with monkeypatch.context() as patch:
        if not small_disk:
            patch.setattr(os, "fsync", _no_space)
        with pytest.raises(AtelierError) as caught:
            library.file(job, staging, manifest)
    assert caught.value.code == "disk-full"
    assert library.items() == []
    filler.unlink(missing_ok=True)
    (item,) = library.file(job, staging, manifest)
    assert item.path.read_text().startswith("The letter")
    assert not [path for path in results.rglob("*") if path.is_file() and path.stat().st_size == 0]


def _no_space(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


class FolderAndIndex(RuleBasedStateMachine):
    """Whatever was done, an index made again from the folder says what the old one said."""

    results = Bundle("results")
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.root = FolderAndIndex.folder / f"{len(list(FolderAndIndex.folder.iterdir()))}"
        self.library = Library(self.root / "结果", self.root / "index.db", send_to_trash=os.unlink)

    def teardown(self) -> None:
        self.library.close()

    @rule(
        target=results,
        title=st.text(max_size=20) | st.sampled_from(["Lamp", "lamp", "CON", "a/b", "..", "灯" * 99, "e\u0301", "é"]),
        project=st.sampled_from(["P", "灯会", ""]),
    )
    def file(self, title: str, project: str) -> str:
        title = title.encode("utf-8", "replace").decode()
        return self.library.file(*produce_job(self.library, title, f"text {title}", project=project))[0].id

    @rule(item=results, on=st.booleans())
    def mark(self, item: str, on: bool) -> None:
        self.library.set_favourite(item, on)

    @rule(item=results, title=st.sampled_from(["New", "新的", "'; --"]))
    def name(self, item: str, title: str) -> None:
        self.library.set_title(item, title)

    @rule(item=consumes(results))
    def trash(self, item: str) -> None:
        self.library.trash([item])

    @rule(item=results)
    def lose(self, item: str) -> None:
        self.library.item(item).path.unlink(missing_ok=True)  # type: ignore[union-attr]
        self.library.refresh()

    @rule(item=results)
    def move(self, item: str) -> None:
        path = self.library.item(item).path  # type: ignore[union-attr]
        target = path.parent / "moved" / path.name
        if path.exists() and not target.exists():
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
            Path(f"{path}.json").rename(f"{target}.json")
            self.library.refresh()

    @invariant()
    def rebuild_equals_index(self) -> None:
        before = self.library.items()
        assert len({item.path for item in before}) == len(before)
        assert all(item.missing != item.path.exists() for item in before)
        other = Library(self.root / "结果", self.root / "other.db")
        other.rebuild()
        assert other.items() == before
        other.close()


def test_rebuild_equals_index(tmp_path: Path) -> None:
    FolderAndIndex.folder = tmp_path
    FolderAndIndex.TestCase.settings = settings(
        max_examples=15,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    FolderAndIndex.TestCase("runTest").runTest()
