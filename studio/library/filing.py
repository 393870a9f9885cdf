"""Moving what a job made from its staging folder to its place, so that a crash at any point is made good.

Before the first file moves, `plan.json` in the staging folder says where each will lie and under which id; doing a
plan again, from any point, ends in the same state.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError
from studio.core.files import sync_folder, write_json
from studio.core.i18n import N_, _
from studio.core.jobs import Artifact, Job, Medium, new_id
from studio.core.recipe import Recipe
from studio.library.folder import Folder, Record, folder_error
from studio.library.names import fold, free_name, safe_name
from studio.media import carriers

PLAN_FILE = "plan.json"
DONE_PREFIX = ".done-"
_TITLE_LENGTH = 60
_FALLBACKS = {
    Medium.TEXT: N_("Text"),
    Medium.IMAGE: N_("Picture"),
    Medium.MUSIC: N_("Music"),
    Medium.SPEECH: N_("Speech"),
    Medium.ANIMATION: N_("Animation"),
}


def file_artifacts(
    folder: Folder, project: str, job: Job, staging: Path, artifacts: Sequence[Artifact], manifest: Mapping[str, Any]
) -> list[Record]:
    """Move every artefact into `<project>/<date>/`; returns their records. Raises `AtelierError`; what was moved stays
    moved, and calling again goes on from there."""
    try:
        records = _read_plan(staging)
        if records is None:
            records = _plan(folder, project, job, staging, artifacts)
            _write_plan(staging, records)
        for name, record in records.items():
            target = folder.absolute(record.path)
            if _in_the_way(staging / name, target):
                target = target.with_name(_free_name(target.stem, target.parent, target.suffix))
                records[name] = replace(record, path=folder.relative(target))
                _write_plan(staging, records)
            _place(staging / name, target, manifest)
        for parent in {folder.absolute(record.path).parent for record in records.values()}:
            sync_folder(parent)
    except OSError as error:
        raise folder_error(error, folder.root) from error
    return list(records.values())


def clear_staging(staging: Path) -> None:
    """Remove a staging folder in a way that a crash leaves either all of it or nothing that looks like a job."""
    done = staging.with_name(f"{DONE_PREFIX}{staging.name}")
    try:
        os.replace(staging, done)
    except FileNotFoundError:
        return
    except OSError:
        done = staging
    shutil.rmtree(done, ignore_errors=True)


def title_of(job: Job) -> str:
    """The request's title, else the first words of what was asked."""
    params = job.request.params
    text = job.request.title or params.get("prompt") or params.get("text") or ""
    script = params.get("script")
    if not text and isinstance(script, list):
        text = next((row["text"] for row in script if row.get("text", "").strip()), "")
    messages = params.get("messages")
    if not text and isinstance(messages, list):
        text = next((m.get("content", "") for m in reversed(messages) if m.get("role") == "user"), "")
    line = " ".join(str(text).split())
    if len(line) > _TITLE_LENGTH and not job.request.title:
        cut = line[:_TITLE_LENGTH].rsplit(" ", 1)[0] if " " in line[:_TITLE_LENGTH] else line[:_TITLE_LENGTH]
        line = cut.rstrip(" ,.;:，。；：") + "…"
    return line or _(_FALLBACKS[job.request.medium])


def _plan(folder: Folder, project: str, job: Job, staging: Path, artifacts: Sequence[Artifact]) -> dict[str, Record]:
    now = time.time()
    day = folder.root / project / time.strftime("%Y-%m-%d", time.localtime(now))
    day.mkdir(parents=True, exist_ok=True)
    title = title_of(job)
    stem = safe_name(title, _(_FALLBACKS[job.request.medium]))
    taken: set[str] = set()
    records = {}
    for index, artifact in enumerate(artifacts):
        source = staging / artifact.name
        if source.parent != staging or not source.is_file() or source.stat().st_size != artifact.blob.size:
            raise AtelierError("file-missing", {"path": str(source)})
        name = _free_name(stem, day, source.suffix.lower(), taken)
        taken |= {name, *(path.name for path in carriers.companions(day / name))}
        records[artifact.name] = Record(
            id=new_id(),
            path=folder.relative(day / name),
            job=job.id,
            medium=str(job.request.medium),
            title=title,
            # Results of one job keep their order.
            created=round(now, 3) + index / 1000,
            media_type=artifact.blob.media_type,
            size=artifact.blob.size,
            sha256=artifact.blob.sha256,
            metadata=dict(artifact.metadata),
            parents=job.request.parents,
            model=job.request.model,
            family=job.request.family,
        )
    return records


def _free_name(stem: str, day: Path, suffix: str, taken: Collection[str] = ()) -> str:
    """`stem` with `suffix`, numbered until neither the file nor one that comes with it exists or is `taken`."""
    names = {fold(name) for name in [*taken, *(path.name for path in day.iterdir())]}
    ends = [path.name.removeprefix("x") for path in (Path(f"x{suffix}"), *carriers.companions(Path(f"x{suffix}")))]
    busy = {name.removesuffix(end) for name in names for end in ends if name.endswith(end)}
    return free_name(stem, busy) + suffix


def _write_plan(staging: Path, records: Mapping[str, Record]) -> None:
    write_json(staging / PLAN_FILE, {"items": {name: vars(record) for name, record in records.items()}})


def _in_the_way(source: Path, target: Path) -> bool:
    """Whether someone else's file took the place since the plan was made."""
    return source.is_file() and target.exists() and not os.path.samefile(source, target)


def _read_plan(staging: Path) -> dict[str, Record] | None:
    try:
        data = json.loads((staging / PLAN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return {name: Record(**{**item, "parents": tuple(item["parents"])}) for name, item in data["items"].items()}


def _place(source: Path, target: Path, manifest: Mapping[str, Any]) -> None:
    """Move one artefact with its companions, unless an earlier try has done so."""
    if not source.is_file():
        return
    pairs = list(zip(carriers.companions(source), carriers.companions(target), strict=True))
    if pairs and not any(path.exists() for pair in pairs for path in pair) and manifest.get("recipe"):
        carriers.embed(source, Recipe.from_json(manifest["recipe"]))
    for companion, its_target in [*pairs, (source, target)]:
        if companion.is_file():
            _move(companion, its_target)


def _move(source: Path, target: Path) -> None:
    """Rename, but never over a file that is there: a link fails where a rename would replace."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        if not os.path.samefile(source, target):
            raise
    except OSError as error:
        if target.exists():
            raise FileExistsError(errno.EEXIST, "a file is in the way", str(target)) from error
        if error.errno == errno.EXDEV:
            _copy(source, target)
        else:
            os.rename(source, target)
            return
    source.unlink()


def _copy(source: Path, target: Path) -> None:
    """Across file systems (the project's folder may be a link): copied aside first, so that no half file shows."""
    aside = target.with_name(f".{target.name[:40]}.part")
    shutil.copyfile(source, aside)
    with aside.open("rb+") as stream:
        os.fsync(stream.fileno())
    os.rename(aside, target)
