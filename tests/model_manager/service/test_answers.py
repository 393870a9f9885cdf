"""The answers of the models child about what is here, through the client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.activities import ActivityKind, ActivityState
from studio.core.errors import AtelierError
from studio.core.models import ModelState
from studio.model_manager.service.remembered import Remembered
from tests.fakes.hub import FakeHub
from tests.fakes.models_bench import MODEL, WEIGHTS, InChild, noise, repository
from tests.fakes.tiny_models import build_gguf
from tests.model_manager.caches import gguf_bytes


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as made:
        yield made


@pytest.fixture
def bench(hub: FakeHub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InChild]:
    made = InChild(hub, monkeypatch, str(home))
    yield made
    made.client.stop()


def test_a_damaged_file_is_found_put_aside_and_fetched_alone(bench: InChild, hub: FakeHub, home: Path) -> None:
    bench.get()
    checked = bench.ended(bench.client.verify([MODEL]).result(20))
    assert (checked.kind, checked.title, checked.model) == (ActivityKind.VERIFY, "tiny", MODEL)
    assert checked.result == {"whole": [MODEL], "damaged": {}, "unknown": [], "files": []}
    (weights,) = (home / "hub").glob(f"models--ada--tiny/snapshots/*/{WEIGHTS}")
    blob = weights.resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    checked = bench.ended(bench.client.verify().result(20))
    assert checked.result["damaged"] == {MODEL: [WEIGHTS]}
    info = bench.info()
    assert info
    assert info.state is ModelState.DAMAGED
    asked = len(hub.starts(WEIGHTS))
    assert bench.get().state is ActivityState.DONE
    assert len(hub.starts(WEIGHTS)) == asked + 1
    info = bench.info()
    assert info
    assert info.usable
    assert bench.ended(bench.client.verify([MODEL]).result(20)).result["whole"] == [MODEL]


def test_removing_frees_what_it_said_and_stops_a_download(bench: InChild, hub: FakeHub, home: Path) -> None:
    done = bench.get()
    usage = bench.client.disk().result(20)
    (row,) = [row for row in usage["models"] if row["id"] == MODEL]
    assert (row["size"], row["removable"]) == (done.total, True)
    assert 0 <= row["frees"] - done.total < 100  # the ref goes too
    assert usage["parts"] == 0
    promised = bench.client.removal([MODEL]).result(20)
    assert promised["frees"] == row["frees"]
    removed = bench.ended(bench.client.remove([MODEL]).result(20))
    assert (removed.state, removed.result["freed"]) == (ActivityState.DONE, row["frees"])
    assert bench.info() is None
    bench.hold()
    activity = bench.client.download(MODEL).result(20)
    bench.until(activity, lambda told: told.done > 200_000)
    assert bench.client.disk().result(20)["parts"] > 0
    removed = bench.ended(bench.client.remove([MODEL]).result(20))
    assert removed.state is ActivityState.DONE
    assert bench.ended(activity).state is ActivityState.CANCELLED
    assert not list((home / "hub").glob("models--ada--tiny/blobs/*"))
    assert bench.client.disk().result(20)["parts"] == 0


def test_a_file_is_looked_at_and_imported(bench: InChild, tmp_path: Path) -> None:
    path = tmp_path / "lora.safetensors"
    path.write_bytes(repository(5000)[WEIGHTS])
    seen = bench.client.inspect(path).result(20)
    assert (seen["kind"], seen["size"]) == ("checkpoint", path.stat().st_size)
    done = bench.ended(bench.client.import_file(path).result(20))
    assert (done.kind, done.state, done.result) == (ActivityKind.IMPORT, ActivityState.DONE, {"model": "imported/lora"})
    pickle = tmp_path / "model.ckpt"
    pickle.write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    refused = bench.ended(bench.client.import_file(pickle, convert=True).result(20))
    assert refused.state is ActivityState.FAILED
    assert refused.failure
    assert refused.failure.code != "internal"


def test_another_studios_folder_is_counted_and_never_touched(bench: InChild, tmp_path: Path) -> None:
    place = tmp_path / "ComfyUI" / "models" / "loras"
    place.mkdir(parents=True)
    (place / "style.safetensors").write_bytes(repository(5000)[WEIGHTS])
    assert bench.client.add_folder(tmp_path / "ComfyUI").result(20) == 1
    bench.client.remove_folder(tmp_path / "ComfyUI").result(20)
    assert (place / "style.safetensors").is_file()
    with pytest.raises(AtelierError) as raised:
        bench.client.add_folder(tmp_path / "nowhere").result(20)
    assert raised.value.code == "folder-missing"


def test_files_of_a_shared_repository_stay_at_one_commit_until_an_update(
    bench: InChild, hub: FakeHub, home: Path
) -> None:
    files = {f"voices/{name}.int8.onnx": noise(100_000, seed) for seed, name in enumerate(("bf_emma", "af_kore"))}
    repository_name = "maureesewilliams/hibari"
    first = hub.add(repository_name, files)
    assert bench.get("hibari-emma").state is ActivityState.DONE
    second = hub.add(repository_name, {**files, "voices/bf_emma.int8.onnx": noise(100_000, 7)})
    assert bench.get("hibari-kore").state is ActivityState.DONE
    snapshots = home / "hub" / "models--maureesewilliams--hibari" / "snapshots"
    assert [path.name for path in snapshots.iterdir()] == [first]
    assert bench.get("hibari-emma").state is ActivityState.DONE
    assert {path.name for path in snapshots.iterdir()} == {first, second}
    assert len(list((snapshots / second / "voices").iterdir())) == 2
    assert len(hub.starts("voices/af_kore.int8.onnx")) == 1


def test_a_voice_brings_the_repository_that_it_needs(bench: InChild, hub: FakeHub, home: Path) -> None:
    weights = repository(5000)[WEIGHTS]
    vocoder = {"config.json": b'{"model_type": "hifigan"}', WEIGHTS: weights, "pytorch_model.bin": b"never wanted"}
    config = b'{"model_type": "speecht5", "architectures": ["SpeechT5ForTextToSpeech"]}'
    commits = {
        "speecht5_hifigan": hub.add("microsoft/speecht5_hifigan", vocoder, revision="refs/pr/1"),
        "speecht5_tts": hub.add(
            "microsoft/speecht5_tts",
            {"config.json": config, "spm_char.model": b"characters", WEIGHTS: weights},
            revision="refs/pr/28",
        ),
    }
    details = bench.client.details("microsoft/speecht5_tts").result(20)
    assert details["download"] > 2 * len(weights)
    done = bench.get("microsoft/speecht5_tts")
    assert (done.state, done.total) == (ActivityState.DONE, details["download"])
    for name, commit in commits.items():
        folder = home / "hub" / f"models--microsoft--{name}" / "snapshots" / commit
        assert (folder / WEIGHTS).read_bytes() == weights
        assert not (folder / "pytorch_model.bin").exists()


def test_a_catalogue_model_is_listed_as_unfinished_and_as_installed(bench: InChild, hub: FakeHub) -> None:
    name = "HuggingFaceTB/SmolLM2-360M-Instruct"
    hub.add(name, repository(300_000, seed=2))
    before = bench.info(name)
    assert before
    assert before.state is ModelState.NOT_INSTALLED
    bench.hold()
    activity = bench.client.download(name).result(20)
    bench.until(activity, lambda told: told.done > 200_000)
    bench.client.cancel(activity).result(20)
    bench.ended(activity)
    partial = bench.info(name)
    assert partial
    assert partial.state is ModelState.PARTIAL
    bench.release()
    assert bench.get(name).title == before.title
    installed = bench.info(name)
    assert installed
    assert (installed.state, installed.title) == (ModelState.INSTALLED, before.title)


def test_each_gguf_file_of_a_repository_is_a_model(bench: InChild, hub: FakeHub, tmp_path: Path) -> None:
    build_gguf(tmp_path)
    data = (tmp_path / "tiny.gguf").read_bytes()
    files = {"tiny-Q4_K_M.gguf": data, "tiny-Q8_0.gguf": data + bytes(32), "README.md": b"about"}
    first = hub.add("ada/parts", files, tags=["gguf"], pipeline_tag="text-generation")
    (found,) = bench.client.search("parts").result(20)
    assert (found.id, found.family) == ("ada/parts/tiny-Q4_K_M.gguf", "gguf")
    told = bench.client.details("ada/parts").result(20)
    assert (told["info"]["id"], told["file"]) == (found.id, "tiny-Q4_K_M.gguf")
    assert told["others"] == [{"model": "ada/parts/tiny-Q8_0.gguf", "size": len(data) + 32}]
    (found,) = bench.client.search("parts").result(20)
    assert found.size == len(data)  # what is known of it is told everywhere
    done = bench.get("ada/parts")  # the usual one of them
    assert done.result == {"model": found.id}
    (again,) = bench.client.search("parts").result(20)
    assert (again.id, again.usable) == (found.id, True)
    assert [file.name for file in done.files] == ["tiny-Q4_K_M.gguf"]
    other = "ada/parts/tiny-Q8_0.gguf"
    assert bench.get(other).result == {"model": other}
    for model in (done.result["model"], other):
        info = bench.info(model)
        assert info
        assert (info.state, info.revision) == (ModelState.INSTALLED, first)
    second = hub.add("ada/parts", {**files, "README.md": b"more", "tiny-Q8_0.gguf": data + bytes(64)})
    assert set(bench.client.check_updates().result(20)) == {done.result["model"], other}
    assert bench.get(other).state is ActivityState.DONE
    for model in (done.result["model"], other):
        info = bench.info(model)
        assert info
        assert (info.state, info.revision, info.update) == (ModelState.INSTALLED, second, "")
    whole = [asked.port for asked in hub.asked("*tiny-Q4_K_M.gguf") if not asked.range]
    assert whole == ["hub", "cdn"]  # asked for once, and sent on


def test_a_gguf_that_cannot_be_used_is_refused_by_its_beginning(bench: InChild, hub: FakeHub) -> None:
    data = gguf_bytes(900_000).replace(b"tokenizer.ggml.model", b"tokenizer.ggml.other")
    hub.add("ada/new", {"new-Q4_K_M.gguf": data}, tags=["gguf"], pipeline_tag="text-generation")
    failed = bench.get("ada/new")
    assert failed.failure
    assert (failed.failure.code, failed.done) == ("hub-not-usable", 0)
    assert all(asked.range == "bytes=0-262143" for asked in hub.asked("*new-Q4_K_M.gguf"))
    assert bench.client.disk().result(20)["models"] == []


def test_what_cannot_run_here_is_not_found(bench: InChild, hub: FakeHub) -> None:
    files = repository()
    del files[WEIGHTS]
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    hub.add("ada/tiny-pickled", files, config=config)
    hub.add("ada/tiny-good", repository(), config=config)
    assert "ada/tiny-pickled" not in {info.id for info in bench.client.search("tiny").result(20)}
    assert "ada/tiny-good" in {info.id for info in bench.client.search("tiny").result(20)}


def test_an_address_is_downloaded(bench: InChild, hub: FakeHub) -> None:
    assert bench.get(f"{hub.url}/{MODEL}/tree/main").result == {"model": MODEL}
    assert bench.info()


def test_a_copied_address_is_found(bench: InChild, hub: FakeHub) -> None:
    for text in (f"{hub.url}/{MODEL}", f"https://huggingface.co/{MODEL}/tree/main", MODEL):
        assert [info.id for info in bench.client.search(text).result(20)] == [MODEL]
    assert bench.client.search("https://huggingface.co/nobody/nothing").result(20) == []


def test_a_token_that_the_hub_refuses_is_not_kept(bench: InChild, hub: FakeHub) -> None:
    hub.user("good", "ada")
    assert bench.client.set_token("good").result(20)["user"] == "ada"
    with pytest.raises(AtelierError) as refused:
        bench.client.set_token("hf_bad").result(20)
    assert refused.value.code == "hub-token"
    assert bench.client.token_state().result(20)["user"] == "ada"


def test_files_are_asked_for_under_the_name_that_they_get(bench: InChild, tmp_path: Path) -> None:
    root = tmp_path / "ComfyUI"
    root.mkdir()
    build_gguf(tmp_path).only(".gguf").rename(root / "my writer.gguf")
    (root / "old.ckpt").write_bytes(b"\x80\x02.")
    assert bench.client.inspect(root / "my writer.gguf").result(20)["title"] == "my writer"
    told = bench.client.inspect(root).result(20)
    assert (told["title"], told["models"], told["usable"]) == ("ComfyUI", 2, 1)
    renamed = tmp_path / "shopping list.safetensors"
    renamed.write_text("milk, bread and a good book")
    with pytest.raises(AtelierError) as refused:
        bench.client.inspect(renamed).result(20)
    assert "no model file" in str(refused.value)


def test_what_the_hub_told_outlives_the_child(tmp_path: Path) -> None:
    first = Remembered(tmp_path)
    first.keep(updates={"a/b": "c" * 40}, sizes={"a/b": 5})
    again = Remembered(tmp_path)
    assert (again.newest("a/b"), again.size("a/b"), again.size("other")) == ("c" * 40, 5, 0)
    (tmp_path / "hub.json").write_text('{"version": 1, "updates": []')
    assert Remembered(tmp_path).size("a/b") == 0
