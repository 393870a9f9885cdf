"""The head of the stage: which picture it is, how large it is shown, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from studio.core.i18n import _
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.paint import Separator
from studio.ui.widgets.rooms import HeaderBar

ROOMY = 720
ZOOMS = (25, 50, 100, 200, 400)


class StageHeader(HeaderBar):
    """`zoom_chosen` carries per cent, 0 for "fit"; `heart_wanted`, `compare_wanted`, `info_wanted`, `export_wanted`;
    `send_menu_wanted` a menu to fill."""

    zoom_chosen = Signal(int)
    heart_wanted = Signal()
    compare_wanted = Signal()
    info_wanted = Signal()
    export_wanted = Signal()
    send_menu_wanted = Signal(QMenu)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "", "window", parent)
        self.zoom = Button("", "ghost", "", "sm", caret=True)
        self.zoom.setAccessibleName(_("Zoom"))
        self.heart = IconButton("heart", _("Favourite"))
        self.compare = IconButton("circle-half", _("Compare before and after"), checkable=True)
        self.info = IconButton("info", _("How it was made"))
        self.send = Button(_("Send to"), "secondary", "arrow-square-out", "sm", caret=True)
        self.export = Button(_("Export"), "secondary", "export", "sm")
        self.history_button = Button(_("History"), "secondary", "clock-counter-clockwise", "sm")
        self.history_button.hide()
        line = Separator(vertical=True)
        for widget in (self.zoom, line, self.heart, self.compare, self.info, self.send, self.export):
            self.add_end(widget)
        self.add_end(self.history_button)
        self.zoom.clicked.connect(self._open_zoom)
        self.heart.clicked.connect(self.heart_wanted)
        self.compare.clicked.connect(self.compare_wanted)
        self.info.clicked.connect(self.info_wanted)
        self.send.clicked.connect(self._open_send)
        self.export.clicked.connect(self.export_wanted)

    def set_title(self, title: str, subtitle: str = "") -> None:
        super().set_title(title, subtitle)
        self._subtitle.setVisible(bool(subtitle) and self.width() >= ROOMY)

    def set_tools(self, *, shown: bool, filed: bool, favourite: bool, comparable: bool, comparing: bool) -> None:
        """`shown`: there is a picture; `filed`: it is a result of the library."""
        self.zoom.setEnabled(shown)
        for button in (self.heart, self.info, self.send):
            button.setEnabled(filed)
        self.export.setEnabled(shown)
        self.compare.setEnabled(comparable)
        self.compare.setChecked(comparing)
        self.heart.set_icon("heart-fill" if favourite else "heart", "medium.animation" if favourite else "")
        self.heart.set_name(_("No longer a favourite") if favourite else _("Favourite"))

    def set_zoom(self, percent: int, fitted: bool) -> None:
        words = _("Fit {percent} %") if fitted else _("{percent} %")
        self.zoom.setText(words.format(percent=percent))
        self.zoom.updateGeometry()

    def _open_zoom(self) -> None:
        menu = QMenu(self)
        menu.addAction(_("Fit"), lambda: self.zoom_chosen.emit(0))
        for percent in ZOOMS:
            menu.addAction(_("{percent} %").format(percent=percent), lambda value=percent: self.zoom_chosen.emit(value))
        self._popup(menu, self.zoom)

    def _open_send(self) -> None:
        menu = QMenu(self)
        self.send_menu_wanted.emit(menu)
        self._popup(menu, self.send)

    def _popup(self, menu: QMenu, at: QWidget) -> None:
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at.mapToGlobal(QPoint(0, at.height() + 4)))
