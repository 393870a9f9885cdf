"""The report bundle: what it holds, and what it must not."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from studio.client import report
from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Job, JobState
from studio.core.settings import Values
from tests.client.shelf import request
from tests.fakes.fake_engine import DEVICE


def test_a_report_holds_versions_device_logs_and_no_content(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    results = tmp_path / "My secret project"
    (logs / "window.log").write_text(f"error in {results}/a.txt and {json.dumps(str(Path.home() / 'x'))}\n")
    (logs / "engine.log.1").write_text("older\n")
    (logs / "notes.txt").write_text("private")
    settings = replace(Values(), results_dir=str(results), project="Secret", last={"prompt": "secret words"})
    failed = Job("1", request("secret words"), JobState.FAILED, failure=Failure("internal", {}, "secret words"))
    path = report.save(tmp_path / "report.zip", settings, device=DEVICE, jobs=[failed], log_dir=logs)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(files) == {
        *("versions.json", "device.json", "settings.json", "queue.json"),
        *("logs/window.log", "logs/engine.log.1"),
    }
    assert not [name for name, text in files.items() if "ecret" in text or str(Path.home()) + "/" in text]
    assert files["logs/window.log"] == 'error in <results>/a.txt and "~/x"\n'
    assert json.loads(files["device.json"])["name"] == "Fake CPU"
    assert json.loads(files["queue.json"])["failures"] == {"internal": 1}
    assert json.loads(files["versions.json"])["torch"]
    assert "results_dir" not in json.loads(files["settings.json"])


def test_a_report_without_logs_is_written_and_a_wrong_place_is_told(tmp_path: Path) -> None:
    report.save(tmp_path / "report.zip", Values(), log_dir=tmp_path / "none")
    assert zipfile.is_zipfile(tmp_path / "report.zip")
    with pytest.raises(AtelierError) as caught:
        report.save(tmp_path / "none" / "report.zip", Values())
    assert caught.value.code in ("file-missing", "folder-missing")
