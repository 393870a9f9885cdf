"""Help: the keys, the report, the licences."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from studio.core import paths
from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.ui.files import open_path
from studio.ui.pane import Rule, ScrollPage
from studio.ui.services import Services
from studio.ui.sheet import Sheet
from studio.ui.tabs.base import Command
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.chips import Chip
from studio.ui.widgets.fields import FieldMessage
from studio.ui.widgets.paint import Label


class HelpSheet(Sheet):
    """Lists `commands` that have keys, and saves the report."""

    def __init__(self, host: QWidget, services: Services, commands: list[Command]) -> None:
        super().__init__(host, _("Help"), QSize(560, 540))
        self._services = services
        column = QVBoxLayout(self.pane)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        self.add_header(column, _("Help"))
        column.addWidget(Rule())
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(24, 16, 24, 16)
        grid.setVerticalSpacing(8)
        grid.addWidget(Label(_("Keys"), "label"), 0, 0, 1, 2)
        keyed = [command for command in commands if command.shortcut]
        for row, command in enumerate(keyed, 1):
            keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            grid.addWidget(Label(command.title, "body", "secondary"), row, 0)
            grid.addWidget(Chip(keys), row, 1, Qt.AlignmentFlag.AlignRight)
        grid.setRowStretch(len(keyed) + 1, 1)
        grid.setColumnStretch(0, 1)
        column.addWidget(ScrollPage(inner, _("Keys")), 1)
        column.addWidget(Rule())
        column.addLayout(self._report())

    def _report(self) -> QVBoxLayout:
        box = QVBoxLayout()
        box.setContentsMargins(24, 16, 24, 20)
        box.setSpacing(8)
        box.addWidget(Label(_("Something went wrong?"), "label"))
        line = _("Save a report and send it to us. It holds logs and versions, nothing that you wrote or made.")
        box.addWidget(Label(line, "small", "secondary", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(8)
        self.save = Button(_("Save a report…"))
        self.save.clicked.connect(self._choose)
        logs = Button(_("Show the logs"), "ghost", "folder-open")
        logs.clicked.connect(lambda: open_path(paths.log_dir()))
        row.addWidget(self.save)
        row.addWidget(logs)
        row.addStretch(1)
        box.addSpacing(4)
        box.addLayout(row)
        self._message = FieldMessage()
        self._saved = Label("", "small", "success", wrap=True)
        self._saved.hide()
        box.addWidget(self._message)
        box.addWidget(self._saved)
        return box

    def _choose(self) -> None:
        suggestion = str(Path.home() / "atelier-report.zip")
        name, _kind = QFileDialog.getSaveFileName(self.window(), _("Save a report"), suggestion, "ZIP (*.zip)")
        if name:
            self.save_report(Path(name))

    def save_report(self, path: Path) -> None:
        """Write the report in a thread; the sheet says how it went."""
        from studio.client import report

        services = self._services
        self.save.set_busy(True, _("Saving"))
        services.bridge.work(
            lambda: report.save(
                path, services.settings.values, device=services.client.device, jobs=services.queue.jobs()
            ),
            self._on_saved,
            self._on_failed,
            owner=self,
        )

    def _on_saved(self, path: Path) -> None:
        self.save.set_busy(False)
        self._message.set_text("")
        self._saved.setText(_("Saved {name}.").format(name=path.name))
        self._saved.show()

    def _on_failed(self, error: AtelierError) -> None:
        self.save.set_busy(False)
        self._saved.hide()
        self._message.set_text(str(error))
