"""What the tab knows: every model with the work on it, what the hub found, what the disk holds. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.core.activities import Activity, ActivityState
from studio.core.errors import AtelierError
from studio.core.jobs import Medium
from studio.core.models import DeviceStatus, ModelInfo, ModelState
from studio.ui.services import Services
from studio.ui.tabs.models.filters import Card

HUB_LIMIT = 30


class Shelf(QObject):
    """`changed`: there are other models; `judged`: what fits is known, or it is another device; `card_changed` carries
    one card with news; `states_changed`: work on a model began or ended; `disk_changed` carries the answer of `disk`;
    `hub_answered` the query and how many were found, `hub_refused` the query and why."""

    changed = Signal()
    judged = Signal()
    card_changed = Signal(object)
    states_changed = Signal()
    disk_changed = Signal(object)
    hub_answered = Signal(str, int)
    hub_refused = Signal(str, object)

    def __init__(
        self, services: Services, parent: QObject | None = None, opens: Callable[[Medium], bool] = lambda _medium: True
    ) -> None:
        super().__init__(parent)
        self._opens = opens
        self._services, self.bridge = services, services.models
        self._cards: dict[str, Card] = {}
        self._hub: dict[str, ModelInfo] = {}
        self._accepted: set[str] = set()
        self._used: dict[str, float] = {}
        self._kept: dict[str, int] = {}
        self._playing: tuple[str, str] = ("", "")
        self.disk: Mapping[str, Any] | None = None
        self.bridge.models_changed.connect(self._on_models)
        self.bridge.activity_changed.connect(self._on_activity)
        self._judged: tuple[str, int, int] | None = None
        services.bridge.device_changed.connect(self._on_device)
        if self.bridge.known:
            self._on_models()

    def cards(self) -> list[Card]:
        return list(self._cards.values())

    def card(self, id: str) -> Card | None:
        return self._cards.get(id)

    def start(self) -> None:
        """Ask for what there is, once."""
        self.bridge.start()

    def refresh_disk(self) -> None:
        self.bridge.ask(self.bridge.client.disk(), self._on_disk, owner=self)

    # -- the hub ----------------------------------------------------------------------------------------------

    def search(self, text: str, medium: Medium | None) -> None:
        """Look on the hub; what it has comes behind the catalogue's cards."""
        wanted = self.bridge.client.search(text, str(medium or ""), HUB_LIMIT)
        self.bridge.ask(
            wanted,
            lambda found: self._on_found(text, found),
            lambda error: self._on_not_found(text, error),
            owner=self,
        )

    def forget_hub(self) -> None:
        """Back to the catalogue alone."""
        if self._hub:
            self._hub = {}
            self._rebuild()

    def _on_found(self, text: str, found: list[ModelInfo]) -> None:
        known = {info.id for info in self.bridge.models} | {info.repository for info in self.bridge.models}
        self._hub = {info.id: info for info in found if info.id not in known and info.repository not in known}
        self._rebuild()
        self.hub_answered.emit(text, len(self._hub))

    def _on_not_found(self, text: str, error: AtelierError) -> None:
        self.hub_refused.emit(text, error)

    # -- news -------------------------------------------------------------------------------------------------

    def note_accepted(self, id: str) -> None:
        """The hub says that the terms of this model are accepted."""
        if id not in self._accepted:
            self._accepted.add(id)
            self._renew(id)
            self.states_changed.emit()

    def set_playing(self, id: str, state: str) -> None:
        """Which model's sample is heard: "loading", "playing" or ""."""
        before, self._playing = self._playing, (id, state)
        for each in {before[0], id} - {""}:
            self._renew(each)

    def _make(self, info: ModelInfo, *, hub: bool = False) -> Card:
        id, state = self._playing
        return Card.of(
            info,
            self._services.client.device,
            self._services.settings.values.memory_limit,
            activity=self.bridge.activity_of(info.id),
            accepted=info.id in self._accepted,
            hub=hub,
            last_used=self._used.get(info.id, 0.0),
            playing=state if id == info.id else "",
            # An addition has no task of its own: it is chosen beside a model.
            opens=bool(info.tasks) and self._opens(info.medium),
            kept=self._kept.get(info.id, 0) if info.state is ModelState.PARTIAL else 0,
        )

    def _renew(self, id: str) -> None:
        if (card := self._cards.get(id)) is not None:
            self._cards[id] = self._make(card.info, hub=card.hub)
            self.card_changed.emit(self._cards[id])

    def _on_models(self) -> None:
        installed = {info.id for info in self.bridge.models}
        self._hub = {id: info for id, info in self._hub.items() if id not in installed}
        self._rebuild()
        self.refresh_disk()

    def _rebuild(self) -> None:
        cards = [self._make(info) for info in self.bridge.models]
        cards += [self._make(info, hub=True) for info in self._hub.values()]
        self._cards = {card.info.id: card for card in cards}
        self.changed.emit()

    def _on_device(self, device: DeviceStatus) -> None:
        """The device tells of itself often; only its kind and size matter here, and what the user lets models take."""
        judged = (device.kind, device.memory_total, self._services.settings.values.memory_limit)
        if self._judged != judged:
            self._judged = judged
            self._rebuild()
            self.judged.emit()

    def _on_activity(self, activity: Activity) -> None:
        card = self._cards.get(activity.model)
        if card is None:
            return
        before = card.activity.state if card.activity is not None else None
        self._renew(activity.model)
        after = self._cards[activity.model].activity
        if (after.state if after is not None else None) != before:
            self.states_changed.emit()
        if activity.state in (ActivityState.CANCELLED, ActivityState.FAILED):
            self.refresh_disk()

    def _on_disk(self, disk: Mapping[str, Any]) -> None:
        self.disk = disk
        self._used = {row["id"]: float(row["last_used"] or 0) for row in disk["models"]}
        self._kept = {row["id"]: int(row["size"] or 0) for row in disk["models"]}
        for id, used in self._used.items():
            if (card := self._cards.get(id)) is None:
                continue
            kept = self._kept[id] if card.info.state is ModelState.PARTIAL else 0
            if (card.last_used, card.kept) != (used, kept):
                self._cards[id] = replace(card, last_used=used, kept=kept)
                self.card_changed.emit(self._cards[id])
        self.disk_changed.emit(disk)
