"""The right column: the versions of a text with the other texts, or the conversations."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout

from studio.core.i18n import _
from studio.ui.tabs.text.chat_room import ChatRoom
from studio.ui.tabs.text.lists import RowList
from studio.ui.tabs.text.menus import TextMenus, pop_up
from studio.ui.tabs.text.text_room import TextRoom
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.rooms import HeaderBar, Surface


class HistoryColumn(Surface):
    """Shows `versions` or `conversations`, whose rooms fill them. `new_wanted` asks for a text or a conversation."""

    new_wanted = Signal()

    def __init__(
        self, menus: TextMenus, text: TextRoom, versions: RowList, chat: ChatRoom, conversations: RowList
    ) -> None:
        super().__init__("surface.panel", "left")
        self._menus, self._text, self._chat = menus, text, chat
        self._head = HeaderBar(_("Versions"))
        self._new = IconButton("plus", _("New text"))
        self._compare = IconButton("git-diff", _("Compare with the version before"))
        self._more = IconButton("dots-three", _("More"))
        for button in (self._new, self._compare, self._more):
            self._head.add_end(button)
        self._lists = QStackedWidget()
        self._lists.addWidget(versions)
        self._lists.addWidget(conversations)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addWidget(self._lists, 1)
        self._new.clicked.connect(self.new_wanted)
        self._compare.clicked.connect(lambda: text.compare_with_before())
        self._more.clicked.connect(self._open_more)
        versions.menu_wanted.connect(menus.open_row)
        versions.delete_pressed.connect(self._delete_row)
        versions.heart_pressed.connect(text.set_favourite)
        conversations.menu_wanted.connect(self._open_chat_menu)
        conversations.delete_pressed.connect(chat.trash)

    def show_mode(self, *, chat: bool) -> None:
        """Show the conversations, or the versions."""
        self._lists.setCurrentIndex(1 if chat else 0)
        self._head.set_title(_("Conversations") if chat else _("Versions"))
        self._new.set_name(_("New conversation") if chat else _("New text"))
        self._compare.setVisible(not chat)
        self._more.setVisible(not chat)

    def refresh(self) -> None:
        """What can be done with the versions."""
        document = self._text.document
        count = len(document.versions) if document else 0
        self._compare.setEnabled(count > 1)
        self._compare.setToolTip(
            _("Compare with the version before") if count > 1 else _("There is only one version to look at")
        )
        self._more.setEnabled(document is not None and document.current is not None)

    def _open_chat_menu(self, id: str, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addAction(_("Move to the trash"), lambda: self._chat.trash(id))
        pop_up(menu, place)

    def _open_more(self) -> None:
        self._menus.open_more(self._more.mapToGlobal(QPoint(0, self._more.height() + 4)))

    def _delete_row(self, id: str) -> None:
        if self._text.has_version(id):
            self._text.delete_version(id)
        elif id:
            self._text.trash(id)
