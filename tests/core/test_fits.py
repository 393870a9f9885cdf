"""Whether a model fits: the best device counts, and nothing is promised of what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.fits import Fit, fit, need
from studio.core.jobs import Medium
from studio.core.models import DeviceStatus, ModelInfo, ModelState

GB = 1 << 30


def model(memory: int = 0, size: int = 0, memory_gpu: int = 0) -> ModelInfo:
    state = ModelState.NOT_INSTALLED
    return ModelInfo("m", "f", Medium.TEXT, "M", (), state, size=size, memory=memory, memory_gpu=memory_gpu)


def device(kind: str, total: int, used: int = 0) -> DeviceStatus:
    return DeviceStatus(kind, kind, kind, total, used)


@pytest.mark.parametrize(
    ("info", "devices", "expected"),
    [
        (model(4 * GB), [device("cpu", 16 * GB)], Fit.FITS),
        (model(4 * GB), [device("cpu", 16 * GB, used=15 * GB)], Fit.FITS),
        (model(13 * GB), [device("cpu", 16 * GB)], Fit.TIGHT),
        (model(15 * GB), [device("cpu", 16 * GB)], Fit.TOO_LARGE),
        (model(15 * GB), [device("cpu", 16 * GB), device("cuda", 24 * GB)], Fit.FITS),
        (model(15 * GB, memory_gpu=8 * GB), [device("cuda", 12 * GB)], Fit.FITS),
        (model(size=4 * GB), [device("cuda", 8 * GB)], Fit.FITS),
        (model(size=6 * GB), [device("cuda", 8 * GB)], Fit.TOO_LARGE),
        (model(), [device("cpu", 16 * GB)], Fit.UNKNOWN),
        (model(4 * GB), [], Fit.UNKNOWN),
        (model(4 * GB), [device("cuda", 0)], Fit.UNKNOWN),
    ],
)
def test_fit(info: ModelInfo, devices: list[DeviceStatus], expected: Fit) -> None:
    assert fit(info, devices) is expected


@given(st.integers(1, 1 << 42), st.integers(1, 1 << 42), st.sampled_from(["cpu", "cuda", "mps"]))
def test_more_memory_never_fits_less(memory: int, total: int, kind: str) -> None:
    order = [Fit.TOO_LARGE, Fit.TIGHT, Fit.FITS]
    small, large = (fit(model(memory), [device(kind, each)]) for each in (total, total * 2))
    assert order.index(large) >= order.index(small)


def test_the_need_is_the_estimate_or_comes_from_the_size() -> None:
    assert need(model(memory=7, size=100)) == 7
    assert need(model(memory=7, memory_gpu=3), "cuda") == 3
    assert need(model(memory=7, memory_gpu=3), "cpu") == 7
    assert need(model(size=100)) == 130
    assert need(model()) == 0
