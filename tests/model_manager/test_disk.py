"""What takes space, what removing gives back, and what is never touched."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.models import ModelState
from studio.model_manager import disk, starter
from studio.model_manager.catalogue import Catalogue
from studio.model_manager.downloads.store import Store
from studio.model_manager.uses import Uses
from tests.fakes.tiny_models import build_gguf
from tests.model_manager.caches import COMMIT, bytes_below, digest, gguf_bytes, put, record

OTHER = "f" * 40


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    (tmp_path / "hub").mkdir()
    (tmp_path / "models").mkdir()
    return Catalogue(tmp_path / "models", tmp_path / "hub", ())


def ids(catalogue: Catalogue) -> list[str]:
    return [info.id for info in catalogue.list() if info.usable]


def test_usage_by_medium_with_the_last_use(catalogue: Catalogue) -> None:
    put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(100), "b.gguf": gguf_bytes(200)})
    imported = catalogue.models_dir / "imported"
    imported.mkdir()
    (imported / "mine.gguf").write_bytes(gguf_bytes(50))
    (catalogue.hub_cache / "models--org--one" / "blobs" / f"{'e' * 64}.atelier.incomplete").write_bytes(b"123")
    uses = Uses(catalogue.models_dir)
    uses.hold(["imported/mine"])
    found = disk.usage(catalogue, 5000)
    assert found["limit"] == 5000
    assert found["parts"] == 3
    assert 0 < found["free"] <= found["total"]
    base = len(gguf_bytes())
    assert found["media"] == {"text": 3 * base + 350}
    assert found["used"] == 3 * base + 350
    rows = {row["id"]: row for row in found["models"]}
    assert rows["org/one/b.gguf"]["frees"] == rows["org/one/b.gguf"]["size"] == base + 200
    assert (rows["org/one/a.gguf"]["last_used"], rows["org/one/a.gguf"]["removable"]) == (0, True)
    mine = rows["imported/mine"]
    assert mine["last_used"] > 0
    assert (mine["removable"], mine["why"], mine["frees"]) == (False, "model-in-use", 0)
    uses.close()
    assert disk.usage(catalogue)["models"][-1]["removable"]


def test_one_of_several_files_goes_and_shared_blobs_stay(catalogue: Catalogue) -> None:
    shared, alone = gguf_bytes(300), gguf_bytes(400)
    put(catalogue.hub_cache, "org/one", {"old.gguf": shared}, OTHER, ref=None)
    put(catalogue.hub_cache, "org/one", {"a.gguf": shared, "b.gguf": alone, "c.gguf": gguf_bytes(10)})
    assert ids(catalogue) == ["org/one/a.gguf", "org/one/b.gguf", "org/one/c.gguf"]
    assert disk.removal(catalogue, ["org/one/a.gguf"])["frees"] == 0
    assert disk.removal(catalogue, ["org/one/b.gguf"])["frees"] == len(alone)
    done = disk.remove(catalogue, ["org/one/a.gguf", "org/one/b.gguf"])
    assert done == {"freed": len(alone), "removed": ["org/one/a.gguf", "org/one/b.gguf"], "kept": []}
    assert ids(catalogue) == ["org/one/c.gguf"]
    assert (catalogue.hub_cache / "models--org--one" / "snapshots" / OTHER / "old.gguf").read_bytes() == shared


def test_a_cache_behind_a_link_is_the_same(catalogue: Catalogue, tmp_path: Path) -> None:
    """A user's cache often lies on another disk."""
    put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(100), "b.gguf": gguf_bytes(200)})
    (tmp_path / "linked").symlink_to(catalogue.hub_cache, target_is_directory=True)
    catalogue = Catalogue(catalogue.models_dir, tmp_path / "linked", ())
    assert disk.remove(catalogue, ["org/one/b.gguf"])["freed"] == len(gguf_bytes(200))
    assert ids(catalogue) == ["org/one/a.gguf"]
    disk.remove(catalogue, ["org/one/a.gguf"])
    assert not list((tmp_path / "linked").glob("models--*"))


def test_the_last_model_of_a_repository_takes_everything_with_it(catalogue: Catalogue) -> None:
    files = {"a.gguf": gguf_bytes(100), "README.md": b"words"}
    put(catalogue.hub_cache, "org/one", files)
    put(catalogue.hub_cache, "org/two", {"a.gguf": gguf_bytes(100)})  # the same commit's name: nothing of it goes
    record(catalogue.models_dir, "org/one", "org/one", files, set(files))
    folder = catalogue.hub_cache / "models--org--one"
    (folder / "blobs" / f"{'e' * 64}.incomplete").write_bytes(b"12345")
    expected = bytes_below(folder)
    assert disk.removal(catalogue, ["org/one/a.gguf"])["frees"] == expected
    disk.remove(catalogue, ["org/one/a.gguf"])
    assert not folder.exists()
    assert not list((catalogue.models_dir / "manifests").iterdir())
    assert ids(catalogue) == ["org/two/a.gguf"]


