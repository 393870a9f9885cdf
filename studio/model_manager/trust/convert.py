"""Writing the tensors of a torch file as safetensors, piece by piece, so that memory stays flat.

Each name keeps its own numbers in the result, also where names share them in the source (tied weights): the format
has no sharing, and a loader that does not tie would miss them. Which names share is written into the metadata.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from studio.core.errors import AtelierError, from_os_error
from studio.model_manager.trust import torch_file
from studio.model_manager.trust.reading import CUT_OFF, open_plain, refused
from studio.model_manager.trust.safetensors_file import BITS
from studio.model_manager.trust.torch_file import TorchFile, bytes_of, is_contiguous
from studio.model_manager.trust.torch_names import TensorView

if TYPE_CHECKING:
    import numpy

PIECE = 4 << 20

Report = Callable[[int, int], None]


def convert(path: Path, target: Path, report: Report) -> TorchFile:
    """Write the tensors of the torch file at `path` to the new file `target`, on disk when this returns. `report`
    gets (bytes written, bytes in all). Raises `AtelierError` in words; what was written of `target` is then left to
    the caller."""
    source = torch_file.read(path)
    if source.found:
        raise AtelierError("pickle-refused", {"name": path.name, "found": list(source.found)})
    total = sum(map(bytes_of, source.tensors.values()))
    order = sorted(source.tensors, key=lambda name: (-BITS[source.tensors[name].dtype], name))
    try:
        if shutil.disk_usage(target.parent).free < total:
            raise AtelierError("import-no-room", {"name": path.name, "path": str(target.parent)}, f"{total} bytes")
        with open_plain(path) as stream, target.open("xb") as result:
            result.write(_header(source, order))
            done = 0
            for name in order:
                for piece in _pieces(path, stream, source, source.tensors[name]):
                    result.write(piece)
                    done += len(piece)
                    report(done, total)
            result.flush()
            os.fsync(result.fileno())
    except OSError as error:
        raise from_os_error(error, target) from error
    return source


def _header(source: TorchFile, order: list[str]) -> bytes:
    at = 0
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **_shared(source)}}
    for name in order:
        tensor = source.tensors[name]
        end = at + bytes_of(tensor)
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _shared(source: TorchFile) -> dict[str, str]:
    groups: dict[TensorView, list[str]] = {}
    for name, tensor in source.tensors.items():
        groups.setdefault(tensor, []).append(name)
    shared = [sorted(names) for names in groups.values() if len(names) > 1]
    return {"shared": json.dumps(sorted(shared), ensure_ascii=False)} if shared else {}


def _pieces(path: Path, stream: BinaryIO, source: TorchFile, tensor: TensorView) -> Iterator[bytes]:
    """The numbers of `tensor` in their usual order, in pieces of at most about `PIECE` bytes."""
    start, size = source.places[tensor.storage.key]
    if is_contiguous(tensor):
        stream.seek(start + tensor.offset * BITS[tensor.dtype] // 8)
        left = bytes_of(tensor)
        while left:
            piece = stream.read(min(left, PIECE))
            if not piece:
                raise refused(path, CUT_OFF, "the file became shorter while it was read")
            left -= len(piece)
            yield piece
        return
    if bytes_of(tensor):
        yield from _gathered(stream, start, size, tensor)


def _gathered(stream: BinaryIO, start: int, size: int, tensor: TensorView) -> Iterator[bytes]:
    import numpy

    width = BITS[tensor.dtype] // 8
    data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)  # closed when the last view of it is gone
    flat = numpy.frombuffer(data, dtype=f"V{width}", count=size // width, offset=start)[tensor.offset :]
    strides = [stride * width for stride in tensor.strides]
    for part in _parts(numpy.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)):
        yield part.tobytes()


def _parts(view: numpy.ndarray) -> Iterator[numpy.ndarray]:
    if view.nbytes <= PIECE or not view.ndim:
        yield view
    elif view.nbytes // len(view) > PIECE:
        for inner in view:
            yield from _parts(inner)
    else:
        rows = max(1, PIECE // (view.nbytes // len(view)))
        for at in range(0, len(view), rows):
            yield view[at : at + rows]
