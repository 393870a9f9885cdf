"""The page of the settings for models: the network, the hub's token, limits, and folders of other studios."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _, n_
from studio.ui.pane import Rule
from studio.ui.services import Services
from studio.ui.tabs.models.acceptance import kept_words
from studio.ui.tabs.models.words import size_words
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.choices import Switch
from studio.ui.widgets.fields import ComboField, FieldMessage, TextField
from studio.ui.widgets.paint import ElidedLabel, Label, Spinner

MB, GB = 1_000_000, 1_000_000_000
SPEEDS = (0, 1 * MB, 2 * MB, 5 * MB, 10 * MB, 25 * MB, 50 * MB)
LIMITS = (0, 16 * GB, 32 * GB, 64 * GB, 128 * GB, 256 * GB, 512 * GB)
FIELD = 268


def address_problem(text: str) -> str:
    """Why `text` is no address of a mirror or proxy, as a sentence, or ""."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme in ("http", "https") and host and not any(sign.isspace() for sign in text):
        return ""
    return _("Write a whole address, such as {example}.").format(example="https://hub.example.org")


class ModelSettings(QWidget):
    """Every change takes effect at once; an address when the field is left."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services, self._bridge = services, services.models
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(16)
        self._trouble = FieldMessage()
        self._column.addWidget(self._trouble)
        values = services.settings.values
        self.offline = Switch("", values.offline)  # its words stand beside it
        self.offline.setAccessibleName(_("Stay offline"))
        self.offline.toggled.connect(lambda on: self._update(offline=on))
        self._row(
            _("Stay offline"), _("Nothing is searched or downloaded. What is installed works as before."), self.offline
        )
        self.mirror = self._address(
            _("Mirror of the hub"),
            _("Another address of the hub, for where it cannot be reached."),
            "hub_endpoint",
            "https://",
        )
        self.proxy = self._address(
            _("Proxy"), _("Leave it empty to use the system's own."), "hub_proxy", "http://proxy:8080"
        )
        self._make_token()
        self._column.addWidget(Rule())
        speeds = [
            (rate, _("No limit") if not rate else _("{size}/s").format(size=size_words(rate)))
            for rate in _with(SPEEDS, values.download_limit)
        ]
        self.speed = ComboField(speeds, values.download_limit, _("Download speed"), "sm")
        self.speed.changed.connect(lambda rate: self._update(download_limit=rate))
        self._row(_("Download speed"), _("All downloads together stay below it."), self.speed)
        limits = [
            (size, _("No limit") if not size else size_words(size)) for size in _with(LIMITS, values.models_limit)
        ]
        self.limit = ComboField(limits, values.models_limit, _("Disk space for models"), "sm")
        self.limit.changed.connect(lambda size: self._update(models_limit=size))
        self._row(
            _("Disk space for models"), _("A download that would need more asks you to make room first."), self.limit
        )
        self._column.addWidget(Rule())
        self._make_folders()
        self._column.addStretch(1)
        self._show_folders()

    # -- rows -------------------------------------------------------------------------------------------------

    def _row(self, title: str, help_text: str, control: QWidget) -> None:
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addLayout(_words(title, help_text), 1)
        row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        self._column.addLayout(row)

    def _address(self, title: str, help_text: str, setting: str, example: str) -> TextField:
        field = TextField(str(getattr(self._services.settings.values, setting)), example, title, "sm")
        field.setFixedWidth(FIELD)
        message = FieldMessage()
        field.error_changed.connect(message.set_text)

        def finish() -> None:
            text = field.text().strip()
            field.set_error(address_problem(text))
            if not field.error() and text != getattr(self._services.settings.values, setting):
                self._update(**{setting: text})

        field.editingFinished.connect(finish)
        self._row(title, help_text, field)
        self._column.addWidget(message)
        return field

    def _make_token(self) -> None:
        self.token = TextField("", _("hf_…"), _("Token of the hub"), "sm")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.returnPressed.connect(self._keep_token)
        self.keep = Button(_("Keep it"), "secondary", size="sm")
        self.keep.clicked.connect(self._keep_token)
        self.forget = Button(_("Forget it"), "ghost", size="sm")
        self.forget.clicked.connect(lambda: self._set_token(""))
        self.forget.hide()
        self._kept = Label(_("Asking"), "small", "tertiary", wrap=True)
        self._token_message = FieldMessage()
        controls = QWidget()
        controls.setFixedWidth(FIELD)
        row = QHBoxLayout(controls)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.token, 1)
        row.addWidget(self.keep)
        row.addWidget(self.forget)
        line = QHBoxLayout()
        line.setSpacing(24)
        words = _words(_("Token of the hub"), "")
        words.addWidget(self._kept)
        line.addLayout(words, 1)
        line.addWidget(controls, 0, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        self._column.addLayout(line)
        self._column.addWidget(self._token_message)

    def _make_folders(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(24)
        help_text = _("Models that other programs keep are used where they are; nothing in there is changed.")
        head.addLayout(_words(_("Folders of other studios"), help_text), 1)
        self.add = Button(_("Add a folder…"), "secondary", "folder-plus", "sm")
        self.add.clicked.connect(self._choose_folder)
        head.addWidget(self.add, 0, Qt.AlignmentFlag.AlignTop)
        self._column.addLayout(head)
        self._looking = Spinner()
        self._looking.hide()
        self._found = Label("", "small", "secondary", wrap=True)
        self._found.hide()
        self._folders = QVBoxLayout()
        self._folders.setSpacing(4)
        self._column.addLayout(self._folders)
        self._column.addWidget(self._looking)
        self._column.addWidget(self._found)

    def _show_folders(self) -> None:
        while (item := self._folders.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for folder in self._services.settings.values.model_folders:
            line = QWidget()
            row = QHBoxLayout(line)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(8)
            row.addWidget(ElidedLabel(folder, "small", "secondary"), 1)
            remove = IconButton("x", _("Take {folder} off the list").format(folder=folder))
            remove.clicked.connect(lambda _checked=False, folder=folder: self._remove_folder(folder))
            row.addWidget(remove)
            self._folders.addWidget(line)

    # -- asking -----------------------------------------------------------------------------------------------

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._bridge.ask(self._bridge.client.token_state(), self._show_token, self._show_no_token, owner=self)

    def _update(self, **changes: Any) -> None:
        try:
            self._services.settings.update(**changes)
        except AtelierError as error:
            self._trouble.set_text(str(error))

    def _show_token(self, state: Mapping[str, Any]) -> None:
        self.keep.set_busy(False)
        self._token_message.set_text("")
        self.token.clear()
        self._kept.setText(kept_words(state))
        own = state.get("kept") != "environment"
        for widget in (self.token, self.keep):
            widget.setEnabled(own)
        self.forget.setVisible(own and bool(state.get("known")))

    def _show_no_token(self, error: AtelierError) -> None:
        self.keep.set_busy(False)
        self._token_message.set_text(str(error))

    def _keep_token(self) -> None:
        if text := self.token.text().strip():
            self._set_token(text)

    def _set_token(self, text: str) -> None:
        self.keep.set_busy(True)
        self._bridge.ask(self._bridge.client.set_token(text), self._show_token, self._show_no_token, owner=self)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self.window(), _("Add a folder of models"), str(Path.home()))
        if chosen:
            self.add_folder(Path(chosen))

    def add_folder(self, path: Path) -> None:
        """Use the models in `path`, and say how many were found."""
        self._looking.show()
        self._found.hide()

        def told(count: int) -> None:
            words = n_("{count} model was found there.", "{count} models were found there.", count)
            self._say(words.format(count=count) if count else _("No model that can be used here was found there."))
            folders = self._services.settings.values.model_folders
            if str(path) not in folders:
                self._update(model_folders=(*folders, str(path)))
                self._bridge.refresh()
            self._show_folders()

        self._bridge.ask(self._bridge.client.add_folder(path), told, lambda error: self._say(str(error)), owner=self)

    def _say(self, sentence: str) -> None:
        self._looking.hide()
        self._found.setText(sentence)
        self._found.show()

    def _remove_folder(self, folder: str) -> None:
        folders = self._services.settings.values.model_folders
        self._update(model_folders=tuple(each for each in folders if each != folder))
        self._bridge.ask(self._bridge.client.remove_folder(Path(folder)), owner=self)
        self._found.hide()
        self._show_folders()
        self.add.setFocus(Qt.FocusReason.OtherFocusReason)


def _words(title: str, help_text: str) -> QVBoxLayout:
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(Label(title, "body", wrap=True))
    if help_text:
        words.addWidget(Label(help_text, "small", "tertiary", wrap=True))
    return words


def _with(choices: tuple[int, ...], value: int) -> list[int]:
    """The choices, and what is set now if it is none of them."""
    return sorted({*choices, value})