def test_a_hard_link_elsewhere_frees_nothing(catalogue: Catalogue) -> None:
    data = gguf_bytes(100)
    put(catalogue.hub_cache, "org/one", {"a.gguf": data})
    put(catalogue.hub_cache, "org/two", {"a.gguf": data})
    blobs = [catalogue.hub_cache / f"models--org--{name}" / "blobs" / digest(data) for name in ("one", "two")]
    blobs[1].unlink()
    os.link(*blobs)
    ref = len(COMMIT)
    assert disk.removal(catalogue, ["org/one/a.gguf"])["frees"] == ref
    # Together they free the content once; apart each step keeps its promise.
    before = bytes_below(catalogue.hub_cache)
    done = disk.remove(catalogue, ["org/one/a.gguf", "org/two/a.gguf"])
    assert before - bytes_below(catalogue.hub_cache) == len(data) + 2 * ref
    assert done["freed"] <= len(data) + 2 * ref


def test_a_part_downloaded_model_can_be_removed(catalogue: Catalogue) -> None:
    whole, part = gguf_bytes(100), gguf_bytes(900)
    put(catalogue.hub_cache, "org/one", {"a.gguf": whole})
    record(catalogue.models_dir, "org/one", "org/one/b.gguf", {"a.gguf": whole, "b.gguf": part}, {"a.gguf"})
    unfinished = catalogue.hub_cache / "models--org--one" / "blobs" / f"{digest(part)}.atelier.incomplete"
    unfinished.write_bytes(part[:333])
    partial = next(info for info in catalogue.list() if info.id == "org/one/b.gguf")
    assert (partial.state, partial.missing) == (ModelState.PARTIAL, ("b.gguf",))
    assert disk.removal(catalogue, [partial.id])["frees"] == 333
    disk.remove(catalogue, [partial.id])
    assert not unfinished.exists()
    assert ids(catalogue) == ["org/one/a.gguf"]
    assert [info for info in catalogue.list() if info.id == partial.id] == []
    (manifest,) = Store(catalogue.hub_cache, catalogue.models_dir).manifests()
    assert [row.file.name for row in manifest.files] == ["a.gguf"]
    assert manifest.complete


def test_links_never_lead_a_removal_out_of_its_place(catalogue: Catalogue, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    for name in ("a.gguf", "b.gguf"):
        (precious / name).write_bytes(gguf_bytes(10))
    # blobs that are links out of the cache, a snapshot that names a file outside, a repository that is a link
    shown = put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(5), "b.gguf": gguf_bytes(6)})
    (shown / "evil.gguf").symlink_to(precious / "a.gguf")
    (catalogue.hub_cache / "models--org--two").symlink_to(precious, target_is_directory=True)
    three = put(catalogue.hub_cache, "org/three", {"a.gguf": gguf_bytes(7), "b.gguf": gguf_bytes(8)}).parents[1]
    (three / "blobs").rename(tmp_path / "outside")
    (three / "blobs").symlink_to(tmp_path / "outside", target_is_directory=True)
    imported = catalogue.models_dir / "imported"
    imported.mkdir()
    (imported / "linked.gguf").symlink_to(precious / "b.gguf")
    assert "imported/linked" in ids(catalogue)
    before = {path: path.read_bytes() for path in (*precious.iterdir(), *(tmp_path / "outside").iterdir())}
    everything = [info.id for info in catalogue.list() if info.usable]
    assert disk.removal(catalogue, ["imported/linked"])["frees"] == 0
    for model in everything:
        disk.remove(catalogue, [model])
    assert {path: path.read_bytes() for path in before} == before
    assert ids(catalogue) == []
    assert not (imported / "linked.gguf").is_symlink()


def test_imported_models_go_with_their_descriptions(catalogue: Catalogue) -> None:
    imported = catalogue.models_dir / "imported"
    (imported / "several").mkdir(parents=True)
    (imported / "mine.gguf").write_bytes(gguf_bytes(50))
    (imported / "mine.json").write_text("{}")
    (imported / "notes.json").write_text("{}")
    for name in ("a.gguf", "b.gguf"):
        (imported / "several" / name).write_bytes(gguf_bytes(60))
    assert disk.remove(catalogue, ["imported/mine"])["freed"] == len(gguf_bytes(50)) + 2
    disk.remove(catalogue, ["imported/several/a.gguf"])
    assert ids(catalogue) == ["imported/several/b.gguf"]
    disk.remove(catalogue, ["imported/several/b.gguf"])
    assert [path.name for path in imported.iterdir()] == ["notes.json"]


def test_what_is_kept_and_why(catalogue: Catalogue, tmp_path: Path) -> None:
    studio = tmp_path / "ComfyUI" / "models" / "checkpoints"
    studio.mkdir(parents=True)
    build_gguf(studio)  # it is looked into by the reader of untrusted files
    catalogue = Catalogue(catalogue.models_dir, catalogue.hub_cache, [tmp_path / "ComfyUI"])
    put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(5)})
    uses = Uses(catalogue.models_dir)
    uses.hold(["org/one/a.gguf"])
    (theirs,) = [info.id for info in catalogue.list() if info.origin == "folder"]
    done = disk.remove(catalogue, ["org/one/a.gguf", theirs, "Qwen/Qwen3-4B"])
    assert {row["id"]: row["why"] for row in done["kept"]} == {
        "org/one/a.gguf": "model-in-use",
        theirs: "model-not-ours",
        "Qwen/Qwen3-4B": "model-not-installed",
    }
    assert (done["freed"], done["removed"]) == (0, [])
    assert set(ids(catalogue)) == {"org/one/a.gguf", theirs}
    row = next(row for row in disk.usage(catalogue)["models"] if row["id"] == theirs)
    assert not row["removable"]
    uses.close()
    with pytest.raises(InvalidInput):
        disk.removal(catalogue, ["no/such"])


