"""Documents on their way to the trash: a moment later, so that it can be taken back."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.ui.services import Services
from studio.ui.tabs.base import Shell

TRASH_MS = 6000


class LateTrash(QObject):
    """`id in trash` while a document is on its way. `changed` when the list of documents is another one."""

    changed = Signal()

    def __init__(self, services: Services, shell: Shell, parent: QObject) -> None:
        super().__init__(parent)
        self._services, self._shell = services, shell
        self._doomed: dict[str, QTimer] = {}

    def __contains__(self, id: str) -> bool:
        return id in self._doomed

    def put(self, id: str, title: str) -> None:
        """Say that it goes, with a way back, and move it to the trash after that."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(TRASH_MS)
        timer.timeout.connect(lambda: self._go(id))
        timer.start()
        self._doomed[id] = timer
        self.changed.emit()
        self._shell.toast(
            _("{title} is moved to the trash.").format(title=title),
            actions=((_("Undo"), lambda: self.keep(id)),),
        )

    def keep(self, id: str) -> None:
        """Take it back, if it is not too late."""
        if (timer := self._doomed.pop(id, None)) is not None:
            timer.stop()
            self.changed.emit()

    def _go(self, id: str) -> None:
        if self._doomed.pop(id, None) is None:
            return
        try:
            self._services.documents.trash(id)
        except AtelierError as error:
            self._shell.show_error(error)
        self.changed.emit()

    def settle(self) -> None:
        """Before the program ends: do what was put off."""
        for id in list(self._doomed):
            self._go(id)
