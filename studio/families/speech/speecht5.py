"""SpeechT5 through transformers: English in the manner of a speaker given by a vector. Safetensors only.

Beside the model's own files its folder holds `vocoder/` (a SpeechT5 HiFi-GAN repository) and `speakers/`, a vector of
512 numbers for each voice (`<name>.npy`); without speakers there is one neutral voice. In the Hugging Face cache the
vocoder may also lie beside the model, as `microsoft/speecht5_hifigan`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import AtelierError
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo, Voice
from studio.core.params import Number
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import repositories, speaking, torch_voice
from studio.media.reading import english, split

if TYPE_CHECKING:
    from studio.media.audio import Samples

SPEC = Family(
    id="speecht5",
    version=1,
    medium=Medium.SPEECH,
    title=N_("SpeechT5 (transformers)"),
    tasks=(Task.SPEAK,),
    params=(
        *speaking.PARAMS,
        Number(
            id="threshold",
            label=N_("End of speech"),
            help=N_("How sure the model must be that a sentence is over. Lower ends sooner."),
            default=0.5,
            minimum=0.05,
            maximum=0.95,
            advanced=True,
        ),
        Number(
            id="minlenratio",
            label=N_("Shortest"),
            help=N_("The least length of a sentence, in frames for each letter."),
            maximum=10.0,
            advanced=True,
        ),
        Number(
            id="maxlenratio",
            label=N_("Longest"),
            help=N_("The greatest length of a sentence, in frames for each letter."),
            default=20.0,
            minimum=5.0,
            maximum=40.0,
            advanced=True,
        ),
    ),
    formats=speaking.FORMATS,
    libraries=("transformers", "torch"),
)
_RATE = 16_000
_LONGEST = 200  # characters that are made at once
_VOCODER = "models--microsoft--speecht5_hifigan"
_NEUTRAL = "neutral"
_PICKLED = repositories.PICKLED


def recognises(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") == "speecht5" and config.get("architectures") == ["SpeechT5ForTextToSpeech"]


class Speaker:
    """A SpeechT5 model with its vocoder. See `speaking.Speaker`. `vectors` maps a voice to its numbers."""

    sample_rate = _RATE
    blends = False
    workers = 1

    def __init__(
        self,
        network: Any,
        vocoder: Any,
        tokenizer: Any,
        voices: Mapping[str, Voice],
        vectors: Mapping[str, Any],
        device: Device,
    ) -> None:
        self.voices: Mapping[str, Voice] = voices
        self.alphabet: Collection[str] = ()
        self._network, self._vocoder, self._tokenizer = network, vocoder, tokenizer
        self._vectors, self._device = vectors, device
        self.params: Mapping[str, Any] = {}

    def level(self, voice: str) -> float | None:
        return None

    def say(self, line: speaking.Line, text: str, seed: int, check: speaking.Check, first: bool) -> Iterator[Samples]:
        import numpy as np
        import torch

        vector = torch.from_numpy(self._vectors[line.voice]).to(self._network.device)[None]
        for part in split(english.in_letters(text), _LONGEST):
            ids = self._tokenizer(part.text, return_tensors="pt")["input_ids"].to(self._network.device)
            with torch_voice.inference(self._network, self._device, seed, check):
                made = self._network.generate_speech(
                    ids,
                    speaker_embeddings=vector,
                    vocoder=self._vocoder,
                    threshold=self.params["threshold"],
                    minlenratio=self.params["minlenratio"],
                    maxlenratio=max(self.params["maxlenratio"], self.params["minlenratio"]),
                )
            samples = np.asarray(made.float().cpu(), np.float32)
            yield _at_speed(speaking.trimmed(samples, _RATE), line.speed)


def load(files: ModelFiles, device: Device) -> Speaker:
    from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

    place = _vocoder(files)
    if place is None:
        raise AtelierError("model-files-missing", {"model": files.title or files.id, "files": ["vocoder"]})
    torch_voice.use_threads(device)
    options: dict[str, Any] = {"local_files_only": True}
    try:
        tokenizer = SpeechT5Tokenizer.from_pretrained(files.root, **options)
        network = SpeechT5ForTextToSpeech.from_pretrained(files.root, use_safetensors=True, **options)
        vocoder = SpeechT5HifiGan.from_pretrained(place, use_safetensors=True, **options)
        for part in (network, vocoder):
            part.to(device.id)  # type: ignore[arg-type]
        vectors = _vectors(files, int(network.config.speaker_embedding_dim))
        speaking.warm_up()
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise speaking.unreadable(files, error) from error
    voices = {voice.id: voice for voice in _voices(files)}
    return Speaker(network.eval(), vocoder.eval(), tokenizer, voices, vectors, device)


def run(model: Speaker, request: Request, ctx: Context) -> list[Artifact]:
    request = SPEC.check(request)
    model.params = request.params
    return speaking.read_aloud(model, request, ctx)


def verify(request: Request, info: ModelInfo) -> None:
    speaking.check_request(request, info)


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: the weights, the vocoder and working space."""
    stored = sum(path.stat().st_size for name, path in files.paths.items() if name.endswith(".safetensors"))
    return stored + (400 << 20)


def wanted(names: Collection[str]) -> tuple[str, ...]:
    needed = repositories.transformers_files(names)
    beside = [name for name in names if name.startswith(("vocoder/", "speakers/")) and not name.endswith(_PICKLED)]
    return (*needed, *sorted(beside)) if needed else ()


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`; weights of four bytes."""
    weights = size or 4 * parameters
    return weights + (400 << 20) if weights else 0


def describe(files: ModelFiles) -> dict[str, Any]:
    """Fields of `ModelInfo` that the repository itself tells."""
    return {"voices": _voices(files), "languages": ("en",)}


def _voices(files: ModelFiles) -> tuple[Voice, ...]:
    names = [path.stem for path in _speakers(files)] or [_NEUTRAL]
    return tuple(Voice(name, name.replace("_", " ").capitalize(), ("en",)) for name in names)


def _speakers(files: ModelFiles) -> list[Path]:
    folder = files.root / "speakers"
    return sorted(folder.glob("*.npy")) if folder.is_dir() else []


def _vectors(files: ModelFiles, size: int) -> dict[str, Any]:
    import numpy as np

    found = {}
    for path in _speakers(files):
        vector = np.load(path, allow_pickle=False).astype(np.float32).reshape(-1)
        if len(vector) != size:
            raise ValueError(f"{path.name} has {len(vector)} numbers, not {size}")
        found[path.stem] = vector
    return found or {_NEUTRAL: np.zeros(size, np.float32)}


def _vocoder(files: ModelFiles) -> Path | None:
    inside = files.root / "vocoder"
    if (inside / "config.json").is_file():
        return inside
    if files.root.parent.name != "snapshots":
        return None
    snapshots = (files.root.parents[2] / _VOCODER / "snapshots").glob("*/model.safetensors")
    return next((weights.parent for weights in sorted(snapshots)), None)


def _at_speed(samples: Samples, speed: float) -> Samples:
    """The model has no pace of its own: the sound is stretched with its pitch kept (WSOLA)."""
    from studio.media.audio import stretch

    return samples if speed == 1.0 else stretch(samples, _RATE, speed)
