"""Where things live on disk: program assets, the user's data and the user's results.

`ATELIER_HOME` moves everything below one folder (portable use, tests); without it platformdirs decides.
No function here creates a folder except `ensure`.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent.parent


def asset(*parts: str) -> Path:
    """The path of a file or folder that ships with the program (`assets/` of the source tree)."""
    installed = _PACKAGE / "_assets"
    root = installed if installed.is_dir() else _PACKAGE.parent / "assets"
    return root.joinpath(*parts)


def _home() -> Path | None:
    value = os.environ.get("ATELIER_HOME")
    return Path(value).expanduser().absolute() if value else None


def config_dir() -> Path:
    """Settings."""
    home = _home()
    return home / "config" if home else Path(platformdirs.user_config_dir("atelier", appauthor=False))


def data_dir() -> Path:
    """The queue, the index, models."""
    home = _home()
    return home / "data" if home else Path(platformdirs.user_data_dir("atelier", appauthor=False))


def log_dir() -> Path:
    """Logs and crash reports."""
    home = _home()
    return home / "logs" if home else Path(platformdirs.user_log_dir("atelier", appauthor=False))


def runtime_dir() -> Path:
    """Locks and local sockets of running programs."""
    return data_dir() / "run"


def models_dir() -> Path:
    """Models that are not in the Hugging Face cache: `starter`, `converted`, `imported`."""
    return data_dir() / "models"


def default_results_dir() -> Path:
    """Where results go until the user chooses another folder."""
    home = _home()
    return home / "results" if home else Path.home() / "Atelier"


def ensure(folder: Path) -> Path:
    """Create `folder` with its parents if it is not there, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
