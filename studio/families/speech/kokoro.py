"""Kokoro-82M: one network for many voices, each of them a table of style vectors, so that two can be blended. Reads the
ONNX export; text goes in as phonemes in misaki's alphabet. Two layouts are known: `vocab.json` and one `.npz` of voices
beside the network, and the hub's, with `tokenizer.json`, `onnx/*.onnx` and a file for each voice (`voices/*.bin`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
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
    id="kokoro",
    version=1,
    medium=Medium.SPEECH,
    title=N_("Kokoro voices"),
    tasks=(Task.SPEAK,),
    params=speaking.PARAMS,
    formats=speaking.FORMATS,
    libraries=("onnxruntime", "hibari-tts", "misaki", "pyopenjtalk-plus"),
)
_WORKERS = 2
_LONGEST = 300  # signs that are read at once; the network takes 510
_SOON = 60  # a first sentence longer than this is begun with its first clause alone
_STYLE = 256  # numbers of a style vector
_LEAST = 12  # signs that make a clause
_BREATH = 0.12  # s between clauses that were made apart
_NETWORKS = ("model_quantized.onnx", "model.onnx", "model_q8f16.onnx", "model_fp16.onnx")
_CLAUSE = re.compile(r"[,;:—…]+[”)]*\s+")


def recognises(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") == "style_text_to_speech_2"


class Speaker:
    """All voices of a Kokoro model. See `speaking.Speaker`. `styles` maps a voice to its vectors by length, of shape
    (510, 1, 256)."""

    sample_rate = 24_000
    blends = True

    def __init__(
        self, network: Network, vocabulary: Mapping[str, int], styles: Mapping[str, Any], workers: int = 1
    ) -> None:
        known, self._levels = speaking.known_voices(__file__)
        self.voices: Mapping[str, Voice] = {name: known[name] for name in known if name in styles}
        self.alphabet: Collection[str] = vocabulary.keys()
        self.workers = workers
        self._network, self._vocabulary, self._styles = network, vocabulary, styles

    def level(self, voice: str) -> float | None:
        parts = speaking.shares(voice)
        if any(name not in self._levels for name, _share in parts):
            return None
        return sum(self._levels[name] * share for name, share in parts)

    def _accent(self, line: speaking.Line) -> str:
        """The language of `line`; English as its (first) voice speaks it."""
        voice = self.voices[speaking.shares(line.voice)[0][0]]
        return "en-GB" if line.language == "en" and "en-GB" in voice.languages else line.language

    def say(self, line: speaking.Line, text: str, seed: int, check: speaking.Check, first: bool) -> Iterator[Samples]:
        """The network has no chance in it: `seed` changes nothing."""
        import numpy as np

        from studio.media.reading.phonemes import phonemes

        style = np.sum([self._styles[name] * np.float32(share) for name, share in speaking.shares(line.voice)], axis=0)
        parts = list(_parts(phonemes(text, self._accent(line)), first))
        for index, part in enumerate(parts):
            ids = [self._vocabulary[sign] for sign in part if sign in self._vocabulary]
            if not ids:
                continue
            tokens, styles, speeds = self._network.inputs
            feeds = {
                tokens: np.array([[0, *ids, 0]], np.int64),
                styles: np.asarray(style[min(len(ids), len(style)) - 1], np.float32).reshape(1, -1),
                speeds: np.array([line.speed], np.float32),
            }
            samples = speaking.trimmed(self._network.run(feeds, check)[0].ravel(), self.sample_rate)
            if index + 1 < len(parts):
                samples = np.concatenate([samples, np.zeros(round(_BREATH * self.sample_rate), np.float32)])
            yield samples


def load(files: ModelFiles, device: Device) -> Speaker:
    import numpy as np

    from studio.media.reading import phonemes

    try:
        if "vocab.json" in files.paths:
            vocabulary = json.loads(files.paths["vocab.json"].read_text(encoding="utf-8"))["vocab"]
            with np.load(files.only(".npz")) as stored:
                styles = {name: stored[name] for name in stored.files}
        else:
            vocabulary = json.loads(files.paths["tokenizer.json"].read_text(encoding="utf-8"))["model"]["vocab"]
            styles = {
                Path(name).stem: np.fromfile(path, np.float32).reshape(-1, 1, _STYLE)
                for name, path in files.paths.items()
                if name.startswith("voices/")
            }
        # Threads that do not spin are often asleep where one sentence alone has them all: two fill each other's gaps.
        network = Network(files.paths[_network(files.paths)], device)
        speaker = Speaker(network, vocabulary, styles, min(max(1, device.threads), _WORKERS))
        speaking.warm_up()
        for language in {code.split("-")[0] for voice in speaker.voices.values() for code in voice.languages}:
            phonemes.prepare(language)
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise speaking.unreadable(files, error) from error
    return speaker


def run(model: Speaker, request: Request, ctx: Context) -> list[Artifact]:
    return speaking.read_aloud(model, SPEC.check(request), ctx)


def verify(request: Request, info: ModelInfo) -> None:
    speaking.check_request(request, info, blends=True)


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: the weights, the dictionaries of three languages, working space."""
    try:
        weights = files.paths[_network(files.paths)].stat().st_size
    except (KeyError, FileNotFoundError) as error:
        raise AtelierError("model-files-missing", {"model": files.title, "files": [".onnx"]}) from error
    return expected(weights, 0, device)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`."""
    return 2 * size + (700 << 20) if size else 0


def wanted(names: Collection[str]) -> tuple[str, ...]:
    network = _network(names)
    voices = sorted(name for name in names if name.startswith("voices/") and name.endswith(".bin"))
    if network and voices and "tokenizer.json" in names:
        return ("config.json", "tokenizer.json", network, *voices)
    tables = [name for name in names if name.endswith(".npz")]
    return ("vocab.json", network, *tables) if network and len(tables) == 1 and "vocab.json" in names else ()


def _network(names: Collection[str]) -> str:
    """The network to load of several of different precision; "" where there is none."""
    found = sorted(name for name in names if name.endswith(".onnx"))
    usual = [name for file in _NETWORKS for name in found if name.rpartition("/")[2] == file]
    return next(iter(usual or found), "")


def _parts(signs: str, first: bool) -> Iterator[str]:
    """`signs` in parts of at most `_LONGEST`, cut at clauses where there are any, else between words. A long `first`
    sentence has its first clause apart."""
    if first and len(signs) > _SOON and (clause := _CLAUSE.search(signs, _LEAST)):
        if len(signs) - clause.end() >= _LEAST and clause.end() <= _LONGEST:
            yield signs[: clause.end()].strip()
            signs = signs[clause.end() :]
    while len(signs) > _LONGEST:
        clauses = [match.end() for match in _CLAUSE.finditer(signs, _LEAST, _LONGEST)]
        space = signs.rfind(" ", 1, _LONGEST)
        cut = clauses[-1] if clauses else space if space > 0 else _LONGEST
        yield signs[:cut].strip()
        signs = signs[cut:]
    if signs.strip():
        yield signs.strip()
