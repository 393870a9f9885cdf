"""Two pictures over one another with a line between them that can be moved."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width

MARGIN = 28
STEP = 0.02


class CompareView(QWidget):
    """`closed` with Escape. Both pictures are shown at the size of the first; the line stands at `share` (0 to 1)."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(_("Two pictures compared"))
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self._images: tuple[QImage, QImage] | None = None
        self._names = ("", "")
        self._shown: list[QPixmap] = []
        self.share = 0.5

    def set_pictures(self, left: QImage, right: QImage, names: tuple[str, str] = ("", "")) -> None:
        self._images, self._names, self.share = (left, right), names, 0.5
        self._shown = []
        self._describe()
        self.update()

    def set_share(self, share: float) -> None:
        self.share = min(max(share, 0.0), 1.0)
        self._describe()
        self.update()

    def frame(self) -> QRectF:
        """Where the pictures lie."""
        if self._images is None:
            return QRectF()
        room = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        size = QSizeF(self._images[0].size()).scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        frame = QRectF(QPointF(), size)
        frame.moveCenter(room.center())
        return QRectF(frame.toRect())

    def _describe(self) -> None:
        words = _("{percent} % of {name}").format(percent=round(100 * self.share), name=self._names[0])
        self.setAccessibleDescription(words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shown = []

    def _scaled(self) -> list[QPixmap]:
        """Both at the size in which they are shown."""
        if not self._shown and self._images is not None:
            ratio = self.devicePixelRatioF()
            size = (self.frame().size() * ratio).toSize()
            mode, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            for image in self._images:
                pixmap = QPixmap.fromImage(image.scaled(size, mode, smooth))
                pixmap.setDevicePixelRatio(ratio)
                self._shown.append(pixmap)
        return self._shown

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, frame = theme_of(self), self.frame()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.color("surface.well"))
            if self._images is None:
                return
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            line = frame.left() + round(frame.width() * self.share)
            for pixmap, left, right in zip(
                self._scaled(), (frame.left(), line), (line, frame.right() + 1), strict=True
            ):
                painter.save()
                painter.setClipRect(QRectF(left, frame.top(), right - left, frame.height()))
                painter.drawPixmap(frame.topLeft(), pixmap)
                painter.restore()
            painter.setPen(QPen(QColor(0, 0, 0, 120), 4))
            painter.drawLine(QPointF(line, frame.top()), QPointF(line, frame.bottom()))
            painter.setPen(QPen(QColor("white"), 2))
            painter.drawLine(QPointF(line, frame.top()), QPointF(line, frame.bottom()))
            knob = QRectF(line - 16, frame.center().y() - 16, 32, 32)
            ring = theme.color("focus.ring") if self.hasFocus() else theme.color("border.strong")
            paint_box(painter, knob, theme.color("surface.overlay"), ring, 16, 2)
            paint_icon(painter, knob.adjusted(8, 8, -8, -8).toRect(), "arrows-left-right", theme.color("text.primary"))
            for number, name in enumerate(self._names):
                font = theme.font("small", 600)
                width = min(text_width(name, font) + 16, max(0, round(frame.width() / 2) - 24))
                x = frame.left() + 12 if number == 0 else frame.right() - 12 - width
                box = QRectF(x, frame.top() + 12, width, 24)
                if name and width > 32:
                    paint_box(painter, box, theme.color("surface.overlay"), None, 6)
                    words = box.adjusted(8, 0, -8, 0).toRect()
                    line_text(painter, words, name, font, theme.color("text.primary"))

    def _move(self, x: float) -> None:
        frame = self.frame()
        if frame.width():
            self.set_share((x - frame.left()) / frame.width())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._move(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._move(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP, Qt.Key.Key_Home: -1.0, Qt.Key.Key_End: 1.0}
        if event.key() in steps:
            self.set_share(self.share + steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
