"""Sound at another sample rate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from studio.media.audio import Sound


def resample(sound: Sound, sample_rate: int) -> Sound:
    """`sound` at `sample_rate` Hz, through a polyphase filter."""
    if sound.sample_rate == sample_rate or not len(sound.samples):
        return replace(sound, sample_rate=sample_rate)
    from scipy.signal import resample_poly

    common = math.gcd(sound.sample_rate, sample_rate)
    samples = resample_poly(sound.samples, sample_rate // common, sound.sample_rate // common, axis=0)
    return Sound(np.asarray(samples, np.float32), sample_rate)
