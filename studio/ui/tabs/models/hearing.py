"""Hearing what an installed speech model sounds like, from its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from studio.core.models import ModelInfo
from studio.ui.services import Services

if TYPE_CHECKING:
    from studio.ui.tabs.speech.sampler import Sampler


class CardSamples(QObject):
    """`state_changed` carries a model's id and "loading", "playing" or ""; `failed` why it cannot be heard. The player
    is made with the first sample."""

    state_changed = Signal(str, str)
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._sampler: Sampler | None = None
        self._model = ""

    def toggle(self, info: ModelInfo) -> None:
        """Hear the model's usual voice, or stop hearing it."""
        from studio.ui.tabs.speech.sampler import sample_of
        from studio.ui.tabs.speech.speakers import Speaker

        if not info.voices:
            return
        sampler = self._ready()
        self._model = info.id
        sampler.toggle(sample_of(Speaker(info, info.voices[0])))

    def stop(self) -> None:
        if self._sampler is not None:
            self._sampler.stop()

    def _ready(self) -> Sampler:
        if self._sampler is None:
            from studio.ui.playback import Player
            from studio.ui.tabs.speech.sampler import Sampler

            player = Player()
            player.setParent(self)
            self._sampler = Sampler(self._services, player, self)
            self._sampler.state_changed.connect(
                lambda key, state: self.state_changed.emit(key.partition(":")[0], state)
            )
            self._sampler.failed.connect(self.failed)
        return self._sampler
