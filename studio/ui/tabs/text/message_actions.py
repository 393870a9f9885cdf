"""The row of buttons of one message."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.paint import Label


class MessageActions(QWidget):
    """Which buttons there are depends on who speaks; with several branches it turns over between them."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._buttons: dict[str, IconButton] = {}
        self._count = Label("", "caption", "tertiary")
        for name, icon, title in (
            ("previous", "caret-left", _("Show the previous branch")),
            ("next", "caret-right", _("Show the next branch")),
            ("edit", "pencil-simple", _("Edit and ask again")),
            ("copy", "copy", _("Copy message")),
            ("read", "speaker-high", _("Read aloud")),
            ("regenerate", "arrows-clockwise", _("Answer again")),
            ("branch", "git-branch", _("Branch into a new conversation")),
            ("send", "arrow-square-out", _("Open in Write")),
        ):
            button = IconButton(icon, title)
            button.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))
            self._buttons[name] = button
            row.addWidget(button)
            if name == "previous":
                row.addWidget(self._count)

    def set_message(self, role: str, branch: int, branches: int, *, reading: bool = False) -> None:
        """`branch` counts from 1; `reading`: it is read aloud now."""
        words, sign = (_("Stop reading"), "stop-fill") if reading else (_("Read aloud"), "speaker-high")
        self._buttons["read"].set_icon(sign)
        self._buttons["read"].set_name(words)
        shown = {"copy", "edit"} if role == "user" else {"copy", "read", "regenerate", "branch", "send"}
        if branches > 1:
            shown |= {"previous", "next"}
        for name, button in self._buttons.items():
            button.setVisible(name in shown)
        self._buttons["previous"].setEnabled(branch > 1)
        self._buttons["next"].setEnabled(branch < branches)
        self._count.setText(f"{branch}/{branches}")
        self._count.setAccessibleName(_("Branch {number} of {count}").format(number=branch, count=branches))
        self._count.setVisible(branches > 1)
