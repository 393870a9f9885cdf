"""Converting what torch saved: equal to what torch itself reads, with flat memory, and nothing but tensors."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from studio.core.errors import AtelierError, Cancelled
from studio.model_manager.trust import convert, importing, safetensors_file, torch_file
from studio.model_manager.trust.importing import import_file
from studio.model_manager.trust.inspection import inspect
from studio.model_manager.trust.sandbox import Sandbox

DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8),
    *(torch.uint8, torch.bool, torch.complex64, torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint32),
)

WITHOUT_STORAGE = (torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint32)


def awkward() -> dict[str, torch.Tensor]:
    """One state dict with everything that is unusual and allowed."""
    torch.manual_seed(0)
    base = torch.randn(6, 8)
    tied = torch.randn(5, 3)
    every = {f"dtype.{str(dtype)[6:]}": (torch.rand(3, 2) * 100).to(dtype) for dtype in DTYPES}
    return {
        **every,
        "tied.a": tied,
        "tied.b": tied,
        "view": base[1:4, 2:7],
        "transposed": base.t(),
        "stepped": base[:, ::3],
        "expanded": torch.arange(3.0)[:, None].expand(3, 4),
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "zero_dim": torch.tensor(7.5),
        "empty": torch.empty(0, 4),
        "中文.权重": torch.ones(2),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        "bfloat16.transposed": torch.randn(4, 6).to(torch.bfloat16).t(),
    }


def converted(path: Path) -> dict[str, torch.Tensor]:
    target = path.with_suffix(".safetensors")
    convert.convert(path, target, lambda _done, _total: None)
    safetensors_file.read(target)  # our own check takes what we write
    return load_file(target)


def assert_equal(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape, name
        width = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
        assert torch.equal(found[name].view(width), tensor.detach().contiguous().view(width)), name


@pytest.mark.parametrize("form", ["zip", "row"])
def test_equals_what_torch_reads(tmp_path: Path, form: str) -> None:
    path = tmp_path / "weights.pt"
    saved = awkward()
    if form == "row":  # torch itself cannot read those that have no storage class back from the older form
        saved = {name: tensor for name, tensor in saved.items() if tensor.dtype not in WITHOUT_STORAGE}
    torch.save(saved, path, _use_new_zipfile_serialization=form == "zip")
    assert_equal(converted(path), torch.load(path, weights_only=True))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "weights.pt"
    torch.save(awkward(), path, pickle_protocol=protocol)
    assert_equal(converted(path), awkward())


def test_state_dict_of_a_real_module(tmp_path: Path) -> None:
    module = torch.nn.TransformerDecoderLayer(16, 2, 32)
    path = tmp_path / "module.bin"
    torch.save(module.state_dict(), path)  # an OrderedDict with _metadata
    assert_equal(converted(path), dict(module.state_dict()))


def test_shared_names_are_told(tmp_path: Path) -> None:
    path = tmp_path / "tied.pt"
    torch.save(awkward(), path)
    converted(path)
    metadata = safetensors_file.read(path.with_suffix(".safetensors")).metadata
    assert ["tied.a", "tied.b"] in json.loads(metadata["shared"])


WRAPPED: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({"state_dict": {"w": torch.ones(2)}, "epoch": 3, "optimizer_states": [{"state": {0: torch.ones(9)}}]}, {"w"}),
    ({"params": {"w": torch.zeros(2)}, "params_ema": {"w": torch.ones(2)}}, {"w"}),
    ({"model": {"state_dict": OrderedDict(w=torch.ones(2))}, "hyper_parameters": {"lr": 0.1}}, {"w"}),
    (
        {"image_proj": {"w": torch.ones(2)}, "ip_adapter": {"1.to_k": torch.ones(2)}},
        {"image_proj.w", "ip_adapter.1.to_k"},
    ),
    ({"string_to_param": {"*": torch.ones(2)}, "name": "style", "step": 5}, {"string_to_param.*"}),
)


@pytest.mark.parametrize(("saved", "names"), WRAPPED)
def test_unwraps_what_trainers_save(tmp_path: Path, saved: dict[str, Any], names: set[str]) -> None:
    path = tmp_path / "trained.ckpt"
    torch.save(saved, path)
    found = converted(path)
    assert found.keys() == names and all(torch.equal(tensor, torch.ones(2)) for tensor in found.values())


def test_lists_what_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "trained.ckpt"
    torch.save({"state_dict": {"w": torch.ones(2)}, "epoch": 3, "global_step": 875_000, "hyper_parameters": {}}, path)
    with Sandbox() as child:
        found = inspect(path, child)
    assert found.kind == "pickle" and found.convertible
    assert set(found.dropped) == {"epoch", "global_step", "hyper_parameters"}


def test_a_whole_module_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "module.pt"
    torch.save(torch.nn.Linear(2, 2), path)
    assert "torch.nn.modules.linear.Linear" in torch_file.read(path).found


def test_sparse_and_quantised_tensors_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "sparse.pt"
    torch.save({"w": torch.eye(3).to_sparse()}, path)
    assert any("sparse" in what for what in torch_file.read(path).found)


def test_conjugated_tensors_are_not_taken_for_plain_ones(tmp_path: Path) -> None:
    path = tmp_path / "conj.pt"
    torch.save({"w": torch.ones(2, dtype=torch.complex64).conj()}, path)
    assert torch_file.read(path).found


def test_truncated_at_any_place_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pt"
    for form in (True, False):
        torch.save({"w": torch.arange(200.0)}, whole, _use_new_zipfile_serialization=form)
        data = whole.read_bytes()
        for length in range(0, len(data) - 1, 37):
            path = tmp_path / "part.pt"
            path.write_bytes(data[:length])
            with pytest.raises(AtelierError):
                torch_file.read(path)


def large(path: Path, size: int) -> None:
    torch.save({"a": torch.zeros(size // 8, dtype=torch.float32), "b": torch.zeros(size // 4096, 512).t()}, path)


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """160 MB go through a child whose own memory never reaches 64 MB."""
    path = tmp_path / "large.pt"
    large(path, 160 << 20)
    peaks: list[int] = []

    def watch(_done: int, _total: int) -> None:
        assert child._process is not None
        memory = psutil.Process(child._process.pid).memory_info()
        peaks.append(
            memory.rss - getattr(memory, "shared", 0)
        )  # without the pages of the file, which the system takes back at will

    with Sandbox() as child:
        child.ask("convert", path, writes=1 << 30, seconds=60, report=watch, target=str(tmp_path / "out.safetensors"))
    assert len(peaks) > 5 and max(peaks) < 64 << 20
    assert safetensors_file.read(tmp_path / "out.safetensors").tensors["b"].shape == (512, 40960)


def test_a_conversion_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "large.pt"
    large(path, 64 << 20)
    stop = threading.Event()

    def watch(done: int, total: int) -> None:
        assert 0 <= done <= total
        if done > total // 3:
            stop.set()

    with pytest.raises(Cancelled):
        import_file(path, tmp_path / "models", convert=True, progress=watch, stop=stop)
    assert not list((tmp_path / "models" / "converted").iterdir())


def test_imports_converted(tmp_path: Path) -> None:
    path = tmp_path / "模型 1.5.ckpt"
    torch.save({"state_dict": awkward(), "epoch": 1}, path)
    before = path.read_bytes()
    model = import_file(path, tmp_path / "models", convert=True)
    assert model == tmp_path / "models" / "converted" / "模型 1.5"
    assert_equal(load_file(model / "模型 1.5.safetensors"), torch.load(path, weights_only=True)["state_dict"])
    details = json.loads(importing.details_of(model).read_text(encoding="utf-8"))
    assert details["kind"] == "checkpoint" and details["dropped"] == ["epoch"]
    assert path.read_bytes() == before
    with pytest.raises(AtelierError) as caught:
        import_file(path, tmp_path / "models", convert=True)
    assert caught.value.code == "model-twice" and "模型 1.5" in str(caught.value)


def test_asks_before_converting(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"w": torch.ones(2)}, path)
    with pytest.raises(AtelierError) as caught:
        import_file(path, tmp_path / "models")
    assert caught.value.code == "pickle-unconverted"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
