"""What models take of the disk, and giving it back. See `removing` for what is never touched."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError, Cancelled
from studio.model_manager import uses
from studio.model_manager.catalogue import Catalogue
from studio.model_manager.removing import Planner
from studio.model_manager.verifying import verify

__all__ = ["removal", "remove", "usage", "verify"]

Progress = Callable[[int, int, str], None]


def usage(catalogue: Catalogue, limit: int = 0) -> dict[str, Any]:
    """What takes space; `limit` is passed on. See `ModelsClient.disk`."""
    planner = Planner(catalogue)
    last = uses.last_used(catalogue.models_dir)
    seen: set[tuple[int, int]] = set()
    media: dict[str, int] = {}
    rows = []
    for found in planner.here():
        info = found.info
        plan = planner.plan([info.id])
        why = plan.kept[0]["why"] if plan.kept else ""
        files = planner.files_of(found)
        size = 0 if info.origin == "folder" else _new_bytes(files, seen)
        takes = sum(map(_size, files))
        if not takes and not plan.frees:
            continue  # it is known of, but nothing of it is on the disk
        media[info.medium] = media.get(info.medium, 0) + size
        rows.append(
            {
                "id": info.id,
                "title": info.title,
                "medium": str(info.medium),
                "size": takes or plan.frees,
                "frees": plan.frees,
                "last_used": last.get(info.id, 0),
                "removable": not why,
                "why": why,
            }
        )
    parts = sum(_size(path) for path in catalogue.hub_cache.glob("models--*/blobs/*.incomplete"))
    disk = shutil.disk_usage(_existing(catalogue.hub_cache))
    return {
        "free": disk.free,
        "total": disk.total,
        "used": sum(media.values()),
        "limit": limit,
        "media": {str(medium): size for medium, size in media.items() if size},
        "models": sorted(rows, key=lambda row: -row["size"]),
        "parts": parts,
    }


def removal(catalogue: Catalogue, models: Sequence[str]) -> dict[str, Any]:
    """What removing `models` would do. Raises `InvalidInput` "model-unknown". See `ModelsClient.removal`."""
    plan = Planner(catalogue).plan(models)
    return {"frees": plan.frees, "paths": [str(path) for path in plan.paths], "kept": plan.kept}


def remove(
    catalogue: Catalogue,
    models: Sequence[str],
    *,
    progress: Progress = lambda done, total, name: None,
    stop: threading.Event | None = None,
) -> dict[str, Any]:
    """Remove `models`, one after the other; returns {"freed": bytes, "removed": [ids], "kept": [{"id", "why"}]}.
    Raises `AtelierError` where the disk refuses and `Cancelled` between two models when `stop` is set."""
    planner = Planner(catalogue)
    whole = planner.plan(models)
    kept = [row["id"] for row in whole.kept]
    freed, removed = 0, []
    # Together, so that what two of them share is freed too; the disk is asked again only for the record.
    for repository, step in whole.steps:
        if stop is not None and stop.is_set():
            raise Cancelled
        with _alone(catalogue, repository, planner.titles(step.models)):
            step.run()
        freed += step.frees
        removed += step.models
        progress(freed, whole.frees, ", ".join(step.models))
    return {"freed": freed, "removed": [each for each in removed if each not in kept], "kept": whole.kept}


def _new_bytes(files: Iterable[Path], seen: set[tuple[int, int]]) -> int:
    """The size of those files that were not seen yet under another name."""
    size = 0
    for path in files:
        with contextlib.suppress(OSError):
            status = path.stat()
            if (key := (status.st_dev, status.st_ino)) not in seen:
                seen.add(key)
                size += status.st_size
    return size


@contextlib.contextmanager
def _alone(catalogue: Catalogue, repository: str, titles: list[str]) -> Iterator[None]:
    """Nobody downloads into the repository meanwhile. Raises `AtelierError` "remove-downloading"."""
    if not repository:
        yield
        return
    from filelock import Timeout

    from studio.model_manager.downloads.store import Store

    lock = Store(catalogue.hub_cache, catalogue.models_dir).lock(repository)
    try:
        lock.acquire(timeout=1.0)
    except Timeout as error:
        raise AtelierError("remove-downloading", {"model": titles or [repository]}) from error
    try:
        yield
    finally:
        lock.release()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
