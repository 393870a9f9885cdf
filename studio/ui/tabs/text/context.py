"""What the rooms of the Text tab share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTemporaryDir
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.documents.templates import TemplateSet
from studio.library.names import safe_name
from studio.media.text import Script, export, render
from studio.ui.files import open_path
from studio.ui.model_picker import ModelPicker
from studio.ui.services import Services
from studio.ui.tabs.base import Shell
from studio.ui.tabs.text.desk import Desk
from studio.ui.tabs.text.header import StageHeader
from studio.ui.tabs.text.memory import Memory


@dataclass(frozen=True)
class Context:
    services: Services
    shell: Shell
    memory: Memory
    desk: Desk
    picker: ModelPicker
    header: StageHeader
    templates: TemplateSet


def add_formats(menu: QMenu, save: Callable[[str], None]) -> None:
    """The formats that a text is exported in."""
    for suffix, name in (
        (".docx", _("Word document (DOCX)")),
        (".md", _("Markdown")),
        (".txt", _("Plain text")),
        (".html", _("Web page (HTML)")),
    ):
        menu.addAction(name).triggered.connect(lambda _checked=False, suffix=suffix: save(suffix))


def save_script(context: Context, script: Script, path: Path, owner: QWidget) -> None:
    """Write `script` to `path` in the background and say how it went."""

    def success(_result: object) -> None:
        context.shell.toast(
            _("Saved {name}.").format(name=path.name), actions=((_("Show in folder"), lambda: open_path(path.parent)),)
        )

    def failure(error: AtelierError) -> None:
        context.shell.show_error(error)

    context.services.bridge.work(lambda: export(script, path), success, failure, owner=owner)


def copy_markdown(script: Script) -> None:
    """Put the whole of `script` on the clipboard as Markdown."""
    QApplication.clipboard().setText(render(script, ".md").decode("utf-8"))


class DragFiles:
    """Files for dragging out; they live until the program ends."""

    def __init__(self) -> None:
        self._folder: QTemporaryDir | None = None

    def write(self, script: Script) -> str:
        """The path of `script` as a Markdown file, named after its title."""
        if self._folder is None:
            self._folder = QTemporaryDir()
        path = Path(self._folder.path()) / (safe_name(script.title, _("Untitled")) + ".md")
        export(script, path)
        return str(path)
