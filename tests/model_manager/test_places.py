"""What is found where: known models before and after their download, parts, and what cannot be used."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio import families
from studio.core.errors import AtelierError
from studio.core.jobs import Medium
from studio.core.models import ModelInfo, ModelState
from studio.core.protocols import Family
from studio.families import repositories
from studio.model_manager.catalogue import Catalogue, entries, known_models, wanted_files
from tests.fakes.tiny_models import build_gguf
from tests.model_manager.caches import COMMIT, digest, gguf_bytes, put, record

QWEN, QWEN_FILE = "Qwen/Qwen3-4B-GGUF", "Qwen3-4B-Q4_K_M.gguf"
LLAMA = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}).encode()
REPOSITORY = {"config.json": LLAMA, "tokenizer.json": b"{}", "model.safetensors": b"weights"}


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "models", tmp_path / "hub", ())


def infos(catalogue: Catalogue) -> dict[str, ModelInfo]:
    return {info.id: info for info in catalogue.list()}


def here(catalogue: Catalogue) -> dict[str, ModelState]:
    return {info.id: info.state for info in catalogue.list() if info.origin not in ("", "starter")}


def test_known_models_are_listed_before_they_are_here(catalogue: Catalogue) -> None:
    listed = infos(catalogue)
    for family_id, known in known_models():
        info = listed[known["id"]]
        repository = known.get("repository", "")
        assert (info.state, info.family, info.repository) == (ModelState.NOT_INSTALLED, family_id, repository)
        assert info.title and info.description and info.license
        assert info.languages or info.medium not in (Medium.TEXT, Medium.SPEECH)
        assert info.memory > 0 or "starter" in known
    assert listed["meta-llama/Llama-3.2-1B-Instruct"].gated
    small, large = listed["Qwen/Qwen3-0.6B"], listed["Qwen/Qwen3-8B"]
    assert small.memory < large.memory
    assert large.memory_gpu < large.memory
    assert len(listed) == len({info.id for info in catalogue.list()})
    with pytest.raises(AtelierError) as refused:
        catalogue.files(QWEN)
    assert refused.value.code == "model-not-installed"


def test_a_known_model_keeps_its_id(catalogue: Catalogue) -> None:
    other = "Qwen3-4B-Q8_0.gguf"
    put(
        catalogue.hub_cache,
        QWEN,
        {QWEN_FILE: gguf_bytes(10), other: gguf_bytes(20), "config.json": LLAMA},
    )
    assert here(catalogue) == {QWEN: ModelState.INSTALLED, f"{QWEN}/{other}": ModelState.INSTALLED}
    info = infos(catalogue)[QWEN]
    assert (info.title, info.license, info.revision) == ("Qwen3 4B GGUF", "Apache-2.0", COMMIT)
    assert list(catalogue.files(QWEN).paths) == [QWEN_FILE]


def test_what_is_wanted_of_a_repository() -> None:
    names = [QWEN_FILE, "Qwen3-4B-Q8_0.gguf", "README.md", "mmproj-Q4_K_M.gguf"]
    known = entries.entry(QWEN)
    assert known and wanted_files(names, {}, known[1]) == (QWEN_FILE,)
    assert wanted_files(["README.md"], {}, known[1]) == ()
    assert wanted_files(["x-Q8_0.gguf", "x-Q4_K_M.gguf", "mmproj-x-Q4_K_M.gguf"], {}) == ("x-Q4_K_M.gguf",)
    config = json.loads(LLAMA)
    extra = ["original/consolidated.pth", "onnx/model.onnx", "pytorch_model.bin", "README.md", "model.gguf.txt"]
    assert set(wanted_files([*REPOSITORY, *extra], config)) == REPOSITORY.keys()
    assert wanted_files(["config.json", "tokenizer.json", "pytorch_model.bin"], config) == ()
    assert wanted_files([*REPOSITORY], {"model_type": "bert", "architectures": ["BertModel"]}) == ()


def test_parts_of_weights_and_of_gguf_files_belong_together() -> None:
    shards = [f"model-0000{part}-of-00002.safetensors" for part in (1, 2)]
    base = ["config.json", "tokenizer.model", "model.safetensors.index.json"]
    assert set(repositories.transformers_files([*base, *shards, "x.bin"])) == {*base, *shards}
    assert repositories.transformers_files([*base, shards[0]]) == ()
    big = [f"q/big-Q4_K_M-0000{part}-of-00002.gguf" for part in (1, 2)]
    assert repositories.gguf_files([*big, "big-Q8_0.gguf"]) == tuple(big)
    assert repositories.gguf_files([big[0], "big-Q8_0.gguf"]) == ("big-Q8_0.gguf",)
    assert repositories.is_pickled_only(["a.bin", "config.json"])
    assert not repositories.is_pickled_only(["a.bin", "a.safetensors"])
    assert not repositories.is_pickled_only(["config.json"])


def test_only_what_is_verified_of_our_downloads_is_offered(catalogue: Catalogue) -> None:
    files = {"Qwen3-4B-Q4_K_M.gguf": gguf_bytes(10), "other.gguf": gguf_bytes(20)}
    put(catalogue.hub_cache, QWEN, files)
    record(catalogue.models_dir, QWEN, QWEN, {QWEN_FILE: files[QWEN_FILE]}, set())
    assert here(catalogue) == {f"{QWEN}/other.gguf": ModelState.INSTALLED, QWEN: ModelState.PARTIAL}
    partial = infos(catalogue)[QWEN]
    assert (partial.missing, partial.size) == ((QWEN_FILE,), len(files[QWEN_FILE]))
    record(catalogue.models_dir, QWEN, QWEN, {QWEN_FILE: files[QWEN_FILE]}, {QWEN_FILE})
    assert here(catalogue)[QWEN] is ModelState.INSTALLED


def test_a_download_under_way_is_listed_by_what_has_arrived(catalogue: Catalogue) -> None:
    folder = catalogue.hub_cache / "models--org--new" / "blobs"
    folder.mkdir(parents=True)
    record(catalogue.models_dir, "org/new", "org/new", REPOSITORY, set())
    assert "org/new" not in here(catalogue)
    (folder / digest(LLAMA)).write_bytes(LLAMA)
    (folder / f"{digest(b'weights')}.atelier.incomplete").write_bytes(b"wei")
    info = infos(catalogue)["org/new"]
    assert (info.state, info.family, info.repository) == (ModelState.PARTIAL, "causal-lm", "org/new")
    assert not info.usable


def test_known_revisions_are_found_by_their_refs(catalogue: Catalogue) -> None:
    config = json.dumps({"model_type": "speecht5", "architectures": ["SpeechT5ForTextToSpeech"]}).encode()
    files = {"config.json": config, "spm_char.model": b"s"}
    put(catalogue.hub_cache, "microsoft/speecht5_tts", {**files, "pytorch_model.bin": b"p"}, "a" * 40)
    info = infos(catalogue)["microsoft/speecht5_tts"]
    assert (info.usable, info.problem) == (False, "model-pickled")
    with pytest.raises(AtelierError) as refused:
        catalogue.files(info.id)
    assert "SpeechT5" in str(refused.value)
    put(catalogue.hub_cache, info.id, {**files, "model.safetensors": b"w"}, "b" * 40, ref="refs/pr/28")
    info = infos(catalogue)["microsoft/speecht5_tts"]
    assert (info.usable, info.revision, info.problem) == (True, "b" * 40, "")


def test_what_needs_code_of_its_own_is_refused_with_the_reason(catalogue: Catalogue) -> None:
    config = {"architectures": ["OddForCausalLM"], "model_type": "odd", "auto_map": {"AutoModelForCausalLM": "odd.Odd"}}
    put(catalogue.hub_cache, "org/odd", {**REPOSITORY, "config.json": json.dumps(config).encode(), "odd.py": b"evil"})
    info = infos(catalogue)["org/odd"]
    assert (info.usable, info.problem) == (False, "model-needs-code")
    with pytest.raises(AtelierError) as refused:
        catalogue.files("org/odd")
    assert refused.value.code == "model-needs-code"


def test_pipelines_of_several_parts_are_whole_or_not_offered(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = Family(id="pipeline", version=1, medium=Medium.TEXT, title="P", tasks=(), params=())
    family = SimpleNamespace(
        SPEC=spec,
        recognises=lambda config: config.get("_class_name") == "TinyPipeline",
        estimate=lambda files, device: sum(path.stat().st_size for path in files.paths.values()),
    )
    monkeypatch.setitem(families.all(), "pipeline", family)  # type: ignore[arg-type]
    index = {"_class_name": "TinyPipeline", "unet": ["diffusers", "UNet"], "vae": ["diffusers", "VAE"]}
    index |= {"scheduler": ["diffusers", "S"], "safety_checker": [None, None], "force_zeros": True}
    shard = "diffusion_pytorch_model-00001-of-00001.safetensors"
    files = {
        "model_index.json": json.dumps(index).encode(),
        "unet/config.json": b"{}",
        "unet/model.safetensors.index.json": json.dumps({"weight_map": {"a": shard}}).encode(),
        f"unet/{shard}": b"1",
        "vae/config.json": b"{}",
        "vae/model.safetensors": b"22",
        "scheduler/scheduler_config.json": b"{}",
    }
    shown = put(catalogue.hub_cache, "org/pipe", files)
    assert here(catalogue) == {"org/pipe": ModelState.INSTALLED}
    assert catalogue.files("org/pipe").paths["vae/model.safetensors"] == shown / "vae" / "model.safetensors"
    assert catalogue.files("org/pipe").config["_class_name"] == "TinyPipeline"
    for name in files:
        link = shown / name
        target = os.readlink(link)
        link.unlink()
        assert here(catalogue) == {}, name
        link.symlink_to(target)
    assert here(catalogue) == {"org/pipe": ModelState.INSTALLED}


def test_other_studios_models_are_used_in_place(tmp_path: Path) -> None:
    root = tmp_path / "ComfyUI"
    gguf = build_gguf(root / "models" / "text").only(".gguf")
    catalogue = Catalogue(tmp_path / "models", tmp_path / "hub", [root, tmp_path / "gone"])
    (info,) = [info for info in catalogue.list() if info.origin == "folder"]
    assert (info.id, info.usable, info.context) == ("folder/ComfyUI/models/text/tiny", True, 512)
    assert catalogue.files(info.id).only(".gguf") == gguf
    gguf.unlink()
    assert not [info for info in catalogue.list() if info.origin == "folder"]


def test_the_folders_in_the_settings_are_followed(home: Path) -> None:
    catalogue = Catalogue(home / "models", home / "hub")
    build_gguf(home / "Studio")
    assert not [info for info in catalogue.list() if info.origin == "folder"]
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "settings.json").write_text(json.dumps({"model_folders": [str(home / "Studio"), 5]}))
    assert [info.id for info in catalogue.list() if info.origin == "folder"] == ["folder/Studio/tiny"]
    (home / "config" / "settings.json").write_text("{damaged")
    assert not [info for info in catalogue.list() if info.origin == "folder"]


def test_many_threads_see_one_list_while_files_come_and_go(catalogue: Catalogue) -> None:
    shown = put(catalogue.hub_cache, "org/one", {"a.gguf": gguf_bytes(10), "b.gguf": gguf_bytes(20)})
    raised: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                names = set(here(catalogue))
                assert names <= {"org/one/a.gguf", "org/one/b.gguf"}
                assert "org/one/a.gguf" in names
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=look) for _number in range(3)]
    for thread in threads:
        thread.start()
    target = os.readlink(shown / "b.gguf")
    for _turn in range(10):
        (shown / "b.gguf").unlink()
        (shown / "b.gguf").symlink_to(target)
    done.set()
    for thread in threads:
        thread.join()
    assert raised == []


NAMES = ["config.json", "tokenizer.json", "model.safetensors", "a.gguf", QWEN_FILE, "pytorch_model.bin", "x/y.json"]
CONTENTS: dict[str, list[Any]] = {
    "whole": [LLAMA, b"{}", b"w", gguf_bytes(3), gguf_bytes(4), b"p", b"{}"],
    "empty": [b""] * len(NAMES),
    "odd": [b'{"architectures": 5}', b"\xff", b"[" * 3000, b"GGUF" + b"\xff" * 40, b"GGUF", b"{", b'{"weight_map": 1}'],
}
FILE = st.tuples(st.integers(0, len(NAMES) - 1), st.sampled_from(sorted(CONTENTS)), st.sampled_from("fldo"))
TREE = st.lists(st.tuples(st.sampled_from([QWEN, "org/m", "Qwen/Qwen3-4B"]), st.lists(FILE, max_size=6)), max_size=3)


@settings(max_examples=60, deadline=None)
@given(TREE, st.sampled_from(["", COMMIT, "gone", "\xff"]), st.sampled_from(["", "{", "[]", '{"files": 5}']))
def test_no_cache_stops_the_list_or_offers_a_half(tree: Any, ref: str, manifest: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for repository, files in tree:
            shown = put(root / "hub", repository, {}, ref=None)
            (shown.parents[1] / "refs").mkdir(exist_ok=True)
            (shown.parents[1] / "refs" / "main").write_text(ref or COMMIT, encoding="utf-8")
            for index, kind, way in files:
                _place(root, shown, NAMES[index], CONTENTS[kind][index], way)
        if manifest:
            path = root / "models" / "manifests" / f"org--m@{COMMIT}.json"
            path.parent.mkdir(parents=True)
            path.write_text(manifest)
        catalogue = Catalogue(root / "models", root / "hub", ())
        for info in catalogue.list():
            if info.origin == "hub" and info.usable:
                files = catalogue.files(info.id)
                assert files.paths
                for path in files.paths.values():
                    assert path.is_file()
                    assert (root / "hub").resolve() in path.resolve().parents
                    assert path.read_bytes() in CONTENTS["whole"] or path.suffix != ".gguf"
                if info.family == "causal-lm":
                    assert {"config.json", "tokenizer.json", "model.safetensors"} <= files.paths.keys()


def _place(root: Path, shown: Path, name: str, data: bytes, way: str) -> None:
    """A file, a link to a blob, a dangling link, or a link out of the cache."""
    path = shown / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        return
    blob = {"l": shown.parents[1] / "blobs" / digest(data), "o": root / f"outside-{digest(data)}"}.get(way, path)
    if way == "d":
        path.symlink_to("../../blobs/none")
        return
    blob.write_bytes(data)
    if blob != path:
        path.symlink_to(blob)
