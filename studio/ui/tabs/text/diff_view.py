"""Two versions in one text: what went is struck through, what came is underlined, both tinted."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _, n_
from studio.documents.compare import Segment
from studio.media.text import count_words
from studio.ui.tabs.text.editor import StageEditor
from studio.ui.tabs.text.page import Page
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.paint import ElidedLabel, Label
from studio.ui.widgets.rooms import Surface


class DiffView(Page):
    """Read-only. `closed` when the user is done."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments: tuple[Segment, ...] = ()
        bar = Surface("surface.panel", "bottom")
        bar.setFixedHeight(40)
        self._title = ElidedLabel("", "small", "secondary")
        self._added = Label("", "small", "success")
        self._removed = Label("", "small", "danger")
        done = Button(_("Done"), "secondary", size="sm")
        done.clicked.connect(self.closed)
        row = QHBoxLayout(bar)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(16)
        row.addWidget(self._title, 1)
        for widget in (self._removed, self._added, done):
            row.addWidget(widget)
        self.page = StageEditor()
        self.page.setAccessibleName(_("Comparison"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self.page, 1)
        theme_of(self).changed.connect(self._dress)

    def show_segments(self, title: str, segments: Sequence[Segment]) -> None:
        self._segments = tuple(segments)
        self._title.setText(title)
        added = sum(count_words(item.text) for item in segments if item.kind == "added")
        removed = sum(count_words(item.text) for item in segments if item.kind == "removed")
        self._added.setText(n_("+ {count} word", "+ {count} words", added).format(count=added))
        self._removed.setText(n_("− {count} word", "− {count} words", removed).format(count=removed))
        self.page.set_text("")
        self._dress()

    def _dress(self) -> None:
        theme = theme_of(self)
        styles = {"same": QTextCharFormat(), "added": QTextCharFormat(), "removed": QTextCharFormat()}
        styles["added"].setBackground(theme.color("success.tint"))
        styles["added"].setForeground(theme.color("success.text"))
        styles["added"].setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        styles["removed"].setBackground(theme.color("danger.tint"))
        styles["removed"].setForeground(theme.color("danger.text"))
        styles["removed"].setFontStrikeOut(True)
        styles["removed"].setFontWeight(QFont.Weight.Normal)
        self.page.show_styled([(item.text, styles[item.kind]) for item in self._segments])

    def text(self) -> str:
        cursor = QTextCursor(self.page.document())
        cursor.select(QTextCursor.SelectionType.Document)
        return cursor.selectedText().replace("\u2029", "\n")
