"""Kokoro called by hand as its package does, sentence by sentence: answers each line of JSON ({"phonemes": [[…]]}) with
what it took. Argument: the folder with its files.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime


def main(folder: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, os.cpu_count() or 1)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    styles = np.load(folder / "voices.npz")["jm_kumo"]
    for line in sys.stdin:
        began = time.perf_counter()
        frames = 0
        for signs in json.loads(line)["phonemes"]:
            ids = [vocabulary[sign] for sign in signs if sign in vocabulary]
            feeds = {
                "tokens": np.array([[0, *ids, 0]], np.int64),
                "style": styles[len(ids) - 1].reshape(1, 256),
                "speed": np.ones(1, np.float32),
            }
            frames += session.run(None, feeds)[0].size  # type: ignore[union-attr]
        print(json.dumps({"seconds": time.perf_counter() - began, "sound": frames / 24_000}), flush=True)


main(Path(sys.argv[1]))
