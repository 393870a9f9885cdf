"""The tabs of the rail, in its order. Importing this builds none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio import families
from studio.core.i18n import N_
from studio.core.jobs import Medium
from studio.ui.services import Services
from studio.ui.tabs.base import Shell, Tab, Target


@dataclass(frozen=True)
class TabSpec:
    """A place on the rail. `title` is marked with `N_`; `icon` is a name without its weight ("article"); `medium` None:
    a place of no medium. `first`: a new window begins here."""

    id: str
    medium: Medium | None
    title: str
    icon: str
    make: Callable[[Services, Shell], Tab]
    targets: tuple[Target, ...] = ()
    first: bool = False


def _image(services: Services, shell: Shell) -> Tab:
    from studio.ui.tabs.image import ImageTab

    return ImageTab(services, shell)


def _text(services: Services, shell: Shell) -> Tab:
    from studio.ui.tabs.text import TextTab

    return TextTab(services, shell)


def _speech(services: Services, shell: Shell) -> Tab:
    from studio.ui.tabs.speech import SpeechTab

    return SpeechTab(services, shell)


def _models(services: Services, shell: Shell) -> Tab:
    from studio.ui.tabs.models.tab import ModelsTab

    return ModelsTab(services, shell)


IMAGE = TabSpec(
    "image",
    Medium.IMAGE,
    N_("Image"),
    "image-square",
    _image,
    (Target("image.picture", N_("Start from this picture"), "image-square", (Medium.IMAGE,)),),
)
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
        first=True,
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


def usable_tabs() -> tuple[TabSpec, ...]:
    """The tabs for which there can be a model: a family draws pictures, or the tab is always of use."""
    return (IMAGE, *TABS) if families.makes(Medium.IMAGE) else TABS
