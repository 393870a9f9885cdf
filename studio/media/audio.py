"""Sound: read, write, join, fade, trim, bring to a loudness. Samples are float32 in [-1, 1], shape (frames, channels).

Loudness follows ITU-R BS.1770-4 (through pyloudnorm) in LUFS; true peak is the peak of the four times oversampled
signal (BS.1770-4, annex 2) in dBTP.
"""

from __future__ import annotations

import itertools
import math
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from studio.core.errors import AtelierError, from_os_error
from studio.core.files import usual_mode

Samples = NDArray[np.float32]
# suffix: (container, encoding, media type)
FORMATS = {
    ".wav": ("WAV", "PCM_24", "audio/wav"),
    ".flac": ("FLAC", "PCM_24", "audio/flac"),
    ".ogg": ("OGG", "VORBIS", "audio/ogg"),
    ".mp3": ("MP3", "MPEG_LAYER_III", "audio/mpeg"),
}
# Between two frames a wave rises above both, but not by half in sounds that are not made for it.
_NEAR = 0.65
_BLOCK = 1 << 16  # frames; libsndfile's Vorbis encoder overflows its stack on very large writes


@dataclass(frozen=True)
class Sound:
    """`samples` of shape (frames, channels), float32; `sample_rate` in Hz."""

    samples: Samples
    sample_rate: int

    @classmethod
    def mono(cls, samples: Samples, sample_rate: int) -> Sound:
        return cls(np.ascontiguousarray(samples, np.float32).reshape(-1, 1), sample_rate)

    @classmethod
    def silence(cls, seconds: float, sample_rate: int, channels: int = 1) -> Sound:
        return cls(np.zeros((max(0, round(seconds * sample_rate)), channels), np.float32), sample_rate)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    @property
    def channels(self) -> int:
        return self.samples.shape[1]

    def part(self, start: float, end: float) -> Sound:
        """From `start` to `end`, in s."""
        first, last = round(start * self.sample_rate), round(end * self.sample_rate)
        return replace(self, samples=self.samples[max(0, first) : max(0, last)])


def read(path: Path) -> Sound:
    """The sound in a file of any format that libsndfile knows. Raises `AtelierError` in words for a file that is no
    sound, is empty or holds values that are no numbers."""
    if not path.exists():
        raise AtelierError("file-missing", {"path": str(path)})
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise AtelierError("sound-unreadable", {"path": str(path)}, details=str(error)) from error
    if not len(samples):
        raise AtelierError("sound-empty", {"path": str(path)})
    if not np.isfinite(samples).all():
        raise AtelierError("sound-unreadable", {"path": str(path)}, details="values that are no numbers")
    return Sound(np.asarray(samples, np.float32), rate)


def write(path: Path, sound: Sound, comment: str = "") -> None:
    """Write `sound` in the format of the suffix (see `FORMATS`), in one step; `comment` goes into the file's own
    comment field (ASCII in an MP3, whose tags have no one encoding). Same sound, same bytes. Raises
    `AtelierError` in words."""
    blocks = (sound.samples[start : start + _BLOCK] for start in range(0, len(sound.samples), _BLOCK))
    _write_blocks(path, sound.sample_rate, sound.channels, blocks, comment)


def convert(source: Path, target: Path) -> None:
    """Write the sound in `source` to `target` in the format of its suffix, whatever its length, in one step. Raises
    `AtelierError` in words."""
    try:
        with soundfile.SoundFile(source) as stream:
            blocks = (np.asarray(block, np.float32) for block in stream.blocks(_BLOCK, dtype="float32", always_2d=True))
            _write_blocks(target, stream.samplerate, stream.channels, blocks)
    except soundfile.SoundFileError as error:
        raise AtelierError("sound-unreadable", {"path": str(source)}, details=str(error)) from error


def comment(path: Path) -> str:
    """The comment field of a sound file, "" where there is none."""
    try:
        if path.suffix.lower() == ".wav":
            return _riff_comment(path)
        with soundfile.SoundFile(path) as stream:
            return str(stream.comment or "")
    except (soundfile.SoundFileError, OSError) as error:
        raise AtelierError("sound-unreadable", {"path": str(path)}, details=str(error)) from error


