"""The queue's database and the library: what a click and a look at many results cost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from studio.client.queue import JobQueue
from studio.core.jobs import Artifact, Blob, Job, Medium, Request, Task, new_id
from studio.core.recipe import Recipe
from studio.documents import DocumentStore
from studio.library import Library
from studio.media import carriers
from tests.bench.figures import Bench, Figure, figure, seconds_of
from tests.fakes.fake_engine import MODELS, FakeEngine

MANY, SHOWN, DOCUMENTS = 10_000, 500, 300
_PARAMS = {"prompt": "A keeper finds a letter", "seed": 7}


def measure(bench: Bench) -> Iterator[Figure]:
    count = MANY // 10 if bench.quick else MANY
    library = Library(bench.home / "many", bench.home / "many.db")
    try:
        few = [seconds_of(lambda: _file(library)) for _run in range(bench.runs)]
        yield figure("file a text in an empty library", [seconds * 1000 for seconds in few], "ms", 1)
        _fill(library, count)
        filed = [seconds_of(lambda: _file(library)) for _run in range(bench.runs)]
        yield figure(f"file a text among {count}", [seconds * 1000 for seconds in filed], "ms", 1)
        listed = [seconds_of(lambda: library.items(limit=SHOWN)) for _run in range(bench.runs)]
        yield figure(f"list the newest {SHOWN} of {count}", [seconds * 1000 for seconds in listed], "ms", 1)
        sought = [seconds_of(lambda: library.items(search="lamp 77")) for _run in range(bench.runs)]
        yield figure(f"search among {count}", [seconds * 1000 for seconds in sought], "ms", 1)
        refreshed = [seconds_of(library.refresh) for _run in range(bench.runs)]
        yield figure(f"look for changed files among {count}", refreshed, "s", 2, note="in a thread, after the start")
        yield _documents(bench, library)
        queue = JobQueue(FakeEngine(), library, bench.home / "queue-bench.db")
        try:
            request = Request(Medium.TEXT, "gguf", MODELS[0].id, Task.INSTRUCT, _PARAMS, title="The lamp")
            asked = [seconds_of(lambda: queue.submit(request)) for _run in range(bench.runs * 4)]
            yield figure("write a job down", [seconds * 1000 for seconds in asked], "ms", 1)
        finally:
            queue.stop()
    finally:
        library.close()


def _documents(bench: Bench, library: Library) -> Figure:
    """What each click in a tab looks at: the list of earlier texts, as long as nothing in the folder has changed."""
    documents = DocumentStore(library)
    try:
        for number in range(DOCUMENTS):
            document = documents.create("text", title=f"Text {number}")
            document.append(document.begin_version("").id, "The letter was folded into the lens. " * 200)
            documents.save(document)
            documents.close(document)
        documents.list(None, "text")
        listed = [seconds_of(lambda: documents.list(None, "text")) for _run in range(bench.runs)]
        return figure(f"list {DOCUMENTS} documents again", [seconds * 1000 for seconds in listed], "ms", 1)
    finally:
        documents.stop()


def _fill(library: Library, count: int) -> None:
    """Put `count` texts into the folder by hand, and have the library find them."""
    for number in range(count // 500):
        folder = _file(library).parent / f"part {number}"
        folder.mkdir()
        for place in range(500):
            recipe = Recipe(Medium.TEXT, "gguf", 1, "smollm2", Task.INSTRUCT, _PARAMS, title=f"The lamp {place}")
            path = folder / f"lamp {number} {place}.txt"
            path.write_text("The letter was folded into the lens.", encoding="utf-8")
            path.with_name(f"{path.name}.json").write_text(json.dumps(recipe.to_json()), encoding="utf-8")
    library.refresh()


def _file(library: Library) -> Path:
    """File one text as the queue does; returns where it is. What an engine leaves behind is made first."""
    request = Request(Medium.TEXT, "gguf", "smollm2", Task.INSTRUCT, _PARAMS, title="The lamp")
    job = Job(new_id(), request, created=time.time())
    staging = library.staging(job.id)
    recipe = Recipe(Medium.TEXT, "gguf", 1, "smollm2", Task.INSTRUCT, _PARAMS, title="The lamp")
    path = staging / "text.txt"
    path.write_text("The letter was folded into the lens.", encoding="utf-8")
    carriers.embed(path, recipe)
    artifact = Artifact(path.name, Blob.of(path, "text/plain"), {"words": 7})
    manifest = {
        "version": 1,
        "job": job.id,
        "request": request.to_json(),
        "artifacts": [artifact.to_json()],
        "metrics": {},
        "recipe": recipe.to_json(),
    }
    return library.file(job, staging, manifest)[0].path
