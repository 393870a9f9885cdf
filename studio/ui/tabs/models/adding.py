"""Adding a model file or another studio's folder: what it is said to be, and what is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget
from shiboken6 import isValid

from studio.core import paths
from studio.core.errors import AtelierError, explain
from studio.core.i18n import _, n_, sentences
from studio.core.models import ModelInfo
from studio.ui.model_bridge import ModelBridge
from studio.ui.tabs.models.words import architecture_name, recognised, size_words
from studio.ui.widgets.chips import Chip
from studio.ui.widgets.dialogs import Choice, Dialog, breakable
from studio.ui.widgets.paint import Label, Spinner

SUFFIXES = (".safetensors", ".gguf", ".sf2", ".sf3", ".ckpt", ".pt", ".pth", ".bin", ".pkl")
NAMES_SHOWN = 6


def is_model_file(path: Path) -> bool:
    """Whether `path` may be something to add: by its name alone, nothing is opened."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def place_of(info: ModelInfo, folders: Sequence[str]) -> Path | None:
    """Where the file of an imported model lies, or of one in `folders`, other studios' own; None if it is gone."""
    kind, _slash, rest = info.id.partition("/")
    if kind == "imported":
        found = sorted(paths.models_dir().joinpath("imported").glob(f"{escape(rest)}*"))
        return next((path for path in found if path.suffix != ".json"), None)
    root, _slash, below = rest.partition("/")
    roots = [Path(folder) for folder in folders if Path(folder).name == root]
    return next((place / below for place in roots if (place / below).exists()), None)


