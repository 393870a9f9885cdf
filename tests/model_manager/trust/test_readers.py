"""The readers of safetensors, GGUF, soundfonts and zips against real files and against every kind of damage."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from studio.core.errors import AtelierError
from studio.model_manager.trust import looking, safetensors_file, soundfonts, torch_file
from tests.fakes.malicious import soundfont

quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@pytest.fixture
def real(tmp_path: Path) -> Path:
    path = tmp_path / "real.safetensors"
    tensors = {
        "a": torch.ones(3, 4),
        "b": torch.ones(2, dtype=torch.bfloat16),
        "c": torch.empty(0, 5),
        "d": torch.tensor(1, dtype=torch.int8),
        "画": torch.ones(2, dtype=torch.float8_e4m3fn),
    }
    save_file(tensors, path, {"title": "Real"})
    return path


def test_reads_what_the_library_writes(real: Path) -> None:
    header = safetensors_file.read(real)
    assert header.metadata == {"title": "Real"} and header.size == real.stat().st_size
    assert {name: (tensor.dtype, tensor.shape) for name, tensor in header.tensors.items()} == {
        "a": ("F32", (3, 4)),
        "b": ("BF16", (2,)),
        "c": ("F32", (0, 5)),
        "d": ("I8", ()),
        "画": ("F8_E4M3", (2,)),
    }


def test_every_dtype_of_the_library_is_known(tmp_path: Path) -> None:
    for number, bits in enumerate(safetensors_file.BITS.items()):
        path = tmp_path / f"{number}.safetensors"
        text = json.dumps({"a": {"dtype": bits[0], "shape": [8], "data_offsets": [0, bits[1]]}}).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(bits[1]))
        assert safetensors_file.read(path).tensors["a"].shape == (8,)
        with safe_open(path, "numpy") as opened:
            assert list(opened.keys()) == ["a"]


@quick
@given(data=st.data())
def test_what_we_accept_the_library_accepts(real: Path, data: st.DataObject) -> None:
    """Bytes of the header are changed at random: ours may be stricter than the library, never laxer."""
    whole = bytearray(real.read_bytes())
    for _change in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, 400))
        whole[at % len(whole)] = data.draw(st.sampled_from(list(b'0123456789{}[]",:\x00\xff aFU')))
    damaged = real.with_name("damaged.safetensors")
    damaged.write_bytes(whole)
    try:
        safetensors_file.read(damaged)
    except AtelierError:
        return
    try:
        with safe_open(damaged, "pt") as opened:
            list(opened.keys())
    except SafetensorError as error:
        pytest.fail(f"the library refuses what we took: {error}")


@pytest.mark.parametrize("suffix", [".safetensors", ".gguf", ".sf2", ".pt"])
def test_any_damage_is_a_refusal_in_words(tmp_path: Path, real: Path, gguf: Path, suffix: str) -> None:
    """Cut off and changed at many places: an answer or an `AtelierError`, and nothing else."""
    font, pickle = tmp_path / "font.sf2", tmp_path / "weights.pt"
    font.write_bytes(soundfont())
    torch.save({"a": torch.ones(3)}, pickle)
    whole = {".safetensors": real, ".gguf": gguf, ".sf2": font, ".pt": pickle}[suffix].read_bytes()
    damaged = tmp_path / f"damaged{suffix}"
    refused = 0
    step = max(1, len(whole) // 150)
    for at in range(0, len(whole), step):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        for content in (whole[:at], bytes(changed)):
            damaged.write_bytes(content)
            try:
                looking.look(damaged)
            except AtelierError as error:
                refused += 1
                assert "…" not in str(error)
    assert refused > 75


def test_reads_a_soundfont(tmp_path: Path) -> None:
    path = tmp_path / "piano.sf2"
    path.write_bytes(soundfont(name=b"Grand Piano"))
    found = soundfonts.read(path)
    assert found == soundfonts.Soundfont("Grand Piano", "sf2", 1, 1, path.stat().st_size)


def test_reads_a_compressed_soundfont(tmp_path: Path) -> None:
    """The places of SF3's samples are in bytes, and twice as far would be behind the end."""
    path = tmp_path / "piano.sf3"
    plain = soundfont(sample_end=200)
    row = plain.index(b"Sine")
    compressed = bytearray(plain)
    struct.pack_into("<H", compressed, row + 44, 0x11)
    path.write_bytes(compressed)
    assert soundfonts.read(path).version == "sf3"
    path.write_bytes(plain)
    with pytest.raises(AtelierError):
        soundfonts.read(path)


def test_what_lies_behind_the_pickle_of_an_older_file_is_not_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "row.pt"
    torch.save({"a": torch.arange(4.0)}, path, _use_new_zipfile_serialization=False)
    found = torch_file.read(path)
    start, size = found.places[found.tensors["a"].storage.key]
    assert struct.unpack("<4f", path.read_bytes()[start : start + size]) == (0.0, 1.0, 2.0, 3.0)
