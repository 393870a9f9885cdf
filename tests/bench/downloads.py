"""A gigabyte from a hub on loopback: through the models child, and as plain huggingface_hub fetches it."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from studio.client.local_models import LocalModels
from studio.core.messages import ActivityChanged, Message
from tests.bench.figures import Bench, Figure, figure, median
from tests.fakes.hub import HubProcess

SIZE = 1_000_000_000
RUNS = 3
RATIO, MEMORY = 0.70, 300.0
_MODEL = "ada/large"
_WEIGHTS = "model.safetensors"
_PATIENCE = 300.0


def measure(bench: Bench) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="downloads-", dir=bench.home) as folder:
        place = Path(folder)
        _make(place / "repository", SIZE // 10 if bench.quick else SIZE)
        with HubProcess({_MODEL: place / "repository"}) as hub:
            ours, plain, memory = [], [], []
            for _run in range(1 if bench.quick else RUNS):
                plain.append(_plain(bench, hub.url, place / "cache"))
                seconds, peak = _ours(bench, hub.url, place / "cache")
                ours.append(seconds)
                memory.append(peak)
        size = (place / "repository" / _WEIGHTS).stat().st_size / 1e6
        ratios = [theirs / mine for theirs, mine in zip(plain, ours, strict=True)]
        yield figure("speed beside a plain download, verified on arrival", ratios, "×", target=RATIO, at_least=True)
        yield figure("speed", [size / run for run in ours], "MB/s", 0, plain=round(size / median(plain)))
        yield figure("memory of the models child at most", memory, "MB", 0, target=MEMORY)


def _make(folder: Path, size: int) -> None:
    """A repository that is taken for a Llama; its weights are noise."""
    folder.mkdir()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 512}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    noise = random.Random(1)
    with (folder / _WEIGHTS).open("wb") as stream:
        stream.write(len(header).to_bytes(8, "little") + header)
        for _block in range(size // 1_000_000):
            stream.write(noise.randbytes(1_000_000))


def _plain(bench: Bench, url: str, cache: Path) -> float:
    shutil.rmtree(cache, ignore_errors=True)
    told = bench.child("plain_download", _MODEL, HF_ENDPOINT=url, HF_HUB_CACHE=str(cache))
    return float(told["seconds"])


def _ours(bench: Bench, url: str, cache: Path) -> tuple[float, float]:
    """(seconds, megabytes of memory at most)."""
    shutil.rmtree(cache, ignore_errors=True)
    shutil.rmtree(bench.home / "data" / "models" / "manifests", ignore_errors=True)
    with _environment(ATELIER_HOME=str(bench.home), HF_ENDPOINT=url, HF_HUB_CACHE=str(cache)):
        client = LocalModels()
        ended, peak = threading.Event(), 0

        def listen(message: Message) -> None:
            nonlocal peak
            if isinstance(message, ActivityChanged):
                if client.pid:
                    peak = max(peak, psutil.Process(client.pid).memory_info().rss)
                if message.activity["state"] in ("done", "failed"):
                    ended.set()

        client.subscribe(listen)
        try:
            client.models().result(_PATIENCE)
            began = time.perf_counter()
            activity = client.download(_MODEL).result(_PATIENCE)
            if not ended.wait(_PATIENCE) or client.activities[activity].failure:
                raise RuntimeError(f"the download did not arrive: {client.activities[activity]}")
            return time.perf_counter() - began, peak / 1e6
        finally:
            client.stop()


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
