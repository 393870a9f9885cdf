"""The inspector: who speaks, how fast, with what pauses; a blend, a dictionary, and the rest folded away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio import families
from studio.core.i18n import _
from studio.core.jobs import Task
from studio.core.models import ModelInfo
from studio.core.params import Param
from studio.documents.speech import Delivery
from studio.ui.form import ParamForm, section
from studio.ui.tabs.speech.pronunciation import Pronunciation
from studio.ui.tabs.speech.speakers import Speaker, blend, shares
from studio.ui.tabs.speech.voice_list import VoiceList
from studio.ui.widgets.choices import Switch
from studio.ui.widgets.fields import ComboField
from studio.ui.widgets.folds import FoldSection
from studio.ui.widgets.paint import Label, Separator
from studio.ui.widgets.sliders import SliderRow

# What this panel shows by itself; everything else of a family is under "Advanced".
OWN = {"text", "script", "voice", "language", "speed", "pause", "lexicon"}


class BlendFold(FoldSection):
    """Mixes the chosen voice with another one of its model. `changed` follows the user's changes."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_("Blend two voices"), parent=parent)
        self.on = Switch(_("Blend with another voice"), show_text=True)
        self.other = ComboField([], None, _("Second voice"), "sm")
        self.share = SliderRow(
            _("Share"), 5, 95, 50, step=5, suffix=" %", tooltip=_("How much of the second voice is heard.")
        )
        self._second = section(_("Second voice"), self.other, self.share)
        self.body.addWidget(self.on)
        self.body.addWidget(self._second)
        self.on.toggled.connect(self._on_changed)
        self.other.changed.connect(self._on_changed)
        self.share.value_changed.connect(self._on_changed)
        self._quiet = False
        self._show()

    def set_voices(self, speaker: Speaker | None, voice: str) -> None:
        """The chosen voice's model, and the id that is in use (of a voice, or of a blend)."""
        voices = speaker.model.voices if speaker is not None and speaker.model.blends else ()
        self.setVisible(len(voices) > 1)
        if len(voices) < 2:
            return
        self._quiet = True
        parts = shares(voice) if voice else [(voices[0].id, 1.0)]
        rest = [(item.id, item.name) for item in voices if item.id != parts[0][0]]
        second = parts[1][0] if len(parts) > 1 else self.other.current()
        self.other.set_items(rest)
        if second in [id for id, _name in rest]:
            self.other.set_current(second)
        self.on.setChecked(len(parts) > 1)
        if len(parts) > 1:
            self.share.set_value(round(100 * parts[1][1] / ((parts[0][1] + parts[1][1]) or 1)))
        self._quiet = False
        self._show()

    def voice(self, first: str) -> str:
        """`first`, or its blend."""
        second = self.other.current()
        if self.isHidden() or not self.on.isChecked() or not second or second == first:
            return first
        return blend(first, str(second), 1 - self.share.value() / 100)

    def _on_changed(self, *_values: object) -> None:
        if not self._quiet:
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        on = self.on.isChecked()
        self._second.setVisible(on)
        name = self.other.currentText()
        share = _("{name}, {percent} %").format(name=name, percent=round(self.share.value()))
        self.set_summary(share if on and name else _("Off"))


