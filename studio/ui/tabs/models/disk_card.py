"""What models take on the disk, by medium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.core.jobs import Medium
from studio.ui.tabs.models.words import MEDIA, size_words
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.meters import Segment, SegmentBar
from studio.ui.widgets.paint import Label, line_text, mirrored, paint_box, painter_for, text_width
from studio.ui.widgets.rooms import Card


class Legend(QWidget):
    """A small square and words for each part, as many as there is room for, and what is left at the end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: tuple[tuple[str, str], ...] = ()
        self._end = ""
        self.setFixedHeight(18)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_parts(self, parts: tuple[tuple[str, str], ...], end: str) -> None:
        """`parts` are (colour, words)."""
        self._parts, self._end = parts, end
        words = "\n".join([*(text for _color, text in parts), end])
        self.setToolTip(words)
        self.setAccessibleName(_(", ").join([*(text for _color, text in parts), end]))
        self.update()

    def end(self) -> str:
        return self._end

    def sizeHint(self) -> QSize:
        return QSize(200, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        font = theme.font("small")
        end = text_width(self._end, font)
        with painter_for(self) as painter:
            place = mirrored(self, QRect(self.width() - end, 0, end, 18))
            line_text(painter, place, self._end, font, theme.color("text.secondary"))
            x, room = 0, self.width() - end - 20
            for color, text in self._parts:
                width = 14 + text_width(text, font)
                if x + width > room:
                    break
                paint_box(painter, mirrored(self, QRect(x, 5, 8, 8)), theme.color(color), None, 2)
                words = mirrored(self, QRect(x + 14, 0, width - 14, 18))
                line_text(painter, words, text, font, theme.color("text.secondary"))
                x += width + 16


class DiskCard(Card):
    """`free_up_wanted`: the user wants to see what can go."""

    free_up_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = Label(_("Disk"), "body")
        title.setFont(theme_of(self).font("body", 600))
        self._used = Label(_("Counting"), "small", "secondary")
        self._used.setMinimumWidth(132)
        self.bar = SegmentBar(10, _("Disk"))
        self.legend = Legend()
        self.free_up = Button(_("Free up space"), "secondary", size="sm")
        self.free_up.clicked.connect(self.free_up_wanted)
        row = QHBoxLayout()
        row.setSpacing(16)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addStretch(1)
        left.addWidget(title)
        left.addWidget(self._used)
        left.addStretch(1)
        middle = QVBoxLayout()
        middle.setSpacing(6)
        middle.addStretch(1)
        middle.addWidget(self.bar)
        middle.addWidget(self.legend)
        middle.addStretch(1)
        row.addLayout(left)
        row.addLayout(middle, 1)
        row.addWidget(self.free_up)
        self.body.setContentsMargins(16, 0, 16, 0)
        self.body.addLayout(row)
        self.setFixedHeight(72)

    def show_disk(self, disk: Mapping[str, Any]) -> None:
        """`disk` as `ModelsClient.disk` answers it."""
        used, limit, free = disk["used"], disk["limit"], disk["free"]
        media = [(medium, disk["media"].get(medium, 0)) for medium in Medium]
        parts = disk.get("parts", 0)
        segments = [Segment(size, f"medium.{medium}", _(MEDIA[medium])) for medium, size in media if size]
        self.bar.set_segments(segments, limit or used + free)
        self._used.setText(_("{size} of models").format(size=size_words(used)) if used else _("No models yet"))
        legend = [
            (f"medium.{medium}", _("{medium} {size}").format(medium=_(MEDIA[medium]), size=size_words(size)))
            for medium, size in media
            if size
        ]
        if limit:
            left = max(0, limit - used)
            end = _("{left} left of your {limit} limit").format(left=size_words(left), limit=size_words(limit))
        else:
            end = _("{size} free").format(size=size_words(free))
        self.legend.set_parts(tuple(legend), end)
        self.bar.setAccessibleDescription(self.legend.accessibleName())
        note = _("{size} of it are unfinished downloads.").format(size=size_words(parts)) if parts else ""
        self._used.setToolTip(note)
