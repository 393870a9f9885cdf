"""What every test gets: a home of its own, and a look at what it left running."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`ATELIER_HOME` of this test: nothing of the user's is read or written."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ATELIER_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True, scope="module")
def _garbage_in_this_thread() -> Iterator[None]:
    """Collects between tests what they leave, as a widget must not be freed by a thread that a test has started."""
    gc.disable()
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Fails a test that leaves a thread or a child process behind."""
    threads, children = set(threading.enumerate()), set(psutil.Process().children())
    yield
    gc.collect(1)
    until = time.monotonic() + 2.0
    left = [thread for thread in threading.enumerate() if _counts(thread) and thread not in threads]
    for thread in left:
        thread.join(max(0.0, until - time.monotonic()))
    names = [thread.name for thread in left if thread.is_alive()]
    processes = set(psutil.Process().children()) - children
    _gone, alive = psutil.wait_procs(processes, timeout=max(0.0, until - time.monotonic())) if processes else ([], [])
    for process in alive:
        process.kill()
    assert not names, f"threads left running: {names}"
    assert not alive, f"processes left running: {alive}"


def _counts(thread: threading.Thread) -> bool:
    """Threads that Qt or a library started, and that only passed through Python, are not the test's."""
    return not isinstance(thread, threading._DummyThread)
