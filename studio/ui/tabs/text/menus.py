"""The menus of the page, of its versions, and of what goes on to other places."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QMenu

from studio.core.i18n import _
from studio.core.jobs import Medium
from studio.ui.tabs.base import Payload
from studio.ui.tabs.text.context import Context
from studio.ui.tabs.text.text_room import TextRoom
from studio.ui.tabs.text.text_stage import TextStage
from studio.ui.theme import theme_of


class TextMenus(QObject):
    """`mode_wanted` carries a mode, `rework_wanted` the id of an action for the selection;
    `undo_wanted` takes back what is newest on the page."""

    mode_wanted = Signal(str)
    undo_wanted = Signal()
    rework_wanted = Signal(str)

    def __init__(self, context: Context, stage: TextStage, room: TextRoom) -> None:
        super().__init__(stage)
        self._context, self._stage, self._room = context, stage, room

    # -- the page ---------------------------------------------------------------------------------------------

    def fill_page(self, menu: QMenu) -> None:
        """What can be done with the page and the selection on it."""
        editor, document = self._stage.editor, self._room.document
        chosen = editor.textCursor().hasSelection()
        editable = not editor.isReadOnly()
        menu.addAction(_("Undo"), self.undo_wanted).setEnabled(
            editor.has_pending or bool(document and document.can_undo)
        )
        menu.addAction(_("Redo"), self._room.redo).setEnabled(bool(document and document.can_redo))
        menu.addSeparator()
        menu.addAction(_("Cut"), editor.cut).setEnabled(chosen and editable and not editor.has_pending)
        menu.addAction(_("Copy"), editor.copy).setEnabled(chosen)
        menu.addAction(_("Paste"), editor.paste).setEnabled(editor.canPaste() and editable)
        menu.addAction(_("Select all"), editor.selectAll)
        menu.addSeparator()
        for action in self._context.templates.actions:
            entry = menu.addAction(str(action.title))
            entry.setEnabled(bool(editor.text.strip()) and editable and not editor.has_pending)
            entry.triggered.connect(lambda _checked=False, id=action.id: self.rework_wanted.emit(id))

    # -- other places -----------------------------------------------------------------------------------------

    def fill_send(self, menu: QMenu) -> None:
        """Where the text, or what is selected of it, can go."""
        if self._room.document is None or self._room.document.current is None:
            return
        start, end = self._stage.editor.selected()
        part = bool(self._stage.editor.text[start:end].strip())
        for target in self._context.shell.targets(Medium.TEXT):
            title = _(target.title)
            if target.id == "text.rework":
                title = _("Rework the selection") if part else _("Rework this text")
            elif target.id == "text.chat":
                title = _("Chat about this")
            elif target.id == "text.write":
                title = _("New text from this")
            action = menu.addAction(theme_of(self).icon(target.icon), title)
            action.triggered.connect(lambda _checked=False, id=target.id: self._send(id))

    def _send(self, target: str) -> None:
        document = self._room.document
        version = document.current if document else None
        if target == "text.rework":
            self.mode_wanted.emit("rework")
        elif document is not None and version is not None:
            start, end = self._stage.editor.selected()
            text = self._stage.editor.text[start:end] or self._stage.editor.text
            items = (version.item,) if version.item else ()
            self._context.shell.send(target, Payload(Medium.TEXT, document.title, text, items, items))

    # -- versions and texts -----------------------------------------------------------------------------------

    def _fill_version(self, menu: QMenu, id: str) -> None:
        document, room = self._room.document, self._room
        if document is None:
            return
        version, current = document.version(id), document.current
        heart = _("Take the heart away") if version.favourite else _("Give it a heart")
        menu.addAction(heart, lambda: room.set_favourite(id))
        others = [other for other in document.versions if other.id != id]
        if current is not None and current.id != id:
            menu.addAction(_("Compare with what is shown"), lambda: room.compare(id, current.id))
        elif others:
            menu.addAction(_("Compare with the version before"), lambda: room.compare_with_before(id))
        menu.addAction(_("Go on from a copy of it"), lambda: document.restore(id))
        if version.params:
            menu.addAction(_("Use its settings and seed"), lambda: room.use_settings(id))
        menu.addSeparator()
        menu.addAction(_("Delete this version"), lambda: room.delete_version(id))

    def open_row(self, id: str, place: QPoint) -> None:
        """What can be done with a row of the history: a version or another text."""
        menu = QMenu(self._stage)
        if self._room.has_version(id):
            self._fill_version(menu, id)
        else:
            menu.addAction(_("Open"), lambda: self._room.open_row(id))
            menu.addAction(_("Move to the trash"), lambda: self._room.trash(id))
        pop_up(menu, place)

    def open_more(self, place: QPoint) -> None:
        """What can be done with the version and the text that are shown."""
        document = self._room.document
        if document is None or document.current is None:
            return
        menu = QMenu(self._stage)
        self._fill_version(menu, document.current.id)
        menu.addSeparator()
        menu.addAction(_("Move this text to the trash"), lambda: self._room.trash(document.id))
        pop_up(menu, place)


def pop_up(menu: QMenu, place: QPoint) -> None:
    """Show `menu` at a place of the screen; it goes when it is closed."""
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(place)
