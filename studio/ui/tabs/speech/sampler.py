"""Short sounds on demand: a sample of a voice, or a word as it will be said. Made by the engine, then kept."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.core import paths
from studio.core.errors import AtelierError
from studio.core.i18n import _, language
from studio.core.jobs import Job, JobState, Medium, Request, Task
from studio.core.messages import AudioDelta, CancelledJob, Done, Failed, JobEvent
from studio.media import audio
from studio.media.audio import Sound
from studio.ui.playback import PAUSED, Mark, Player, Stream
from studio.ui.services import Services
from studio.ui.tabs.speech.asking import SAMPLE, TAB
from studio.ui.tabs.speech.speakers import Speaker

# What a voice says of itself: spoken, never shown.
SENTENCES = {
    "en": "Every lantern here was folded by hand, from a single sheet of paper.",
    "zh": "这里的每一盏灯笼，都是用一张纸亲手折成的。",
    "ja": "ここの灯籠は、どれも一枚の紙から手で折られました。",
    "fr": "Chaque lanterne a été pliée à la main, dans une seule feuille de papier.",
    "de": "Jede Laterne wurde von Hand gefaltet, aus einem einzigen Blatt Papier.",
    "es": "Cada farol se dobló a mano, con una sola hoja de papel.",
    "ko": "이곳의 등불은 모두 종이 한 장을 손으로 접어 만들었습니다.",
}


@dataclass(frozen=True)
class Wish:
    """What is to be heard: `text` in `language` by `speaker`. `key` names who asked (a card, a row)."""

    key: str
    speaker: Speaker
    text: str
    language: str = ""
    lexicon: tuple[tuple[str, str], ...] = ()

    @property
    def file(self) -> Path:
        model = self.speaker.model
        said = (model.id, model.revision, self.speaker.voice.id, self.text, self.language, self.lexicon)
        name = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]
        return paths.data_dir() / "samples" / f"{name}.flac"


def sample_of(speaker: Speaker, wanted: str = "") -> Wish:
    """A sentence in the language that is asked for, the window's, or the voice's own, whichever it speaks."""
    choices = [wanted, language()[:2], *speaker.languages]
    code = next((code for code in choices if code in speaker.languages and code in SENTENCES), "")
    text = SENTENCES.get(code, SENTENCES["en"])
    return Wish(":".join(speaker.key), speaker, text, code)


class Sampler(QObject):
    """`state_changed` carries a wish's key and "loading", "playing" or ""; `failed` why one cannot be heard."""

    state_changed = Signal(str, str)
    failed = Signal(object)

    def __init__(self, services: Services, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services, self._player = services, player
        self._wish: Wish | None = None
        self._job = ""
        self._stream: Stream | None = None
        self._rest: list[Wish] = []
        services.bridge.job_event.connect(self._on_event)
        services.bridge.job_changed.connect(self._on_job)
        player.source_changed.connect(self._on_source)
        player.state_changed.connect(self._on_state)
        player.ended.connect(self._on_ended)

    @property
    def current(self) -> str:
        """The key of what is heard or made."""
        return self._wish.key if self._wish else ""

    def toggle(self, wish: Wish) -> None:
        """Hear it, or stop hearing it."""
        if self.current == wish.key:
            self.stop()
        else:
            self.play([wish])

    def play(self, wishes: list[Wish]) -> None:
        """One after the other."""
        self.stop()
        self._rest = list(wishes)
        self._next()

    def stop(self) -> None:
        self._rest = []
        wish, self._wish = self._wish, None
        if wish is None:
            return
        job, self._job = self._job, ""
        if job:
            with suppress(AtelierError):  # it has ended meanwhile
                self._services.queue.cancel(job)
        if self._stream is not None and self._player.source is self._stream:
            self._player.stop()
        self._stream = None
        self.state_changed.emit(wish.key, "")

    def _next(self) -> None:
        if not self._rest:
            return
        wish = self._wish = self._rest.pop(0)
        try:
            sound = audio.read(wish.file)
        except AtelierError:
            self._ask(wish)
            return
        self._hear(wish, sound.sample_rate)
        assert self._stream is not None
        self._stream.append(sound.samples.mean(axis=1))
        self._stream.finish()

    def _hear(self, wish: Wish, sample_rate: int) -> None:
        stream = Stream(sample_rate)
        self._player.play(stream, Mark())
        self._stream = stream  # after play: a sample that was heard before ends first
        self._wish = wish
        self.state_changed.emit(wish.key, "playing")

    def _ask(self, wish: Wish) -> None:
        row: dict[str, str] = {"text": wish.text}
        if wish.speaker.voice.id:
            row["voice"] = wish.speaker.voice.id
        if wish.language:
            row["language"] = wish.language
        params = {**wish.speaker.model.defaults, "script": [row], "lexicon": dict(wish.lexicon)}
        request = Request(
            Medium.SPEECH,
            wish.speaker.model.family,
            wish.speaker.model.id,
            Task.SPEAK,
            params,
            title=_("Sample of {voice}").format(voice=wish.speaker.voice.name),
            origin={"tab": TAB, "kind": SAMPLE},
            keep=False,
        )
        try:
            self._job = self._services.queue.submit(request).id
        except AtelierError as error:
            self._give_up(error)
            return
        self.state_changed.emit(wish.key, "loading")

    def _on_event(self, event: JobEvent) -> None:
        if not self._job or event.job != self._job or self._wish is None:
            return
        if isinstance(event, AudioDelta):
            if self._stream is None:
                self._hear(self._wish, event.sample_rate)
            assert self._stream is not None
            self._stream.append(event.payload)
        elif isinstance(event, Done):
            self._job = ""
            if self._stream is not None:
                self._stream.finish()
                self._keep(self._wish, self._stream)
            else:
                self.stop()
        elif isinstance(event, Failed | CancelledJob):
            self._job = ""
            self.stop()

    def _on_job(self, job: Job) -> None:
        if job.id == self._job and job.state in (JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED):
            self._job = ""
            self.stop()

    def _keep(self, wish: Wish, stream: Stream) -> None:
        sound = Sound(stream.part(0, stream.frames), stream.sample_rate)

        def write() -> None:
            paths.ensure(wish.file.parent)
            audio.write(wish.file, sound)

        self._services.bridge.work(write, lambda _result: None, owner=self)

    def _give_up(self, error: AtelierError) -> None:
        self.stop()
        self.failed.emit(error)

    def _on_source(self) -> None:
        """Something else is played now: the sample is over."""
        if self._stream is not None and self._player.source not in (self._stream, None):
            self.stop()

    def _on_state(self, state: str) -> None:
        if state == PAUSED and self._stream is not None and self._player.source is self._stream:
            self.stop()  # another player is heard now

    def _on_ended(self) -> None:
        if self._stream is None or self._wish is None:
            return
        key, self._wish, self._stream = self._wish.key, None, None
        self.state_changed.emit(key, "")
        self._next()
