"""What every family that writes text must do, with a tiny model of each class that it loads."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio import families
from studio.core import i18n
from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.jobs import Medium, Request, Task
from studio.core.params import Choice, Flag, Integer, Number, Param
from studio.core.protocols import Device, FamilyModule, ModelFiles
from studio.core.recipe import Recipe
from studio.engine.manifest import recipe_of
from studio.media import carriers
from tests.fakes.tiny_models import BUILDERS
from tests.families.recorder import Recorder

CASES = [(family_id, build) for family_id, builders in BUILDERS.items() for build in builders]
DEVICE = Device("cpu", 0, 2, 4 << 30)
WRITING = {
    Task.CONTINUE: {"prompt": "Once upon a time"},
    Task.INSTRUCT: {"prompt": "Write a story.", "system": "Be brief.", "prefix": "The sea"},
    Task.CHAT: {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "山里有庙"}]},
}


@dataclass(frozen=True)
class Loaded:
    family: FamilyModule
    files: ModelFiles
    model: Any

    def request(self, task: Task, keep: bool = True, **params: Any) -> Request:
        spec = self.family.SPEC
        values = {**WRITING[task], "seed": 11, "max_new_tokens": 24, **params}
        return Request(spec.medium, spec.id, self.files.id, task, values, keep=keep)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1].__name__}")
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    family_id, build = request.param
    family = families.get(family_id)
    files = build(tmp_path_factory.mktemp("model") / "tiny")
    return Loaded(family, files, family.load(files, DEVICE))


@pytest.fixture(params=list(WRITING), ids=str)
def task(request: pytest.FixtureRequest) -> Task:
    return request.param


def test_every_family_that_writes_has_a_builder() -> None:
    writers = [family for family in families.all().values() if family.SPEC.medium is Medium.TEXT]
    shipped = {family.SPEC.id for family in writers if getattr(family, "__name__", "").startswith("studio.")}
    assert set(BUILDERS) == shipped


def test_its_own_files_are_recognised(loaded: Loaded) -> None:
    assert families.recognise(loaded.files.config) == loaded.family.SPEC.id
    assert not loaded.family.recognises({})


def test_a_result_is_what_was_streamed(loaded: Loaded, task: Task, tmp_path: Path) -> None:
    ctx = Recorder(tmp_path)
    (artifact,) = loaded.family.run(loaded.model, loaded.request(task), ctx)
    data = (tmp_path / artifact.name).read_bytes()
    assert data.decode("utf-8") == ctx.text_so_far != ""
    assert artifact.blob.size == len(data)
    assert artifact.blob.media_type == "text/plain"
    assert artifact.metadata["finish"] in ("stop", "length")
    assert 1 <= artifact.metadata["tokens"] <= 24
    assert ctx.counts["written_tokens"] == artifact.metadata["tokens"]
    assert ctx.counts["context_tokens"] == 512
    assert ctx.counts["prompt_tokens"] > 0
    assert [step for step, _steps in ctx.steps] == sorted(step for step, _steps in ctx.steps)
    assert ctx.steps[-1] == (artifact.metadata["tokens"], 24)


def test_no_file_where_none_is_asked_for(loaded: Loaded, tmp_path: Path) -> None:
    ctx = Recorder(tmp_path)
    assert loaded.family.run(loaded.model, loaded.request(Task.INSTRUCT, keep=False), ctx) == []
    assert ctx.pieces
    assert not list(tmp_path.iterdir())


def test_same_seed_same_bytes(loaded: Loaded, task: Task, tmp_path: Path) -> None:
    """Also with other work in between, which must leave nothing behind."""

    def write(task: Task, **params: Any) -> str:
        ctx = Recorder(tmp_path)
        loaded.family.run(loaded.model, loaded.request(task, **params), ctx)
        return ctx.text_so_far

    first = write(task)
    write(Task.CONTINUE, prompt="Once upon a time a small red fox lived", seed=12)
    assert write(task) == first
    assert write(task, seed=13) != first


def test_cancel_stops_at_the_next_step(loaded: Loaded, tmp_path: Path) -> None:
    ctx = Recorder(tmp_path, cancel_after=3)
    request = loaded.request(Task.CONTINUE, max_new_tokens=400)
    with pytest.raises(Cancelled):
        loaded.family.run(loaded.model, request, ctx)
    assert time.monotonic() - ctx.cancelled < 2.0  # milliseconds on an idle machine
    assert len(ctx.pieces) == 3
    again = Recorder(tmp_path)
    assert loaded.family.run(loaded.model, loaded.request(Task.CONTINUE), again)


def test_cancel_before_the_first_word(loaded: Loaded, tmp_path: Path) -> None:
    ctx = Recorder(tmp_path, cancel_after=0)
    with pytest.raises(Cancelled):
        loaded.family.run(loaded.model, loaded.request(Task.CONTINUE), ctx)
    assert not ctx.pieces


def test_a_recipe_makes_it_again(loaded: Loaded, task: Task, tmp_path: Path) -> None:
    spec = loaded.family.SPEC
    request = spec.check(loaded.request(task))
    (artifact,) = loaded.family.run(loaded.model, request, Recorder(tmp_path))
    path = tmp_path / artifact.name
    carriers.embed(path, recipe_of(spec, request, device_kind="cpu"))

    recipe = carriers.extract(path)
    assert recipe.reproducible == "identical"
    params = loaded.family.upgrade(dict(recipe.params), recipe.family_version)
    again = Recorder(tmp_path)
    loaded.family.run(
        loaded.model, Request(recipe.medium, recipe.family, recipe.model, recipe.task, params, keep=False), again
    )
    assert again.text_so_far == path.read_text(encoding="utf-8")


def test_recipes_of_every_version_pass_through_upgrade(loaded: Loaded) -> None:
    """`tests/fixtures/recipes/<family>-<version>.json` is a recipe as that version wrote it."""
    spec = loaded.family.SPEC
    for version in range(1, spec.version + 1):
        path = Path(__file__).parents[1] / "fixtures" / "recipes" / f"{spec.id}-{version}.json"
        recipe = Recipe.loads(path.read_text(encoding="utf-8"))
        assert recipe.family_version == version
        params = loaded.family.upgrade(dict(recipe.params), version)
        spec.check(Request(recipe.medium, spec.id, recipe.model, recipe.task, params))


def test_the_library_takes_every_value_that_the_form_offers(loaded: Loaded, tmp_path: Path) -> None:
    for param in loaded.family.SPEC.params:
        task = Task(param.tasks[0]) if param.tasks else Task.CONTINUE
        for value in _ends(param):
            request = loaded.request(task, **{"max_new_tokens": 3, param.id: value})
            ctx = Recorder(tmp_path, cancel_after=8)
            try:
                loaded.family.run(loaded.model, request, ctx)
            except (AtelierError, Cancelled) as error:
                assert isinstance(error, Cancelled) or error.code == "nothing-written", (param.id, value)


def test_unknown_names_tasks_and_values_are_refused(loaded: Loaded, tmp_path: Path) -> None:
    spec = loaded.family.SPEC
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"guidance": 3}, "parameter-unknown"),
        ({"temperature": 99}, "value-out-of-range"),
        ({"prompt": " \n "}, "prompt-empty"),
        ({"prompt": "a\ud800"}, "text-not-clean"),
        ({"messages": []}, "parameter-unknown"),
    )
    for wrong, code in cases:
        with pytest.raises(InvalidInput) as refused:
            loaded.family.run(loaded.model, loaded.request(Task.CONTINUE, **wrong), Recorder(tmp_path))
        assert refused.value.code == code
    other = next(task for task in Task if task in spec.tasks)
    with pytest.raises(InvalidInput):
        spec.check(Request(Medium.IMAGE, spec.id, "m", other, {"size": 3}))


def test_text_that_does_not_fit_is_refused_with_its_size(loaded: Loaded, tmp_path: Path) -> None:
    request = loaded.request(Task.CONTINUE, prompt="The fox ran. " * 400)
    counted: Callable[..., dict[str, int]] = getattr(loaded.family, "count_tokens")  # noqa: B009
    counts = counted(loaded.model, request)
    assert counts["prompt"] > counts["context"] == 512
    ctx = Recorder(tmp_path)
    with pytest.raises(AtelierError) as refused:
        loaded.family.run(loaded.model, request, ctx)
    assert refused.value.code == "context-full"
    assert refused.value.arguments == {"count": counts["prompt"] + 16, "limit": 512}
    assert not ctx.pieces


def test_counted_tokens_are_the_ones_used(loaded: Loaded, task: Task, tmp_path: Path) -> None:
    ctx = Recorder(tmp_path)
    request = loaded.request(task)
    loaded.family.run(loaded.model, request, ctx)
    counted: Callable[..., dict[str, int]] = getattr(loaded.family, "count_tokens")  # noqa: B009
    assert counted(loaded.model, request) == {"prompt": ctx.counts["prompt_tokens"], "context": 512}


def test_the_estimate_holds_the_weights(loaded: Loaded) -> None:
    size = sum(path.stat().st_size for path in loaded.files.paths.values() if path.suffix in (".gguf", ".safetensors"))
    assert size < loaded.family.estimate(loaded.files, DEVICE) < size + (1 << 30)


def test_damaged_weights_are_refused_in_words(loaded: Loaded, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name, path in loaded.files.paths.items():
        data = path.read_bytes()
        (folder / name).write_bytes(data[:-1000] if path.suffix in (".gguf", ".safetensors") else data)
    paths = {name: folder / name for name in loaded.files.paths}
    files = ModelFiles("damaged", loaded.files.family, folder, paths, loaded.files.config, title="Damaged")
    with pytest.raises(AtelierError) as refused:
        loaded.family.load(files, DEVICE)
    assert refused.value.code == "model-not-readable"
    assert refused.value.arguments == {"model": "Damaged"}


def test_words_of_the_form_are_complete(loaded: Loaded) -> None:
    spec = loaded.family.SPEC
    json.dumps([param.default for param in spec.params])
    assert len({param.id for param in spec.params}) == len(spec.params)
    for param in spec.params:
        assert param.label
        assert i18n._(param.label) == param.label  # marked, not translated when the module was imported
        assert param.help or param.id == "messages"
        for task in spec.tasks:
            if param in spec.params_for(task) and param.id not in ("prompt", "messages"):
                assert param.check(param.default) == param.default


def _ends(param: Param) -> list[Any]:
    if isinstance(param, Choice):
        return [value for value, _label in param.choices]
    if isinstance(param, Flag):
        return [True, False]
    if isinstance(param, Integer | Number):
        return [param.minimum, param.maximum, param.default]
    return []