def test_a_repository_that_is_being_written_waits(catalogue: Catalogue) -> None:
    put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(5)})
    with Store(catalogue.hub_cache, catalogue.models_dir).lock("org/one"):
        with pytest.raises(AtelierError) as refused:
            disk.remove(catalogue, ["org/one/a.gguf"])
    assert refused.value.code == "remove-downloading"
    assert "a.gguf" in str(refused.value)
    assert ids(catalogue) == ["org/one/a.gguf"]


def test_removal_can_be_stopped_between_two_models(catalogue: Catalogue) -> None:
    for name in ("one", "two"):
        put(catalogue.hub_cache, f"org/{name}", {"a.gguf": gguf_bytes(5)})
    stop = threading.Event()
    with pytest.raises(Cancelled):
        disk.remove(
            catalogue,
            ["org/one/a.gguf", "org/two/a.gguf"],
            progress=lambda done, total, name: stop.set(),
            stop=stop,
        )
    assert ids(catalogue) == ["org/two/a.gguf"]


def test_a_needed_repository_goes_with_the_only_model_that_needs_it(catalogue: Catalogue) -> None:
    vocoder = {"config.json": b"{}", "model.safetensors": b"12345"}
    config = {"model_type": "speecht5", "architectures": ["SpeechT5ForTextToSpeech"]}
    files = {"config.json": json.dumps(config).encode(), "spm_char.model": b"spm", "model.safetensors": b"weights"}
    put(catalogue.hub_cache, "microsoft/speecht5_tts", files, ref="refs/pr/28")
    put(catalogue.hub_cache, "microsoft/speecht5_hifigan", vocoder, OTHER, ref="refs/pr/1")
    assert ids(catalogue) == ["microsoft/speecht5_tts"]
    record(catalogue.models_dir, "microsoft/speecht5_hifigan", "microsoft/speecht5_tts", vocoder, set(vocoder), OTHER)
    disk.remove(catalogue, ["microsoft/speecht5_tts"])
    assert not list(catalogue.hub_cache.glob("models--*"))


def test_the_starter_can_be_removed(catalogue: Catalogue) -> None:
    item = next(item for item in starter.items() if item.folder == "hibari-heart")
    folder = starter.folder_of(item, catalogue.models_dir)
    folder.mkdir(parents=True)
    for file in item.files:
        (folder / file.name).write_bytes(bytes(file.size))
    assert disk.removal(catalogue, ["hibari-heart"])["frees"] == sum(file.size for file in item.files)
    disk.remove(catalogue, ["hibari-heart"])
    info = next(info for info in catalogue.list() if info.id == "hibari-heart")
    assert (info.state, folder.exists()) == (ModelState.NOT_INSTALLED, False)


REVISIONS = st.lists(
    st.dictionaries(
        st.sampled_from(["a.gguf", "b.gguf", "sub/c.gguf", "README.md", "config.json"]),
        st.integers(0, 5),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=3,
)


@contextmanager
def _cache(repositories: list[list[dict[str, int]]], junk: int) -> Iterator[Catalogue]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for number, revisions in enumerate(repositories):
            for index, files in enumerate(revisions):
                contents = {file: gguf_bytes(100 * mark, mark) for file, mark in files.items()}
                commit = f"{index}" * 40
                put(root / "hub", f"org/m{number}", contents, commit, ref="main" if index == 0 else None)
            if junk & 1 << number:
                blobs = root / "hub" / f"models--org--m{number}" / "blobs"
                (blobs / f"{'e' * 64}.incomplete").write_bytes(b"x" * 77)
        yield Catalogue(root / "models", root / "hub", ())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(REVISIONS, min_size=1, max_size=3), st.integers(0, 7), st.data())
def test_removal_frees_exactly_what_was_promised(repositories: Any, junk: int, data: st.DataObject) -> None:
    with _cache(repositories, junk) as catalogue:
        there = ids(catalogue)
        if not there:
            return
        chosen = data.draw(st.lists(st.sampled_from(there), min_size=1, unique=True))
        before = bytes_below(catalogue.hub_cache)
        promised = disk.removal(catalogue, chosen)["frees"]
        done = disk.remove(catalogue, chosen)
        after = bytes_below(catalogue.hub_cache / ".locks") if (catalogue.hub_cache / ".locks").exists() else 0
        assert before - (bytes_below(catalogue.hub_cache) - after) == promised == done["freed"]
        assert not set(chosen) & set(ids(catalogue))
        assert set(there) - set(chosen) <= set(ids(catalogue))
