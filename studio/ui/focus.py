"""The ring around the control that has the keyboard: 2 pixels wide, 2 pixels away from the control.

A style sheet cannot draw outside a widget, so one `QFocusFrame` follows the focus. It surrounds buttons (and whatever
sets the dynamic property `focusRing` to True); fields, lists and painted controls that show the focus themselves set
it to False. The ring is for the keyboard: focus that came from a click shows none.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFocusFrame,
    QProxyStyle,
    QStyle,
    QStyleOption,
    QWidget,
)
from shiboken6 import isValid

WIDTH, GAP, RADIUS = 2, 2, 6


class _RingStyle(QProxyStyle):
    """Used by focus frames only, so that no other widget pays for calls into Python."""

    def __init__(self, color: Callable[[str], QColor]) -> None:
        super().__init__("Fusion")
        self._color = color

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        if metric in (QStyle.PixelMetric.PM_FocusFrameHMargin, QStyle.PixelMetric.PM_FocusFrameVMargin):
            return WIDTH + GAP
        return super().pixelMetric(metric, option, widget)

    def styleHint(self, hint, option=None, widget=None, returnData=None) -> int:
        if hint == QStyle.StyleHint.SH_FocusFrame_Mask:
            return 0
        if hint == QStyle.StyleHint.SH_FocusFrame_AboveWidget:
            return 1
        return super().styleHint(hint, option, widget, returnData)

    def drawControl(
        self, element: QStyle.ControlElement, option: QStyleOption, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if element != QStyle.ControlElement.CE_FocusFrame:
            super().drawControl(element, option, painter, widget)
            return
        target = widget.widget() if isinstance(widget, QFocusFrame) else None
        radius = (target.property("radius") if target is not None else None) or RADIUS
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._color("focus.ring"), WIDTH))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        radius += GAP + WIDTH / 2
        painter.drawRoundedRect(QRectF(option.rect).adjusted(1, 1, -1, -1), radius, radius)  # type: ignore[attr-defined]


def make_frame(widget: QWidget, color: Callable[[str], QColor]) -> QFocusFrame:
    """A ring around `widget`, shown while the widget is."""
    frame = QFocusFrame(widget.window())  # setWidget moves it to the scroll area or window around the widget
    style = _RingStyle(color)
    style.setParent(frame)
    frame.setStyle(style)
    frame.setWidget(widget)
    return frame


class FocusRing(QObject):
    """Moves the ring to the widget that has the keyboard."""

    def __init__(self, app: QApplication, color: Callable[[str], QColor]) -> None:
        super().__init__(app)
        self._color = color
        self._frame: QFocusFrame | None = None
        self._left: tuple[QWidget, bool] | None = None  # who had the keyboard when the window lost it, and a ring
        app.focusChanged.connect(self._on_focus_changed)

    def target(self) -> QWidget | None:
        """The widget inside the ring."""
        return self._frame.widget() if self._frame is not None and isValid(self._frame) else None

    def _on_focus_changed(self, old: QWidget | None, now: QWidget | None) -> None:
        if now is None and old is not None:
            self._left = (old, self._frame is not None)
        if self._frame is not None and isValid(self._frame):  # it goes with the widgets around it
            self._frame.hide()
            self._frame.deleteLater()
        self._frame = None
        quiet = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        if old is None:  # the window came to the front: as it was before
            quiet = self._left is None or self._left[0] is not now or not self._left[1]
        if now is not None and not quiet and _wants_ring(now):
            self._frame = make_frame(now, self._color)


def _wants_ring(widget: QWidget) -> bool:
    wanted = widget.property("focusRing")
    return isinstance(widget, QAbstractButton) if wanted is None else bool(wanted)
