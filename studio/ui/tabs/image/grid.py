"""Pictures of one prompt over two parameters: a table whose cells fill as the batch goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from studio.core.i18n import _
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, paint_box

HEAD, SIDE, GAP = 32, 136, 8


@dataclass(frozen=True)
class Table:
    """What a grid shows: the words of both parameters and of their values. A grid with one parameter has one row."""

    across: str
    columns: tuple[str, ...]
    down: str = ""
    rows: tuple[str, ...] = ("",)


class GridView(QWidget):
    """`chosen` carries row and column of a cell with a picture; `closed` with Escape. Arrow keys move."""

    chosen = Signal(int, int)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(_("Grid of pictures"))
        self._table = Table("", ())
        self._pictures: dict[tuple[int, int], QPixmap] = {}
        self._making: tuple[int, int] | None = None
        self._failed: set[tuple[int, int]] = set()
        self._at = (0, 0)
        self._hover: tuple[int, int] | None = None

    @property
    def table(self) -> Table:
        return self._table

    def set_table(self, table: Table) -> None:
        self._table, self._pictures, self._making, self._failed, self._at = table, {}, None, set(), (0, 0)
        self._describe()
        self.update()

    def set_picture(self, row: int, column: int, image: QImage, *, whole: bool = True) -> None:
        """What a cell shows; `whole` False: it is being made."""
        self._pictures[row, column] = QPixmap.fromImage(image)
        self._making = None if whole else (row, column)
        self.update()

    def set_failed(self, row: int, column: int) -> None:
        self._failed.add((row, column))
        self.update()

    def filled(self) -> int:
        """How many cells show a picture."""
        return len(self._pictures)

    def cell(self, row: int, column: int) -> QRect:
        """Where a cell lies."""
        columns, rows = max(1, len(self._table.columns)), max(1, len(self._table.rows))
        side = SIDE if self._table.down else 16
        width = (self.width() - side - 16 - GAP * (columns - 1)) // columns
        height = (self.height() - 2 * HEAD - 16 - GAP * (rows - 1)) // rows
        size = max(24, min(width, height))
        left = side + max(0, (self.width() - side - 16 - columns * size - GAP * (columns - 1)) // 2)
        return QRect(left + column * (size + GAP), 2 * HEAD + row * (size + GAP), size, size)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, table = theme_of(self), self._table
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.color("surface.well"))
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            if not table.columns:
                return
            first, last = self.cell(0, 0), self.cell(len(table.rows) - 1, len(table.columns) - 1)
            middle, end = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight
            head = QRect(first.left(), 6, last.right() - first.left(), HEAD - 6)
            line_text(painter, head, table.across, theme.font("label"), theme.color("text.secondary"), middle)
            for column, words in enumerate(table.columns):
                box = self.cell(0, column)
                place = QRect(box.x(), HEAD, box.width(), HEAD)
                line_text(painter, place, words, theme.font("small", 600), theme.color("text.primary"), middle)
            if table.down:
                corner = QRect(first.left() - SIDE + 4, HEAD, SIDE - 16, HEAD)
                line_text(painter, corner, table.down, theme.font("label"), theme.color("text.secondary"), end)
            for row, words in enumerate(table.rows):
                box = self.cell(row, 0)
                place = QRect(box.x() - SIDE + 4, box.y(), SIDE - 16, box.height())
                line_text(painter, place, words, theme.font("small", 600), theme.color("text.primary"), end)
                for column in range(len(table.columns)):
                    self._paint_cell(painter, row, column)

    def _paint_cell(self, painter: QPainter, row: int, column: int) -> None:
        theme, box = theme_of(self), self.cell(row, column)
        picture = self._pictures.get((row, column))
        if picture is not None:
            size = picture.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(box.center())
            painter.drawPixmap(target, picture)
        else:
            failed = (row, column) in self._failed
            pen = QPen(theme.color("danger.text" if failed else "border.default"), 1, Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
            if failed:
                words, middle = _("Failed"), Qt.AlignmentFlag.AlignHCenter
                line_text(painter, box, words, theme.font("small"), theme.color("danger.text"), middle)
        if (row, column) == self._making:
            paint_box(painter, box, None, theme.color("medium.image"), 2, 2)
        elif (row, column) == self._at and self.hasFocus():
            paint_box(painter, box.adjusted(-2, -2, 2, 2), None, theme.color("focus.ring"), 4, 2)
        elif (row, column) == self._hover:
            paint_box(painter, box, None, theme.color("border.strong"), 2, 1)

    def sizeHint(self) -> QSize:
        return QSize(480, 400)

    def _find(self, event: QMouseEvent) -> tuple[int, int] | None:
        point = event.position().toPoint()
        cells = ((r, c) for r in range(len(self._table.rows)) for c in range(len(self._table.columns)))
        return next((cell for cell in cells if self.cell(*cell).contains(point)), None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if (cell := self._find(event)) != self._hover:
            self._hover = cell
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if (cell := self._find(event)) is not None:
            self._go(cell)
            self._open()

    def _go(self, cell: tuple[int, int]) -> None:
        self._at = cell
        self._describe()
        self.update()

    def _open(self) -> None:
        if self._at in self._pictures:
            self.chosen.emit(*self._at)

    def _describe(self) -> None:
        row, column = self._at
        if column < len(self._table.columns) and row < len(self._table.rows):
            words = (self._table.columns[column], self._table.rows[row])
            self.setAccessibleDescription(", ".join(part for part in words if part))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps: dict[int, Sequence[int]] = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        if event.key() in steps:
            row, column = (at + step for at, step in zip(self._at, steps[event.key()], strict=True))
            rows, columns = len(self._table.rows), len(self._table.columns)
            self._go((min(max(row, 0), max(0, rows - 1)), min(max(column, 0), max(0, columns - 1))))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self._open()
        elif event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
