"""A text of another tab read aloud: by a voice that knows its language, heard while the rest is made, kept nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from studio.core.errors import AtelierError, explain
from studio.core.i18n import _
from studio.core.jobs import Failure, Job, JobState, Medium, Request, Task, new_id
from studio.core.messages import AudioDelta, CancelledJob, Done, JobEvent
from studio.core.models import ModelInfo
from studio.documents.speech import Sentence
from studio.media.reading import split
from studio.ui.playback import PAUSED, Mark, Player, Stream
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.speech.asking import TAB
from studio.ui.tabs.speech.incoming import readable
from studio.ui.tabs.speech.memory import Memory
from studio.ui.tabs.speech.speakers import Speaker, find, language_name, languages, speakers

ALOUD = "aloud"


class ReadAloud(QObject):
    """One text at a time. `changed` carries its key and "loading", "playing" or "" (over)."""

    changed = Signal(str, str)

    def __init__(self, services: Services, shell: Shell, parent: QObject, player: Player | None = None) -> None:
        super().__init__(parent)
        self._services, self._shell = services, shell
        self.player = player or Player(self)
        self._memory = Memory(services.settings)
        self._key = self._job = ""
        self._stream: Stream | None = None
        services.bridge.job_event.connect(self._on_event)
        services.bridge.job_changed.connect(self._on_job)
        self.player.ended.connect(self.stop)
        self.player.state_changed.connect(self._on_state)

    @property
    def current(self) -> str:
        """The key of what is read, or ""."""
        return self._key

    def toggle(self, key: str, text: str) -> None:
        """Read `text`, or stop reading it."""
        again = key == self._key
        self.stop()
        if not again:
            self._begin(key, text)

    def stop(self) -> None:
        key, job = self._key, self._job
        self._key = self._job = ""
        self._stream = None
        if job:
            with suppress(AtelierError):  # it has ended meanwhile
                self._services.queue.cancel(job)
        if key:
            self.player.stop()
            self.changed.emit(key, "")

    def _on_state(self, state: str) -> None:
        if state == PAUSED:  # something else is heard now
            self.stop()

    def _begin(self, key: str, text: str) -> None:
        pieces = split(readable(text))
        models = [model for model in self._services.bridge.models if model.medium == Medium.SPEECH and model.usable]
        if not pieces:
            words = explain("speech-nothing-to-say", {})
            self._shell.toast(words.title, kind="info", detail=words.body)
            return
        if not models:
            self._shell.show_error(AtelierError("starter-missing"))
            return
        told = languages([Sentence("", piece.text) for piece in pieces], "auto")
        speaker = self._speaker(models, told)
        if speaker is None:
            self._tell_languages(models, told)
            return
        script = [
            {"text": piece.text, "paragraph": piece.paragraph}
            | ({"voice": speaker.voice.id} if speaker.voice.id else {})
            | ({"language": language} if language in speaker.languages else {})
            for piece, language in zip(pieces, told, strict=True)
            if speaker.speaks(language)
        ]
        delivery = self._memory.delivery()
        params = {"script": script, "speed": delivery.speed, "lexicon": dict(delivery.lexicon)}
        request = Request(
            Medium.SPEECH,
            speaker.model.family,
            speaker.model.id,
            Task.SPEAK,
            {**speaker.model.defaults, **params},
            title=_("Reading aloud"),
            origin={"tab": TAB, "kind": ALOUD},
            keep=False,
        )
        self._key, self._job = key, new_id()
        try:
            self._services.queue.submit(request, job_id=self._job)
        except AtelierError as error:
            self._key = self._job = ""
            self._shell.show_error(error)
            return
        self.changed.emit(key, "loading")

    def _speaker(self, models: Sequence[ModelInfo], told: Sequence[str]) -> Speaker | None:
        """Who can say most of it: the voice that was chosen for reading, where it is as good as any; None if nobody
        speaks the language of the most."""
        most = Counter(told).most_common(1)[0][0]
        delivery = self._memory.delivery()
        chosen = find(models, delivery.model, delivery.voice)
        able = [who for who in ([chosen] if chosen else []) + speakers(models) if who.speaks(most)]
        return max(able, key=lambda who: sum(map(who.speaks, told)), default=None)

    def _tell_languages(self, models: Sequence[ModelInfo], told: Sequence[str]) -> None:
        language = language_name(Counter(told).most_common(1)[0][0])
        codes = dict.fromkeys(code for who in speakers(models) for code in who.languages)
        words = _("No voice here can read this aloud: it is in {language}.").format(language=language)
        names = _(", ").join(map(language_name, codes))
        self._shell.toast(words, kind="info", detail=_("There are voices for {languages}.").format(languages=names))

    def _on_event(self, event: JobEvent) -> None:
        if not self._job or event.job != self._job:
            return
        if isinstance(event, AudioDelta):
            if self._stream is None:
                stream = self._stream = Stream(event.sample_rate)
                self.player.play(stream, Mark())
                self.changed.emit(self._key, "playing")
            self._stream.append(event.payload)
        elif isinstance(event, Done):
            self._job = ""
            if self._stream is not None:
                self._stream.finish()
            else:
                self.stop()
        elif isinstance(event, CancelledJob):
            self._job = ""
            self.stop()

    def _on_job(self, job: Job) -> None:
        if job.id != self._job or job.state not in (JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED):
            return
        self._job = ""
        if self._stream is not None:
            self._stream.finish()  # what was made is heard to its end
        else:
            self.stop()
        if job.state is JobState.FAILED:
            with suppress(AtelierError):
                self._services.queue.remove(job.id)  # asked for again, nobody would hear it
            failure = job.failure or Failure("internal")
            self._shell.show_error(AtelierError(failure.code, dict(failure.arguments), failure.details))
