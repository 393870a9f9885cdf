"""Hearing of a document for as long as a part of the window lives: documents outlive windows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from shiboken6 import isValid

from studio.documents.base import Change, Document


def listen(document: Document, listener: Callable[[Change], None], owner: QObject) -> Callable[[], None]:
    """`document.subscribe(listener)`, until `owner` has gone or the function that is returned is called."""

    def hear(change: Change) -> None:
        if isValid(owner):
            listener(change)
        else:
            end()

    end = document.subscribe(hear)
    return end
