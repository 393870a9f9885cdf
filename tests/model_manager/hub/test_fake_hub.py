"""The hub on loopback is one that huggingface_hub itself works with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import GatedRepoError, RemoteEntryNotFoundError, RepositoryNotFoundError
from tqdm import tqdm

from tests.fakes.hub import FakeHub, HubProcess

CONFIG = b'{"model_type": "llama"}'
WEIGHTS = os.urandom(300_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setattr(tqdm, "monitor_interval", 0)  # the thread that would watch progress bars
    with FakeHub() as hub:
        yield hub
    huggingface_hub.close_session()


def test_a_repository_is_listed_described_and_downloaded(hub: FakeHub, tmp_path: Path) -> None:
    files = {"config.json": CONFIG, "model.safetensors": WEIGHTS, "sub/a b.txt": b"x"}
    commit = hub.add("o/tiny", files, pipeline_tag="text-generation", library_name="transformers", tags=["en"])
    hub.add("o/other", {"a": b""}, downloads=5)
    api = huggingface_hub.HfApi(endpoint=hub.url)
    assert [found.id for found in api.list_models(search="tiny")] == ["o/tiny"]
    assert [found.id for found in api.list_models(filter="text-generation")] == ["o/tiny"]
    assert [found.id for found in api.list_models(limit=1)] == ["o/other"]
    info = api.model_info("o/tiny", files_metadata=True)
    assert info.sha == commit and info.siblings is not None
    assert {file.rfilename: file.size for file in info.siblings} == {name: len(data) for name, data in files.items()}
    where = huggingface_hub.snapshot_download("o/tiny", endpoint=hub.url, cache_dir=tmp_path / "cache")
    assert {name: (Path(where) / name).read_bytes() for name in files} == files
    checked = api.verify_repo_checksums("o/tiny", cache_dir=tmp_path / "cache")
    assert checked.checked_count == 3 and not checked.mismatches


def test_a_folder_on_disk_is_served_and_a_new_commit_leaves_the_old_one(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    old = hub.add("o/n", tmp_path)
    new = hub.add("o/n", {"a.txt": b"two"})
    get = huggingface_hub.hf_hub_download
    for revision, content in ((old, b"one"), (new, b"two"), ("main", b"two")):
        path = get("o/n", "a.txt", revision=revision, endpoint=hub.url, cache_dir=tmp_path / "cache")
        assert Path(path).read_bytes() == content


def test_refusals_are_the_ones_the_library_knows(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("o/gated", {"w": WEIGHTS}, gated=True)
    hub.add("o/private", {"w": b"w"}, private=True)
    token = hub.user("hf_secret")

    def get(repository: str, name: str = "w", token: str | bool = False) -> bytes:
        path = huggingface_hub.hf_hub_download(
            repository, name, endpoint=hub.url, cache_dir=tmp_path, token=token, force_download=True
        )
        return Path(path).read_bytes()

    for denied in (False, token):
        with pytest.raises((GatedRepoError, ValueError)) as gated:
            get("o/gated", token=denied)
        assert isinstance(gated.value.__cause__ or gated.value, GatedRepoError)
    api = huggingface_hub.HfApi(endpoint=hub.url, token=token)
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("o/private")
    hub.accept("o/gated")
    hub.accept("o/private")
    assert get("o/gated", token=token) == WEIGHTS and get("o/private", token=token) == b"w"
    assert api.whoami()["name"] == "ada"
    with pytest.raises(RemoteEntryNotFoundError):
        get("o/gated", "nothing", token=token)
    assert not any(asked.authorization for asked in hub.asked(port="cdn"))


def test_a_hub_of_its_own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tqdm, "monitor_interval", 0)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "w.bin").write_bytes(WEIGHTS)
    with HubProcess({"o/n": tmp_path / "in"}) as hub:
        path = huggingface_hub.hf_hub_download("o/n", "w.bin", endpoint=hub.url, cache_dir=tmp_path / "cache")
        huggingface_hub.close_session()
    assert Path(path).read_bytes() == WEIGHTS and Path(path).parent.name == hub.commits["o/n"]
