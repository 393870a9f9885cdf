"""A download ends within half a second of the wish, wherever it is; one whose process is killed loses nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import Cancelled
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.limiter import Limiter

Make = Callable[..., Any]
SOON = 0.5  # s


def stops_soon(download: Any, after: float = 0.15) -> None:
    wished: list[float] = []

    def wish() -> None:
        wished.append(time.monotonic())
        download.stop.set()

    timer = threading.Timer(after, wish)
    timer.start()
    try:
        with pytest.raises(Cancelled):
            download.run()
        ended = time.monotonic()
    finally:
        timer.cancel()
        timer.join()
    assert wished and ended - wished[0] < SOON


def patient(download: Any) -> Any:
    download.patience = replace(download.patience, stall=30.0, first=30.0, longest=60.0, asked=600.0)
    return download


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """A function of `socket` that does not return before the end."""
    free = threading.Event()
    whole = getattr(socket, name)

    def wait(*arguments: Any, **options: Any) -> Any:
        free.wait()
        return whole(*arguments, **options)

    monkeypatch.setattr(socket, name, wait)
    try:
        yield
    finally:
        free.set()


def test_before_it_begins(download: Make) -> None:
    get = download()
    get.stop.set()
    with pytest.raises(Cancelled):
        get.run()
    assert not get.fake.requests


@pytest.mark.parametrize("kind", ["silent", "stall", "drip"])
def test_while_the_hub_is_slow(download: Make, kind: str) -> None:
    get = patient(download())
    get.fake.fault(kind, at=100_000)
    stops_soon(get)
    if kind == "stall":
        assert get.part.read_bytes() == get.content[:100_000]


def test_while_it_waits_before_the_next_try(download: Make) -> None:
    get = patient(download())
    get.fake.fault("status", status=429, headers={"Retry-After": "300"}, times=-1)
    stops_soon(get)
    assert get.waits == [(300.0, "hub-busy")]


def test_while_the_limit_holds_it_back(download: Make) -> None:
    get = patient(download())
    get.limiter = Limiter(1000)
    stops_soon(get)


@pytest.mark.parametrize("name", ["getaddrinfo", "create_connection"])
def test_while_a_name_is_looked_up_or_connected_to(download: Make, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with held(monkeypatch, name):
        stops_soon(patient(download()))


def test_while_the_other_side_says_nothing_of_its_certificate(download: Make) -> None:
    get = patient(download())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        get.endpoint = Endpoint(f"https://127.0.0.1:{silent.getsockname()[1]}")
        stops_soon(get)


def test_while_the_keyring_asks_the_user(download: Make) -> None:
    get = patient(download())
    free = threading.Event()
    get.__class__ = type("Asking", (type(get),), {"token": property(lambda self: str(free.wait()))})
    try:
        stops_soon(get)
    finally:
        free.set()
    assert not get.fake.requests


def test_while_a_slow_disk_writes(download: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    get = patient(download())
    free = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _number: free.wait())
    try:
        stops_soon(get)
    finally:
        free.set()
    assert get.part.read_bytes() == get.content


def test_while_an_earlier_part_is_read(download: Make) -> None:
    get = patient(download())
    get.part.parent.mkdir()
    get.part.write_bytes(get.content[:1000])
    get.stop.set()
    with pytest.raises(Cancelled):
        get.run()
    assert get.part.stat().st_size == 1000


CHILD = """
import sys, threading
from pathlib import Path
from studio.model_manager.hub.api import Hub, RemoteFile
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.fetch import fetch
from studio.model_manager.hub.limiter import Limiter
url, commit, size, sha256, part = sys.argv[1:]
fetch(Hub(Endpoint(url)), "o/n", commit, RemoteFile("w.bin", int(size), sha256), Path(part),
      limiter=Limiter(20 << 20), stop=threading.Event(), report=lambda _size: None)
"""


def test_killed_twenty_times_it_goes_on_each_time_from_what_had_arrived(download: Make) -> None:
    get = download(42 << 20)
    known = get.fake.repositories["o/n"].commits[get.commit]["w.bin"]
    arguments = [get.fake.url, get.commit, str(known.size), known.sha256, str(get.part)]
    seen = [0]
    for kill in range(1, 22):
        child = subprocess.Popen([sys.executable, "-c", CHILD, *arguments], cwd=Path(__file__).parents[3])
        if kill == 21:
            assert child.wait(60) == 0
            break
        while not get.part.exists() or get.part.stat().st_size < kill << 21:
            assert child.poll() is None
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        child.wait()
        seen.append(get.part.stat().st_size)
    starts = get.fake.starts("w.bin")
    assert get.arrived and len(starts) == 21
    assert starts == seen, "each run asks from the very byte that the one before had"
