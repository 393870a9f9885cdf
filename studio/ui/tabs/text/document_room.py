"""What the Write and the Chat mode have in common: a document that is shown, and the others beside it."""

from __future__ import annotations

from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.documents.base import Change, Document
from studio.ui.listening import listen
from studio.ui.tabs.late_trash import LateTrash
from studio.ui.tabs.text.context import Context
from studio.ui.tabs.text.desk import Run, TokenCounter
from studio.ui.tabs.text.lists import Row, RowList

SAVE_MS = 500

D = TypeVar("D", bound=Document)


class DocumentRoom(QObject, Generic[D]):
    """Holds the document, of class `kind`, that is shown; runs of `run_kinds` write into it. `document_changed` follows
    another document, `refreshed` every change of what can be done."""

    document_changed = Signal()
    refreshed = Signal()

    def __init__(
        self, context: Context, stage: QWidget, rows: RowList, kind: type[D], run_kinds: tuple[str, ...]
    ) -> None:
        super().__init__(stage)
        self._kind, self._run_kinds = kind, run_kinds
        self._context, self._list = context, rows
        self._document: D | None = None
        self._unsubscribe = lambda: None
        self._others: tuple[Row, ...] = ()
        self._counts: dict[str, dict[str, float]] = {}
        self._prompt_tokens = -1
        self._counter = TokenCounter(context.services, self)
        self._counter.counted.connect(self._on_counted)
        self._saver = QTimer(self)
        self._saver.setSingleShot(True)
        self._saver.setInterval(SAVE_MS)
        self._saver.timeout.connect(self._save_form)
        self.late_trash = LateTrash(context.services, context.shell, self)
        self.late_trash.changed.connect(self.list_documents)
        context.desk.changed.connect(self._on_run)
        context.desk.ended.connect(self._on_ended)

    # -- what a mode does its own way -------------------------------------------------------------------------

    def _save_form(self) -> None:
        """Keep the form with the document."""
        raise NotImplementedError

    def _leave(self) -> None:
        """Before another document is shown."""
        self._save_form()

    def _show_form(self, document: D) -> None:
        """Fill the form in as it was kept."""
        raise NotImplementedError

    def _show_page(self) -> None:
        """Bring the document, or none, on the stage."""
        raise NotImplementedError

    def _begin(self, document: D) -> None:
        """A new document has come into being."""
        raise NotImplementedError

    def _on_change(self, change: Change) -> None:
        raise NotImplementedError

    def _on_run(self, run: Run) -> None:
        raise NotImplementedError

    def _on_ended(self, run: Run) -> None:
        raise NotImplementedError

    def _on_counted(self, prompt: int, context: int) -> None:
        raise NotImplementedError

    def list_documents(self) -> None:
        """Read the list of other documents again."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Everything that tells of the document."""
        raise NotImplementedError

    # -- the document -----------------------------------------------------------------------------------------

    @property
    def document(self) -> D | None:
        return self._document

    def show(self, document: D | None) -> None:
        """Show another document with what its form was, or none."""
        if document is not None and document is self._document:
            return
        self._leave()
        self._unsubscribe()
        self._save_left(self._document)
        self._document = document
        self._unsubscribe = listen(document, self._on_change, self) if document else lambda: None
        if document is not None:
            self._show_form(document)
        self._show_page()
        self.document_changed.emit()
        self.refresh()
        self.list_documents()

    def _save_left(self, document: D | None) -> None:
        """Save the document that is left, in the background, so that the list knows it."""
        if document is not None and document.dirty:
            context = self._context
            context.services.bridge.work(
                lambda: context.services.documents.save(document), lambda _none: self.list_documents(), owner=self
            )

    def open(self, document_id: str) -> bool:
        """Show the document with this id; False, with words and a way on, if it cannot be opened."""
        documents = self._context.services.documents
        try:
            return self._show_opened(documents.open(document_id))
        except AtelierError as error:
            actions = []
            if error.code == "document-damaged" and documents.has_earlier(document_id):
                actions.append((_("Open the earlier version"), lambda: self.open_earlier(document_id)))
            self._context.shell.show_error(error, actions)
            return False

    def open_earlier(self, document_id: str) -> bool:
        """Show a damaged document as it was before; the damaged file is kept beside it."""
        try:
            return self._show_opened(self._context.services.documents.open_earlier(document_id))
        except AtelierError as error:
            self._context.shell.show_error(error)
            return False

    def _show_opened(self, document: Document) -> bool:
        if not isinstance(document, self._kind):
            return False
        self.show(document)
        return True

    def ensure(self) -> D | None:
        """The document that is shown, or a new one; None, with words, if the disk refuses."""
        if self._document is None:
            try:
                document = self._context.services.documents.create(self._kind.kind, self._context.shell.project)
            except AtelierError as error:
                self._context.shell.show_error(error)
                return None
            assert isinstance(document, self._kind)
            self._document = document
            self._unsubscribe = listen(document, self._on_change, self)
            self._begin(document)
            self.document_changed.emit()
        return self._document

    def redo(self) -> None:
        if self._document is not None:
            self._document.redo()

    # -- what is being written --------------------------------------------------------------------------------

    def run(self) -> Run | None:
        """The run that writes into the document that is shown."""
        return self._context.desk.run_of(self._document.id, *self._run_kinds) if self._document else None

    def stop(self) -> None:
        self._context.desk.stop(self.run())

    # -- on the way out ---------------------------------------------------------------------------------------

    def trash(self, document_id: str) -> None:
        """Move a document to the trash, a moment later, so that it can be taken back."""
        title = next((row.title for row in self._others if row.id == document_id), "")
        if self._document is not None and self._document.id == document_id:
            title = self._document.name
            self._context.desk.stop(self._context.desk.run_of(document_id))
            self.show(None)
        self.late_trash.put(document_id, title or _(self._kind.untitled))

    def settle(self) -> None:
        """Before the program ends: keep the form, and do what was put off."""
        self._save_form()
        self.late_trash.settle()
