"""The command line as a process: signals, pipes, bytes, and what it imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.client.queue_store import QueueStore
from studio.core import paths
from tests.fakes import stub_family

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("torch", "transformers", "diffusers", "xllamacpp", "onnxruntime", "PySide6", "numpy")
SLOW = ("generate", "text", "--model", "imported/stub", "--count", "2000", "--seconds", "0.02")


def _start(*arguments: str | bytes, module: str = "tests.cli.program", **options: object) -> subprocess.Popen[bytes]:
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, **options)  # type: ignore[call-overload]


def _run(*arguments: str | bytes, **options: object) -> tuple[int, str, str]:
    with _start(*arguments, **options) as program:  # type: ignore[arg-type]
        out, err = program.communicate(timeout=60)
    return program.returncode, (out or b"").decode(errors="surrogateescape"), (err or b"").decode()


@pytest.fixture(autouse=True)
def _stub(home: Path) -> None:
    stub_family.install(paths.models_dir())


def _states() -> list[str]:
    store = QueueStore(paths.data_dir() / "queue.db")
    states = [str(row.job.state) for row in store.rows()]
    store.close()
    return states


def _until_text(program: subprocess.Popen[bytes]) -> None:
    """Wait for the first event that carries text."""
    assert program.stdout
    for line in program.stdout:
        if json.loads(line)["kind"] == "text":
            return


def test_a_job_from_its_options_to_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    code, out, err = _run("generate", "text", "--model", "imported/stub", "--count", "3", "-o", str(path))
    assert (code, out, err) == (0, f"{path}\n", "")
    assert path.read_text() == "0 1 2 "


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_job_and_what_was_written_is_kept(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "a.txt"
    program = _start(*SLOW, "--json", "-o", str(path))
    _until_text(program)
    told = time.monotonic()
    program.send_signal(number)
    _out, err = program.communicate(timeout=20)
    assert program.returncode == 130
    assert time.monotonic() - told < 4
    part = tmp_path / "a.partial.txt"
    assert part.read_text().startswith("0 ")
    assert err.decode().splitlines() == ["Stopped.", f"What was written so far is in {part}."]
    assert not path.exists()
    assert _states() == ["cancelled"]


def test_ctrl_c_in_a_terminal_reaches_the_engine_too(tmp_path: Path) -> None:
    program = _start(*SLOW, "--json", "-o", str(tmp_path / "a.txt"), start_new_session=True)
    _until_text(program)
    os.killpg(program.pid, signal.SIGINT)
    _out, err = program.communicate(timeout=20)
    assert program.returncode == 130
    assert b"Traceback" not in err
    assert _states() == ["cancelled"]


def test_an_impatient_user_ends_it_at_once(tmp_path: Path) -> None:
    options = ("generate", "text", "--model", "imported/stub", "--act", "crawl", "--seconds", "60", "--json")
    program = _start(*options, "-o", str(tmp_path / "a.txt"))
    _until_text(program)
    program.send_signal(signal.SIGINT)
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    told = time.monotonic()
    program.communicate(timeout=20)
    assert program.returncode == 130
    assert time.monotonic() - told < 2.5


def test_nobody_reads_any_more() -> None:
    program = _start(*SLOW)
    assert program.stdout
    assert program.stdout.read(1) == b"0"
    program.stdout.close()
    assert program.stderr
    assert program.wait(20) == 130
    assert program.stderr.read() == b""
    program.stderr.close()
    assert _states() == ["cancelled"]


def test_standard_output_leads_to_a_full_disk() -> None:
    with Path("/dev/full").open("wb") as full:
        code, _out, err = _run("families", stdout=full)
    assert code == 1
    assert err.startswith("The disk is full")
    assert len(err.splitlines()) == 1


def test_no_standard_output_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    command = f'"{sys.executable}" -m tests.cli.program generate text --model imported/stub -o "{path}" >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, timeout=60).returncode == 0
    assert path.read_text() == "0 1 2 3 4 "


def test_a_crash_of_the_engine_is_a_sentence() -> None:
    code, out, err = _run("generate", "text", "--model", "imported/stub", "--act", "abort")
    assert (code, out) == (1, "")
    assert err.startswith("The engine stopped in the middle of this job.")
    assert "Traceback" not in err


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    code, _out, err = _run("generate", "text", "--model", "imported/stub", "--prompt", b"caf\xe9")
    assert code == 2
    assert err.startswith("The text holds characters that cannot be used (position 4).")
    name = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with _start("generate", "text", "--model", "imported/stub", "-o", name) as program:
        out, _err = program.communicate(timeout=60)
    assert (program.returncode, out) == (0, name + b"\n")
    assert Path(os.fsdecode(name)).read_text() == "0 1 2 3 4 "


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = {**os.environ, "ATELIER_HOME": str(tmp_path / "file" / "home")}
    code, out, err = _run("queue", "list", module="studio", env=environment)
    assert (code, out) == (1, "")
    assert str(tmp_path / "file") in err
    assert "Traceback" not in err


def test_a_log_that_cannot_be_written_fills_no_terminal(home: Path) -> None:
    paths.ensure(paths.log_dir())
    (paths.log_dir() / "command.log").symlink_to("/dev/full")
    path = paths.ensure(paths.data_dir()) / "queue.db"
    path.mkdir()
    code, out, err = _run("queue", "list", module="studio")
    assert (code, out) == (1, "")
    assert err.splitlines() == [err.rstrip("\n")]
    assert str(path) in err


def test_what_the_command_line_imports() -> None:
    check = f"import sys; bad = [m for m in {HEAVY!r} if m in sys.modules]; sys.exit(str(bad) if bad else 0)"
    for imported in ("studio.cli", "studio.cli.generate", "studio.cli.doctor", "studio.cli.queue"):
        subprocess.run([sys.executable, "-c", f"import {imported}; {check}"], cwd=ROOT, check=True, timeout=60)


def test_the_real_entry_point() -> None:
    assert _run("--version", module="studio")[0] == 0
    code, _out, err = _run("genrate", module="studio")
    assert (code, err) == (2, "There is no command genrate. Did you mean generate?\n")
    code, _out, err = _run("generate", "text", "--prompt", "x", module="studio")
    assert code == 1
    assert err.startswith("The built-in models are not on this computer.")
