"""Keeping the computer awake, with a stand-in for the system."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from studio.client import power
from studio.client.power import KeepAwake
from studio.client.queue_events import JobChanged, Outbox
from studio.core.jobs import Job, JobState
from studio.core.settings import Settings
from tests.client.shelf import request, until


class Awake:
    """Counts how often the system was asked to stay awake, and by which thread it was let go."""

    def __init__(self) -> None:
        self.entered: list[int] = []
        self.left: list[int] = []

    @contextmanager
    def mode(self) -> Iterator[None]:
        self.entered.append(threading.get_ident())
        yield
        self.left.append(threading.get_ident())


@pytest.fixture(autouse=True)
def no_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "LINGER_SECONDS", 0.05)


def _tell(outbox: Outbox, job_id: str, state: JobState) -> None:
    outbox.send(JobChanged(Job(job_id, request(), state)))


def test_awake_only_while_jobs_run(tmp_path: Path) -> None:
    outbox, awake = Outbox(), Awake()
    keeper = KeepAwake(outbox.subscribe, Settings(tmp_path / "settings.json"), awake.mode)
    _tell(outbox, "a", JobState.QUEUED)
    assert not keeper.active
    _tell(outbox, "a", JobState.RUNNING)
    _tell(outbox, "b", JobState.RUNNING)
    _tell(outbox, "a", JobState.FILED)
    assert keeper.active
    _tell(outbox, "b", JobState.FAILED)
    until(lambda: not keeper.active and len(awake.left) == 1)
    assert awake.entered == awake.left
    assert awake.entered[0] != threading.get_ident()
    _tell(outbox, "c", JobState.RUNNING)
    until(lambda: len(awake.entered) == 2)
    keeper.close()
    assert len(awake.left) == 2


def test_the_setting_decides_also_in_the_middle_of_a_job(tmp_path: Path) -> None:
    outbox, awake = Outbox(), Awake()
    settings = Settings(tmp_path / "settings.json")
    settings.update(keep_awake=False)
    keeper = KeepAwake(outbox.subscribe, settings, awake.mode)
    _tell(outbox, "a", JobState.RUNNING)
    assert not keeper.active
    settings.update(keep_awake=True)
    until(lambda: len(awake.entered) == 1)
    settings.update(keep_awake=False)
    until(lambda: len(awake.left) == 1)
    keeper.close()


def test_a_system_that_cannot_is_no_error(tmp_path: Path) -> None:
    def refuse() -> AbstractContextManager[None]:
        raise OSError("no bus")

    outbox = Outbox()
    keeper = KeepAwake(outbox.subscribe, Settings(tmp_path / "settings.json"), refuse)
    _tell(outbox, "a", JobState.RUNNING)
    _tell(outbox, "a", JobState.FILED)
    until(lambda: not keeper.active)
    keeper.close()


def test_the_real_mode_is_a_context_that_can_be_entered() -> None:
    with power._system_mode():
        pass
