"""A loopback hub and downloads from it, with waits short enough for tests."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio.core.errors import MESSAGES, AtelierError
from studio.model_manager.hub.api import Hub, RemoteFile
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.fetch import fetch
from studio.model_manager.hub.limiter import Limiter
from studio.model_manager.hub.wire import Patience
from tests.fakes.hub import FakeHub

QUICK = Patience(connection=1.0, stall=0.4, tries=4, first=0.001, longest=0.01, asked=5.0)


@dataclass
class Download:
    """A file on the loopback hub that is fetched to `part`; `run` may be called again and again."""

    fake: FakeHub
    part: Path
    content: bytes
    name: str = "w.bin"
    commit: str = ""
    patience: Patience = QUICK
    endpoint: Endpoint | None = None
    token: str | None = None
    limiter: Limiter = field(default_factory=Limiter)
    stop: threading.Event = field(default_factory=threading.Event)
    reports: list[int] = field(default_factory=list)
    waits: list[tuple[float, str]] = field(default_factory=list)
    on_report: Callable[[int], None] = lambda _size: None
    file: RemoteFile | None = None

    def __post_init__(self) -> None:
        self.commit = self.commit or self.fake.add("o/n", {self.name: self.content})

    @property
    def hub(self) -> Hub:
        return Hub(self.endpoint or Endpoint(self.fake.url), lambda _host: self.token, self.patience)

    def run(self) -> None:
        def report(size: int) -> None:
            self.reports.append(size)
            self.on_report(size)

        known = self.fake.repositories["o/n"].commits[self.commit][self.name]
        file = self.file or RemoteFile(known.name, known.size, known.sha256, "" if known.sha256 else known.git_sha1)
        fetch(
            self.hub,
            "o/n",
            self.commit,
            file,
            self.part,
            limiter=self.limiter,
            stop=self.stop,
            report=report,
            waiting=lambda seconds, code: self.waits.append((seconds, code)),
        )

    def fails(self, code: str) -> AtelierError:
        """Run, and end in an error of this code with a whole sentence."""
        with pytest.raises(AtelierError) as raised:
            self.run()
        assert raised.value.code == code and code in MESSAGES
        assert "…" not in str(raised.value), "a field of the sentence is missing"
        return raised.value

    @property
    def arrived(self) -> bool:
        return self.part.read_bytes() == self.content

    @property
    def troubles(self) -> list[str]:
        return [code for _seconds, code in self.waits if code]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in {"http_proxy", "https_proxy", "all_proxy", "no_proxy"} or name.startswith("HF_"):
            monkeypatch.delenv(name)


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def download(fake: FakeHub, tmp_path: Path) -> Callable[..., Download]:
    def make(size: int = 300_000, **options: object) -> Download:
        content = random.Random(size).randbytes(size)
        return Download(fake, tmp_path / "blobs" / "w.incomplete", content, **options)  # type: ignore[arg-type]

    return make
