"""The list of downloads on disk, the speed, and the records of the store."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from studio.core.activities import ActivityState, FileProgress
from studio.core.errors import AtelierError
from studio.core.jobs import Failure
from studio.model_manager.downloads.ledger import Entry, Ledger, Source
from studio.model_manager.downloads.progress import Counter, Speed
from studio.model_manager.downloads.store import Manifest, Row, Store
from studio.model_manager.hub.api import RemoteFile

FILE = RemoteFile("model.safetensors", 4, sha256="03ac674216f3e15c761ee1a5e255f067953623c8b388b4459e13f978d7c846f4")


def _entry(number: int, state: ActivityState = ActivityState.QUEUED) -> Entry:
    source = Source("ada/tiny", "main", "c" * 40, ("a", "b"))
    return Entry(f"id{number}", "ada/tiny", "Tiny", "text", state, (source,), created=float(number))


def test_what_an_owner_leaves_is_taken_over_once(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path), Ledger(tmp_path)
    failed = Entry(**{**vars(_entry(2, ActivityState.FAILED)), "failure": Failure("disk-full", {"path": "/"})})
    for entry in (_entry(3), failed, _entry(1, ActivityState.PAUSED)):
        first.keep(entry)
    second.keep(_entry(4))
    assert second.take_over() == []
    second.drop("id3")  # not its own
    first.close()
    taken = second.take_over(lambda entry: entry.id != "id3")
    assert [(entry.id, entry.state) for entry in taken] == [("id1", "paused"), ("id2", "failed")]
    assert taken[1].failure == failed.failure
    assert taken[0].sources == _entry(1).sources
    third = Ledger(tmp_path)
    assert [entry.id for entry in third.take_over()] == ["id3"]
    second.drop("id1")
    rows = json.loads((tmp_path / "downloads.json").read_text())["downloads"]
    assert [row["id"] for row in rows] == ["id2", "id3", "id4"]
    second.close()
    third.close()
    assert list((tmp_path / ".owners").iterdir()) == []


def test_a_damaged_list_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "downloads.json").write_text('{"downloads": [{"id": 3}]}')
    ledger = Ledger(tmp_path)
    assert ledger.take_over() == []
    ledger.keep(_entry(1))
    ledger.close()
    assert (tmp_path / "downloads-damaged.json").read_text() == '{"downloads": [{"id": 3}]}'
    assert "started again" in caplog.text


def test_two_threads_write_the_list_without_losing_a_row(tmp_path: Path) -> None:
    ledgers = [Ledger(tmp_path) for _ in range(2)]

    def keep(ledger: Ledger, numbers: range) -> None:
        for number in numbers:
            ledger.keep(_entry(number))

    threads = [
        threading.Thread(target=keep, args=(ledger, range(start, 20, 2))) for start, ledger in enumerate(ledgers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads((tmp_path / "downloads.json").read_text())["downloads"]) == 20
    for ledger in ledgers:
        ledger.close()


def test_the_speed_is_smooth_and_told_when_it_has_settled() -> None:
    speed, told = Speed(), []
    for tick in range(41):
        told.append(speed.feed(tick * 250_000, tick * 0.25))
    assert told[:4] == [0.0] * 4
    assert told[4:] == [pytest.approx(1_000_000)] * 37
    burst = speed.feed(41 * 250_000 + 2_000_000, 41 * 0.25)
    assert 1_000_000 < burst < 2_000_000
    speed.rest()
    assert speed.feed(0, 100.0) == 0


def test_a_download_waits_only_when_every_file_does() -> None:
    counter = Counter()
    counter.start([FileProgress("a", 10), FileProgress("b", 10), FileProgress("c", 10)])
    counter.set("a", 5, ActivityState.RUNNING)
    counter.wait("b", 9.0, "hub-busy")
    assert counter.waiting() is None
    counter.wait("a", 3.0, "hub-interrupted")
    seconds, code = counter.waiting() or (0, "")
    assert (0 < seconds <= 3, code) == (True, "hub-interrupted")
    counter.set("a", 6, ActivityState.RUNNING)
    assert counter.waiting() is None
    counter.set("c", 10, ActivityState.DONE)
    counter.settle(ActivityState.QUEUED)
    assert [file.state for file in counter.files()] == ["queued", "queued", "done"]


def test_a_manifest_keeps_the_rows_of_other_downloads(tmp_path: Path) -> None:
    store = Store(tmp_path / "hub", tmp_path / "models")
    other = RemoteFile("q8.gguf", 8, git_sha1="b" * 40)
    store.write(Manifest("ada/tiny", "c" * 40, "ada/tiny", files=(Row(FILE, verified=True),)))
    written = store.write(Manifest("ada/tiny", "c" * 40, "ada/tiny/q8.gguf", files=(Row(other),)))
    assert [(row.file.name, row.verified) for row in written.files] == [(FILE.name, True), ("q8.gguf", False)]
    assert not written.complete
    assert store.manifests("ada/tiny") == [written] == store.manifests()
    assert store.manifests("ada/other") == []


def test_a_manifest_that_cannot_be_read_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path / "hub", tmp_path / "models")
    (tmp_path / "models" / "manifests").mkdir(parents=True)
    (tmp_path / "models" / "manifests" / f"ada--tiny@{'c' * 40}.json").write_text("[1, 2")
    assert store.manifest("ada/tiny", "c" * 40) is None
    assert store.manifests() == []
    assert "cannot be read" in caplog.text


def test_a_place_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where a folder should be")
    with pytest.raises(AtelierError) as raised:
        Ledger(tmp_path / "models")
    assert raised.value.code != "internal"
    with pytest.raises(AtelierError):
        Store(tmp_path / "models", tmp_path / "models").part("ada/tiny", FILE)
