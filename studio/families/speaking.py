"""What every family that speaks has in common: its fields, the plan of who says what in which language, and the reading
itself, sentence by sentence, streamed as it is made and kept as one file at an even loudness.
"""

from __future__ import annotations

import json
import logging
import tomllib
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from studio.core.errors import AtelierError, InvalidInput
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Request
from studio.core.models import ModelInfo, Voice
from studio.core.params import Integer, Number, Pairs, Param, Rows, Seed, Text
from studio.core.protocols import Context, ModelFiles
from studio.families.ahead import Check, ahead
from studio.media.reading import language_of, split
from studio.media.reading.lexicon import Lexicon
from studio.media.reading.sentences import LANGUAGES as READ

if TYPE_CHECKING:
    from studio.media.audio import Samples
    from studio.media.narration import Narration

FILE = "speech.flac"
FORMATS = (".flac", ".wav", ".ogg", ".mp3", ".srt", ".vtt")
LANGUAGES = {"en": N_("English"), "zh": N_("Chinese"), "ja": N_("Japanese")}
LIMIT = 2_000_000  # characters: more than a day of speech
EDGE = 0.005  # s of fade at both ends of every piece, so that no border has a step
_SHOWN = 60  # characters of a sentence that a message shows
_TAGS = 8192  # bytes of a recipe besides its params

_log = logging.getLogger(__name__)

VOICE = Text(
    id="voice",
    label=N_("Voice"),
    help=N_("Who speaks. Empty: the first of the model's voices that knows the language."),
    limit=200,
    multiline=False,
)
LANGUAGE = Text(
    id="language",
    label=N_("Language"),
    help=N_("The language of the text, as in en, zh or ja; auto tells it for each sentence by its script."),
    default="auto",
    limit=35,
    multiline=False,
)
SPEED = Number(
    id="speed",
    label=N_("Speed"),
    help=N_("1 is the voice's own pace."),
    default=1.0,
    minimum=0.5,
    maximum=2.0,
)
PAUSE = Number(
    id="pause",
    label=N_("Pause"),
    help=N_("Silence between two sentences."),
    default=0.3,
    maximum=5.0,
    unit=N_("s"),
)
TEXT = Text(id="text", label=N_("Text"), help=N_("What is read aloud, sentence by sentence."), limit=LIMIT)
SCRIPT = Rows(
    id="script",
    label=N_("Script"),
    help=N_("Sentences with a voice, a language, a speed or a pause of their own, in place of a text."),
    fields=(
        Text(id="text", label=N_("Text"), limit=20_000, required=True),
        VOICE,
        LANGUAGE,
        SPEED,
        PAUSE,
        Integer(id="paragraph", label=N_("Paragraph"), maximum=1_000_000),
    ),
    advanced=True,
)
PARAMS: tuple[Param, ...] = (
    TEXT,
    SCRIPT,
    VOICE,
    LANGUAGE,
    SPEED,
    PAUSE,
    Number(
        id="paragraph_pause",
        label=N_("Paragraph pause"),
        help=N_("Silence where a new paragraph begins."),
        default=0.8,
        maximum=10.0,
        unit=N_("s"),
        advanced=True,
    ),
    Pairs(
        id="lexicon",
        label=N_("Pronunciations"),
        help=N_("How words are said: written as they sound, or in phonetic signs in square brackets."),
        advanced=True,
    ),
    Number(
        id="loudness",
        label=N_("Loudness"),
        help=N_("Loudness of the whole. -16 suits podcasts and the web, -23 broadcasting."),
        default=-16.0,
        minimum=-36.0,
        maximum=-8.0,
        step=0.5,
        decimals=1,
        unit=N_("LUFS"),
        advanced=True,
    ),
    Seed(),
)


