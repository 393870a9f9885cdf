"""A queue of downloads on a loopback hub, with everything that it told."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.activities import Activity, ActivityState
from studio.core.settings import Values
from studio.model_manager.downloads.ledger import Source
from studio.model_manager.downloads.manager import Downloads
from studio.model_manager.downloads.store import Store
from studio.model_manager.hub.api import Hub, RemoteModel
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.wire import Patience
from tests.fakes.hub import FakeHub

REPOSITORY = "ada/tiny"
PATIENCE = Patience(connection=2.0, stall=1.0, tries=3, first=0.05, longest=0.2)


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no two offsets share for long, and that are the same each time."""
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


def files(weights: int = 300_000, seed: int = 0) -> dict[str, bytes]:
    """A repository: two files of weights, a large and a small one, and text."""
    return {
        "config.json": b"{}",
        "model-00001-of-00002.safetensors": noise(weights, seed),
        "model-00002-of-00002.safetensors": noise(weights // 3, seed + 1),
        "pytorch_model.bin": noise(1000),
    }


class _Everything:
    """Wants all but pickles; a stand-in for the catalogue."""

    def names(
        self, hub: Hub, model: str, source: Source, remote: RemoteModel, stop: threading.Event | None = None
    ) -> Sequence[str]:
        return [file.name for file in remote.files if not file.name.endswith(".bin")]

    def installed(self, model: str, source: Source) -> str:
        return model


class Desk:
    """`values` are the settings, to be changed at any time."""

    def __init__(self, hub: FakeHub, root: Path, **settings: Any) -> None:
        self.hub, self.root = hub, root
        self.values = Values(**settings)
        self.told: list[Activity] = []
        self.changes = 0
        self._changed = threading.Condition()
        self.token: str | None = None
        self.store = Store(root / "hub", root / "models")
        self.downloads = Downloads(
            self.store,
            hub=lambda: Hub(Endpoint(hub.url), lambda _host: self.token, PATIENCE),
            chooser=_Everything(),
            settings=lambda: self.values,
            tell=self._tell,
            changed=self._change,
            used=lambda: 0,
        )

    def change(self, **settings: Any) -> None:
        self.values = replace(self.values, **settings)

    def download(self, repository: str = REPOSITORY) -> str:
        return self.downloads.download(repository, repository, "text", (Source(repository),))

    def get(self, repository: str = REPOSITORY) -> Activity:
        """Download and wait for the end."""
        return self.ended(self.download(repository))

    def ended(self, activity: str) -> Activity:
        return self.until(activity, lambda told: told.ended)

    def state(self, activity: str, state: ActivityState) -> Activity:
        return self.until(activity, lambda told: told.state is state)

    def until(self, activity: str, fulfilled: Callable[[Activity], bool]) -> Activity:
        """The newest report of the activity once it is so."""

        def newest() -> Activity | None:
            return next((told for told in reversed(self.told) if told.id == activity), None)

        with self._changed:
            came = self._changed.wait_for(lambda: (told := newest()) is not None and fulfilled(told), 10)
            assert came, f"it did not come to that: {newest()}"
            found = newest()
            assert found is not None
            return found

    def content(self, name: str, commit: str, repository: str = REPOSITORY) -> bytes:
        return self.store.place(repository, commit, name).read_bytes()

    def close(self) -> None:
        self.downloads.close()

    def _tell(self, activity: Activity) -> None:
        with self._changed:
            self.told.append(activity)
            self._changed.notify_all()

    def _change(self) -> None:
        self.changes += 1
