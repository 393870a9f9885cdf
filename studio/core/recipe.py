"""The recipe: how a result was made, so that it can be made again. Every file that Atelier writes carries one.

JSON, versioned; fields that this release does not know survive a round trip. It holds no clock time, no path and
no secret, so that the same request gives the same bytes and a file can be passed on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.core.errors import AtelierError
from studio.core.jobs import Medium, Task

VERSION = 1
# IPTC digital source type for media made wholly by a trained model.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True)
class Recipe:
    """`reproducible` is "identical" (same bytes expected on the same device kind and versions) or "similar".

    `inputs` maps a role to the sha256 of what was put in; `versions` maps a library to its version.
    """

    medium: Medium
    family: str
    family_version: int
    model: str
    task: Task
    params: Mapping[str, Any]
    model_revision: str = ""
    title: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    device_kind: str = ""
    reproducible: str = "similar"
    app: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        return {
            **self.extra,
            "atelier_recipe": self.version,
            "digital_source_type": DIGITAL_SOURCE_TYPE,
            "medium": str(self.medium),
            "family": self.family,
            "family_version": self.family_version,
            "model": self.model,
            "model_revision": self.model_revision,
            "task": str(self.task),
            "title": self.title,
            "params": dict(self.params),
            "inputs": dict(self.inputs),
            "parents": list(self.parents),
            "device_kind": self.device_kind,
            "reproducible": self.reproducible,
            "app": self.app,
            "versions": dict(self.versions),
        }

    def dumps(self) -> str:
        return json.dumps(self.to_json(), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """Raises `AtelierError("recipe-unreadable")` when `data` is no recipe."""
        try:
            version = int(data["atelier_recipe"])
            recipe = cls(
                medium=Medium(data["medium"]),
                family=str(data["family"]),
                family_version=int(data["family_version"]),
                model=str(data["model"]),
                task=Task(data["task"]),
                params=dict(data["params"]),
                model_revision=str(data.get("model_revision", "")),
                title=str(data.get("title", "")),
                inputs=dict(data.get("inputs", {})),
                parents=tuple(data.get("parents", ())),
                device_kind=str(data.get("device_kind", "")),
                reproducible=str(data.get("reproducible", "similar")),
                app=str(data.get("app", "")),
                versions=dict(data.get("versions", {})),
                version=version,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AtelierError("recipe-unreadable", {"path": ""}, details=repr(error)) from error
        known = recipe.to_json().keys()
        extra = {key: value for key, value in data.items() if key not in known}
        return cls(**{**vars(recipe), "extra": extra})

    @classmethod
    def loads(cls, text: str) -> Recipe:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise AtelierError("recipe-unreadable", {"path": ""}, details=repr(error)) from error
        if not isinstance(data, dict):
            raise AtelierError("recipe-unreadable", {"path": ""})
        return cls.from_json(data)
