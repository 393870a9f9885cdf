"""Which models stay, which leave, and what a load that fails says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from studio.core.errors import AtelierError
from studio.core.protocols import Device, FamilyModule, ModelFiles
from studio.engine.devices import HEADROOM, Meter
from studio.engine.residency import Residency
from tests.fakes import stub_family

MIB = 1 << 20


class FakeMeter(Meter):
    """A device of 1 GiB above the headroom; what the family below has loaded is what is used."""

    def __init__(self, limit: int = 0) -> None:
        super().__init__(Device(), limit)
        self.used = 0

    def name(self) -> str:
        return "Fake"

    def memory(self) -> tuple[int, int]:
        return 2048 * MIB, 1024 * MIB + HEADROOM - self.used


class Shelf:
    """A residency with a family whose models are as large as their names say, in MiB."""

    def __init__(self, limit: int = 0) -> None:
        self.meter = FakeMeter(limit)
        self.changes: list[list[str]] = []
        self.loads: list[str] = []
        self.devices: list[Device] = []
        self.residency = Residency(self.meter, self._changed)
        self.family = cast(
            FamilyModule,
            SimpleNamespace(SPEC=stub_family.SPEC, estimate=lambda files, device: _size(files), load=self._load),
        )

    def get(self, name: str, revision: str = "") -> Any:
        return self.residency.get(self.family, ModelFiles(name, "stub", Path(), {}, revision=revision))

    def names(self) -> list[str]:
        return [model.id for model in self.residency.status().loaded]

    def _load(self, files: ModelFiles, device: Device) -> str:
        if "partless" in files.id:
            raise ImportError("libgomp.so.1: cannot open shared object file")
        if "bad" in files.id:
            raise ValueError("nonsense")
        if "greedy" in files.id:
            raise MemoryError
        self.loads.append(files.id)
        self.devices.append(device)
        self.meter.used += _size(files)
        return f"model {files.id} {files.revision}".strip()

    def _changed(self) -> None:
        self.changes.append(self.names())
        self.meter.used = sum(_size(SimpleNamespace(id=name)) for name in self.names())


def _size(files: Any) -> int:
    return int(files.id.split("-")[1]) * MIB


def test_a_model_stays_and_is_loaded_once() -> None:
    shelf = Shelf()
    assert shelf.get("a-100") == shelf.get("a-100") == "model a-100"
    assert shelf.loads == ["a-100"]
    assert shelf.changes == [["a-100"]]
    status = shelf.residency.status()
    assert (status.loaded[0].memory, status.memory_used) == (100 * MIB, (1024 + 100) * MIB - HEADROOM)


def test_the_least_recently_used_leaves_first() -> None:
    shelf = Shelf()
    for name in ("a-300", "b-300", "c-300", "a-300"):
        shelf.get(name)
    shelf.get("d-300")
    assert shelf.names() == ["c-300", "a-300", "d-300"]
    shelf.get("e-600")
    assert shelf.names() == ["d-300", "e-600"]


def test_what_is_too_large_even_alone_is_refused_in_words() -> None:
    shelf = Shelf()
    shelf.get("a-100")
    with pytest.raises(AtelierError) as error:
        shelf.get("b-2000")
    assert (error.value.code, error.value.arguments) == ("out-of-memory", {"device": "Fake"})
    assert shelf.names() == []
    assert shelf.get("c-100") == "model c-100"


def test_the_users_limit_counts_what_is_held() -> None:
    shelf = Shelf(limit=HEADROOM + 500 * MIB)
    shelf.get("a-300")
    shelf.get("b-300")
    assert shelf.names() == ["b-300"]
    with pytest.raises(AtelierError):
        Shelf(limit=500 * MIB).get("c-600")


def test_a_family_is_told_what_memory_there_is_when_all_else_has_left() -> None:
    shelf = Shelf()
    shelf.get("a-300")
    shelf.get("b-300")
    assert [device.memory for device in shelf.devices] == [1024 * MIB, 1024 * MIB]


def test_another_revision_is_loaded_anew() -> None:
    shelf = Shelf()
    shelf.get("a-100", "1")
    assert shelf.get("a-100", "2") == "model a-100 2"
    assert shelf.names() == ["a-100"]


def test_a_load_that_fails_is_told_and_leaves_nothing() -> None:
    shelf = Shelf()
    with pytest.raises(AtelierError) as error:
        shelf.get("bad-100")
    assert error.value.code == "model-not-readable"
    assert "nonsense" in error.value.details
    with pytest.raises(AtelierError) as error:
        shelf.get("partless-100")
    assert error.value.code == "part-missing"
    assert "libgomp" in error.value.details
    with pytest.raises(MemoryError):
        shelf.get("greedy-100")
    assert shelf.names() == []
    assert shelf.residency.peek("bad-100") is None


def test_models_can_be_dropped() -> None:
    shelf = Shelf()
    for name in ("a-100", "b-100", "c-100"):
        shelf.get(name)
    shelf.residency.drop("b-100")
    shelf.residency.drop("never there")
    assert shelf.names() == ["a-100", "c-100"]
    shelf.residency.drop_all(keep="c-100")
    assert shelf.residency.peek("c-100") == (shelf.family, "model c-100")
    shelf.residency.drop_all()
    assert shelf.changes[-1] == []


def test_what_is_loaded_or_about_to_be_is_told() -> None:
    told: list[set[str]] = []
    shelf = Shelf()
    shelf.residency = Residency(shelf.meter, lambda: None, lambda ids: told.append(set(ids)))
    shelf.get("a-100")
    assert told == [{"a-100"}]
    with pytest.raises(AtelierError):
        shelf.get("bad-100")
    assert told[1:] == [{"a-100", "bad-100"}, {"a-100"}]
    shelf.residency.drop("a-100")
    assert told[-1] == set()


def test_files_removed_while_they_are_loaded_are_named(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"x")
    shelf = Shelf()

    def load(files: ModelFiles, device: Device) -> object:
        weights.unlink()
        raise OSError("no such file")

    shelf.family.load = load  # type: ignore[method-assign]
    files = ModelFiles("m-1", "stub", tmp_path, {weights.name: weights}, title="Mine")
    with pytest.raises(AtelierError) as refused:
        shelf.residency.get(shelf.family, files)
    assert refused.value.code == "model-files-missing"
    assert refused.value.arguments == {"model": "Mine", "files": ["model.safetensors"]}
    assert "Mine" in str(refused.value)
