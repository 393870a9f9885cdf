"""The command line in this process, with the fake engine and a catalogue that has the fake's models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio import cli
from studio.core import i18n, logs
from studio.model_manager.catalogue import Catalogue
from tests.fakes.fake_engine import MODELS, FakeEngine
from tests.fakes.plays import Writing


@dataclass
class Result:
    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs `atelier …`. `engines` are those that were asked for; `play` is what they do."""

    capture: pytest.CaptureFixture[str]
    play: Callable[..., object] = field(default_factory=lambda: Writing("Once upon a time"))
    engines: list[FakeEngine] = field(default_factory=list)

    def __call__(self, *arguments: str) -> Result:
        code = cli.main(arguments)
        out, err = self.capture.readouterr()
        return Result(code, out, err)

    def engine(self, *_arguments: object) -> FakeEngine:
        self.engines.append(FakeEngine(self.play))  # type: ignore[arg-type]
        return self.engines[-1]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Shell:
    shell = Shell(capsys)
    for module in ("work", "queue", "doctor"):
        monkeypatch.setattr(f"studio.cli.{module}.engine_of", shell.engine)
    monkeypatch.setattr(Catalogue, "list", lambda _self: list(MODELS))
    monkeypatch.setattr(logs, "start", lambda _name: home / "log")
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LC_ALL", "C")
    i18n.set_language("en")
    return shell
