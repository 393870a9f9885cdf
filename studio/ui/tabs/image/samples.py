"""What there is to begin with: three short prompts."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.i18n import _


@dataclass(frozen=True)
class SamplePrompt:
    """`title` is in the language of the window; `prompt` in English, which every model reads."""

    title: str
    icon: str
    prompt: str


def samples() -> list[SamplePrompt]:
    return [
        SamplePrompt(_("A fox sticker"), "paw-print", "A fox, glossy 3D sticker with a white edge"),
        SamplePrompt(_("A castle on a hill"), "buildings", "A castle on a hill at dusk, warm light in the windows"),
        SamplePrompt(_("A whale, soft clay"), "drop", "A blue whale, soft clay, plain background"),
    ]
