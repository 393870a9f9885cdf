"""What a job made arrives in the user's folder, whatever happens on the way."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import AtelierError
from studio.library import Item, ItemsAdded, Library, filing
from studio.media import carriers

Add = Callable[..., Item]


def test_a_result_is_an_ordinary_file_with_its_recipe(library: Library, produce: Any) -> None:
    heard: list[object] = []
    library.subscribe(heard.append)
    job, staging, manifest = produce(library, "The lamp: at Gull Point?", parents=("p1",))
    (item,) = library.file(job, staging, manifest)
    assert re.fullmatch(r".*/结果/灯会 Lantern/\d{4}-\d\d-\d\d/The lamp at Gull Point\.txt", item.path.as_posix())
    assert item.path.read_text() == "The letter was folded into the lens."
    assert (item.job, item.title, item.model, item.family) == (job.id, "The lamp: at Gull Point?", "smollm2", "gguf")
    assert (item.media_type, item.size, item.metadata, item.parents) == ("text/plain", 36, {"words": 7}, ("p1",))
    assert not item.missing
    assert library.recipe(item.id).params["seed"] == 7
    assert library.items() == [item] == library.job_items(job.id)
    assert library.item(item.id) == item
    assert [event for event in heard if isinstance(event, ItemsAdded)] == [ItemsAdded((item,))]
    assert not staging.exists()


def test_names_never_collide(library: Library, produce: Any) -> None:
    first = library.file(*produce(library, "Lamp", "a", "b"))
    (first[0].path.parent / "LAMP 3.txt").write_text("the user's own")
    (first[0].path.parent / "lamp 4.txt.json").write_text("the user's own")
    second = library.file(*produce(library, "lamp", "c"))
    assert [item.path.name for item in [*first, *second]] == ["Lamp.txt", "Lamp 2.txt", "lamp 5.txt"]
    assert (first[0].path.parent / "LAMP 3.txt").read_text() == "the user's own"
    assert [item.title for item in library.items()] == ["lamp", "Lamp", "Lamp"]
    assert [item.id for item in library.job_items(first[0].job)] == [item.id for item in first]


def test_a_title_is_taken_from_what_was_asked(library: Library, produce: Any) -> None:
    job, staging, manifest = produce(library, "")
    assert library.file(job, staging, manifest)[0].path.name == "A keeper finds a letter.txt"
    chat = job.request.with_params(prompt="", messages=[{"role": "user", "content": "灯" * 90}])
    job = type(job)(job.id, chat)
    assert filing.title_of(job) == "灯" * 60 + "…"
    assert filing.title_of(type(job)(job.id, chat.with_params(messages=[]))) == "Text"


def test_filing_twice_gives_the_same(library: Library, produce: Any) -> None:
    job, staging, manifest = produce(library)
    kept = shutil.copytree(staging, staging.with_name("copy"))
    items = library.file(job, staging, manifest)
    heard: list[object] = []
    library.subscribe(heard.append)
    assert library.file(job, staging, manifest) == items
    shutil.rmtree(kept)
    assert library.items() == items
    assert heard == []


def test_a_job_that_keeps_nothing_leaves_nothing(library: Library, produce: Any) -> None:
    job, staging, manifest = produce(library)
    assert library.file(job, staging, {**manifest, "artifacts": []}) == []
    assert not staging.exists()


def test_a_recipe_of_the_manifest_is_put_beside_a_file_that_has_none(library: Library, produce: Any) -> None:
    job, staging, manifest = produce(library)
    (staging / "text.txt.json").unlink()
    (item,) = library.file(job, staging, manifest)
    assert library.recipe(item.id).model == "smollm2"


def test_a_name_outside_the_staging_folder_is_refused(library: Library, produce: Any) -> None:
    job, staging, manifest = produce(library)
    manifest["artifacts"][0]["name"] = "../text.txt"
    with pytest.raises(AtelierError) as caught:
        library.file(job, staging, manifest)
    assert caught.value.code == "file-missing"


def test_a_file_in_the_way_is_never_overwritten(
    library: Library, produce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone takes the name after the plan was made and before the program came back."""
    job, staging, manifest = produce(library)
    with monkeypatch.context() as patch:
        patch.setattr(filing, "_place", _fail)
        with pytest.raises(AtelierError):
            library.file(job, staging, manifest)
    planned = json.loads((staging / "plan.json").read_text())["items"]["text.txt"]["path"]
    (library.results / planned).write_text("the user's own")
    (item,) = library.file(job, staging, manifest)
    assert item.path.name == "The lamp 2.txt"
    assert (library.results / planned).read_text() == "the user's own"
    assert carriers.extract(item.path).model == "smollm2"


def test_without_hard_links_files_move_all_the_same(
    library: Library, produce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _fail)
    assert library.file(*produce(library))[0].path.read_text().startswith("The letter")


def test_a_project_on_another_disk(library: Library, produce: Any, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        other = tmp_path
    elsewhere = other / f"atelier-{os.getpid()}"
    elsewhere.mkdir()
    try:
        (library.results / "Far").symlink_to(elsewhere)
        (elsewhere / "project.json").write_text('{"version": 1, "name": "Far"}')
        (item,) = library.file(*produce(library, project="Far"))
        assert (elsewhere / item.path.parent.name / "The lamp.txt").read_text().startswith("The letter")
        assert [path.name for path in elsewhere.rglob("*.part")] == []
    finally:
        shutil.rmtree(elsewhere)


def _fail(*_args: object, **_options: object) -> None:
    raise OSError(5, "no such luck")


CHILD = textwrap.dedent(
    """
    import json, os, signal, sys
    from pathlib import Path
    from studio.core.jobs import Job, Request
    from studio.library import Library
    results, index, job, stop = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    library = Library(results, index)
    manifest = json.loads((library.staging(job) / "manifest.json").read_text())
    steps = 0
    watched = {"os.rename", "os.link", "os.remove", "os.mkdir", "open", "sqlite3.connect", "shutil.rmtree"}
    def step(event, arguments):
        global steps
        if event in watched and not str(arguments[0]).startswith("/proc"):
            steps += 1
            if steps == stop:
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    sys.addaudithook(step)
    library.file(Job(job, Request.from_json(manifest["request"])), library.staging(job), manifest)
    print(steps)
    """
)


def test_killed_at_every_step_of_filing(make: Callable[..., Library], tmp_path: Path, produce: Any) -> None:
    """SIGKILL before each change of the disk in turn; the next start files the job exactly once."""
    survived = 0
    for stop in range(1, 200):
        results, index = tmp_path / f"r{stop}", tmp_path / f"i{stop}.db"
        before = make(results, index)
        job, staging, manifest = produce(before, "Lamp", "one", "two", project="P")
        before.close()
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(results), str(index), job.id, str(stop)], capture_output=True, text=True
        )
        after = make(results, index)
        if stop % 2:
            after.refresh()
        if (staging / "manifest.json").exists():
            after.file(job, staging, manifest)
        after.refresh()
        items = after.items()
        assert sorted(item.path.read_text() for item in items) == ["one", "two"], stop
        assert all(after.recipe(item.id).model == "smollm2" and item.job == job.id for item in items)
        day = items[0].path.parent
        assert sorted(p.name for p in day.iterdir() if not p.name.endswith(".part")) == [
            ".items.json",
            *("Lamp 2.txt", "Lamp 2.txt.json", "Lamp.txt", "Lamp.txt.json"),
        ]
        after.rebuild()
        assert after.items() == items
        assert list((results / ".staging").iterdir()) == []
        after.close()
        if child.returncode == 0:
            survived = stop
            break
        assert not child.stderr
    assert survived > 10
