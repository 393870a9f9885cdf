"""GGUF headers: read rightly, and refused in words when they are absurd."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.core.protocols import ModelFiles
from studio.families import gguf_file
from tests.fakes.tiny_models import build_gguf
from tests.model_manager.caches import gguf_bytes


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return build_gguf(tmp_path_factory.mktemp("gguf")).only(".gguf").read_bytes()


def start(tensors: int = 0, entries: int = 0, version: int = 3, magic: bytes = b"GGUF") -> bytes:
    return magic + struct.pack("<IQQ", version, tensors, entries)


def entry(key: bytes, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + value


def test_a_header_tells_what_the_file_holds(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(whole)
    header = gguf_file.read(path)
    assert header.architecture == "llama"
    assert header.number("context_length") == 512
    assert header.number("no_such_number", 7) == 7
    assert header.skipped["tokenizer.ggml.tokens"] == 384
    assert "tokenizer.ggml.tokens" not in header.metadata
    assert header.metadata["tokenizer.ggml.model"] == "gpt2"
    assert header.tensors == 20
    assert header.parameters * 4 < header.size == len(whole)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GGUF",
        start(magic=b"PK\x03\x04") + bytes(64),
        start(version=1) + bytes(64),
        start(version=0x03000000) + bytes(64),
        start(tensors=2**63) + bytes(64),
        start(entries=2**63) + bytes(64),
        start(entries=1) + struct.pack("<Q", 2**63) + bytes(64),
        start(entries=1) + entry(b"a", 8, struct.pack("<Q", 2**62)) + bytes(64),
        start(entries=1) + entry(b"a", 8, struct.pack("<Q", 1000)) + b"short",
        start(entries=1) + entry(b"a", 77, bytes(64)),
        start(entries=1) + entry(b"a", 9, struct.pack("<IQ", 4, 2**61)) + bytes(64),
        start(entries=1) + entry(b"a", 9, struct.pack("<IQ", 77, 1000)) + bytes(64),
        start(entries=1) + entry(b"a", 9, struct.pack("<IQ", 8, 1000)) + struct.pack("<Q", 2**64 - 9) * 20,
        start(entries=1) + entry(b"a", 9, struct.pack("<IQ", 9, 1) * 40),
        start(entries=1) + entry(b"general.alignment", 4, struct.pack("<I", 0)) + bytes(64),
        start(tensors=1) + struct.pack("<Q", 1) + b"t" + struct.pack("<I", 99) + bytes(900),
        start(tensors=1) + struct.pack("<Q", 1) + b"t" + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0) + bytes(900),
        start(tensors=1) + struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 1000, 0, 0) + bytes(900),
        start(tensors=1) + struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 8, 0, 7) + bytes(900),
        start(tensors=1) + struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 8, 0, 2**64 - 32) + bytes(900),
        start(tensors=1) + struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 8, 2, 0) + bytes(900),
    ],
)
def test_absurd_headers_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "absurd.gguf"
    path.write_bytes(data)
    with pytest.raises(gguf_file.Malformed):
        gguf_file.read(path)
    files = ModelFiles("absurd", "gguf", tmp_path, {path.name: path}, title="Absurd")
    with pytest.raises(AtelierError) as refused:
        gguf_file.require(path, files, True)
    assert refused.value.code == "model-not-readable"
    assert "Absurd" in str(refused.value)


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.gguf"
    with pytest.raises(AtelierError) as refused:
        gguf_file.require(path, ModelFiles("gone", "gguf", tmp_path, {path.name: path}), False)
    assert refused.value.code == "model-files-missing"
    assert refused.value.arguments["files"] == ["gone.gguf"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 11_000), st.integers(0, 255)), max_size=6), st.integers(0, 11_000))
def test_changed_bytes_never_end_in_anything_else(
    whole: bytes, tmp_path: Path, changes: list[tuple[int, int]], kept: int
) -> None:
    data = bytearray(whole if kept % 2 else whole[:kept])
    for at, value in changes:
        if at < len(data):
            data[at] = value
    path = tmp_path / "changed.gguf"
    path.write_bytes(data)
    try:
        header = gguf_file.read(path)
    except gguf_file.Malformed:
        return
    assert header.size == len(data)


def test_parts_of_a_split_model() -> None:
    assert gguf_file.part_names("a.gguf") == ["a.gguf"]
    parts = ["big-00001-of-00003.gguf", "big-00002-of-00003.gguf", "big-00003-of-00003.gguf"]
    assert gguf_file.part_names(parts[1]) == parts
    assert len(gguf_file.part_names("big-00001-of-99999.gguf")) == 999


def test_the_beginning_tells_the_metadata_that_it_holds() -> None:
    data = gguf_bytes(500)
    metadata, whole = gguf_file.beginning(data)
    assert (metadata["general.architecture"], whole) == ("llama", True)
    metadata, whole = gguf_file.beginning(data[:100])
    assert (metadata["general.architecture"], "tokenizer.ggml.model" in metadata, whole) == ("llama", False, False)
    with pytest.raises(gguf_file.Malformed):
        gguf_file.beginning(b"<html>" + data)
