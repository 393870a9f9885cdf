"""What the window asks of a tab, and what a tab may ask of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from studio.core.errors import AtelierError
from studio.core.jobs import Medium

if TYPE_CHECKING:
    from studio.core.models import ModelInfo
    from studio.core.recipe import Recipe
    from studio.library import Item
    from studio.ui.services import Services


@dataclass(frozen=True)
class Command:
    """An action of the palette. `title` and `group` are words in the user's language; `shortcut` as in QKeySequence
    ("Ctrl+Return"). A shortcut works while its tab is shown."""

    id: str
    title: str
    run: Callable[[], Any]
    shortcut: str = ""
    icon: str = ""
    group: str = ""
    enabled: bool = True


@dataclass(frozen=True)
class Payload:
    """What "Send to" carries: results of the library by id, or text that is not filed yet; `parents` are results it
    was made from."""

    medium: Medium
    title: str = ""
    text: str = ""
    items: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """A place that takes payloads, for the "Send to" menu: `id` is "<tab>.<place>", `title` is marked with `N_`."""

    id: str
    title: str
    icon: str
    media: tuple[Medium, ...]


class Shell(Protocol):
    """The window as a tab sees it. Words given to it are already in the user's language."""

    def toast(
        self,
        text: str,
        *,
        kind: str = "success",
        detail: str = "",
        actions: Sequence[tuple[str, Callable[[], Any]]] = (),
        fold: str = "",
    ) -> None:
        """Say something in the corner. `kind` is "success", "info", "warning" or "error" (stays until closed);
        `fold` is hidden under "Details"."""
        ...

    def show_error(self, error: AtelierError, actions: Sequence[tuple[str, Callable[[], Any]]] = ()) -> None:
        """The two sentences of `error`, its details folded, and ways on."""
        ...

    def confirm(self, title: str, text: str, action: str, *, danger: bool = True, keep: str = "") -> bool:
        """Ask before a loss; True for `action`. The safe answer (`keep`, or Cancel) has the focus."""
        ...

    def targets(self, medium: Medium) -> list[Target]:
        """Where a result of `medium` can be sent."""
        ...

    def send(self, target: str, payload: Payload) -> None:
        """Open the target's tab and hand it `payload`."""
        ...

    def use_model(self, model: ModelInfo) -> None:
        """Open the tab of the model's medium with this model chosen."""
        ...

    def uses(self, medium: Medium) -> bool:
        """Whether there is a tab for models of this medium."""
        ...

    def open_settings(self, page: str = "general") -> None:
        """Open a page of the settings."""
        ...

    def open_folder(self, item: Item) -> None:
        """Show the item's file in the system's file manager."""
        ...

    def toggle_history(self) -> None:
        """Show or hide the history (column or drawer)."""
        ...

    @property
    def project(self) -> str:
        """The id of the project in use: new documents and requests belong to it."""
        ...


class Tab(QObject):
    """One tab. Its constructor makes `inspector`, `stage` and `history` (None for a tab without), which the window
    puts into its three columns; each begins with its own 44-pixel header.

    `history_button` belongs at the right end of the stage's header: the window shows it while the history is a
    drawer. The window itself reports jobs that failed; a tab only resets what it shows. `state()` is kept between
    starts and given back to `set_state` after the language changed or the program started again; `state_changed` tells
    that it is another one.
    """

    state_changed = Signal()

    id: ClassVar[str] = ""
    medium: ClassVar[Medium | None] = None
    # Whether the left column holds filters and not an inspector: it is narrower then, and of one width.
    filters_column: ClassVar[bool] = False
    # How many characters of a text that is dropped on it the tab opens; 0: the Text tab opens it.
    text_limit: ClassVar[int] = 0

    inspector: QWidget
    stage: QWidget
    history: QWidget | None = None
    history_button: QPushButton | None = None

    def __init__(self, services: Services, shell: Shell, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.services = services
        self.shell = shell

    def activate(self) -> None:
        """The tab was brought to the front: put the focus where work begins."""

    def project_changed(self, project: str) -> None:
        """Another project is in use (its id)."""

    def commands(self) -> list[Command]:
        """What the palette offers while this tab is shown."""
        return []

    def open_item(self, item: Item) -> None:
        """Show a result of the library."""

    def restore(self, recipe: Recipe) -> None:
        """Set the form as it was for `recipe`; nothing is run, opened or downloaded."""

    def open_text(self, title: str, text: str) -> None:
        """A text file was dropped: open it as a new document."""

    def open_picture(self, path: Path) -> None:
        """A picture without settings was dropped: work on it."""

    def accept(self, target: str, payload: Payload) -> None:
        """Take what was sent to `target`, one of this tab's targets."""

    def use_model(self, model: str) -> None:
        """Choose the model with this id."""

    def first_sample(self) -> None:
        """The welcome has ended: fill in the first sample, so that one click makes something."""

    def show_job(self, origin: dict[str, str]) -> None:
        """Bring into view what a job of this tab belongs to (its request's `origin`)."""

    def state(self) -> dict[str, Any]:
        """Plain JSON: which document is open, which mode."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to a state given by `state()`; unknown fields are ignored."""

    def close_ok(self) -> bool:
        """Save everything; False only when that failed and the user wants to stay."""
        return True
