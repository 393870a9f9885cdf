"""The walker that finds every model family: one module per family in a folder per medium.

Importing a family is light; what is heavy happens inside its `load` and `run`. Packaging asks the same walker for its
hidden imports.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, cast

from studio.core.errors import InvalidInput
from studio.core.jobs import Medium
from studio.core.protocols import FamilyModule

_extra: list[str] = []


@cache
def module_names() -> tuple[str, ...]:
    """The full names of all family modules, in alphabetical order, with those given to `register_module` last."""
    names = []
    for medium in Medium:
        try:
            package = importlib.import_module(f"{__name__}.{medium}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{medium}":
                raise
            continue
        names += [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
    return (*sorted(names), *_extra)


def makes(medium: Medium) -> bool:
    """Whether a family is there for `medium`; imports none of them."""
    return any(name.startswith(f"{__name__}.{medium}.") for name in module_names())


@cache
def all() -> dict[str, FamilyModule]:
    """Every family by its id."""
    found: dict[str, FamilyModule] = {}
    for name in module_names():
        family = _family(importlib.import_module(name))
        if family.SPEC.id in found:
            raise ValueError(f"two families are called {family.SPEC.id}")
        found[family.SPEC.id] = family
    return found


def get(family_id: str) -> FamilyModule:
    """The family called `family_id`; raises `InvalidInput("family-unknown")` with the ids that exist."""
    try:
        return all()[family_id]
    except KeyError:
        raise InvalidInput("family-unknown", {"family": family_id, "choices": sorted(all())}) from None


def recognise(config: Mapping[str, Any]) -> str | None:
    """The id of the first family that can load a repository with this configuration, or None."""
    return next((family_id for family_id, family in all().items() if family.recognises(config)), None)


def register_module(name: str) -> None:
    """Add the family in the module called `name` for the rest of this process (tests bring stub families)."""
    if name not in _extra:
        _extra.append(name)
        module_names.cache_clear()
        all.cache_clear()


def _family(module: ModuleType) -> FamilyModule:
    missing = [
        name for name in ("SPEC", "recognises", "load", "run", "upgrade", "estimate") if not hasattr(module, name)
    ]
    if missing:
        raise TypeError(f"{module.__name__} is no family: it lacks {', '.join(missing)}")
    return cast(FamilyModule, module)
