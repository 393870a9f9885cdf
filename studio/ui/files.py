"""Files and the system's own programs: ask where to save one, show one in its folder."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.library.names import safe_name

if TYPE_CHECKING:
    from studio.ui.services import Services

EXPORTS = "export_folder"


def open_path(path: Path) -> bool:
    """Open a file or folder with the system's program for it."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def show_in_folder(path: Path) -> bool:
    """Open the folder of `path`, with the file selected where the system can do that."""
    commands = {"win32": ["explorer", f"/select,{path}"], "darwin": ["open", "-R", str(path)]}
    if path.exists() and sys.platform in commands:
        try:
            subprocess.Popen(commands[sys.platform])
            return True
        except OSError:
            pass  # the folder alone will do
    return open_path(path.parent)


def ask_path(parent: QWidget, services: Services, project: str, title: str, suffix: str) -> Path | None:
    """Where to save, from the system's dialog; None if the user thought better of it. It begins in the folder that was
    chosen last, at first in that of the project's results."""
    start = export_folder(services, project) / (safe_name(title, _("Untitled")) + suffix)
    chosen, _filter = QFileDialog.getSaveFileName(parent, _("Export"), str(start), f"*{suffix}")
    if not chosen:
        return None
    path = Path(chosen)
    with suppress(AtelierError):  # a folder that is not remembered is no reason not to export
        services.settings.remember(**{EXPORTS: str(path.parent)})
    return path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)


def export_folder(services: Services, project: str) -> Path:
    """Where the next export begins."""
    last = (services.settings.values.last or {}).get(EXPORTS)
    results = services.library.results
    places = [Path(last)] if isinstance(last, str) and last else []
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return next((place for place in (*places, results / project, results) if place.is_dir()), Path(documents))
