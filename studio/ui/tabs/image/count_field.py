"""How many pictures: a small field with steps, beside the Generate button."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from studio.core.i18n import _, n_
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, mirrored, paint_box, painter_for

WIDTH, MOST = 84, 16


class CountField(QWidget):
    """1 to `most`; arrows, digits and the wheel change it. `changed` carries the number."""

    changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value, self._most = 1, MOST
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(WIDTH, theme_of(self).metric("control.lg"))
        self.setAccessibleName(_("Number of pictures"))
        self.setToolTip(_("How many pictures are made at once"))

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, self.height())

    def value(self) -> int:
        return self._value

    def set_most(self, most: int) -> None:
        self._most = most
        self.set_value(self._value)

    def set_value(self, value: int) -> None:
        value = min(max(value, 1), self._most)
        if value != self._value:
            self._value = value
            words = n_("{count} picture", "{count} pictures", value).format(count=value)
            self.setAccessibleDescription(words)
            self.update()
            self.changed.emit(value)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, focused = theme_of(self), self.hasFocus()
        border = "focus.ring" if focused else "border.strong" if self.underMouse() else "border.default"
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color("surface.field"), theme.color(border), 6, 2 if focused else 1)
            middle = self.height() // 2
            icon = mirrored(self, QRect(12, middle - 8, 16, 16))
            paint_icon(painter, icon, "squares-four", theme.color("text.secondary"))
            words = mirrored(self, QRect(36, 0, 22, self.height()))
            line_text(painter, words, str(self._value), theme.font("body"), theme.color("text.primary"))
            for name, top in (("caret-up", middle - 13), ("caret-down", middle + 3)):
                box = mirrored(self, QRect(self.width() - 22, top, 10, 10))
                paint_icon(painter, box, name, theme.color("text.tertiary"))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = mirrored(self, QRect(self.width() - 28, 0, 28, self.height()))
        point = event.position().toPoint()
        if place.contains(point):
            self.set_value(self._value + (1 if point.y() < self.height() / 2 else -1))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.set_value(self._value + (1 if event.angleDelta().y() > 0 else -1))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Left: -1}
        if event.key() in steps and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.set_value(self._value + steps[Qt.Key(event.key())])
        elif event.text().isdecimal() and event.text() != "0":
            self.set_value(int(event.text()))
        else:
            super().keyPressEvent(event)
