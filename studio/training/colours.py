"""The colours of pictures: naming the one that dominates, and painting it another.

Pictures are uint8 arrays of height × width × 3; hues are in degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# The word, its hue, and what happens to saturation (times) and value (times, plus).
_PAINTS: dict[str, tuple[float | None, float, float, float]] = {
    "red": (0.0, 1.0, 1.0, 0.0),
    "orange": (27.0, 1.0, 1.0, 0.0),
    "yellow": (48.0, 1.0, 1.0, 0.0),
    "green": (120.0, 0.85, 0.85, 0.0),
    "blue": (213.0, 1.0, 1.0, 0.0),
    "purple": (272.0, 0.8, 0.95, 0.0),
    "pink": (335.0, 0.6, 1.0, 0.0),
    "brown": (22.0, 0.8, 0.58, 0.0),
    "black": (None, 0.12, 0.3, 0.0),
    "gray": (None, 0.06, 0.7, 0.0),
    "white": (None, 0.05, 0.42, 0.55),
}
COLOURS = tuple(_PAINTS)
# Where each hue's name ends, going round.
_NAMES = ((14.0, "red"), (38.0, "orange"), (66.0, "yellow"), (165.0, "green"), (250.0, "blue"), (300.0, "purple"))
_REACH, _EDGE = 40.0, 12.0
_CLEAR, _PALE = 0.25, 0.12
_SHARE = 0.35
_CLEAR_SATURATION, _CLEAR_VALUE, _MOST_LIFT = 0.7, 0.85, 1.6


@dataclass(frozen=True)
class Dominant:
    """The colour that covers most of an object: its name, its hue and the share of the object it covers (0 to 1)."""

    name: str
    hue: float
    share: float


def dominant(picture: np.ndarray) -> Dominant | None:
    """The colour of the object on a white ground, or None where several compete or none is clear."""
    hue, saturation, value = _to_hsv(picture)
    body = (saturation > _PALE) | (value < 0.9)
    clear = body & (saturation > _CLEAR) & (value > 0.2)
    if clear.sum() < 0.01 * clear.size:
        return None
    counts, _edges = np.histogram(hue[clear], bins=72, range=(0, 360), weights=(saturation * value)[clear])
    ring = np.convolve(np.concatenate([counts[-3:], counts, counts[:3]]), np.ones(7), "valid")
    centre = float(ring.argmax()) * 5.0 + 2.5
    near = clear & (_turn(hue - centre) < 30.0)
    share = float(near.sum()) / float(body.sum())
    if share < _SHARE:
        return None
    centre = (centre + float(np.median(_signed(hue[near] - centre)))) % 360.0
    return Dominant(_name(centre, float(np.median(saturation[near])), float(np.median(value[near]))), centre, share)


def paint(picture: np.ndarray, hue: float, colour: str) -> np.ndarray:
    """`picture` with everything near `hue` painted in `colour` (one of `COLOURS`); shading and the rest stay."""
    h, s, v = _to_hsv(picture)
    target, times_s, times_v, plus_v = _PAINTS[colour]
    share = np.clip((_REACH + _EDGE - _turn(h - hue)) / _EDGE, 0.0, 1.0) * np.clip(s / 0.1, 0.0, 1.0)
    if target is not None:  # a dull or dark thing is first made as clear as the colour's name promises
        near = share > 0.5
        if near.any():
            times_s *= float(np.clip(_CLEAR_SATURATION / np.median(s[near]), 1.0, _MOST_LIFT))
            times_v *= float(np.clip(_CLEAR_VALUE / np.median(v[near]), 1.0, _MOST_LIFT))
    new_h = h if target is None else (target + 0.35 * _signed(h - hue)) % 360.0
    painted = _to_rgb(new_h, np.clip(s * times_s, 0, 1), np.clip(v * times_v + plus_v, 0, 1))
    mixed = painted * share[..., None] + picture / 255.0 * (1.0 - share[..., None])
    return np.round(mixed * 255.0).astype(np.uint8)


def _name(hue: float, saturation: float, value: float) -> str:
    if hue < 38.0 and value < 0.66 or 14.0 <= hue < 38.0 and value < 0.78:
        return "brown"
    if (hue >= 300.0 or hue < 14.0) and saturation < 0.62 and value > 0.75 or 315.0 <= hue < 346.0:
        return "pink"
    return next((name for end, name in _NAMES if hue < end), "red" if hue >= 346.0 else "purple")


def _signed(degrees: np.ndarray) -> np.ndarray:
    return (degrees + 180.0) % 360.0 - 180.0


def _turn(degrees: np.ndarray) -> np.ndarray:
    return np.abs(_signed(degrees))


def _to_hsv(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue in degrees, saturation and value from 0 to 1."""
    rgb = picture.astype(np.float32) / 255.0
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value, low = rgb.max(-1), rgb.min(-1)
    chroma = value - low
    safe = np.where(chroma > 0, chroma, 1.0)
    hue = np.where(value == r, (g - b) / safe % 6.0, np.where(value == g, (b - r) / safe + 2.0, (r - g) / safe + 4.0))
    return hue * 60.0, chroma / np.where(value > 0, value, 1.0), value


def _to_rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    def channel(n: float) -> np.ndarray:
        k = (n + hue / 60.0) % 6.0
        return value * (1.0 - saturation * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0))

    return np.stack([channel(5.0), channel(3.0), channel(1.0)], -1)
