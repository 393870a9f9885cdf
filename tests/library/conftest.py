"""Libraries in a folder with a Chinese name, jobs that were produced, a trash of our own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from studio.core.jobs import Artifact, Blob, Job, Medium, Request, Task, new_id
from studio.core.recipe import Recipe
from studio.library import Item, Library
from studio.media import carriers


class Produce(Protocol):
    def __call__(
        self, library: Library, title: str = ..., *texts: str, project: str = ..., **request: Any
    ) -> tuple[Job, Path, dict[str, Any]]: ...


def produce_job(
    library: Library, title: str = "The lamp", *texts: str, project: str = "灯会 Lantern", **request: Any
) -> tuple[Job, Path, dict[str, Any]]:
    """What an engine leaves behind: files, sidecars and a manifest in the staging folder."""
    params = {"prompt": "A keeper finds a letter", "seed": 7}
    asked = Request(Medium.TEXT, "gguf", "smollm2", Task.INSTRUCT, params, project=project, title=title, **request)
    job = Job(new_id(), asked)
    staging = library.staging(job.id)
    recipe = Recipe(Medium.TEXT, "gguf", 1, "smollm2", Task.INSTRUCT, params, title=title, parents=asked.parents)
    artifacts = []
    for index, text in enumerate(texts or ("The letter was folded into the lens.",)):
        path = staging / (f"text-{index}.txt" if index else "text.txt")
        path.write_text(text, encoding="utf-8")
        carriers.embed(path, recipe)
        artifacts.append(Artifact(path.name, Blob.of(path, "text/plain"), {"words": len(text.split())}))
    manifest = {
        "version": 1,
        "job": job.id,
        "request": asked.to_json(),
        "artifacts": [artifact.to_json() for artifact in artifacts],
        "metrics": {},
        "recipe": recipe.to_json(),
    }
    (staging / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return job, staging, manifest


@pytest.fixture
def produce() -> Produce:
    return produce_job


@pytest.fixture
def add() -> Callable[..., Item]:
    """File one new text and return its item."""

    def run(library: Library, title: str = "The lamp", text: str = "One letter.", **options: Any) -> Item:
        return library.file(*produce_job(library, title, text, **options))[0]

    return run


@pytest.fixture
def trash(tmp_path: Path) -> Callable[[str], None]:
    folder = tmp_path / "trash"
    folder.mkdir()

    def move(path: str) -> None:
        shutil.move(path, folder / f"{len(list(folder.iterdir()))}-{Path(path).name}")

    return move


@pytest.fixture
def make(tmp_path: Path, trash: Callable[[str], None]) -> Iterator[Callable[..., Library]]:
    """Open a library (again): `make()`, or `make(results, index)`."""
    opened: list[Library] = []

    def run(results: Path | None = None, index: Path | None = None) -> Library:
        library = Library(results or tmp_path / "结果", index or tmp_path / "index.db", send_to_trash=trash)
        opened.append(library)
        return library

    yield run
    for library in opened:
        library.close()


@pytest.fixture
def library(make: Callable[..., Library]) -> Library:
    return make()
