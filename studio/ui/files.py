"""Files and the system's own programs: show one in its folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


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
