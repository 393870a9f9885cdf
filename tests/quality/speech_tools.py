"""Ears for the speech measurements: whisper-base for what is said, DNSMOS (P.835) for how it sounds, and the errors
between two texts. Whisper runs on `ctranslate2` 4.8.5, which is installed for this only; the models are fetched into
`ATELIER_TOOLS` (default: `build/tools`) when they are not there.
"""

from __future__ import annotations

import importlib
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from numpy.typing import NDArray

from studio.media.audio import Sound
from studio.model_manager import starter
from tests.families.recorder import Recorder

HERE = Path(__file__).parent
RATE = 16_000
DNSMOS_SECONDS = 9.01


class Listener(Recorder):
    """A context that hears: the sound as it is streamed, its pieces and its segments."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sounds: list[NDArray[np.float32]] = []
        self.rate = 0
        self.segments: list[tuple[int, float, float, str]] = []

    def audio(self, samples: bytes, sample_rate: int, channels: int) -> None:
        assert channels == 1
        self.rate = sample_rate
        self.sounds.append(np.frombuffer(samples, "<f4"))

    def segment(self, index: int, start: float, end: float, text: str) -> None:
        self.segments.append((index, start, end, text))

    @property
    def sound(self) -> Sound:
        return Sound.mono(np.concatenate(self.sounds), self.rate)


def sentences(name: str) -> list[str]:
    return (HERE / name).read_text(encoding="utf-8").splitlines()


def tools() -> Path:
    """The folder with the models to listen with."""
    root = Path(os.environ.get("ATELIER_TOOLS") or HERE.parents[1] / "build" / "tools")
    items = starter.items(HERE / "tools.toml")
    if wanted := starter.missing(root, among=items):
        starter.download(wanted, root / "wheels")
        starter.install(root / "wheels", root, among=items)
    return root / "starter"


def resampled(sound: Sound) -> NDArray[np.float32]:
    from scipy.signal import resample_poly

    factor = np.gcd(RATE, sound.sample_rate)
    mono = sound.samples.mean(axis=1)
    return np.asarray(resample_poly(mono, RATE // factor, sound.sample_rate // factor), np.float32)


class Whisper:
    """whisper-base through CTranslate2, beam of five."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer
        from transformers import WhisperFeatureExtractor

        ctranslate2 = importlib.import_module("ctranslate2")  # a tool of this script, not of the program
        self._features = WhisperFeatureExtractor()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="int8", intra_threads=2)
        self._storage = ctranslate2.StorageView

    def __call__(self, sound: Sound, language: str) -> str:
        features: Any = self._features(resampled(sound), sampling_rate=RATE, return_tensors="np")["input_features"]
        prompt = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        ids = [self._tokenizer.token_to_id(token) for token in prompt]
        view = self._storage.from_array(np.ascontiguousarray(features, np.float32))
        (result,) = self._model.generate(view, [ids], beam_size=5)
        return self._tokenizer.decode(result.sequences_ids[0]).strip()


class Dnsmos:
    """SIG, BAK and OVRL of P.835, 1 to 5, by the mapping of the DNS challenge's own script."""

    MAPPINGS: Mapping[str, tuple[float, float, float]] = {
        "sig": (-0.08397278, 1.22083953, 0.0052439),
        "bak": (-0.13166888, 1.60915514, -0.39604546),
        "ovrl": (-0.06766283, 1.11546468, 0.04602535),
    }

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(folder / "sig_bak_ovr.onnx"), options)

    def __call__(self, sound: Sound) -> dict[str, float]:
        samples = resampled(sound)
        needed = int(DNSMOS_SECONDS * RATE)
        while len(samples) < needed:
            samples = np.concatenate([samples, samples])
        raw = []
        for start in range(0, len(samples) - needed + 1, RATE):
            window = samples[None, start : start + needed]
            raw.append(self._session.run(None, {"input_1": window})[0][0])  # type: ignore[index]
        figures = np.array(raw)
        return {
            name: float(np.polyval(mapping, figures[:, index]).mean())
            for index, (name, mapping) in enumerate(self.MAPPINGS.items())
        }


def english_words(text: str) -> list[str]:
    """The words by Whisper's own English normaliser, without its table of British spellings."""
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    return EnglishTextNormalizer({})(text).split()


def chinese_signs(text: str) -> list[str]:
    """The characters in simplified script, numbers in words, without punctuation."""
    from misaki.zh_normalization.char_convert import tranditional_to_simplified

    from studio.media.reading import chinese

    plain = unicodedata.normalize("NFKC", tranditional_to_simplified(text))
    return re.findall(r"\w", chinese.spoken(plain).replace("两", "二"))


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Insertions, deletions and substitutions from one to the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        before, row[0] = row[0], index
        for place, other in enumerate(heard, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]
