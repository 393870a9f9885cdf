"""The head of the stage: the document's name, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from studio.core.i18n import _
from studio.ui.tabs.text.prompt_menus import open_menu
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.paint import Separator
from studio.ui.widgets.rooms import HeaderBar

ROOMY = 700


class ExportButton(Button):
    """A click opens the formats; dragging it out of the window drops the document as a file."""

    drag_started = Signal()

    def __init__(self) -> None:
        super().__init__(_("Export"), "secondary", "export", "sm")
        self._press: QPoint | None = None
        self.setToolTip(_("Save as a file, or drag from here into another program"))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._press = None
        super().mouseReleaseEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not event.buttons() & Qt.MouseButton.LeftButton:  # a menu may have taken the release
            self._press = None
        moved = (event.position().toPoint() - self._press).manhattanLength() if self._press else 0
        if moved > QApplication.startDragDistance() and self.isEnabled():
            self._press = None
            self.setDown(False)
            self.drag_started.emit()
            return
        super().mouseMoveEvent(event)

    def drag(self, path: str, text: str) -> None:
        """Carry the file at `path` out of the window; programs that take no files get `text`."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path)])
        data.setText(text)
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)


class StageHeader(HeaderBar):
    """`text` and `chat` show different tools. What its menus offer is asked for when they open."""

    send_menu_wanted = Signal(QMenu)
    export_menu_wanted = Signal(QMenu)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "", "window", parent)
        self.undo = IconButton("arrow-u-up-left", _("Undo"))
        self.redo = IconButton("arrow-u-up-right", _("Redo"))
        self.find_button = IconButton("magnifying-glass", _("Find in the text"))
        self.copy = IconButton("copy", _("Copy as Markdown"))
        self.new_chat = IconButton("note-pencil", _("New conversation"))
        self.send = Button(_("Send to"), "secondary", "arrow-square-out", "sm", caret=True)
        self.export = ExportButton()
        self.history_button = Button(_("History"), "secondary", "clock-counter-clockwise", "sm")
        self.history_button.hide()
        self._line = Separator(vertical=True)
        tools = (self.undo, self.redo, self._line, self.find_button, self.new_chat, self.copy, self.send, self.export)
        for widget in (*tools, self.history_button):
            self.add_end(widget)
        self.send.clicked.connect(self._on_send)
        self.export.clicked.connect(self._on_export)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the title keeps it."""
        super().resizeEvent(event)
        self._subtitle.setVisible(bool(self._subtitle.text()) and self.width() >= ROOMY)

    def set_title(self, title: str, subtitle: str = "") -> None:
        super().set_title(title, subtitle)
        self._subtitle.setVisible(bool(subtitle) and self.width() >= ROOMY)

    def set_mode(self, *, chat: bool) -> None:
        for widget in (self._line, self.find_button, self.send):
            widget.setVisible(not chat)
        self.new_chat.setVisible(chat)

    def set_tools(self, *, has_text: bool, undo: str | None, redo: str | None) -> None:
        """`undo`, `redo`: what would be undone ("" for typing), None if nothing can be."""
        for button, label, plain, named in (
            (self.undo, undo, _("Undo"), _("Undo: {step}")),
            (self.redo, redo, _("Redo"), _("Redo: {step}")),
        ):
            button.setEnabled(label is not None)
            button.setToolTip(named.format(step=label) if label else plain)
        for button in (self.find_button, self.copy, self.send, self.export):
            button.setEnabled(has_text)

    def _on_send(self) -> None:
        menu = QMenu(self)
        self.send_menu_wanted.emit(menu)
        open_menu(menu, self.send)

    def _on_export(self) -> None:
        menu = QMenu(self)
        self.export_menu_wanted.emit(menu)
        open_menu(menu, self.export)
