"""Lines and bars: progress, memory, context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, QTimer
from PySide6.QtGui import QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from studio.ui.icons import paint_icon
from studio.ui.theme import MEDIA, theme_of
from studio.ui.widgets.paint import Label, mirrored, paint_box, painter_for

TICK_MS = 30
SWEEP_MS = 1400


class ProgressLine(QProgressBar):
    """A 4-pixel line in the colour of `medium` (or the accent): `set_fraction` 0 to 1, or None while unknown.

    It never runs backwards until `reset_progress`. Put words beside it: a line alone says too little.
    """

    def __init__(self, medium: str = "", name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._medium = medium
        self._fraction: float | None = 0.0
        self._sweep = 0.47  # shows a piece from the start
        self.setRange(0, 1000)
        self.setTextVisible(False)
        self.setAccessibleName(name)
        self.setFixedHeight(theme_of(self).metric("control.progress"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._advance)

    def fraction(self) -> float | None:
        return self._fraction

    def set_medium(self, medium: str) -> None:
        self._medium = medium
        self.update()

    def set_fraction(self, fraction: float | None) -> None:
        if fraction is None:
            self._fraction = None
            self.setRange(0, 0)
        else:
            fraction = min(max(fraction, self._fraction or 0.0), 1.0)
            self._fraction = fraction
            self.setRange(0, 1000)
            self.setValue(round(1000 * fraction))
        self._run()
        self.update()

    def reset_progress(self) -> None:
        """Back to nothing, for the next piece of work."""
        self._fraction = 0.0
        self.setRange(0, 1000)
        self.setValue(0)
        self._run()

    def _run(self) -> None:
        moving = self._fraction is None and self.isVisible() and not theme_of(self).reduce_motion
        if moving != self._timer.isActive():
            self._timer.start() if moving else self._timer.stop()

    def _advance(self) -> None:
        self._sweep = (self._sweep + TICK_MS / SWEEP_MS) % 1.0
        self.update()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._run()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._run()

    def sizeHint(self) -> QSize:
        return QSize(120, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        color = theme.color(f"medium.{self._medium}" if self._medium in MEDIA else "accent.fill")
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color("border.default"), None, 2)
            if self._fraction is None:
                width = self.width() * 0.32
                x = 0.3 * self.width() if theme.reduce_motion else (self.width() + width) * self._sweep - width
                path = QPainterPath()
                path.addRoundedRect(QRectF(self.rect()), 2, 2)
                painter.setClipPath(path)
                paint_box(painter, QRectF(x, 0, width, self.height()), color, None, 2)
            elif self._fraction > 0:
                width = max(self.height(), round(self.width() * self._fraction))
                paint_box(painter, mirrored(self, QRect(0, 0, width, self.height())), color, None, 2)


@dataclass(frozen=True)
class Segment:
    """A part of a bar: its share in the bar's unit, a colour token, and what it is called in the tooltip."""

    amount: float
    color: str
    name: str = ""


class SegmentBar(QProgressBar):
    """Parts of a whole side by side, `height` pixels high; the rest stays empty."""

    def __init__(self, height: int = 6, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments: tuple[Segment, ...] = ()
        self._total = 1.0
        self.setRange(0, 1000)
        self.setTextVisible(False)
        self.setAccessibleName(name)
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_segments(self, segments: Sequence[Segment], total: float) -> None:
        self._segments, self._total = tuple(segments), max(total, 1e-9)
        self.setValue(round(1000 * min(1.0, sum(part.amount for part in segments) / self._total)))
        self.update()

    def segments(self) -> tuple[Segment, ...]:
        return self._segments

    def sizeHint(self) -> QSize:
        return QSize(72, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            path = QPainterPath()
            path.addRoundedRect(QRectF(self.rect()), self.height() / 2, self.height() / 2)
            painter.setClipPath(path)
            painter.fillRect(self.rect(), theme.color("border.default"))
            x = 0.0
            for part in self._segments:
                width = self.width() * part.amount / self._total
                if width <= 0:
                    continue
                shown = max(width - 1, 1.5)
                rect = mirrored(self, QRectF(x, 0, shown, self.height()).toAlignedRect())
                painter.fillRect(rect, theme.color(part.color))
                x += max(width, 2.5)


class MemoryGauge(QWidget):
    """Chip icon, device name, a segment for each loaded model, and "3.1 / 12 GB"."""

    def __init__(self, device: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._device = Label(device, "small", "secondary")
        self.bar = SegmentBar(6)
        self.bar.setFixedWidth(72)
        self._figures = Label("", "small", "secondary")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addSpacing(24)  # the icon
        row.addWidget(self._device)
        row.addWidget(self.bar)
        row.addWidget(self._figures)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(20)

    def set_compact(self, compact: bool) -> None:
        """A shorter bar for narrow windows."""
        self.bar.setFixedWidth(48 if compact else 72)

    def set_memory(
        self, device: str, segments: Sequence[Segment], total: float, figures: str, tooltip: str = ""
    ) -> None:
        """`segments` and `total` in one unit; `figures` the words ("3.1 / 12 GB")."""
        self._device.setText(device)
        self._figures.setText(figures)
        self.bar.set_segments(segments, total)
        self.bar.setAccessibleName(device)
        self.bar.setAccessibleDescription(figures)
        self.setToolTip(tooltip)

    def figures(self) -> str:
        return self._figures.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            paint_icon(painter, mirrored(self, QRect(0, 2, 16, 16)), "cpu", theme.color("text.secondary"))


class ContextMeter(QWidget):
    """How full a model's context is: instructions grey, brief accent, written in the medium's colour.

    One line (label, bar, figures), or `stacked`: the bar below label and figures. The tooltip names the parts.
    """

    def __init__(
        self, label: str, medium: str = "text", *, stacked: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._medium = medium
        self._label = Label(label, "small", "secondary")
        self._figures = Label("", "small", "secondary")
        self.bar = SegmentBar(8, label)
        if stacked:
            column = QVBoxLayout(self)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(8)
            row = QHBoxLayout()
            row.addWidget(self._label)
            row.addStretch(1)
            row.addWidget(self._figures)
            column.addLayout(row)
            column.addWidget(self.bar)
        else:
            row = QHBoxLayout(self)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(16)
            self.bar.setFixedWidth(160)
            for widget in (self._label, self.bar, self._figures):
                row.addWidget(widget)
        self.setSizePolicy(
            QSizePolicy.Policy.Expanding if stacked else QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed
        )

    def set_context(
        self, instructions: int, brief: int, written: int, total: int, figures: str, names: Sequence[str] = ()
    ) -> None:
        """Counts of tokens; `figures` the words at the end; `names` lines of the tooltip ("Instructions 24")."""
        self.bar.set_segments(
            (
                Segment(instructions, "text.tertiary"),
                Segment(brief, "accent.fill"),
                Segment(written, f"medium.{self._medium}"),
            ),
            total,
        )
        self._figures.setText(figures)
        self.bar.setAccessibleDescription(figures)
        self.setToolTip("\n".join(names))

    def figures(self) -> str:
        return self._figures.text()
