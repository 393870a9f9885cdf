"""Asking for a name, in a small dialog."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.ui.widgets.dialogs import Choice, Dialog
from studio.ui.widgets.fields import FieldMessage, TextField


def ask_name(window: QWidget, title: str, action: str, name: str, use: Callable[[str], object]) -> Dialog:
    """Open a dialog with one field. `use(name)` does what it is for; if it raises, its sentence is shown below the
    field and the dialog stays."""
    dialog = Dialog(window, title, "", [Choice("cancel", _("Cancel")), Choice("ok", action, "primary")], "cancel")
    field = TextField(name, name=_("Name"))
    message = FieldMessage()
    dialog.content.addSpacing(4)
    dialog.content.addWidget(field)
    dialog.content.addWidget(message)

    def accept() -> None:
        try:
            use(field.text().strip())
        except AtelierError as error:
            field.set_error(str(error))
            message.set_text(str(error))
            field.setFocus()
            return
        dialog.choose("ok")

    ok = dialog.panel.buttons["ok"]
    ok.clicked.disconnect()
    ok.clicked.connect(accept)
    field.returnPressed.connect(accept)
    dialog.open()
    field.selectAll()
    field.setFocus()
    return dialog
