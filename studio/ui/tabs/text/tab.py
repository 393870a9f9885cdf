"""The Text tab: three modes over one page and one conversation, put together."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import N_, _
from studio.core.jobs import Medium
from studio.core.recipe import Recipe
from studio.documents.templates import TemplateSet, templates
from studio.library import Item
from studio.media.text import Script, read_text
from studio.ui.files import ask_path
from studio.ui.model_picker import ModelPicker
from studio.ui.services import Services
from studio.ui.tabs.base import Command, Payload, Shell, Tab
from studio.ui.tabs.inspector import Inspector
from studio.ui.tabs.text.chat_panel import ChatPanel
from studio.ui.tabs.text.chat_room import ChatRoom
from studio.ui.tabs.text.chat_stage import ChatStage
from studio.ui.tabs.text.commands import text_commands
from studio.ui.tabs.text.context import Context, DragFiles, add_formats, copy_markdown, save_script
from studio.ui.tabs.text.desk import CHAT, REWORK, Desk
from studio.ui.tabs.text.header import StageHeader
from studio.ui.tabs.text.history import HistoryColumn
from studio.ui.tabs.text.lists import RowList
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.text.menus import TextMenus
from studio.ui.tabs.text.rework_panel import ReworkPanel
from studio.ui.tabs.text.rework_room import ReworkRoom
from studio.ui.tabs.text.text_room import TextRoom
from studio.ui.tabs.text.text_stage import TextStage
from studio.ui.tabs.text.write_panel import WritePanel
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import GenerateButton
from studio.ui.widgets.choices import SegmentedControl
from studio.ui.widgets.meters import ContextMeter
from studio.ui.widgets.rooms import Surface

MODES = (("write", N_("Write")), ("rework", N_("Rework")), ("chat", N_("Chat")))


class TextTab(Tab):
    """See `Tab`. Targets: "text.write" (a brief), "text.rework" (a text to work on), "text.chat"."""

    id: ClassVar[str] = "text"
    medium: ClassVar[Medium | None] = Medium.TEXT

    def __init__(self, services: Services, shell: Shell, template_set: TemplateSet | None = None) -> None:
        super().__init__(services, shell)
        found = template_set or templates()
        self._mode = "write"
        self._files = DragFiles()
        memory = Memory(services.settings)
        desk = Desk(services, memory, self)
        self.picker = ModelPicker(services, Medium.TEXT)
        self.header = StageHeader()
        self.context = Context(services, shell, memory, desk, self.picker, self.header, found)
        self.write_panel = WritePanel(found, memory)
        self.rework_panel = ReworkPanel(found, memory)
        self.chat_panel = ChatPanel(found, memory)
        self.text_stage = TextStage()
        self.chat_stage = ChatStage(memory)
        self.versions = RowList(_("Versions and texts"))
        self.conversations = RowList(_("Conversations"))
        self.generate_button = GenerateButton(_("Write"))
        self.rework_button = GenerateButton(_("Rework"))
        self.meter = ContextMeter(_("Context"), stacked=True)
        self.text = TextRoom(self.context, self.write_panel, self.text_stage, self.versions, self.generate_button)
        self.rework = ReworkRoom(self.context, self.rework_panel, self.text_stage, self.rework_button)
        self.chat = ChatRoom(self.context, self.chat_panel, self.chat_stage, self.conversations, self.meter)
        self.menus = TextMenus(self.context, self.text_stage, self.text)
        self.inspector = self._make_inspector()
        self.stage = self._make_stage()
        column = HistoryColumn(self.menus, self.text, self.versions, self.chat, self.conversations)
        self.history = self._column = column
        self.history_button = self.header.history_button
        self._connect()
        self._show_mode()
        self.picker.changed.emit(self.picker.current)
        self.text.list_documents()
        self.chat.list_documents()

    # -- the three columns ------------------------------------------------------------------------------------

    def _make_inspector(self) -> QWidget:
        head = Surface("surface.panel", "bottom")
        head.setFixedHeight(theme_of(self).metric("layout.header"))
        self.modes = SegmentedControl([(value, _(name)) for value, name in MODES], "write", _("Mode"))
        row = QHBoxLayout(head)
        row.setContentsMargins(16, 0, 16, 0)
        row.addWidget(self.modes)
        self._feet = QStackedWidget()
        for widget in (self.generate_button, self.rework_button, self.meter):
            box = QWidget()
            centred = QVBoxLayout(box)
            centred.setContentsMargins(0, 0, 0, 0)
            centred.addWidget(widget)
            self._feet.addWidget(box)
        panels = (self.write_panel, self.rework_panel, self.chat_panel)
        for panel in panels:
            panel.hint.models_wanted.connect(lambda: self.services.models.asked_to_show.emit(Medium.TEXT))
        inspector = Inspector(head, self.picker, panels, self._feet)
        inspector.escape_pressed.connect(self.stop)
        self._area = inspector.area
        return inspector

    def _make_stage(self) -> QWidget:
        stage = QWidget()
        self._stages = QStackedWidget()
        self._stages.addWidget(self.text_stage)
        self._stages.addWidget(self.chat_stage)
        column = QVBoxLayout(stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._stages, 1)
        return stage

    def _connect(self) -> None:
        self.modes.changed.connect(lambda mode: self.set_mode(str(mode)))
        self.picker.changed.connect(self._on_model)
        self._column.new_wanted.connect(self.new)
        header = self.header
        header.undo.clicked.connect(self.undo)
        header.redo.clicked.connect(self.redo)
        header.find_button.clicked.connect(self.find)
        header.copy.clicked.connect(self.copy)
        header.new_chat.clicked.connect(self.new)
        header.send_menu_wanted.connect(self.menus.fill_send)
        header.export_menu_wanted.connect(lambda menu: add_formats(menu, self.export))
        header.export.drag_started.connect(self._drag)
        for room in (self.text, self.rework, self.chat):
            room.refreshed.connect(self._show_header)
        self.text.document_changed.connect(self.rework.show_scope)
        for room in (self.text, self.chat):
            room.document_changed.connect(self.state_changed)
        self.chat.text_wanted.connect(self._on_text_wanted)
        self.text_stage.escape_pressed.connect(self.stop)
        self.text_stage.editor.undo_requested.connect(self.undo)
        self.text_stage.editor.redo_requested.connect(self.redo)
        self.text_stage.editor.menu_opened.connect(self.menus.fill_page)
        self.menus.undo_wanted.connect(self.undo)
        self.menus.mode_wanted.connect(self.set_mode)
        self.menus.rework_wanted.connect(self.rework_by)
        self.text_stage.editor.cleaned.connect(self._on_cleaned)
        self.chat_stage.composer.cleaned.connect(self._on_cleaned)
        for field in (self.write_panel.prompt, self.rework_panel.words):
            field.cleaned.connect(self._on_cleaned)

    # -- modes ------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        """ "write", "rework" or "chat"."""
        if mode == self._mode or mode not in dict(MODES):
            return
        self._mode = mode
        self.modes.set_current(mode)
        self._show_mode()
        self.state_changed.emit()

    def _show_mode(self) -> None:
        number = [mode for mode, _name in MODES].index(self._mode)
        chat = self._mode == "chat"
        for place, panel in enumerate((self.write_panel, self.rework_panel, self.chat_panel)):
            panel.setVisible(place == number)
        self._feet.setCurrentIndex(number)
        self.generate_button.setEnabled(True)
        self._stages.setCurrentIndex(1 if chat else 0)
        self._area.verticalScrollBar().setValue(0)
        self.header.set_mode(chat=chat)
        self._column.show_mode(chat=chat)
        if chat:
            self.chat.refresh()
        else:
            self.text.refresh()
            self.rework.show_scope()
        self._show_header()

    def _on_model(self, _model: object) -> None:
        for room in (self.text, self.rework, self.chat):
            room.refresh_model()

    def _show_header(self) -> None:
        document = self.document
        if self._mode == "chat":
            title = document.title if document else _("New conversation")
            self.header.set_title(title or _("Conversation"))
            has_text = bool(self.chat.document and self.chat.document.path)
        else:
            version = self.text.document.current if self.text.document else None
            title = (document.title if document else "") or _("New text")
            self.header.set_title(
                title, _("Version {number}").format(number=version.number) if version is not None else ""
            )
            has_text = bool(version and version.text.strip())
            self._column.refresh()
        undo = document.undo_label if document and document.can_undo else None
        if self._mode != "chat" and self.rework.pending is not None:
            undo = self.rework.pending.title
        self.header.set_tools(
            has_text=has_text,
            undo=undo,
            redo=document.redo_label if document and document.can_redo else None,
        )

    # -- what can be done -------------------------------------------------------------------------------------

    @property
    def document(self):
        """The document of the mode: a text or a conversation, or None."""
        return self.chat.document if self._mode == "chat" else self.text.document

    def stop(self) -> None:
        """Stop what is being written here."""
        if self._mode == "chat":
            self.chat.stop()
        elif self.rework.pending is not None and self.rework.pending.run is not None:
            self.rework.stop()
        else:
            self.text.stop()

    def new(self) -> None:
        if self._mode == "chat":
            self.chat.new()
        else:
            self.set_mode("write")
            self.text.new()

    def undo(self) -> None:
        """Leave the change that waits on the page, or else undo the last step."""
        if self._mode != "chat" and self.rework.pending is not None:
            self.rework.undo()
        elif self.document is not None:
            self.document.undo()

    def redo(self) -> None:
        if self.document is not None:
            self.document.redo()

    def find(self) -> None:
        if self._mode != "chat" and not self.text_stage.is_empty:
            self.text_stage.close_diff()
            self.text_stage.find_bar.open_bar()

    def script(self) -> Script | None:
        """What is exported and copied."""
        if self._mode == "chat" and self.chat.document is not None and self.chat.document.path:
            return self.chat.document.script()
        if self._mode != "chat" and self.text.document is not None and self.text.document.body.strip():
            return self.text.document.script()
        return None

    def copy(self) -> None:
        """Copy the whole as Markdown, or what is selected."""
        script = self.script()
        if script is None:
            return
        start, end = self.text_stage.editor.selected()
        if self._mode != "chat" and end > start:
            script = Script("", self.text_stage.editor.text[start:end])
        copy_markdown(script)
        self.shell.toast(_("Copied as Markdown."), kind="info")

    def export(self, suffix: str) -> None:
        script = self.script()
        if script is None:
            return
        path = ask_path(self.stage.window(), self.services, self.shell.project, script.title, suffix)
        if path is not None:
            save_script(self.context, script, path, self.stage)

    def _drag(self) -> None:
        script = self.script()
        if script is None:
            return
        try:
            path = self._files.write(script)
        except AtelierError as error:
            self.shell.show_error(error)
            return
        self.header.export.drag(path, script.body or "\n\n".join(words for _who, words in script.turns))

    def _on_text_wanted(self, title: str, text: str) -> None:
        self.set_mode("write")
        self.text.open_with(title, text)

    def _on_cleaned(self, count: int) -> None:
        self.shell.toast(_("{count} characters that cannot be shown were left out.").format(count=count), kind="info")

    def rework_by(self, action: str) -> None:
        """Do an action of the Rework mode with the selection, at once unless it needs a choice first."""
        self.set_mode("rework")
        self.rework_panel.choose(action)
        if not self.rework_panel.action.needs_tone:
            self.rework.rework()

    # -- what the window asks ---------------------------------------------------------------------------------

    def activate(self) -> None:
        if self._mode == "chat":
            self.chat_stage.composer.setFocus()
        elif self._mode == "write":
            self.write_panel.prompt.setFocus()
        else:
            self.text_stage.editor.setFocus()

    def project_changed(self, project: str) -> None:
        self.text.show(None)
        self.chat.show(None)
        self.text.list_documents()
        self.chat.list_documents()

    def commands(self) -> list[Command]:
        return text_commands(self)

    def focus_stage(self) -> None:
        if self._mode == "chat":
            self.chat_stage.view.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif self.text_stage.is_empty:
            self.text_stage.write_by_hand()
        else:
            self.text_stage.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_inspector(self) -> None:
        field = {"write": self.write_panel.prompt, "rework": self.rework_panel.tiles}.get(self._mode)
        (field or self.chat_stage.composer).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def use_model(self, model: str) -> None:
        self.picker.choose(model)

    def first_sample(self) -> None:
        self.set_mode("write")
        self.text.fill_sample()
        self.generate_button.setFocus()

    def open_text(self, title: str, text: str) -> None:
        if self._mode == "chat":
            self.chat_stage.composer.attach(title, text)
            return
        self.text.open_with(title, text)

    def open_item(self, item: Item) -> None:
        """The document that the result belongs to, or else its words as a new text."""
        job = self.services.queue.job(item.job) if item.job else None
        where = dict(job.request.origin) if job else {}
        if where.get("tab") == "text":
            self.show_job(where)
            document = self.text.document
            version = document.version_for_job(item.job) if document and document.id == where["document"] else None
            if document is not None and version is not None:
                document.select(version.id)
                return
        try:
            text = read_text(item.path)
        except AtelierError as error:
            self.shell.show_error(error)
            return
        self.set_mode("write")
        self.text.open_with(item.title, text)

    def restore(self, recipe: Recipe) -> None:
        self.picker.choose(recipe.model)
        if "messages" in recipe.params:
            self.set_mode("chat")
            self.chat.restore(recipe)
            return
        self.set_mode("write")
        self.text.restore(recipe)

    def accept(self, target: str, payload: Payload) -> None:
        place = target.partition(".")[2]
        if place == "chat":
            self.set_mode("chat")
            self.chat.begin_with(payload.title, payload.text)
        elif place == "rework":
            self.set_mode("rework")
            self.text.open_with(payload.title, payload.text)
        else:
            self.set_mode("write")
            self.text.new()
            self.write_panel.prompt.set_text(payload.text)

    def show_job(self, origin: dict[str, str]) -> None:
        document = origin.get("document", "")
        kind = origin.get("kind", "")
        if kind == CHAT:
            self.set_mode("chat")
            self.chat.open(document)
        elif document:
            self.set_mode("rework" if kind == REWORK else "write")
            self.text.open(document)

    def state(self) -> dict[str, Any]:
        text, chat = self.text.document, self.chat.document
        return {
            "mode": self._mode,
            "text": text.id if text else "",
            "chat": chat.id if chat else "",
            "advanced": self.write_panel.form.is_expanded(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        for name, room in (("text", self.text), ("chat", self.chat)):
            document = str(state.get(name) or "")
            if document and self.services.documents.has(document):
                room.open(document)
        self.write_panel.form.set_expanded(bool(state.get("advanced")))
        self.set_mode(str(state.get("mode", "write")))

    def close_ok(self) -> bool:
        self.text.settle()
        self.rework.settle()
        self.chat.settle()
        return True
