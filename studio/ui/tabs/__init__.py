"""The tabs of the rail, in its order. Importing this builds none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.core.i18n import N_
from studio.core.jobs import Medium
from studio.ui.services import Services
from studio.ui.tabs.base import Shell, Tab, Target


@dataclass(frozen=True)
class TabSpec:
    """A place on the rail. `title` is marked with `N_`; `icon` is a name without its weight ("article"); `medium` None:
    a place of no medium."""

    id: str
    medium: Medium | None
    title: str
    icon: str
    make: Callable[[Services, Shell], Tab]
    targets: tuple[Target, ...] = ()


def _text(services: Services, shell: Shell) -> Tab:
    from studio.ui.tabs.text import TextTab

    return TextTab(services, shell)


def _speech(services: Services, shell: Shell) -> Tab:
    from studio.ui.tabs.speech import SpeechTab

    return SpeechTab(services, shell)


def _models(services: Services, shell: Shell) -> Tab:
    from studio.ui.tabs.models.tab import ModelsTab

    return ModelsTab(services, shell)


TABS: tuple[TabSpec, ...] = (
    TabSpec(
        "text",
        Medium.TEXT,
        N_("Text"),
        "article",
        _text,
        (
            Target("text.write", N_("Brief for a new text"), "article", (Medium.TEXT,)),
            Target("text.rework", N_("Rework"), "pencil-line", (Medium.TEXT,)),
            Target("text.chat", N_("Chat"), "chats", (Medium.TEXT,)),
        ),
    ),
    TabSpec(
        "speech",
        Medium.SPEECH,
        N_("Speech"),
        "microphone",
        _speech,
        (Target("speech.read", N_("Read aloud"), "microphone", (Medium.TEXT,)),),
    ),
    TabSpec("models", None, N_("Models"), "cube", _models),
)