@dataclass(frozen=True)
class Line:
    """One sentence as it will be spoken. `voice` is a voice of the model or a blend ("a:0.6+b:0.4"), `speed` 1 its own
    pace, `pause` the silence after it in s."""

    text: str
    voice: str
    language: str
    speed: float = 1.0
    pause: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether it holds nothing that can be said."""
        return not any(character.isalnum() for character in self.text)


class Speaker(Protocol):
    """A loaded model. `voices` has the usual one first; `blends`: two of them can be mixed; `alphabet`: the phonetic
    signs it knows; `workers`: how many sentences it makes at once."""

    sample_rate: int
    voices: Mapping[str, Voice]
    blends: bool
    alphabet: Collection[str]
    workers: int

    def level(self, voice: str) -> float | None:
        """The loudness in LUFS of the voice as the model makes it; None: not known."""
        ...

    def say(self, line: Line, text: str, seed: int, check: Check, first: bool) -> Iterator[Samples]:
        """The sound of `text` (the line's, with the user's pronunciations in it) in one or more pieces, shape
        (frames,), silence at the ends taken away; nothing where the model finds nothing to say. The `first` sentence
        may come in pieces so that it is heard sooner. Calls `check` at every step, which raises to stop it. Called on
        threads of its own."""
        ...


def check_request(request: Request, info: ModelInfo, blends: bool = False) -> None:
    """`FamilyModule.verify` of every family that speaks."""
    plan(request.params, {voice.id: voice for voice in info.voices}, blends)


def plan(params: Mapping[str, Any], voices: Mapping[str, Voice], blends: bool = False) -> list[Line]:
    """Who says what. Raises `InvalidInput`: nothing to say, an unknown voice, a voice that cannot speak a sentence's
    language. Without `voices` (a model that says nothing of them) any language is let through."""
    rows = params.get("script") or [
        {"text": sentence.text, "paragraph": sentence.paragraph} for sentence in split(params.get("text", ""))
    ]
    if (count := sum(len(row["text"]) for row in rows)) > LIMIT:
        raise InvalidInput("text-too-long", {"parameter": "script", "count": count, "limit": LIMIT})
    if not any(character.isalnum() for row in rows for character in row["text"]):
        written = params.get("text", "").strip() or any(row["text"].strip() for row in rows)
        raise InvalidInput("speech-nothing-to-say" if written else "prompt-empty", {"parameter": "text"})
    usual = {spec.id: params.get(spec.id, spec.default) for spec in (VOICE, LANGUAGE, SPEED, PAUSE)}
    paragraph_pause = params.get("paragraph_pause", 0.8)
    told = _tell_languages([row["text"] for row in rows])
    lines = []
    for index, row in enumerate(rows):
        wanted = {**usual, **{name: value for name, value in row.items() if value not in ("", None)}}
        named = find_voice(wanted["voice"], voices, blends)
        able = [named] if wanted["voice"] or not voices else list(voices.values())
        voice, language = _first_able(able, row["text"], wanted["language"], told[index])
        following = rows[index + 1] if index + 1 < len(rows) else {}
        pause = wanted["pause"]
        if "pause" not in row and following.get("paragraph", 0) != row.get("paragraph", 0) and following:
            pause = max(pause, paragraph_pause)
        lines.append(Line(row["text"], voice.id, language, wanted["speed"], pause))
    return lines


def find_voice(wanted: str, voices: Mapping[str, Voice], blends: bool = False) -> Voice:
    """The voice or blend called `wanted`, by its id or name; the usual one, which is the first, for ""."""
    if not voices:
        return Voice(wanted, wanted)
    if not wanted:
        return next(iter(voices.values()))
    if wanted in voices:
        return voices[wanted]
    named = [voice for voice in voices.values() if voice.name.casefold() == wanted.casefold()]
    if named:
        return named[0]
    if blends and ("+" in wanted or ":" in wanted):
        return _blend(wanted, voices)
    raise InvalidInput("voice-unknown", {"parameter": "voice", "voice": wanted, "choices": list(voices)})


def shares(voice: str) -> list[tuple[str, float]]:
    """The voices of a blend with their shares, which sum to 1. Raises `ValueError`."""
    parts = []
    for part in voice.split("+"):
        name, _colon, share = part.partition(":")
        parts.append((name.strip(), float(share) if share else 1.0))
    total = sum(share for _name, share in parts)
    if not 0 < total < float("inf") or any(share < 0 for _name, share in parts):
        raise ValueError("shares must be positive")
    return [(name, share / total) for name, share in parts]


def read_aloud(speaker: Speaker, request: Request, ctx: Context) -> list[Artifact]:
    """Speak the request's lines and keep them as one file, if it asks for one. What was finished before a failure or
    a cancel is kept too."""
    params = request.params
    lines = plan(params, speaker.voices, speaker.blends)
    lexicon = Lexicon(params.get("lexicon", {}))
    _check_signs(lines, lexicon, speaker.alphabet)
    reading = _Reading(speaker, ctx, params["loudness"], _file(ctx, speaker, params) if request.keep else None)
    parts = [partial(_say, speaker, line, lexicon, params["seed"] or 0, index == 0) for index, line in enumerate(lines)]
    try:
        with ahead(parts, ctx.check_cancel, speaker.workers) as sounds:
            for index, (line, pieces) in enumerate(zip(lines, sounds, strict=True)):
                ctx.check_cancel()
                reading.sentence(index, line, pieces)
                ctx.progress(index + 1, len(lines))
                if index + 1 < len(lines):
                    reading.silence(line.pause)
        return reading.finish()
    except BaseException:
        reading.keep_part()
        raise


def _say(speaker: Speaker, line: Line, lexicon: Lexicon, seed: int, first: bool, check: Check) -> Iterable[Samples]:
    check()
    if line.silent:
        return ()
    # The same sentence sounds the same wherever it stands, so that one can be made again alone.
    own = zlib.crc32(f"{seed}:{line.text}".encode())
    return speaker.say(line, lexicon.apply(line.text), own, check, first)


class _Reading:
    """The sound so far: streamed, and written to a file where one is kept."""

    def __init__(self, speaker: Speaker, ctx: Context, target: float, file: Narration | None) -> None:
        self._speaker, self._ctx, self._target, self._file = speaker, ctx, target, file
        self._rate = speaker.sample_rate
        self._frames = 0
        self._spoken = False
        self._gains: dict[str, float] = {}
        self._sentences: list[dict[str, Any]] = []

    def sentence(self, index: int, line: Line, pieces: Iterable[Samples]) -> None:
        start = self._frames
        for piece in pieces:
            self._spoken = self._spoken or len(piece) > 0
            self._put(self._even(piece, line.voice))
        times = {"start": start / self._rate, "end": self._frames / self._rate}
        self._sentences.append(
            {"index": index, **times, "text": line.text, "voice": line.voice, "language": line.language}
        )
        self._ctx.segment(index, times["start"], times["end"], line.text)

    def silence(self, seconds: float) -> None:
        import numpy as np

        self._put(np.zeros(round(seconds * self._rate), np.float32))

    def finish(self) -> list[Artifact]:
        if not self._spoken:
            raise AtelierError("speech-not-spoken")
        if self._file is None:
            return []
        gain = self._file.finish(self._target)
        return [self._keep(gain)]

    def keep_part(self) -> None:
        """Keep the sentences that are finished; the level they were streamed at is near enough."""
        if self._file is None:
            return
        self._file.close()
        if not self._spoken or not self._sentences:
            return
        try:
            self._keep(0.0)
        except AtelierError as error:
            _log.warning("the finished sentences were not kept: %s %s", error.code, error.details)

    def _keep(self, gain: float) -> Artifact:
        assert self._file is not None
        metadata = {
            "seconds": round(self._file.seconds, 3),
            "sample_rate": self._rate,
            "gain": round(gain, 2),
            "sentences": self._sentences,
        }
        return self._ctx.keep(FILE, "audio/flac", metadata)

    def _put(self, samples: Samples) -> None:
        if not len(samples):
            return
        if self._file:
            self._file.add(samples)
        self._frames += len(samples)
        self._ctx.audio(samples.astype("<f4", copy=False).tobytes(), self._rate, 1)

    def _even(self, samples: Samples, voice: str) -> Samples:
        """At the level asked for, the same gain for all that a voice says; peaks held, edges soft."""
        from studio.media import audio, narration

        if voice not in self._gains:
            level = self._speaker.level(voice)
            if level is None:
                level = audio.loudness(audio.Sound.mono(samples, self._rate))
            self._gains[voice] = 10 ** ((self._target - level) / 20) if level > -70 else 1.0
        raised = audio.Sound.mono(samples * self._gains[voice], self._rate)
        limited = audio.limit(raised.samples, self._rate, narration.CEILING)
        return audio.fade(audio.Sound(limited, self._rate), EDGE, EDGE).samples[:, 0]


@cache
def known_voices(family_file: str) -> tuple[dict[str, Voice], dict[str, float]]:
    """The voices in the data beside a family, and the level of each in LUFS."""
    data = tomllib.loads(Path(family_file).with_suffix(".toml").read_text(encoding="utf-8"))
    voices, levels = {}, {}
    for entry in data.get("model", []):
        for item in entry.get("voices", ()):
            voices[item["id"]] = Voice.from_json(item)
        levels.update(entry.get("levels", {}))
    return voices, levels


def trimmed(samples: Samples, sample_rate: int, keep: float = 0.03) -> Samples:
    """Without silence at both ends, but for `keep` s. A sound that is silent throughout becomes empty."""
    from studio.media import audio

    return audio.trim_silence(audio.Sound.mono(samples, sample_rate), below=-46.0, keep=keep).samples[:, 0]


def warm_up() -> None:
    """Load what the first sentence would wait for."""
    import numpy as np

    from studio.media import audio

    audio.limit(np.full((4800, 1), 2.0, np.float32), 24000, -1.0)


def unreadable(files: ModelFiles, error: Exception) -> AtelierError:
    return AtelierError("model-not-readable", {"model": files.title or files.id}, details=repr(error))


def _file(ctx: Context, speaker: Speaker, params: Mapping[str, Any]) -> Narration:
    from studio.media.narration import Narration

    return Narration(ctx.path(FILE), speaker.sample_rate, len(json.dumps(dict(params))) + _TAGS)


def _tell_languages(texts: Sequence[str]) -> list[str]:
    """The language of each text by its script: "" for a script that no rules read. One without letters is in the
    language of the most; one of Han characters only is Japanese among sentences that are Japanese for the most part."""
    told = [language_of(text, default="?") for text in texts]
    counts = Counter(told)
    most = next((language for language, _count in counts.most_common() if language != "?"), "?")
    kanji = counts["ja"] > counts["zh"]
    return [most if language == "?" else "ja" if kanji and language == "zh" else language for language in told]


def _first_able(voices: Sequence[Voice], text: str, wanted: str, told: str) -> tuple[Voice, str]:
    """The first of `voices` that speaks the language of `text`, and that language. Raises what the first one raises."""
    refused: list[InvalidInput] = []
    for voice in voices:
        try:
            return voice, _language(text, wanted, told, voice)
        except InvalidInput as error:
            refused.append(error)
    raise refused[0]


def _language(text: str, wanted: str, told: str, voice: Voice) -> str:
    """The code of `voice.languages` to read `text` in."""
    if not voice.languages:
        return told if wanted == "auto" else wanted
    bases = {code.split("-")[0]: code for code in reversed(voice.languages)}
    if wanted == "auto":
        if not bases.keys() & set(READ):
            return voice.languages[0]  # a voice of another language: its own tokenizer says what it can read
        code = voice.languages[0].split("-")[0] if told == "?" else told
    else:
        code = wanted.replace("_", "-").split("-")[0].lower()
    if code in bases:
        return code
    arguments = {"parameter": "voice", "voice": voice.name, "text": _short(text)}
    choices = _who_speaks(code) if code else []
    if choices:
        language = LANGUAGES.get(code, code)
        raise InvalidInput("voice-language", {**arguments, "language": language, "choices": choices})
    if wanted != "auto":
        known = list(dict.fromkeys((*LANGUAGES, *bases)))
        raise InvalidInput("language-unknown", {"parameter": "language", "language": wanted, "choices": known})
    raise InvalidInput("voice-language-none", {**arguments, "choices": list(LANGUAGES.values())})


def _who_speaks(language: str) -> list[str]:
    """Voices of the built-in models, of any family, that speak `language`, with the model's name."""
    from studio import families

    found = []
    for family in families.all().values():
        source = Path(str(getattr(family, "__file__", ""))).with_suffix(".toml")
        entries = tomllib.loads(source.read_text(encoding="utf-8")).get("model", []) if source.is_file() else []
        for entry in entries:
            for item in entry.get("voices", ()) if "starter" in entry else ():
                if language in [code.split("-")[0] for code in item["languages"]]:
                    found.append(f"{item['name']} ({entry['title']})")
    return found


def _blend(wanted: str, voices: Mapping[str, Voice]) -> Voice:
    example = ":0.6+".join(list(voices)[:2]) + ":0.4"
    wrong = InvalidInput("voice-blend", {"parameter": "voice", "voice": wanted, "example": example})
    try:
        parts = shares(wanted)
    except ValueError:
        raise wrong from None
    if not 1 <= len(parts) <= 2:
        raise wrong
    mixed = [find_voice(name, voices) for name, _share in parts]
    languages = [code for code in mixed[0].languages if all(code in voice.languages for voice in mixed)]
    ids = "+".join(f"{voice.id}:{share:g}" for voice, (_name, share) in zip(mixed, parts, strict=True))
    return Voice(ids, " + ".join(voice.name for voice in mixed), tuple(languages))


def _check_signs(lines: Sequence[Line], lexicon: Lexicon, alphabet: Collection[str]) -> None:
    for line in lines:
        for word, signs in lexicon.unknown_signs(line.text, alphabet).items():
            raise InvalidInput("phonemes-unknown", {"parameter": "lexicon", "word": word, "signs": signs})


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN].rstrip() + "…"
