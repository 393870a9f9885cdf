"""Every file against its hash: what is damaged is found, put aside, and has to come again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.errors import Cancelled, InvalidInput
from studio.core.models import ModelState
from studio.model_manager import starter
from studio.model_manager.catalogue import Catalogue
from studio.model_manager.downloads.store import Store
from studio.model_manager.hub.api import RemoteFile
from studio.model_manager.verifying import verify
from tests.model_manager.caches import COMMIT, digest, gguf_bytes, put, record


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "models", tmp_path / "hub", ())


def damage(path: Path) -> None:
    """Other bytes of the same size, in the blob itself."""
    data = path.read_bytes()
    path.resolve().write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def states(catalogue: Catalogue) -> dict[str, ModelState]:
    return {info.id: info.state for info in catalogue.list() if info.origin in ("hub", "imported")}


def test_blobs_are_checked_by_their_names(catalogue: Catalogue) -> None:
    shown = put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(100, 1), "b.gguf": gguf_bytes(200, 2)})
    small = gguf_bytes(5, 3)
    put(catalogue.hub_cache, "org/git", {"c.gguf": small})
    blobs = catalogue.hub_cache / "models--org--git" / "blobs"
    named = hashlib.sha1(b"blob %d\0" % len(small) + small).hexdigest()
    (blobs / digest(small)).rename(blobs / named)
    link = blobs.parent / "snapshots" / COMMIT / "c.gguf"
    link.unlink()
    link.symlink_to(os.path.relpath(blobs / named, link.parent))
    seen: list[tuple[int, int]] = []
    found = verify(catalogue, progress=lambda done, total, name: seen.append((done, total)))
    assert sorted(found["whole"]) == ["org/git/c.gguf", "org/one/a.gguf", "org/one/b.gguf"]
    assert (found["damaged"], found["unknown"]) == ({}, [])
    total = 3 * len(gguf_bytes()) + 305
    assert seen[-1] == (total, total)
    damage(shown / "b.gguf")
    damage(link)
    found = verify(catalogue)
    assert found["whole"] == ["org/one/a.gguf"]
    assert found["damaged"] == {"org/git/c.gguf": ["c.gguf"], "org/one/b.gguf": ["b.gguf"]}
    assert list(states(catalogue)) == ["org/one/a.gguf"]
    assert (blobs / f"{named}.damaged").exists()
    from huggingface_hub import scan_cache_dir

    assert scan_cache_dir(catalogue.hub_cache).warnings == []


def test_our_own_downloads_are_damaged_until_a_part_has_come_again(catalogue: Catalogue) -> None:
    files = {"a.gguf": gguf_bytes(100, 1), "b.gguf": gguf_bytes(200, 2)}
    shown = put(catalogue.hub_cache, "org/one", files)
    record(catalogue.models_dir, "org/one", "org/one/b.gguf", files, set(files))
    damage(shown / "b.gguf")
    assert verify(catalogue, ["org/one/b.gguf"])["damaged"] == {"org/one/b.gguf": ["b.gguf"]}
    assert states(catalogue) == {"org/one/a.gguf": ModelState.INSTALLED, "org/one/b.gguf": ModelState.DAMAGED}
    store = Store(catalogue.hub_cache, catalogue.models_dir)
    (manifest,) = store.manifests()
    assert {row.file.name: row.verified for row in manifest.files} == {"a.gguf": True, "b.gguf": False}
    store.part("org/one", RemoteFile("b.gguf", 200, digest(files["b.gguf"]))).write_bytes(b"come")
    assert states(catalogue)["org/one/b.gguf"] is ModelState.PARTIAL


def test_a_damaged_file_of_several_models_is_told_as_one(catalogue: Catalogue) -> None:
    data = gguf_bytes(100, 1)
    first, second = (put(catalogue.hub_cache, repository, {"a.gguf": data}) for repository in ("org/one", "org/two"))
    blob = (second / "a.gguf").resolve()
    blob.unlink()
    os.link((first / "a.gguf").resolve(), blob)
    damage(first / "a.gguf")
    found = verify(catalogue)
    assert found["damaged"] == {"org/one/a.gguf": ["a.gguf"], "org/two/a.gguf": ["a.gguf"]}
    assert found["files"] == [{"name": "a.gguf", "models": ["org/one/a.gguf", "org/two/a.gguf"]}]


def test_a_damaged_repository_of_another_program_is_shown_as_damaged(catalogue: Catalogue) -> None:
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    files = {"config.json": json.dumps(config).encode(), "tokenizer.json": b"{}", "model.safetensors": b"w" * 50}
    shown = put(catalogue.hub_cache, "org/llama", files)
    damage(shown / "model.safetensors")
    assert verify(catalogue, ["org/llama"])["damaged"] == {"org/llama": ["model.safetensors"]}
    assert states(catalogue) == {"org/llama": ModelState.DAMAGED}


def test_imported_files_are_checked_by_their_descriptions(catalogue: Catalogue) -> None:
    folder = catalogue.models_dir / "imported"
    folder.mkdir(parents=True)
    for name in ("good", "bad", "plain"):
        (folder / f"{name}.gguf").write_bytes(gguf_bytes(10))
    for name, data in (("good", gguf_bytes(10)), ("bad", b"other")):
        (folder / f"{name}.json").write_text(json.dumps({"sha256": digest(data), "file": f"{name}.gguf"}))
    found = verify(catalogue)
    assert found == {
        "whole": ["imported/good"],
        "damaged": {"imported/bad": ["bad.gguf"]},
        "unknown": ["imported/plain"],
        "files": [{"name": "bad.gguf", "models": ["imported/bad"]}],
    }
    assert (folder / "bad.gguf").exists()  # the user's own file is only told of


def test_a_damaged_starter_file_can_be_restored(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    data = gguf_bytes(40)
    item = next(item for item in starter.items() if item.folder == "smollm2-135m-instruct")
    item = replace(item, files=(starter.StarterFile(("m",), "m.gguf", len(data), digest(data)),))
    monkeypatch.setattr(starter, "items", lambda description=None: (item,))
    folder = starter.folder_of(item, catalogue.models_dir)
    folder.mkdir(parents=True)
    (folder / "m.gguf").write_bytes(data)
    assert verify(catalogue, [item.folder])["whole"] == [item.folder]
    damage(folder / "m.gguf")
    assert verify(catalogue, [item.folder])["damaged"] == {item.folder: ["m.gguf"]}
    assert starter.missing(catalogue.models_dir) == [item]
    info = next(info for info in catalogue.list() if info.id == item.folder)
    assert (info.state, info.missing) == (ModelState.NOT_INSTALLED, ("m.gguf",))


def test_a_file_outside_is_never_put_aside(catalogue: Catalogue, tmp_path: Path) -> None:
    """A record may claim anything of a file that is a link elsewhere in the cache."""
    one = put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(10)})
    two = put(catalogue.hub_cache, "org/two", {"b.gguf": gguf_bytes(20)})
    (two / "b.gguf").unlink()
    (two / "b.gguf").symlink_to(os.path.relpath((one / "a.gguf").resolve(), two))
    record(catalogue.models_dir, "org/two", "org/two/b.gguf", {"b.gguf": b"what it says"}, {"b.gguf"})
    assert verify(catalogue, ["org/two/b.gguf"])["damaged"]
    assert verify(catalogue, ["org/one/a.gguf"])["whole"] == ["org/one/a.gguf"]


def test_it_can_be_stopped_and_knows_its_models(catalogue: Catalogue) -> None:
    put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(100)})
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        verify(catalogue, stop=stop)
    with pytest.raises(InvalidInput):
        verify(catalogue, ["no/such"])


def test_a_file_that_vanishes_meanwhile_counts_as_damaged(catalogue: Catalogue) -> None:
    shown = put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(100), "b.gguf": gguf_bytes(200)})

    def vanish(done: int, total: int, name: str) -> None:
        shutil.rmtree(shown.parents[1] / "blobs", ignore_errors=True)

    assert len(verify(catalogue, progress=vanish)["damaged"]) == 1
    assert states(catalogue) == {}
