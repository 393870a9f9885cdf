"""Speech models in the catalogue: the starter's voices, and repositories of voices in their places."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tqdm import tqdm

from studio import families
from studio.core.errors import AtelierError
from studio.core.jobs import Medium
from studio.core.models import ModelInfo, ModelState
from studio.core.protocols import Device
from studio.families import speaking
from studio.model_manager import starter
from studio.model_manager.catalogue import Catalogue
from tests.fakes.tiny_voices import build_hibari, build_kokoro, build_speecht5, build_vits
from tests.model_manager.caches import put

DEVICE = Device("cpu", 0, 2, 4 << 30)


@pytest.fixture(autouse=True)
def _no_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the progress bars that building a model shows: a thread that would go on."""
    monkeypatch.setattr(tqdm, "monitor_interval", 0)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "models", tmp_path / "hub")


def speech(catalogue: Catalogue, origin: str) -> dict[str, ModelInfo]:
    return {info.id: info for info in catalogue.list() if info.medium == Medium.SPEECH and info.origin == origin}


def test_the_voices_of_the_starter_are_shown_before_it_is_installed(catalogue: Catalogue) -> None:
    infos = speech(catalogue, "starter")
    assert list(infos) == ["hibari-heart", "kokoro-82m"]
    kokoro = infos["kokoro-82m"]
    assert kokoro.state is ModelState.NOT_INSTALLED and kokoro.blends
    assert [voice.id for voice in kokoro.voices] == ["jm_kumo", "jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro"]
    assert all(set(voice.languages) == {"ja", "zh", "en"} for voice in kokoro.voices)
    assert all(voice.name and voice.gender and voice.character for info in infos.values() for voice in info.voices)
    assert ModelInfo.from_json(json.loads(json.dumps(kokoro.to_json()))) == kokoro


def test_installed_files_make_it_usable(catalogue: Catalogue, tmp_path: Path) -> None:
    item = next(item for item in starter.items() if item.folder == "hibari-heart")
    folder = starter.folder_of(item, tmp_path / "models")
    folder.mkdir(parents=True)
    for file in item.files:
        (folder / file.name).write_bytes(bytes(file.size))
    assert speech(catalogue, "starter")["hibari-heart"].usable
    files = catalogue.files("hibari-heart")
    assert (files.family, files.config["voice"], files.revision) == ("hibari", "heart", "hibari-tts 0.2.1")
    (folder / "hibari.onnx").write_bytes(b"short")
    assert speech(catalogue, "starter")["hibari-heart"].state is ModelState.DAMAGED


def test_imported_voices_are_found_and_load(catalogue: Catalogue, tmp_path: Path) -> None:
    build_vits(tmp_path / "models" / "imported" / "mms")
    build_speecht5(tmp_path / "models" / "imported" / "t5")
    infos = speech(catalogue, "imported")
    assert {info.id: info.family for info in infos.values()} == {"imported/mms": "vits", "imported/t5": "speecht5"}
    assert [voice.languages for voice in infos["imported/mms"].voices] == [("en",)]
    assert [voice.name for voice in infos["imported/t5"].voices] == ["Anna", "Bert"]
    for model_id, info in infos.items():
        model = families.get(info.family).load(catalogue.files(model_id), DEVICE)
        assert list(model.voices) == [voice.id for voice in info.voices]


def test_a_cached_vocoder_serves_a_cached_speecht5(catalogue: Catalogue, tmp_path: Path) -> None:
    built = build_speecht5(tmp_path / "t5")
    model = tmp_path / "hub" / "models--microsoft--speecht5_tts" / "snapshots" / "a1"
    vocoder = tmp_path / "hub" / "models--microsoft--speecht5_hifigan" / "snapshots" / "b2"
    shutil.copytree(built.root, model, ignore=shutil.ignore_patterns("vocoder", "speakers"))
    (info,) = speech(catalogue, "hub").values()
    assert (info.id, info.title, info.license) == ("microsoft/speecht5_tts", "SpeechT5", "MIT")
    assert [voice.id for voice in info.voices] == ["neutral"]
    with pytest.raises(AtelierError) as refused:
        families.get("speecht5").load(catalogue.files(info.id), DEVICE)
    assert refused.value.code == "model-files-missing"
    shutil.copytree(built.root / "vocoder", vocoder)
    assert families.get("speecht5").load(catalogue.files(info.id), DEVICE).voices


