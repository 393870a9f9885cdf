"""Which models are loaded, told across processes, also when an engine was killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from studio.model_manager.uses import Uses, in_use, last_used

_HOLDER = """
import sys, pathlib
from studio.model_manager.uses import Uses
uses = Uses(pathlib.Path(sys.argv[1]))
uses.hold(["org/held"])
print("held", flush=True)
sys.stdin.read()
"""


def test_what_is_held_is_in_use_until_it_is_let_go(tmp_path: Path) -> None:
    first, second = Uses(tmp_path), Uses(tmp_path)
    assert in_use(tmp_path) == set()
    first.hold(["a", "b"])
    second.hold({"b", "c"})
    assert in_use(tmp_path) == {"a", "b", "c"}
    first.hold([])
    assert in_use(tmp_path) == {"b", "c"}
    second.close()
    first.close()
    assert in_use(tmp_path) == set()
    assert list((tmp_path / "in-use").iterdir()) == []


def test_a_killed_engine_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == "held\n"
        assert in_use(tmp_path) == {"org/held"}
        engine.kill()
        engine.wait()
    assert in_use(tmp_path) == set()


def test_the_last_use_is_remembered(tmp_path: Path) -> None:
    before = int(time.time())
    uses = Uses(tmp_path)
    uses.hold(["a"])
    uses.hold(["a", "b"])
    assert last_used(tmp_path).keys() == {"a", "b"}
    assert all(when >= before for when in last_used(tmp_path).values())
    uses.close()
    (tmp_path / "used.json").write_text("[not json")
    assert last_used(tmp_path) == {}
    (tmp_path / "used.json").write_text('{"a": "yesterday", "b": 5}')
    assert last_used(tmp_path) == {"b": 5.0}


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "models"
    blocked.write_text("a file where the folder belongs")
    uses = Uses(blocked)
    uses.hold(["a"])
    assert in_use(blocked) == set()
    uses.close()
