"""The picture of a long sound with its parts: ruler, numbered flags, bars, and the place that is heard.

Bars are 2 pixels wide and 1 apart: what was heard in the colour of the medium, what was edited since in amber; a part
that is not made yet is a dashed outline. Only what is seen is drawn, from peaks that are counted once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from studio.core.i18n import _
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width

PEAKS_PER_SECOND = 100
RULER, FLAG, BAR, PITCH = 24, 16, 2, 3
LINE_ROOM = 6  # pixels between the lines of two parts
OUTLINES = 500
USUAL, MOST = 20.0, 240.0  # pixels per second
ALMOST = 1.2  # a sound that nearly fits is made to fit
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 36000, 86400)
_TICK_ROOM = 72


MADE, EDITED, MAKING, WAITING = range(4)


@dataclass(frozen=True)
class Parts:
    """The parts of a sound in order: where each starts and ends, in s (float64), and its state (int8): MADE, EDITED,
    MAKING or WAITING (nothing there yet)."""

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    states: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def seconds(self) -> float:
        return float(self.ends[-1]) if len(self.ends) else 0.0

    def at(self, second: float) -> int:
        """The number of the part that is heard at a second, or of the one before the pause there."""
        return max(0, int(np.searchsorted(self.starts, second, "right")) - 1)


def parts_of(*rows: tuple[float, float, int]) -> Parts:
    """Parts from (start, end, state)."""
    starts, ends, states = zip(*rows, strict=True) if rows else ((), (), ())
    return Parts(np.array(starts, np.float64), np.array(ends, np.float64), np.array(states, np.int8))


def clock_time(seconds: float, *, tenths: bool = False) -> str:
    """ "0:13", "0:13.9", "1:02:05"."""
    seconds = max(0.0, seconds)
    whole = int(seconds)
    tail = f".{int(seconds * 10) % 10}" if tenths else ""
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}{tail}"
    return f"{whole // 60}:{whole % 60:02d}{tail}"


class Waveform(QAbstractScrollArea):
    """`chosen` carries the second that was clicked or reached by the arrow keys; `zoom_changed` the pixels per second.

    Ctrl and the wheel zoom, the wheel alone scrolls. Space is left to whoever plays.
    """

    chosen = Signal(float)
    zoom_changed = Signal(float)

    def __init__(self, medium: str = "speech", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._medium = medium
        self._parts = parts_of()
        self._peaks: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._seconds = 0.0
        self._position = 0.0
        self._current = -1
        self._zoom = self._wanted = USUAL
        self._held = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("focusRing", False)
        self.setAccessibleName(_("Waveform"))
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)
        self.horizontalScrollBar().valueChanged.connect(self.viewport().update)

    # -- what is shown ----------------------------------------------------------------------------------------

    def set_sound(self, parts: Parts, peaks: NDArray[np.uint8]) -> None:
        """The parts, and the peaks (0 to 255) of the whole, a hundred for each second."""
        self._parts = parts
        self._peaks = peaks
        self._seconds = parts.seconds
        self._arrange()

    def set_position(self, seconds: float, current: int = -1, *, follow: bool = False) -> None:
        """The place that is heard and the number of its part (−1: none); `follow` keeps it in view."""
        if current == self._current and round(seconds * self._zoom) == round(self._position * self._zoom):
            self._position = seconds
            return
        self._position, self._current = seconds, current
        self.setAccessibleDescription(
            _("{position} of {total}").format(
                position=clock_time(seconds, tenths=True), total=clock_time(self._seconds, tenths=True)
            )
        )
        if follow and not self._held:
            self._keep_in_view(seconds)
        self.viewport().update()

    def show_part(self, number: int) -> None:
        """Scroll so that a part is seen."""
        if 0 <= number < len(self._parts):
            self._keep_in_view(float(self._parts.starts[number]))

    def seconds(self) -> float:
        return self._seconds

    # -- zoom -------------------------------------------------------------------------------------------------

    def zoom(self) -> float:
        """Pixels per second."""
        return self._zoom

    def least(self) -> float:
        """The zoom at which the whole fits."""
        return max(0.01, (self.viewport().width() - 8) / max(self._seconds, 1.0))

    def set_zoom(self, pixels_per_second: float, around: float | None = None) -> None:
        """`around`: the second that stays where it is (the place that is heard, if it is in view). A zoom at which the
        whole fits goes on fitting."""
        least = min(self.least(), MOST)
        self._wanted = 0.0 if pixels_per_second <= least * 1.001 else min(pixels_per_second, MOST)
        anchor = self._position if around is None else around
        x = anchor * self._zoom - self.horizontalScrollBar().value()
        if not 0 <= x <= self.viewport().width():
            x, anchor = 0.0, self.horizontalScrollBar().value() / self._zoom
        before = self._zoom
        self._arrange()
        if self._zoom != before:
            self.horizontalScrollBar().setValue(round(anchor * self._zoom - x))

    def _arrange(self) -> None:
        width = self.viewport().width()
        zoom = max(self._wanted, min(self.least(), MOST))  # a short sound fills the width
        if zoom < self.least() * ALMOST:
            zoom = min(self.least(), MOST)
        new, self._zoom = zoom != self._zoom, zoom
        bar = self.horizontalScrollBar()
        bar.setRange(0, max(0, math.ceil(self._seconds * self._zoom) + 8 - width))
        bar.setPageStep(width)
        bar.setSingleStep(max(1, width // 20))
        self.viewport().update()
        if new:
            self.zoom_changed.emit(zoom)

    def _keep_in_view(self, seconds: float) -> None:
        bar = self.horizontalScrollBar()
        x, width = seconds * self._zoom - bar.value(), self.viewport().width()
        if x < 0 or x > width * 0.9:
            bar.setValue(round(seconds * self._zoom - width * 0.1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.set_zoom(self._zoom * 1.0015**delta, self._second(event.position().x()))
        else:
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - delta)
        event.accept()

    # -- pointer and keys -------------------------------------------------------------------------------------

    def _second(self, x: float) -> float:
        return min(max((x + self.horizontalScrollBar().value()) / self._zoom, 0.0), self._seconds)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._seconds:
            self._held = True
            self.chosen.emit(self._second(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self.chosen.emit(self._second(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 5.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        places = {
            Qt.Key.Key_Left: self._position - step,
            Qt.Key.Key_Right: self._position + step,
            Qt.Key.Key_Home: 0.0,
            Qt.Key.Key_End: self._seconds,
        }
        place = places.get(Qt.Key(event.key()))
        if place is not None and self._seconds:
            self.chosen.emit(min(max(place, 0.0), self._seconds))
            self._keep_in_view(place)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_zoom(self._zoom * 1.4)
        elif event.key() == Qt.Key.Key_Minus:
            self.set_zoom(self._zoom / 1.4)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # -- painting ---------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(480, 236)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        view = self.viewport()
        with QPainter(view) as painter:
            painter.fillRect(view.rect(), theme.color("surface.well"))
            left = self.horizontalScrollBar().value()
            first = self._parts.at(left / self._zoom)
            last = int(np.searchsorted(self._parts.starts, (left + view.width()) / self._zoom))
            self._paint_ruler(painter, theme, left)
            self._paint_parts(painter, theme, left, first, last)
            self._paint_bars(painter, theme, left, first, last)
            self._paint_flags(painter, theme, left, first, last)
            self._paint_head(painter, theme, left)
            if self.hasFocus():
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                paint_box(painter, view.rect(), None, theme.color("focus.ring"), 3, 2)

    def _paint_ruler(self, painter: QPainter, theme: Theme, left: int) -> None:
        width = self.viewport().width()
        painter.fillRect(QRect(0, 0, width, RULER), theme.color("surface.window"))
        painter.fillRect(QRect(0, RULER, width, 1), theme.color("border.default"))
        step = next((step for step in _STEPS if step * self._zoom >= _TICK_ROOM), _STEPS[-1])
        font, tone, line = theme.font("caption"), theme.color("text.secondary"), theme.color("border.default")
        number = math.floor(left / self._zoom / step)
        while (x := round(number * step * self._zoom) - left) < width:
            painter.fillRect(QRect(x, RULER - 6, 1, 6), line)
            words = clock_time(number * step, tenths=step < 1)
            line_text(painter, QRect(x + 4, 2, _TICK_ROOM, RULER - 4), words, font, tone)
            number += 1

    def _edges(self, left: int, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the parts that are in view start and end, in pixels."""
        starts, ends = self._parts.starts[first:last], self._parts.ends[first:last]
        return (
            np.round(starts * self._zoom).astype(np.int64) - left,
            np.round(ends * self._zoom).astype(np.int64) - left,
        )

    def _paint_parts(self, painter: QPainter, theme: Theme, left: int, first: int, last: int) -> None:
        height = self.viewport().height()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        starts, ends = self._edges(left, first, last)
        if first <= self._current < last:
            x, end = int(starts[self._current - first]), int(ends[self._current - first])
            painter.fillRect(QRect(x, RULER + 1, max(2, end - x), height), theme.color("surface.raised"))
        line = theme.color("border.default")
        _cells, apart = np.unique(starts // LINE_ROOM, return_index=True)  # lines in a crowd say nothing
        if len(apart) * 2 > len(starts):
            for x in starts[apart]:
                painter.fillRect(QRect(int(x), RULER + 1, 1, height), line)

    def _paint_bars(self, painter: QPainter, theme: Theme, left: int, first: int, last: int) -> None:
        width, height = self.viewport().width(), self.viewport().height()
        middle = (RULER + FLAG + height) / 2
        half = max(8.0, (height - RULER - FLAG - 24) / 2 * 0.8)
        painter.fillRect(QRectF(0, middle - 0.5, width, 1), theme.color("border.default"))
        tall = self._bar_heights(left, width)
        if len(tall):
            colors = self._bar_colors(left, len(tall))
            made = {
                0: theme.color("text.secondary"),
                1: theme.color(f"medium.{self._medium}"),
                2: self._amber(theme),
            }
            offset = left % PITCH
            for color_number, color in made.items():
                for bar in np.flatnonzero((colors == color_number) & (tall > 0)):
                    size = max(2.0, float(tall[bar]) / 255 * half * 2)
                    painter.fillRect(QRectF(float(bar) * PITCH - offset, middle - size / 2, BAR, size), color)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.color("text.tertiary"), 1, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.setBrush(theme.color("surface.well"))
        for number in first + np.flatnonzero(self._parts.states[first:last] == WAITING)[:OUTLINES]:
            x = self._parts.starts[number] * self._zoom - left + 5
            end = self._parts.ends[number] * self._zoom - left - 2
            if end - x > 6:
                painter.drawRoundedRect(QRectF(float(x), middle - 6, float(end - x), 12), 4, 4)

    def _amber(self, theme: Theme) -> QColor:
        color = theme.color("warning.text" if theme.is_dark else "medium.text")
        color.setAlphaF(0.75 if theme.is_dark else 1.0)
        return color

    def _bar_heights(self, left: int, width: int) -> NDArray[np.uint8]:
        """The highest peak under each bar that is in view."""
        if not len(self._peaks):
            return np.zeros(0, np.uint8)
        per_bar = PITCH / self._zoom * PEAKS_PER_SECOND
        number = left // PITCH
        edges = ((number + np.arange(width // PITCH + 3)) * per_bar).astype(np.int64)
        edges = edges[edges < len(self._peaks)]
        if not len(edges):
            return np.zeros(0, np.uint8)
        part = self._peaks[: int(edges[-1] + math.ceil(per_bar)) or 1]
        return np.maximum.reduceat(part, edges)

    def _bar_colors(self, left: int, count: int) -> NDArray[np.int8]:
        """0 plain, 1 heard, 2 edited, for each bar."""
        seconds = (left // PITCH + np.arange(count) + 0.5) * PITCH / self._zoom
        colors = np.zeros(count, np.int8)
        colors[seconds < self._position] = 1
        if len(self._parts):
            numbers = np.maximum(np.searchsorted(self._parts.starts, seconds, "right") - 1, 0)
            colors[self._parts.states[numbers] == EDITED] = 2
        return colors

    def _paint_flags(self, painter: QPainter, theme: Theme, left: int, first: int, last: int) -> None:
        font = theme.font("caption", 600)
        starts, ends = self._edges(left, first, last)
        widest = text_width(f"{last}", font) + 12
        _cells, apart = np.unique(np.maximum(starts, 0) // widest, return_index=True)
        shown = [int(place) for place in apart] if len(apart) > 1 or len(starts) < 3 else []
        if first <= self._current < last and self._current - first not in shown:
            shown = [place for place in shown if abs(starts[place] - starts[self._current - first]) > widest]
            shown.append(self._current - first)
        for place in shown:
            words = f"{first + place + 1}"
            current = first + place == self._current
            x, width = max(int(starts[place]), -4) + 4, text_width(words, font) + 10
            if x + width > ends[place] + 8 and not current and len(starts) > 1 and ends[place] > 0:
                continue
            fill = theme.color(f"medium.{self._medium}" if current else "border.default")
            ink = theme.color("surface.well" if current else "text.primary")
            box = QRect(x, RULER + 6, width, FLAG)
            paint_box(painter, box, fill, None, 3)
            line_text(painter, box, words, font, ink, Qt.AlignmentFlag.AlignHCenter)

    def _paint_head(self, painter: QPainter, theme: Theme, left: int) -> None:
        if not len(self._parts):
            return
        x = round(self._position * self._zoom) - left
        if not -6 <= x <= self.viewport().width() + 6:
            return
        color = theme.color("playhead")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRect(x - 1, RULER - 8, 2, self.viewport().height()), color)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        top = RULER - 12
        shape = [(x - 5, top), (x + 5, top), (x + 5, top + 7), (x, top + 13), (x - 5, top + 7)]
        painter.drawPolygon(QPolygonF([QPointF(*point) for point in shape]))


def thumbnail(painter: QPainter, rect: QRect, peaks: str, theme: Theme, color: QColor, played: int = 0) -> None:
    """A small waveform in `rect` from digits 0 to 9, the first `played` bars in the colour of speech."""
    painter.setPen(Qt.PenStyle.NoPen)
    middle = rect.center().y() + 0.5
    heard = theme.color("medium.speech")
    count = min(len(peaks), (rect.width() + 1) // PITCH)
    for number, digit in enumerate(peaks[:count]):
        size = max(2.0, int(digit) / 9 * rect.height()) if digit.isdecimal() else 2.0
        bar = QRectF(rect.x() + number * PITCH, middle - size / 2, BAR, size)
        painter.fillRect(bar, heard if number < played else color)
