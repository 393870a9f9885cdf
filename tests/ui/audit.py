"""Measures a running window: accessible names, sizes of targets, clipped words, contrast, visible focus.

    faults = audit(window)

Each fault is one line of words. Colours are measured on rendered pixels at three times the size, so that smoothing
of thin strokes does not hide the colour of the ink.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QColor, QFontMetricsF, QImage, QPainter, QRegion
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid

from studio.ui.widgets.paint import ElidedLabel

MINIMUM_TARGET = 24
TEXT_CONTRAST, LARGE_CONTRAST = 4.5, 3.0
VISIBLE_CHANGE = 1.25  # ratio between the pixels of a control with and without the keyboard
_SCALE = 3
_INTERACTIVE = (QAbstractButton, QLineEdit, QAbstractItemView, QAbstractSlider, QComboBox, QTextEdit, QPlainTextEdit)


def audit(window: QWidget, *, focus: bool = True) -> list[str]:
    """Every fault that can be measured on `window` as it is now."""
    widgets = list(shown(window))
    faults = [fault for widget in widgets for check in (_name, _target, _clipped, _cut_off) if (fault := check(widget))]
    faults += [fault for widget in widgets if (fault := _contrast(window, widget))]
    if focus:
        stops = _stops(window, widgets)
        # A toast may close by itself meanwhile.
        faults += [fault for widget in stops if isValid(widget) and (fault := _focus(window, widget, stops))]
    return faults


def shown(window: QWidget) -> Iterator[QWidget]:
    """The widgets that a person can see: on the window and not covered by a sheet or dialogue."""
    cover = _cover(window)
    root = cover or window
    for widget in root.findChildren(QWidget):
        if widget.isVisible() and widget.window() is window and not widget.visibleRegion().isEmpty():
            if _uncovered(widget, widget.rect().center()):
                yield widget


def _cover(window: QWidget) -> QWidget | None:
    """The topmost child that fills the window, if there is one."""
    children = [child for child in window.children() if isinstance(child, QWidget) and child.isVisible()]
    full = [child for child in children if child.geometry() == window.rect()]
    return full[-1] if full else None


def say(widget: QWidget) -> str:
    words = (
        widget.accessibleName() or getattr(widget, "text", lambda: "")() if not isinstance(widget, QTextEdit) else ""
    )
    place = widget.mapTo(widget.window(), QPoint())
    return (
        f"{type(widget).__name__} “{str(words)[:40]}” at {place.x()},{place.y()} ({widget.width()}×{widget.height()})"
    )


def interactive(widget: QWidget) -> bool:
    if isinstance(widget, QScrollBar):
        return False
    takes_focus = widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.focusProxy() is None
    return isinstance(widget, _INTERACTIVE) or (takes_focus and not isinstance(widget, QAbstractScrollArea | QLabel))


def _name(widget: QWidget) -> str:
    if not interactive(widget) or widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
        return ""
    reader = QAccessible.queryAccessibleInterface(widget)
    name = reader.text(QAccessible.Text.Name) if reader is not None else ""
    return "" if name.strip() else f"no accessible name: {say(widget)}"


def _target(widget: QWidget) -> str:
    if not isinstance(widget, QAbstractButton | QAbstractSlider | QComboBox) or isinstance(widget, QScrollBar):
        return ""
    if min(widget.width(), widget.height()) >= MINIMUM_TARGET:
        return ""
    return f"target smaller than {MINIMUM_TARGET}: {say(widget)}"


def _clipped(widget: QWidget) -> str:
    """Words that need more room than their widget has."""
    if isinstance(widget, ElidedLabel):  # may shorten what the user wrote, and tells it whole in a tooltip
        return "" if widget.width() >= 24 else f"nothing left of the words: {say(widget)}"
    if isinstance(widget, QLabel) and widget.text():
        room = widget.contentsRect()
        if widget.wordWrap():
            need = widget.heightForWidth(widget.width())
            return f"clipped, needs height {need}: {say(widget)}" if need > widget.height() + 1 else ""
        need = QFontMetricsF(widget.font()).horizontalAdvance(widget.text())
        return f"clipped, needs width {need:.0f}: {say(widget)}" if need > room.width() + 1 else ""
    if isinstance(widget, QAbstractButton) and widget.text() and widget.sizeHint().isValid():
        if widget.minimumSizeHint().width() < widget.sizeHint().width():  # built to shorten, with a tooltip
            return ""
        need = widget.sizeHint().width()
        return f"clipped, needs width {need}: {say(widget)}" if need > widget.width() + 1 else ""
    if isinstance(widget, QLineEdit) and widget.placeholderText() and not widget.text():
        need = QFontMetricsF(widget.font()).horizontalAdvance(widget.placeholderText())
        return f"clipped, needs width {need:.0f}: {say(widget)}" if need > widget.width() - 8 else ""
    return ""


def _cut_off(widget: QWidget) -> str:
    """A control that lies partly outside what is around it (what scrolls may)."""
    if not isinstance(widget, QAbstractButton | QLabel | QLineEdit) or (
        isinstance(widget, QLabel) and not widget.text()
    ):
        return ""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent.parentWidget(), QAbstractScrollArea):  # `parent` is what scrolls
            return ""
        inside = QRect(widget.mapTo(parent, QPoint()), widget.size())
        if not parent.rect().contains(inside):
            return f"cut off by {type(parent).__name__}: {say(widget)}"
        if parent.isWindow():
            return ""
        parent = parent.parentWidget()
    return ""


# -- colours --------------------------------------------------------------------------------------------------


def render(window: QWidget, rect: QRect, scale: int = _SCALE) -> QImage:
    """The pixels of `rect` of the window, `scale` times as fine."""
    image = QImage(rect.size() * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.black)
    with QPainter(image) as painter:
        window.render(painter, QPoint(), QRegion(rect))
    return image


def luminance(color: QColor) -> float:
    """Relative luminance as WCAG 2 defines it."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF())


