"""What a tab edits: texts and conversations, versioned, undone by commands, saved by themselves. Free of Qt."""

from studio.documents.base import Change, Document, SavedChanged, TitleChanged, UndoChanged
from studio.documents.chat import ChatDocument
from studio.documents.store import DocumentStore, Summary
from studio.documents.text import TextDocument

__all__ = [
    "Change",
    "ChatDocument",
    "Document",
    "DocumentStore",
    "SavedChanged",
    "Summary",
    "TextDocument",
    "TitleChanged",
    "UndoChanged",
]
