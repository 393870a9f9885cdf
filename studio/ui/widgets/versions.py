"""The list of versions beside a text: cards, headings and entries, painted by one delegate over any model.

Roles of an item (Python values; all but KIND and TITLE may be missing):
KIND "version", "heading" or "entry"; TITLE; TIME at the end of the title; EXCERPT up to two lines of a version, the
second line of an entry; NOTE the quiet line below ("486 words"); FAVOURITE a bool, drawn as a heart; PROGRESS 0 to 1
while the version is being made (in place of the note), None otherwise; ICON a Phosphor name (entries). Models should
answer Qt.AccessibleTextRole too: a screen reader cannot see what a delegate paints.
"""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QTextLayout, QTextOption
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.ui.icons import paint_icon
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.paint import line_text, paint_box, text_width

Index = QModelIndex | QPersistentModelIndex
PAD, MARGIN, GAP = 12, 8, 4


class Role(IntEnum):
    """Item data roles of the list."""

    KIND = Qt.ItemDataRole.UserRole + 101
    TITLE = KIND + 1
    TIME = KIND + 2
    EXCERPT = KIND + 3
    NOTE = KIND + 4
    FAVOURITE = KIND + 5
    PROGRESS = KIND + 6
    ICON = KIND + 7


class VersionDelegate(QStyledItemDelegate):
    """Paints versions as cards in the colour of `medium`."""

    def __init__(self, medium: str = "text", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._medium = medium

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        kind = index.data(Role.KIND)
        width = option.rect.width()  # type: ignore[attr-defined]
        if kind == "heading":
            return QSize(width, 40)
        if kind == "entry":
            return QSize(width, 48)
        lines = len(self._excerpt(index, self._inner_width(option)))
        below = 8 + 4 if index.data(Role.PROGRESS) is not None else (8 + 16 if index.data(Role.NOTE) else 0)
        return QSize(width, PAD + 16 + 4 + 16 * max(1, lines) + below + PAD + GAP)

    def _inner_width(self, option: QStyleOptionViewItem) -> int:
        view = option.widget  # type: ignore[attr-defined]
        width = view.viewport().width() if isinstance(view, QAbstractItemView) else option.rect.width()  # type: ignore[attr-defined]
        return width - 2 * MARGIN - 2 * PAD

    def _excerpt(self, index: Index, width: int) -> list[str]:
        """At most two lines; the second ends in an ellipsis where there is more."""
        text = " ".join(str(index.data(Role.EXCERPT) or "").split())[:400]
        font = theme_of(self).font("small")
        layout = QTextLayout(text, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        starts = []
        while len(starts) < 3:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(width)
            starts.append(line.textStart())
        layout.endLayout()
        if len(starts) < 2:
            return [text] if text else []
        end = starts[2] if len(starts) > 2 else len(text)
        second = text[starts[1] : end].rstrip()
        more = len(starts) > 2
        while more and second and text_width(second + "…", font) > width:
            second = second[:-1].rstrip()
        return [text[: starts[1]].rstrip(), second + ("…" if more else "")]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = theme_of(self)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        kind = index.data(Role.KIND)
        if kind == "heading":
            painter.fillRect(
                QRect(rect.x() + PAD, rect.y() + 4, rect.width() - 2 * PAD, 1), theme.color("border.subtle")
            )
            words = QRect(rect.x() + MARGIN + PAD, rect.y() + 12, rect.width() - 2 * (MARGIN + PAD), 24)
            line_text(painter, words, str(index.data(Role.TITLE)), theme.font("caption"), theme.color("text.tertiary"))
        else:
            self._paint_card(painter, theme, rect, option, index, kind)
        painter.restore()

    def _paint_card(
        self, painter: QPainter, theme: Theme, rect: QRect, option: QStyleOptionViewItem, index: Index, kind: str
    ) -> None:
        state = option.state  # type: ignore[attr-defined]
        card = rect.adjusted(MARGIN, 0, -MARGIN, -GAP)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen:
            paint_box(painter, card, theme.color("accent.tint"), theme.color("accent.fill"), 6)
        elif state & QStyle.StateFlag.State_MouseOver:
            paint_box(painter, card, theme.color("surface.hover"), None, 6)
        keyboard = state & QStyle.StateFlag.State_KeyboardFocusChange
        if state & QStyle.StateFlag.State_HasFocus and keyboard:
            paint_box(painter, card, None, theme.color("focus.ring"), 6, 2)
        inner = card.adjusted(PAD, PAD, -PAD, -PAD)
        if kind == "entry":
            self._paint_entry(painter, theme, inner, index)
        else:
            self._paint_version(painter, theme, inner, index, self._inner_width(option))

    def _mirror(self, area: QRect, rect: QRect) -> QRect:
        view = self.parent()
        direction = view.layoutDirection() if isinstance(view, QWidget) else Qt.LayoutDirection.LeftToRight
        return QStyle.visualRect(direction, area, rect)

    def _paint_version(self, painter: QPainter, theme: Theme, inner: QRect, index: Index, width: int) -> None:
        time = str(index.data(Role.TIME) or "")
        small = theme.font("caption")
        time_width = text_width(time, small)
        title = QRect(inner.x(), inner.y(), inner.width() - time_width - 8, 16)
        line_text(
            painter,
            self._mirror(inner, title),
            str(index.data(Role.TITLE)),
            theme.font("label"),
            theme.color("text.primary"),
        )
        stamp = QRect(inner.right() + 1 - time_width, inner.y(), time_width, 16)
        line_text(painter, self._mirror(inner, stamp), time, small, theme.color("text.secondary"))
        y = inner.y() + 20
        for line in self._excerpt(index, width):
            row = QRect(inner.x(), y, inner.width() + 2, 16)
            line_text(painter, row, line, theme.font("small"), theme.color("text.secondary"))
            y += 16
        progress = index.data(Role.PROGRESS)
        if progress is not None:
            track = QRect(inner.x(), y + 8, inner.width(), 4)
            paint_box(painter, track, theme.color("border.default"), None, 2)
            done = QRect(track.x(), track.y(), max(4, round(track.width() * float(progress))), 4)
            paint_box(painter, self._mirror(track, done), theme.color(f"medium.{self._medium}"), None, 2)
            return
        note = QRect(inner.x(), y + 8, inner.width() - 20, 16)
        line_text(
            painter, self._mirror(inner, note), str(index.data(Role.NOTE) or ""), small, theme.color("text.tertiary")
        )
        if index.data(Role.FAVOURITE):
            heart = QRect(inner.right() + 1 - 14, y + 9, 14, 14)
            paint_icon(painter, self._mirror(inner, heart), "heart-fill", theme.color("medium.animation"))

    def _paint_entry(self, painter: QPainter, theme: Theme, inner: QRect, index: Index) -> None:
        middle = inner.center().y() + 1
        icon = self._mirror(inner, QRect(inner.x(), middle - 8, 16, 16))
        paint_icon(painter, icon, str(index.data(Role.ICON) or "file"), theme.color("text.secondary"))
        x, width = inner.x() + 26, inner.width() - 26
        title = self._mirror(inner, QRect(x, middle - 16, width, 16))
        line_text(painter, title, str(index.data(Role.TITLE)), theme.font("small", 500), theme.color("text.primary"))
        second = self._mirror(inner, QRect(x, middle, width, 16))
        excerpt = str(index.data(Role.EXCERPT) or "")
        line_text(painter, second, excerpt, theme.font("caption"), theme.color("text.tertiary"))


class VersionList(QListView):
    """A list set up for `VersionDelegate`: full-width cards, soft scrolling, one choice."""

    def __init__(self, name: str, medium: str = "text", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setItemDelegate(VersionDelegate(medium, self))
        self.setMouseTracking(True)
        self.setProperty("focusRing", False)
        self.setViewportMargins(0, 10, 0, 8)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        if model is not None:
            model.dataChanged.connect(self.scheduleDelayedItemsLayout)  # heights follow progress and notes
