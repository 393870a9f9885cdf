"""What painted widgets share: boxes, lines of text, spinners, labels."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QWidget

from studio.ui.theme import repolish, theme_of

SPINNER_STEP_MS = 90
GAP = 8


def painter_for(widget: QWidget) -> QPainter:
    """An antialiasing painter on `widget`; the caller ends it (`with` works)."""
    painter = QPainter(widget)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    return painter


def paint_box(
    painter: QPainter,
    rect: QRect | QRectF,
    fill: QColor | None = None,
    border: QColor | None = None,
    radius: float = 6,
    width: float = 1,
) -> None:
    """A rounded box whose border lies wholly inside `rect`, on whole pixels."""
    inset = width / 2 if border is not None else 0.0
    painter.setPen(QPen(border, width) if border is not None else Qt.PenStyle.NoPen)
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    inner = QRectF(rect).adjusted(inset, inset, -inset, -inset)
    radius = min(radius - inset, inner.height() / 2, inner.width() / 2)
    painter.drawRoundedRect(inner, radius, radius)


def line_text(
    painter: QPainter,
    rect: QRect,
    text: str,
    font: QFont,
    color: QColor,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeading,
) -> None:
    """One line of text in the middle of `rect`, shortened with an ellipsis where it does not fit."""
    painter.setFont(font)
    painter.setPen(color)
    metrics = QFontMetricsF(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width() + 0.5)
    painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)


def text_width(text: str, font: QFont) -> int:
    """Pixels that `text` needs on one line, rounded up so that `line_text` never shortens it."""
    return math.ceil(QFontMetricsF(font).horizontalAdvance(text)) if text else 0


def mirrored(widget: QWidget, rect: QRect) -> QRect:
    """`rect` as it lies in a right-to-left window."""
    return QStyle.visualRect(widget.layoutDirection(), widget.rect(), rect)


def paint_spinner(painter: QPainter, rect: QRect | QRectF, color: QColor, step: int) -> None:
    """Eight spokes, the brightest at `step`."""
    painter.save()
    center = QRectF(rect).center()
    side = min(rect.width(), rect.height())
    painter.translate(center)
    for spoke in range(8):
        shade = QColor(color)
        shade.setAlphaF(1.0 - 0.1 * ((step - spoke) % 8))
        painter.setPen(QPen(shade, side / 15, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.save()
        painter.rotate(45 * spoke)
        painter.drawLine(QPointF(0, -side * 0.4), QPointF(0, -side * 0.24))
        painter.restore()
    painter.restore()


class SpinnerClock(QTimer):
    """Steps a spinner of `widget` while it runs; stands still where the system asks for less motion."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.step = 0
        self.setInterval(SPINNER_STEP_MS)
        self.timeout.connect(self._advance)
        self._widget = widget

    def run(self, on: bool) -> None:
        if on and not theme_of(self._widget).reduce_motion:
            self.start()
        else:
            self.stop()

    def _advance(self) -> None:
        self.step = (self.step + 1) % 8
        if self._widget.isVisible():
            self._widget.update()


class Spinner(QWidget):
    """A turning sign that something is going on, `size` pixels square."""

    def __init__(self, size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(size, size)
        self._clock = SpinnerClock(self)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._clock.run(True)

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._clock.run(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        with painter_for(self) as painter:
            paint_spinner(painter, self.rect(), theme_of(self).color("text.secondary"), self._clock.step)


class Label(QLabel):
    """Text in a role of the type scale and a tone: primary, secondary, tertiary, accent, danger, a medium …"""

    def __init__(
        self, text: str = "", role: str = "body", tone: str = "primary", *, wrap: bool = False, parent=None
    ) -> None:
        super().__init__(text, parent)
        self.setFont(theme_of(self).font(role))
        self.setMinimumHeight(theme_of(self).line_height(role))
        self.setProperty("tone", tone)
        self.setWordWrap(wrap)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def set_tone(self, tone: str) -> None:
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            repolish(self)


class ElidedLabel(Label):
    """A label that may become narrower than its text: it ends in an ellipsis and its tooltip tells the whole."""

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(hint.width() + 1, hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        self.setToolTip(self.text() if text_width(self.text(), self.font()) > self.width() + 1 else "")
        with painter_for(self) as painter:
            color = self.palette().color(self.foregroundRole())
            line_text(painter, self.rect(), self.text(), self.font(), color, self.alignment())


class Separator(QWidget):
    """A one-pixel line; `vertical` ones are `length` pixels high."""

    def __init__(self, *, vertical: bool = False, length: int = 20, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if vertical:
            self.setFixedSize(1, length)
        else:
            self.setFixedHeight(1)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._color = "border.default" if vertical else "border.subtle"

    def paintEvent(self, event: QPaintEvent) -> None:
        with painter_for(self) as painter:
            painter.fillRect(self.rect(), theme_of(self).color(self._color))
