"""The slim slider, and the row that puts it between a label and a field."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from studio.ui.theme import theme_of
from studio.ui.widgets.fields import FieldMessage, NumberField
from studio.ui.widgets.paint import ElidedLabel, paint_box, painter_for, text_width

LOG_STEPS = 1000
FIELD_WIDTH = 56
FIELD_EDGES = 20  # border, padding and the cursor's room
FINE = 0.1  # of the pointer's way while Shift is held


class SlimSlider(QSlider):
    """A 3-pixel track with a 14-pixel handle over `minimum`–`maximum`; `value_changed` carries a float or int.

    Double-click takes `default` again; Shift makes dragging ten times finer. `logarithmic` needs a minimum above 0.
    `QSlider.value()` counts steps of the last decimal (or of the logarithmic scale); `number()` is the value.
    """

    value_changed = Signal(object)

    def __init__(
        self,
        value: float = 0,
        minimum: float = 0,
        maximum: float = 100,
        *,
        step: float = 1,
        decimals: int = 0,
        default: float | None = None,
        logarithmic: bool = False,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        if logarithmic and minimum <= 0:
            raise ValueError("A logarithmic slider needs a minimum above 0.")
        self._minimum, self._maximum, self._step, self._decimals = minimum, maximum, step, decimals
        self._log = logarithmic
        self._default = value if default is None else default
        self._number: float = value
        self._grab: tuple[float, float] | None = None  # pointer x and fraction of the last move
        self.setAccessibleName(name)
        self.setProperty("focusRing", False)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._set_steps()
        self.valueChanged.connect(self._on_steps)
        self.set_number(value)

    def number(self) -> float:
        return self._number

    def set_number(self, value: float) -> None:
        """Move to `value`, brought into the range; emits `value_changed` if that is new."""
        value = min(max(value, self._minimum), self._maximum)
        value = round(float(value), self._decimals) if self._decimals else round(value)
        new = value != self._number
        self._number = value
        self.blockSignals(True)
        self.setValue(self._to_steps(value))
        self.blockSignals(False)
        self.setAccessibleDescription(f"{value:.{self._decimals}f}")
        self.update()
        if new:
            self.value_changed.emit(value)

    def set_range(self, minimum: float, maximum: float) -> None:
        self._minimum, self._maximum = minimum, maximum
        self._set_steps()
        self.set_number(self._number)

    def set_default(self, value: float) -> None:
        self._default = value

    def reset(self) -> None:
        self.set_number(self._default)

    def _set_steps(self) -> None:
        scale = 10**self._decimals
        self.blockSignals(True)
        if self._log:
            self.setRange(0, LOG_STEPS)
            self.setSingleStep(LOG_STEPS // 50)
            self.setPageStep(LOG_STEPS // 10)
        else:
            self.setRange(round(self._minimum * scale), round(self._maximum * scale))
            self.setSingleStep(max(1, round(self._step * scale)))
            self.setPageStep(max(1, round(self._step * scale * 10)))
        self.blockSignals(False)

    def _to_steps(self, value: float) -> int:
        if self._log:
            return round(LOG_STEPS * math.log(value / self._minimum) / math.log(self._maximum / self._minimum))
        return round(value * 10**self._decimals)

    def _on_steps(self, steps: int) -> None:
        self.set_number(self._at((steps - self.minimum()) / max(1, self.maximum() - self.minimum())))

    def _at(self, fraction: float) -> float:
        if self._log:
            return self._minimum * (self._maximum / self._minimum) ** fraction
        return self._minimum + (self._maximum - self._minimum) * fraction

    def fraction(self) -> float:
        """Where the handle is, 0 to 1."""
        if self._maximum <= self._minimum:
            return 0.0
        if self._log:
            return math.log(self._number / self._minimum) / math.log(self._maximum / self._minimum)
        return (self._number - self._minimum) / (self._maximum - self._minimum)

    # -- pointer ----------------------------------------------------------------------------------------------

    def _span(self) -> float:
        return max(1.0, self.width() - 14.0)

    def _pointer(self, event: QMouseEvent) -> float:
        x = event.position().x()
        return self.width() - x if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else x

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        x = self._pointer(event)
        handle = 7 + self.fraction() * self._span()
        if abs(x - handle) > 8:
            self._drag_to((x - 7) / self._span())
        self._grab = (x, self.fraction())
        self.setSliderDown(True)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grab is None:
            event.ignore()
            return
        x = self._pointer(event)
        start, fraction = self._grab
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        fraction = min(max(fraction + (x - start) / self._span() * fine, 0.0), 1.0)
        self._grab = (x, fraction)
        self._drag_to(fraction)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grab = None
        self.setSliderDown(False)
        self.update()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset()
        event.accept()

    def _drag_to(self, fraction: float) -> None:
        value = self._at(min(max(fraction, 0.0), 1.0))
        if not self._log and self._step:
            value = self._minimum + round((value - self._minimum) / self._step) * self._step
        self.set_number(value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # scrolling the panel must not change values

    # -- painting ---------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(120, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(48, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        active = self.isEnabled() and (self.hasFocus() or self.isSliderDown())
        middle = self.height() / 2
        x = 7 + self.fraction() * self._span()
        with painter_for(self) as painter:
            if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
                painter.translate(self.width(), 0)
                painter.scale(-1, 1)
            gap = 0 if active else 7
            fill = "accent.fill" if active else ("text.tertiary" if self.isEnabled() else "border.default")
            paint_box(painter, QRectF(0, middle - 1.5, max(0.0, x - gap), 3), theme.color(fill), None, 1.5)
            rest = QRectF(x + gap, middle - 1.5, max(0.0, self.width() - x - gap), 3)
            paint_box(painter, rest, theme.color("border.default"), None, 1.5)
            painter.setPen(Qt.PenStyle.NoPen)
            if active:
                painter.setBrush(theme.color("focus.ring"))
                painter.drawEllipse(QPointF(x, middle), 7, 7)
                painter.setBrush(theme.color("text.primary"))
                painter.drawEllipse(QPointF(x, middle), 5, 5)
                return
            knob = "text.primary" if theme.is_dark or self.underMouse() else "text.secondary"
            painter.setBrush(theme.color(knob if self.isEnabled() else "text.disabled"))
            size = 5 if self.underMouse() and self.isEnabled() else 4
            painter.drawEllipse(QPointF(x, middle), size, size)


class SliderRow(QWidget):
    """Label (64), slider, field (56, wider for a long unit) for one number; a sentence below where what is typed lies
    beyond the range.

    `value_changed` carries an int, or a float with decimals. A value the user types, drags or steps to is emitted once.
    `set_value` also emits if the value is new.
    """

    value_changed = Signal(object)

    def __init__(
        self,
        label: str,
        minimum: float,
        maximum: float,
        value: float,
        *,
        step: float = 1,
        decimals: int = 0,
        default: float | None = None,
        suffix: str = "",
        logarithmic: bool = False,
        tooltip: str = "",
        label_width: int = 64,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.label = ElidedLabel(label, "body", "secondary")
        self.label.setFixedWidth(label_width)
        self.slider = SlimSlider(
            value,
            minimum,
            maximum,
            step=step,
            decimals=decimals,
            default=default,
            logarithmic=logarithmic,
            name=label,
        )
        self.field = NumberField(value, minimum, maximum, step=step, decimals=decimals, suffix=suffix, name=label)
        widest = max(text_width(self.field.shown(end), self.field.font()) for end in (minimum, maximum))
        self.field.setFixedWidth(max(FIELD_WIDTH, widest + FIELD_EDGES if suffix else 0))
        self.setToolTip(tooltip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.message = FieldMessage()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        row = QHBoxLayout()
        self.label.setFixedHeight(theme_of(self).metric("control.sm"))
        column.addLayout(row)
        column.addWidget(self.message)
        row.setSpacing(12)
        row.addWidget(self.label)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        self._value = self.field.value()
        self.slider.value_changed.connect(self._on_changed)
        self.field.value_changed.connect(self._on_changed)
        self.field.error_changed.connect(self.message.set_text)
        self.field.clamped.connect(self.message.set_text)

    def value(self) -> float:
        return self._value

    def set_value(self, value: float) -> None:
        self.field.set_value(value)

    def set_range(self, minimum: float, maximum: float) -> None:
        self.slider.set_range(minimum, maximum)
        self.field.set_range(minimum, maximum)

    def set_default(self, value: float) -> None:
        self.slider.set_default(value)

    def _on_changed(self, value: float) -> None:
        if value == self._value:
            return
        self._value = value
        self.message.set_text("")
        self.slider.set_number(value)
        if self.field.value() != value:
            self.field.set_value(value)
        self.value_changed.emit(value)
