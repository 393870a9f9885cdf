"""Recipes go into files and come out again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.errors import AtelierError
from studio.core.jobs import Medium, Task
from studio.core.recipe import Recipe
from studio.media import carriers

RECIPE = Recipe(
    Medium.TEXT, "gguf", 1, "smollm2", Task.INSTRUCT, {"prompt": "灯", "seed": 4}, parents=("a",), extra={"later": [1]}
)


@pytest.mark.parametrize("name", ["story.txt", "灯会.md", "UPPER.TXT"])
def test_round_trip_beside_a_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("words")
    carriers.embed(path, RECIPE)
    assert carriers.companions(path) == (tmp_path / f"{name}.json",)
    assert carriers.extract(path) == RECIPE
    assert carriers.extract(tmp_path / f"{name}.json") == RECIPE
    first = (tmp_path / f"{name}.json").read_bytes()
    carriers.embed(path, replace(RECIPE, params={"seed": 4, "prompt": "灯"}))
    assert (tmp_path / f"{name}.json").read_bytes() == first


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"atelier_recipe": 1}', json.dumps({"a": "x" * 100}).encode()]
)
def test_what_is_no_recipe_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "story.txt"
    path.write_text("words")
    (tmp_path / "story.txt.json").write_bytes(content)
    with pytest.raises(AtelierError) as caught:
        carriers.extract(path)
    assert caught.value.code == "recipe-unreadable"
    assert str(path) in str(caught.value)


def test_a_huge_sidecar_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "_LIMIT", 10)
    path = tmp_path / "story.txt"
    path.write_text("words")
    carriers.embed(path, RECIPE)
    with pytest.raises(AtelierError) as caught:
        carriers.extract(path)
    assert caught.value.code == "recipe-unreadable"


def test_other_files_carry_nothing(tmp_path: Path) -> None:
    path = tmp_path / "picture.xyz"
    path.write_text("words")
    assert carriers.companions(path) == ()
    with pytest.raises(AtelierError) as caught:
        carriers.extract(path)
    assert caught.value.code == "recipe-unreadable"
    with pytest.raises(AtelierError) as caught:
        carriers.embed(path, RECIPE)
    assert caught.value.code == "format-unknown"
    with pytest.raises(AtelierError) as caught:
        carriers.extract(tmp_path / "gone.txt")
    assert caught.value.code == "file-missing"
