"""Whether a model fits this computer, judged from what is known of it and the devices that the engine reports."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from studio.core.models import DeviceStatus, ModelInfo

_KEPT_FREE = {"cpu": 2 << 30, "cuda": 1 << 29, "mps": 2 << 30}  # bytes that the system and its programs need
_COMFORT = 0.85  # of what is left; above it the model runs, with little room for long work
_WITHOUT_ESTIMATE = 1.3  # bytes of memory for each byte of weights


class Fit(StrEnum):
    """`TIGHT`: it runs, but little else beside it."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_LARGE = "too-large"
    UNKNOWN = "unknown"


def fit(model: ModelInfo, devices: Iterable[DeviceStatus], limit: int = 0) -> Fit:
    """How `model` fits the device that suits it best; `limit` is what the user lets models take, in bytes (0: all).
    What other programs hold right now does not count: it changes, and the engine makes room before it loads."""
    found = [_on(model, device, limit) for device in devices if device.memory_total > 0]
    return next((each for each in (Fit.FITS, Fit.TIGHT, Fit.TOO_LARGE) if each in found), Fit.UNKNOWN)


def need(model: ModelInfo, kind: str = "cpu") -> int:
    """Bytes of memory that `model` needs on a device of this kind; 0 where it cannot be told."""
    estimate = (model.memory_gpu if kind != "cpu" else 0) or model.memory
    return estimate or round(model.size * _WITHOUT_ESTIMATE)


def _on(model: ModelInfo, device: DeviceStatus, limit: int) -> Fit:
    needed = need(model, device.kind)
    if needed <= 0:
        return Fit.UNKNOWN
    room = device.memory_total - _KEPT_FREE.get(device.kind, 1 << 30)
    room = min(room, limit) if limit else room
    if needed <= room * _COMFORT:
        return Fit.FITS
    return Fit.TIGHT if needed <= room else Fit.TOO_LARGE
