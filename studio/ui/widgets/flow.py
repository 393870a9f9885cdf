"""A layout that sets widgets side by side and goes on in the next line."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Items keep their size hints; `spacing` lies between them both ways. Lines can be centred."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 8, *, centered: bool = False) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._centered = centered
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        shown = self._shown()
        width = sum(item.sizeHint().width() for item in shown) + self.spacing() * max(0, len(shown) - 1)
        height = max((item.sizeHint().height() for item in shown), default=0)
        return QSize(width, height)

    def minimumSize(self) -> QSize:
        size = QSize(0, 0)
        for item in self._shown():
            size = size.expandedTo(item.minimumSize())
        return size

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        used = 0
        for item in self._shown():
            need = item.sizeHint().width()
            if not lines or used + self.spacing() + need > width:
                lines.append([item])
                used = need
            else:
                lines[-1].append(item)
                used += self.spacing() + need
        return lines

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Place the items (if `move`) and return the height they need."""
        parent = self.parentWidget()
        rtl = parent is not None and parent.layoutDirection() == Qt.LayoutDirection.RightToLeft
        y = rect.y()
        lines = self._lines(rect.width())
        for line in lines:
            height = max(item.sizeHint().height() for item in line)
            used = sum(item.sizeHint().width() for item in line) + self.spacing() * (len(line) - 1)
            x = rect.x() + (max(0, rect.width() - used) // 2 if self._centered else 0)
            for item in line:
                size = item.sizeHint().boundedTo(QSize(max(rect.width(), 1), 16777215))
                if move:
                    left = rect.right() + 1 - (x - rect.x()) - size.width() if rtl else x
                    item.setGeometry(QRect(QPoint(left, y + (height - size.height()) // 2), size))
                x += size.width() + self.spacing()
            y += height + self.spacing()
        return max(0, y - rect.y() - self.spacing()) if lines else 0
