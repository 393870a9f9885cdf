"""The queue of downloads on a loopback hub: what arrives, what is told, what is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
from tqdm import tqdm

from studio.core.activities import ActivityState
from studio.core.errors import from_os_error
from studio.model_manager.downloads import store as store_module
from studio.model_manager.downloads.ledger import Source
from studio.model_manager.hub.part import Part
from tests.fakes.hub import FakeHub
from tests.model_manager.downloads.desk import REPOSITORY, Desk, files, noise

LARGE = "model-00001-of-00002.safetensors"
SMALL = "model-00002-of-00002.safetensors"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as made:
        yield made


@pytest.fixture
def make(hub: FakeHub, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(root: Path = tmp_path, **settings: Any) -> Desk:
        made.append(Desk(hub, root, **settings))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


def test_a_download_ends_in_the_cache_as_other_tools_expect_it(hub: FakeHub, make: Callable[..., Desk]) -> None:
    commit = hub.add(REPOSITORY, files())
    desk = make()
    ended = desk.get()
    assert (ended.state, ended.failure, ended.result) == (ActivityState.DONE, None, {"model": REPOSITORY})
    assert ended.done == ended.total == sum(len(data) for name, data in files().items() if not name.endswith(".bin"))
    assert {file.state for file in ended.files} == {ActivityState.DONE}
    for name in ("config.json", LARGE, SMALL):
        assert desk.content(name, commit) == files()[name]
    folder = snapshot_download(REPOSITORY, cache_dir=desk.store.cache, local_files_only=True)
    assert sorted(os.listdir(folder)) == ["config.json", LARGE, SMALL]
    assert not os.readlink(Path(folder) / LARGE).startswith("/")
    info = scan_cache_dir(desk.store.cache)
    assert not info.warnings
    (repository,) = info.repos
    assert repository.size_on_disk == ended.total
    assert repository.refs["main"].commit_hash == commit
    (manifest,) = desk.store.manifests()
    assert manifest.complete
    assert (manifest.commit, manifest.model, len(manifest.files)) == (commit, REPOSITORY, 3)
    (row,) = json.loads((desk.root / "models" / "downloads.json").read_text())["downloads"]
    assert row["state"] == "done"  # until the news is out
    desk.close()
    assert json.loads((desk.root / "models" / "downloads.json").read_text())["downloads"] == []


def test_the_largest_file_is_asked_for_first_and_several_at_once(hub: FakeHub, make: Callable[..., Desk]) -> None:
    content = {f"model-{index}.safetensors": noise(100_000 + index, index) for index in range(6)}
    hub.add(REPOSITORY, content)
    hub.fault("drip", port="cdn", times=-1, piece=20_000, seconds=0.05)
    desk = make()
    activity = desk.download()
    busy = desk.until(activity, lambda told: sum(file.done > 0 for file in told.files) == 4)
    assert {file.name for file in busy.files if file.done} == {f"model-{index}.safetensors" for index in range(2, 6)}
    assert desk.ended(activity).state is ActivityState.DONE


def test_nothing_is_offered_before_everything_is_there(hub: FakeHub, make: Callable[..., Desk]) -> None:
    commit = hub.add(REPOSITORY, files())
    hub.fault("stall", f"*/{LARGE}", times=-1, at=200_000)
    desk = make()
    activity = desk.download()
    desk.until(activity, lambda told: sorted(file.state for file in told.files) == ["done", "done", "running"])
    assert not desk.store.place(REPOSITORY, commit, SMALL).exists()
    assert not (desk.store.folder(REPOSITORY) / "refs").exists()
    (manifest,) = desk.store.manifests()
    assert not any(row.verified for row in manifest.files)
    desk.downloads.cancel(activity)
    assert desk.ended(activity).state is ActivityState.CANCELLED
    assert desk.store.parts()[0].stat().st_size == 200_000


def test_a_paused_download_goes_on_where_it_was(hub: FakeHub, make: Callable[..., Desk]) -> None:
    commit = hub.add(REPOSITORY, files())
    hub.fault("stall", f"*/{LARGE}", at=200_000)
    desk = make()
    activity = desk.download()
    desk.until(activity, lambda told: any(file.done == 200_000 for file in told.files))
    desk.downloads.pause(activity)
    paused = desk.state(activity, ActivityState.PAUSED)
    assert (paused.speed, paused.seconds_left) == (0, -1)
    assert desk.download() == activity
    assert desk.ended(activity).state is ActivityState.DONE
    assert hub.starts(LARGE) == [0, 200_000]
    assert hub.starts(SMALL) == [0]
    assert desk.content(LARGE, commit) == files()[LARGE]


def test_a_cancelled_download_goes_on_where_it_was_when_it_is_asked_for_again(
    hub: FakeHub, make: Callable[..., Desk]
) -> None:
    hub.add(REPOSITORY, files())
    hub.fault("stall", f"*/{LARGE}", at=200_000)
    desk = make()
    activity = desk.download()
    desk.until(activity, lambda told: any(file.done == 200_000 for file in told.files))
    desk.downloads.cancel(activity)
    assert desk.ended(activity).state is ActivityState.CANCELLED
    again = desk.get()
    assert again.state is ActivityState.DONE
    assert hub.starts(LARGE) == [0, 200_000]


def test_what_was_begun_is_finished_with_the_commit_it_began_with(hub: FakeHub, make: Callable[..., Desk]) -> None:
    first = hub.add(REPOSITORY, files())
    hub.fault("stall", f"*/{LARGE}", at=200_000)
    desk = make()
    activity = desk.download()
    desk.until(activity, lambda told: any(file.done == 200_000 for file in told.files))
    desk.downloads.cancel(activity)
    desk.ended(activity)
    second = hub.add(REPOSITORY, {**files(), LARGE: noise(150_000, 9)})
    assert desk.get().state is ActivityState.DONE
    assert desk.content(LARGE, first) == files()[LARGE]
    assert not desk.store.place(REPOSITORY, second, LARGE).exists()


def test_an_update_fetches_only_what_changed_and_leaves_the_old_one(hub: FakeHub, make: Callable[..., Desk]) -> None:
    first = hub.add(REPOSITORY, files())
    desk = make()
    desk.get()
    newer = {**files(), SMALL: noise(120_000, 9), "LICENSE": b"do what you like"}
    second = hub.add(REPOSITORY, newer)
    assert desk.get().state is ActivityState.DONE
    assert hub.starts(LARGE) == [0]
    assert desk.content(LARGE, second) == newer[LARGE]
    assert desk.content(SMALL, second) == newer[SMALL]
    assert desk.content(SMALL, first) == files()[SMALL]
    assert (desk.store.folder(REPOSITORY) / "refs" / "main").read_text() == second
    # Nothing new: nothing is fetched.
    asked = len(hub.asked("*", "cdn"))
    assert desk.get().state is ActivityState.DONE
    assert len(hub.asked("*", "cdn")) == asked


def test_a_damaged_file_is_put_aside_and_fetched_again(hub: FakeHub, make: Callable[..., Desk]) -> None:
    commit = hub.add(REPOSITORY, files())
    desk = make()
    desk.get()
    path = desk.store.place(REPOSITORY, commit, SMALL).resolve()
    path.write_bytes(bytes(path.stat().st_size))
    assert desk.get().state is ActivityState.DONE
    assert desk.content(SMALL, commit) == files()[SMALL]
    assert (len(hub.starts(SMALL)), len(hub.starts(LARGE))) == (2, 1)
    assert not path.with_name(path.name + ".damaged").exists()


def test_what_another_tool_fetched_is_used(
    hub: FakeHub, make: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tqdm, "monitor_interval", 0)  # the thread that would watch progress bars
    hub.add(REPOSITORY, files())
    hub.add("bob/copy", {**files(), "extra.safetensors": noise(2 << 20, 5)})
    desk = make()
    # Older releases of another tool leave parts under this name; nothing says what is in them.
    blobs = desk.store.folder(REPOSITORY) / "blobs"
    blobs.mkdir(parents=True)
    digest = hub.repositories[REPOSITORY].commits[hub.repositories[REPOSITORY].head][LARGE].sha256
    foreign = blobs / f"{digest}.incomplete"
    foreign.write_bytes(b"?" * 1000)
    hf_hub_download(REPOSITORY, SMALL, cache_dir=desk.store.cache, endpoint=hub.url)
    assert desk.get().state is ActivityState.DONE
    assert len(hub.asked(f"*/{SMALL}", "cdn", "GET")) == 1
    assert foreign.read_bytes() == b"?" * 1000


def test_the_same_content_in_two_repositories_is_stored_once(hub: FakeHub, make: Callable[..., Desk]) -> None:
    content = {"model.safetensors": noise(2 << 20, 5), "config.json": b"{}"}
    hub.add(REPOSITORY, content)
    copy = hub.add("bob/copy", content)
    desk = make()
    desk.get()
    assert desk.get("bob/copy").state is ActivityState.DONE
    assert hub.starts("model.safetensors") == [0]
    path = desk.store.place("bob/copy", copy, "model.safetensors")
    assert path.read_bytes() == content["model.safetensors"]
    assert path.stat().st_nlink == 2


def test_without_links_the_file_itself_is_in_its_place(
    hub: FakeHub, make: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(1, "a required privilege is not held")

    monkeypatch.setattr(store_module.os, "symlink", refuse)
    first = hub.add(REPOSITORY, files())
    desk = make()
    assert desk.get().state is ActivityState.DONE
    assert not desk.store.place(REPOSITORY, first, LARGE).is_symlink()
    assert not desk.store.parts()
    assert desk.get().state is ActivityState.DONE
    second = hub.add(REPOSITORY, {**files(), SMALL: noise(5000, 9)})
    assert desk.get().state is ActivityState.DONE
    assert hub.starts(LARGE) == [0]
    for commit in (first, second):
        assert desk.content(LARGE, commit) == files()[LARGE]
    assert desk.content(SMALL, first) == files()[SMALL]


def test_a_gated_model_says_where_to_accept_and_goes_on_after_that(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, files(), gated=True)
    desk = make()
    desk.token = hub.user("secret-token")
    failed = desk.get()
    assert failed.state is ActivityState.FAILED
    assert failed.failure
    assert failed.failure.code == "hub-gated"
    assert failed.failure.arguments["url"] == f"{hub.url}/{REPOSITORY}"
    hub.accept(REPOSITORY)
    desk.downloads.resume(failed.id)
    assert desk.ended(failed.id).state is ActivityState.DONE


def test_two_models_at_once_and_the_others_wait(hub: FakeHub, make: Callable[..., Desk]) -> None:
    names = [f"ada/model{index}" for index in range(3)]
    for index, name in enumerate(names):
        hub.add(name, {"model.safetensors": noise(100_000, index)})
    hub.fault("stall", port="cdn", times=2, at=50_000)
    desk = make()
    first, second, third = map(desk.download, names)
    for activity in (first, second):
        desk.until(activity, lambda told: told.done == 50_000)
    assert desk.until(third, lambda told: True).state is ActivityState.QUEUED
    desk.downloads.pause(first)
    for activity in (second, third):
        assert desk.ended(activity).state is ActivityState.DONE
    desk.downloads.resume(first)
    assert desk.ended(first).state is ActivityState.DONE


def test_what_was_under_way_goes_on_after_a_restart_and_what_was_paused_does_not(
    hub: FakeHub, make: Callable[..., Desk]
) -> None:
    hub.add("ada/one", files())
    hub.add("ada/two", files(seed=5))
    hub.fault("stall", f"*/{LARGE}", times=2, at=200_000)
    desk = make()
    one, two = desk.download("ada/one"), desk.download("ada/two")
    for activity in (one, two):
        desk.until(activity, lambda told: any(file.done == 200_000 for file in told.files))
    desk.downloads.pause(two)
    desk.state(two, ActivityState.PAUSED)
    other = make()
    other.downloads.go_on()
    assert other.downloads.activities() == []  # their owner lives
    desk.close()
    other.downloads.go_on()
    assert other.ended(one).state is ActivityState.DONE
    paused = other.until(two, lambda told: True)
    assert paused.state is ActivityState.PAUSED
    assert paused.done > 200_000
    other.downloads.resume(two)
    assert other.ended(two).state is ActivityState.DONE
    assert hub.starts(LARGE).count(200_000) == 2


def test_a_second_program_waits_and_finds_it_done(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, files())
    hub.fault("drip", f"*/{LARGE}", times=-1, piece=30_000, seconds=0.15)
    first, second = make(), make()
    one = first.download()
    first.until(one, lambda told: told.done > 100_000)
    two = second.download()
    waiting = second.state(two, ActivityState.WAITING)
    assert waiting.note == "download-elsewhere"
    assert first.ended(one).state is ActivityState.DONE
    done = second.ended(two)
    assert (done.state, done.done) == (ActivityState.DONE, done.total)
    assert hub.starts(LARGE) == [0]


def test_a_second_program_takes_over_where_the_first_stops(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, files())
    hub.fault("stall", f"*/{LARGE}", at=200_000)
    first, second = make(), make()
    one = first.download()
    first.until(one, lambda told: any(file.done == 200_000 for file in told.files))
    two = second.download()
    second.state(two, ActivityState.WAITING)
    first.downloads.cancel(one)
    assert second.ended(two).state is ActivityState.DONE
    assert hub.starts(LARGE) == [0, 200_000]


def test_without_room_it_is_said_before_anything_is_fetched(
    hub: FakeHub, make: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPOSITORY, files(3_000_000))
    desk = make()
    usage = shutil.disk_usage(desk.root)
    monkeypatch.setattr(store_module.shutil, "disk_usage", lambda path: usage._replace(free=3_500_000))
    failed = desk.get()
    assert failed.failure
    assert failed.failure.code == "download-no-room"
    assert (failed.failure.arguments["need"], failed.failure.arguments["room"]) == ("4 MB", "3.5 MB")
    assert hub.asked("*", "cdn") == []
    monkeypatch.undo()
    desk.change(models_limit=1_000_000)
    desk.downloads.resume(failed.id)
    assert desk.until(failed.id, lambda told: bool(told.failure and told.failure.code == "download-over-limit"))
    desk.change(models_limit=0)
    desk.downloads.resume(failed.id)
    assert desk.ended(failed.id).state is ActivityState.DONE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 3 MB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_keeps_the_part_and_it_goes_on_when_there_is_room(
    hub: FakeHub, make: Callable[..., Desk], tmp_path: Path, small_disk: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"model.safetensors": noise(2_000_000)}
    commit = hub.add(REPOSITORY, content)
    disk = small_disk or tmp_path
    filler = disk / "something else"
    filler.write_bytes(bytes(1_900_000))
    desk = make(disk)
    free = desk.store.free if small_disk else lambda: 100_000 if filler.exists() else 3_000_000
    monkeypatch.setattr(desk.store, "free", lambda: 10_000_000)  # somebody else is quicker than we are
    if not small_disk:
        append = Part.append

        def fill(part: Part, data: bytes) -> None:
            if filler.exists() and part.size + len(data) > 1_200_000:
                raise from_os_error(OSError(28, "No space left on device"), part.path)
            append(part, data)

        monkeypatch.setattr(Part, "append", fill)
    failed = desk.get()
    assert failed.failure
    assert failed.failure.code == "download-disk-full"
    assert failed.failure.arguments == {"path": str(desk.store.cache)}
    (part,) = desk.store.parts()
    kept = part.stat().st_size
    assert 1_000_000 < kept < 1_300_000
    monkeypatch.setattr(desk.store, "free", free)
    desk.downloads.resume(failed.id)
    assert desk.until(failed.id, lambda told: bool(told.failure and told.failure.code == "download-no-room"))
    assert part.stat().st_size == kept
    filler.unlink()
    desk.downloads.resume(failed.id)
    assert desk.ended(failed.id).state is ActivityState.DONE
    assert desk.content("model.safetensors", commit) == content["model.safetensors"]
    assert hub.starts("model.safetensors") == [0, kept]


def test_offline_it_waits_for_the_switch(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, files())
    hub.fault("stall", f"*/{LARGE}", at=200_000)
    desk = make()
    activity = desk.download()
    desk.until(activity, lambda told: any(file.done == 200_000 for file in told.files))
    desk.change(offline=True)
    waiting = desk.until(activity, lambda told: told.note == "hub-offline")
    assert waiting.state is ActivityState.WAITING
    desk.change(offline=False)
    assert desk.ended(activity).state is ActivityState.DONE
    assert hub.starts(LARGE) == [0, 200_000]


def test_a_wait_for_the_hub_is_told(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, {"model.safetensors": noise(100_000)})
    hub.fault("status", "*/model.safetensors", status=503, headers={"Retry-After": "1"})
    desk = make()
    activity = desk.download()
    waiting = desk.state(activity, ActivityState.WAITING)
    assert waiting.note == "hub-busy"
    assert 0 < waiting.retry_in <= 1
    assert desk.ended(activity).state is ActivityState.DONE


def test_one_damaged_file_does_not_stop_the_others(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, files())
    hub.fault("wrong", f"*/{LARGE}", times=2, at=0)
    desk = make()
    failed = desk.get()
    assert failed.failure
    assert failed.failure.code == "download-damaged"
    assert {file.name for file in failed.files if file.state is ActivityState.DONE} == {SMALL, "config.json"}
    desk.downloads.resume(failed.id)
    assert desk.ended(failed.id).state is ActivityState.DONE
    assert hub.starts(SMALL) == [0]


def test_what_was_thrown_away_leaves_nothing_behind(hub: FakeHub, make: Callable[..., Desk]) -> None:
    commit = hub.add(REPOSITORY, {"model.gguf": noise(300_000)})
    hub.fault("wrong", "*/model.gguf", times=2, at=0)
    desk = make()
    failed = desk.get()
    assert failed.failure
    assert failed.failure.code == "download-damaged"
    assert desk.store.manifests() == []
    assert not desk.store.folder(REPOSITORY).exists()
    desk.downloads.resume(failed.id)
    assert desk.ended(failed.id).state is ActivityState.DONE
    assert desk.content("model.gguf", commit) == noise(300_000)


def test_a_failure_comes_back_only_to_who_knows_it(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, {"model.gguf": noise(300_000)})
    hub.fault("wrong", "*/model.gguf", times=4, at=0)
    first = make()
    failed = first.get()
    first.close()
    same = make()
    same.downloads.go_on([failed.id])
    (told,) = same.downloads.activities()
    assert (told.id, told.state, told.failure) == (failed.id, ActivityState.FAILED, failed.failure)
    same.close()
    later = make()
    later.downloads.go_on()
    assert later.downloads.activities() == []
    later.close()
    again = make()
    again.downloads.go_on([failed.id])
    assert again.downloads.activities() == []


def test_the_speed_limit_counts_at_once(hub: FakeHub, make: Callable[..., Desk]) -> None:
    hub.add(REPOSITORY, {"model.safetensors": noise(4_000_000)})
    desk = make(download_limit=200_000)
    activity = desk.download()
    slow = desk.until(activity, lambda told: told.speed > 0)
    assert slow.speed < 600_000
    assert slow.seconds_left > 3
    running = [told for told in desk.told if told.state is ActivityState.RUNNING and told.done]
    assert len(running) <= 8  # in one to two seconds
    desk.change(download_limit=0)
    assert desk.ended(activity).state is ActivityState.DONE


def test_a_model_that_needs_another_repository_brings_it_along(hub: FakeHub, make: Callable[..., Desk]) -> None:
    commits = [hub.add(name, files(seed=seed)) for seed, name in enumerate(("ada/vocoder", "ada/voice"))]
    desk = make()
    sources = (Source("ada/vocoder"), Source("ada/voice"))
    ended = desk.ended(desk.downloads.download("voice", "Voice", "speech", sources))
    assert ended.state is ActivityState.DONE
    assert {file.name for file in ended.files} >= {LARGE, f"ada/vocoder/{LARGE}"}
    for name, commit in zip(("ada/vocoder", "ada/voice"), commits, strict=True):
        assert desk.store.place(name, commit, LARGE).is_file()
    assert all(manifest.complete for manifest in desk.store.manifests())
