"""Which models are listed, in which order, and how many there are of each kind. Free of Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from studio.core.activities import Activity, ActivityState
from studio.core.fits import Fit, fit, need
from studio.core.i18n import N_, _, language
from studio.core.jobs import Medium
from studio.core.licences import terms
from studio.core.models import DeviceStatus, ModelInfo
from studio.core.seeking import mentions
from studio.ui.model_picker import LANGUAGES, speaks
from studio.ui.tabs.models.words import MEDIA, NATIVE, Look, look_of, main_action, needs_acceptance


class Sort(StrEnum):
    BEST = "best"
    SIZE = "size"
    NAME = "name"
    USED = "used"


SORTS = {
    Sort.BEST: N_("Best for this computer"),
    Sort.SIZE: N_("Smallest first"),
    Sort.NAME: N_("Name"),
    Sort.USED: N_("Newest use"),
}
STATES = {
    "installed": N_("Installed"),
    "downloading": N_("Downloading"),
    "missing": N_("Not installed"),
    "acceptance": N_("Needs acceptance"),
    "unusable": N_("Cannot be used yet"),
}
EASY = 0.4  # of the device's memory
_FITS = {Fit.FITS: 0, Fit.TIGHT: 1, Fit.UNKNOWN: 2, Fit.TOO_LARGE: 3}


@dataclass(frozen=True)
class Card:
    """A model as the tab lists it: with the work on it, the memory it needs and how that fits (`easy`: with much room
    to spare), and whether only the hub has it (`hub`). `playing` is "playing", "loading" or ""; `opens`: a tab uses it;
    `kept`: bytes that are here of a model of which only a part is."""

    info: ModelInfo
    activity: Activity | None = None
    memory: int = 0
    easy: bool = False
    fit: Fit = Fit.UNKNOWN
    accepted: bool = False
    hub: bool = False
    last_used: float = 0.0
    playing: str = ""
    opens: bool = True
    kept: int = 0

    @classmethod
    def of(cls, info: ModelInfo, device: DeviceStatus | None, limit: int = 0, **more: Any) -> Card:
        """A card with its need judged for `device` (None: not known yet) and the user's `limit` (0: none)."""
        judged = fit(info, [device], limit) if device is not None else Fit.UNKNOWN
        memory = need(info, device.kind if device else "cpu")
        easy = device is not None and memory <= EASY * device.memory_total
        return cls(info, memory=memory, easy=easy, fit=judged, **more)

    @property
    def going(self) -> bool:
        """Whether work on it is under way or paused."""
        return self.activity is not None and self.activity.state is not ActivityState.FAILED

    @property
    def states(self) -> set[str]:
        """The states of the filter that it is in."""
        found = {"downloading"} if self.going else set()
        if self.info.usable:
            found.add("installed")
        elif self.info.problem:
            found.add("unusable")
        elif needs_acceptance(self.info, self.accepted):
            found.add("acceptance")
        elif not self.going:
            found.add("missing")
        return found

    @property
    def main_action(self) -> str:
        """What its one button does (see `words.main_action`)."""
        return main_action(self.info, self.activity, self.accepted, self.opens)

    @property
    def look(self) -> Look:
        """Its chip."""
        return look_of(self.info, self.activity, self.accepted, self.kept)


@dataclass(frozen=True)
class Filters:
    """`medium` None: all; `states` empty: all."""

    medium: Medium | None = None
    states: frozenset[str] = frozenset()
    fits: bool = False
    commercial: bool = False
    chinese: bool = False
    text: str = ""
    sort: Sort = Sort.BEST
    folded: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", self.text.strip().casefold())

    @property
    def narrow(self) -> bool:
        """Whether anything but the medium leaves models out."""
        return bool(self.states or self.fits or self.commercial or self.chinese or self.folded)

    def allows(self, card: Card) -> bool:
        """All but the medium and the states, which are counted one by one."""
        info = card.info
        if self.fits and card.fit is Fit.TOO_LARGE and not info.usable:
            return False
        if self.commercial and terms(info.license).commercial is not True:
            return False
        if self.chinese and not speaks(info, "zh"):
            return False
        return not self.folded or mentions(_haystack(info), self.folded)


@dataclass(frozen=True)
class Counts:
    """How many the search and the switches leave: by medium, and in the chosen medium by state. `known` are the media
    of which there is any model at all, `every` counts all of them."""

    media: Mapping[Medium, int]
    states: Mapping[str, int]
    known: frozenset[Medium] = frozenset()
    every: int = 0

    @property
    def total(self) -> int:
        return sum(self.media.values())


def chosen(cards: Iterable[Card], filters: Filters) -> list[Card]:
    """The cards that are listed, in order."""
    found = [
        card
        for card in cards
        if filters.allows(card)
        and (filters.medium is None or card.info.medium == filters.medium)
        and (not filters.states or filters.states & card.states)
    ]
    return sorted(found, key=_order(filters.sort))


def counts(cards: Sequence[Card], filters: Filters) -> Counts:
    media = dict.fromkeys(Medium, 0)
    states = dict.fromkeys(STATES, 0)
    for card in filter(filters.allows, cards):
        media[card.info.medium] += 1
        if filters.medium in (None, card.info.medium):
            for state in card.states:
                states[state] += 1
    return Counts(media, states, frozenset(card.info.medium for card in cards), len(cards))


def _order(sort: Sort) -> Callable[[Card], tuple]:
    def name(card: Card) -> str:
        return card.info.title.casefold()

    here = language()
    orders: dict[Sort, Callable[[Card], tuple]] = {
        Sort.SIZE: lambda card: (card.info.size or 1 << 62, name(card)),
        Sort.NAME: lambda card: (name(card),),
        Sort.USED: lambda card: (-card.last_used, not card.info.usable, name(card)),
        # What runs well, is free to take and speaks the user's language first. Of what leaves room to spare the
        # largest, which is the most able; of the others the smallest.
        Sort.BEST: lambda card: (
            not (card.activity is not None or card.info.here),
            _FITS[card.fit],
            needs_acceptance(card.info, card.accepted),
            not speaks(card.info, here),
            not card.easy,
            -card.memory if card.easy else card.memory,
            name(card),
        ),
    }
    return orders[sort]


def _haystack(info: ModelInfo) -> str:
    languages = " ".join(
        f"{_(LANGUAGES.get(code, code))} {NATIVE.get(code, '')}"
        for code in dict.fromkeys(code.split("-")[0] for code in info.languages)
    )
    described = _(info.description) if info.description else ""
    words = (info.title, info.id, info.repository, info.family, described, _(MEDIA[info.medium]), languages)
    return " ".join(words).casefold()
