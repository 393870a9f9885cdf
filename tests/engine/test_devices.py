"""Devices: what this machine says, and how faults of memory are told from others."""

from __future__ import annotations

import pytest

from studio.engine.devices import is_out_of_memory, is_poisoned, meter, threads


class OutOfMemoryError(RuntimeError):
    """As torch names its own."""


def test_the_processor() -> None:
    cpu = meter("cpu")
    total, free = cpu.memory()
    assert 0 < free <= total
    assert cpu.name()
    assert cpu.device.id == "cpu"
    assert cpu.device.threads == threads() >= 1
    assert cpu.held() == 0


@pytest.mark.parametrize(("name", "kind", "index"), [("cuda:1", "cuda", 1), ("cuda", "cuda", 0), ("mps", "mps", 0)])
def test_other_devices_are_named_without_being_touched(name: str, kind: str, index: int) -> None:
    device = meter(name, limit=5).device
    assert (device.kind, device.index) == (kind, index)


@pytest.mark.parametrize("name", ["", "gpu", "cuda:x"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        meter(name)


@pytest.mark.parametrize(
    ("error", "memory", "poisoned"),
    [
        (MemoryError(), True, False),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), True, False),
        (RuntimeError("CUDA error: out of memory"), True, False),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True, False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False, True),
        (RuntimeError("CUDA error: device-side assert triggered"), False, True),
        (RuntimeError("shapes do not match"), False, False),
        (ValueError("out of memory"), False, False),
    ],
)
def test_faults_of_memory_are_told_from_others(error: Exception, memory: bool, poisoned: bool) -> None:
    assert (is_out_of_memory(error), is_poisoned(error)) == (memory, poisoned)
