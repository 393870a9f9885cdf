"""Fields of one line: text, number, seed, choice; and the sentence that says what is wrong with one."""

from __future__ import annotations

import random
import re
from collections.abc import Hashable, Sequence

from PySide6.QtCore import QLocale, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QListView, QSizePolicy, QWidget

from studio.core.i18n import _
from studio.core.params import SEED_MAX
from studio.ui.icons import paint_icon
from studio.ui.theme import repolish, theme_of
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.paint import Label, line_text, mirrored, paint_box, painter_for, text_width

_SIGN, _GAP = 20, 6  # what stands before the words of a message


class FieldMessage(QWidget):
    """What is wrong with a field, in one sentence below it; hidden while there is nothing to say."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_GAP)
        self._label = Label("", "small", "danger", wrap=True)
        row.addSpacing(_SIGN)
        row.addWidget(self._label, 1)
        self.set_text(text)

    def text(self) -> str:
        return self._label.text()

    def set_text(self, text: str) -> None:
        self._label.setText(text)
        self.setVisible(bool(text))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Ask for the height that all lines take at this width: a scrolled panel would leave out the last ones."""
        room = self.width() - _SIGN - _GAP
        self._label.setFixedHeight(max(0, self._label.heightForWidth(room)) if self._label.text() else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            paint_icon(painter, mirrored(self, QRect(0, 1, 14, 14)), "warning-circle", theme.color("danger.text"))


class TextField(QLineEdit):
    """One line of text, 32 high (28 if `size` is "sm"); `name` is its accessible name.

    `set_error` turns the border red; `error_changed` carries the sentence for a `FieldMessage` ("" when it is gone).
    """

    error_changed = Signal(str)

    def __init__(
        self, text: str = "", placeholder: str = "", name: str = "", size: str = "md", parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        self._error = ""
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(name or placeholder)
        self.setFixedHeight(theme_of(self).metric(f"control.{size}"))
        self.setFont(theme_of(self).font("small" if size == "sm" else "body"))

    def error(self) -> str:
        return self._error

    def set_error(self, sentence: str) -> None:
        if sentence == self._error:
            return
        self._error = sentence
        self.setProperty("error", "true" if sentence else "false")
        self.setAccessibleDescription(sentence)
        repolish(self)
        self.error_changed.emit(sentence)


class NumberField(TextField):
    """A number with its unit inside, at the right edge.

    Whole unless `decimals` > 0. Typing outside `minimum`–`maximum` shows an error; leaving the field takes the nearest
    allowed number and says so with `clamped`. Up and Down step, with Shift a tenth of a step (at least the last
    decimal), Page keys ten steps. `value_changed` carries an int, or a float if there are decimals.
    """

    value_changed = Signal(object)
    clamped = Signal(str)

    def __init__(
        self,
        value: float = 0,
        minimum: float = 0,
        maximum: float = 100,
        *,
        step: float = 1,
        decimals: int = 0,
        suffix: str = "",
        name: str = "",
        size: str = "sm",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", "", name, size, parent)
        self._minimum, self._maximum, self._step = minimum, maximum, step
        self._decimals, self._suffix = decimals, suffix
        self._value = self._clean(value)
        self.setProperty("kind", "number")
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setText(self.shown(self._value))
        self.textEdited.connect(self._on_edited)
        self.editingFinished.connect(self._on_finished)

    def value(self) -> float:
        return self._value

    def set_value(self, value: float) -> None:
        value = self._clean(value)
        self.setText(self.shown(value))
        self.set_error("")
        if value != self._value:
            self._value = value
            self.value_changed.emit(value)

    def set_range(self, minimum: float, maximum: float) -> None:
        self._minimum, self._maximum = minimum, maximum
        self.set_value(self._value)

    def shown(self, value: float) -> str:
        """The number as the field shows it, with its unit."""
        return f"{value:.{self._decimals}f}{self._suffix}"

    def step_by(self, steps: float) -> None:
        self.set_value(self._value + steps * self._step)

    def _clean(self, value: float) -> float:
        value = min(max(value, self._minimum), self._maximum)
        return round(float(value), self._decimals) if self._decimals else round(value)

    def _parse(self, text: str) -> float | None:
        text = text.removesuffix(self._suffix.strip()).strip()
        text = re.sub(r"[\s\u00a0\u202f_]", "", text).replace("−", "-").replace("。", ".").replace("．", ".")
        if QLocale().decimalPoint() == "," or text.count(",") == 1:
            text = text.replace(",", ".")
        try:
            number = float(text)
        except ValueError:
            return None
        return number if number == number and abs(number) != float("inf") else None

    def _on_edited(self, text: str) -> None:
        number = self._parse(text)
        if number is None or not self._minimum <= number <= self._maximum:
            self.set_error(
                _("Enter a number from {low} to {high}.").format(
                    low=self.shown(self._minimum), high=self.shown(self._maximum)
                )
            )
            return
        self.set_error("")
        value = self._clean(number)
        if value != self._value:
            self._value = value
            self.value_changed.emit(value)

    def _on_finished(self) -> None:
        number = self._parse(self.text())
        self.set_value(self._value if number is None else number)
        if number is not None and not self._minimum <= number <= self._maximum:
            most = _("{number} is the most that can be set here.")
            least = _("{number} is the least that can be set here.")
            self.clamped.emit((most if number > self._maximum else least).format(number=self.shown(self._value)))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Up: 1.0,
            Qt.Key.Key_Down: -1.0,
            Qt.Key.Key_PageUp: 10.0,
            Qt.Key.Key_PageDown: -10.0,
        }.get(Qt.Key(event.key()))
        if steps is None:
            super().keyPressEvent(event)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            steps = max(abs(steps) / 10, 10**-self._decimals / self._step) * (1 if steps > 0 else -1)
        self.step_by(steps)
        self.selectAll()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus() or not event.angleDelta().y():
            event.ignore()  # scrolling the panel must not change numbers
            return
        self.step_by(1 if event.angleDelta().y() > 0 else -1)
        event.accept()


class SeedField(QWidget):
    """A seed with a lock (keep it for the next run) and dice (take another now).

    `value_changed(int)`, `lock_changed(bool)`. Digits may be typed in groups; anything else is an error.
    """

    value_changed = Signal(object)
    lock_changed = Signal(bool)

    def __init__(self, value: int = 0, locked: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = value
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.field = TextField(_grouped(value), name=_("Seed"), size="sm")
        self.lock = IconButton("", "", checkable=True)
        self.dice = IconButton("dice-five", _("Take another seed"))
        self.setFocusProxy(self.field)
        self.field.setMinimumWidth(96)
        row.addWidget(self.field, 1)
        row.addWidget(self.lock)
        row.addWidget(self.dice)
        self.field.textEdited.connect(self._on_edited)
        self.field.editingFinished.connect(self._on_finished)
        self.lock.toggled.connect(self._on_locked)
        self.dice.clicked.connect(self.roll)
        self.lock.setChecked(locked)
        self._describe_lock()

    def value(self) -> int:
        return self._value

    def set_value(self, value: int) -> None:
        self.field.setText(_grouped(value))
        self.field.set_error("")
        if value != self._value:
            self._value = value
            self.value_changed.emit(value)

    def is_locked(self) -> bool:
        return self.lock.isChecked()

    def set_locked(self, locked: bool) -> None:
        self.lock.setChecked(locked)

    def roll(self) -> None:
        """Take another seed."""
        self.set_value(random.randint(0, SEED_MAX))

    def _on_edited(self, text: str) -> None:
        digits = re.sub(r"\s", "", text)
        if digits.isascii() and digits.isdigit() and int(digits[:12]) <= SEED_MAX and len(digits) <= 12:
            self.field.set_error("")
            if int(digits) != self._value:
                self._value = int(digits)
                self.value_changed.emit(self._value)
        else:
            self.field.set_error(_("A seed is a whole number from 0 to {high}.").format(high=_grouped(SEED_MAX)))

    def _on_finished(self) -> None:
        self.field.setText(_grouped(self._value))
        self.field.set_error("")

    def _on_locked(self, locked: bool) -> None:
        self._describe_lock()
        self.lock_changed.emit(locked)

    def _describe_lock(self) -> None:
        locked = self.lock.isChecked()
        self.lock.set_icon("lock-simple" if locked else "lock-simple-open")
        self.lock.set_name(_("Keep this seed"))
        self.lock.setToolTip(
            _("The seed stays the same for every run") if locked else _("Every run takes another seed")
        )


def _grouped(value: int) -> str:
    return f"{value:,}".replace(",", " ")


class ComboField(QComboBox):
    """A choice from a list. `items` are (value, text); `changed` carries the value that the user chose."""

    changed = Signal(object)

    def __init__(
        self,
        items: Sequence[tuple[Hashable, str]],
        current: Hashable = None,
        name: str = "",
        size: str = "md",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFixedHeight(theme_of(self).metric(f"control.{size}"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setProperty("focusRing", False)
        view = QListView(self)
        view.setProperty("kind", "popup")
        self.setView(view)
        self.set_items(items, current)
        self.activated.connect(lambda row: self.changed.emit(self.itemData(row)))

    def set_items(self, items: Sequence[tuple[Hashable, str]], current: Hashable = None) -> None:
        self.clear()
        for value, text in items:
            self.addItem(text, value)
        if current is not None:
            self.set_current(current)
        self.updateGeometry()

    def current(self) -> Hashable:
        return self.currentData()

    def set_current(self, value: Hashable) -> None:
        self.setCurrentIndex(next(row for row in range(self.count()) if self.itemData(row) == value))

    def sizeHint(self) -> QSize:
        widest = max((text_width(self.itemText(row), self.font()) for row in range(self.count())), default=40)
        return QSize(11 + widest + 10 + 12 + 11, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self.sizeHint().width(), 72), self.height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # scrolling the panel must not change choices

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        fill, border, width, text = "surface.field", "border.default", 1, "text.primary"
        if not self.isEnabled():
            fill, border, text = "surface.panel", "border.subtle", "text.disabled"
        elif self.hasFocus():
            border, width = "focus.ring", 2
        elif self.underMouse():
            border = "border.strong"
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color(fill), theme.color(border), 6, width)
            words = mirrored(self, QRect(11, 0, self.width() - 39, self.height()))
            line_text(painter, words, self.currentText(), self.font(), theme.color(text))
            caret = mirrored(self, QRect(self.width() - 23, (self.height() - 12) // 2, 12, 12))
            paint_icon(painter, caret, "caret-down", theme.color("text.tertiary" if self.isEnabled() else text))
