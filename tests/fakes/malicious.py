"""Files that were made to do harm, or that no real program would write. Each is small on disk and harmless here: what
would run only makes a file called `canary`.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Maker = Callable[[Path, Path], Path]


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"echo ran > '{self._canary}'",)


def canary_of(folder: Path) -> Path:
    return folder / "canary"


def reduce_pickle(folder: Path, canary: Path) -> Path:
    return _write(folder / "reduce.pkl", pickle.dumps({"weights": Payload(canary)}))


def old_reduce_pickle(folder: Path, canary: Path) -> Path:
    """Protocol 0: all text, no mark of a pickle at its beginning."""
    return _write(folder / "old.ckpt", pickle.dumps([Payload(canary)], protocol=0))


def instance_pickle(folder: Path, canary: Path) -> Path:
    """The INST opcode, which calls without REDUCE."""
    return _write(folder / "inst.bin", f"(S'echo ran > {canary}'\nios\nsystem\n.".encode())


def object_pickle(folder: Path, canary: Path) -> Path:
    """The OBJ opcode, which calls what lies on the stack."""
    return _write(folder / "obj.pt", f"(cbuiltins\nexec\nS'open({str(canary)!r}, chr(119))'\no.".encode())


def stack_global_pickle(folder: Path, canary: Path) -> Path:
    """The module and the name come from the memo in pieces that no search for GLOBAL finds."""
    words = [_text("os"), b"\x94", _text("system"), b"\x94", b"00", b"h\x00", b"h\x01", b"\x93"]
    return _write(folder / "stack.pt", b"\x80\x04" + b"".join(words) + _text(f"echo ran > '{canary}'") + b"\x85R.")


def builtins_pickle(folder: Path, canary: Path) -> Path:
    """`getattr` put together from builtins, as in escapes from sandboxes."""
    text = f"cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR(S'echo ran > {canary}'\ntR."
    return _write(folder / "getattr.pth", text.encode())


def extension_pickle(folder: Path, canary: Path) -> Path:
    return _write(folder / "extension.pt", b"\x80\x02\x82\x01.")


def late_pickle(folder: Path, canary: Path) -> Path:
    """Plain tensors as torch writes them, and a payload that comes after them in the same table."""
    from collections import OrderedDict

    import torch

    path = folder / "late.ckpt"
    torch.save({"state_dict": OrderedDict(weight=torch.ones(4)), "callbacks": Payload(canary)}, path)
    return path


def nested_pickle(folder: Path, canary: Path) -> Path:
    """A sound torch file with a second pickle beside its own."""
    import torch

    path = folder / "nested.pt"
    torch.save({"weight": torch.ones(4)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("nested/extra.pkl", pickle.dumps(Payload(canary)))
    return path


def bytes_pickle(folder: Path, canary: Path) -> Path:
    """torch's own function that unpickles the bytes it is given."""
    inner = pickle.dumps(Payload(canary), protocol=2)
    data = b"\x80\x04ctorch.storage\n_load_from_bytes\n" + b"B" + struct.pack("<I", len(inner)) + inner + b"\x85R."
    return _write(folder / "bytes.pt", data)


def laughing_pickle(folder: Path, canary: Path) -> Path:
    """A billion laughs: each list holds the one before it ten times."""
    data = b"\x80\x02]q\x00" + b"".join(
        b"](" + b"h" + bytes([level]) + (b"h" + bytes([level])) * 9 + b"eq" + bytes([level + 1]) for level in range(200)
    )
    return _write(folder / "laughs.pkl", data + b".")


def hashing_pickle(folder: Path, canary: Path) -> Path:
    """A key whose hash takes for ever: pairs of pairs of pairs."""
    data = b"\x80\x02}" + b"K\x01" + b"2\x86" * 200 + b"K\x02s."
    return _write(folder / "hash.pkl", data)


def deep_pickle(folder: Path, canary: Path) -> Path:
    return _write(folder / "deep.pkl", b"\x80\x02" + b"]" * 300_000 + b"a" * 299_999 + b".")


