"""What the Speech tab remembers between starts: how one reads, how loud, in which format, how fast models speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from studio.core.errors import AtelierError
from studio.core.settings import Settings
from studio.documents.base import from_json, to_json
from studio.documents.speech import Delivery


class Memory:
    """Kept in the settings under `speech.*`. A settings file that cannot be written loses nothing of this run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def delivery(self) -> Delivery:
        """How the last reading was read; the beginning of the next one."""
        try:
            return from_json(Delivery, self._get("delivery", {}))
        except (TypeError, ValueError):
            return Delivery()

    def note_delivery(self, delivery: Delivery) -> None:
        self._keep("delivery", to_json(replace(delivery, extra={})))

    def volume(self) -> float:
        return float(self._get("volume", 0.8))

    def note_volume(self, volume: float) -> None:
        self._keep("volume", round(volume, 2))

    def device(self) -> str:
        return str(self._get("device", ""))

    def note_device(self, device: str) -> None:
        self._keep("device", device)

    def format(self) -> str:
        """The suffix that was exported last."""
        return str(self._get("format", ".wav"))

    def note_format(self, suffix: str) -> None:
        self._keep("format", suffix)

    def pace(self, model: str) -> float:
        """Seconds of speech that `model` makes in a second; 0 while unknown."""
        value = self._get("pace", {}).get(model, 0.0)
        return float(value) if isinstance(value, int | float) else 0.0

    def note_pace(self, model: str, pace: float) -> None:
        old = self.pace(model)
        new = pace if not old else 0.6 * old + 0.4 * pace
        self._keep("pace", {**self._get("pace", {}), model: round(new, 2)})

    def _get(self, name: str, default: Any) -> Any:
        value = (self._settings.values.last or {}).get(f"speech.{name}", default)
        kind = Mapping if isinstance(default, dict) else int | float if isinstance(default, float) else type(default)
        return value if isinstance(value, kind) else default

    def _keep(self, name: str, value: Any) -> None:
        try:
            self._settings.remember(**{f"speech.{name}": value})
        except AtelierError:  # the settings say so themselves
            return
