"""What every part of the window is given: one frozen bundle, passed to constructors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.client.base import EngineClient
    from studio.client.queue import JobQueue
    from studio.core.settings import Settings
    from studio.documents import DocumentStore
    from studio.library import Library
    from studio.ui.bridge import Bridge
    from studio.ui.model_bridge import ModelBridge
    from studio.ui.theme import Theme


@dataclass(frozen=True)
class Services:
    """`bridge` and `models` carry what the others report into the window's thread; widgets listen to these, never to
    them. `models` starts its child with the first question."""

    settings: Settings
    client: EngineClient
    queue: JobQueue
    library: Library
    documents: DocumentStore
    theme: Theme
    bridge: Bridge
    models: ModelBridge