def loudness(sound: Sound) -> float:
    """Integrated loudness in LUFS; -inf for silence. A sound below the 0.4 s block of BS.1770 is measured repeated."""
    import pyloudnorm

    samples = sound.samples
    if not len(samples):
        return -math.inf
    needed = int(0.4 * sound.sample_rate) + 1
    if len(samples) < needed:
        samples = np.tile(samples, (-(-needed // len(samples)), 1))
    with np.errstate(divide="ignore"):
        return float(pyloudnorm.Meter(sound.sample_rate).integrated_loudness(samples))


def true_peak(sound: Sound) -> float:
    """True peak in dBTP; -inf for silence."""
    peak = float(_oversampled_peaks(sound.samples).max(initial=0.0))
    return 20 * math.log10(peak) if peak > 0 else -math.inf


def normalise(sound: Sound, target: float = -16.0, ceiling: float = -1.0) -> Sound:
    """`sound` at `target` LUFS with true peaks at most `ceiling` dBTP: a gain, then a look-ahead limiter where peaks
    need it. Silence stays as it is."""
    result = sound
    for _attempt in range(10):  # the limiter takes a little loudness away: give it back and look again
        current = loudness(result)
        if not math.isfinite(current) or abs(current - target) < 0.1:
            break
        raised = result.samples * np.float32(10 ** ((target - current) / 20))
        result = replace(sound, samples=limit(raised, sound.sample_rate, ceiling))
    return replace(result, samples=limit(result.samples, sound.sample_rate, ceiling))


def limit(samples: Samples, sample_rate: int, ceiling: float) -> Samples:
    """True peaks at most `ceiling` dBTP, by a look-ahead limiter: the needed gain, held over 5 ms (minimum) and
    smoothed (mean of the same width), so the envelope never exceeds what any frame needs."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    most = 10 ** (ceiling / 20) * 0.998  # the gain's own slope moves the oversampled peak by a hair
    near = np.flatnonzero(_magnitudes(samples) > most * _NEAR)
    over = _oversampled_at(samples, near)
    near, over = near[over > most], over[over > most]
    if not len(near):
        return samples
    width = 2 * int(0.005 * sample_rate) + 1
    result = samples.copy()
    for first, last in _stretches(near, len(samples), 2 * width):
        inside = slice(*np.searchsorted(near, (first, last)))
        needed = np.ones(last - first, np.float32)
        needed[near[inside] - first] = most / over[inside]
        envelope = uniform_filter1d(minimum_filter1d(needed, width), width)
        result[first:last] *= envelope[:, None]
    return result


def fade(sound: Sound, seconds_in: float = 0.0, seconds_out: float = 0.0) -> Sound:
    """Raised-cosine fades at both ends, each at most the whole length."""
    samples = sound.samples.copy()
    for seconds, ends in ((seconds_in, samples), (seconds_out, samples[::-1])):
        count = min(len(samples), round(seconds * sound.sample_rate))
        if count:
            ends[:count] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(count) / count)).astype(np.float32)[:, None]
    return replace(sound, samples=samples)


def trim_silence(sound: Sound, below: float = -50.0, keep: float = 0.02) -> Sound:
    """Without what is under `below` dBFS at both ends, but for `keep` s. A wholly silent sound becomes empty."""
    loud = np.flatnonzero(_magnitudes(sound.samples) > 10 ** (below / 20))
    if not len(loud):
        return replace(sound, samples=sound.samples[:0])
    margin = round(keep * sound.sample_rate)
    return replace(sound, samples=sound.samples[max(0, loud[0] - margin) : loud[-1] + 1 + margin])


def join(parts: Sequence[Sound], gap: float = 0.0, edge: float = 0.005) -> tuple[Sound, list[float]]:
    """The parts one after another with `gap` s of silence between them, and the time in s where each begins. Every
    inner edge is faded over `edge` s, so that no border has a step. Raises ValueError for unlike parts or none."""
    if not parts or len({(part.sample_rate, part.channels) for part in parts}) != 1:
        raise ValueError("parts must be there and alike")
    rate, channels = parts[0].sample_rate, parts[0].channels
    silence = Sound.silence(gap, rate, channels).samples
    pieces: list[Samples] = []
    starts: list[float] = []
    frames = 0
    for index, part in enumerate(parts):
        if index:
            pieces.append(silence)
            frames += len(silence)
        starts.append(frames / rate)
        first, last = index == 0, index == len(parts) - 1
        pieces.append(fade(part, 0.0 if first else edge, 0.0 if last else edge).samples)
        frames += len(part.samples)
    return Sound(np.concatenate(pieces), rate), starts


def stretch(samples: Samples, sample_rate: int, speed: float) -> Samples:
    """`samples` of shape (frames,) at `speed` times its pace with the same pitch: windows of 30 ms are laid over each
    other, each taken from within 8 ms of its place where it continues the last one best (WSOLA, Verhelst 1993)."""
    size = 2 * round(0.015 * sample_rate)
    hop, reach = size // 2, round(0.008 * sample_rate)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    padded = np.concatenate([np.zeros(reach, np.float32), samples, np.zeros(size + hop + 2 * reach, np.float32)])
    count = max(1, round(len(samples) / speed / hop))
    out = np.zeros((count + 1) * hop, np.float32)
    place = reach
    for index in range(count):
        wanted = reach + round(index * hop * speed)
        if index:
            expected = padded[place + hop : place + hop + size]
            around = padded[wanted - reach : wanted + reach + size]
            place = wanted - reach + int(np.correlate(around, expected, "valid").argmax())
        out[index * hop : index * hop + size] += padded[place : place + size] * window
    return out


def peaks(sound: Sound, count: int) -> Samples:
    """The largest magnitude in each of `count` equal stretches, for drawing a waveform."""
    mono = np.abs(sound.samples).max(axis=1, initial=0.0)
    edges = np.linspace(0, len(mono), count + 1).astype(int)
    return np.array([mono[a:b].max(initial=0.0) for a, b in itertools.pairwise(edges)], np.float32)


def _oversampled_peaks(samples: Samples) -> Samples:
    """Per frame, the largest magnitude of the four times oversampled signal in any channel."""
    from scipy.signal import resample_poly

    window = _interpolator()
    result = np.zeros(len(samples), np.float32)
    step = 1 << 18  # an hour of sound must not be held four times over
    margin = 64
    for start in range(0, len(samples), step):
        first, last = max(0, start - margin), min(len(samples), start + step + margin)
        raised = np.abs(np.asarray(resample_poly(samples[first:last], 4, 1, axis=0, window=window)))
        frames = raised.max(axis=1).reshape(-1, 4).max(axis=1)
        keep = slice(start - first, start - first + min(step, len(samples) - start))
        result[start : start + step] = frames[keep]
    return np.maximum(result, _magnitudes(samples))


def _oversampled_at(samples: Samples, frames: NDArray[np.intp]) -> Samples:
    """What `_oversampled_peaks` has at `frames`, and at the frame before each: a peak between two is due to both."""
    filters = np.zeros((4, 21), np.float32)  # of frame n and the three places after it, on frames n - 10 … n + 10
    taps = _interpolator().astype(np.float32) * 4
    for place in range(4):
        chosen = 80 - 4 * np.arange(21) + place
        filters[place, chosen <= 80] = taps[chosen[chosen <= 80]]
    result = np.zeros(len(frames), np.float32)
    for channel in range(samples.shape[1]):
        padded = np.pad(samples[:, channel], (11, 10))
        windows = np.lib.stride_tricks.sliding_window_view(padded, 21)
        for neighbour in (0, 1):
            result = np.maximum(result, np.abs(windows[frames + neighbour] @ filters.T).max(axis=1, initial=0.0))
    return np.maximum(result, _magnitudes(samples)[frames])


@cache
def _interpolator() -> NDArray[np.float64]:
    """The filter that scipy's `resample_poly` makes for four times the rate at each call."""
    from scipy.signal import firwin

    kaiser: Any = ("kaiser", 5.0)
    return np.asarray(firwin(2 * 10 * 4 + 1, 1 / 4, window=kaiser))


def _magnitudes(samples: Samples) -> Samples:
    """Per frame, the largest magnitude in any channel."""
    magnitudes = np.abs(samples)
    return magnitudes[:, 0] if samples.shape[1] == 1 else magnitudes.max(axis=1, initial=0.0)


def _stretches(frames: NDArray[np.intp], length: int, margin: int) -> Iterator[tuple[int, int]]:
    """Stretches [first, last) of a sound of `length` frames that hold `frames` with a margin on both sides."""
    if not len(frames):
        return
    breaks = np.flatnonzero(np.diff(frames) > 2 * margin)
    for first, last in zip(frames[np.r_[0, breaks + 1]], frames[np.r_[breaks, len(frames) - 1]], strict=True):
        yield max(0, int(first) - margin), min(length, int(last) + margin + 1)


def _write_blocks(path: Path, sample_rate: int, channels: int, blocks: Iterable[Samples], comment: str = "") -> None:
    if path.suffix.lower() not in FORMATS:
        raise AtelierError("format-unknown", {"suffix": path.suffix, "choices": list(FORMATS)})
    container, encoding, _media_type = FORMATS[path.suffix.lower()]
    temporary: str | None = None
    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(2, "no such folder", str(path.parent))
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        os.close(handle)
        with soundfile.SoundFile(temporary, "w", sample_rate, channels, format=container, subtype=encoding) as sound:
            if comment and container != "WAV":
                sound.comment = comment
            for block in blocks:
                sound.write(block)
        if comment and container == "WAV":
            append_riff_comment(Path(temporary), comment)
        if container == "OGG":
            _fix_serial(Path(temporary))
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, usual_mode())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise from_os_error(error, path) from error
    except soundfile.SoundFileError as error:
        # libsndfile tells a full disk only as "system error"
        raise AtelierError("sound-not-written", {"path": str(path)}, details=str(error)) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def append_riff_comment(path: Path, text: str) -> None:
    """Add a LIST/INFO chunk with ICMT to a RIFF file; libsndfile writes none longer than its header buffer."""
    data = text.encode("utf-8") + b"\0"
    data += b"\0" * (len(data) % 2)
    body = b"INFO" + b"ICMT" + len(data).to_bytes(4, "little") + data
    with path.open("rb+") as stream:
        stream.seek(0, os.SEEK_END)
        if stream.tell() % 2:
            stream.write(b"\0")
        stream.write(b"LIST" + len(body).to_bytes(4, "little") + body)
        size = stream.tell()
        stream.seek(4)
        stream.write((size - 8).to_bytes(4, "little"))


def _riff_comment(path: Path) -> str:
    with path.open("rb") as stream:
        if stream.read(12)[:4] != b"RIFF":
            return ""
        while len(header := stream.read(8)) == 8:
            size = int.from_bytes(header[4:], "little")
            if header[:4] == b"LIST" and size < 1 << 24:
                body = stream.read(size + size % 2)
                found = body.find(b"ICMT")
                if body[:4] == b"INFO" and found >= 0:
                    length = int.from_bytes(body[found + 4 : found + 8], "little")
                    return body[found + 8 : found + 8 + length].rstrip(b"\0").decode("utf-8", "replace")
            else:
                stream.seek(size + size % 2, os.SEEK_CUR)
    return ""


def _fix_serial(path: Path) -> None:
    """Give every page of an Ogg file the serial number 1 (libsndfile draws one by the clock) and its CRC again
    (RFC 3533: polynomial 0x04c11db7, no reflection, initial value 0)."""
    data = bytearray(path.read_bytes())
    start = 0
    while data[start : start + 4] == b"OggS":
        segments = data[start + 26]
        size = 27 + segments + sum(data[start + 27 : start + 27 + segments])
        data[start + 14 : start + 18] = (1).to_bytes(4, "little")
        data[start + 22 : start + 26] = bytes(4)
        checksum = ogg_crc(data[start : start + size])
        data[start + 22 : start + 26] = checksum.to_bytes(4, "little")
        start += size
    path.write_bytes(data)


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg_crc(data: bytes | bytearray) -> int:
    """zlib's CRC is the reflected form of the same polynomial: reverse the bits of what goes in and comes out, and
    undo its inversion at both ends."""
    reflected = zlib.crc32(bytes(data).translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
