"""Looking after models, results and jobs from the command line."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from studio import __version__
from studio.client import devices
from studio.client.lease import Owner
from studio.client.queue_store import QueueStore
from studio.core import paths
from studio.core.jobs import Job, JobState, new_id
from studio.core.settings import Settings
from studio.library import Library
from studio.library import library as library_module
from studio.model_manager import starter
from tests.cli.conftest import Shell
from tests.client.shelf import request
from tests.fakes.plays import fails


def _job(state: JobState, owner: str = "") -> str:
    store = QueueStore(paths.data_dir() / "queue.db")
    job = store.add(Job(new_id(), request(), created=1.0), owner, {})
    if state is not JobState.QUEUED:
        store.finish(job.id, state)
    store.close()
    return job.id


def _states() -> dict[str, str]:
    store = QueueStore(paths.data_dir() / "queue.db")
    states = {row.job.id: str(row.job.state) for row in store.rows()}
    store.close()
    return states


def test_version_help_and_mistypes(shell: Shell) -> None:
    assert shell("--version").out == f"atelier {__version__}\n"
    assert "atelier generate text" in shell("--help").out
    for command in ("generate", "families", "models", "library", "queue", "doctor"):
        done = shell(command, "--help")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: atelier {command}")
    assert "Did you mean generate?" in shell("genrate").err
    assert "Did you mean text?" in shell("generate", "txt").err
    assert shell("generate").code == 2


def test_families_and_models(shell: Shell) -> None:
    assert ["causal-lm", "text"] in [line.split()[:2] for line in shell("families").out.splitlines()]
    listed = json.loads(shell("families", "--json").out)
    assert {"id", "medium", "title", "tasks", "params"} == listed[0].keys()
    assert shell("models").out == "smollm2-135m-instruct  text  gguf  installed  97 MB  Apache-2.0\n"
    assert json.loads(shell("models", "list", "--json", "--medium", "text").out)[0]["context"] == 2048
    assert shell("models", "list", "--medium", "image").out == ""
    assert shell("models", "where").out.splitlines()[0] == str(paths.models_dir())
    assert shell("models", "wehre").code == 2


def test_the_library(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "There are no results." in shell("library").err
    for prompt in ("A fox", "灯塔"):
        assert shell("generate", "text", "--prompt", prompt, "--project", "Tales").code == 0
    rows = json.loads(shell("library", "list", "--json").out)
    assert [row["title"] for row in rows] == ["灯塔", "A fox"]
    assert "灯塔" in shell("library", "list", "--project", "Tales", "--medium", "text", "--search", "灯塔").out
    shown = json.loads(shell("library", "show", rows[0]["id"][:8]).out)
    assert shown["recipe"]["params"]["prompt"] == "灯塔"
    for arguments in (["show"], ["show", "zzz"], ["list", "--limit", "many"], ["list", "--project", "none"], ["burn"]):
        assert shell("library", *arguments).code == 2
    gone: list[str] = []
    monkeypatch.setattr(library_module, "_send_to_trash", lambda path: (gone.append(path), Path(path).unlink()))
    done = shell("library", "trash", rows[0]["id"])
    assert (done.code, "Moved 1 result to the trash." in done.err) == (0, True)
    assert str(rows[0]["path"]) in gone
    assert [row["id"] for row in json.loads(shell("library", "--json").out)] == [rows[1]["id"]]
    for index in (paths.data_dir() / "library").iterdir():
        index.unlink()
    assert shell("library", "rebuild").code == 0
    assert [row["id"] for row in json.loads(shell("library", "--json").out)] == [rows[1]["id"]]


def test_the_queue(shell: Shell) -> None:
    assert "The queue is empty." in shell("queue").err
    waiting, done, stopped = _job(JobState.QUEUED), _job(JobState.FILED), _job(JobState.INTERRUPTED)
    listed = json.loads(shell("queue", "list", "--json").out)
    assert {row["id"]: row["state"] for row in listed} == {waiting: "queued", done: "filed", stopped: "interrupted"}
    assert "interrupted" in shell("queue", "list").out
    again = shell("queue", "retry", stopped[:10])
    assert again.code == 0
    assert _states()[again.out.strip()] == "queued"
    assert _states()[stopped] == "cancelled"
    assert shell("queue", "cancel", waiting).code == 0
    assert _states()[waiting] == "cancelled"
    assert shell("queue", "clear").code == 0
    assert _states() == {again.out.strip(): "queued"}
    assert shell("queue", "clear", "--waiting").code == 0
    assert _states() == {}
    assert shell("queue", "cancel", "nothing").code == 2
    assert shell("queue", "cancel").code == 2


def test_a_failed_job_says_why_in_the_list(shell: Shell) -> None:
    shell.play = fails("out-of-memory", device="CPU")
    assert shell("generate", "text", "--prompt", "A fox").code == 1
    assert "failed" in (listed := shell("queue").out)
    assert "There was not enough memory on CPU." in listed


def test_jobs_of_a_living_program_stay_its_own(shell: Shell) -> None:
    owner = Owner.current()
    store = QueueStore(paths.data_dir() / "queue.db")
    store.register(owner)
    store.close()
    job = _job(JobState.QUEUED, owner.id)
    assert shell("generate", "text", "--prompt", "A fox").code == 0
    assert _states()[job] == "queued"


@pytest.mark.parametrize("command", [("queue",), ("generate", "text", "--prompt", "x")])
def test_a_newer_and_a_damaged_queue(shell: Shell, command: tuple[str, ...]) -> None:
    path = paths.ensure(paths.data_dir()) / "queue.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    done = shell(*command)
    assert done.code == 1
    assert "newer release of Atelier. Update Atelier" in done.err
    path.write_bytes(b"noise" * 1000)
    done = shell(*command)
    assert done.code == 0
    assert "The list of waiting jobs was damaged." in done.err
    assert [kept.read_bytes() for kept in path.parent.glob("queue-damaged-*.db")] == [b"noise" * 1000]


def test_damaged_settings_are_told_and_put_aside(shell: Shell) -> None:
    path = paths.ensure(paths.config_dir()) / "settings.json"
    path.write_text("{")
    done = shell("models")
    assert done.code == 0
    assert "Your settings could not be read." in done.err
    assert path.with_name("settings.json.damaged").read_text() == "{"


def test_results_that_cannot_be_kept(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Settings().update(results_dir=str(tmp_path / "file" / "results"))
    done = shell("generate", "text", "--prompt", "x")
    assert done.code == 1
    assert str(tmp_path / "file") in done.err
    assert shell("generate", "text", "--prompt", "x", "-o", str(tmp_path / "a.txt")).code == 0


def test_the_language_of_the_environment(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    Settings().update(language="zh_CN")
    assert shell("--version").out == f"atelier {__version__}\n"


def test_the_doctor_finds_what_is_wrong(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(starter, "missing", lambda **_options: [])
    monkeypatch.setattr(devices, "has_nvidia_gpu", lambda: False)
    done = shell("doctor")
    assert done.code == 0
    assert "✓ The engine works on Fake CPU" in done.out
    assert "✗" not in done.out
    assert "transformers" in done.out
    monkeypatch.setattr("studio.cli.doctor.has_nvidia_gpu", lambda: True)
    monkeypatch.setattr("studio.cli.doctor.torch_cuda", lambda: "")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    data = json.loads(shell("doctor", "--json").out)
    notes = {finding["check"] for finding in data["findings"] if finding["state"] == "note"}
    assert {"gpu", "threads"} <= notes
    monkeypatch.undo()


def test_the_doctor_ends_with_1_when_something_is_in_the_way(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Settings().update(results_dir=str(tmp_path / "file" / "results"))
    done = shell("doctor")
    assert done.code == 1
    assert "✗ The built-in models are not on this computer." in done.out
    assert str(tmp_path / "file") in done.out


def test_the_library_of_a_newer_release(shell: Shell) -> None:
    library = Library(paths.default_results_dir())
    library.close()
    (index,) = (paths.data_dir() / "library").glob("*.db")
    with sqlite3.connect(index) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    done = shell("library", "list")
    assert done.code == 1
    assert "Update Atelier to open it" in done.err
