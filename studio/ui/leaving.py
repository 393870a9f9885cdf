"""What is asked before the program ends or moves to another folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.core.i18n import _

if TYPE_CHECKING:
    from studio.documents import DocumentStore
    from studio.ui.queue.model import QueueModel
    from studio.ui.tabs.base import Shell


def may_leave(shell: Shell, documents: DocumentStore) -> bool:
    """True if every document is saved, or the user lets go of those that cannot be."""
    unsaved = documents.save_all()
    if not unsaved:
        return True
    problem = unsaved[0].problem
    why = f"{problem}\n\n" if problem else ""
    return shell.confirm(
        _("Leave {title} without saving?").format(title=unsaved[0].name),
        why + _("To keep what is not saved, stay and export it to another place."),
        _("Leave without saving"),
        keep=_("Stay"),
    )


def may_stop(shell: Shell, model: QueueModel) -> bool:
    """True if nothing runs, or the user lets it stop."""
    running = model.running
    if running is None:
        return True
    return shell.confirm(
        _("Stop what is being made?"),
        _("It stops when Atelier closes, and is offered again at the next start. Waiting jobs are kept."),
        _("Stop and close"),
        keep=_("Stay"),
    )
