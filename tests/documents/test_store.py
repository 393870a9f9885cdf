"""Documents on disk: saved by themselves, found again, never lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import AtelierError
from studio.documents import ChatDocument, DocumentStore, SavedChanged, TextDocument
from studio.documents import store as store_module
from studio.library import Library

Make = Callable[..., DocumentStore]


def folder(store: DocumentStore) -> Path:
    return store._folder("灯会")


def names(store: DocumentStore) -> list[str]:
    return sorted(path.name for path in folder(store).iterdir() if not path.name.startswith("."))


def saved(store: DocumentStore, title: str = "The lamp", body: str = "One.") -> str:
    """A text that is on disk and closed; its id."""
    document = store.create("text", "灯会", title)
    document.set_body(body)
    store.close(document)
    return document.id


def test_a_document_is_an_ordinary_file_beside_the_results(store: DocumentStore, library: Library) -> None:
    text = store.create("text", "灯会", "The lamp: a story")
    chat = store.create("chat", "灯会")
    assert isinstance(text, TextDocument)
    assert isinstance(chat, ChatDocument)
    assert names(store) == []
    text.set_body("One.")
    chat.say("Hello")
    store.save(text)
    store.save(chat)
    assert names(store) == ["Conversation.chat.json", "The lamp a story.text.json"]
    assert (library.results / "灯会" / "documents") == folder(store)
    assert [(s.kind, s.title, s.excerpt, s.problem) for s in store.list("灯会")] == [
        ("chat", "", "Hello", None),
        ("text", "The lamp: a story", "One.", None),
    ]
    assert [s.id for s in store.list(kind="text")] == [text.id]
    assert [s.id for s in store.recent(1)] == [chat.id]
    assert store.open(text.id) is text
    data = json.loads((folder(store) / "The lamp a story.text.json").read_text())
    assert (data["atelier_document"], data["id"], data["content"]["current"]) == (1, text.id, text.versions[0].id)


def test_a_document_comes_back_as_it_was(make: Make) -> None:
    first = make()
    text = first.create("text", "灯会", "灯塔")
    text.set_brief(prompt="海")
    text.set_body("你好 🎏")
    first.close(text)
    again = make().open(text.id)
    assert isinstance(again, TextDocument)
    assert (again.title, again.body, again.brief.prompt, again.project) == ("灯塔", "你好 🎏", "海", "灯会")
    assert (again.created, again.dirty, again.can_undo) == (text.created, False, False)


def test_the_file_follows_the_title(store: DocumentStore) -> None:
    saved(store, "Lamp")
    text = store.create("text", "灯会", "lamp")
    text.set_body("x")
    store.save(text)
    assert names(store) == ["Lamp.text.json", "lamp 2.text.json"]
    text.set_title("灯/塔")
    store.save(text)
    assert names(store) == ["Lamp.text.json", "灯 塔.text.json"]
    text.set_title("lamp")
    store.close(text)
    assert names(store) == ["Lamp.text.json", "lamp 2.text.json"]
    again = store.open(text.id)
    assert isinstance(again, TextDocument)
    again.set_body("y")
    store.close(again)
    assert names(store) == ["Lamp.text.json", "lamp 2.text.json"]
    assert json.loads((folder(store) / "lamp 2.text.json").read_text())["title"] == "lamp"


def test_edits_are_saved_within_a_second_of_the_first(make: Make) -> None:
    now = [100.0]
    store = make(clock=lambda: now[0])
    text = store.create("text", "灯会", "Lamp")
    heard: list[Any] = []
    text.subscribe(heard.append)
    for step in range(30):  # typing does not put it off
        text.replace_range(step, step, "x", typing=True)
        now[0] += 0.05
        store.saver.tick()
    assert text.file is not None
    written = json.loads(text.file.read_text())["content"]["versions"][0]["text"]
    assert 19 <= len(written) <= 21
    assert text.dirty
    now[0] += 1.0
    assert store.saver.tick() is None
    assert not text.dirty
    assert any(isinstance(event, SavedChanged) for event in heard)


def test_a_listener_that_fails_ends_no_saving(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    store = make(threaded=True, delay=0.02)
    document = store.create("text", title="The lamp")
    fail = True

    def listener(change: object) -> None:
        if isinstance(change, SavedChanged) and fail:
            raise RuntimeError("the window has gone")

    document.subscribe(listener)
    for number in range(2):
        document.replace_range(0, 0, f"{number} ")
        until = time.monotonic() + 10
        while document.dirty and time.monotonic() < until:
            time.sleep(0.02)
        assert not document.dirty
    fail = False
    assert "not all heard of it" in caplog.text


def test_the_saver_saves_on_its_own_thread(make: Make) -> None:
    store = make(threaded=True, delay=0.05)
    text = store.create("text", "灯会", "Lamp")
    text.set_body("One.")
    until = time.monotonic() + 5
    while text.dirty and time.monotonic() < until:
        time.sleep(0.01)
    assert not text.dirty
    text.set_body("Two.")
    assert store.stop() == []
    assert "Two." in (folder(store) / "Lamp.text.json").read_text()


def test_a_save_that_fails_is_tried_again_and_said_in_words(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    store = make(clock=lambda: now[0])
    text = store.create("text", "灯会", "Lamp")
    text.set_body("One.")
    store.save(text)
    text.set_body("Two.")

    def full(_path: Path, _data: bytes) -> None:
        raise AtelierError("disk-full", {"path": "/disk"})

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "write_bytes", full)
        now[0] += 2
        assert store.saver.tick() == pytest.approx(3.0)
        assert text.problem is not None
        assert text.problem.code == "disk-full"
        assert text.dirty
        with pytest.raises(AtelierError):
            store.close(text)
    now[0] += 3.1
    store.saver.tick()
    assert (text.problem, text.dirty) == (None, False)
    assert "Two." in (folder(store) / "Lamp.text.json").read_text()


def test_a_vanished_folder_is_not_made_anew(store: DocumentStore, library: Library) -> None:
    text = store.create("text", "灯会", "Lamp")
    text.set_body("One.")
    gone = library.results.with_name("unplugged")
    library.results.rename(gone)
    store.save(text)
    assert text.problem is not None
    assert text.problem.code == "folder-missing"
    with pytest.raises(AtelierError) as caught:
        store.create("text", "灯会")
    assert caught.value.code == "folder-missing"
    assert not library.results.exists()
    gone.rename(library.results)
    store.close(text)
    assert "One." in (folder(store) / "Lamp.text.json").read_text()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "小盘"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        yield tmp_path  # without the right to mount, the test below fills nothing and uses a limit instead
        return
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@contextmanager
def limited_files() -> Iterator[None]:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def test_a_full_disk_keeps_the_last_whole_save(small_disk: Path, tmp_path: Path) -> None:
    library = Library(small_disk / "r", tmp_path / "small.db")
    library.create_project("灯会")
    store = DocumentStore(library, threaded=False)
    text = store.create("text", "灯会", "Lamp")
    text.set_body("kept " * 20_000)
    store.save(text)
    assert text.file is not None
    before = text.file.read_bytes()
    text.set_body("灯" * 600_000)
    with limited_files() if small_disk == tmp_path else nullcontext():
        store.save(text)
    assert text.problem is not None
    assert text.dirty
    assert text.file.read_bytes() == before
    assert [path.name for path in text.file.parent.iterdir() if path.suffix == ".part"] == []
    text.set_body("short")
    store.save(text)
    assert text.problem is None
    assert "short" in text.file.read_text()
    store.stop()
    library.close()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\x00" * 999, b'{"atelier_document": 1, "kind": "text"}', b"[" * 99999]
)
def test_a_damaged_document_is_left_alone(store: DocumentStore, content: bytes) -> None:
    id = saved(store)
    path = folder(store) / "The lamp.text.json"
    path.write_bytes(content)
    (summary,) = store.list("灯会")
    assert summary.problem is not None
    assert (summary.problem.code, summary.title, summary.kind) == ("document-damaged", "The lamp", "text")
    with pytest.raises(AtelierError) as caught:
        store.open(summary.id)
    assert caught.value.code == "document-damaged"
    assert path.read_bytes() == content
    other = store.create("text", "灯会", "The lamp")
    other.set_body("new")
    store.close(other)
    assert path.read_bytes() == content
    assert id not in {summary.id for summary in store.list()}


def test_a_damaged_middle_is_noticed_when_opened(store: DocumentStore) -> None:
    id = saved(store)
    path = folder(store) / "The lamp.text.json"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(AtelierError) as caught:
        store.open(id)
    assert caught.value.code == "document-damaged"


def test_how_a_document_was_before_can_be_opened(store: DocumentStore) -> None:
    id = saved(store, body="First.")
    text = store.open(id)
    assert isinstance(text, TextDocument)
    text.set_body("Second.")
    text.set_title("The new lamp")
    store.close(text)
    path = folder(store) / "The new lamp.text.json"
    path.write_bytes(b"garbage")
    (summary,) = store.list()
    assert summary.earlier
    again = store.open_earlier(summary.id)
    assert isinstance(again, TextDocument)
    assert (again.id, again.body) == (id, "First.")
    assert (folder(store) / "The new lamp.text.json.damaged").read_bytes() == b"garbage"


def test_a_newer_document_is_refused_in_words(store: DocumentStore) -> None:
    saved(store)
    path = folder(store) / "The lamp.text.json"
    newer = json.dumps({**json.loads(path.read_text()), "atelier_document": 2})
    path.write_text(newer)
    (summary,) = store.list()
    with pytest.raises(AtelierError) as caught:
        store.open(summary.id)
    assert caught.value.code == "document-newer"
    assert path.read_text() == newer


def test_a_second_program_reads_and_works_on_a_copy(make: Make) -> None:
    first, second = make(), make()
    text = first.create("text", "灯会", "Lamp")
    text.set_body("One.")
    first.save(text)
    other = second.open(text.id)
    assert isinstance(other, TextDocument)
    assert (other.read_only, other.body) == (True, "One.")
    with pytest.raises(AtelierError) as caught:
        other.set_body("Mine")
    assert caught.value.code == "document-open"
    with pytest.raises(AtelierError) as caught:
        second.trash(text.id)
    assert caught.value.code == "document-open"
    copy = second.copy(text.id)
    assert isinstance(copy, TextDocument)
    assert (copy.read_only, copy.title, copy.body) == (False, "Lamp (copy)", "One.")
    copy.set_body("Mine")
    second.close(copy)
    second.close(other)
    text.set_body("Yours")
    first.close(text)
    assert names(first) == ["Lamp (copy).text.json", "Lamp.text.json"]
    again = second.open(text.id)
    assert isinstance(again, TextDocument)
    assert (again.read_only, again.body) == (False, "Yours")
    second.close(again)
    assert list(folder(first).glob("*.lock")) == []


def test_a_copy_made_by_hand_is_a_document_of_its_own(make: Make) -> None:
    store = make()
    id = saved(store)
    shutil.copy(folder(store) / "The lamp.text.json", folder(store) / "Zweite.text.json")
    one, two = sorted(store.list(), key=lambda summary: summary.path.name)
    assert one.id == id
    assert two.id != id
    text = store.open(two.id)
    assert isinstance(text, TextDocument)
    text.set_body("Other")
    store.close(text)
    assert json.loads((folder(store) / "The lamp.text.json").read_text())["content"]["versions"][0]["text"] == "One."
    assert {summary.id for summary in store.list()} == {one.id, two.id}


def test_the_trash_takes_open_and_closed_documents(make: Make, tmp_path: Path) -> None:
    trash: list[str] = []

    def move(path: str) -> None:
        trash.append(Path(path).name)
        os.unlink(path)

    store = make(send_to_trash=move)
    closed = saved(store, "Closed")
    text = store.create("text", "灯会", "Open")
    text.set_body("x")
    store.trash(closed)
    store.trash(text.id)
    assert trash == ["Closed.text.json", "Open.text.json"]
    assert store.list() == []
    text.set_body("later")
    store.saver.tick()
    assert names(store) == []
    with pytest.raises(AtelierError) as caught:
        store.trash(closed)
    assert caught.value.code == "file-missing"


def test_what_the_trash_refuses_stays_open(make: Make) -> None:
    def refuse(_path: str) -> None:
        raise OSError("no trash here")

    store = make(send_to_trash=refuse)
    text = store.create("text", "灯会", "Lamp")
    text.set_body("x")
    with pytest.raises(AtelierError) as caught:
        store.trash(text.id)
    assert caught.value.code == "trash-failed"
    assert store.open(text.id) is text


def test_an_unknown_document_is_said_to_be_missing(store: DocumentStore) -> None:
    with pytest.raises(AtelierError) as caught:
        store.open("nothing")
    assert caught.value.code == "file-missing"


def test_a_megabyte_opens_at_once_and_many_list_at_once(make: Make) -> None:
    store = make()
    id = saved(store, "Long", "The letter was folded into the lens. " * 28_000)
    for number in range(200):
        path = folder(store) / f"Copy {number}.text.json"
        head = json.dumps(
            {"atelier_document": 1, "kind": "text", "id": f"{number}", "title": "t", "created": 1, "modified": 1}
        )
        path.write_text(head[:-1] + ',\n"content": {}}\n' + " " * 100_000)
    start = time.perf_counter()
    assert len(store.list()) == 201
    assert time.perf_counter() - start < 0.1
    start = time.perf_counter()
    store.open(id)
    assert time.perf_counter() - start < 0.1
