"""Crop, turn, mirror and levels of a picture, seen at once. The original stays; what comes of it is a new picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.ui.sheet import Sheet
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.fields import FieldMessage
from studio.ui.widgets.paint import Label
from studio.ui.widgets.sliders import SliderRow

if TYPE_CHECKING:
    from studio.media.pictures import Picture

PREVIEW = 900  # px of the picture that is worked on while sliders move
SOON_MS = 30
GRIP = 14


class CropView(QWidget):
    """A picture with a frame that can be drawn and moved; `crop` is (left, top, right, bottom), each 0 to 1."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(300, 240)
        self.setMouseTracking(True)
        self.setAccessibleName(_("Part of the picture that is kept"))
        self._image: QImage | None = None
        self.crop = (0.0, 0.0, 1.0, 1.0)
        self._grab: tuple[str, QPointF, tuple[float, float, float, float]] | None = None

    def set_image(self, image: QImage) -> None:
        self._image = image
        self.update()

    def set_crop(self, crop: tuple[float, float, float, float]) -> None:
        self.crop = crop
        self.changed.emit()
        self.update()

    def frame(self) -> QRectF:
        """Where the picture lies."""
        if self._image is None:
            return QRectF()
        room = QRectF(self.rect()).adjusted(12, 12, -12, -12)
        size = QSizeF(self._image.size()).scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        frame = QRectF(QPointF(), size)
        frame.moveCenter(room.center())
        return frame

    def kept(self) -> QRectF:
        frame, (left, top, right, bottom) = self.frame(), self.crop
        corner = frame.topLeft() + QPointF(left * frame.width(), top * frame.height())
        return QRectF(corner, QSizeF((right - left) * frame.width(), (bottom - top) * frame.height()))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, frame, kept = theme_of(self), self.frame(), self.kept()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.color("surface.well"))
            if self._image is None:
                return
            painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
            painter.drawImage(frame, self._image)
            shade = QColor(0, 0, 0, 140)
            painter.fillRect(QRectF(frame.left(), frame.top(), frame.width(), kept.top() - frame.top()), shade)
            painter.fillRect(QRectF(frame.left(), kept.bottom(), frame.width(), frame.bottom() - kept.bottom()), shade)
            painter.fillRect(QRectF(frame.left(), kept.top(), kept.left() - frame.left(), kept.height()), shade)
            painter.fillRect(QRectF(kept.right(), kept.top(), frame.right() - kept.right(), kept.height()), shade)
            painter.setPen(QPen(QColor("white"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(kept)
            painter.setBrush(QColor("white"))
            for corner in (kept.topLeft(), kept.topRight(), kept.bottomLeft(), kept.bottomRight()):
                painter.drawEllipse(corner, 4, 4)

    def _part(self, point: QPointF) -> str:
        kept = self.kept()
        if not kept.adjusted(-GRIP, -GRIP, GRIP, GRIP).contains(point):
            return ""
        across = (
            "left" if abs(point.x() - kept.left()) < GRIP else "right" if abs(point.x() - kept.right()) < GRIP else ""
        )
        down = (
            "top" if abs(point.y() - kept.top()) < GRIP else "bottom" if abs(point.y() - kept.bottom()) < GRIP else ""
        )
        return f"{across} {down}".strip() or "all"

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if part := self._part(event.position()):
            self._grab = (part, event.position(), self.crop)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        frame = self.frame()
        if self._grab is None or not frame.width():
            return
        part, start, (left, top, right, bottom) = self._grab
        x = (event.position().x() - start.x()) / frame.width()
        y = (event.position().y() - start.y()) / frame.height()
        if part == "all":
            x, y = min(max(x, -left), 1 - right), min(max(y, -top), 1 - bottom)
            self.set_crop((left + x, top + y, right + x, bottom + y))
            return
        least = 0.02
        if "left" in part:
            left = min(max(0.0, left + x), right - least)
        if "right" in part:
            right = max(min(1.0, right + x), left + least)
        if "top" in part:
            top = min(max(0.0, top + y), bottom - least)
        if "bottom" in part:
            bottom = max(min(1.0, bottom + y), top + least)
        self.set_crop((left, top, right, bottom))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grab = None


class AdjustSheet(Sheet):
    """`finished` carries the picture as a QImage, in full size."""

    finished = Signal(QImage)

    def __init__(self, host: QWidget, picture: Picture) -> None:
        super().__init__(host, _("Crop, turn, levels"), QSize(880, 620))
        from studio.media import picture_edit

        self._picture = picture
        scale = min(1.0, PREVIEW / max(picture.width, picture.height))
        small = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        self._small = picture_edit.resize(picture, *small)
        self._quarters, self._mirrored = 0, False
        self.view = CropView()
        self.left = IconButton("arrow-counter-clockwise", _("Turn left"), "secondary")
        self.right = IconButton("arrow-clockwise", _("Turn right"), "secondary")
        self.mirror = IconButton("arrows-left-right", _("Mirror"), "secondary")
        self.black = SliderRow(_("Black"), 0, 254, 0, default=0, tooltip=_("What is darker becomes black."))
        self.gamma = SliderRow(_("Middle"), 0.2, 5, 1, step=0.01, decimals=2, default=1, logarithmic=True)
        self.white = SliderRow(_("White"), 1, 255, 255, default=255, tooltip=_("What is lighter becomes white."))
        self.size_label = Label("", "small", "secondary")
        self.message = FieldMessage()
        self._lay_out()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(self._show)
        self.view.changed.connect(self._show_size)
        for row in (self.black, self.gamma, self.white):
            row.value_changed.connect(lambda _value: self._soon.start())
        self.left.clicked.connect(lambda: self._turn(-1))
        self.right.clicked.connect(lambda: self._turn(1))
        self.mirror.clicked.connect(self._mirror)
        self._show()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.pane)
        column.setContentsMargins(0, 0, 0, 20)
        column.setSpacing(0)
        self.add_header(column, _("Crop, turn, levels"))
        row = QHBoxLayout()
        row.setContentsMargins(24, 0, 24, 16)
        row.setSpacing(20)
        row.addWidget(self.view, 1)
        tools = QVBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(Label(_("Turn"), "label"))
        turns = QHBoxLayout()
        turns.setSpacing(8)
        for button in (self.left, self.right, self.mirror):
            turns.addWidget(button)
        turns.addStretch(1)
        tools.addLayout(turns)
        tools.addSpacing(8)
        tools.addWidget(Label(_("Levels"), "label"))
        auto = Button(_("Automatic levels"), "secondary", "magic-wand", "sm")
        auto.clicked.connect(self._auto)
        for widget in (self.black, self.gamma, self.white, auto):
            tools.addWidget(widget)
        tools.addSpacing(8)
        tools.addWidget(Label(_("Crop"), "label"))
        tools.addWidget(self.size_label)
        tools.addWidget(Label(_("Pull the corners of the frame."), "small", "tertiary", wrap=True))
        tools.addStretch(1)
        tools.addWidget(self.message)
        box = QWidget()
        box.setLayout(tools)
        box.setFixedWidth(280)
        row.addWidget(box)
        column.addLayout(row, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(24, 0, 24, 0)
        foot.setSpacing(8)
        reset = Button(_("Reset"), "secondary")
        cancel = Button(_("Cancel"))
        self.apply_button = Button(_("Apply"), "primary")
        foot.addWidget(reset)
        foot.addStretch(1)
        foot.addWidget(cancel)
        foot.addWidget(self.apply_button)
        column.addLayout(foot)
        reset.clicked.connect(self._reset)
        cancel.clicked.connect(self.close_sheet)
        self.apply_button.clicked.connect(self._apply)

    # -- what is done -----------------------------------------------------------------------------------------

    def _made(self, picture: Picture) -> Picture:
        """`picture` turned, mirrored and with its levels; not cropped."""
        from studio.media import picture_edit

        if self._quarters:
            picture = picture_edit.rotate(picture, 90 * self._quarters)
        if self._mirrored:
            picture = picture_edit.mirror(picture)
        black, white, gamma = int(self.black.value()), int(self.white.value()), float(self.gamma.value())
        if (black, white, gamma) != (0, 255, 1.0):
            wish = picture_edit.Levels(min(black, white - 1), white, gamma)
            picture = picture_edit.levels(picture, {"rgb": wish})
        return picture

    def result(self) -> Picture:
        """The whole picture as it is set."""
        from studio.media import picture_edit

        picture = self._made(self._picture)
        left, top, right, bottom = self.view.crop
        if self.view.crop == (0.0, 0.0, 1.0, 1.0):
            return picture
        x, y = round(left * picture.width), round(top * picture.height)
        width = max(1, round(right * picture.width) - x)
        height = max(1, round(bottom * picture.height) - y)
        return picture_edit.crop(picture, picture_edit.Box(x, y, width, height))

    def _apply(self) -> None:
        try:
            image = qimage(self.result())
        except AtelierError as error:
            self.message.set_text(str(error))
            return
        self.finished.emit(image)
        self.close_sheet()

    def _show(self) -> None:
        try:
            self.view.set_image(qimage(self._made(self._small)))
            self.message.set_text("")
        except AtelierError as error:
            self.message.set_text(str(error))
        self._show_size()

    def _show_size(self) -> None:
        width, height = self._picture.width, self._picture.height
        if self._quarters % 2:
            width, height = height, width
        left, top, right, bottom = self.view.crop
        words = _("{width} × {height}")
        self.size_label.setText(
            words.format(width=round((right - left) * width), height=round((bottom - top) * height))
        )

    def _turn(self, quarters: int) -> None:
        self._quarters = (self._quarters + (-quarters if self._mirrored else quarters)) % 4
        self.view.set_crop((0.0, 0.0, 1.0, 1.0))
        self._show()

    def _mirror(self) -> None:
        left, top, right, bottom = self.view.crop
        self._mirrored = not self._mirrored
        self.view.set_crop((1 - right, top, 1 - left, bottom))
        self._show()

    def _auto(self) -> None:
        from studio.media import picture_edit

        found = picture_edit.auto_levels(self._small).get("rgb")
        if found is not None:
            self.black.set_value(found.black)
            self.white.set_value(found.white)
            self.gamma.set_value(found.gamma)

    def _reset(self) -> None:
        self._quarters, self._mirrored = 0, False
        self.black.set_value(0)
        self.white.set_value(255)
        self.gamma.set_value(1)
        self.view.set_crop((0.0, 0.0, 1.0, 1.0))
        self._show()


def qimage(picture: Picture) -> QImage:
    """`picture` for Qt, with pixels of its own."""
    pixels = np.ascontiguousarray(picture.pixels)
    height, width, channels = pixels.shape
    kind = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    return QImage(pixels.data, width, height, channels * width, kind).copy()
