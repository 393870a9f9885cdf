"""What a picture shows: a name and how to bring the window there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.studio import Studio


@dataclass(frozen=True)
class Scene:
    """`show(studio)` brings a fresh program into the state; it must not depend on the language. `welcomed` False is a
    first start. `settings` are values of `core.settings`."""

    name: str
    show: Callable[[Studio], None]
    welcomed: bool = True
