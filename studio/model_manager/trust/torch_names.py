"""What the names in a torch file stand for, as descriptions: storages, dtypes, and the few functions of torch that put
a plain tensor together. Nothing is looked up in torch itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STORAGES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
    "UntypedStorage": "U8",
}
DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
}
# What trainers leave beside the tensors and what means nothing without being called: kept as a name, then dropped.
_LEFTOVERS = frozenset(
    {
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint",
        "collections.defaultdict",
        "builtins.set",
        "builtins.dict",
        "builtins.list",
        "builtins.int",
        "builtins.float",
        "builtins.complex",
        "builtins.slice",
        "_codecs.encode",
        "numpy.dtype",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "torch.Size",
        "torch.device",
        "argparse.Namespace",
        "datetime.datetime",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
    }
)
_HOMES = {"posix": "os", "nt": "os", "__builtin__": "builtins", "commands": "subprocess"}


@dataclass(frozen=True)
class Global:
    """A name that the file refers to; never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{_HOMES.get(self.module, self.module)}.{self.name}"


@dataclass(frozen=True)
class Storage:
    """A run of `count` numbers of one `dtype` (safetensors' name), kept under `key` beside the pickle."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class TensorView:
    """A tensor of a storage; `offset` and `strides` in numbers of `dtype`."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Opaque:
    """Something that is no tensor and was not made; it takes in whatever the file adds to it."""


class NotPlain(Opaque):
    """A tensor of a kind that safetensors has no place for; `what` names it."""

    def __init__(self, what: str) -> None:
        self.what = what


class Wrong(Exception):
    """The file says something that no torch wrote."""


def plain_key(key: Any) -> Any:
    """A key that is cheap to look up: hashing what a file has nested can take for ever."""
    plain = isinstance(key, str | int | float | bytes | Global) or key is None
    return key if plain else f"<{type(key).__name__} {id(key)}>"


def is_known(value: Global) -> bool:
    name = str(value)
    if value.module == "torch" and (value.name in STORAGES or value.name in DTYPES):
        return True
    return name in _LEFTOVERS or f"{value.module}.{value.name}" in MAKERS or name == "torch.storage.UntypedStorage"


def storage_of(identity: Any) -> Storage:
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        raise Wrong("an unknown kind of reference")
    _word, kind, key, _location, count, *view = identity
    if not isinstance(kind, Global) or kind.name not in STORAGES or not kind.module.startswith("torch"):
        raise Wrong("a storage of an unknown kind")
    if not isinstance(key, str) or not key.isalnum() or type(count) is not int or count < 0 or any(view):
        raise Wrong("a storage without a sound key and size")
    return Storage(key, STORAGES[kind.name], count)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Any:
    """torch._utils._rebuild_tensor and _rebuild_tensor_v2: (requires_grad, backward_hooks, metadata)."""
    if len(rest) > 2 and rest[2]:
        return NotPlain("torch.conj, torch.neg")
    return _view(storage, offset, shape, strides, storage.dtype if isinstance(storage, Storage) else "")


def _typed_tensor(storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, dtype: Any, *rest: Any):
    """torch._utils._rebuild_tensor_v3, for dtypes that have no storage class of their own."""
    if not isinstance(dtype, Global) or dtype.module != "torch" or dtype.name not in DTYPES:
        raise Wrong("a tensor of an unknown dtype")
    if any(rest):
        return NotPlain("torch.conj, torch.neg")
    return _view(storage, offset, shape, strides, DTYPES[dtype.name])


def _view(storage: Any, offset: Any, shape: Any, strides: Any, dtype: str) -> TensorView:
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or not all(type(number) is int and number >= 0 for number in numbers):
        raise Wrong("a tensor without a sound storage and shape")
    if len(shape) != len(strides) or len(shape) > 32:
        raise Wrong("a tensor whose shape and strides differ")
    return TensorView(storage, dtype, offset, tuple(shape), tuple(strides))


def _parameter(data: Any, *_rest: Any) -> Any:
    return data


def _ordered_dict(*arguments: Any) -> dict[Any, Any]:
    pairs = arguments[0] if arguments else []
    if not isinstance(pairs, list | tuple) or not all(isinstance(pair, list | tuple) for pair in pairs):
        raise Wrong("an ordered table without pairs")
    return {plain_key(key): value for key, value in pairs}


MAKERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "collections.OrderedDict": _ordered_dict,
}
