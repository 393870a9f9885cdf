"""Cutting a subject out: by a plain background's colour without a model, or by an alpha that a model made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.core.errors import InvalidInput
from studio.media.pictures import Picture

Floats = NDArray[np.float32]
TOLERANCE = 12.0  # ΔE of CIE 1976: what one would call the same colour
_FRAME = 2  # px at the edge of the picture that tell the background
_BAND = 3  # px on each side of the border in which pixels are mixed of both
_PLAIN = 0.75  # the share of the frame that must have one colour


def on_plain(picture: Picture, tolerance: float = TOLERANCE, *, holes: bool = False) -> Picture:
    """`picture` without its plain background: what has the colour of its edge and is connected with it becomes
    transparent, with a soft border and none of the background's colour in it. `holes`: enclosed parts of that colour
    too. `tolerance` in ΔE, 1 to 60. Raises `InvalidInput` "background-not-plain" in words."""
    from scipy.ndimage import binary_dilation, distance_transform_edt, label, maximum_filter

    colours = picture.pixels[..., :3]
    lab = to_lab(colours)
    frame = np.ones(lab.shape[:2], bool)
    frame[_FRAME:-_FRAME, _FRAME:-_FRAME] = False
    visible = picture.pixels[..., 3] > 127 if picture.has_alpha else np.ones_like(frame)
    if not (frame & visible).any():
        return picture
    middle = np.median(lab[frame & visible], axis=0)
    distance = np.linalg.norm(lab - middle, axis=-1)
    if (distance[frame & visible] < tolerance).mean() < _PLAIN:
        raise InvalidInput("background-not-plain")
    background = np.median(colours[frame & visible & (distance < tolerance)], axis=0).astype(np.float32)
    parts, _count = label((distance < tolerance) & visible)  # type: ignore[misc]
    if holes:
        outside = parts > 0
    else:
        touching = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
        outside = np.isin(parts, touching[touching > 0])
    inside = visible & ~outside
    if not inside.any():
        raise InvalidInput("background-not-plain")
    near = np.asarray(distance_transform_edt(inside))
    # The middle of a thin line is as sure as what lies deep inside.
    sure = (near > _BAND) | (inside & (near >= maximum_filter(near, 5)))
    places = np.asarray(distance_transform_edt(~sure, return_distances=False, return_indices=True))
    own = colours[places[0], places[1]].astype(np.float32)  # of the nearest pixel that is surely the subject's
    band = np.asarray(binary_dilation(inside, iterations=_BAND), bool) & ~sure
    alpha = inside.astype(np.float32)
    alpha[band] = _share(colours.astype(np.float32), background, own)[band]
    whole = np.where(alpha > 0.02, alpha, 0)
    return _with_alpha(picture, _unmixed(colours, whole, background, own), whole)


def by_alpha(picture: Picture, alpha: Floats, *, clean: bool = True) -> Picture:
    """`picture` with `alpha` (0 to 1, of its size); with `clean`, colours of the background that soft pixels hold are
    replaced by those of the nearest opaque pixel."""
    from scipy.ndimage import distance_transform_edt

    colours = picture.pixels[..., :3]
    sure = alpha > 0.95
    if clean and sure.any():
        places = np.asarray(distance_transform_edt(~sure, return_distances=False, return_indices=True))
        own = colours[places[0], places[1]]
        weight = np.clip(alpha, 0, 1)[..., None]
        colours = np.rint(colours * weight + own * (1 - weight)).astype(np.uint8)
    return _with_alpha(picture, colours, alpha)


def to_lab(colours: NDArray[np.uint8]) -> Floats:
    """CIE L*a*b* (D65) of sRGB, shape (height, width, 3)."""
    values = np.arange(256, dtype=np.float32) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
    white = np.array([0.9505, 1.0, 1.089], np.float32)
    ratio = linear[colours] @ matrix.T / white
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def _share(colours: Floats, background: Floats, own: Floats) -> Floats:
    """How much of the subject's `own` colour is in each pixel, the rest being background."""
    way = own - background
    length = (way**2).sum(axis=-1)
    share = ((colours - background) * way).sum(axis=-1) / np.maximum(length, 1)
    return np.where(length < 100, 1, np.clip(share, 0, 1)).astype(np.float32)


def _unmixed(colours: NDArray[np.uint8], alpha: Floats, background: Floats, own: Floats) -> NDArray[np.uint8]:
    """The subject's colours where they are mixed with the background."""
    share = np.maximum(alpha, 0.1)[..., None]
    solved = (colours - (1 - share) * background) / share
    mixed = np.where(alpha[..., None] > 0.3, np.clip(solved, 0, 255), own)
    return np.where(alpha[..., None] >= 1, colours, np.rint(mixed)).astype(np.uint8)


def _with_alpha(picture: Picture, colours: NDArray[np.uint8], alpha: Floats) -> Picture:
    if picture.has_alpha:
        alpha = alpha * (picture.pixels[..., 3] / np.float32(255)).astype(np.float32)
    return picture.with_pixels(np.dstack([colours, np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)]))
