"""Bringing files and folders into the models folder."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from studio.core.errors import AtelierError, Cancelled
from studio.model_manager.trust import importing
from studio.model_manager.trust.importing import details_of, import_file, safe_name
from studio.model_manager.trust.inspection import inspect
from tests.fakes import malicious

LORA = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
Usage = namedtuple("Usage", "total used free")


def write_lora(path: Path, value: float = 1.0) -> Path:
    tensors = {f"{LORA}.lora_down.weight": torch.full((8, 768), value), f"{LORA}.lora_up.weight": torch.ones(320, 8)}
    save_file(tensors, path)
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def repository(llama: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(llama, tmp_path / "tiny llama"))


def test_imports_a_lora_and_says_what_it_is(tmp_path: Path, models: Path) -> None:
    source = write_lora(tmp_path / "水彩风格.safetensors")
    before = (source.read_bytes(), source.stat().st_mtime_ns)
    told: list[tuple[int, int]] = []
    model = import_file(source, models, progress=lambda done, total: told.append((done, total)))
    assert model == models / "imported" / "水彩风格.safetensors"
    assert model.read_bytes() == before[0] and (source.read_bytes(), source.stat().st_mtime_ns) == before
    assert told[-1] == (source.stat().st_size, source.stat().st_size)
    details = json.loads(details_of(model).read_text(encoding="utf-8"))
    assert (details["kind"], details["architecture"]) == ("lora", "stable-diffusion-1")
    assert details["config"] == {"lora": "stable-diffusion-1"} and len(details["sha256"]) == 64
    assert sorted(path.name for path in model.parent.iterdir()) == ["水彩风格.json", "水彩风格.safetensors"]


def test_the_same_file_again_is_noticed(tmp_path: Path, models: Path) -> None:
    source = write_lora(tmp_path / "style.safetensors")
    import_file(source, models)
    other = source.rename(tmp_path / "other name.safetensors")
    with pytest.raises(AtelierError) as caught:
        import_file(other, models)
    assert caught.value.code == "model-twice" and "style" in str(caught.value)
    assert len(list((models / "imported").iterdir())) == 2


def test_another_file_of_the_same_name_is_numbered(tmp_path: Path, models: Path) -> None:
    first = import_file(write_lora(tmp_path / "style.safetensors"), models)
    second = import_file(write_lora(tmp_path / "style.safetensors", 2.0), models)
    assert (first.name, second.name) == ("style.safetensors", "style 2.safetensors")
    assert first.read_bytes() != second.read_bytes()


def test_imports_gguf_and_soundfont(tmp_path: Path, models: Path, gguf: Path) -> None:
    assert import_file(gguf, models).suffix == ".gguf"
    source = tmp_path / "piano.sf2"
    source.write_bytes(malicious.soundfont())
    found = inspect(source)
    assert (found.kind, found.architecture, found.title) == ("soundfont", "sf2", "Tiny Piano")
    assert import_file(source, models).name == "piano.sf2"


def test_gguf_names_its_family(gguf: Path) -> None:
    found = inspect(gguf)
    assert (found.kind, found.family) == ("gguf", "gguf") and found.size == gguf.stat().st_size


def test_imports_a_repository(repository: Path, tmp_path: Path, models: Path) -> None:
    (repository / "modeling_custom.py").write_text("raise SystemExit")
    found = inspect(repository)
    assert (found.kind, found.family) == ("repository", "causal-lm")
    model = import_file(repository, models)
    assert model == models / "imported" / "tiny llama"
    assert (model / "model.safetensors").read_bytes() == (repository / "model.safetensors").read_bytes()
    assert not (model / "modeling_custom.py").exists()


def test_converts_the_pickles_of_a_repository(repository: Path, tmp_path: Path, models: Path) -> None:
    from safetensors.torch import load_file

    weights = load_file(repository / "model.safetensors")
    (repository / "model.safetensors").unlink()
    torch.save(weights, repository / "pytorch_model.bin")
    assert inspect(repository).convertible
    model = import_file(repository, models, convert=True)
    assert model.parent.name == "converted" and not (model / "pytorch_model.bin").exists()
    found = load_file(model / "model.safetensors")
    assert found.keys() == weights.keys() and all(torch.equal(found[name], weights[name]) for name in weights)


def test_a_repository_that_lacks_a_part_is_refused(repository: Path, tmp_path: Path) -> None:
    table = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (repository / "model.safetensors.index.json").write_text(json.dumps(table))
    with pytest.raises(AtelierError) as caught:
        inspect(repository)
    assert caught.value.code == "repository-incomplete" and "00001" in str(caught.value)


def test_a_text_model_alone_is_refused_with_what_is_missing(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        inspect(repository / "model.safetensors")
    assert caught.value.code == "text-model-alone" and "tokenizer" in str(caught.value)


def test_links_out_of_a_repository_are_left_out(repository: Path, tmp_path: Path, models: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    (repository / "notes.txt").symlink_to(secret)
    assert not (import_file(repository, models) / "notes.txt").exists()


def test_is_refused_when_there_is_no_room(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_lora(tmp_path / "style.safetensors")
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda _path: Usage(1 << 40, 1 << 40, 1000))
    with pytest.raises(AtelierError) as caught:
        import_file(source, models)
    assert caught.value.code == "import-no-room"
    assert not list((models / "imported").iterdir())


def test_a_full_disk_leaves_nothing(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_lora(tmp_path / "style.safetensors")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(importing.os, "fsync", fail)
    with pytest.raises(AtelierError) as caught:
        import_file(source, models)
    assert caught.value.code == "disk-full"
    assert not list((models / "imported").iterdir())


def test_can_be_stopped(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PIECE", 4096)
    stop = threading.Event()
    with pytest.raises(Cancelled):
        import_file(
            write_lora(tmp_path / "style.safetensors"), models, progress=lambda _done, _total: stop.set(), stop=stop
        )
    assert not list((models / "imported").iterdir())


def test_what_a_killed_program_left_is_swept_away(tmp_path: Path, models: Path) -> None:
    left = models / "imported" / ".import-999999999-abc"
    left.mkdir(parents=True)
    (left / "part").write_bytes(b"half")
    ours = models / "imported" / f".import-{os.getpid()}-def"
    ours.mkdir()
    import_file(write_lora(tmp_path / "style.safetensors"), models)
    assert not left.exists() and ours.exists()


def test_a_missing_file_is_told(tmp_path: Path, models: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        import_file(tmp_path / "gone.safetensors", models)
    assert caught.value.code == "file-missing"


def test_an_unknown_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("hello")
    with pytest.raises(AtelierError) as caught:
        inspect(tmp_path / "letter.txt")
    assert caught.value.code == "model-file-unknown"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("水墨 画", "水墨 画"),
        ("CON", "_CON"),
        ("a" * 300, "a" * 100),
        ("...", "model"),
        ("tab\tnew\n", "tab_new_"),
        ("e\u0301t\u00e9", "été"),
        ("画" * 100, "画" * 66),
    ],
)
def test_names_are_kept_where_they_can_be(name: str, kept: str) -> None:
    assert safe_name(name) == kept
