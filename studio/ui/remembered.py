"""What the window shows, written down a moment after it changed: a start after a crash finds it as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer

from studio.core.settings import Settings
from studio.ui.columns import Columns

SOON_MS = 500
WIDTH = "inspector_width"


class Remembered(QObject):
    """Follows the columns of tabs; `now` tells which tab is shown, `remember` writes (and says what goes wrong)."""

    def __init__(
        self, settings: Settings, now: Callable[[], str], remember: Callable[..., None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._settings, self._now, self._remember = settings, now, remember
        self._columns: dict[str, Columns] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(self._save)

    def follow(self, id_: str, columns: Columns) -> None:
        """From now on, for the tab `id_`."""
        self._columns[id_] = columns
        width = self._last().get(WIDTH)
        columns.set_own_width(width if isinstance(width, int) else 0)
        columns.inspector_resized.connect(self._on_width)
        columns.tab.state_changed.connect(self.note)

    def note(self) -> None:
        """Something is shown differently."""
        self._soon.start()

    def state(self) -> dict[str, Any]:
        """Which tab is shown, and what each of them shows."""
        self._soon.stop()
        tabs: dict[str, Any] = {f"tab-{id_}": columns.tab.state() for id_, columns in self._columns.items()}
        return {**tabs, "tab": self._now()}

    def _save(self) -> None:
        last, state = self._last(), self.state()
        if changes := {name: value for name, value in state.items() if last.get(name) != value}:
            self._remember(**changes)

    def _on_width(self, width: int) -> None:
        for columns in self._columns.values():
            columns.set_own_width(width)
        self._remember(**{WIDTH: width})

    def _last(self) -> Mapping[str, Any]:
        return self._settings.values.last or {}