def ratio(one: QColor, other: QColor) -> float:
    """Contrast ratio as WCAG 2 defines it, 1 … 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _colors(image: QImage) -> Counter[int]:
    data = bytes(image.constBits())
    return Counter(memoryview(data).cast("I"))


def _contrast(window: QWidget, widget: QWidget) -> str:
    if not isinstance(widget, QLabel | QAbstractButton | QLineEdit) or not widget.isEnabled():
        return ""
    words = widget.text() or (widget.placeholderText() if isinstance(widget, QLineEdit) else "")
    rect = QRect(widget.mapTo(window, QPoint()), widget.size()).intersected(window.rect())
    inner = rect.adjusted(3, 3, -3, -3) if not isinstance(widget, QLabel) else rect
    if not words.strip() or inner.width() < 4 or inner.height() < 4 or not _whole(widget):
        return ""
    counts = _colors(render(window, inner))
    (ground, _count), *_rest = counts.most_common(1)
    paper = QColor(ground)
    # Ink is a colour with a few pixels at least: single ones may be seams of shapes.
    best = max((ratio(paper, QColor(color)) for color, count in counts.items() if count >= 6), default=1.0)
    large = widget.font().pointSizeF() >= 18 or (widget.font().pointSizeF() >= 14 and widget.font().bold())
    limit = LARGE_CONTRAST if large else TEXT_CONTRAST
    return f"contrast {best:.2f} on {paper.name()}: {say(widget)}" if best < limit - 0.05 else ""


def _whole(widget: QWidget) -> bool:
    """Whether no part of the widget is scrolled away or covered."""
    inner = widget.rect().adjusted(1, 1, -1, -1)
    corners = (inner.topLeft(), inner.topRight(), inner.bottomLeft(), inner.bottomRight(), inner.center())
    return widget.visibleRegion().boundingRect().contains(inner) and all(_uncovered(widget, at) for at in corners)


def _uncovered(widget: QWidget, point: QPoint) -> bool:
    """Whether a click at `point` of the widget reaches it, a part of it or what it is a part of."""
    hit = widget.window().childAt(widget.mapTo(widget.window(), point))
    return hit is None or hit is widget or widget.isAncestorOf(hit) or hit.isAncestorOf(widget)


# -- focus ----------------------------------------------------------------------------------------------------


def _stops(window: QWidget, widgets: list[QWidget]) -> list[QWidget]:
    return [
        widget
        for widget in widgets
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isEnabled()
        and widget.focusProxy() is None
        and _whole(widget)
    ]


def _focus(window: QWidget, widget: QWidget, others: list[QWidget]) -> str:
    """The focus, coming from another widget by Tab, must visibly change pixels in or around this one."""
    around = _around(window, widget)
    away = next((x for x in others if isValid(x) and not _around(window, x).intersects(around)), None)
    if away is None:
        return ""
    away.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    rest = render(window, around, 1)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    if not widget.hasFocus():
        return ""  # it hands the focus on
    focused = render(window, around, 1)
    places = [(x, y) for y in range(rest.height()) for x in range(rest.width())]
    pixels = [(rest.pixelColor(*place), focused.pixelColor(*place)) for place in places]
    changed = sum(one != other and ratio(one, other) >= VISIBLE_CHANGE for one, other in pixels)
    needed = min(around.width(), around.height())
    return "" if changed >= needed else f"focus not visible ({changed} pixels): {say(widget)}"


def _around(window: QWidget, widget: QWidget) -> QRect:
    place = QRect(widget.mapTo(window, QPoint()), widget.size())
    return place.adjusted(-6, -6, 6, 6).intersected(window.rect())