class EndsFold(FoldSection):
    """How the finished sound begins and ends. `changed` follows the user's changes."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_("Trim and fades"), parent=parent)
        self.trim = Switch(_("Trim silence at both ends"), show_text=True)
        seconds = {"step": 0.1, "decimals": 1, "suffix": " " + _("s")}
        self.fade_in = SliderRow(
            _("Fade in"), 0, 10, 0, **seconds, tooltip=_("How long the exported sound takes to rise.")
        )
        self.fade_out = SliderRow(
            _("Fade out"), 0, 10, 0, **seconds, tooltip=_("How long the exported sound takes to die away.")
        )
        hint = Label(_("Heard in files that you export or drag out."), "caption", "secondary")
        hint.setWordWrap(True)
        for widget in (self.trim, self.fade_in, self.fade_out, hint):
            self.body.addWidget(widget)
        self.trim.toggled.connect(self._on_changed)
        self.fade_in.value_changed.connect(self._on_changed)
        self.fade_out.value_changed.connect(self._on_changed)
        self._quiet = False
        self._show()

    def show_delivery(self, delivery: Delivery) -> None:
        self._quiet = True
        self.trim.setChecked(delivery.trim)
        self.fade_in.set_value(delivery.fade_in)
        self.fade_out.set_value(delivery.fade_out)
        self._quiet = False
        self._show()

    def values(self) -> dict[str, Any]:
        """`trim`, `fade_in` and `fade_out` of a `Delivery`."""
        rise, fall = round(self.fade_in.value(), 1), round(self.fade_out.value(), 1)
        return {"trim": self.trim.isChecked(), "fade_in": rise, "fade_out": fall}

    def _on_changed(self, *_values: object) -> None:
        if not self._quiet:
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        trim, rise, fall = self.values().values()
        fades = _("{rise} s in, {fall} s out").format(rise=f"{rise:g}", fall=f"{fall:g}") if rise or fall else ""
        self.set_summary(_(", ").join(part for part in (_("Trim") if trim else "", fades) if part) or _("Off"))


class SpeechPanel(QWidget):
    """`changed` carries a `Delivery` after every change by the user, `speaker_chosen` another voice; `word_wanted` a
    word to hear and how it is said."""

    changed = Signal(object)
    speaker_chosen = Signal(object)
    word_wanted = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delivery = Delivery()
        self._speaker: Speaker | None = None
        self._quiet = False
        self.voices = VoiceList()
        self.speed = SliderRow(
            _("Speed"), 0.5, 2, 1, step=0.05, decimals=2, suffix="×", tooltip=_("1 is the voice's own pace.")
        )
        self.pause = SliderRow(
            _("Pause"),
            0,
            3,
            0.3,
            step=0.05,
            decimals=2,
            suffix=" " + _("s"),
            tooltip=_("Silence between two sentences. It takes effect at once, nothing is made anew."),
        )
        self.pronunciation = Pronunciation()
        self.blend = BlendFold()
        self.ends = EndsFold()
        self.form = ParamForm()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.voices)
        column.addSpacing(16)
        column.addWidget(self.speed)
        column.addSpacing(4)
        column.addWidget(self.pause)
        column.addSpacing(16)
        column.addWidget(Separator())
        column.addSpacing(8)
        for fold in (self.pronunciation, self.blend, self.ends, self.form):
            column.addWidget(fold)
        column.addStretch(1)
        self.voices.chosen.connect(self._on_voice)
        self.blend.changed.connect(self._on_blend)
        self.ends.changed.connect(self._on_changed)
        self.pronunciation.test_wanted.connect(self.word_wanted)
        self.pronunciation.changed.connect(lambda _lexicon: self._on_changed())
        self.speed.value_changed.connect(self._on_changed)
        self.pause.value_changed.connect(self._on_changed)
        self.form.changed.connect(self._on_changed)

    # -- what it says -----------------------------------------------------------------------------------------

    @property
    def delivery(self) -> Delivery:
        return self._delivery

    def set_speakers(self, speakers: Sequence[Speaker]) -> None:
        self.voices.set_speakers(speakers)

    def set_speaker(self, speaker: Speaker | None) -> None:
        """Who speaks: the list's mark, the blend, the fields of the family."""
        if speaker is not None and (self._speaker is None or speaker.model.id != self._speaker.model.id):
            self._quiet = True
            self.form.set_params(advanced_params(speaker.model), speaker.model.defaults)
            self._show_params(self._delivery)
            self._quiet = False
        self._speaker = speaker
        voice = self._delivery.voice
        self.voices.set_current((self._delivery.model, shares(voice)[0][0] if voice else ""))
        self.blend.set_voices(speaker, voice)

    def show_delivery(self, delivery: Delivery) -> None:
        """Set every field, saying nothing."""
        self._delivery = delivery
        self._quiet = True
        self.speed.set_value(delivery.speed)
        self.pause.set_value(delivery.pause)
        self.pronunciation.set_lexicon(delivery.lexicon)
        self.ends.show_delivery(delivery)
        self._show_params(delivery)
        self._quiet = False

    def _show_params(self, delivery: Delivery) -> None:
        self.form.set_values({"paragraph_pause": delivery.paragraph_pause, **delivery.params})

    def take_seed(self) -> int | None:
        """The seed of the next run."""
        return self.form.next_seed()

    def _on_changed(self, *_values: object) -> None:
        if self._quiet:
            return
        values = self.form.values()
        usual = {param.id: param.default for param in advanced_params(self._speaker.model)} if self._speaker else {}
        pause = values.pop("paragraph_pause", self._delivery.paragraph_pause)
        params = {name: value for name, value in values.items() if value is not None and value != usual.get(name)}
        self._put(
            replace(
                self._delivery,
                speed=round(self.speed.value(), 2),
                pause=round(self.pause.value(), 2),
                paragraph_pause=pause,
                lexicon=self.pronunciation.lexicon(),
                params=params,
                **self.ends.values(),
            )
        )

    def _on_voice(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._put(replace(self._delivery, model=speaker.model.id, voice=self.blend.voice(speaker.voice.id)))
        self.speaker_chosen.emit(speaker)

    def _on_blend(self) -> None:
        if self._speaker is not None:
            voice = self._delivery.voice
            first = shares(voice)[0][0] if voice else self._speaker.model.voices[0].id
            self._put(replace(self._delivery, model=self._speaker.model.id, voice=self.blend.voice(first)))
            self.speaker_chosen.emit(self._speaker)

    def _put(self, delivery: Delivery) -> None:
        if delivery != self._delivery:
            self._delivery = delivery
            self.changed.emit(delivery)

    def show_error(self, parameter: str, sentence: str) -> bool:
        return self.form.show_error(parameter, sentence)


def advanced_params(model: ModelInfo) -> list[Param]:
    params: Any = families.get(model.family).SPEC.params_for(Task.SPEAK)
    return [param for param in params if param.id not in OWN]
