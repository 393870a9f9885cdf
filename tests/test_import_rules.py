"""What a fresh process of the window, or of the command line, has in memory after everything of ours is imported."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
QT = ["PySide6", "shiboken6"]
PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if "." not in name))
"""
# Those that may hold heavy libraries, each imported when a job needs it.
HEAVY_LAYERS = ["studio.engine", "studio.evaluation", "studio.nets", "studio.training"]


def heavy() -> list[str]:
    """The libraries that the lint rules ban at module level."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]


def modules(skipped: list[str]) -> list[str]:
    files = sorted((ROOT / "studio").rglob("*.py"))
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    outside = tuple(layer + "." for layer in skipped)
    return [name for name in names if not (name + ".").startswith(outside) and name != "studio.__main__"]


@pytest.mark.parametrize(
    ("skipped", "banned"),
    [
        pytest.param(HEAVY_LAYERS, heavy(), id="window"),
        pytest.param([*HEAVY_LAYERS, "studio.ui"], [*heavy(), *QT], id="command line"),
        pytest.param(["studio.ui", "studio.cli"], QT, id="engine"),
    ],
)
def test_fresh_process_stays_light(skipped: list[str], banned: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *modules(skipped)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "studio" in loaded
    assert sorted(loaded & set(banned)) == []
