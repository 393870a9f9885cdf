"""Folders of other studios: found in place, cheaply, and never written to."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from studio.core import paths
from studio.core.errors import AtelierError
from studio.model_manager.trust import folders
from studio.model_manager.trust.inspection import inspect
from studio.model_manager.trust.sandbox import Sandbox
from tests.fakes import malicious
from tests.model_manager.trust.test_importing import write_lora

LDM = "model.diffusion_model."


def write_checkpoint(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            f"{LDM}input_blocks.0.0.weight": torch.ones(32, 4, 3, 3),
            f"{LDM}input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight": torch.ones(32, 768),
        },
        path,
    )
    return path


def lora(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_lora(path)


def kinds(root: Path) -> dict[str, tuple[str, str]]:
    return {model.name: (model.kind, model.architecture) for model in folders.find(root)}


@pytest.fixture
def comfy(tmp_path: Path) -> Path:
    root = tmp_path / "ComfyUI"
    write_checkpoint(root / "models" / "checkpoints" / "动漫" / "anime.safetensors")
    lora(root / "models" / "loras" / "style.safetensors")
    (root / "models" / "upscale_models").mkdir()
    (root / "models" / "upscale_models" / "RealESRGAN_x4.pth").write_bytes(b"\x80\x02}.")
    (root / "models" / "vae").mkdir()
    save_file(
        {"decoder.conv_in.weight": torch.ones(8, 4, 3, 3), "decoder.conv_out.weight": torch.ones(3, 8, 3, 3)},
        root / "models" / "vae" / "vae.safetensors",
    )
    (root / "main.py").write_text("")
    lora(root / "output" / "not-a-model.safetensors")
    return root


def test_comfyui(comfy: Path) -> None:
    assert kinds(comfy) == {
        "models/checkpoints/动漫/anime": ("checkpoint", "stable-diffusion-1"),
        "models/loras/style": ("lora", "stable-diffusion-1"),
        "models/upscale_models/RealESRGAN_x4.pth": ("pickle", ""),
        "models/vae/vae": ("checkpoint", "autoencoder-kl"),
    }


def test_comfyui_with_extra_paths(comfy: Path, tmp_path: Path) -> None:
    other = tmp_path / "webui"
    write_checkpoint(other / "models" / "Stable-diffusion" / "real.safetensors")
    lora(other / "models" / "Lora" / "ink.safetensors")
    (comfy / "extra_model_paths.yaml").write_text(
        f"a111:\n    base_path: {other}\n    checkpoints: models/Stable-diffusion\n    loras: |\n"
        "        models/Lora\n        models/LyCORIS\n    is_default: true\nodd: 3\n"
    )
    found = kinds(comfy)
    assert found["models/Stable-diffusion/real"] == ("checkpoint", "stable-diffusion-1")
    assert found["models/Lora/ink"] == ("lora", "stable-diffusion-1")
    assert len(found) == 6


@pytest.mark.parametrize(
    "text",
    [
        "a: {base_path: /, checkpoints: '.'}",
        "a: {base_path: '~', checkpoints: '.'}",
        "!!python/object/apply:os.system ['touch canary']",
        "a: &a [&b [*a, *a]]\n" + "".join(f"b{n}: [*a, *a, *a]\n" for n in range(100)),
        "\t: [",
    ],
)
def test_extra_paths_are_not_trusted(comfy: Path, text: str) -> None:
    (comfy / "extra_model_paths.yaml").write_text(text)
    assert len(kinds(comfy)) == 4
    assert not list(comfy.rglob("canary"))


def test_automatic1111(tmp_path: Path) -> None:
    root = tmp_path / "webui"
    write_checkpoint(root / "models" / "Stable-diffusion" / "real.safetensors")
    lora(root / "models" / "Lora" / "ink.safetensors")
    lora(root / "venv" / "lib" / "hidden.safetensors")
    (root / "webui.py").write_text("")
    (root / "embeddings").mkdir()
    save_file({"emb_params": torch.ones(4, 768)}, root / "embeddings" / "bad.safetensors")
    assert kinds(root) == {
        "embeddings/bad": ("checkpoint", "textual-inversion-stable-diffusion-1"),
        "models/Lora/ink": ("lora", "stable-diffusion-1"),
        "models/Stable-diffusion/real": ("checkpoint", "stable-diffusion-1"),
    }


def test_invokeai(tmp_path: Path) -> None:
    """Diffusers repositories in folders named by kind, or by nothing but a key."""
    root = tmp_path / "invokeai"
    repository = root / "models" / "0d6a4c1e-key"
    for part in ("unet", "vae"):
        (repository / part).mkdir(parents=True)
        save_file({"w": torch.ones(2)}, repository / part / "diffusion_pytorch_model.safetensors")
        (repository / part / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    (repository / "model_index.json").write_text(
        '{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "x"]}'
    )
    lora(root / "models" / "sd-1" / "lora" / "ink.safetensors")
    (root / "invokeai.yaml").write_text("")
    found = {model.name: model for model in folders.find(root)}
    assert found.keys() == {"models/0d6a4c1e-key", "models/sd-1/lora/ink"}
    model = found["models/0d6a4c1e-key"]
    assert (model.kind, model.architecture) == ("repository", "StableDiffusionPipeline")
    assert "unet/diffusion_pytorch_model.safetensors" in model.files


def test_plain_folder(tmp_path: Path, gguf: Path, llama: Path) -> None:
    root = tmp_path / "llms"
    root.mkdir()
    (root / "tiny.gguf").write_bytes(gguf.read_bytes())
    (root / "half-00001-of-00002.gguf").write_bytes(gguf.read_bytes())
    shutil.copytree(llama, root / "llama")
    (root / "piano.sf2").write_bytes(malicious.soundfont())
    found = {model.name: (model.kind, model.family) for model in folders.find(root)}
    assert found == {
        "llama": ("repository", "causal-lm"),
        "piano": ("soundfont", None),
        "tiny": ("gguf", "gguf"),
    }
    counted = inspect(root)
    assert (counted.kind, counted.models) == ("folder", 3)


def test_links_out_and_loops(tmp_path: Path) -> None:
    outside = lora(tmp_path / "outside" / "private.safetensors")
    root = tmp_path / "models"
    inside = lora(root / "a" / "ink.safetensors")
    (root / "out.safetensors").symlink_to(outside)
    (root / "out").symlink_to(outside.parent)
    (root / "loop").symlink_to(root)
    (root / "a" / "again").symlink_to(root / "a")
    (root / "dead.safetensors").symlink_to(tmp_path / "nowhere")
    (root / "linked.safetensors").symlink_to(inside)
    assert kinds(root).keys() == {"a/ink", "linked"}


def test_refused_files_are_left_out_and_the_rest_stays(tmp_path: Path) -> None:
    root = tmp_path / "models"
    good = lora(root / "z.safetensors")
    for maker in (malicious.huge_header, malicious.pickle_as_safetensors, malicious.fifo, malicious.gguf_of_many):
        maker(root, malicious.canary_of(tmp_path))
    assert kinds(root).keys() == {"z"}
    assert good.exists() and not malicious.canary_of(tmp_path).exists()


def test_a_crash_of_the_reader_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "models"
    for name in "abc":
        lora(root / f"{name}.safetensors")
    ask = Sandbox.ask

    def crash(self: Sandbox, task: str, path: Path, **arguments: object) -> object:
        if path.stem == "b":
            self.start()
            assert self._process is not None
            self._process.kill()
            self._process.wait()
            raise AtelierError("model-too-much", {"name": path.name})
        return ask(self, task, path, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sandbox, "ask", crash)
    assert kinds(root).keys() == {"a", "c"}


def test_headers_are_read_once(comfy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = folders.find(comfy)
    asked: list[Path] = []
    ask = Sandbox.ask

    def count(self: Sandbox, task: str, path: Path, **arguments: object) -> object:
        asked.append(path)
        return ask(self, task, path, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sandbox, "ask", count)
    assert folders.find(comfy) == first and not asked
    changed = lora(comfy / "models" / "loras" / "style.safetensors")
    os.utime(changed, ns=(1, 1))
    assert folders.find(comfy) == first and asked == [changed]


def test_a_damaged_memory_is_made_anew(comfy: Path) -> None:
    first = folders.find(comfy)
    (paths.models_dir() / "folders.json").write_text('{"version": 1, "files": ')
    assert folders.find(comfy) == first


def test_nothing_is_written_there(comfy: Path) -> None:
    def state() -> list[tuple[str, int, int]]:
        return sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in comfy.rglob("*"))

    before = state()
    folders.find(comfy)
    assert state() == before


class Picture:
    """An entry of a folder that no disk had to be asked for."""

    def __init__(self, folder: Path, number: int) -> None:
        self.name = f"{number}.png"
        self.path = f"{folder}/{self.name}"

    def is_file(self) -> bool:
        return True


def test_fifty_thousand_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "many"
    lora(root / "25" / "ink.safetensors")
    for group in range(50):
        (root / f"{group:02}").mkdir(exist_ok=True)
    scan = folders._scan

    def crowded(folder: Path) -> list[object]:
        return [*scan(folder), *(Picture(folder, number) for number in range(1000))]

    monkeypatch.setattr(folders, "_scan", crowded)
    begun = time.process_time()
    assert kinds(root).keys() == {"25/ink"}
    assert time.process_time() - begun < 5


def test_an_endless_folder_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_ENTRIES", 10)
    for number in range(40):
        (tmp_path / "root" / f"{number:02}" / "inner").mkdir(parents=True)
    lora(tmp_path / "root" / "00" / "inner" / "ink.safetensors")
    assert kinds(tmp_path / "root") == {}


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        folders.find(tmp_path / "gone")
    assert caught.value.code == "folder-missing"
