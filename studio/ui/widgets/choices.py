"""Choosing among a few: segments, switch, tick, pills."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QWidget,
)

from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.flow import FlowLayout
from studio.ui.widgets.paint import GAP, line_text, mirrored, paint_box, painter_for, text_width

Items = Sequence[tuple[Hashable, str]]


class _Segment(QRadioButton):
    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setFixedHeight(24)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(theme_of(self).font("small", 500))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setProperty("radius", 4)

    def sizeHint(self) -> QSize:
        return QSize(text_width(self.text(), self.font()) + 20, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(text_width(self.text(), self.font()) + 8, 24)

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        color = "text.secondary"
        with painter_for(self) as painter:
            if self.isChecked():
                color = "text.primary"
                if theme.is_dark:
                    paint_box(painter, self.rect().adjusted(1, 1, -1, -1), theme.color("surface.pressed"), None, 4)
                else:
                    paint_box(painter, self.rect(), theme.color("surface.raised"), theme.color("border.default"), 4)
            elif self.underMouse() and self.isEnabled():
                color = "text.primary"
            color = color if self.isEnabled() else "text.disabled"
            line_text(
                painter,
                self.rect().adjusted(2, 0, -2, 0),
                self.text(),
                self.font(),
                theme.color(color),
                Qt.AlignmentFlag.AlignHCenter,
            )


class SegmentedControl(QWidget):
    """A few modes side by side, one of them chosen; arrow keys move the choice.

    `items` are (value, text). `changed` carries the value, on every change of choice.
    """

    changed = Signal(object)

    def __init__(self, items: Items, current: Hashable = None, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFixedHeight(theme_of(self).metric("control.sm"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._values: list[Hashable] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        for number, (value, text) in enumerate(items):
            segment = _Segment(text, self)
            self._group.addButton(segment, number)
            self._values.append(value)
            row.addWidget(segment, 1)
        self.set_current(self._values[0] if current is None else current)
        self._group.idToggled.connect(self._on_toggled)

    def current(self) -> Hashable:
        return self._values[self._group.checkedId()]

    def set_current(self, value: Hashable) -> None:
        self._group.button(self._values.index(value)).setChecked(True)

    def set_item_enabled(self, value: Hashable, enabled: bool, why: str = "") -> None:
        """`why` becomes the tooltip of a disabled segment."""
        segment = self._group.button(self._values.index(value))
        segment.setEnabled(enabled)
        segment.setToolTip("" if enabled else why)

    def _on_toggled(self, number: int, checked: bool) -> None:
        if checked:
            self.changed.emit(self._values[number])

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            if theme.is_dark:
                paint_box(painter, self.rect(), theme.color("surface.field"), theme.color("border.default"), 6)
            else:
                paint_box(painter, self.rect(), theme.color("surface.hover"), None, 6)


class Switch(QCheckBox):
    """On or off, at once. The text is its accessible name; it is drawn only if `show_text`, left of the switch."""

    def __init__(
        self, text: str, checked: bool = False, *, show_text: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        self._show_text = show_text
        self.setChecked(checked)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setProperty("radius", 9)
        self.setFixedHeight(24)  # the smallest target; the track is 18
        policy = QSizePolicy.Policy.Expanding if show_text else QSizePolicy.Policy.Fixed
        self.setSizePolicy(policy, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        text = text_width(self.text(), self.font()) + 12 if self._show_text else 0
        return QSize(text + 32, self.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            if self._show_text:
                words = mirrored(self, QRect(0, 0, self.width() - 44, self.height()))
                tone = "text.secondary" if self.isEnabled() else "text.disabled"
                line_text(painter, words, self.text(), self.font(), theme.color(tone))
            track = mirrored(self, QRect(self.width() - 32, (self.height() - 18) // 2, 32, 18))
            on = self.isChecked()
            if self.isEnabled():
                fill = ("accent.fillHover" if self.underMouse() else "accent.fill") if on else "border.strong"
                paint_box(painter, track, theme.color(fill), None, 9)
            else:
                paint_box(painter, track, theme.color("surface.panel"), theme.color("border.default"), 9)
            start = on == (self.layoutDirection() == Qt.LayoutDirection.LeftToRight)
            knob = QRectF(track.x() + (16 if start else 2), track.y() + 2, 14, 14)
            knob_color = "text.onAccent" if self.isEnabled() else "border.strong"
            paint_box(painter, knob, theme.color(knob_color), None, 7)


class CheckBox(QCheckBox):
    """A tick with its text."""

    def __init__(self, text: str, checked: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setChecked(checked)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setProperty("radius", 4)
        self.setFixedHeight(24)

    def sizeHint(self) -> QSize:
        return QSize(16 + (GAP + text_width(self.text(), self.font()) if self.text() else 0), 24)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        box = mirrored(self, QRect(0, 4, 16, 16))
        with painter_for(self) as painter:
            if not self.isEnabled():
                paint_box(painter, box, theme.color("surface.panel"), theme.color("border.default"), 4)
            elif self.isChecked():
                paint_box(painter, box, theme.color("accent.fill"), None, 4)
            else:
                border = "text.secondary" if self.underMouse() else "border.strong"
                paint_box(painter, box, theme.color("surface.field"), theme.color(border), 4)
            if self.isChecked():
                tick = "text.onAccent" if self.isEnabled() else "text.disabled"
                paint_icon(painter, box.adjusted(2, 2, -2, -2), "check-bold", theme.color(tick))
            tone = "text.secondary" if self.isEnabled() else "text.disabled"
            words = mirrored(self, QRect(16 + GAP, 0, self.width() - 16 - GAP, self.height()))
            line_text(painter, words, self.text(), self.font(), theme.color(tone))


class ToggleChip(QPushButton):
    """A pill that is on or off."""

    def __init__(self, text: str, icon: str = "", icon_color: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._icon, self._icon_color = icon, icon_color
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setFixedHeight(theme_of(self).metric("control.sm"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setProperty("radius", 14)

    def sizeHint(self) -> QSize:
        text = text_width(self.text(), theme_of(self).font("small", 600))
        return QSize(22 + text + (16 + 6 if self._icon else 0), self.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        fill, border, text, weight = "surface.raised", "border.default", "text.secondary", 400
        if not self.isEnabled():
            fill, border, text = "surface.panel", "border.subtle", "text.disabled"
        elif self.isChecked():
            fill, border, text, weight = "accent.tint", "accent.fill", "accent.tintText", 600
        elif self.isDown():
            fill, text = "surface.pressed", "text.primary"
        elif self.underMouse():
            fill, text = "surface.hover", "text.primary"
        font = theme.font("small", weight)
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color(fill), theme.color(border), 14)
            width = text_width(self.text(), font)
            x = (self.width() - width - (22 if self._icon else 0)) // 2
            if self._icon:
                own = self._icon_color if self._icon_color and self.isEnabled() else text
                icon_box = mirrored(self, QRect(x, (self.height() - 16) // 2, 16, 16))
                paint_icon(painter, icon_box, self._icon, theme.color(own))
                x += 22
            line_text(painter, mirrored(self, QRect(x, 0, width, self.height())), self.text(), font, theme.color(text))


class ChipRow(QWidget):
    """Pills that flow into as many lines as they need, one of them chosen (or none, if `optional`).

    `changed` carries the chosen value, or None. Arrow keys move among the pills.
    """

    changed = Signal(object)

    def __init__(
        self,
        items: Items,
        current: Hashable = None,
        *,
        name: str = "",
        optional: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._optional = optional
        self._chips: dict[Hashable, ToggleChip] = {}
        self._current: Hashable = None
        flow = FlowLayout(self, 6)
        for value, text in items:
            chip = ToggleChip(text, parent=self)
            chip.clicked.connect(lambda checked, value=value: self._on_clicked(value, checked))
            self._chips[value] = chip
            flow.addWidget(chip)
        if current is not None:
            self.set_current(current)
        elif not optional and self._chips:
            self.set_current(next(iter(self._chips)))

    def current(self) -> Hashable:
        return self._current

    def set_current(self, value: Hashable) -> None:
        """Choose `value` (None: nothing), and say so if that is new."""
        if value is not None and value not in self._chips:
            raise KeyError(value)
        new = value != self._current
        self._current = value
        for key, chip in self._chips.items():
            chip.setChecked(key == value)
        if new:
            self.changed.emit(value)

    def chip(self, value: Hashable) -> ToggleChip:
        return self._chips[value]

    def _on_clicked(self, value: Hashable, checked: bool) -> None:
        self.set_current(None if self._optional and not checked else value)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chips = list(self._chips.values())
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}.get(
            Qt.Key(event.key()), 0
        )
        focused = next((i for i, chip in enumerate(chips) if chip.hasFocus()), None)
        if not step or focused is None:
            super().keyPressEvent(event)
            return
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft and event.key() in (
            Qt.Key.Key_Left,
            Qt.Key.Key_Right,
        ):
            step = -step
        chips[(focused + step) % len(chips)].setFocus(Qt.FocusReason.TabFocusReason)
