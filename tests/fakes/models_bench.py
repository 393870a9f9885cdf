"""A client of the models with one model on its hub, the same for the double in memory and for the real child."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from studio.client.local_models import LocalModels
from studio.client.models import ModelsClient
from studio.core.activities import Activity, ActivityState
from studio.core.jobs import Medium, Task
from studio.core.messages import ActivityChanged, Message, ModelsChanged
from studio.core.models import ModelInfo, ModelState
from tests.fakes.hub import FakeHub
from tests.fakes.models import FakeModels

MODEL = "ada/tiny"
WEIGHTS = "model.safetensors"


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no two offsets share for long, and that are the same each time."""
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


def repository(weights: int = 400_000, seed: int = 0) -> dict[str, bytes]:
    """A repository that a family takes for a Llama of its own; `weights` in bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [weights], "data_offsets": [0, weights]}}).encode()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 512}
    return {
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": b"{}",
        WEIGHTS: len(header).to_bytes(8, "little") + header + noise(weights, seed),
        "pytorch_model.bin": b"never wanted",
    }


class ModelsBench:
    """Keeps what a client tells, and waits for it."""

    patience = 20.0

    def __init__(self, client: ModelsClient) -> None:
        self.client = client
        self.messages: list[Message] = []
        self._changed = threading.Condition()
        client.subscribe(self._keep)

    def told(self, activity: str) -> list[Activity]:
        rows = [message.activity for message in self.messages if isinstance(message, ActivityChanged)]
        return [Activity.from_json(row) for row in rows if row["id"] == activity]

    def until(self, activity: str, fulfilled: Callable[[Activity], bool]) -> Activity:
        """The newest report of the activity, once it is so."""

        def now() -> bool:
            newest = self.client.activities.get(activity)
            return newest is not None and fulfilled(newest)

        self.wait(now, lambda: f"{self.client.activities.get(activity)}")
        return self.client.activities[activity]

    def ended(self, activity: str) -> Activity:
        return self.until(activity, lambda told: told.ended)

    def state(self, activity: str, state: ActivityState) -> Activity:
        return self.until(activity, lambda told: told.state is state)

    def wait(self, fulfilled: Callable[[], bool], words: Callable[[], str] = str) -> None:
        with self._changed:
            assert self._changed.wait_for(fulfilled, self.patience), f"it did not come to that: {words()}"

    def changes(self) -> int:
        return sum(isinstance(message, ModelsChanged) for message in list(self.messages))

    def info(self, model: str = MODEL) -> ModelInfo | None:
        return next((info for info in self.client.models().result(self.patience) if info.id == model), None)

    def get(self, model: str = MODEL) -> Activity:
        return self.ended(self.client.download(model).result(self.patience))

    # What differs between the two.

    def hold(self) -> None:
        """Let downloads stand still in their middle."""
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def gate(self) -> None:
        """Let the model want its terms accepted."""
        raise NotImplementedError

    def accept(self) -> None:
        raise NotImplementedError

    def know(self, token: str) -> None:
        """Make `token` one that the hub takes."""

    def _keep(self, message: Message) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()


class InMemory(ModelsBench):
    def __init__(self) -> None:
        info: dict[str, Any] = {"id": MODEL, "title": "tiny", "repository": MODEL, "size": 400_000}
        self.model = ModelInfo(
            **info, family="causal-lm", medium=Medium.TEXT, tasks=(Task.CONTINUE,), state=ModelState.NOT_INSTALLED
        )
        self.fake = FakeModels(models=(), hub=(self.model,))
        super().__init__(self.fake)

    def hold(self) -> None:
        self.fake.holding = True

    def release(self) -> None:
        self.fake.holding = False

    def gate(self) -> None:
        self.fake.change(replace(self.model, gated=True))
        self.fake.settled()

    def accept(self) -> None:
        self.fake.accepted.add(MODEL)


class InChild(ModelsBench):
    """The child finds the hub through its environment; `client` is started by the first question."""

    def __init__(self, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, home: str, **options: Any) -> None:
        self.hub = hub
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HUB_CACHE", f"{home}/hub")
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        hub.add(MODEL, repository(), config={"architectures": ["LlamaForCausalLM"], "model_type": "llama"})
        super().__init__(LocalModels(**options))

    def hold(self) -> None:
        self.hub.fault("stall", f"*/{WEIGHTS}", times=-1, at=200_000)

    def release(self) -> None:
        self.hub.faults.clear()

    def gate(self) -> None:
        self.hub.repositories[MODEL].gated = True
        self.hub.user("a-token")

    def accept(self) -> None:
        self.hub.accept(MODEL)

    def know(self, token: str) -> None:
        self.hub.user(token)
