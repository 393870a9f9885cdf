"""What lies on disk while a file arrives."""

from __future__ import annotations

import errno
import itertools
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import AtelierError
from studio.model_manager.hub import part as parts
from studio.model_manager.hub.api import RemoteFile
from studio.model_manager.hub.part import Part

Make = Callable[..., Any]


class FullDisk:
    """A stream that takes what fits, then fails as a full disk does."""

    def __init__(self, stream: Any, room: int) -> None:
        self._stream, self.room = stream, room

    def write(self, data: Any) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._stream.write(data[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def test_a_full_disk_keeps_the_part_and_goes_on_when_there_is_room(
    download: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = download()
    whole = Part._read

    def read(self: Part) -> None:
        self._stream = FullDisk(self._stream, 100_001)  # type: ignore[assignment]
        whole(self)

    with monkeypatch.context() as patch:
        patch.setattr(Part, "_read", read)
        with pytest.raises(AtelierError) as raised:
            get.run()
    assert raised.value.code == "disk-full" and str(get.part) in str(raised.value)
    assert get.part.read_bytes() == get.content[:100_001]
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [0, 100_001]


def test_a_part_that_is_a_folder_is_told(download: Make) -> None:
    get = download()
    get.part.mkdir(parents=True)
    with pytest.raises(AtelierError) as raised:
        get.run()
    assert raised.value.code in ("is-a-folder", "not-writable") and not get.fake.requests


def test_bytes_are_with_the_system_as_they_arrive(download: Make) -> None:
    get = download()
    seen: list[bool] = []
    get.on_report = lambda size: seen.append(get.part.stat().st_size == size)
    get.run()
    assert len(seen) > 2 and all(seen)


def test_it_is_put_on_the_disk_now_and_then(download: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    get = download(1 << 20)
    synced: list[int] = []
    monkeypatch.setattr(parts, "_SYNC", 256 << 10)
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    get.run()
    files = [size for size in synced if size >= 256 << 10]
    assert len(files) >= 4 and files[-1] == 1 << 20
    assert all(after - before < 512 << 10 for before, after in itertools.pairwise(files))


def test_memory_stays_flat(download: Make) -> None:
    get = download(24 << 20)
    get.part.parent.mkdir()
    get.part.write_bytes(get.content[: 8 << 20])
    tracemalloc.start()
    try:
        get.run()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert get.arrived and peak < 6 << 20


def test_without_a_hash_the_size_decides(tmp_path: Path) -> None:
    with Part(tmp_path / "p", RemoteFile("f", 3), threading.Event()) as part:
        part.append(b"ab")
        assert not part.whole()
        part.append(b"c")
        assert part.whole() and not part.verifiable
