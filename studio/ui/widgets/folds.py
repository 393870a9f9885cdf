"""Rows that fold something away: caret, label, and a quiet summary of what is inside."""

from __future__ import annotations

from PySide6.QtCore import QPropertyAnimation, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.paint import line_text, mirrored, paint_box, painter_for, text_width

HEIGHT = 32


class FoldRow(QPushButton):
    """The row to click; checked means open."""

    def __init__(self, title: str, summary: str = "", parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._summary = summary
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.set_summary(summary)

    def set_summary(self, text: str) -> None:
        self._summary = text
        self.setAccessibleDescription(text)
        self.update()

    def summary(self) -> str:
        return self._summary

    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        summary = text_width(self._summary, theme.font("small"))
        return QSize(20 + text_width(self.text(), theme.font("label")) + 12 + summary, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(20 + text_width(self.text(), theme_of(self).font("label")), HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        enabled = self.isEnabled()
        with painter_for(self) as painter:
            if self.underMouse() and enabled:
                paint_box(painter, self.rect().adjusted(-6, 2, 6, -2), theme.color("surface.hover"), None, 6)
            color = theme.color("text.primary" if enabled else "text.disabled")
            rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            caret = "caret-down" if self.isChecked() else ("caret-left" if rtl else "caret-right")
            paint_icon(painter, mirrored(self, QRect(0, 10, 12, 12)), caret, theme.color("text.tertiary"))
            font = theme.font("label")
            width = min(text_width(self.text(), font), self.width() - 20)
            line_text(painter, mirrored(self, QRect(18, 0, width, HEIGHT)), self.text(), font, color)
            room = self.width() - 18 - width - 12
            if not self.isChecked() and room > 24:
                rest = mirrored(self, QRect(18 + width + 12, 0, room, HEIGHT))
                line_text(
                    painter,
                    rest,
                    self._summary,
                    theme.font("small"),
                    theme.color("text.tertiary" if enabled else "text.disabled"),
                    Qt.AlignmentFlag.AlignTrailing,
                )


class FoldSection(QWidget):
    """A fold row with content below it. Add widgets to `body` (a QVBoxLayout). `toggled` carries whether it is open."""

    toggled = Signal(bool)

    def __init__(self, title: str, summary: str = "", *, expanded: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.row = FoldRow(title, summary)
        self._content = QWidget()
        self.body = QVBoxLayout(self._content)
        self.body.setContentsMargins(0, 4, 0, 8)
        self.body.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.row)
        column.addWidget(self._content)
        self._animation = QPropertyAnimation(self._content, b"maximumHeight", self)
        self._animation.setEasingCurve(theme_of(self).easing)
        self._animation.finished.connect(self._on_finished)
        self.row.setChecked(expanded)
        self._content.setVisible(expanded)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.row.toggled.connect(self._on_toggled)
        self._describe(expanded)

    def is_expanded(self) -> bool:
        return self.row.isChecked()

    def set_expanded(self, expanded: bool) -> None:
        self.row.setChecked(expanded)

    def set_summary(self, text: str) -> None:
        self.row.set_summary(text)

    def _on_toggled(self, open_: bool) -> None:
        full = self._content.sizeHint().height()
        self._animation.stop()
        start = self._content.height() if self._content.isVisible() else 0
        self._animation.setDuration(theme_of(self).motion("expand"))
        self._animation.setStartValue(start)
        self._animation.setEndValue(full if open_ else 0)
        self._content.setMaximumHeight(start)
        self._content.setVisible(True)
        self._describe(open_)
        self._animation.start()
        self.toggled.emit(open_)

    def _on_finished(self) -> None:
        self._content.setVisible(self.is_expanded())
        self._content.setMaximumHeight(16777215)

    def _describe(self, open_: bool) -> None:
        self.row.setToolTip(_("Fold") if open_ else _("Unfold"))
