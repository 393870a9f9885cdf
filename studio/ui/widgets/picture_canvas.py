"""A picture as it is shown: fitted or zoomed, the mask over it, edges that were pulled outwards. See `PictureView`.

What lies still (picture, chequerboard) is kept as one pixmap of the view; while a stroke is drawn only the rectangle it
runs over is painted again. Pictures larger than the view are shown from a copy at half, a quarter … of their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QWidget

from studio.core.i18n import _
from studio.documents.picture_mask import MaskRaster, Rect
from studio.documents.picture_parts import BRUSH, LASSO, Margins
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width

HAND, ERASER = "hand", "eraser"
MARGIN = 28  # px around a fitted picture
LEAST, MOST = 0.02, 32.0
CHECK = 8
PIXELS = 2.0  # zoom from which single pixels are seen


class PictureCanvas(QWidget):
    """`zoomed` after every change of the zoom. The tool, its ring and the stroke on its way are only painted here."""

    zoomed = Signal()

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

    def _paints(self) -> bool:
        return self._tool in (BRUSH, ERASER) and not self._space and self._raster is not None


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
