"""The rail at the left: one button for each tab that works, and Help at its foot."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.tabs import TabSpec
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, painter_for, text_width
from studio.ui.widgets.rooms import Surface

_HEIGHT = 52


class RailButton(QAbstractButton):
    """An icon over a word; the chosen one is filled in the colour `color` and marked at the window's edge. Without one
    it is a plain button."""

    def __init__(self, text: str, icon: str, color: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._color, self._ring = icon, color, False
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(bool(color))
        self.setProperty("focusRing", False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(theme_of(self).metric("layout.rail") - 1, _HEIGHT)
        if text_width(text, theme_of(self).font("rail")) > self.width():
            self.setToolTip(text)

    def sizeHint(self) -> QSize:
        return self.size()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = event.reason() != Qt.FocusReason.MouseFocusReason
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        chosen, hovered = self.isChecked(), self.underMouse()
        with painter_for(self) as painter:
            box = self.rect().adjusted(4, 2, -4, -2)
            if self.isDown() or (hovered and not chosen):
                fill = theme.color("surface.pressed" if self.isDown() else "surface.hover")
                paint_box(painter, box, fill, None, theme.metric("radius.lg"))
            if self.hasFocus() and self._ring:
                paint_box(painter, box, None, theme.color("focus.ring"), theme.metric("radius.lg"), 2)
            if chosen:
                painter.setClipRect(self.rect())
                paint_box(painter, QRect(-3, 8, 6, 36), theme.color(self._color), None, 2)
            color = self._color if chosen else "text.primary" if hovered else "text.secondary"
            name = f"{self._icon}-fill" if chosen else self._icon
            paint_icon(painter, QRect((self.width() - 22) // 2, 8, 22, 22), name, theme.color(color))
            words = theme.color("text.primary" if chosen or hovered else "text.secondary")
            align = Qt.AlignmentFlag.AlignHCenter
            line_text(painter, QRect(0, 33, self.width(), 14), self.text(), theme.font("rail"), words, align)


class Rail(Surface):
    """`chosen(tab id)` and `help_requested`. Arrow keys go from tab to tab."""

    chosen = Signal(str)
    help_requested = Signal()

    def __init__(self, specs: tuple[TabSpec, ...], parent: QWidget | None = None) -> None:
        super().__init__("surface.window", "right", parent)
        self.setFixedWidth(theme_of(self).metric("layout.rail"))
        self.setAccessibleName(_("Tabs"))
        self._buttons: dict[str, RailButton] = {}
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 8)
        layout.setSpacing(0)
        for spec in specs:
            color = f"medium.{spec.medium}" if spec.medium is not None else "accent.fill"
            if spec.medium is None and self._buttons:
                layout.addSpacing(4)
                layout.addWidget(_line(), 0, Qt.AlignmentFlag.AlignHCenter)
                layout.addSpacing(4)
            button = RailButton(_(spec.title), spec.icon, color, self)
            button.clicked.connect(lambda _checked=False, tab=spec.id: self.chosen.emit(tab))
            self._buttons[spec.id] = button
            self._group.addButton(button)
            layout.addWidget(button)
        layout.addStretch(1)
        self.help = RailButton(_("Help"), "question", parent=self)
        self.help.clicked.connect(self.help_requested)
        layout.addWidget(self.help)

    def choose(self, tab: str) -> None:
        self._buttons[tab].setChecked(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        buttons = [*self._buttons.values(), self.help]
        focused = self.focusWidget()
        if step is None or not isinstance(focused, RailButton):
            super().keyPressEvent(event)
            return
        buttons[(buttons.index(focused) + step) % len(buttons)].setFocus(Qt.FocusReason.TabFocusReason)


def _line() -> QWidget:
    line = Surface("border.default")
    line.setFixedSize(32, 1)
    return line
