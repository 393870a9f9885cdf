"""What the queue says about a job: its name, how far it is, how long it will take. No widgets."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, replace

from studio.core.errors import AtelierError, explain
from studio.core.i18n import _, n_
from studio.core.jobs import Job, JobState, Medium
from studio.core.messages import JobEvent, Phase, Progress, Started, TextDelta

MEDIUM_ICONS = {
    Medium.IMAGE: "image-square",
    Medium.TEXT: "article",
    Medium.MUSIC: "music-notes",
    Medium.SPEECH: "microphone",
    Medium.ANIMATION: "film-strip",
}
_TITLE_LENGTH = 60


@dataclass(frozen=True)
class Live:
    """What a running job reported so far. `seconds_left` is negative while it cannot be told."""

    phase: str = ""
    step: int = 0
    steps: int = 0
    seconds_left: float = -1.0
    words: int = 0
    open_word: bool = False

    @property
    def fraction(self) -> float | None:
        """0 … 1, or None while it cannot be told."""
        if self.phase == "load" or self.steps <= 0:
            return None
        return min(1.0, self.step / self.steps)

    def after(self, event: JobEvent) -> Live:
        match event:
            case Started():
                return Live(phase="start")
            case Phase(name=name):
                return replace(self, phase=name)
            case Progress(step=step, steps=steps, seconds_left=left):
                # Progress never runs backwards; a step is a sign that loading is over.
                return replace(self, phase="run", step=max(step, self.step), steps=steps, seconds_left=left)
            case TextDelta(text=text):
                words, still_open = count_on(text, self.open_word)
                return replace(self, phase="run", words=self.words + words, open_word=still_open)
        return self


def count_on(text: str, in_word: bool = False) -> tuple[int, bool]:
    """How many words begin in `text` and whether it ends inside one; an ideograph or kana is a word of its own."""
    count = 0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF" and character.isalnum():
            count += 1
            in_word = False
        elif character.isspace():
            in_word = False
        elif not in_word and character.isalnum():
            count += 1
            in_word = True
    return count, in_word


def title_of(job: Job) -> str:
    """The job's title, or the beginning of what was asked for."""
    if job.request.title:
        return job.request.title
    params = job.request.params
    text = str(params.get("prompt") or params.get("text") or "")[:1000]
    messages, script = params.get("messages") or (), params.get("script") or ()
    if not text and messages:
        text = str(messages[-1].get("content", ""))
    if not text and script:
        text = str(script[0].get("text", ""))
    text = " ".join(text.split())
    if not text:
        return _("Untitled")
    return text if len(text) <= _TITLE_LENGTH else text[: _TITLE_LENGTH - 1] + "…"


def progress_words(job: Job, live: Live) -> str:
    """How far a running job is."""
    if live.phase in ("", "start"):
        return _("Starting")
    if live.phase == "load":
        return _("Loading the model")
    if live.phase == "save":
        return _("Saving")
    if job.request.medium == Medium.TEXT:
        target = job.request.origin.get("words", "")
        if target.isdecimal() and int(target) > 0:
            return _("{count} of about {target} words").format(count=live.words, target=target)
        return n_("{count} word", "{count} words", live.words).format(count=live.words)
    if job.request.medium == Medium.SPEECH:
        steps = live.steps or len(job.request.params.get("script") or ())
        if steps > 0:
            return _("Sentence {step} of {steps}").format(step=min(live.step + 1, steps), steps=steps)
    if live.steps > 0:
        return _("Step {step} of {steps}").format(step=live.step, steps=live.steps)
    return _("Working")


def time_left(seconds: float) -> str:
    """ "6 s left", "3 min left", or nothing while it cannot be told."""
    if seconds < 0:
        return ""
    return _("{time} left").format(time=duration(max(1.0, seconds)))


def duration(seconds: float) -> str:
    """A length of time, rounded as one would say it."""
    if seconds < 10 and seconds != int(seconds):
        return _("{seconds} s").format(seconds=f"{seconds:.1f}")
    if seconds < 60:
        return _("{seconds} s").format(seconds=math.ceil(seconds))
    if seconds < 3600:
        return _("{minutes} min").format(minutes=round(seconds / 60))
    return _("{hours} h {minutes} min").format(hours=int(seconds // 3600), minutes=int(seconds % 3600 // 60))


def hold_words(problem: AtelierError) -> tuple[str, str]:
    """(what happened, what to do) where the queue paused by itself."""
    if problem.code == "disk-full":
        return _("On hold: the disk is full."), _("Free some space, then press Go on.")
    words = explain(problem.code, problem.arguments)
    return words.title, words.body


def state_words(job: Job) -> str:
    """What became of a job that is not running."""
    match job.state:
        case JobState.QUEUED:
            return _("Waiting")
        case JobState.FILED | JobState.PRODUCED:
            return _("Done in {time}").format(time=duration(max(0.1, round(job.seconds, 1))))
        case JobState.CANCELLED:
            return _("Stopped")
        case JobState.INTERRUPTED:
            return _("Interrupted when Atelier closed")
        case JobState.FAILED:
            failure = job.failure
            return explain(failure.code, dict(failure.arguments)).title if failure else _("Failed")
    return _("Starting")
