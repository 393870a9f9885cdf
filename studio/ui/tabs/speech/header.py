"""The head of the stage: the reading's name, and what can be done with the whole of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from studio.core.i18n import _
from studio.ui.tabs.speech.export import FORMATS
from studio.ui.tabs.speech.outgoing import DragHandle
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.paint import Separator, paint_box, painter_for
from studio.ui.widgets.rooms import HeaderBar

ROOMY = 760


class _Half(Button):
    """One side of a split button: its corners are round on the outside only."""

    def __init__(self, text: str, icon: str, *, first: bool) -> None:
        super().__init__(text, "secondary", icon, "sm")
        self._first = first

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        fill, border, text = self._colors(theme)
        right = self._first != (self.layoutDirection() == Qt.LayoutDirection.RightToLeft)
        rect = self.rect().adjusted(0, 0, 8, 0) if right else self.rect().adjusted(-8, 0, 0, 0)
        with painter_for(self) as painter:
            painter.setClipRect(self.rect())
            paint_box(painter, rect, fill, border, theme.metric("radius.md"))
            if not self._first:
                line = QRect(self.width() - 1 if not right and self._first else 0, 0, 1, self.height())
                painter.fillRect(line, border or theme.color("border.default"))
            self._paint_content(painter, theme, text)


class SplitButton(QWidget):
    """A button with a menu of other choices beside it. `clicked` and `menu_wanted`."""

    clicked = Signal()
    menu_wanted = Signal(QMenu)

    def __init__(self, text: str, icon: str, more: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.main = _Half(text, icon, first=True)
        self.more = _Half("", "caret-down", first=False)
        self.more.setAccessibleName(more)
        self.more.setToolTip(more)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.main)
        row.addWidget(self.more)
        self.main.clicked.connect(self.clicked)
        self.more.clicked.connect(self._open)

    def set_text(self, text: str) -> None:
        self.main.setText(text)
        self.main.updateGeometry()

    def _open(self) -> None:
        menu = QMenu(self)
        self.menu_wanted.emit(menu)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(QPoint(self.more.width() - menu.sizeHint().width(), self.more.height() + 4)))


class StageHeader(HeaderBar):
    """Where there is little room the title keeps it. `rename_wanted` when the title is double-clicked;
    `send_menu_wanted`, `export_wanted`, `format_chosen` and `times_toggled`; `dragged` when the reading is pulled away
    from the export button. Where it is narrow, a menu has what found no room, and what `more_menu_wanted` adds."""

    rename_wanted = Signal()
    more_menu_wanted = Signal(QMenu)
    send_menu_wanted = Signal(QMenu)
    export_wanted = Signal()
    format_chosen = Signal(str)
    times_toggled = Signal(bool)
    dragged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "", "window", parent)
        self.undo = IconButton("arrow-u-up-left", _("Undo"))
        self.redo = IconButton("arrow-u-up-right", _("Redo"))
        self.times = IconButton("closed-captioning", _("Subtitles: show when each sentence is said"), checkable=True)
        self.more = IconButton("dots-three", _("More"))
        self.more.hide()
        self.send = Button(_("Send to"), "secondary", "arrow-square-out", "sm", caret=True)
        self.export = SplitButton(_(FORMATS[".wav"][0]), "export", _("Other formats"))
        self.history_button = Button(_("History"), "secondary", "clock-counter-clockwise", "sm")
        self.history_button.hide()
        self._format = ".wav"
        for widget in (self.undo, self.redo, self.times, self.more, Separator(vertical=True), self.send, self.export):
            self.add_end(widget)
        self.add_end(self.history_button)
        self._title.installEventFilter(self)
        self._title.setToolTip(_("Double-click to rename"))
        self.more.clicked.connect(lambda: self._open_menu(self.more, self.fill_more))
        self.send.clicked.connect(lambda: self._open_menu(self.send, self.send_menu_wanted.emit))
        self.export.clicked.connect(self.export_wanted)
        self.export.menu_wanted.connect(self._fill_formats)
        DragHandle(self.export.main).started.connect(self._on_pulled)
        self.times.toggled.connect(self.times_toggled)

    def format(self) -> str:
        """The suffix that the export button writes."""
        return self._format

    def set_format(self, suffix: str) -> None:
        if suffix in FORMATS:
            self._format = suffix
            self.export.set_text(_(FORMATS[suffix][0]))

    def set_title(self, title: str, subtitle: str = "") -> None:
        super().set_title(title, subtitle)
        self._subtitle.setVisible(bool(subtitle) and self.width() >= ROOMY)

    def set_tools(self, *, has_text: bool, has_sound: bool, undo: str | None, redo: str | None) -> None:
        """`undo`, `redo`: what would be undone, None if nothing can be."""
        for button, label, plain, named in (
            (self.undo, undo, _("Undo"), _("Undo: {step}")),
            (self.redo, redo, _("Redo"), _("Redo: {step}")),
        ):
            button.setEnabled(label is not None)
            button.setToolTip(named.format(step=label) if label else plain)
        self.send.setEnabled(has_text)
        self.times.setEnabled(has_text)
        for half in (self.export.main, self.export.more):
            half.setEnabled(has_sound)
        words = _("Save as a file, or drag from here into another program")
        self.export.main.setToolTip(words if has_sound else _("Nothing has been spoken yet"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        roomy = self.width() >= ROOMY
        self._subtitle.setVisible(bool(self._subtitle.text()) and roomy)
        for button in (self.undo, self.redo, self.times):
            button.setVisible(roomy)
        self.more.setVisible(not roomy)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonDblClick and watched is self._title:
            self.rename_wanted.emit()
            return True
        return super().eventFilter(watched, event)

    def _on_pulled(self) -> None:
        self.export.main.setDown(False)
        if self.export.main.isEnabled():
            self.dragged.emit()

    def fill_more(self, menu: QMenu) -> None:
        """The buttons that are hidden while there is little room, by their names."""
        theme = theme_of(self)
        for button, icon in ((self.undo, "arrow-u-up-left"), (self.redo, "arrow-u-up-right")):
            action = menu.addAction(theme.icon(icon), button.toolTip(), button.click)
            action.setEnabled(button.isEnabled())
        menu.addSeparator()
        times = menu.addAction(self.times.toolTip(), self.times.toggle)
        times.setCheckable(True)
        times.setChecked(self.times.isChecked())
        times.setEnabled(self.times.isEnabled())
        menu.addSeparator()
        self.more_menu_wanted.emit(menu)

    def _open_menu(self, button: QWidget, fill: Callable[[QMenu], object]) -> None:
        menu = QMenu(self)
        fill(menu)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(button.mapToGlobal(QPoint(0, button.height() + 4)))

    def _fill_formats(self, menu: QMenu) -> None:
        for suffix, (_button, words) in FORMATS.items():
            if suffix == ".srt":
                menu.addSeparator()
            action = menu.addAction(_(words))
            action.triggered.connect(lambda _checked=False, suffix=suffix: self.format_chosen.emit(suffix))
