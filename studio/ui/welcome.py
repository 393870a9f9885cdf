"""The first start: what was found, where results go, which language and colours. Then the first sample."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import LANGUAGES, _, language
from studio.core.models import DeviceStatus
from studio.ui.pane import IconMark, Rule
from studio.ui.services import Services
from studio.ui.settings import folder_trouble
from studio.ui.sheet import Sheet
from studio.ui.theme import theme_of
from studio.ui.top_bar import gigabytes
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import SegmentedControl
from studio.ui.widgets.fields import FieldMessage
from studio.ui.widgets.paint import ElidedLabel, Label
from studio.ui.widgets.rooms import LogoMark


class WelcomeSheet(Sheet):
    """`finished` after Start; `results_chosen(folder)` asks the program to move to another folder of results."""

    finished = Signal()
    results_chosen = Signal(str)

    def __init__(self, host: QWidget, services: Services) -> None:
        super().__init__(host, _("Welcome to Atelier"), QSize(560, 480), modal=True)
        self._services = services
        values = services.settings.values
        column = QVBoxLayout(self.pane)
        column.setContentsMargins(40, 32, 40, 32)
        column.setSpacing(0)
        mark = QHBoxLayout()
        mark.setContentsMargins(-8, 0, 0, 0)  # the mark stands inside its square; its foot starts with the words
        mark.addWidget(LogoMark(44), 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(mark)
        column.addSpacing(16)
        column.addWidget(Label(_("Welcome to Atelier"), "heading"))
        column.addSpacing(4)
        line = _("Everything is made on this computer. No account, and nothing is sent anywhere.")
        column.addWidget(Label(line, "body", "secondary", wrap=True))
        column.addSpacing(20)
        column.addWidget(Rule())
        self._device = Label("", "body", "secondary")
        self._sign = IconMark("cpu", "text.tertiary")
        column.addLayout(_line(_("Device"), self._sign, self._device))
        column.addWidget(Rule())
        folder = ElidedLabel(str(values.results), "body", "secondary")
        folder.setAlignment(Qt.AlignmentFlag.AlignRight)
        choose = Button(_("Change…"), "secondary", size="sm")
        choose.setAccessibleName(_("Choose another folder…"))
        choose.clicked.connect(self._choose_folder)
        column.addLayout(_line(_("Folder for results"), folder, choose, stretch=folder))
        column.addWidget(Rule())
        current = values.language if values.language in LANGUAGES else language()
        languages = SegmentedControl(list(LANGUAGES.items()), current, _("Language"))
        languages.setFixedWidth(240)
        languages.changed.connect(lambda value: self._update(language=value))
        column.addLayout(_line(_("Language"), languages))
        column.addWidget(Rule())
        themes = [("system", _("System")), ("light", _("Light")), ("dark", _("Dark"))]
        colours = SegmentedControl(themes, values.theme, _("Colours"))
        colours.setFixedWidth(240)
        colours.changed.connect(lambda value: self._update(theme=value))
        column.addLayout(_line(_("Colours"), colours))
        column.addWidget(Rule())
        self._message = FieldMessage()
        column.addSpacing(8)
        column.addWidget(self._message)
        column.addStretch(1)
        self.start = Button(_("Start with a sample"), "primary", "sparkle-fill", "lg")
        self.start.clicked.connect(self._finish)
        column.addWidget(self.start, 0, Qt.AlignmentFlag.AlignRight)
        services.bridge.device_changed.connect(self._show_device)
        self._show_device(services.client.device)

    def open(self, focus: QWidget | None = None) -> None:
        super().open(focus or self.start)

    def _show_device(self, device: DeviceStatus | None) -> None:
        if device is None:
            self._device.setText(_("Looking for it"))
            return
        memory = gigabytes(device.memory_total)
        self._device.setText(_("{name}, {memory}").format(name=device.name, memory=memory))
        self._sign.set_icon("check-circle-fill", "success.text")

    def _update(self, **changes: object) -> None:
        try:
            self._services.settings.update(**changes)
        except AtelierError as error:
            self._message.set_text(str(error))

    def _choose_folder(self) -> None:
        current = self._services.settings.values.results
        folder = QFileDialog.getExistingDirectory(self.window(), _("Folder for results"), str(current))
        if folder and Path(folder) != current:
            trouble = folder_trouble(Path(folder))
            self._message.set_text(str(trouble or ""))
            if trouble is None:
                self.results_chosen.emit(folder)

    def _finish(self) -> None:
        self._update(welcomed=True)
        self.close_sheet()
        self.finished.emit()


def _line(title: str, *widgets: QWidget, stretch: QWidget | None = None) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    label = Label(title, "body")
    label.setFixedHeight(theme_of().metric("layout.header"))
    row.addWidget(label)
    if stretch is None:
        row.addStretch(1)
    else:
        row.addSpacing(16)
    for widget in widgets:
        row.addWidget(widget, int(widget is stretch))
    return row
