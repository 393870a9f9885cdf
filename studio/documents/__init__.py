"""What a tab edits: texts, talks, readings, pictures; versioned, undone by commands, saved by themselves. No Qt."""

from studio.documents.base import Change, Document, SavedChanged, TitleChanged, UndoChanged
from studio.documents.chat import ChatDocument
from studio.documents.picture import PictureDocument
from studio.documents.speech import SpeechDocument
from studio.documents.store import DocumentStore, Summary
from studio.documents.text import TextDocument

__all__ = [
    "Change",
    "ChatDocument",
    "Document",
    "DocumentStore",
    "PictureDocument",
    "SavedChanged",
    "SpeechDocument",
    "Summary",
    "TextDocument",
    "TitleChanged",
    "UndoChanged",
]
