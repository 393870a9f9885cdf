"""A reading as one file: its takes joined with their pauses at an even loudness, or its words as subtitles."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import families
from studio.core.errors import AtelierError, from_os_error
from studio.core.files import write_bytes
from studio.core.i18n import N_
from studio.core.jobs import Medium, Task
from studio.core.models import ModelInfo
from studio.core.recipe import Recipe
from studio.documents.speech import Delivery, SpeechDocument
from studio.documents.takes import Takes
from studio.ui.tabs.speech.speakers import sayable

if TYPE_CHECKING:
    from studio.media.audio import Samples
    from studio.media.sound_edit import Ends, Span
    from studio.media.subtitles import Cue

# suffix: (what the button says, what the menu says)
FORMATS = {
    ".wav": (N_("Export WAV"), N_("WAV, 24 bits")),
    ".flac": (N_("Export FLAC"), N_("FLAC, smaller without loss")),
    ".ogg": (N_("Export OGG"), N_("OGG Vorbis")),
    ".mp3": (N_("Export MP3"), N_("MP3")),
    ".srt": (N_("Export SRT"), N_("Subtitles (SRT)")),
    ".vtt": (N_("Export VTT"), N_("Subtitles (WebVTT)")),
}
LOUDNESS = -16.0
ENDS = "ends"  # the field of a recipe that tells of trim and fades, which no family does
_TAGS = 8192  # bytes of a recipe besides its params


@dataclass(frozen=True)
class Piece:
    """A sentence that has a sound: its take, what it says, and the silence after it, in s."""

    take: str
    seconds: float
    text: str
    pause: float


@dataclass(frozen=True)
class Order:
    """All that a file is made from, as it is now; the document may change meanwhile. `ends`: how it begins and ends;
    `left_out` sentences have no sound yet."""

    takes: Takes
    pieces: tuple[Piece, ...]
    loudness: float
    ends: Ends
    recipe: Recipe
    left_out: int = 0


def order(document: SpeechDocument, models: Sequence[ModelInfo]) -> Order:
    made = [(index, sentence) for index, sentence in enumerate(document.sentences) if sentence.take]
    pieces = [
        Piece(sentence.take, sentence.seconds, sentence.text, document.pause_after(index)) for index, sentence in made
    ]
    if pieces:
        last = pieces[-1]
        pieces[-1] = Piece(last.take, last.seconds, last.text, 0.0)
    loudness = float(document.delivery.params.get("loudness", LOUDNESS))
    left_out = sum(not sentence.take and sayable(sentence.text) for sentence in document.sentences)
    ends = ends_of(document.delivery)
    return Order(document.takes, tuple(pieces), loudness, ends, recipe_of(document, models), left_out)


def ends_of(delivery: Delivery) -> Ends:
    from studio.media.sound_edit import Ends

    return Ends(delivery.trim, delivery.fade_in, delivery.fade_out)


def recipe_of(document: SpeechDocument, models: Sequence[ModelInfo]) -> Recipe:
    """How the reading can be made again. Sentences by another model keep their words and are read by this one."""
    delivery = document.delivery
    model = next((item for item in models if item.id == delivery.model), None)
    family = model.family if model else ""
    paragraph = 0
    script = []
    for sentence in document.sentences:
        paragraph += sentence.opens
        row: dict[str, Any] = {"text": sentence.text, "paragraph": paragraph}
        if sentence.voice and sentence.model in ("", delivery.model):
            row["voice"] = sentence.voice
        if sentence.language:
            row["language"] = sentence.language
        if sentence.speed:
            row["speed"] = sentence.speed
        if sentence.pause >= 0:
            row["pause"] = sentence.pause
        script.append(row)
    params = {
        **delivery.params,
        "script": script,
        "voice": delivery.voice,
        "language": delivery.language,
        "speed": delivery.speed,
        "pause": delivery.pause,
        "paragraph_pause": delivery.paragraph_pause,
        "lexicon": dict(delivery.lexicon),
    }
    version = families.get(family).SPEC.version if family else 1
    return Recipe(
        Medium.SPEECH,
        family,
        version,
        delivery.model,
        Task.SPEAK,
        params,
        model_revision=model.revision if model else "",
        title=document.title,
        extra={ENDS: vars(ends)} if (ends := ends_of(delivery)) != ends_of(Delivery()) else {},
    )


def export(wish: Order, path: Path) -> Path:
    """Write the file, in one step. Raises `AtelierError` in words."""
    from studio.media import carriers, subtitles

    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise AtelierError("format-unknown", {"suffix": path.suffix, "choices": list(FORMATS)})
    if not path.parent.is_dir():
        raise AtelierError("folder-missing", {"path": str(path.parent)})
    try:
        if suffix in subtitles.FORMATS:
            write_bytes(path, subtitles.FORMATS[suffix](_cues(wish)).encode("utf-8"))
            return path
        _write_sound(wish, path)
        carriers.embed(path, wish.recipe)
    except AtelierError as error:
        if error.code == "file-missing" and error.arguments.get("path") == str(path):
            # The folder is there and takes no files, as /proc.
            raise AtelierError("not-writable", {"path": str(path.parent)}, error.details) from error
        raise
    return path


def _cues(wish: Order) -> list[Cue]:
    """When each sentence is said in the file that `export` writes."""
    from studio.media.subtitles import Cue

    cues, start = [], 0.0
    for piece in wish.pieces:
        cues.append(Cue(start, start + piece.seconds, piece.text))
        start += piece.seconds + piece.pause
    if not wish.ends.trim or not wish.pieces:
        return cues
    rate = _rate(wish)
    kept = _kept(wish, rate)
    first, length = kept.first / rate, kept.frames / rate
    return [Cue(max(0.0, cue.start - first), min(cue.end - first, length), cue.text) for cue in cues]


def _write_sound(wish: Order, path: Path) -> None:
    from studio.media import audio
    from studio.media.narration import Narration
    from studio.media.sound_edit import shaped

    rate = _rate(wish)
    try:
        with tempfile.TemporaryDirectory(prefix=".atelier-", dir=path.parent) as folder:
            whole = Path(folder) / "speech.flac"
            narration = Narration(whole, rate, len(wish.recipe.dumps()) + _TAGS)
            try:
                # Shaped before the loudness is measured: the file is as loud as asked, whatever its ends are like.
                for samples in shaped(_sounds(wish, rate), rate, _kept(wish, rate), wish.ends):
                    narration.add(samples)
                narration.finish(wish.loudness)
            finally:
                narration.close()
            audio.convert(whole, path)
    except OSError as error:
        raise from_os_error(error, path) from error


def _rate(wish: Order) -> int:
    return wish.takes.read(wish.pieces[0].take).sample_rate if wish.pieces else 24000


def _kept(wish: Order, rate: int) -> Span:
    from studio.media.sound_edit import span

    total = sum(math.ceil(round(piece.seconds * rate, 3)) + round(piece.pause * rate) for piece in wish.pieces)
    return span(total, rate, wish.ends, lambda: _sounds(wish, rate), lambda: _sounds(wish, rate, backwards=True))


def _sounds(wish: Order, rate: int, *, backwards: bool = False) -> Iterator[Samples]:
    """The takes and the pauses between them, from the front or from the back."""
    for piece in reversed(wish.pieces) if backwards else wish.pieces:
        if backwards:
            yield _silence(piece.pause, rate)
        yield _mono(wish.takes, piece.take, rate)
        if not backwards:
            yield _silence(piece.pause, rate)


def _mono(takes: Takes, name: str, rate: int) -> Samples:
    from studio.media import audio
    from studio.media.resampling import resample

    sound = takes.read(name)
    mono = audio.Sound(sound.samples.mean(axis=1, keepdims=True), sound.sample_rate)
    return audio.fade(resample(mono, rate), 0.004, 0.004).samples[:, 0]


def _silence(seconds: float, rate: int) -> Samples:
    import numpy as np

    return np.zeros(round(seconds * rate), np.float32)
