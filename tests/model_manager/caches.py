"""Hub caches made on the spot, with models that are a header and some filling."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def gguf_bytes(filling: int = 0, mark: int = 0) -> bytes:
    """A GGUF file that the catalogue recognises: metadata, no tensors, `filling` bytes behind it."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    fields = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("llama.context_length") + struct.pack("<II", 4, 512),
        text("llama.block_count") + struct.pack("<II", 4, 1),
        text("llama.embedding_length") + struct.pack("<II", 4, 8),
        text("llama.attention.head_count") + struct.pack("<II", 4, 1),
        text("tokenizer.ggml.model") + struct.pack("<I", 8) + text("gpt2"),
    ]
    header = b"GGUF" + struct.pack("<IQQ", 3, 0, len(fields)) + b"".join(fields)
    return header + bytes([mark % 256]) * filling


def put(
    hub: Path, repository: str, files: Mapping[str, bytes], commit: str = COMMIT, *, ref: str | None = "main"
) -> Path:
    """`files` as a snapshot in the layout of the Hugging Face cache; returns the snapshot."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    shown = folder / "snapshots" / commit
    shown.mkdir(parents=True, exist_ok=True)
    (folder / "blobs").mkdir(exist_ok=True)
    for name, data in files.items():
        blob = folder / "blobs" / digest(data)
        blob.write_bytes(data)
        place = shown / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(blob, place.parent))
    if ref:
        (folder / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
        (folder / "refs" / ref).write_text(commit)
    return shown


def record(
    models: Path, repository: str, model: str, files: Mapping[str, bytes], verified: set[str], commit: str = COMMIT
) -> Path:
    """Our record of a download of `files`, of which `verified` have arrived."""
    rows = [
        {"name": name, "size": len(data), "sha256": digest(data), "git_sha1": "", "verified": name in verified}
        for name, data in files.items()
    ]
    path = models / "manifests" / f"{repository.replace('/', '--')}@{commit}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"version": 1, "repository": repository, "model": model, "commit": commit, "revision": "main"}
    path.write_text(json.dumps({**data, "files": rows, "complete": len(verified) == len(rows)}))
    return path


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def bytes_below(folder: Path) -> int:
    """What regular files take, each content once."""
    seen = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            seen[(status.st_dev, status.st_ino)] = status.st_size
    return sum(seen.values())