def long_pickle(folder: Path, canary: Path) -> Path:
    """Claims a text of 2^60 bytes."""
    return _write(folder / "long.pkl", b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"x.")


def swelling_tensor(folder: Path, canary: Path) -> Path:
    """One number that claims to be a tensor of 2^40: its stride is 0."""
    import torch

    path = folder / "swell.pt"
    torch.save({"weight": torch.zeros(1).expand(1 << 20, 1 << 20)}, path)
    return path


def reaching_tensor(folder: Path, canary: Path) -> Path:
    """A tensor that begins behind the end of its storage."""
    import torch

    path = folder / "reach.pt"
    torch.save({"weight": torch.arange(100.0)[10:20]}, path)
    data = path.read_bytes()
    # The offset (K\n = BININT1 10) is made 250; the sum over the entry is not looked at by any reader of tensors.
    return _write(path, data.replace(b"QK\nK\n\x85", b"QK\xfaK\n\x85", 1))


def zip_bomb(folder: Path, canary: Path) -> Path:
    path = folder / "bomb.ckpt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("archive/data/0", bytes(200 << 20))
    return path


def overlapping_zip(folder: Path, canary: Path) -> Path:
    """Many names in the table of contents for the same bytes."""
    path = folder / "overlap.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("archive/data/0", bytes(1000))
        first = archive.infolist()[1]
        for number in range(1, 50):
            info = zipfile.ZipInfo(f"archive/data/{number}")
            info.header_offset, info.file_size, info.compress_size, info.CRC = (
                first.header_offset,
                1000,
                1000,
                first.CRC,
            )
            archive.filelist.append(info)
    return path


