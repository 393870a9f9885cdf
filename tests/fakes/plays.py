"""Plays: what a fake engine does with a job. Called as `play(request, ctx)`; returns artefacts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.core.errors import AtelierError
from studio.core.jobs import Artifact, Request
from tests.fakes.fake_context import FakeContext

STORY = (
    "The lighthouse keeper counted the ships by their lamps. On the third night of the storm there was one lamp too "
    "many, low and green, and it did not move with the water.\n\nShe put on her coat and went down to the landing."
)


Play = Callable[[Request, FakeContext], list[Artifact]]


@dataclass
class Writing:
    """A play that streams `text` (or what it answers to the request) word by word. `words_per_second` 0: at once;
    `pause_at`: stands still after so many words until `FakeEngine.release`."""

    text: str | Callable[[Request], str] = STORY
    words_per_second: float = 0.0
    pause_at: int | None = None
    context: int = 2048

    def __call__(self, request: Request, ctx: FakeContext) -> list[Artifact]:
        text = self.text if isinstance(self.text, str) else self.text(request)
        pieces = re.findall(r"\s*\S+", text)
        limit = int(request.params.get("max_new_tokens") or len(pieces))
        prompt = count_words(request)
        for number, piece in enumerate(pieces[:limit], 1):
            ctx.check_cancel()
            if self.words_per_second:
                ctx.sleep(1 / self.words_per_second)
            ctx.text(piece)
            ctx.usage(
                prompt_tokens=prompt,
                written_tokens=number,
                context_tokens=self.context,
                tokens_per_second=self.words_per_second or 1000.0,
            )
            ctx.progress(number, min(limit, len(pieces)))
            if number == self.pause_at:
                ctx.wait()
        if not request.keep:
            return []
        written = "".join(pieces[:limit])
        finish = "length" if limit < len(pieces) else "stop"
        facts = {"words": len(written.split()), "tokens": min(limit, len(pieces)), "finish": finish}
        return [ctx.write("text.txt", written.encode(), "text/plain", facts)]


def fails(code: str, details: str = "", **arguments: Any) -> Play:
    """A play that fails with `code`."""

    def play(request: Request, ctx: FakeContext) -> list[Artifact]:
        raise AtelierError(code, arguments, details)

    return play


def crashes(request: Request, ctx: FakeContext) -> list[Artifact]:
    """A play in which the engine dies."""
    ctx.crash()
    return []


def hangs(request: Request, ctx: FakeContext) -> list[Artifact]:
    """A play in which the engine stands still, deaf to a cancel, until it is released."""
    ctx.hang()
    return []


def count_words(request: Request) -> int:
    """What stands for the prompt's tokens in the fake."""
    messages = request.params.get("messages", ())
    said = " ".join(message["content"] for message in messages)
    return len(f"{request.params.get('system', '')} {request.params.get('prompt', '')} {said}".split())
