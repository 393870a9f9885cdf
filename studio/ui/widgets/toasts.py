"""Short news in the corner of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QPropertyAnimation, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QCursor, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from studio.core.i18n import _, sentences
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.flow import FlowLayout
from studio.ui.widgets.paint import Label, mirrored, paint_box, painter_for

WIDTH, MARGIN, SPACING = 360, 16, 8
WARNING = 6  # times as long as news, a warning stays
_SIGNS = {
    "success": ("check-circle-fill", "success.text"),
    "info": ("info-fill", "info.text"),
    "warning": ("warning-fill", "warning.text"),
    "error": ("warning-circle-fill", "danger.text"),
}
Action = tuple[str, Callable[[], object]]


class Toast(QWidget):
    """One message: a sentence, or a title with a sentence; actions; details that fold out.

    `kind` is success, info, warning or error. A single action of a message without title stands at its end as a link.
    An action closes the toast. `closed` follows the user's closing or an action.
    """

    closed = Signal()

    def __init__(
        self,
        text: str,
        kind: str = "info",
        *,
        title: str = "",
        actions: Sequence[Action] = (),
        details: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._kind = kind
        self._words = sentences(title, text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self._words)
        large = bool(title or details or len(actions) > 1 or kind == "error")
        head = QHBoxLayout()
        head.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(41, 10, 12, 12 if large else 10)
        column.setSpacing(10)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.setContentsMargins(0, 2 if large else 0, 0, 0)
        if title:
            label = Label(title, "body", wrap=True)
            label.setFont(theme_of(self).font("body", 600))
            words.addWidget(label)
        words.addWidget(Label(text, "small" if title else "body", "secondary" if title else "primary", wrap=True))
        head.addLayout(words, 1)
        column.addLayout(head)
        if large:
            close = IconButton("x", _("Close"))
            close.setFixedSize(24, 24)
            close.clicked.connect(self.close_toast)
            head.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        elif actions:
            head.addWidget(self._action_button(actions[0], "link"))
        if large and (actions or details):
            row = QWidget()
            flow = FlowLayout(row, 8)
            for action in actions:
                flow.addWidget(self._action_button(action, "secondary"))
            column.addWidget(row)
            if details:
                self._add_details(column, flow, details)

    def kind(self) -> str:
        return self._kind

    def words(self) -> str:
        return self._words

    def close_toast(self) -> None:
        self.closed.emit()

    def _action_button(self, action: Action, kind: str) -> Button:
        text, callback = action
        button = Button(text, kind, size="md" if kind == "link" else "sm")

        def run() -> None:
            self.closed.emit()
            callback()

        button.clicked.connect(run)
        return button

    def _add_details(self, column: QVBoxLayout, flow: FlowLayout, details: str) -> None:
        toggle = Button(_("Details"), "ghost", size="sm", caret=True)
        toggle.setCheckable(True)
        box = QPlainTextEdit(details)
        box.setReadOnly(True)
        box.setAccessibleName(_("Details"))
        box.setFont(theme_of(self).font("mono"))
        box.setTabChangesFocus(True)
        box.setFixedHeight(120)
        box.hide()
        copy = Button(_("Copy details"), "ghost", "copy", "sm")
        copy.hide()
        copy.clicked.connect(lambda: QApplication.clipboard().setText(details))
        flow.addWidget(toggle)
        flow.addWidget(copy)
        column.addWidget(box)

        def unfold(open_: bool) -> None:
            box.setVisible(open_)
            copy.setVisible(open_)
            self.updateGeometry()
            host = self.parent()
            if isinstance(host, ToastHost):
                host.place()

        toggle.toggled.connect(unfold)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        height = layout.totalHeightForWidth(WIDTH) if layout is not None and layout.hasHeightForWidth() else 44
        return QSize(WIDTH, max(44, height))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_toast()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        icon, color = _SIGNS[self._kind]
        layout = self.layout()
        top = layout.contentsMargins().top() if layout is not None else 10
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color("surface.overlay"), theme.color("border.default"), 8)
            y = top + 4 if self.height() > 48 else (self.height() - 16) // 2
            paint_icon(painter, mirrored(self, QRect(12, y, 16, 16)), icon, theme.color(color))


class ToastHost(QWidget):
    """Stacks toasts at the lower end corner of `window`, `bottom` pixels above its edge (the queue strip).

    News stays 5 s and a warning 30 s (longer under the pointer or the keyboard); errors stay until they are closed.
    """

    def __init__(self, window: QWidget, bottom: int = 40) -> None:
        super().__init__(window)
        self._window = window
        self._bottom = bottom
        self._toasts: list[Toast] = []
        window.installEventFilter(self)
        self.hide()

    def toasts(self) -> list[Toast]:
        """What is shown, the oldest first."""
        return list(self._toasts)

    def show_toast(
        self,
        text: str,
        kind: str = "info",
        *,
        title: str = "",
        actions: Sequence[Action] = (),
        details: str = "",
    ) -> Toast:
        toast = Toast(text, kind, title=title, actions=actions, details=details, parent=self)
        for same in [old for old in self._toasts if not actions and old.words() == toast.words()]:
            self.remove(same)
        self._toasts.append(toast)
        toast.closed.connect(lambda: self.remove(toast))
        if kind != "error":
            timer = QTimer(toast)
            timer.setInterval(theme_of(self).motion("toastHold") * (WARNING if kind == "warning" else 1))
            timer.timeout.connect(lambda: self._on_time(toast))
            timer.start()
        self.place()
        toast.show()
        self.show()
        self.raise_()
        self._slide(toast)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(toast, toast.words()))
        return toast

    def remove(self, toast: Toast) -> None:
        if toast in self._toasts:
            self._toasts.remove(toast)
            toast.hide()
            toast.deleteLater()
            self.place()

    def set_bottom(self, pixels: int) -> None:
        self._bottom = pixels
        self.place()

    def place(self) -> None:
        """Lay the toasts out, the newest at the bottom."""
        window = self._window
        if not self._toasts:
            self.hide()
            return
        heights = [toast.sizeHint().height() for toast in self._toasts]
        height = sum(heights) + SPACING * (len(heights) - 1)
        height = min(height, window.height() - self._bottom - 2 * MARGIN)
        rtl = window.layoutDirection() == Qt.LayoutDirection.RightToLeft
        x = MARGIN if rtl else window.width() - WIDTH - MARGIN
        self.setGeometry(x, window.height() - self._bottom - MARGIN - height, WIDTH, height)
        y = height
        for toast, own in zip(reversed(self._toasts), reversed(heights), strict=True):
            y -= own
            toast.setGeometry(0, y, WIDTH, own)
            y -= SPACING

    def _slide(self, toast: Toast) -> None:
        duration = theme_of(self).motion("toastIn")
        if not duration:
            return
        animation = QPropertyAnimation(toast, b"pos", toast)
        animation.setDuration(duration)
        animation.setEasingCurve(theme_of(self).easing)
        animation.setStartValue(toast.pos() + QPoint(0, 12))
        animation.setEndValue(toast.pos())
        animation.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)

    def _on_time(self, toast: Toast) -> None:
        focus = QApplication.focusWidget()
        pointed = toast.underMouse() and toast.rect().contains(toast.mapFromGlobal(QCursor.pos()))
        held = pointed or (focus is not None and toast.isAncestorOf(focus))
        if not held:
            self.remove(toast)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.place()
        return False
