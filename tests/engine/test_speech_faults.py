"""A reading in the real engine child that is stopped, killed, or runs into a full disk: what was made is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from studio.client.local import Limits, LocalEngine
from studio.core.errors import AtelierError
from studio.core.jobs import Artifact, Job, Request
from studio.core.messages import AudioDelta, CancelledJob, Done, Failed, JobEvent, Run, Segment
from studio.engine.context import JobContext
from studio.engine.manifest import recipe_of
from studio.media import audio, carriers, narration
from tests.fakes import stub_voice as stub
from tests.fakes.recorder import Recorder

TEXTS = ("The fox ran.", "It saw a boat.", "It waited.", "It went home.", "It slept.")


class Rig:
    """A real engine and what it delivered."""

    def __init__(self, root: Path) -> None:
        self.client = LocalEngine(families=(stub.MODULE,), limits=Limits(cancel=3.0))
        self.seen = Recorder(self.client)
        self.seen.patience = 60.0
        self.root = root

    def run(self, job: str, request: Request) -> Path:
        staging = self.root / job
        staging.mkdir()
        self.client.run(Job(job, request), staging, {})
        return staging

    def do(self, job: str, request: Request) -> tuple[JobEvent, Path]:
        staging = self.run(job, request)
        return self.seen.ending(job), staging

    def segments(self, job: str, count: int) -> list[Segment]:
        self.seen.wait(lambda: len(self.seen.kind(Segment, job)) >= count, f"{count} sentences")
        return self.seen.kind(Segment, job)

    def sound(self, job: str) -> np.ndarray:
        return np.concatenate([np.frombuffer(event.payload, "<f4") for event in self.seen.kind(AudioDelta, job)])


@pytest.fixture
def rig(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv(stub.SECONDS, "0.4")
    stub.install(home / "data" / "models")
    rig = Rig(tmp_path)
    rig.client.start()
    yield rig
    rig.client.stop()


def test_a_reading_comes_through_whole(rig: Rig) -> None:
    ending, staging = rig.do("a", stub.request(*TEXTS[:2]))
    assert isinstance(ending, Done)
    (artifact,) = ending.artifacts
    sound = audio.read(staging / artifact.name)
    assert len(sound.samples) == len(rig.sound("a"))
    assert [segment.text for segment in rig.segments("a", 2)] == list(TEXTS[:2])
    assert carriers.extract(staging / artifact.name).params["seed"] == 1
    assert sorted(path.name for path in staging.iterdir()) == ["manifest.json", "speech.flac"]


def test_a_cancel_keeps_the_sentences_that_are_finished(rig: Rig) -> None:
    staging = rig.run("a", stub.request(*TEXTS))
    rig.segments("a", 2)
    rig.client.cancel("a")
    ending = rig.seen.ending("a")
    assert isinstance(ending, CancelledJob)
    (artifact,) = ending.artifacts
    done = artifact.metadata["sentences"]
    assert 2 <= len(done) < len(TEXTS)
    assert audio.read(staging / artifact.name).seconds >= done[-1]["end"] - 0.001
    manifest = json.loads((staging / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["ending"] == "cancelled"
    assert carriers.extract(staging / artifact.name).model == stub.MODEL


def test_after_a_crash_it_goes_on_from_the_last_finished_sentence(rig: Rig) -> None:
    rig.run("a", stub.request(*TEXTS))
    rig.segments("a", 2)
    os.kill(rig.client.pid, signal.SIGKILL)
    failed = rig.seen.ending("a")
    assert isinstance(failed, Failed) and failed.failure.code == "engine-crashed"
    finished = len(rig.seen.kind(Segment, "a"))
    rest, _staging = rig.do("b", stub.request(*TEXTS[finished:]))
    assert isinstance(rest, Done)
    said = [segment.text for job in "ab" for segment in rig.seen.kind(Segment, job)]
    assert said == list(TEXTS)

    whole, _staging = rig.do("c", stub.request(*TEXTS))
    assert isinstance(whole, Done)
    for index, segment in enumerate(rig.seen.kind(Segment, "b")):
        same = rig.seen.kind(Segment, "c")[finished + index]
        assert same.end - same.start == pytest.approx(segment.end - segment.start, abs=1e-4)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 7 MB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=7m", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_in_a_long_reading_keeps_what_was_made(
    home: Path, tmp_path: Path, small_disk: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(stub.LONG, "10")
    request = stub.request(*(f"Sentence {number}." for number in range(40)))
    if small_disk:
        stub.install(home / "data" / "models")
        rig = Rig(small_disk)
        rig.client.start()
        ending, staging = rig.do("a", request)
        rig.client.stop()
        assert isinstance(ending, Failed)
        assert ending.failure.code == "disk-full"
        (artifact,) = ending.artifacts
        assert json.loads((staging / "manifest.json").read_text(encoding="utf-8"))["ending"] == "failed"
    else:
        artifact, staging = _read_onto_a_disk_that_fills_up(request, tmp_path, monkeypatch)
    done = artifact.metadata["sentences"]
    assert 1 <= len(done) < 40
    sound = audio.read(staging / artifact.name)
    assert sound.seconds >= done[-1]["end"] - 0.001
    assert audio.loudness(sound) == pytest.approx(-16, abs=1.0)
    assert carriers.extract(staging / artifact.name).params["script"][0]["text"] == "Sentence 0."


def _read_onto_a_disk_that_fills_up(
    request: Request, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Artifact, Path]:
    """The same in this process, with a disk that says how little it has left."""
    free = iter(range(12 << 20, 0, -(1 << 20)))
    monkeypatch.setattr(narration.shutil, "disk_usage", lambda _path: SimpleNamespace(free=next(free, 0)))
    ctx = JobContext(Run("a", request, str(staging)), lambda _message: None, lambda: None)
    ctx.recipe = recipe_of(stub.SPEC, stub.SPEC.check(request))
    with pytest.raises(AtelierError) as caught:
        stub.run(stub.Speaker(), request, ctx)
    assert caught.value.code == "disk-full"
    (artifact,) = ctx.artifacts
    return artifact, staging
