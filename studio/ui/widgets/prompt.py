"""The multi-line field for what the user asks for."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent, QTextBlockFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QTextEdit, QVBoxLayout, QWidget

from studio.ui.tabs.clean import clean_paste
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.fields import FieldMessage
from studio.ui.widgets.paint import Label, paint_box, painter_for


class FieldFrame(QWidget):
    """The box of a field around other widgets: border by hover, focus (of `watch`) and error."""

    def __init__(self, watch: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._watch, self._error = watch, False
        watch.installEventFilter(self)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_error(self, error: bool) -> None:
        self._error = error
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut, QEvent.Type.EnabledChange):
            self.update()
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._watch.setFocus(Qt.FocusReason.MouseFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        focused = self._watch.hasFocus()
        fill, border = "surface.field", "border.default"
        if not self.isEnabled():
            fill, border = "surface.panel", "border.subtle"
        elif self._error:
            border = "danger.text"
        elif focused:
            border = "focus.ring"
        elif self.underMouse():
            border = "border.strong"
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color(fill), theme.color(border), 6, 2 if focused else 1)


class _Field(QTextEdit):
    """Takes what is pasted without the characters that no text can hold."""

    cleaned = Signal(int)

    def insertFromMimeData(self, source: QMimeData) -> None:
        text, count = clean_paste(source.text())
        self.textCursor().insertText(text)
        self.ensureCursorVisible()
        if count:
            self.cleaned.emit(count)


class PromptEdit(QWidget):
    """A label with a quiet counter, a text field that grows between `min_lines` and `max_lines`, small tools in its
    corner, and one sentence below when something is wrong.

    `text_changed` carries the text; `cleaned` how many characters of what was pasted were left out. Tab leaves the
    field; Ctrl+Enter is left to the window.
    """

    text_changed = Signal(str)
    cleaned = Signal(int)

    def __init__(
        self,
        label: str = "",
        placeholder: str = "",
        *,
        text: str = "",
        min_lines: int = 3,
        max_lines: int = 10,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._min_lines, self._max_lines = min_lines, max_lines
        self.edit = _Field()
        self.edit.setAcceptRichText(False)
        self._line = theme_of(self).line_height("body")
        self._space_lines()
        self.edit.setAccessibleName(name or label or placeholder)
        self.edit.setPlaceholderText(placeholder)
        self.edit.setTabChangesFocus(True)
        self.edit.setFrameShape(QFrame.Shape.NoFrame)
        self.edit.document().setDocumentMargin(0)
        self.edit.viewport().setAutoFillBackground(False)
        self.edit.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusProxy(self.edit)
        self.title = Label(label, "label")
        self.counter = Label("", "small", "tertiary")
        self._head = QWidget()
        head = QHBoxLayout(self._head)
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.counter)
        self._head.setVisible(bool(label))
        self._frame = FieldFrame(self.edit)
        inside = QVBoxLayout(self._frame)
        inside.setContentsMargins(11, 9, 7, 7)
        inside.setSpacing(0)
        inside.addWidget(self.edit, 1)
        self._tools = QHBoxLayout()
        self._tools.setContentsMargins(0, 0, 0, 0)
        self._tools.setSpacing(0)
        self._tools.addStretch(1)
        inside.addLayout(self._tools)
        self._message = FieldMessage()
        self._message.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._head)
        column.addWidget(self._frame)
        column.addWidget(self._message)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.edit.textChanged.connect(self._on_text_changed)
        self.edit.cleaned.connect(self.cleaned)
        self.edit.document().documentLayout().documentSizeChanged.connect(self._fit)
        self.set_text(text)
        self._fit()

    # -- content ----------------------------------------------------------------------------------------------

    def text(self) -> str:
        return self.edit.toPlainText()

    def set_text(self, text: str) -> None:
        """Replace the text as one step that Undo takes back."""
        if text == self.text():
            return
        cursor = QTextCursor(self.edit.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)

    def set_counter(self, text: str) -> None:
        """The quiet words at the end of the label's line ("14 / 77 tokens")."""
        self.counter.setText(text)
        self._head.setVisible(bool(text or self.title.text()))

    def add_tool(self, icon: str, name: str) -> IconButton:
        """A small button in the lower corner of the field; connect to its `clicked`."""
        button = IconButton(icon, name)
        self._tools.addWidget(button)
        self._fit()
        return button

    def error(self) -> str:
        return self._message.text()

    def set_error(self, sentence: str) -> None:
        """Red border and the sentence below, until the text changes (or "" is set)."""
        self._message.set_text(sentence)
        self._frame.set_error(bool(sentence))
        self.edit.setAccessibleDescription(sentence)
        if sentence:
            QTimer.singleShot(0, self, self._reveal_message)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):  # it has got its place
            QTimer.singleShot(0, self, self._reveal_message)
        return False

    def _reveal_message(self) -> None:
        """Scroll the panel so that the sentence below a tall field can be read."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None and self.error():
            area.ensureWidgetVisible(self._message, 0, 16)

    # -- size -------------------------------------------------------------------------------------------------

    def _on_text_changed(self) -> None:
        if self.error():
            self.set_error("")
        self._fit()
        self.text_changed.emit(self.text())

    def _space_lines(self) -> None:
        """Give the first paragraph the line height of the type scale; the others inherit it."""
        lines = QTextBlockFormat()
        lines.setLineHeight(self._line, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        self.edit.document().setUndoRedoEnabled(False)
        QTextCursor(self.edit.document()).setBlockFormat(lines)
        self.edit.document().setUndoRedoEnabled(True)

    def _fit(self) -> None:
        lines = round(self.edit.document().size().height() / self._line)
        shown = min(max(lines, self._min_lines), self._max_lines)
        tools = theme_of(self).metric("control.sm") if self._tools.count() > 1 else 0
        self.edit.setFixedHeight(shown * self._line + 2)
        self._frame.setFixedHeight(shown * self._line + 2 + 16 + tools)

    def sizeHint(self) -> QSize:
        return QSize(240, super().sizeHint().height())
