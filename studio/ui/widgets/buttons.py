"""Buttons: one painted class with kinds, an icon-only form, and the big Generate button."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.paint import (
    SpinnerClock,
    line_text,
    mirrored,
    paint_box,
    paint_spinner,
    painter_for,
    text_width,
)

ICON, GAP = 16, 8
GRACE_MS = 400
# kind: state: (fill, border, text)
_LOOKS: dict[str, dict[str, tuple[str, str, str]]] = {
    "primary": {
        "rest": ("accent.fill", "", "text.onAccent"),
        "hover": ("accent.fillHover", "accent.fill", "text.onAccent"),
        "pressed": ("accent.fillPressed", "accent.fill", "text.onAccent"),
    },
    "secondary": {
        "rest": ("surface.raised", "border.default", "text.primary"),
        "hover": ("surface.hover", "border.default", "text.primary"),
        "pressed": ("surface.pressed", "border.default", "text.primary"),
        "checked": ("accent.tint", "accent.fill", "accent.tintText"),
    },
    "tonal": {
        "rest": ("accent.tint", "", "accent.tintText"),
        "hover": ("accent.tint", "accent.fill", "accent.tintText"),
        "pressed": ("", "accent.fill", "accent.tintText"),
    },
    "ghost": {
        "rest": ("", "", "text.secondary"),
        "hover": ("surface.hover", "", "text.primary"),
        "pressed": ("surface.pressed", "", "text.primary"),
        "checked": ("accent.tint", "", "accent.tintText"),
    },
    "danger": {
        "rest": ("danger.fill", "", "text.onAccent"),
        "hover": ("danger.fill", "", "text.onAccent"),
        "pressed": ("danger.fill", "", "text.onAccent"),
    },
    "link": {
        "rest": ("", "", "accent.text"),
        "hover": ("", "", "accent.text"),
        "pressed": ("", "", "accent.text"),
    },
}
_DARKER = {"hover": 108, "pressed": 118}  # the tokens have one danger fill
_WEIGHTS = {"primary": 600, "danger": 600, "ghost": 500, "secondary": 500, "tonal": 500, "link": 500}


class Grace:
    """The moment after a button has changed its meaning by itself: a click in it was meant for what the button was."""

    def __init__(self) -> None:
        self._clock = QElapsedTimer()

    def begin(self) -> None:
        self._clock.start()

    @property
    def holds(self) -> bool:
        return self._clock.isValid() and self._clock.elapsed() < GRACE_MS


class Button(QPushButton):
    """A painted push button.

    `kind` is primary (one for each screen), secondary, tonal, ghost, danger or link; `size` is "sm" (28), "md" (32) or
    "lg" (40); `icon` a Phosphor name; `caret` adds the sign of a menu. Without text it is square: give it an
    accessible name (see `IconButton`).
    """

    def __init__(
        self,
        text: str = "",
        kind: str = "secondary",
        icon: str = "",
        size: str = "md",
        *,
        caret: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._kind, self._icon, self._icon_color, self._caret = kind, icon, "", caret
        self._busy, self._busy_text = False, ""
        self._clock = SpinnerClock(self)
        height = 24 if kind == "link" else theme_of(self).metric(f"control.{size}")
        self._pad = 0 if kind == "link" else (10 if size == "sm" or kind == "ghost" else 12)
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._role = "small" if size == "sm" else "body"
        self.setFont(theme_of(self).font(self._role, _WEIGHTS[kind]))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAutoDefault(False)
        if kind == "link":
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    # -- content ----------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        return self._kind

    def set_kind(self, kind: str) -> None:
        self._kind = kind
        self.setFont(theme_of(self).font(self._role, _WEIGHTS[kind]))
        self.update()

    def set_icon(self, name: str, color: str = "") -> None:
        """Show the icon `name`; `color` is a token where it is not that of the text."""
        self._icon, self._icon_color = name, color
        self.updateGeometry()
        self.update()

    def icon_name(self) -> str:
        return self._icon

    def set_busy(self, busy: bool, text: str = "") -> None:
        """Turn a spinner in the place of the icon and take no clicks; the width stays as it is."""
        if busy == self._busy and text == self._busy_text:
            return
        if busy and not self._busy:
            self.setMinimumWidth(max(self.width() if self.isVisible() else 0, self.sizeHint().width()))
        elif not busy:
            self.setMinimumWidth(0)
        self._busy, self._busy_text = busy, text
        self._clock.run(busy)
        self.setAccessibleDescription(_("Working") if busy else "")
        self.update()

    def is_busy(self) -> bool:
        return self._busy

    # -- size -------------------------------------------------------------------------------------------------

    def _shown_text(self) -> str:
        return (self._busy and self._busy_text) or self.text()

    def _content_width(self) -> int:
        text = text_width(self._shown_text(), self.font())
        icon = ICON if self._icon or self._busy else 0
        caret = 12 if self._caret else 0
        parts = [width for width in (icon, text, caret) if width]
        return sum(parts) + GAP * (len(parts) - 1 if parts else 0)

    def sizeHint(self) -> QSize:
        if not self.text() and not self._caret:
            return QSize(self.height(), self.height())
        return QSize(self._content_width() + 2 * self._pad, self.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    # -- clicks -----------------------------------------------------------------------------------------------

    def hitButton(self, pos: QPoint) -> bool:
        return not self._busy and super().hitButton(pos)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        presses = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select)
        if self._busy and presses:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.click()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._busy:
            event.accept()
            return
        super().mousePressEvent(event)

    # -- painting ---------------------------------------------------------------------------------------------

    def _state(self) -> str:
        if not self.isEnabled():
            return "disabled"
        if self.isDown():
            return "pressed"
        if self.isChecked():
            return "checked"
        return "hover" if self.underMouse() and not self._busy else "rest"

    def _colors(self, theme: Theme) -> tuple[QColor | None, QColor | None, QColor]:
        """(fill, border, text)"""
        state = self._state()
        if state == "disabled":
            text = theme.color("text.disabled")
            if self._kind in ("ghost", "link"):
                return None, None, text
            return theme.color("surface.panel"), theme.color("border.subtle"), text
        looks = _LOOKS["secondary" if self._busy and self._kind == "primary" else self._kind]
        fill, border, text = looks.get(state, looks["rest"])
        shown = theme.color(fill) if fill else None
        if self._kind == "danger" and shown is not None:
            shown = shown.darker(_DARKER.get(state, 100))
        return shown, theme.color(border) if border else None, theme.color(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        fill, border, text = self._colors(theme)
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), fill, border, theme.metric("radius.md"))
            self._paint_content(painter, theme, text)

    def _paint_content(self, painter: QPainter, theme: Theme, color: QColor) -> None:
        font = QFont(self.font())
        if self._state() == "disabled":
            font.setWeight(QFont.Weight.Normal if self._kind == "primary" else font.weight())
        if self._kind == "link" and self.underMouse() and self.isEnabled():
            font.setUnderline(True)
        shown = self._shown_text()
        x = max(self._pad, (self.width() - self._content_width() + 1) // 2) if shown else (self.width() - ICON) // 2
        middle = (self.height() - ICON) // 2
        if self._busy or self._icon:
            box = mirrored(self, QRect(x, middle, ICON, ICON))
            if self._busy:
                paint_spinner(painter, box, color, self._clock.step)
            else:
                self._paint_sign(painter, theme, box, color)
            x += ICON + GAP
        if shown:
            reserve = self._pad + (12 + GAP if self._caret else 0)
            width = min(text_width(shown, font), max(0, self.width() - x - reserve))
            line_text(painter, mirrored(self, QRect(x, 0, width, self.height())), shown, font, color)
            x += width + GAP
        if self._caret:
            box = mirrored(self, QRect(x, (self.height() - 12) // 2, 12, 12))
            paint_icon(painter, box, "caret-down", color)

    def _paint_sign(self, painter: QPainter, theme: Theme, box: QRect, color: QColor) -> None:
        own = theme.color(self._icon_color) if self._icon_color and self.isEnabled() else color
        if self._icon == "stop-fill":  # the font's square is too heavy beside words
            paint_box(painter, box.adjusted(3, 3, -3, -3), own, None, 1)
        else:
            paint_icon(painter, box, self._icon, own)


class IconButton(Button):
    """A square button with an icon only; `name` is its accessible name and tooltip."""

    def __init__(
        self,
        icon: str,
        name: str,
        kind: str = "ghost",
        size: str = "sm",
        *,
        checkable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", kind, icon, size, parent=parent)
        self.setCheckable(checkable)
        self.set_name(name)

    def set_name(self, name: str) -> None:
        self.setAccessibleName(name)
        self.setToolTip(name)

    def sizeHint(self) -> QSize:
        return QSize(self.height(), self.height())


class GenerateButton(Button):
    """The one big button: a spark, the verb and the expected time; while busy it stops the work.

    Signals: `requested` (clicked, or Ctrl+Enter in the window, while at rest) and `stop_requested` (clicked while
    busy). A click that comes just when the work ends by itself does nothing. It fills the width it is given.
    """

    requested = Signal()
    stop_requested = Signal()

    def __init__(self, text: str, estimate: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, "primary", "sparkle-fill", "lg", parent=parent)
        self._pad = 15
        self._verb, self._note, self._estimate = text, estimate, estimate
        self._running = self._pressed_as_stop = False
        self._grace = Grace()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._on_clicked)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self).activated.connect(self._on_shortcut)
        self._describe()

    def set_text(self, text: str) -> None:
        """The verb shown at rest."""
        self._verb = text
        self._describe()

    def set_estimate(self, text: str) -> None:
        """The expected time shown at rest ("about 4 s"); empty shows none."""
        self._estimate = text
        self._describe()

    def set_running(self, running: bool, stop_text: str = "", time_left: str = "") -> None:
        """Become a neutral Stop button with the time left, or the Generate button again."""
        if self._running and not running:
            self._grace.begin()
        self._running = running
        self._stop_text, self._note = stop_text or _("Stop"), time_left
        self._describe()

    def is_running(self) -> bool:
        return self._running

    def note(self) -> str:
        """The words at the right: the expected time, or the time left."""
        return self._note

    def _describe(self) -> None:
        if self._running:
            self.setText(self._stop_text)
            self._icon, self._icon_color = "stop-fill", "danger.text"
        else:
            self._note = self._estimate
            self.setText(self._verb)
            self._icon, self._icon_color = "sparkle-fill", ""
        self.setAccessibleDescription(self._note)
        self.updateGeometry()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_as_stop = self._running
        super().mousePressEvent(event)

    def _on_clicked(self) -> None:
        pressed_as_stop, self._pressed_as_stop = self._pressed_as_stop, False
        if self._running:
            self.stop_requested.emit()
        elif not pressed_as_stop and not self._grace.holds:
            self.requested.emit()

    def _on_shortcut(self) -> None:
        if not self._running and self.isEnabled():
            self.requested.emit()

    def sizeHint(self) -> QSize:
        note = text_width(self._note, theme_of(self).font("small"))
        return QSize(2 * self._pad + ICON + GAP + text_width(self.text(), self.font()) + 2 * GAP + note, self.height())

    def _colors(self, theme: Theme) -> tuple[QColor | None, QColor | None, QColor]:
        if not self._running:
            return super()._colors(theme)
        fill, border, text = _LOOKS["secondary"].get(self._state(), _LOOKS["secondary"]["rest"])
        return theme.color(fill), theme.color(border), theme.color(text)

    def _paint_content(self, painter: QPainter, theme: Theme, color: QColor) -> None:
        box = mirrored(self, QRect(self._pad, (self.height() - ICON) // 2, ICON, ICON))
        self._paint_sign(painter, theme, box, color)
        font = theme.font("small")
        note = text_width(self._note, font)
        x = self._pad + ICON + GAP
        words = mirrored(self, QRect(x, 0, self.width() - x - self._pad - (note + GAP if note else 0), self.height()))
        line_text(painter, words, self.text(), self.font(), color)
        if note:
            quiet = theme.color("text.secondary") if self._running else color
            end = mirrored(self, QRect(self.width() - self._pad - note, 0, note, self.height()))
            line_text(painter, end, self._note, font, quiet)
