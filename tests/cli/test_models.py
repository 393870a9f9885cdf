"""Getting models, checking them and making room from the command line."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from studio.cli import errand, models
from studio.core import paths
from studio.core.activities import Activity
from studio.core.jobs import Failure
from studio.core.messages import ActivityChanged, Message
from studio.core.models import ModelState
from studio.model_manager.catalogue import Catalogue
from tests.cli.conftest import Shell
from tests.fakes.hub import FakeHub
from tests.fakes.model_shelf import CATALOGUE, HUB
from tests.fakes.models import FakeModels
from tests.fakes.models_bench import MODEL, repository

ABSENT = next(info for info in CATALOGUE if info.state is ModelState.NOT_INSTALLED and not info.gated)
GATED = next(info for info in CATALOGUE if info.gated)
LIST = Catalogue.list
PRESENT = next(info for info in CATALOGUE if info.usable and info.origin == "hub")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeModels:
    """The client of the next command; it is stopped by it."""
    made = FakeModels()
    monkeypatch.setattr(errand, "models_client", lambda: made)
    return made


def answer(monkeypatch: pytest.MonkeyPatch, text: str | None) -> list[str]:
    asked: list[str] = []

    def ask(_console: object, question: str) -> str | None:
        asked.append(question)
        return text

    monkeypatch.setattr("studio.cli.console.Console.ask", ask)
    return asked


def test_listing_says_the_state_of_each(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalogue, "list", lambda _self: list(CATALOGUE))
    listed = json.loads(shell("models", "list", "--json").out)
    assert [row["id"] for row in listed] == [info.id for info in CATALOGUE]
    installed = json.loads(shell("models", "list", "--installed", "--json").out)
    assert [row["id"] for row in installed] == [info.id for info in CATALOGUE if info.usable]
    rows = {line.split()[0]: line for line in shell("models", "list").out.splitlines()}
    assert "not installed" in rows[ABSENT.id]
    assert shell("models", "list", "--medium", "smell").code == 2


def test_every_known_model_is_listed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalogue, "list", LIST)
    out = shell("models", "list", "--medium", "speech").out
    assert "onnx-community/Kokoro-82M-v1.0-ONNX" in out
    assert "CC-BY-NC-4.0" in out


def test_searching_joins_the_catalogue_and_the_hub(
    shell: Shell, fake: FakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catalogue, "list", lambda _self: [ABSENT])
    word = HUB[0].title.split()[0]
    done = shell("models", "search", word, "--json")
    assert done.code == 0
    assert HUB[0].id in [row["id"] for row in json.loads(done.out)]
    assert fake.asked[0][0] == "search"
    assert shell("models", "search").code == 2


def test_without_a_network_the_catalogue_is_still_searched(
    shell: Shell, fake: FakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catalogue, "list", lambda _self: [ABSENT])
    fake.offline = True
    done = shell("models", "search", ABSENT.title)
    assert done.code == 0
    assert ABSENT.id in done.out
    assert done.err


def test_a_download_ends_with_the_id(shell: Shell, fake: FakeModels) -> None:
    done = shell("models", "download", ABSENT.id)
    assert (done.code, done.out) == (0, f"{ABSENT.id}\n")
    assert done.err == f"Downloading {ABSENT.id}…\n{ABSENT.title} is ready.\n"


def test_a_download_tells_each_step_as_json(shell: Shell, fake: FakeModels) -> None:
    done = shell("models", "download", ABSENT.id, "--json")
    steps = [json.loads(line) for line in done.out.splitlines()]
    assert [step["kind"] for step in steps] == ["download"] * len(steps)
    assert steps[-1]["state"] == "done"
    assert done.err == ""


@pytest.mark.parametrize("code", ["hub-unreachable", "download-no-room"])
def test_a_download_that_fails_is_told_in_words(shell: Shell, fake: FakeModels, code: str) -> None:
    fake.failures[ABSENT.id] = Failure(code)
    done = shell("models", "download", ABSENT.id)
    assert (done.code, done.out) == (1, "")
    assert done.err.strip() and "went wrong inside" not in done.err


def test_a_gated_model_says_what_to_accept(shell: Shell, fake: FakeModels) -> None:
    done = shell("models", "download", GATED.id)
    assert done.code == 1
    assert "accept" in done.err.casefold()


def test_an_interrupt_keeps_the_parts_and_says_how_to_go_on(shell: Shell, fake: FakeModels) -> None:
    fake.holding = True
    before = signal.getsignal(signal.SIGINT)  # ignored where the tests run in the background

    def interrupt(message: Message) -> None:
        if isinstance(message, ActivityChanged) and Activity.from_json(message.activity).done:
            end()
            os.kill(os.getpid(), signal.SIGINT)

    end: Callable[[], None] = fake.subscribe(interrupt)
    done = shell("models", "download", ABSENT.id)
    assert done.code == 130
    assert "goes on from there" in done.err
    assert [name for name, _arguments in fake.asked] == ["download", "cancel"]
    assert signal.getsignal(signal.SIGINT) == before


def test_names_are_needed_where_they_are(shell: Shell, fake: FakeModels) -> None:
    for arguments in (["download"], ["remove"], ["import"], ["import", "a", "b"], ["where", "x"], ["burn"]):
        assert shell("models", *arguments).code == 2
    assert fake.asked == []


def test_verifying_names_what_is_damaged(shell: Shell, fake: FakeModels) -> None:
    assert shell("models", "verify", PRESENT.id).code == 0
    assert fake.asked == [("verify", {"models": [PRESENT.id]})]


def test_damage_is_a_failure_with_a_way_on(shell: Shell, fake: FakeModels) -> None:
    fake.damaged[PRESENT.id] = ["model.safetensors"]
    done = shell("models", "verify", PRESENT.id)
    assert done.code == 1
    assert "model.safetensors" in done.out
    assert "again" in done.err


@pytest.mark.parametrize(("said", "code"), [("yes\n", 0), ("y", 0), ("no\n", 1), ("", 1), (None, 2)])
def test_removal_is_asked_for(
    shell: Shell, fake: FakeModels, monkeypatch: pytest.MonkeyPatch, said: str | None, code: int
) -> None:
    asked = answer(monkeypatch, said)
    assert shell("models", "remove", PRESENT.id).code == code
    assert PRESENT.id in asked[0]
    names = [name for name, _arguments in fake.asked]
    assert names == (["removal", "remove"] if code == 0 else ["removal"])


def test_removal_without_asking(shell: Shell, fake: FakeModels, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, None)
    done = shell("models", "remove", PRESENT.id, "--yes")
    assert (done.code, asked) == (0, [])
    assert "free again" in done.err


def test_an_import_prints_the_new_id(shell: Shell, fake: FakeModels, tmp_path: Path) -> None:
    file = tmp_path / "my style.safetensors"
    file.write_bytes(b"x")
    done = shell("models", "import", str(file))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("imported/")
    assert shell("models", "import", str(tmp_path / "gone.gguf")).code == 2


def test_an_activity_that_was_cancelled_elsewhere_is_no_success(shell: Shell, fake: FakeModels) -> None:
    fake.holding = True

    def cancel(message: Message) -> None:
        if isinstance(message, ActivityChanged) and Activity.from_json(message.activity).done:
            end()
            threading.Thread(target=lambda: fake.cancel(message.activity["id"])).start()

    end: Callable[[], None] = fake.subscribe(cancel)
    assert shell("models", "download", ABSENT.id).code == 130


def test_the_real_child_brings_checks_and_removes_a_model(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalogue, "list", LIST)
    home = Path(os.environ["ATELIER_HOME"])
    monkeypatch.setenv("HF_HUB_CACHE", str(home / "hub"))
    with FakeHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add(MODEL, repository(weights=50_000))
        done = shell("models", "download", MODEL)
        assert (done.code, done.out) == (0, f"{MODEL}\n"), done.err
        assert MODEL in shell("models", "list", "--installed").out
        assert shell("models", "verify", MODEL).out.split() == [MODEL, "whole"]
        blob = next(path for path in (home / "hub").glob("models--*/blobs/*") if path.stat().st_size > 50_000)
        blob.write_bytes(bytes(blob.stat().st_size))
        assert shell("models", "verify", MODEL).code == 1
        assert MODEL not in shell("models", "list", "--installed").out
        asked = len([1 for request in hub.requests if "model.safetensors" in str(request)])
        assert shell("models", "download", MODEL).code == 0
        assert len([1 for request in hub.requests if "model.safetensors" in str(request)]) > asked
        assert shell("models", "verify", MODEL).code == 0
        assert shell("models", "remove", MODEL, "--yes").code == 0
        assert not list((home / "hub").glob("models--*"))
        assert not list((paths.models_dir() / "manifests").glob("*"))


def test_what_the_list_calls_things() -> None:
    assert models._size(replace(ABSENT, size=404_000)) == "404 KB"
    assert models._size(replace(ABSENT, size=4_370_000_000)) == "4.4 GB"
    assert models._size(replace(ABSENT, size=0)) == ""
    described = replace(ABSENT, description="Writes short stories.", repository="ada/sea", problem="gguf-damaged")
    for text in ("story", "https://huggingface.co/ada/sea"):
        assert models._mentions(described, text)
    assert not models._mentions(described, "history")
    assert models._state(described) == "cannot be used as it is"
