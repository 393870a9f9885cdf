"""Files and the system's own programs: ask where to save one, show one in its folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.core.i18n import _
from studio.library.names import safe_name


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


def ask_path(parent: QWidget, title: str, suffix: str) -> Path | None:
    """Where to save, from the system's dialog; None if the user thought better of it."""
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    start = str(Path(folder) / (safe_name(title, _("Untitled")) + suffix))
    chosen, _filter = QFileDialog.getSaveFileName(parent, _("Export"), start, f"*{suffix}")
    if not chosen:
        return None
    path = Path(chosen)
    return path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)
