"""A picture to look at and to paint a mask on: fit, zoom, pan; brush, eraser, lasso; edges that can be pulled outwards.

What lies still (picture, chequerboard) is kept as one pixmap of the view; while a stroke is drawn only the rectangle it
runs over is painted again. Pictures larger than the view are shown from a copy at half, a quarter … of their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
    QEnterEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPointingDevice,
    QPolygonF,
    QResizeEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from studio.core.i18n import _
from studio.documents.picture_mask import MaskRaster, Rect
from studio.documents.picture_parts import BRUSH, LASSO, Margins, Stroke
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width

HAND, ERASER = "hand", "eraser"
MARGIN = 28  # px around a fitted picture
LEAST, MOST = 0.02, 32.0
EDGE = 8  # px in which an edge can be taken
SNAP = 8  # px of the picture
CHECK = 8
PIXELS = 2.0  # zoom from which single pixels are seen


class PictureView(QWidget):
    """`zoomed` after a change of the zoom; `stroke_made` carries a whole `Stroke`, `margins_made` the new `Margins`;
    `tool_wanted` and `size_wanted` (a factor) come from keys. Lengths of strokes are px of the picture."""

    zoomed = Signal()
    stroke_made = Signal(object)
    margins_made = Signal(object)
    tool_wanted = Signal(str)
    size_wanted = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(_("Picture"))
        self._levels: list[QImage] = []
        self._width = self._height = 0
        self._preview: QImage | None = None
        self._scale, self._offset, self._fit = 1.0, QPointF(), True
        self._foot = 0
        self._base: QPixmap | None = None
        self._raster: MaskRaster | None = None
        self._margins = Margins()
        self._edges = False
        self._tool, self._size, self._hardness = HAND, 52.0, 0.8
        self._space = False
        self._pan: QPointF | None = None
        self._points: list[float] = []
        self._erasing = False
        self._pulled: tuple[str, QPointF, Margins] | None = None
        self._ring: QPointF | None = None
        self._lut: tuple[str, np.ndarray] | None = None
        theme_of(self).changed.connect(self._forget)

    # -- what is shown ----------------------------------------------------------------------------------------

    def set_image(self, image: QImage | None, *, keep_view: bool = False, smaller: Sequence[QImage] = ()) -> None:
        """Show `image` (None: nothing), fitted unless `keep_view` and of the same size; `smaller` are copies of half
        its size, a quarter … where they are there already (see `halves`)."""
        same = image is not None and (image.width(), image.height()) == (self._width, self._height)
        self._levels = [] if image is None else [image, *smaller]
        self._width, self._height = (0, 0) if image is None else (image.width(), image.height())
        self._preview = None
        if not (keep_view and same):
            self._fit = True
        self._place()

    def set_preview(self, image: QImage | None, width: int = 0, height: int = 0) -> None:
        """Show a small picture of what is being made, as large as the picture will be; None: the picture again."""
        if image is None and self._preview is None:
            return
        self._preview = image
        if image is not None and not self._levels:
            self._width, self._height = width, height
            self._fit = True
        self._place()

    @property
    def has_image(self) -> bool:
        return bool(self._levels)

    @property
    def image(self) -> QImage | None:
        return self._levels[0] if self._levels else None

    def set_foot(self, height: int) -> None:
        """Keep a fitted picture clear of a bar that lies `height` px over the lower edge."""
        if height != self._foot:
            self._foot = height
            self._place()

    # -- the mask ---------------------------------------------------------------------------------------------

    def set_raster(self, raster: MaskRaster | None) -> None:
        self._raster = raster
        self.update()

    def show_changed(self, rect: Rect) -> None:
        """The mask is different inside `rect`, px of the picture."""
        if rect[2] > rect[0] and rect[3] > rect[1]:
            self.update(self._to_view(rect))

    def set_tool(self, tool: str) -> None:
        self._tool = tool
        self._show_cursor()
        self._update_ring()

    @property
    def tool(self) -> str:
        return self._tool

    def set_brush(self, size: float, hardness: float) -> None:
        self._update_ring()
        self._size, self._hardness = size, hardness
        self._update_ring()

    def set_margins(self, margins: Margins) -> None:
        if margins != self._margins:
            self._margins = margins
            self._place()

    def set_edges(self, on: bool) -> None:
        """Whether the edges of the picture can be pulled outwards."""
        self._edges = on
        self.update()

    # -- zoom and place ---------------------------------------------------------------------------------------

    @property
    def zoom(self) -> float:
        """Screen pixels for each pixel of the picture."""
        return self._scale * self.devicePixelRatioF()

    @property
    def fitted(self) -> bool:
        return self._fit

    def fit(self) -> None:
        self._fit = True
        self._place()

    def set_zoom(self, zoom: float, at: QPointF | None = None) -> None:
        """`at` stays where it is; the middle of the view if it is not given."""
        at = at or QPointF(self.width() / 2, self.height() / 2)
        scale = min(max(zoom / self.devicePixelRatioF(), LEAST), MOST)
        self._offset = at - (at - self._offset) * (scale / self._scale)
        self._scale, self._fit = scale, False
        self._place()

    def pan_by(self, x: float, y: float) -> None:
        self._offset += QPointF(x, y)
        self._fit = False
        self._place()

    def picture_rect(self) -> QRectF:
        """Where the picture lies in the view, without its margins."""
        return QRectF(self._offset, QSizeF(self._width * self._scale, self._height * self._scale))

    def canvas_rect(self) -> QRectF:
        """Where the picture lies with its margins."""
        margins, scale = self._margins, self._scale
        return self.picture_rect().adjusted(
            -margins.left * scale, -margins.top * scale, margins.right * scale, margins.bottom * scale
        )

    def to_picture(self, point: QPointF) -> QPointF:
        return (point - self._offset) / self._scale

    def _place(self) -> None:
        if self._fit and self._width and self._height:
            margins = self._margins
            width = self._width + margins.left + margins.right
            height = self._height + margins.top + margins.bottom
            room = QRectF(0, 0, self.width(), self.height() - self._foot).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
            scale = min(max(1.0, room.width()) / width, max(1.0, room.height()) / height)
            self._scale = min(max(scale, LEAST), MOST)
            corner = room.center() - QPointF(width, height) * (self._scale / 2)
            self._offset = corner + QPointF(margins.left, margins.top) * self._scale
            self._offset = QPointF(round(self._offset.x()), round(self._offset.y()))
        elif self._width:
            self._offset.setX(self._kept(self._offset.x(), self._width * self._scale, self.width()))
            self._offset.setY(self._kept(self._offset.y(), self._height * self._scale, self.height()))
        self._base = None
        self.update()
        self.zoomed.emit()

    @staticmethod
    def _kept(at: float, length: float, room: float) -> float:
        """A part of the picture always stays in view."""
        least = min(64.0, length)
        return min(max(at, least - length), room - least)

    def _to_view(self, rect: Rect) -> QRect:
        corner = QPointF(rect[0], rect[1]) * self._scale + self._offset
        size = QSizeF(rect[2] - rect[0], rect[3] - rect[1]) * self._scale
        return QRectF(corner, size).toAlignedRect().adjusted(-2, -2, 2, 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    # -- painting ---------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._base, self._lut = None, None
        self.update()

    def _level(self) -> tuple[QImage, float]:
        """The picture at the size from which it is shown best, and how many of its pixels are one of that."""
        number = max(0, math.floor(math.log2(1 / max(self.zoom, 1e-6)))) if self.zoom < 1 else 0
        while len(self._levels) <= number:
            last = self._levels[-1]
            if min(last.width(), last.height()) < 4:
                break
            self._levels.append(_half(last))
        level = self._levels[min(number, len(self._levels) - 1)]
        return level, self._width / level.width()

    def _render(self) -> QPixmap:
        """What lies still, as large as the view."""
        theme, ratio = theme_of(self), self.devicePixelRatioF()
        pixmap = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(theme.color("surface.well"))
        if not self._width:
            return pixmap
        with QPainter(pixmap) as painter:
            whole = self.picture_rect()
            image = self._preview or (self._levels[0] if self._levels else None)
            if image is None or image.hasAlphaChannel() or self._margins:
                _chequer(painter, self.canvas_rect(), QRectF(self.rect()), theme.is_dark)
            if image is None:
                return pixmap
            smooth = self._preview is not None or self.zoom < PIXELS
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            if self._preview is not None:
                painter.drawImage(whole, self._preview)
            else:
                level, times = self._level()
                seen = whole.intersected(QRectF(self.rect()).adjusted(-2, -2, 2, 2))
                if not seen.isEmpty():
                    source = QRectF((seen.topLeft() - self._offset) / (self._scale * times), seen.size())
                    source.setSize(seen.size() / (self._scale * times))
                    painter.drawImage(seen, level, source)
        return pixmap

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._base is None:
            self._base = self._render()
        ratio = self._base.devicePixelRatio()
        with QPainter(self) as painter:
            for rect in event.region():  # type: ignore[attr-defined]
                source = QRectF(rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio)
                painter.drawPixmap(QRectF(rect), self._base, source)
                if self._raster is not None and self._preview is None and self._levels:
                    self._paint_mask(painter, rect)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._edges or self._margins:
                self._paint_edges(painter)
            if self._tool == LASSO and len(self._points) >= 6:
                self._paint_lasso(painter)
            if self._ring is not None and self._paints():
                self._paint_ring(painter)

    def _paint_mask(self, painter: QPainter, rect: QRect) -> None:
        raster = self._raster
        assert raster is not None
        part = QRectF(rect).adjusted(-1, -1, 1, 1)
        first, last = self.to_picture(part.topLeft()), self.to_picture(part.bottomRight())
        step = max(1, int(1 / max(self.zoom, 1e-6)))
        left, top = max(0, int(first.x()) // step * step), max(0, int(first.y()) // step * step)
        right, bottom = min(raster.width, math.ceil(last.x()) + step), min(raster.height, math.ceil(last.y()) + step)
        if right <= left or bottom <= top:
            return
        pixels = raster.pixels[top:bottom:step, left:right:step]
        if not pixels.any():
            return
        colours = np.ascontiguousarray(self._colours()[pixels])
        height, width = colours.shape
        image = QImage(colours.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
        corner = QPointF(left, top) * self._scale + self._offset
        target = QRectF(corner, QSizeF(width, height) * (step * self._scale))
        painter.save()
        painter.setClipRect(QRectF(rect) & self.picture_rect())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom < PIXELS)
        painter.drawImage(target, image)
        painter.restore()

    def _colours(self) -> np.ndarray:
        """The mask's colour for each of 256 values, as pixels with premultiplied alpha."""
        theme = theme_of(self)
        if self._lut is None or self._lut[0] != theme.name:
            colour = theme.color("mask")
            alpha = np.arange(256, dtype=np.float64) / 255 * theme.opacity("maskOverlay")
            parts = [np.rint(alpha * value).astype(np.uint32) for value in (255, *colour.getRgb()[:3])]  # type: ignore
            table = (parts[0] << 24) | (parts[1] << 16) | (parts[2] << 8) | parts[3]
            self._lut = (theme.name, table.astype(np.uint32))
        return self._lut[1]

    def _paint_ring(self, painter: QPainter) -> None:
        assert self._ring is not None
        radius = max(2.0, self._size / 2 * self._scale)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
        painter.drawEllipse(self._ring, radius, radius)
        painter.setPen(QPen(QColor(255, 255, 255, round(255 * theme_of(self).opacity("brushRing"))), 1.5))
        painter.drawEllipse(self._ring, radius, radius)

    def _paint_lasso(self, painter: QPainter) -> None:
        line = QPolygonF(
            [
                QPointF(x, y) * self._scale + self._offset
                for x, y in zip(self._points[0::3], self._points[1::3], strict=True)
            ]
        )
        for colour, width in ((QColor(0, 0, 0, 150), 3.0), (QColor(255, 255, 255), 1.5)):
            painter.setPen(QPen(colour, width))
            painter.drawPolyline(line)

    def _paint_edges(self, painter: QPainter) -> None:
        theme, rect = theme_of(self), self.canvas_rect()
        if self._margins:
            tint = theme.color("mask")
            tint.setAlphaF(0.25)
            outer, inner = QPolygonF(rect), QPolygonF(self.picture_rect())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tint)
            painter.drawPolygon(outer.subtracted(inner))
        pen = QPen(theme.color("focus.ring" if self._margins else "border.strong"), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect)
        if not self._edges:
            return
        for point in (
            QPointF(rect.left(), rect.center().y()),
            QPointF(rect.right(), rect.center().y()),
            QPointF(rect.center().x(), rect.top()),
            QPointF(rect.center().x(), rect.bottom()),
        ):
            box = QRectF(point.x() - 5, point.y() - 5, 10, 10)
            paint_box(painter, box, theme.color("text.primary"), theme.color("surface.well"), 3, 2)
        if self._pulled is not None:
            margins = self._margins
            words = _("{width} × {height}").format(
                width=self._width + margins.left + margins.right, height=self._height + margins.top + margins.bottom
            )
            font = theme.font("small", 600)
            label = QRectF(0, 0, text_width(words, font) + 20, 26)
            label.moveCenter(rect.center())
            paint_box(painter, label, theme.color("surface.overlay"), theme.color("border.default"), 6)
            align = Qt.AlignmentFlag.AlignHCenter
            line_text(painter, label.toRect(), words, font, theme.color("text.primary"), align)

    # -- the hand ---------------------------------------------------------------------------------------------

    def _paints(self) -> bool:
        return self._tool in (BRUSH, ERASER) and not self._space and self._raster is not None

    def _ring_rect(self) -> QRect:
        if self._ring is None:
            return QRect()
        radius = max(2.0, self._size / 2 * self._scale) + 3
        return QRectF(self._ring.x() - radius, self._ring.y() - radius, 2 * radius, 2 * radius).toAlignedRect()

    def _update_ring(self) -> None:
        if self._ring is not None:
            self.update(self._ring_rect())

    def _move_ring(self, point: QPointF | None) -> None:
        self._update_ring()
        self._ring = point
        self._update_ring()

    def _show_cursor(self, point: QPointF | None = None) -> None:
        edge = self._edge_at(point) if point is not None else ""
        if self._pan is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif edge:
            shape = Qt.CursorShape.SizeHorCursor if edge in ("left", "right") else Qt.CursorShape.SizeVerCursor
        elif self._space or self._tool == HAND:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._tool == LASSO:
            shape = Qt.CursorShape.CrossCursor
        else:
            shape = Qt.CursorShape.BlankCursor if self._paints() else Qt.CursorShape.ArrowCursor
        self.setCursor(QCursor(shape))

    def _edge_at(self, point: QPointF) -> str:
        """The edge of the canvas at `point`, where edges can be pulled."""
        if not self._edges or self._space:
            return ""
        rect = self.canvas_rect()
        near = {
            "left": abs(point.x() - rect.left()),
            "right": abs(point.x() - rect.right()),
            "top": abs(point.y() - rect.top()),
            "bottom": abs(point.y() - rect.bottom()),
        }
        if not rect.adjusted(-EDGE, -EDGE, EDGE, EDGE).contains(point):
            return ""
        side = min(near, key=lambda name: near[name])
        return side if near[side] <= EDGE else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point, left = event.position(), event.button() == Qt.MouseButton.LeftButton
        if not self._width:
            event.ignore()
            return
        if event.button() == Qt.MouseButton.MiddleButton or (left and (self._space or self._tool == HAND)):
            edge = self._edge_at(point) if left and not self._space else ""
            if edge:
                self._pulled = (edge, self.to_picture(point), self._margins)
            else:
                self._pan = point
            self._show_cursor(point)
        elif left and (edge := self._edge_at(point)):
            self._pulled = (edge, self.to_picture(point), self._margins)
        elif left:
            self._begin(point, 1.0, self._tool == ERASER or bool(event.modifiers() & Qt.KeyboardModifier.AltModifier))
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._pan is not None:
            self.pan_by(point.x() - self._pan.x(), point.y() - self._pan.y())
            self._pan = point
        elif self._pulled is not None:
            self._pull(point)
        elif self._points:
            self._draw_to(point, 1.0)
        else:
            self._show_cursor(point)
        self._move_ring(point)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pan is not None:
            self._pan = None
            self._show_cursor(event.position())
        elif self._pulled is not None:
            before, self._pulled = self._pulled[2], None
            made, self._margins = self._margins, before
            self.set_margins(made)
            if made != before:
                self.margins_made.emit(made)
        elif self._points:
            self._end()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._tool == HAND and self._width:
            self.fit() if not self._fit else self.set_zoom(1.0, event.position())

    def tabletEvent(self, event: QTabletEvent) -> None:
        point, kind = event.position(), event.type()
        if self._tool == HAND or self._space or not self._width:
            event.ignore()  # comes again as a mouse
            return
        event.accept()
        if kind == QEvent.Type.TabletPress and event.button() == Qt.MouseButton.LeftButton:
            rubber = event.pointerType() == QPointingDevice.PointerType.Eraser
            self._begin(point, event.pressure(), rubber or self._tool == ERASER)
        elif kind == QEvent.Type.TabletMove and self._points:
            self._draw_to(point, event.pressure())
        elif kind == QEvent.Type.TabletRelease and self._points:
            self._end()
        self._move_ring(point)

    def _begin(self, point: QPointF, pressure: float, erase: bool) -> None:
        if self._raster is None or self._preview is not None:
            return
        self._points, self._erasing = [], erase
        if self._tool != LASSO:
            self._raster.begin(Stroke(BRUSH, erase, self._size, self._hardness))
        self._draw_to(point, pressure)

    def _draw_to(self, point: QPointF, pressure: float) -> None:
        place = self.to_picture(point)
        x, y, pressure = round(place.x(), 2), round(place.y(), 2), round(pressure, 3)
        if self._points[-3:-1] == [x, y]:
            return
        self._points += [x, y, pressure]
        if self._tool == LASSO:
            self.update()
        elif self._raster is not None:
            self.show_changed(self._raster.extend(x, y, pressure))

    def _end(self) -> None:
        points, self._points = tuple(self._points), []
        if self._tool == LASSO:
            self.update()
            if len(points) >= 9:
                self.stroke_made.emit(Stroke(LASSO, self._erasing, points=points))
        elif self._raster is not None:
            stroke = Stroke(BRUSH, self._erasing, self._size, self._hardness, points)
            self._raster.keep(stroke)
            self.stroke_made.emit(stroke)

    def _pull(self, point: QPointF) -> None:
        assert self._pulled is not None
        edge, start, before = self._pulled
        moved = self.to_picture(point) - start
        by = {"left": -moved.x(), "right": moved.x(), "top": -moved.y(), "bottom": moved.y()}[edge]
        length = max(0, round((vars(before)[edge] + by) / SNAP) * SNAP)
        self._margins = Margins(**{**vars(before), edge: length})
        self._base = None
        self.update()

    # -- wheel, fingers, keys ---------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A wheel zooms, two fingers on a pad move the picture (with Ctrl they zoom)."""
        fine, ctrl = event.pixelDelta(), event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if not self._width:
            event.ignore()
        elif not fine.isNull() and not ctrl:
            self.pan_by(fine.x(), fine.y())
        else:
            self.set_zoom(self.zoom * 1.0015 ** event.angleDelta().y(), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            if self._width:
                self.set_zoom(self.zoom * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plain = event.key(), not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        tools = {Qt.Key.Key_H: HAND, Qt.Key.Key_B: BRUSH, Qt.Key.Key_E: ERASER, Qt.Key.Key_L: LASSO}
        moves = {
            Qt.Key.Key_Left: (40, 0),
            Qt.Key.Key_Right: (-40, 0),
            Qt.Key.Key_Up: (0, 40),
            Qt.Key.Key_Down: (0, -40),
        }
        if key == Qt.Key.Key_Space and plain:
            self._space = True
            self._show_cursor()
            self._update_ring()
        elif plain and key in tools:
            self.tool_wanted.emit(tools[Qt.Key(key)])
        elif plain and key in moves and self._width:
            self.pan_by(*moves[Qt.Key(key)])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal) and self._width:
            self.set_zoom(self.zoom * 1.25)
        elif key == Qt.Key.Key_Minus and self._width:
            self.set_zoom(self.zoom / 1.25)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_1 and self._width:
            self.set_zoom(1.0)
        elif key in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight):
            self.size_wanted.emit(1.2 if key == Qt.Key.Key_BracketRight else 1 / 1.2)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._show_cursor()
            self._update_ring()
        else:
            super().keyReleaseEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._show_cursor(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._move_ring(None)

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        self._space = False
        if self._points:  # a stroke under way when the keyboard goes elsewhere is not lost
            self._end()


def halves(image: QImage, least: int = 512) -> list[QImage]:
    """Copies of `image` at half its size, a quarter … as long as a side is longer than `least`. For any thread."""
    found: list[QImage] = []
    while max(image.width(), image.height()) > least:
        image = _half(image)
        found.append(image)
    return found


def _half(image: QImage) -> QImage:
    return image.scaled(
        max(1, image.width() // 2),
        max(1, image.height() // 2),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _chequer(painter: QPainter, rect: QRectF, seen: QRectF, dark: bool) -> None:
    """What is seen through transparent parts."""
    tile = QPixmap(2 * CHECK, 2 * CHECK)
    tile.fill(QColor("#3A3A3F" if dark else "#FFFFFF"))
    with QPainter(tile) as inside:
        for x, y in ((0, 0), (CHECK, CHECK)):
            inside.fillRect(x, y, CHECK, CHECK, QColor("#2B2B2F" if dark else "#E4E4E8"))
    painter.save()
    painter.setBrushOrigin(rect.topLeft())
    painter.setClipRect(rect & seen)
    painter.fillRect(rect & seen, tile)
    painter.restore()
