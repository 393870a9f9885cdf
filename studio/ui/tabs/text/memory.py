"""What the Text tab remembers between starts: earlier prompts, saved prompts, own personas, how fast models write."""

from __future__ import annotations

from typing import Any

from studio.core.settings import Settings

HISTORY = 40
SHELF = 60
TITLE = 48


class Memory:
    """Kept in the settings under `<place>.*`. A settings file that cannot be written loses nothing of this run."""

    def __init__(self, settings: Settings, place: str = "text") -> None:
        self._settings, self._place = settings, place

    # -- prompts ----------------------------------------------------------------------------------------------

    def history(self) -> list[str]:
        """Earlier prompts, the newest first."""
        return [text for text in self._list("history") if isinstance(text, str)]

    def note_prompt(self, text: str) -> None:
        text = text.strip()
        if text:
            self._keep("history", [text, *(old for old in self.history() if old != text)][:HISTORY])

    def presets(self) -> list[str]:
        """Saved prompts, in alphabetical order."""
        return sorted((text for text in self._list("presets") if isinstance(text, str)), key=str.casefold)

    def save_preset(self, text: str) -> None:
        text = text.strip()
        if text and text not in self.presets():
            self._keep("presets", [*self.presets(), text][:SHELF])

    def drop_preset(self, text: str) -> None:
        self._keep("presets", [old for old in self.presets() if old != text])

    # -- personas ---------------------------------------------------------------------------------------------

    def personas(self) -> list[tuple[str, str]]:
        """The user's own: (name, instructions)."""
        rows = self._list("personas")
        return [(str(row["name"]), str(row["system"])) for row in rows if isinstance(row, dict) and "system" in row]

    def save_persona(self, name: str, system: str) -> None:
        others = [row for row in self.personas() if row[0] != name]
        rows = [*others, (name, system)][-SHELF:]
        self._keep("personas", [{"name": name, "system": system} for name, system in rows])

    def drop_persona(self, name: str) -> None:
        rows = [row for row in self.personas() if row[0] != name]
        self._keep("personas", [{"name": name, "system": system} for name, system in rows])

    # -- speed ------------------------------------------------------------------------------------------------

    def speed(self, model: str) -> float:
        """Tokens per second that were measured with `model`; 0 while unknown."""
        value = self._dict("speed").get(model, 0.0)
        return float(value) if isinstance(value, int | float) else 0.0

    def note_speed(self, model: str, tokens_per_second: float) -> None:
        if tokens_per_second <= 0:
            return
        old = self.speed(model)
        new = tokens_per_second if not old else 0.6 * old + 0.4 * tokens_per_second
        self._keep("speed", {**self._dict("speed"), model: round(new, 2)})

    # -- inside -----------------------------------------------------------------------------------------------

    def _list(self, key: str) -> list[Any]:
        value = (self._settings.values.last or {}).get(f"{self._place}.{key}")
        return value if isinstance(value, list) else []

    def _dict(self, key: str) -> dict[str, Any]:
        value = (self._settings.values.last or {}).get(f"{self._place}.{key}")
        return value if isinstance(value, dict) else {}

    def _keep(self, key: str, value: Any) -> None:
        try:
            self._settings.remember(**{f"{self._place}.{key}": value})
        except Exception:  # the settings say so themselves; here it only means that nothing is remembered
            return
