"""The steps to a model whose makers want their terms accepted first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.fields import FieldMessage, TextField
from studio.ui.widgets.paint import Label, paint_box, painter_for


def kept_words(state: Mapping[str, Any]) -> str:
    """Where the hub's token is kept, as a sentence; `state` as `ModelsClient.token_state` answers it."""
    if not state.get("known"):
        return _("There is no token for {host}.").format(host=state.get("host", ""))
    words = {
        "keyring": _("The token for {host} is kept in the system's keyring."),
        "session": _("The token for {host} is kept until Atelier closes: this system has no keyring."),
        "environment": _("The token for {host} comes from the environment (HF_TOKEN)."),
    }.get(str(state.get("kept")), _("There is a token for {host}."))
    user = state.get("user")
    shown = words.format(host=state.get("host", ""))
    return _("{sentence} You are {user}.").format(sentence=shown, user=user) if user else shown


class Acceptance(QWidget):
    """`token_given` carries what was typed, `accepted_clicked` follows "I have accepted"."""

    token_given = Signal(str)
    accepted_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._url = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        title = Label(_("Its makers want you to accept their terms"), "body", wrap=True)
        title.setFont(theme_of(self).font("body", 600))
        column.addWidget(title)
        self.page = Button(_("Open its page"), "secondary", "arrow-square-out", "sm")
        self.page.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(self._url)))
        first = _("Open the model's page on the hub, sign in and accept the terms. An account costs nothing.")
        column.addLayout(_step("1", first, self.page))
        second = _("Give Atelier a token of your account, so that the hub knows it is you. Reading is all it needs.")
        self.token = TextField("", _("hf_…"), _("Token of the hub"), "sm")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setFixedWidth(176)
        self.token.returnPressed.connect(self._on_keep)
        self.keep = Button(_("Keep it"), "secondary", size="sm")
        self.keep.clicked.connect(self._on_keep)
        self._kept = Label("", "small", "secondary", wrap=True)
        column.addLayout(_step("2", second, self.token, self.keep))
        column.addWidget(self._kept)
        self._kept.setContentsMargins(28, 0, 0, 0)
        self.accepted = Button(_("I have accepted"), "primary", size="sm")
        self.accepted.clicked.connect(self.accepted_clicked)
        column.addLayout(_step("3", _("Come back here: Atelier asks the hub and goes on."), self.accepted))
        self.message = FieldMessage()
        column.addWidget(self.message)

    def show_token(self, state: Mapping[str, Any]) -> None:
        """Say whether there is a token, and where it is kept."""
        self._kept.setText(kept_words(state))
        self.token.setEnabled(state.get("kept") != "environment")
        self.keep.setEnabled(self.token.isEnabled())
        self.token.clear()

    def set_url(self, url: str) -> None:
        self._url = url
        self.page.setEnabled(url.startswith(("https://", "http://")))

    def show_problem(self, sentence: str) -> None:
        self.accepted.set_busy(False)
        self.keep.set_busy(False)
        self.message.set_text(sentence)

    def _on_keep(self) -> None:
        if text := self.token.text().strip():
            self.message.set_text("")
            self.keep.set_busy(True)
            self.token_given.emit(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color("surface.panel"), theme.color("border.default"), 8)


def _step(number: str, text: str, *controls: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    count = Label(number, "label", "secondary")
    count.setFixedWidth(20)
    row.addWidget(count)
    row.addWidget(Label(text, "small", "secondary", wrap=True), 1)
    for control in controls:
        row.addWidget(control)
    return row