def nested_zip(folder: Path, canary: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("more.zip", b"PK\x03\x04")
    return _torch_zip(folder / "matryoshka.pt", {"archive/inner.zip": inner.getvalue()})


def traversing_zip(folder: Path, canary: Path) -> Path:
    return _torch_zip(folder / "traverse.pt", {"archive/../../../canary": b"ran"})


def absolute_zip(folder: Path, canary: Path) -> Path:
    return _torch_zip(folder / "absolute.pt", {str(canary): b"ran"})


def linking_zip(folder: Path, canary: Path) -> Path:
    info = zipfile.ZipInfo("archive/data/0")
    info.external_attr = 0o120777 << 16
    path = folder / "link.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr(info, "/etc/passwd")
    return path


def crowded_zip(folder: Path, canary: Path) -> Path:
    """Claims a table of contents of 4 GB."""
    path = _torch_zip(folder / "crowded.pt", {})
    data = bytearray(path.read_bytes())
    end = data.rfind(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 12, 0xFFFFFFF0)
    return _write(path, bytes(data))


def torchscript(folder: Path, canary: Path) -> Path:
    return _torch_zip(folder / "script.pt", {"archive/code/__torch__.py": b"import os", "archive/constants.pkl": b"N."})


def huge_header(folder: Path, canary: Path) -> Path:
    return _write(folder / "header.safetensors", struct.pack("<Q", 1 << 63) + b"{}" + bytes(100))


def long_header(folder: Path, canary: Path) -> Path:
    """A header of 99 MB that the file does not have."""
    return _write(folder / "long.safetensors", struct.pack("<Q", 99 << 20) + b'{"a":')


def overlapping_tensors(folder: Path, canary: Path) -> Path:
    tensors = {"a": ("F32", [4], 0, 16), "b": ("F32", [4], 8, 24)}
    return _safetensors(folder / "overlap.safetensors", tensors, 24)


def hole_between_tensors(folder: Path, canary: Path) -> Path:
    return _safetensors(folder / "hole.safetensors", {"a": ("U8", [4], 0, 4), "b": ("U8", [4], 8, 12)}, 12)


def trailing_data(folder: Path, canary: Path) -> Path:
    return _safetensors(folder / "trail.safetensors", {"a": ("U8", [4], 0, 4)}, 4, behind=b"#!/bin/sh\n")


def overflowing_shape(folder: Path, canary: Path) -> Path:
    tensors = {"a": ("F32", [1 << 32, 1 << 32], 0, 0)}
    return _safetensors(folder / "overflow.safetensors", tensors, 0)


def unknown_dtype(folder: Path, canary: Path) -> Path:
    return _safetensors(folder / "dtype.safetensors", {"a": ("Q99", [4], 0, 4)}, 4)


def negative_offset(folder: Path, canary: Path) -> Path:
    return _safetensors(folder / "negative.safetensors", {"a": ("U8", [4], -4, 0)}, 0)


def deep_json(folder: Path, canary: Path) -> Path:
    text = b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"
    return _write(folder / "deep.safetensors", struct.pack("<Q", len(text)) + text)


def duplicate_keys(folder: Path, canary: Path) -> Path:
    row = b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
    text = b"{" + row + b"," + row + b"}"
    return _write(folder / "twice.safetensors", struct.pack("<Q", len(text)) + text + b"\0")


def greedy_json(folder: Path, canary: Path) -> Path:
    """27 MB of empty lists, which take twenty times the memory."""
    text = b'{"a":[' + b"[]," * 9_000_000 + b"[]]}"
    return _write(folder / "greedy.safetensors", struct.pack("<Q", len(text)) + text)


def pickle_as_safetensors(folder: Path, canary: Path) -> Path:
    return _write(folder / "wolf.safetensors", pickle.dumps({"weights": Payload(canary)}))


def zip_as_safetensors(folder: Path, canary: Path) -> Path:
    return nested_pickle(folder, canary).rename(folder / "sheep.safetensors")


def gguf_of_many(folder: Path, canary: Path) -> Path:
    return _write(folder / "many.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0) + bytes(64))


def gguf_of_nests(folder: Path, canary: Path) -> Path:
    """Arrays in arrays in arrays."""
    key = struct.pack("<Q", 1) + b"a"
    data = struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 1000
    return _write(folder / "nests.gguf", b"GGUF" + data)


def gguf_of_long_text(folder: Path, canary: Path) -> Path:
    data = struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", (1 << 64) - 1) + b"a"
    return _write(folder / "text.gguf", b"GGUF" + data)


def soundfont_of_wrong_sizes(folder: Path, canary: Path) -> Path:
    body = b"sfbk" + b"LIST" + struct.pack("<I", 0xFFFFFFF0) + b"INFO"
    return _write(folder / "sizes.sf2", b"RIFF" + struct.pack("<I", len(body)) + body)


def soundfont_of_wrong_rows(folder: Path, canary: Path) -> Path:
    return _write(folder / "rows.sf2", soundfont(bag=500))


def soundfont_of_far_sample(folder: Path, canary: Path) -> Path:
    return _write(folder / "sample.sf2", soundfont(sample_end=1 << 30))


def fifo(folder: Path, canary: Path) -> Path:
    path = folder / "pipe.safetensors"
    os.mkfifo(path)
    return path


def device(folder: Path, canary: Path) -> Path:
    """A name that leads to a device without end."""
    path = folder / "zero.ckpt"
    path.symlink_to("/dev/zero")
    return path


def sparse_terabyte(folder: Path, canary: Path) -> Path:
    path = folder / "sparse.safetensors"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    return path


def sparse_pickle(folder: Path, canary: Path) -> Path:
    """The first line of an old pickle goes on for a terabyte."""
    path = folder / "sparse.ckpt"
    with path.open("wb") as stream:
        stream.write(b"c")
        stream.truncate(1 << 40)
    return path


def traversing_index(folder: Path, canary: Path) -> Path:
    """A repository whose index says that weights lie outside of it."""
    repository = folder / "repository"
    repository.mkdir()
    _write(repository / "config.json", b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    table = {"weight_map": {"a": "../../../etc/passwd"}}
    _write(repository / "model.safetensors.index.json", json.dumps(table).encode())
    _safetensors(repository / "model.safetensors", {"a": ("U8", [4], 0, 4)}, 4)
    return repository


# All that must be refused; what `inspect` finds in a pickle is told instead of raised.
REFUSED: tuple[Maker, ...] = (
    *(laughing_pickle, hashing_pickle, deep_pickle, long_pickle, swelling_tensor, reaching_tensor),
    *(zip_bomb, overlapping_zip, traversing_zip, absolute_zip, linking_zip, crowded_zip),
    *(huge_header, long_header, overlapping_tensors, hole_between_tensors, trailing_data, overflowing_shape),
    *(unknown_dtype, negative_offset, deep_json, duplicate_keys, pickle_as_safetensors),
    *(zip_as_safetensors, gguf_of_many, gguf_of_nests, gguf_of_long_text, soundfont_of_wrong_sizes),
    *(soundfont_of_wrong_rows, soundfont_of_far_sample, device, sparse_terabyte, sparse_pickle, traversing_index),
    *((fifo,) if hasattr(os, "mkfifo") else ()),
)
# Those that end at a limit, and their reader with them.
LIMITED: tuple[Maker, ...] = (greedy_json,)
# (maker, what must be named)
TOLD: tuple[tuple[Maker, str], ...] = (
    (reduce_pickle, "os.system"),
    (old_reduce_pickle, "os.system"),
    (instance_pickle, "os.system"),
    (object_pickle, "builtins.exec"),
    (stack_global_pickle, "os.system"),
    (builtins_pickle, "builtins.getattr"),
    (extension_pickle, "copyreg.extension 1"),
    (late_pickle, "os.system"),
    (nested_pickle, "os.system"),
    (bytes_pickle, "torch.storage._load_from_bytes"),
    (nested_zip, "archive/inner.zip"),
    (torchscript, "archive/code/__torch__.py"),
)


def soundfont(*, bag: int = 0, sample_end: int = 64, name: bytes = b"Tiny Piano") -> bytes:
    """A sound SF2 of one preset, one instrument and one sample of 64 zeros, or a wrong one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    def rows(form: str, *values: tuple[Any, ...]) -> bytes:
        return b"".join(struct.pack(form, *row) for row in values)

    tables = {
        b"phdr": rows("<20s3H3I", (b"Piano", 0, 0, 0, 0, 0, 0), (b"EOP", 0, 0, 1 + bag, 0, 0, 0)),
        b"pbag": rows("<2H", (0, 0), (1, 0)),
        b"pmod": bytes(10),
        b"pgen": rows("<2H", (41, 0), (0, 0)),
        b"inst": rows("<20sH", (b"Piano", 0), (b"EOI", 1)),
        b"ibag": rows("<2H", (0, 0), (1, 0)),
        b"imod": bytes(10),
        b"igen": rows("<2H", (53, 0), (0, 0)),
        b"shdr": rows(
            "<20s5IBb2H",
            (b"Sine", 0, sample_end, 8, 56, 22050, 60, 0, 0, 1),
            (b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ),
    }
    info = chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<2H", 2, 1)) + chunk(b"INAM", name + b"\0"))
    sound = chunk(b"LIST", b"sdta" + chunk(b"smpl", bytes(2 * (64 + 46))))
    data = chunk(b"LIST", b"pdta" + b"".join(chunk(kind, table) for kind, table in tables.items()))
    return chunk(b"RIFF", b"sfbk" + info + sound + data)


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _text(text: str) -> bytes:
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data


def _torch_zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickletools.optimize(pickle.dumps({}, protocol=2)))
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


Row = tuple[str, list[int], int, int]


def _safetensors(path: Path, tensors: dict[str, Row], size: int, behind: bytes = b"") -> Path:
    header = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        for name, (dtype, shape, begin, end) in tensors.items()
    }
    text = json.dumps(header).encode()
    return _write(path, struct.pack("<Q", len(text)) + text + bytes(size) + behind)
