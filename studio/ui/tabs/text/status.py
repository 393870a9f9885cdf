"""The foot of the page: what goes on, how long the text is, how full the model's context is."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.core.i18n import _, n_
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.meters import ContextMeter
from studio.ui.widgets.paint import ElidedLabel, Label, mirrored, painter_for, text_width
from studio.ui.widgets.rooms import Surface

HEIGHT = 40
# state: (icon, colour of the icon, tone of the words)
_SIGNS = {
    "writing": ("circle-fill", "medium.text", "text"),
    "waiting": ("circle-dashed", "text.tertiary", "secondary"),
    "done": ("check", "success.text", "secondary"),
    "stopped": ("stop-fill", "text.tertiary", "secondary"),
    "failed": ("warning-circle", "danger.text", "danger"),
    "": ("circle-fill", "text.tertiary", "secondary"),
}


@dataclass(frozen=True)
class Tokens:
    """How a model's context is used, in tokens; `total` 0: not known. `written` -1 and so on are never given."""

    instructions: int = 0
    brief: int = 0
    written: int = 0
    total: int = 0
    counted: bool = True

    @property
    def used(self) -> int:
        return self.instructions + self.brief + self.written

    def figures(self) -> str:
        if not self.total:
            return ""
        if not self.counted:
            return _("{total} tokens").format(total=f"{self.total:,}")
        return _("{used} of {total} tokens").format(used=f"{self.used:,}", total=f"{self.total:,}")

    def names(self) -> list[str]:
        if not self.counted:
            return [_("The count appears once the model is loaded.")]
        return [
            _("Instructions: {count} tokens").format(count=f"{self.instructions:,}"),
            _("Brief: {count} tokens").format(count=f"{self.brief:,}"),
            _("Written: {count} tokens").format(count=f"{self.written:,}"),
        ]


def show_tokens(meter: ContextMeter, tokens: Tokens) -> None:
    """Put `tokens` on a meter, and hide it while the model's context is not known."""
    meter.setVisible(tokens.total > 0)
    meter.set_context(tokens.instructions, tokens.brief, tokens.written, tokens.total, tokens.figures(), tokens.names())


class _State(QWidget):
    """A sign and a word."""

    def __init__(self) -> None:
        super().__init__()
        self._icon, self._color = "", ""
        self.label = Label("", "label")
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 0, 0, 0)
        row.addWidget(self.label)

    def set_state(self, state: str, words: str) -> None:
        icon, color, tone = _SIGNS[state]
        self._icon, self._color = icon, color
        self.label.setText(words)
        self.label.set_tone(tone)
        self.setVisible(bool(words))
        self.update()

    def paintEvent(self, event) -> None:
        size = 8 if self._icon.startswith("circle") else 12
        with painter_for(self) as painter:
            box = QRect((12 - size) // 2, (self.height() - size) // 2, size, size)
            paint_icon(painter, mirrored(self, box), self._icon, theme_of(self).color(self._color))


class StatusBar(Surface):
    """State, words and speed at the start, the context meter at the end. What does not fit is left out, speed first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.panel", "top", parent)
        self.setFixedHeight(HEIGHT)
        self.state = _State()
        self.words = ElidedLabel("", "small", "secondary")
        self.speed = Label("", "small", "tertiary")
        self.meter = ContextMeter(_("Context"))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(16)
        for widget in (self.state, self.words, self.speed):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.meter)
        self.set_state("", "")
        show_tokens(self.meter, Tokens())

    def set_state(self, state: str, words: str) -> None:
        """`state`: "writing", "waiting", "done", "stopped", "failed" or ""."""
        self.state.set_state(state, words)

    def set_words(self, count: int, of: int = 0) -> None:
        """`of`: about how many it should be."""
        if of:
            self.words.setText(_("{count} of about {total} words").format(count=f"{count:,}", total=f"{of:,}"))
        else:
            self.words.setText(n_("{count} word", "{count} words", count).format(count=f"{count:,}"))

    def set_speed(self, tokens_per_second: float) -> None:
        shown = f"{tokens_per_second:.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"
        self.speed.setText(_("{speed} tokens/s").format(speed=shown) if tokens_per_second > 0 else "")
        self._fit()

    def set_tokens(self, tokens: Tokens) -> None:
        show_tokens(self.meter, tokens)
        self._fit()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        bar = self.meter.bar
        needed = 32 + self.state.sizeHint().width() + self.words.sizeHint().width() + 3 * 16
        speed = text_width(self.speed.text(), self.speed.font()) + 16
        room = self.width() - needed - (self.meter.sizeHint().width() - bar.width())
        bar.setFixedWidth(max(48, min(160, room - speed)))
        self.speed.setVisible(bool(self.speed.text()) and room >= 48 + speed)