class Adding(QObject):
    """Asks what a file is and then the user. `added` follows when the work has begun; `folder_added` carries a folder
    that is used in place from now on."""

    added = Signal(str)
    folder_added = Signal(object)

    def __init__(self, bridge: ModelBridge, window: QWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._window = bridge, window
        self._dialog: Dialog | None = None
        self._path = Path()

    def choose_file(self) -> None:
        """Ask for a file with the system's dialog."""
        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        kinds = _("Model files ({patterns})").format(patterns=patterns)
        chosen, _kind = QFileDialog.getOpenFileName(self._window, _("Add a model file"), str(Path.home()), kinds)
        if chosen:
            self.look_at(Path(chosen))

    def choose_folder(self) -> None:
        """Ask for a folder of another studio, or of one model."""
        chosen = QFileDialog.getExistingDirectory(self._window, _("Add a folder of models"), str(Path.home()))
        if chosen:
            self.look_at(Path(chosen))

    def look_at(self, path: Path) -> None:
        """Find out what `path` is, in a child with limits, and say so."""
        self._close()
        self._path = path
        body = _("It is looked at in a process of its own; nothing in it is run.")
        title = _("Looking at {name}").format(name=path.name)
        dialog = self._open(title, body, [Choice("cancel", _("Cancel"))])
        row = QHBoxLayout()
        row.addWidget(Spinner())
        row.addWidget(Label(_("One moment"), "small", "tertiary"), 1)
        dialog.content.addLayout(row)

        def seen(answer: Mapping[str, Any]) -> None:
            if isValid(dialog) and dialog is self._dialog:
                self._show(path, answer)

        def refused(error: AtelierError) -> None:
            if isValid(dialog) and dialog is self._dialog:
                self._show_refusal(path, error)

        self._bridge.ask(self._bridge.client.inspect(path), seen, refused, owner=self)

    # -- answers ----------------------------------------------------------------------------------------------

    def _show(self, path: Path, seen: Mapping[str, Any]) -> None:
        self._close()
        if seen["kind"] == "folder":
            self._show_folder(path, seen)
        elif seen["kind"] == "pickle":
            self._show_pickle(path, seen)
        else:
            self._show_model(path, seen)

    def _show_model(self, path: Path, seen: Mapping[str, Any]) -> None:
        what = _("Recognised as {what}.").format(what=recognised(dict(seen)))
        copied = _("It is copied into the models folder; the file itself stays where it is.")
        unused = _("No part of this release can use it yet; it can be kept for later.")
        used = bool(seen["family"]) or seen["kind"] == "soundfont"
        add = Choice("import", _("Add it"), "primary") if used else Choice("import", _("Keep it"))
        body = sentences(what, copied if used else unused)
        dialog = self._open(seen["title"] or path.name, body, [Choice("cancel", _("Cancel")), add])
        self._add_facts(dialog, path, seen)

    def _show_pickle(self, path: Path, seen: Mapping[str, Any]) -> None:
        if not seen["convertible"]:
            names = list(seen["found"])
            shown = _(", ").join(names[:NAMES_SHOWN]) + ("…" if len(names) > NAMES_SHOWN else "")
            body = sentences(
                _("This format can run programs when it is opened, and this file asks for some: {names}.").format(
                    names=shown
                )
                if names
                else _("This format can run programs when it is opened."),
                _("Atelier does not open it. Look for the same model as safetensors."),
            )
            title = _("{name} is refused").format(name=path.name)
            dialog = self._open(title, body, [Choice("cancel", _("Close"))])
            self._add_facts(dialog, path, seen, refused=True)
            return
        body = sentences(
            _("This format can run programs when it is opened, so Atelier never opens it directly."),
            _("It holds plain numbers only: they can be read in a closed-off process and kept as safetensors."),
        )
        dialog = self._open(
            _("Convert {name}?").format(name=path.name),
            body,
            [Choice("cancel", _("Cancel")), Choice("convert", _("Convert and add"), "primary")],
        )
        self._add_facts(dialog, path, seen)

    def _show_folder(self, path: Path, seen: Mapping[str, Any]) -> None:
        count = int(seen["models"])
        if not count:
            body = _("Nothing in it is a model that can be used here.")
            self._open(path.name, body, [Choice("cancel", _("Close"))])
            return
        usable = int(seen.get("usable", count))
        words = n_("{count} model was found in it.", "{count} models were found in it.", count).format(count=count)
        some = n_("{count} of them can be used here.", "{count} of them can be used here.", usable).format(count=usable)
        where = _("They can be used where they are: nothing is copied, changed or removed.")
        body = sentences(words, some if usable < count else "", where if usable else "")
        title = _("Use the models in {name}?").format(name=seen["title"] or path.name)
        self._open(title, body, [Choice("cancel", _("Cancel")), Choice("folder", _("Use this folder"), "primary")])

    def _show_refusal(self, path: Path, error: AtelierError) -> None:
        self._close()
        words = explain(error.code, error.arguments)
        dialog = self._open(words.title, words.body, [Choice("cancel", _("Close"))])
        dialog.content.addWidget(Label(breakable(path.name), "small", "tertiary", wrap=True))

    def _add_facts(self, dialog: Dialog, path: Path, seen: Mapping[str, Any], *, refused: bool = False) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        if refused:
            row.addWidget(Chip(_("Refused"), "danger", "x-circle"))
        elif seen["architecture"]:
            row.addWidget(Chip(architecture_name(str(seen["architecture"])), "info", "cube"))
        row.addWidget(Label(size_words(int(seen["size"])), "small", "tertiary"))
        row.addStretch(1)
        dialog.content.addLayout(row)

    # -- doing ------------------------------------------------------------------------------------------------

    def _open(self, title: str, body: str, choices: list[Choice]) -> Dialog:
        dialog = Dialog(self._window, title, body, choices, "cancel")
        dialog.finished.connect(self._on_chosen)
        self._dialog = dialog
        dialog.open()
        return dialog

    def _close(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None and isValid(dialog):
            dialog.choose("")

    def _on_chosen(self, value: str) -> None:
        self._dialog = None if value else self._dialog
        client, path = self._bridge.client, self._path
        if value in ("import", "convert"):
            self._bridge.ask(client.import_file(path, convert=value == "convert"), self.added.emit, owner=self)
        elif value == "folder":
            self._bridge.ask(client.add_folder(path), lambda _count: self.folder_added.emit(path), owner=self)
