"""A family that does at once what real ones do rarely: for the real engine child, given as one of its `families`.

`install` makes a model of it that the catalogue finds. What a job does is its `act`; see `run`.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import AtelierError
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Integer, Number, Seed, Text
from studio.core.protocols import Context, Device, Family, ModelFiles

if TYPE_CHECKING:
    from tests.fakes.fake_context import FakeContext

MODULE = "tests.fakes.stub_family"
MODEL = "imported/stub"

SPEC = Family(
    id="stub",
    version=1,
    medium=Medium.TEXT,
    title="Stub",
    tasks=(Task.CONTINUE,),
    params=(
        Text(id="act", label="Act", default="write"),
        Text(id="prompt", label="Prompt", default="a prompt"),
        Integer(id="count", label="Count", default=5, maximum=1_000_000),
        Integer(id="size", label="Size", default=1000, maximum=100_000_000),
        Number(id="seconds", label="Seconds", default=0.0, maximum=1000.0),
        Seed(),
    ),
    formats=(".txt",),
)


def install(models_dir: Path, name: str = "stub", **config: Any) -> str:
    """Put a model of this family into a models folder; returns its id. `config`: `load_seconds`, `memory` in bytes,
    `broken` (it cannot be loaded)."""
    folder = models_dir / "imported" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "atelier-stub", **config}), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    return f"imported/{name}"


def request(act: str = "write", *, model: str = MODEL, keep: bool = True, **params: Any) -> Request:
    """A request for this family."""
    return Request(Medium.TEXT, "stub", model, Task.CONTINUE, {"act": act, "seed": 1, **params}, keep=keep)


def play(request: Request, ctx: FakeContext) -> list[Artifact]:
    """The same for the fake engine."""
    request = SPEC.check(request)
    if request.params["act"] == "abort":
        ctx.crash()
    elif request.params["act"] in ("deaf", "crawl"):
        ctx.hang()
        request = request.with_params(seconds=0.0)
    return run({"hungry": 0}, request, ctx)


def recognises(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") == "atelier-stub"


def estimate(files: ModelFiles, device: Device) -> int:
    return int(files.config.get("memory", 1000))


def load(files: ModelFiles, device: Device) -> dict[str, Any]:
    time.sleep(files.config.get("load_seconds", 0.0))
    if files.config.get("broken"):
        raise ValueError("the weights make no sense")
    return {"hungry": 0}


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    return params


def count_tokens(model: dict[str, Any], request: Request) -> dict[str, int]:
    return {"prompt": len(request.params["prompt"].split()), "context": 2048}


def run(model: dict[str, Any], request: Request, ctx: Context) -> list[Artifact]:
    """`write`: `count` pieces of text, `seconds` apart. `copy`: writes its input. `print`: to stdout. `audio`,
    `previews`: `count` of `size` bytes. `sleep`: for `seconds`. `deaf`: as long, without ever listening; `crawl`: that
    between two words. `hungry`: memory runs out the first time; `greedy`: always; `swallow`: really, at a limit it
    sets itself. `unthread`: a thread of the engine falls. `poison`: a fault that a device does not survive."""
    params = request.params
    act, count, seconds = params["act"], params["count"], params["seconds"]
    if act == "abort":
        os.abort()
    elif act == "raise":
        raise RuntimeError("a fault in a library")
    elif act == "poison":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    elif act == "refuse":
        raise AtelierError("context-full", {"count": 9, "limit": 8})
    elif act == "full":
        ctx.write("half.txt", b"finished before it", "text/plain", {})
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")
    elif act == "deaf":
        time.sleep(seconds)
    elif act == "crawl":
        ctx.text("one")
        time.sleep(seconds)
        ctx.text("two")
    elif act == "sleep":
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ctx.check_cancel()
            time.sleep(0.01)
    elif act == "hungry":
        model["hungry"] += 1
        if model["hungry"] == 1:
            raise MemoryError
    elif act == "greedy":
        raise MemoryError
    elif act == "swallow":
        _swallow()
    elif act == "print":
        print("from Python", flush=True)
        os.write(1, b"from native code\n")
    elif act == "unthread":
        threading.Thread(target=_fall, name="engine-stub").start()
        time.sleep(10)
    elif act == "copy":
        return [ctx.write("text.txt", ctx.input("text").read_bytes(), "text/plain", {})]
    elif act == "audio":
        for number in range(count):
            ctx.audio(chunk(number, params["size"]), 24_000, 1)
    elif act == "previews":
        for number in range(count):
            ctx.preview(chunk(number, params["size"]), "image/png")
            ctx.progress(number + 1, count)
    return _write(request, ctx, count if act in ("write", "hungry") else 0, seconds)


def pieces(count: int) -> list[str]:
    """What `write` writes."""
    return [f"{number} " for number in range(count)]


def chunk(number: int, size: int) -> bytes:
    """What `audio` and `previews` send: bytes that tell their number."""
    return (number.to_bytes(4, "little") * (size // 4 + 1))[:size]


def _write(request: Request, ctx: Context, count: int, seconds: float) -> list[Artifact]:
    for number, piece in enumerate(pieces(count), 1):
        ctx.check_cancel()
        ctx.text(piece)
        ctx.usage(written_tokens=number)
        ctx.progress(number, count)
        if seconds:
            time.sleep(seconds)
    if not request.keep:
        return []
    return [ctx.write("text.txt", "".join(pieces(count)).encode(), "text/plain", {"words": count})]


def _fall() -> None:
    raise RuntimeError("a thread that fell")


def _swallow() -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, limits[1]))
    try:
        bytearray(4 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
