"""VITS voices through transformers, MMS (a voice for each of a thousand languages) among them. Safetensors only.

Models whose text must first be spelt phonetically or in Latin letters by espeak or uroman are refused in words: those
programs do not come with this one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
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
    id="vits",
    version=1,
    medium=Medium.SPEECH,
    title=N_("VITS voice (transformers)"),
    tasks=(Task.SPEAK,),
    params=(
        *speaking.PARAMS,
        Number(
            id="noise_scale",
            label=N_("Liveliness"),
            help=N_("How much the voice varies its tone. 0 is flat and always the same."),
            default=0.667,
            maximum=1.5,
            advanced=True,
        ),
        Number(
            id="noise_scale_duration",
            label=N_("Rhythm"),
            help=N_("How much the voice varies the length of sounds. 0 is even."),
            default=0.8,
            maximum=1.5,
            advanced=True,
        ),
    ),
    formats=speaking.FORMATS,
    libraries=("transformers", "torch"),
)
_LONGEST = 200  # characters that are made at once
# MMS names languages by ISO 639-3; those that have a shorter code are shown by it.
_SHORT = {"eng": "en", "deu": "de", "fra": "fr", "spa": "es", "por": "pt", "rus": "ru", "kor": "ko", "vie": "vi"}
_SHORT |= {"ara": "ar", "hin": "hi", "tur": "tr", "nld": "nl", "pol": "pl", "ukr": "uk", "ind": "id", "tha": "th"}


def recognises(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") == "vits" and config.get("architectures") == ["VitsModel"]


class Speaker:
    """A VITS model; one with several speakers has a voice for each. See `speaking.Speaker`."""

    blends = False
    workers = 1

    def __init__(self, network: Any, tokenizer: Any, voices: Mapping[str, Voice], device: Device) -> None:
        self.voices: Mapping[str, Voice] = voices
        self.alphabet: Collection[str] = ()
        self.sample_rate = int(network.config.sampling_rate)
        self._network, self._tokenizer, self._device = network, tokenizer, device
        self.params: Mapping[str, Any] = {}

    def level(self, voice: str) -> float | None:
        return None

    def say(self, line: speaking.Line, text: str, seed: int, check: speaking.Check, first: bool) -> Iterator[Samples]:
        import numpy as np

        written = english.in_letters(text) if line.language.startswith("en") else english.without_emoji(text)
        several = self._network.config.num_speakers > 1
        self._network.noise_scale = self.params["noise_scale"]
        self._network.noise_scale_duration = self.params["noise_scale_duration"]
        for part in split(written, _LONGEST):
            inputs = self._tokenizer(part.text, return_tensors="pt").to(self._network.device)
            if inputs["input_ids"].shape[1] < 3:  # blanks only: no sign that this voice reads
                continue
            with torch_voice.inference(self._network, self._device, seed, check):
                made = self._network(
                    **inputs,
                    speaker_id=int(line.voice) if several else None,
                    speaking_rate=self._network.config.speaking_rate * line.speed,
                )
            yield speaking.trimmed(np.asarray(made.waveform[0].float().cpu(), np.float32), self.sample_rate)


def load(files: ModelFiles, device: Device) -> Speaker:
    from transformers import VitsModel, VitsTokenizer

    settings = _tokenizer_settings(files)
    for setting, tool in (("phonemize", "espeak"), ("is_uroman", "uroman")):
        if settings.get(setting):
            raise AtelierError("voice-needs-tool", {"model": files.title or files.id, "tool": tool})
    torch_voice.use_threads(device)
    try:
        tokenizer = VitsTokenizer.from_pretrained(files.root, local_files_only=True)
        network = VitsModel.from_pretrained(files.root, local_files_only=True, use_safetensors=True)
        network.to(device.id)  # type: ignore[arg-type]
        speaking.warm_up()
    except MemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise speaking.unreadable(files, error) from error
    return Speaker(network.eval(), tokenizer, {voice.id: voice for voice in _voices(files)}, device)


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
    """Bytes that the loaded model holds: the weights and working space."""
    stored = sum(path.stat().st_size for name, path in files.paths.items() if name.endswith(".safetensors"))
    return stored + (300 << 20)


def wanted(names: Collection[str]) -> tuple[str, ...]:
    return repositories.transformers_files(names)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`; weights of four bytes."""
    weights = size or 4 * parameters
    return weights + (300 << 20) if weights else 0


def describe(files: ModelFiles) -> dict[str, Any]:
    """Fields of `ModelInfo` that the repository itself tells."""
    voices = _voices(files)
    return {"voices": voices, "languages": voices[0].languages}


def _voices(files: ModelFiles) -> tuple[Voice, ...]:
    language = str(_tokenizer_settings(files).get("language") or "")
    languages = (_SHORT.get(language, language),) if language else ()
    count = files.config.get("num_speakers", 1)
    if not isinstance(count, int) or count < 2:
        return (Voice("voice", files.title or files.id, languages),)
    return tuple(Voice(str(index), str(index + 1), languages) for index in range(count))


def _tokenizer_settings(files: ModelFiles) -> Mapping[str, Any]:
    try:
        found = json.loads(files.paths["tokenizer_config.json"].read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
