"""Voices of all models, and which of them can say a sentence. Free of Qt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from studio.core.i18n import N_, _
from studio.core.models import ModelInfo, Voice
from studio.documents.speech import Sentence, SpeechDocument
from studio.media.reading import language_of
from studio.ui.model_picker import LANGUAGES

# Languages as their speakers write them.
NATIVE = {
    "en": "English",
    "zh": "中文",
    "ja": "日本語",
    "ko": "한국어",
    "fr": "Français",
    "de": "Deutsch",
    "es": "Español",
}
READABLE = ("en", "zh", "ja")  # told by their script
UNKNOWN = N_("a script that no voice here knows")


@dataclass(frozen=True)
class Speaker:
    """A voice with the model it belongs to."""

    model: ModelInfo
    voice: Voice

    @property
    def key(self) -> tuple[str, str]:
        return self.model.id, self.voice.id

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes without their region, the voice's own first."""
        codes = self.voice.languages or self.model.languages
        return tuple(dict.fromkeys(code.split("-")[0] for code in codes))

    def line(self) -> str:
        """ "English · 中文"."""
        return " · ".join(native(code) for code in self.languages)

    def speaks(self, language: str) -> bool:
        """Whether it can say a sentence in `language` ("" for a script nobody knows); a voice that says nothing of
        languages, or only of such as no script tells, may try."""
        if not self.languages or not set(self.languages) & set(READABLE):
            return True
        return language in self.languages


def native(code: str) -> str:
    return NATIVE.get(code) or _(LANGUAGES.get(code, code))


def language_name(code: str) -> str:
    """In the user's language, for sentences."""
    return _(LANGUAGES.get(code, code)) if code else _(UNKNOWN)


def speakers(models: Sequence[ModelInfo]) -> list[Speaker]:
    """Every voice of the models that can be used."""
    return [Speaker(model, voice) for model in models if model.usable for voice in model.voices or (_usual(model),)]


def find(models: Sequence[ModelInfo], model_id: str, voice_id: str) -> Speaker | None:
    """The voice or blend with this id; "" is the model's first."""
    model = next((item for item in models if item.id == model_id), None)
    if model is None:
        return None
    if not voice_id:
        return Speaker(model, (model.voices or (_usual(model),))[0])
    parts = shares(voice_id)
    found = [voice for id, _share in parts for voice in model.voices if voice.id == id]
    if len(found) != len(parts):
        return None
    if len(found) == 1:
        return Speaker(model, found[0])
    both = tuple(code for code in found[0].languages if all(code in voice.languages for voice in found))
    return Speaker(model, Voice(voice_id, " + ".join(voice.name for voice in found), both))


def shares(voice_id: str) -> list[tuple[str, float]]:
    """The parts of a blend, or the one voice: [("jm_kumo", 0.6), ("jf_alpha", 0.4)]."""
    parts = []
    for part in voice_id.split("+"):
        name, _colon, share = part.partition(":")
        try:
            parts.append((name, float(share) if share else 1.0))
        except ValueError:
            parts.append((name, 1.0))
    return parts


def blend(first: str, second: str, share: float) -> str:
    """The id of a voice of `share` (0 to 1) of the first and the rest of the second."""
    return f"{first}:{share:.2f}+{second}:{1 - share:.2f}"


def languages_of(document: SpeechDocument) -> list[str]:
    """The language of each sentence: its own, the reading's, or what its script tells ("" for one that nobody here
    reads). Han characters alone are Japanese in a text that is Japanese for the most part."""
    return languages(document.sentences, document.delivery.language)


def languages(sentences: Sequence[Sentence], whole: str) -> list[str]:
    """`languages_of` for a reading in the language `whole` ("auto")."""
    told = [told_by_script(sentence.text) for sentence in sentences]
    counts = Counter(told)
    most = max((code for code in counts if code != "?"), key=lambda code: counts[code], default="en")
    kanji = counts["ja"] > counts["zh"]
    meant = {code: most if code == "?" else "ja" if kanji and code == "zh" else code for code in counts}
    if whole != "auto":
        meant = dict.fromkeys(meant, whole)
    return [sentence.language or meant[code] for sentence, code in zip(sentences, told, strict=True)]


@lru_cache(maxsize=1 << 17)
def told_by_script(text: str) -> str:
    return language_of(text, default="?")


def speaker_of(document: SpeechDocument, sentence: Sentence, models: Sequence[ModelInfo]) -> Speaker | None:
    return find(models, *document.voice_of(sentence))


def can_say(sentence: Sentence, language: str, speaker: Speaker | None) -> bool:
    return speaker is not None and sayable(sentence.text) and speaker.speaks(language)


def sayable(text: str) -> bool:
    """Whether there is anything in it to say."""
    return text[:1].isalnum() or any(map(str.isalnum, text))


def _usual(model: ModelInfo) -> Voice:
    """Of a model that names no voices."""
    return Voice("", model.title, model.languages)
