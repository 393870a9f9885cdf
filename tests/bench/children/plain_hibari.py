"""Hibari called by hand: answers each line of JSON ({"text"}) with what it took. Argument: the network's file."""

from __future__ import annotations

import json
import sys
import time

from hibari import Hibari


def main(path: str) -> None:
    voice = Hibari(model=path)
    voice("Warm up.")
    for line in sys.stdin:
        began = time.perf_counter()
        first, frames = 0.0, 0
        for piece in voice.stream(json.loads(line)["text"], seed=1):
            first = first or time.perf_counter() - began
            frames += len(piece)
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "first": first, "sound": frames / voice.sample_rate}), flush=True)


main(sys.argv[1])