@pytest.mark.parametrize(("setting", "tool"), [("phonemize", "espeak"), ("is_uroman", "uroman")])
def test_voices_that_need_another_program_are_refused_in_words(tmp_path: Path, setting: str, tool: str) -> None:
    files = build_vits(tmp_path / "voice")
    path = files.paths["tokenizer_config.json"]
    settings = {**json.loads(path.read_text(encoding="utf-8")), setting: True}
    path.write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(AtelierError) as refused:
        families.get("vits").load(files, DEVICE)
    assert refused.value.code == "voice-needs-tool"
    assert tool in str(refused.value)


def test_pickled_weights_are_never_read(tmp_path: Path) -> None:
    files = build_vits(tmp_path / "voice")
    os.rename(files.paths["model.safetensors"], files.root / "pytorch_model.bin")
    with pytest.raises(AtelierError) as refused:
        families.get("vits").load(files, DEVICE)
    assert refused.value.code == "model-not-readable"


def test_kokoro_loads_from_the_hubs_own_layout(catalogue: Catalogue, tmp_path: Path) -> None:
    model_id = "onnx-community/Kokoro-82M-v1.0-ONNX"
    built = build_kokoro(tmp_path / "kokoro")
    vocabulary = json.loads(built.paths["vocab.json"].read_text(encoding="utf-8"))
    with np.load(built.only(".npz")) as styles:
        voices = {f"voices/{voice}.bin": styles["jm_kumo"].tobytes() for voice in ("af_heart", "bf_emma", "zf_xiaoni")}
        voices["voices/jm_kumo.bin"] = styles["jm_kumo"].tobytes()
        voices["voices/ef_dora.bin"] = b"a voice that needs another front end"
    files = {
        "config.json": b'{"model_type": "style_text_to_speech_2"}',
        "tokenizer.json": json.dumps({"model": vocabulary}).encode(),
        "onnx/model.onnx": b"too precise",
        "onnx/model_quantized.onnx": built.only(".onnx").read_bytes(),
        **voices,
    }
    put(tmp_path / "hub", model_id, files)
    info = speech(catalogue, "hub")[model_id]
    assert (info.usable, info.family, info.license, info.blends) == (True, "kokoro", "Apache-2.0", True)
    assert len(info.voices) == 41
    assert {"onnx/model.onnx", "voices/ef_dora.bin"}.isdisjoint(catalogue.files(model_id).paths)
    speaker = families.get("kokoro").load(catalogue.files(model_id), DEVICE)
    assert list(speaker.voices) == ["jm_kumo", "af_heart", "bf_emma", "zf_xiaoni"]
    said = {voice: _signs_said(speaker, voice) for voice in ("af_heart", "bf_emma")}
    assert said["af_heart"] != said["bf_emma"]  # the front end reads the word as they say it


def test_another_voice_of_hibari_speaks_with_the_shared_alphabet(catalogue: Catalogue, tmp_path: Path) -> None:
    built = build_hibari(tmp_path / "built")
    network = built.only(".onnx").read_bytes()
    put(tmp_path / "hub", "maureesewilliams/hibari", {"voices/bf_emma.int8.onnx": network, "README.md": b"words"})
    infos = speech(catalogue, "hub")
    assert list(infos) == ["hibari-emma"]
    assert [voice.languages for voice in infos["hibari-emma"].voices] == [("en-GB",)]
    speaker = families.get("hibari").load(catalogue.files("hibari-emma"), DEVICE)
    line = speaking.Line("Half a tomato.", "emma", "en")
    assert sum(len(part) for part in speaker.say(line, line.text, 1, lambda: None, True)) > 0


def _signs_said(speaker: Any, voice: str) -> int:
    line = speaking.Line("Half a tomato, rather.", voice, "en")
    return sum(len(part) for part in speaker.say(line, line.text, 1, lambda: None, False))
