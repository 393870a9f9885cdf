"""When no window can be opened: what happened, in a small window of its own, with the ways on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox

from studio.core.errors import AtelierError, explain
from studio.core.i18n import _
from studio.core.settings import Settings
from studio.ui.pane import app_icon

_FOLDER_CODES = ("not-writable", "folder-missing", "disk-full", "is-a-folder", "file-missing", "file-unreadable")


def show_trouble(error: AtelierError, settings: Settings) -> bool:
    """Ask what to do; True when trying again makes sense."""
    box = trouble_box(error)
    box.exec()
    clicked = box.clickedButton()
    wish = clicked.property("wish") if clicked is not None else ""
    if wish == "again":
        return True
    if wish == "folder":
        return choose_folder(settings)
    return False


def trouble_box(error: AtelierError) -> QMessageBox:
    """The window with its buttons; each has its `wish` as a property: folder, again or quit."""
    words = explain(error.code, error.arguments)
    box = QMessageBox(QMessageBox.Icon.Warning, "Atelier", words.title)
    box.setWindowIcon(app_icon())
    box.setInformativeText(words.body)
    if error.details:
        box.setDetailedText(error.details)
    if error.code in _FOLDER_CODES:
        box.addButton(_("Choose another folder…"), QMessageBox.ButtonRole.ActionRole).setProperty("wish", "folder")
    box.addButton(_("Try again"), QMessageBox.ButtonRole.AcceptRole).setProperty("wish", "again")
    quit_button = box.addButton(_("Quit"), QMessageBox.ButtonRole.RejectRole)
    quit_button.setProperty("wish", "quit")
    box.setEscapeButton(quit_button)
    return box


def choose_folder(settings: Settings) -> bool:
    """Let the user choose a folder for results; True if one was chosen."""
    folder = QFileDialog.getExistingDirectory(None, _("Folder for results"), str(Path.home()))
    if not folder:
        return False
    try:
        settings.update(results_dir=folder)
    except AtelierError:
        return bool(settings.values.results_dir)  # the choice holds for this run all the same
    return True
