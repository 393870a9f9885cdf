"""What lies on this computer and cannot be used: it is listed with the reason, counted, and can be removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.core.errors import explain
from studio.core.jobs import Medium
from studio.core.models import ModelInfo, ModelState
from studio.model_manager import disk
from studio.model_manager.catalogue import Catalogue, known_models
from tests.model_manager.caches import bytes_below, gguf_bytes, put, record

TENSORS = b'{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
WEIGHTS = len(TENSORS).to_bytes(8, "little") + TENSORS + b"1234"
NO_TOKENIZER = gguf_bytes(500).replace(b"tokenizer.ggml.model", b"tokenizer.ggml.other")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "models", tmp_path / "hub", [])


def here(catalogue: Catalogue) -> dict[str, ModelInfo]:
    return {info.id: info for info in catalogue.list() if info.here and info.origin != "starter"}


def test_a_gguf_of_the_hub_that_cannot_be_used(catalogue: Catalogue) -> None:
    known_id, pattern = next(
        (known["id"], known["files"][0]) for _family, known in known_models() if known["id"].endswith("-GGUF")
    )
    for repository, model, name in (
        ("org/new", "org/new/new-Q4_K_M.gguf", "new-Q4_K_M.gguf"),
        (known_id, known_id, pattern.replace("*", "x")),
    ):
        files = {name: NO_TOKENIZER, "LICENSE": b"mine"}
        put(catalogue.hub_cache, repository, files)
        record(catalogue.models_dir, repository, model, {name: NO_TOKENIZER}, {name})
        info = here(catalogue)[model]
        assert (info.problem, info.usable, info.size) == ("gguf-writes-nothing", False, len(NO_TOKENIZER))
        words = explain(info.problem, {"model": info.title}).text
        assert info.title in words
        assert "Remove it" in words
        (row,) = [row for row in disk.usage(catalogue)["models"] if row["id"] == model]
        assert (row["size"], row["removable"]) == (len(NO_TOKENIZER), True)
        assert disk.remove(catalogue, [model])["freed"] == row["frees"] >= len(NO_TOKENIZER)
        assert here(catalogue) == {}
        assert bytes_below(catalogue.hub_cache) == 0


def test_beside_a_good_file_only_the_useless_one_is_removed(catalogue: Catalogue) -> None:
    files = {"a.gguf": gguf_bytes(50), "b.gguf": NO_TOKENIZER}
    shown = put(catalogue.hub_cache, "org/two", files)
    record(catalogue.models_dir, "org/two", "org/two/b.gguf", files, {"a.gguf", "b.gguf"})
    assert disk.remove(catalogue, ["org/two/b.gguf"])["freed"] == len(NO_TOKENIZER)
    assert {name: info.usable for name, info in here(catalogue).items()} == {"org/two/a.gguf": True}
    assert (shown / "a.gguf").read_bytes() == files["a.gguf"]


def test_what_other_programs_keep_is_no_concern(catalogue: Catalogue) -> None:
    put(catalogue.hub_cache, "org/theirs", {"mmproj.gguf": NO_TOKENIZER})
    assert here(catalogue) == {}


def test_imported_weights_that_nothing_can_use(catalogue: Catalogue) -> None:
    imported, converted = catalogue.models_dir / "imported", catalogue.models_dir / "converted"
    imported.mkdir(parents=True)
    (converted / "plain").mkdir(parents=True)
    (imported / "ink.safetensors").write_bytes(WEIGHTS)
    (imported / "ink.json").write_text(json.dumps({"kind": "lora", "config": {"lora": ""}}))
    (imported / "half.gguf").write_bytes(gguf_bytes(90)[:60])
    (converted / "plain" / "plain.safetensors").write_bytes(WEIGHTS)
    config = {"single_file": "", "part": "pipeline"}
    (converted / "plain.json").write_text(json.dumps({"kind": "checkpoint", "config": config}))
    found = here(catalogue)
    problems = {name: (info.problem, info.medium, info.state) for name, info in found.items()}
    assert problems == {
        "imported/ink": ("model-kind-unknown", Medium.IMAGE, ModelState.NOT_INSTALLED),
        "imported/half": ("gguf-damaged", Medium.TEXT, ModelState.NOT_INSTALLED),
        "converted/plain": ("model-kind-unknown", Medium.IMAGE, ModelState.NOT_INSTALLED),
    }
    usage = disk.usage(catalogue)
    assert usage["media"]["image"] == 2 * len(WEIGHTS)
    assert disk.removal(catalogue, [*found])["frees"] == bytes_below(catalogue.models_dir)
    disk.remove(catalogue, [*found])
    assert here(catalogue) == {}
    assert bytes_below(catalogue.models_dir) == 0


def test_what_was_converted_is_used_when_its_kind_is_known(catalogue: Catalogue) -> None:
    folder = catalogue.models_dir / "converted" / "sketch"
    folder.mkdir(parents=True)
    (folder / "sketch.safetensors").write_bytes(WEIGHTS)
    folder.with_name("sketch.json").write_text(json.dumps({"kind": "lora", "config": {"lora": "stable-diffusion-xl"}}))
    info = here(catalogue)["converted/sketch"]
    assert (info.usable, info.title, info.base) == (True, "sketch", "stable-diffusion-xl")
    disk.remove(catalogue, [info.id])
    assert bytes_below(catalogue.models_dir) == 0


def test_every_model_of_another_studio_is_shown_with_what_can_be_done(tmp_path: Path) -> None:
    root = tmp_path / "ComfyUI"
    (root / "models" / "loras").mkdir(parents=True)
    (root / "models" / "text").mkdir()
    (root / "models" / "loras" / "ink.safetensors").write_bytes(WEIGHTS)
    (root / "models" / "loras" / "old.ckpt").write_bytes(b"\x80\x02.")
    (root / "models" / "text" / "my writer.gguf").write_bytes(gguf_bytes(100))
    (root / "models" / "text" / "eyes.gguf").write_bytes(NO_TOKENIZER)
    catalogue = Catalogue(tmp_path / "models", tmp_path / "hub", [root])
    found = {info.title: info for info in here(catalogue).values()}
    assert {title: info.problem for title, info in found.items()} == {
        "ink": "model-kind-unknown",
        "old.ckpt": "model-pickled",
        "my writer": "",
        "eyes": "gguf-writes-nothing",
    }
    assert {info.folder for info in found.values()} == {"ComfyUI"}
    assert disk.usage(catalogue)["used"] == 0
    assert all(row["why"] == "model-not-ours" for row in disk.usage(catalogue)["models"])


def test_a_record_of_nothing_is_not_shown_and_frees_nothing(catalogue: Catalogue) -> None:
    files = {"a.gguf": gguf_bytes(10)}
    record(catalogue.models_dir, "org/gone", "org/gone/a.gguf", files, set())
    (catalogue.hub_cache / "models--org--gone" / "blobs").mkdir(parents=True)
    assert here(catalogue) == {}
    assert disk.usage(catalogue)["models"] == []
