"""Questions inside the window, over a scrim: only for loss, licences, and forms that need the whole attention."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QEventLoop, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.paint import Label, paint_box, painter_for

WIDTH, PADDING = 440, 24
_LONG_WORD = re.compile(r"[^\s\u2e80-\uffff]{32,}")  # what no space or ideograph lets a line end in
_PIECE = 16


def breakable(text: str) -> str:
    """`text` with invisible places in its longest words where a line may end: names of files have no spaces."""

    def pieces(match: re.Match[str]) -> str:
        word = match.group()
        return "\u200b".join(word[at : at + _PIECE] for at in range(0, len(word), _PIECE))

    return _LONG_WORD.sub(pieces, text)


@dataclass(frozen=True)
class Choice:
    """A button of a dialog: what `finished` carries, its words, and its kind (secondary, primary, danger)."""

    value: str
    text: str
    kind: str = "secondary"


class DialogPanel(QWidget):
    """The box itself: title, words, whatever is added to `content`, buttons at the end."""

    chosen = Signal(str)
    needs_changed = Signal()  # what is in it became longer or shorter

    def __init__(
        self, title: str, body: str, choices: Sequence[Choice], width: int = WIDTH, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setFixedWidth(width)
        self.setAccessibleName(title)
        self.setAccessibleDescription(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(PADDING, PADDING, PADDING, PADDING - 2)
        column.setSpacing(0)
        column.addWidget(Label(breakable(title), "title", wrap=True))
        self.body = Label(breakable(body), "body", "secondary", wrap=True)
        self.body.setVisible(bool(body))
        column.addSpacing(6)
        column.addWidget(self.body)
        self._content: QVBoxLayout | None = None
        column.addSpacing(22)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self.buttons: dict[str, Button] = {}
        for choice in choices:
            button = Button(choice.text, choice.kind)
            button.clicked.connect(lambda checked=False, value=choice.value: self.chosen.emit(value))
            self.buttons[choice.value] = button
            row.addWidget(button)
        column.addLayout(row)

    @property
    def content(self) -> QVBoxLayout:
        """Where more widgets go, between the words and the buttons."""
        layout = self.layout()
        if self._content is None and isinstance(layout, QVBoxLayout):
            self._content = QVBoxLayout()
            self._content.setContentsMargins(0, 16, 0, 0)
            self._content.setSpacing(12)
            layout.insertLayout(layout.indexOf(self.body) + 1, self._content)
        assert self._content is not None
        return self._content

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.needs_changed.emit()
        return done

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color("surface.overlay"), theme.color("border.default"), 12)


class Dialog(QWidget):
    """A panel over the dimmed window. The `safe` choice has the focus, and is what Escape means.

    `open()` shows it; `finished` carries the value of the choice, once. `ask` waits for the answer. Keys stay inside:
    Tab goes round, and the window's shortcuts rest.
    """

    finished = Signal(str)

    def __init__(
        self, window: QWidget, title: str, body: str, choices: Sequence[Choice], safe: str, width: int = WIDTH
    ) -> None:
        super().__init__(window)
        self._window = window
        self._safe = safe
        self._answered = False
        self._before: QWidget | None = None
        self.panel = DialogPanel(title, body, choices, width, self)
        self.panel.chosen.connect(self.choose)
        # Widgets that are added to a shown dialog appear a turn later: only then is it known how much room they need.
        self._settle = QTimer(self, singleShot=True, interval=0)
        self._settle.timeout.connect(self._place)
        self.panel.needs_changed.connect(self._settle.start)
        self.setAccessibleName(title)
        window.installEventFilter(self)
        self.hide()

    @classmethod
    def ask(
        cls, window: QWidget, title: str, body: str, choices: Sequence[Choice], safe: str, width: int = WIDTH
    ) -> str:
        """Show the question and wait; returns the value of the choice (`safe` if the window goes away)."""
        dialog = cls(window, title, body, choices, safe, width)
        loop = QEventLoop()
        answers: list[str] = []
        dialog.finished.connect(answers.append)
        dialog.finished.connect(loop.quit)
        dialog.destroyed.connect(loop.quit)
        dialog.open()
        loop.exec()
        return answers[0] if answers else safe

    @property
    def content(self) -> QVBoxLayout:
        """Where more widgets go, between the words and the buttons."""
        return self.panel.content

    def open(self) -> None:
        self._before = QApplication.focusWidget()
        self._place()
        self.show()
        self.raise_()
        self.panel.buttons[self._safe].setFocus(Qt.FocusReason.PopupFocusReason)

    def choose(self, value: str) -> None:
        """Answer `value` and go away."""
        if self._answered:
            return
        self._answered = True
        self.hide()
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.finished.emit(value)
        self.deleteLater()

    def _place(self) -> None:
        self.setGeometry(self._window.rect())
        width = self.panel.width()
        layout = self.panel.layout()
        height = layout.totalHeightForWidth(width) if layout is not None else 0
        height = min(max(height, self.panel.minimumSizeHint().height()), self.height() - 32)
        self.panel.setGeometry(QRect((self.width() - width) // 2, (self.height() - height) // 2, width, height))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Go round among the dialog's own widgets."""
        inside = [
            widget
            for widget in self.panel.findChildren(QWidget)
            if widget.isVisible()
            and widget.isEnabled()
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and widget.focusProxy() is None
        ]
        if inside:
            now = QApplication.focusWidget()
            at = inside.index(now) if now in inside else -1
            reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
            inside[(at + (1 if forward else -1)) % len(inside)].setFocus(reason)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.choose(self._safe)
        event.accept()

    def mousePressEvent(self, event) -> None:
        event.accept()  # nothing behind the scrim hears clicks

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        scrim = theme.color("surface.well" if theme.is_dark else "text.primary")
        scrim.setAlphaF(theme.opacity("scrim"))
        with painter_for(self) as painter:
            painter.fillRect(self.rect(), scrim)
