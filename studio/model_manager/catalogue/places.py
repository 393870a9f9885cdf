"""Where models lie: reading folders with limits, the layout of the Hugging Face cache, and our records of downloads.

Nothing here raises for what it finds: a folder that cannot be read holds nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_FILES = 4000  # of one model; more is no model's folder
_MAX_DEPTH = 4
_MAX_MANIFEST = 16 << 20


@dataclass(frozen=True)
class Download:
    """Our record of a download: `files` maps the names that were asked for to whether they are verified, `blobs` to
    the names of their blobs."""

    model: str
    repository: str
    commit: str
    files: Mapping[str, bool]
    blobs: Mapping[str, str]
    sizes: Mapping[str, int]


def default_hub_cache() -> Path:
    """The standard Hugging Face cache, where its own environment variables put it."""
    if value := os.environ.get("HF_HUB_CACHE"):
        return Path(value).expanduser()
    if value := os.environ.get("HF_HOME"):
        return Path(value).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "huggingface" / "hub"


def entries(folder: Path) -> list[Path]:
    """What is in `folder`, in order of names, without hidden entries; nothing where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def files_in(path: Path, within: Path | None = None) -> dict[str, Path]:
    """Name → file, of a file or of a folder with those inside it ("unet/config.json"). With `within`, links that lead
    out of that folder are left out; folders that are links are never entered."""
    if path.is_file():
        return {path.name: path}
    border = within.resolve() if within else None
    listed: dict[str, Path] = {}
    _list(path, "", border, listed, _MAX_DEPTH)
    return listed


def stamp(path: Path) -> tuple[int, int]:
    """Changes with a file's time and size; (0, -1) where there is none."""
    try:
        status = path.stat()
    except OSError:
        return (0, -1)
    return (status.st_mtime_ns, status.st_size)


def stamps(path: Path) -> tuple[Any, ...]:
    """Changes whenever a file here is added, removed or replaced."""
    return tuple((name, *stamp(file)) for name, file in files_in(path).items())


def repositories(cache: Path) -> list[tuple[str, Path]]:
    """(owner/name, folder) of every model in a hub cache."""
    found = []
    for folder in entries(cache):
        kind, _, rest = folder.name.partition("--")
        if kind == "models" and rest and folder.is_dir() and not folder.is_symlink():
            found.append((rest.replace("--", "/"), folder))
    return found


def snapshot(folder: Path, revision: str = "main") -> Path | None:
    """The snapshot that `revision` points at; for "main" without such a ref, the newest one."""
    try:
        commit = (folder / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        commit = ""
    snapshots = [path for path in entries(folder / "snapshots") if path.is_dir() and not path.is_symlink()]
    for path in snapshots:
        if path.name in (commit, revision):
            return path
    if commit or revision != "main":
        return None
    return max(snapshots, key=lambda path: stamp(path)[0], default=None)


def unfinished(folder: Path) -> tuple[str, ...]:
    """The names of blobs in a repository that are not whole: parts of downloads, and what was put aside as damaged."""
    return tuple(name for name in blobs(folder) if name.endswith((".incomplete", ".damaged")))


def blobs(folder: Path) -> tuple[str, ...]:
    """The names of all blobs in a repository, whole or not."""
    return tuple(path.name for path in entries(folder / "blobs"))


def downloads(models_dir: Path) -> list[Download]:
    """Our records of downloads, the newest last."""
    files = [path for path in entries(models_dir / "manifests") if path.suffix == ".json"]
    return [found for path in sorted(files, key=stamp) if (found := _download(path))]


def _download(path: Path) -> Download | None:
    try:
        if path.stat().st_size > _MAX_MANIFEST:
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = data["files"]
        return Download(
            str(data["model"]),
            str(data["repository"]),
            str(data["commit"]),
            {str(row["name"]): bool(row["verified"]) for row in rows},
            {str(row["name"]): str(row.get("sha256") or row.get("git_sha1") or "") for row in rows},
            {str(row["name"]): int(row["size"]) for row in rows},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _list(folder: Path, prefix: str, border: Path | None, listed: dict[str, Path], depth: int) -> None:
    for path in entries(folder):
        if len(listed) >= MAX_FILES:
            return
        try:
            if path.is_file():
                if border is None or border in path.resolve().parents:
                    listed[prefix + path.name] = path
            elif depth and path.is_dir() and not path.is_symlink():
                _list(path, f"{prefix}{path.name}/", border, listed, depth - 1)
        except (OSError, RuntimeError):  # a loop of links
            continue
