"""Hibari: small English voices, each a network of its own that was distilled from Kokoro (package `hibari-tts`).

The package brings the front end (text to phonemes) and the signal processing; the network of a voice is a model's file,
never downloaded by the package itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import AtelierError
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo, Voice
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import speaking
from studio.families.onnx_voice import Network

if TYPE_CHECKING:
    from studio.media.audio import Samples

SPEC = Family(
    id="hibari",
    version=1,
    medium=Medium.SPEECH,
    title=N_("Hibari voice"),
    tasks=(Task.SPEAK,),
    params=speaking.PARAMS,
    formats=speaking.FORMATS,
    libraries=("hibari-tts", "onnxruntime"),
)
_WORKERS = 4
_LONGEST = 400  # phonemes that the network reads well at once
_CLAUSE = re.compile(r"(?<=[,;:—])\s+|\s+")


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is that of the known models; a bare ONNX file says nothing of itself."""
    return config.get("model_type") == "hibari"


class Speaker:
    """A voice of Hibari. See `speaking.Speaker`."""

    sample_rate = 24_000
    blends = False

    def __init__(self, network: Network, vocabulary: Mapping[str, int], voice: str, workers: int) -> None:
        voices, self._levels = speaking.known_voices(__file__)
        self.voices: Mapping[str, Voice] = {voice: voices[voice]}
        self.workers = workers
        self._language = next((code for code in voices[voice].languages if code == "en-GB"), "")
        self.alphabet: Collection[str] = vocabulary.keys()
        self._network, self._vocabulary = network, vocabulary

    def level(self, voice: str) -> float | None:
        return self._levels.get(voice)

    def say(self, line: speaking.Line, text: str, seed: int, check: speaking.Check, first: bool) -> Iterator[Samples]:
        import numpy as np
        from hibari import dsp

        from studio.media.reading.phonemes import phonemes

        random = np.random.default_rng(seed)
        for part in _parts(phonemes(text, self._language or line.language)):
            ids = [self._vocabulary[sign] for sign in part if sign in self._vocabulary]
            if not ids:
                continue
            feeds = {
                "ids": np.array([[0, *ids, 0]], np.int64),
                "speed": np.array([line.speed], np.float32),
            }
            outputs = self._network.run(feeds, check)
            lh, th, ln, lr, phi, f0 = (output[0] for output in outputs)
            samples = dsp.synth(lh, th, ln, lr, phi, f0, random)
            yield speaking.trimmed(samples, self.sample_rate)


def load(files: ModelFiles, device: Device) -> Speaker:
    from studio.media.reading import phonemes

    try:
        vocabulary = json.loads(_vocabulary(files).read_text(encoding="utf-8"))
        voice = str(files.config["voice"])
        # Half of the work is not the network's: two sentences on a thread each are sooner made than one on two.
        network = Network(files.only(".onnx"), replace(device, threads=1), watched=False)
        speaker = Speaker(network, vocabulary, voice, min(max(1, device.threads), _WORKERS))
        speaking.warm_up()
        phonemes.prepare("en")
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise speaking.unreadable(files, error) from error
    return speaker


def run(model: Speaker, request: Request, ctx: Context) -> list[Artifact]:
    return speaking.read_aloud(model, SPEC.check(request), ctx)


def verify(request: Request, info: ModelInfo) -> None:
    speaking.check_request(request, info)


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: the weights, the dictionaries of the front end, working space."""
    try:
        weights = files.only(".onnx").stat().st_size
    except FileNotFoundError as error:
        raise AtelierError("model-files-missing", {"model": files.title, "files": [".onnx"]}) from error
    return 2 * weights + (200 << 20)


def wanted(names: Collection[str]) -> tuple[str, ...]:
    """One voice. Which of a repository's the catalogue says: a bare file does not."""
    return tuple(name for name in names if name.endswith(".onnx"))[:1]


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`."""
    return 2 * size + (200 << 20) if size else 0


def _vocabulary(files: ModelFiles) -> Path:
    """Beside the voice, or the package's own: all voices share one."""
    if "vocab.json" in files.paths:
        return files.paths["vocab.json"]
    import hibari

    return Path(str(hibari.__file__)).parent / "assets" / "vocab.json"


def _parts(signs: str) -> Iterator[str]:
    """`signs` in parts of at most `_LONGEST`, cut at clauses where there are any."""
    while len(signs) > _LONGEST:
        cuts = list(_CLAUSE.finditer(signs, 1, _LONGEST))
        clauses = [match for match in cuts if signs[match.start() - 1] in ",;:—"]
        cut = (clauses or cuts)[-1] if cuts else None
        yield signs[: cut.start() if cut else _LONGEST]
        signs = signs[cut.end() if cut else _LONGEST :]
    if signs:
        yield signs
