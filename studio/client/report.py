"""The report that a user can send: logs, versions, device and settings; nothing that was written or made."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import platform
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import studio
from studio.core import i18n, paths
from studio.core.files import write_bytes
from studio.core.jobs import Job
from studio.core.models import DeviceStatus
from studio.core.settings import Values

# Settings that name places or hold what the user does are left out.
_SETTINGS = (
    "language",
    "theme",
    "reduce_motion",
    "notify",
    "keep_awake",
    "memory_limit",
    "welcomed",
)
_LOG_LIMIT = 2_000_000
PACKAGES = (
    *("torch", "transformers", "diffusers", "accelerate", "safetensors", "tokenizers", "xllamacpp", "gguf"),
    *("numpy", "pillow", "huggingface-hub", "PySide6-Essentials", "platformdirs", "psutil", "python-docx"),
)


def versions() -> dict[str, str]:
    """Of the program, Python, the system, and each library that is installed."""
    found = {
        "atelier": studio.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "language": i18n.language(),
    }
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def save(
    path: Path,
    settings: Values,
    *,
    device: DeviceStatus | None = None,
    jobs: Iterable[Job] = (),
    log_dir: Path | None = None,
) -> Path:
    """Write the report to `path`, a ZIP file. The user's name and folders are blotted out of the logs. Raises
    `AtelierError` (disk full, no right to write); nothing is left behind then."""
    buffer = io.BytesIO()
    blots = _blots(settings)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("versions.json", _json(versions()))
        archive.writestr("device.json", _json(device.to_json() if device else {}))
        archive.writestr("settings.json", _json({name: getattr(settings, name) for name in _SETTINGS}))
        archive.writestr("queue.json", _json(_queue(jobs)))
        for log in _logs(log_dir or paths.log_dir()):
            archive.writestr(f"logs/{log.name}", _blot(_tail(log), blots))
    write_bytes(path, buffer.getvalue())
    return path


def _queue(jobs: Iterable[Job]) -> dict[str, Any]:
    jobs = list(jobs)
    return {
        "states": dict(Counter(str(job.state) for job in jobs)),
        "failures": dict(Counter(job.failure.code for job in jobs if job.failure)),
        "families": dict(Counter(job.request.family for job in jobs)),
    }


def _logs(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and {".log", ".crash"} & set(path.suffixes))
    except OSError:
        return []


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LOG_LIMIT))
            return stream.read().decode("utf-8", "replace")
    except OSError as error:
        return f"({error.strerror})"


def _blots(settings: Values) -> list[tuple[str, str]]:
    """What to replace, longest first, so that a folder inside another one is found."""
    places = {
        str(settings.results): "<results>",
        str(paths.data_dir()): "<data>",
        str(Path.home()): "~",
        os.getcwd(): "<here>",
        str(Path(sys.prefix)): "<python>",
    }
    return sorted(((old, new) for old, new in places.items() if len(old) > 3), key=lambda pair: -len(pair[0]))


def _blot(text: str, blots: list[tuple[str, str]]) -> str:
    for old, new in blots:
        text = text.replace(old, new).replace(json.dumps(old)[1:-1], new)
    return text


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
