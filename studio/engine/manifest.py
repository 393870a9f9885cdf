"""What is written down about a job's results: the recipe inside each file and the manifest beside them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import studio
from studio.core.files import write_json
from studio.core.jobs import Artifact, Request
from studio.core.protocols import Family
from studio.core.recipe import Recipe

VERSION = 1
NAME = "manifest.json"


def recipe_of(family: Family, request: Request, *, revision: str = "", device_kind: str = "") -> Recipe:
    """The recipe of `request` as `family` runs it now."""
    return Recipe(
        medium=request.medium,
        family=family.id,
        family_version=family.version,
        model=request.model,
        task=request.task,
        params=dict(request.params),
        model_revision=revision,
        title=request.title,
        inputs={role: blob.sha256 for role, blob in request.inputs.items()},
        parents=request.parents,
        device_kind=device_kind,
        reproducible="identical" if family.deterministic else "similar",
        app=studio.__version__,
        versions={name: version for name in family.libraries if (version := _version(name))},
    )


def write_manifest(
    staging: Path,
    job: str,
    request: Request,
    artifacts: Sequence[Artifact],
    metrics: Mapping[str, float],
    recipe: Recipe,
    ending: str = "done",
) -> None:
    """Mark the artefacts in `staging` as whole; on disk when this returns. `ending` is the kind of the job's ending:
    a job that failed or was cancelled keeps what it had finished."""
    write_json(
        staging / NAME,
        {
            "version": VERSION,
            "job": job,
            "ending": ending,
            "request": request.to_json(),
            "artifacts": [artifact.to_json() for artifact in artifacts],
            "metrics": dict(metrics),
            "recipe": recipe.to_json(),
        },
    )


@cache
def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
