"""A picture to paint a mask on: brush, eraser, lasso, a pen with pressure; zoom and pan by mouse, fingers and keys;
edges that can be pulled outwards."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QCursor,
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPointingDevice,
    QTabletEvent,
    QWheelEvent,
)

from studio.documents.picture_parts import BRUSH, LASSO, Margins, Stroke
from studio.ui.widgets.picture_canvas import ERASER, HAND, PictureCanvas, halves

__all__ = ["ERASER", "HAND", "PictureView", "halves"]

EDGE = 8  # px in which an edge can be taken
SNAP = 8  # px of the picture


class PictureView(PictureCanvas):
    """`stroke_made` carries a whole `Stroke`, `margins_made` the new `Margins`; `tool_wanted` and `size_wanted` (a
    factor) come from keys. Lengths of strokes are px of the picture."""

    stroke_made = Signal(object)
    margins_made = Signal(object)
    tool_wanted = Signal(str)
    size_wanted = Signal(float)

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

    # -- the hand ---------------------------------------------------------------------------------------------

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
