"""Recipes of the families that work on pictures, as every release of them wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio import families
from studio.core.jobs import Medium, Request, Task
from studio.core.recipe import Recipe

FIXTURES = Path(__file__).parents[2] / "fixtures" / "recipes"
TOOLS = sorted(
    family_id
    for family_id, family in families.all().items()
    if family.SPEC.medium == Medium.IMAGE
    and (family_id == "gan" or set(family.SPEC.tasks) & {Task.UPSCALE, Task.CUT_OUT, Task.CONTROL_IMAGE})
)


@pytest.mark.parametrize("family_id", TOOLS)
def test_recipes_of_every_version_pass_through_upgrade(family_id: str) -> None:
    family = families.get(family_id)
    for version in range(1, family.SPEC.version + 1):
        recipe = Recipe.loads((FIXTURES / f"{family_id}-{version}.json").read_text(encoding="utf-8"))
        assert (recipe.family, recipe.family_version) == (family_id, version)
        params = family.upgrade(dict(recipe.params), version)
        request = Request(recipe.medium, family_id, recipe.model, recipe.task, params)
        assert {**params, **family.SPEC.check(request).params} == family.SPEC.check(request).params
