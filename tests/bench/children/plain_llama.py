"""llama.cpp called by hand: answers each line of JSON (a completion request) with what it took.

Arguments: the file, then a JSON object with `n_ctx` and, where they are not the library's own, `n_threads`,
`n_threads_batch` and `n_batch`.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import xllamacpp


def main(path: str, settings: dict[str, Any]) -> None:
    library: Any = xllamacpp
    params = library.CommonParams()
    params.model.path = path
    params.n_ctx = settings["n_ctx"]
    params.n_parallel = 1
    params.cpuparams.n_threads = settings.get("n_threads", params.cpuparams.n_threads)
    params.cpuparams_batch.n_threads = settings.get("n_threads_batch", params.cpuparams_batch.n_threads)
    params.n_batch = settings.get("n_batch", params.n_batch)
    params.n_ubatch = settings.get("n_batch", params.n_ubatch)
    params.fit_params = False
    params.cache_ram_mib = 0
    params.verbosity = 1
    params.ui = False
    server = library.Server(params)
    for line in sys.stdin:
        print(json.dumps(_answer(server, json.loads(line))), flush=True)


def _answer(server: Any, request: dict[str, Any]) -> dict[str, Any]:
    pieces: list[str] = []
    last: dict[str, Any] = {}
    first = 0.0

    def hear(chunk: dict[str, Any]) -> bool:
        nonlocal first, last
        first = first or time.perf_counter()
        pieces.append(chunk["choices"][0]["text"])
        last = chunk
        return False

    began = time.perf_counter()
    server.handle_completions({**request, "stream": True}, hear)
    ended = time.perf_counter()
    timings = last["timings"]
    return {
        "seconds": ended - began,
        "first": first - began,
        "tokens": last["usage"]["completion_tokens"],
        "text": "".join(pieces),
        "tokens_per_second": timings["predicted_per_second"],
        "prompt_seconds": timings["prompt_ms"] / 1000,
    }


main(sys.argv[1], json.loads(sys.argv[2]))
