"""A store of documents in a folder with a Chinese name, saved by hand or by its own thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.documents import ChatDocument, DocumentStore, TextDocument
from studio.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path / "结果", tmp_path / "index.db")
    library.create_project("灯会")
    yield library
    library.close()


@pytest.fixture
def make(library: Library) -> Iterator[Callable[..., DocumentStore]]:
    """Open a store, as another program would: `make(threaded=…, clock=…, send_to_trash=…)`."""
    stores: list[DocumentStore] = []

    def run(threaded: bool = False, **options: object) -> DocumentStore:
        stores.append(DocumentStore(library, threaded=threaded, **options))  # type: ignore[arg-type]
        return stores[-1]

    yield run
    for store in stores:
        store.stop()


@pytest.fixture
def store(make: Callable[..., DocumentStore]) -> DocumentStore:
    return make()


@pytest.fixture
def text() -> TextDocument:
    return TextDocument(title="The lamp")


@pytest.fixture
def chat() -> ChatDocument:
    return ChatDocument(title="Talk")
