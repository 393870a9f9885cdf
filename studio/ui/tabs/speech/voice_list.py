"""The voices to choose from: a card for each, with a sample at a click, filtered by language."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.tabs.speech.speakers import Speaker, native
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import ChipRow
from studio.ui.widgets.paint import (
    Label,
    SpinnerClock,
    line_text,
    mirrored,
    paint_box,
    paint_spinner,
    painter_for,
    text_width,
)

CARD, DISC = 56, 32
SHOWN = 5
MOST = 200
ALL = "all"


class SampleButton(QPushButton):
    """A disc with a triangle: hear the voice. It turns while the sample is made and stops it while it plays."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._name, self._state = name, ""
        self._clock = SpinnerClock(self)
        self.setFixedSize(DISC, DISC)
        self.setAutoDefault(False)
        self.setProperty("radius", DISC // 2)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.set_state("")

    def set_state(self, state: str) -> None:
        """ "", "loading" or "playing"."""
        self._state = state
        self._clock.run(state == "loading")
        words = _("Stop the sample of {voice}") if state else _("Hear {voice}")
        self.setAccessibleName(words.format(voice=self._name))
        self.setToolTip(words.format(voice=self._name))
        self.update()

    def state(self) -> str:
        return self._state

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("border.default" if self.underMouse() else "surface.pressed"))
            painter.drawEllipse(self.rect())
            box = QRect((DISC - 14) // 2, (DISC - 14) // 2, 14, 14)
            if self._state == "loading":
                paint_spinner(painter, box, theme.color("text.primary"), self._clock.step)
            elif self._state == "playing":
                paint_icon(painter, box, "stop-fill", theme.color("medium.speech"))
            else:
                paint_icon(painter, box.translated(1, 0), "play-fill", theme.color("text.primary"))


class VoiceCard(QRadioButton):
    """A voice: name, character, languages, and a sign if it is the chosen one."""

    moved = Signal(int)

    def __init__(self, speaker: Speaker, parent: QWidget) -> None:
        super().__init__(parent)
        self.speaker = speaker
        character = _(speaker.voice.character)
        self._name, self._character = speaker.voice.name, character
        self._line = speaker.line() or speaker.model.title
        self.setAccessibleName(", ".join(part for part in (self._name, character, self._line) if part))
        about = f"{self._name}, {character}".strip(", ")
        self.setToolTip("\n".join(part for part in (about, self._line, speaker.model.title) if part))
        self.setFixedHeight(CARD)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setProperty("radius", theme_of(self).metric("radius.md"))
        self.setAutoExclusive(False)
        self.sample = SampleButton(self._name, self)
        self.sample.move(12, (CARD - DISC) // 2)

    def sizeHint(self) -> QSize:
        return QSize(288, CARD)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, CARD)

    def hitButton(self, pos) -> bool:
        return self.rect().contains(pos)

    def nextCheckState(self) -> None:
        self.setChecked(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if step:
            self.moved.emit(step)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        chosen = self.isChecked()
        with painter_for(self) as painter:
            fill = "accent.tint" if chosen else "surface.hover" if self.underMouse() else "surface.raised"
            border = "accent.fill" if chosen else "border.default"
            paint_box(painter, self.rect(), theme.color(fill), theme.color(border), theme.metric("radius.md"))
            x, end = 12 + DISC + 10, self.width() - (36 if chosen else 12)
            font = theme.font("body", 600)
            width = min(text_width(self._name, font), end - x)
            name = QRect(x, 9, width, 20)
            line_text(painter, mirrored(self, name), self._name, font, theme.color("text.primary"))
            rest = QRect(x + width + 8, 9, max(0, end - x - width - 8), 20)
            if rest.width() > 20:
                small = theme.font("small")
                line_text(painter, mirrored(self, rest), self._character, small, theme.color("text.secondary"))
            tone = "accent.tintText" if chosen else "text.secondary"
            below = QRect(x, 29, end - x, 16)
            line_text(painter, mirrored(self, below), self._line, theme.font("caption"), theme.color(tone))
            if chosen:
                sign = mirrored(self, QRect(self.width() - 28, (CARD - 16) // 2, 16, 16))
                paint_icon(painter, sign, "check-circle-fill", theme.color("accent.text"))


class VoiceList(QWidget):
    """`chosen` carries the speaker that the user chose, `sample_wanted` one to hear and the language of the filter,
    `compare_wanted` all that are shown."""

    chosen = Signal(object)
    sample_wanted = Signal(object, str)
    compare_wanted = Signal(list, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._speakers: list[Speaker] = []
        self._key: tuple[str, str] = ("", "")
        self._all = False
        self._cards: list[VoiceCard] = []
        self._filter: ChipRow | None = None
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(Label(_("Voice"), "label"))
        head.addStretch(1)
        self.compare = Button(_("Compare"), "link", size="sm")
        self.compare.setToolTip(_("Hear a sample of each voice, one after the other"))
        self.compare.clicked.connect(lambda: self.compare_wanted.emit(self.shown(), self.language()))
        head.addWidget(self.compare)
        self._filters = QVBoxLayout()
        self._filters.setContentsMargins(0, 0, 0, 0)
        self._box = QVBoxLayout()
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(8)
        self.more = Button("", "link", size="sm")
        self.more.clicked.connect(self._show_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(self._filters)
        column.addLayout(self._box)
        column.addWidget(self.more)

    # -- what there is ----------------------------------------------------------------------------------------

    def set_speakers(self, speakers: Sequence[Speaker]) -> None:
        before, self._speakers = self._speakers, list(speakers)
        if [(who.key, who.voice) for who in before] == [(who.key, who.voice) for who in speakers]:
            return  # a model that was loaded has the same voices
        codes = list(dict.fromkeys(code for speaker in speakers for code in speaker.languages))[:6]
        code = self.language()
        if self._filter is not None:
            self._filter.hide()
            self._filter.deleteLater()
        rows = [(ALL, _("All")), *((code, native(code)) for code in sorted(codes, key=_order))]
        self._filter = ChipRow(rows, code if code in codes else ALL, name=_("Languages"))
        self._filter.changed.connect(lambda _code: self._show())
        self._filter.setVisible(len(codes) > 1)
        self._filters.addWidget(self._filter)
        self._show()

    def set_current(self, key: tuple[str, str]) -> None:
        """(model, voice) of the chosen one; "" for the model's first voice."""
        self._key = key
        if not any(card.speaker.key == self._wanted() for card in self._cards):
            self._show()
        self._mark()

    def language(self) -> str:
        """The language of the filter, "" for all."""
        code = str(self._filter.current()) if self._filter is not None else ALL
        return "" if code == ALL else code

    def shown(self) -> list[Speaker]:
        return [card.speaker for card in self._cards]

    def cards(self) -> list[VoiceCard]:
        return list(self._cards)

    def set_sample(self, key: str, state: str) -> None:
        """Show that a sample is made or heard; `key` is "model:voice"."""
        for card in self._cards:
            mine = ":".join(card.speaker.key) == key
            if mine or card.sample.state():
                card.sample.set_state(state if mine else "")

    # -- inside -----------------------------------------------------------------------------------------------

    def _wanted(self) -> tuple[str, str]:
        model, voice = self._key
        if voice:
            return self._key
        return next((speaker.key for speaker in self._speakers if speaker.model.id == model), self._key)

    def _show(self) -> None:
        code = self.language()
        fitting = [speaker for speaker in self._speakers if not code or code in speaker.languages]
        wanted = self._wanted()
        count = MOST if self._all else SHOWN + 1
        shown = fitting[:count] if len(fitting) <= count else fitting[: SHOWN if not self._all else count]
        if wanted in [speaker.key for speaker in fitting] and wanted not in [speaker.key for speaker in shown]:
            shown[-1] = next(speaker for speaker in fitting if speaker.key == wanted)
        for card in self._cards:
            card.hide()
            card.deleteLater()
        self._cards = [VoiceCard(speaker, self) for speaker in shown]
        for number, card in enumerate(self._cards):
            card.clicked.connect(lambda _checked=False, card=card: self._on_card(card))
            card.sample.clicked.connect(
                lambda _c=False, card=card: self.sample_wanted.emit(card.speaker, self.language())
            )
            card.moved.connect(lambda step, number=number: self._step(number + step))
            self._box.addWidget(card)
        self.more.setText(_("All {count} voices").format(count=len(fitting)))
        self.more.setVisible(len(fitting) > len(shown))
        self.compare.setVisible(len(shown) > 1)
        self._mark()

    def _mark(self) -> None:
        wanted = self._wanted()
        for card in self._cards:
            card.setChecked(card.speaker.key == wanted)

    def _on_card(self, card: VoiceCard) -> None:
        self._key = card.speaker.key
        self._mark()
        self.chosen.emit(card.speaker)

    def _on_sample(self, card: VoiceCard) -> None:
        self.sample_wanted.emit(card.speaker, self.language())

    def _step(self, number: int) -> None:
        if 0 <= number < len(self._cards):
            self._cards[number].setFocus(Qt.FocusReason.TabFocusReason)

    def _show_all(self) -> None:
        self._all = True
        self._show()


def _order(code: str) -> int:
    known = ("en", "zh", "ja")
    return known.index(code) if code in known else len(known)
